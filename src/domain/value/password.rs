//! A password as typed: 8 to 1024 bytes, NFC so that two keyboards agree (RFC 8265), otherwise untouched.
//!
//! Verify-only (C05): no function of this room ever shows one, plain or masked.

use super::{Invalid, Plain};
use unicode_normalization::UnicodeNormalization;

const BYTES: std::ops::RangeInclusive<usize> = 8..=1024;

/// Reads a password.
pub(super) fn parse(typed: &str) -> Result<Plain, Invalid> {
    let wrong = Invalid::whole("password_length", "Choose a password of 8 to 1024 bytes.");
    if typed.len() > 4 * BYTES.end() {
        return Err(wrong);
    }
    let mut password = Plain::new(String::with_capacity(3 * typed.len()));
    password.extend(typed.nfc());
    if BYTES.contains(&password.len()) { Ok(password) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c05_a_password_is_kept_as_typed_but_for_composition() {
        assert_eq!(parse("  hunter2 \t2 ").unwrap().as_str(), "  hunter2 \t2 ");
        assert_eq!(parse("passwo\u{308}rd").unwrap().as_str(), "passw\u{f6}rd");
        assert_eq!(parse("Ｐａｓｓ").unwrap().as_str(), "Ｐａｓｓ");
    }

    #[test]
    fn a_password_outside_its_length_is_refused() {
        for bad in ["", "1234567", &"x".repeat(1025), &"x".repeat(100_000)] {
            assert_eq!(parse(bad).unwrap_err().code, "password_length");
        }
        assert!(parse(&"x".repeat(1024)).is_ok());
    }
}
