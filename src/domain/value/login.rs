//! A login name: one line of 1 to 128 characters, searched exactly (C05).

use super::{Invalid, Plain, text};

const MAX_CHARS: usize = 128;

/// Reads a login name.
pub(super) fn parse(typed: &str) -> Result<Plain, Invalid> {
    text::required_line(typed, MAX_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c05_a_login_has_one_to_128_characters() {
        assert_eq!(parse(" ada ").unwrap().as_str(), "ada");
        assert!(parse(&"ü".repeat(128)).is_ok());
        assert_eq!(parse("").unwrap_err().code, "empty");
        assert_eq!(parse("\t \n").unwrap_err().code, "empty");
        assert_eq!(parse(&"ü".repeat(129)).unwrap_err().code, "too_long");
    }
}
