//! A postal address: country required, at least one other part that says something (C01, C03).

use super::composite::Slots;
use super::{Invalid, Plain, country, text};
use crate::domain::field::FieldType;
use crate::domain::sensitive::Sensitive;

const MAX_LINE: usize = 200;
const MAX_POSTCODE: usize = 32;

/// Reads an address. Parts may be empty, which is not the same as absent (C28).
pub(super) fn parse(sent: &[(String, Sensitive<String>)]) -> Result<Vec<u8>, Invalid> {
    let slots = Slots::sort(FieldType::PostalAddress, sent)?;
    slots.require("country")?;
    let mut says_something = false;
    let bytes = slots.build(|name, text| {
        let kept = part(name, text)?;
        says_something |= name != "country" && !kept.is_empty();
        Ok(kept)
    })?;
    if says_something {
        return Ok(bytes);
    }
    Err(Invalid::whole("empty_address", "Write at least one part besides the country."))
}

/// Reads one part of an address.
pub(super) fn part(name: &str, typed: &str) -> Result<Plain, Invalid> {
    match name {
        "country" => country::parse(typed),
        "postcode" => text::single_line(typed, MAX_POSTCODE),
        _ => text::single_line(typed, MAX_LINE),
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
    fn c01_an_address_is_kept_in_canonical_order() {
        assert_eq!(
            read(&[("country", "de"), ("city", " Bonn "), ("line1", "Am  Markt 1"), ("line2", "")]).unwrap(),
            "line1\u{1f}Am Markt 1\u{1e}line2\u{1f}\u{1e}city\u{1f}Bonn\u{1e}country\u{1f}DE\u{1e}"
        );
    }

    #[test]
    fn a_refused_address_names_the_part_and_never_an_unknown_name() {
        for (parts, code, pointer) in [
            (vec![("city", "Bonn")], "missing_part", "/country"),
            (vec![("country", "DE")], "empty_address", ""),
            (vec![("country", "DE"), ("city", " ")], "empty_address", ""),
            (vec![("country", "XX"), ("city", "Bonn")], "unknown_country", "/country"),
            (vec![("country", "DE"), ("postcode", "5\u{0}3")], "control_character", "/postcode"),
            (vec![("country", "DE"), ("4111", "Bonn")], "unknown_part", ""),
            (vec![("country", "DE"), ("city", "Bonn"), ("city", "Köln")], "duplicate_part", "/city"),
            (vec![], "missing_part", "/country"),
        ] {
            let refused = read(&parts).unwrap_err();
            assert_eq!((refused.code, refused.pointer), (code, pointer), "{parts:?}");
            assert!(!refused.detail.contains("4111"));
        }
        assert_eq!(read(&[("country", "DE"), ("line3", &"x".repeat(201))]).unwrap_err().pointer, "/line3");
    }
}
