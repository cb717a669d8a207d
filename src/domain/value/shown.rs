//! A stored value as the API shows it: plain, or through the field's mask. A password is never shown.

use super::{composite, email, json, mask};
use crate::domain::field::{FieldType, Form, Mask};

/// Writes a stored canonical value as a JSON string (or object of strings for composites), plain or masked.
/// A mask that does not fit the type, or would show a short value whole, writes the fixed mark `"•••"`.
/// So do bytes that are no canonical value.
pub fn write_json(kind: FieldType, canonical: &[u8], form: Form, mask: Mask, out: &mut Vec<u8>) {
    let text = match std::str::from_utf8(canonical) {
        Ok(text) if kind != FieldType::Password => text,
        _ => return json::string(mask::FULL, out),
    };
    match form {
        Form::Plain if kind.parts().is_empty() => json::string(text, out),
        Form::Plain => json::object(composite::parts(canonical), out),
        Form::Masked if kind.parts().is_empty() => masked_text(kind, text, mask, out),
        Form::Masked => masked_parts(kind, canonical, mask, out),
    }
}

fn masked_text(kind: FieldType, text: &str, mask: Mask, out: &mut Vec<u8>) {
    let shown = match (mask, kind) {
        (Mask::Initials, FieldType::PersonName | FieldType::Company) => mask::initials(text),
        (Mask::Email, FieldType::Email) => email::mask(text),
        (Mask::Year, FieldType::BirthDate) => mask::year(text),
        // The end of these would be a whole domain, day, word or country.
        (Mask::Last4, FieldType::Phone | FieldType::TaxId | FieldType::Iban | FieldType::Login) => {
            mask::last4(text)
        }
        _ => None,
    };
    json::string(shown.as_ref().map_or(mask::FULL, |shown| shown.as_str()), out);
}

fn masked_parts(kind: FieldType, canonical: &[u8], mask: Mask, out: &mut Vec<u8>) {
    match (mask, kind) {
        (Mask::Region, FieldType::PostalAddress) => {
            json::object(
                composite::parts(canonical).filter(|(name, _)| matches!(*name, "city" | "country")),
                out,
            );
        }
        (Mask::Last4, FieldType::ProcessorRef) => masked_reference(canonical, out),
        _ => json::string(mask::FULL, out),
    }
}

/// The processor, the end of its reference, and the card's last four digits if they are known.
fn masked_reference(canonical: &[u8], out: &mut Vec<u8>) {
    let reference = composite::part(canonical, "reference").and_then(mask::last4);
    let reference = reference.as_ref().map_or(mask::FULL, |shown| shown.as_str());
    let shown = composite::parts(canonical).filter_map(|(name, text)| match name {
        "processor" | "last4" => Some((name, text)),
        "reference" => Some((name, reference)),
        _ => None,
    });
    json::object(shown, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: FieldType, canonical: &str, form: Form, mask: Mask) -> String {
        let mut out = Vec::new();
        write_json(kind, canonical.as_bytes(), form, mask, &mut out);
        String::from_utf8(out).unwrap()
    }

    const ADDRESS: &str =
        "line1\u{1f}Am Markt 1\u{1e}city\u{1f}Bonn\u{1e}postcode\u{1f}53111\u{1e}country\u{1f}DE\u{1e}";
    const REFERENCE: &str = "processor\u{1f}acme\u{1e}reference\u{1f}pm_1A2B3C\u{1e}last4\u{1f}4711\u{1e}expiry\u{1f}2028-12\u{1e}";

    #[test]
    fn a_plain_value_is_a_string_or_an_object_of_strings() {
        assert_eq!(shown(FieldType::PersonName, "Ada \"L\"", Form::Plain, Mask::Initials), r#""Ada \"L\"""#);
        assert_eq!(
            shown(FieldType::PostalAddress, ADDRESS, Form::Plain, Mask::Region),
            r#"{"line1":"Am Markt 1","city":"Bonn","postcode":"53111","country":"DE"}"#
        );
        assert_eq!(shown(FieldType::FreeText, "", Form::Plain, Mask::Full), r#""""#);
    }

    #[test]
    fn each_type_has_its_masked_form() {
        for (kind, canonical, mask, expected) in [
            (FieldType::PersonName, "Ada Lovelace", Mask::Initials, r#""A. L.""#),
            (FieldType::Email, "ada@example.org", Mask::Email, r#""a…@example.org""#),
            (FieldType::Phone, "+4930901820", Mask::Last4, r#""••••1820""#),
            (FieldType::Iban, "DE89370400440532013000", Mask::Last4, r#""••••3000""#),
            (FieldType::TaxId, "1234", Mask::Last4, r#""•••""#),
            (FieldType::BirthDate, "1990-02-28", Mask::Year, r#""1990""#),
            (FieldType::PostalAddress, ADDRESS, Mask::Region, r#"{"city":"Bonn","country":"DE"}"#),
            (
                FieldType::PostalAddress,
                "state\u{1f}NY\u{1e}country\u{1f}US\u{1e}",
                Mask::Region,
                r#"{"country":"US"}"#,
            ),
            (
                FieldType::ProcessorRef,
                REFERENCE,
                Mask::Last4,
                r#"{"processor":"acme","reference":"••••2B3C","last4":"4711"}"#,
            ),
            (FieldType::PersonName, "", Mask::Initials, r#""•••""#),
            (FieldType::Country, "DE", Mask::Region, r#""•••""#),
            (FieldType::Email, "ada@example.org", Mask::Last4, r#""•••""#),
            (FieldType::FreeText, "secret", Mask::Full, r#""•••""#),
        ] {
            assert_eq!(shown(kind, canonical, Form::Masked, mask), expected);
        }
    }

    #[test]
    fn c05_no_form_of_a_password_is_ever_shown() {
        for mask in [Mask::Initials, Mask::Email, Mask::Last4, Mask::Region, Mask::Year, Mask::Full] {
            for form in [Form::Plain, Form::Masked] {
                assert_eq!(shown(FieldType::Password, "hunter2hunter2", form, mask), r#""•••""#);
            }
        }
    }

    #[test]
    fn bytes_that_are_no_text_show_nothing() {
        let mut out = Vec::new();
        write_json(FieldType::PersonName, b"\xff\xfe", Form::Plain, Mask::Full, &mut out);
        assert_eq!(out, "\"•••\"".as_bytes());
    }
}
