//! A person's name: one line, at most 200 characters. Nothing is assumed about its shape or script.

use super::{Invalid, Plain, text};

const MAX_CHARS: usize = 200;

/// Reads a name; empty is a value of its own (C28).
pub(super) fn parse(typed: &str) -> Result<Plain, Invalid> {
    text::single_line(typed, MAX_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c01_names_of_any_script_are_kept() {
        for name in [
            "Ada Lovelace",
            "王小明",
            "O'Neil-Смирнов",
            "محمد",
            "X Æ A-12",
            "Jr.",
            "Null",
            "",
            "Robert'); DROP",
        ] {
            assert_eq!(parse(name).unwrap().as_str(), name);
        }
        assert_eq!(parse("e\u{301}\u{1f600}").unwrap().as_str(), "é😀");
    }

    #[test]
    fn a_name_over_two_hundred_characters_is_refused() {
        assert!(parse(&"é".repeat(200)).is_ok());
        assert_eq!(parse(&"é".repeat(201)).unwrap_err().code, "too_long");
        assert_eq!(parse("a\0").unwrap_err().code, "control_character");
    }
}
