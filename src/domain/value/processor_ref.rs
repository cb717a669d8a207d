//! A payment processor's reference (C02): the only trace of payment data. The card itself stays with the processor.

use super::composite::Slots;
use super::{Invalid, Plain, text};
use crate::domain::field::FieldType;
use crate::domain::sensitive::Sensitive;

const MAX_REFERENCE: usize = 200;
const MAX_BRAND: usize = 40;

/// Reads `{processor, reference, brand?, last4?, expiry?}`.
pub(super) fn parse(sent: &[(String, Sensitive<String>)]) -> Result<Vec<u8>, Invalid> {
    let slots = Slots::sort(FieldType::ProcessorRef, sent)?;
    slots.require("processor")?;
    slots.require("reference")?;
    slots.build(part)
}

/// Reads one part.
pub(super) fn part(name: &str, typed: &str) -> Result<Plain, Invalid> {
    match name {
        "processor" => processor(typed),
        "reference" => text::required_line(typed, MAX_REFERENCE),
        "last4" => last4(typed),
        "expiry" => expiry(typed),
        _ => text::single_line(typed, MAX_BRAND),
    }
}

fn processor(typed: &str) -> Result<Plain, Invalid> {
    let name = typed.trim();
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if fits {
        return Ok(Plain::new(name.to_owned()));
    }
    Err(Invalid::whole(
        "not_a_processor",
        "Write the processor's name: 1 to 64 of letters, digits, dot, dash, underscore.",
    ))
}

fn last4(typed: &str) -> Result<Plain, Invalid> {
    let digits = typed.trim();
    if digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(Plain::new(digits.to_owned()));
    }
    Err(Invalid::whole("not_last4", "Write the last four digits, nothing else."))
}

fn expiry(typed: &str) -> Result<Plain, Invalid> {
    let month = typed.trim();
    let exists = match month.as_bytes() {
        [b'2', b'0', y1, y2, b'-', m1, m2] => {
            [y1, y2].iter().all(|y| y.is_ascii_digit())
                && matches!((m1, m2), (b'0', b'1'..=b'9') | (b'1', b'0'..=b'2'))
        }
        _ => false,
    };
    if exists {
        Ok(Plain::new(month.to_owned()))
    } else {
        Err(Invalid::whole("not_a_month", "Write the expiry as YYYY-MM."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parts: &[(&str, &str)]) -> Result<String, Invalid> {
        let sent: Vec<_> = parts.iter().map(|(n, t)| ((*n).to_owned(), Sensitive::text(t))).collect();
        parse(&sent).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn c02_a_reference_is_kept_with_brand_last_four_and_expiry() {
        assert_eq!(
            read(&[
                ("last4", "4711"),
                ("expiry", "2028-12"),
                ("brand", "Visa"),
                ("reference", "pm_1"),
                ("processor", "acme")
            ])
            .unwrap(),
            "processor\u{1f}acme\u{1e}reference\u{1f}pm_1\u{1e}brand\u{1f}Visa\u{1e}last4\u{1f}4711\u{1e}expiry\u{1f}2028-12\u{1e}"
        );
    }

    #[test]
    fn c02_nothing_more_of_a_card_has_a_place() {
        let base = [("processor", "acme"), ("reference", "pm_1")];
        for (part, text, code, pointer) in [
            ("last4", "04711", "not_last4", "/last4"),
            ("last4", "", "not_last4", "/last4"),
            ("last4", "١٢٣٤", "not_last4", "/last4"),
            ("expiry", "2028-13", "not_a_month", "/expiry"),
            ("expiry", "12/28", "not_a_month", "/expiry"),
            ("expiry", "2028-00", "not_a_month", "/expiry"),
            ("cvv", "123", "unknown_part", ""),
            ("number", "1", "unknown_part", ""),
            ("brand", "x\u{1e}y", "control_character", "/brand"),
        ] {
            let refused = read(&[base[0], base[1], (part, text)]).unwrap_err();
            assert_eq!((refused.code, refused.pointer), (code, pointer), "{part} {text}");
        }
        assert_eq!(read(&base[..1]).unwrap_err().pointer, "/reference");
        assert_eq!(read(&[("processor", "a b"), base[1]]).unwrap_err().code, "not_a_processor");
        assert_eq!(read(&[base[0], ("reference", " ")]).unwrap_err().code, "empty");
    }
}
