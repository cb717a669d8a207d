//! A company's name: one line, at most 200 characters.

use super::{Invalid, Plain, text};

const MAX_CHARS: usize = 200;

/// Reads a company name; empty is a value of its own (C28).
pub(super) fn parse(typed: &str) -> Result<Plain, Invalid> {
    text::single_line(typed, MAX_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_name_is_one_line() {
        assert_eq!(parse(" ACME \n GmbH & Co. KG ").unwrap().as_str(), "ACME GmbH & Co. KG");
        assert_eq!(parse("").unwrap().as_str(), "");
        assert_eq!(parse(&"x".repeat(201)).unwrap_err().code, "too_long");
    }
}
