//! Telephone numbers: international form only, valid by the ITU numbering plans (`rlibphonenumber`), stored as E.164.

use super::{Invalid, Plain, text};
use rlibphonenumber::{PhoneNumber, PhoneNumberFormat};
use std::panic::{AssertUnwindSafe, catch_unwind};
use unicode_normalization::UnicodeNormalization;

/// Digits typed at most: E.164 has 15, a trunk zero in brackets and some slack may come on top.
const MAX_DIGITS: usize = 18;

/// Reads a number that starts with `+`. Spaces, dashes, dots, slashes and brackets may part it.
pub(super) fn parse(typed: &str) -> Result<Plain, Invalid> {
    read(typed)
        .ok_or(Invalid::whole("not_e164", "Write a valid number in international form, e.g. +49 30 901820."))
}

fn read(typed: &str) -> Option<Plain> {
    let digits = text::compact(after_plus(typed)?, is_separator, MAX_DIGITS)?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut dialled = Plain::new(String::with_capacity(digits.len() + 1));
    dialled.push('+');
    dialled.push_str(&digits);
    let canonical = valid_e164(&dialled)?;
    // A number that would read differently the next time has no canonical form.
    let stable = *canonical == *dialled || valid_e164(&canonical).is_some_and(|again| again == canonical);
    stable.then_some(canonical)
}

/// What follows the plus sign (in any width). Address books wrap numbers in invisible direction marks.
fn after_plus(typed: &str) -> Option<&str> {
    let typed = typed.trim_start_matches(|c: char| c.is_whitespace() || is_direction_mark(c));
    let plus = typed.chars().next().filter(|c| std::iter::once(*c).nfkc().eq(['+']))?;
    typed.get(plus.len_utf8()..)
}

/// The parser is third-party code over hostile text: should it panic, the number is not valid.
fn valid_e164(dialled: &str) -> Option<Plain> {
    let parsed = catch_unwind(AssertUnwindSafe(|| {
        let number = PhoneNumber::parse(dialled, None).ok()?;
        number.is_valid().then(|| Plain::new(number.format_as(PhoneNumberFormat::E164).into_owned()))
    }));
    parsed
        .ok()
        .flatten()
        .filter(|n| n.strip_prefix('+').is_some_and(|d| d.bytes().all(|b| b.is_ascii_digit())))
}

fn is_separator(c: char) -> bool {
    let dash = matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    dash || is_direction_mark(c) || matches!(c, '.' | '/' | '(' | ')' | '\u{2060}')
}

fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{202a}' | '\u{202c}' | '\u{202d}' | '\u{2066}' | '\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c01_numbers_are_read_into_e164() {
        for (typed, canonical) in [
            ("+4930901820", "+4930901820"),
            (" +49 (0)30 / 90-18.20 ", "+4930901820"),
            ("+1 650-253-0000", "+16502530000"),
            ("+44 20 7031 3000", "+442070313000"),
            ("+39 06 698 57114", "+390669857114"),
            ("＋４９ ３０ ９０１８２０", "+4930901820"),
            ("+٤٩٣٠٩٠١٨٢٠", "+4930901820"),
            ("\u{202a}+49 30 901820\u{202c}", "+4930901820"),
            ("+49\u{a0}30\u{2011}901820", "+4930901820"),
        ] {
            assert_eq!(parse(typed).unwrap().as_str(), canonical, "{typed}");
        }
    }

    #[test]
    fn what_is_no_international_number_is_refused() {
        for bad in [
            "",
            "+",
            "030 901820",
            "0049 30 901820",
            "49 30 901820",
            "+49",
            "+49 30",
            "+49 30 901820 ext 5",
            "+1 650 253 000",
            "+999 123456789",
            "+4111111111111111",
            "++4930901820",
            "+49 30 901820;x",
            "tel:+4930901820",
            "+\u{0}4930901820",
            "+49309018204930901820493090182",
        ] {
            assert_eq!(parse(bad).unwrap_err().code, "not_e164", "{bad}");
        }
    }
}
