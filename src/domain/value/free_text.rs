//! Free text: at most 16 KiB, lines and inner white space kept.

use super::{Invalid, Plain, text};

const MAX_BYTES: usize = 16 * 1024;

/// Reads free text; empty is a value of its own (C28).
pub(super) fn parse(typed: &str) -> Result<Plain, Invalid> {
    text::multi_line(typed, MAX_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c04_a_service_request_keeps_its_lines() {
        assert_eq!(parse("  Hello,\n\n  my order  \n").unwrap().as_str(), "Hello,\n\n  my order");
        assert_eq!(parse("").unwrap().as_str(), "");
    }

    #[test]
    fn text_over_sixteen_kibibytes_is_refused() {
        assert!(parse(&"x".repeat(MAX_BYTES)).is_ok());
        assert_eq!(parse(&"x".repeat(MAX_BYTES + 1)).unwrap_err().code, "too_long");
        assert_eq!(parse(&" ".repeat(100 * MAX_BYTES)).unwrap_err().code, "too_long");
        assert_eq!(parse("a\u{8}").unwrap_err().code, "control_character");
    }
}
