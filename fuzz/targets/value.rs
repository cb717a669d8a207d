//! Values of fields. No text does harm to a validator, a mask or the look-out for card numbers. What is accepted, shown in full
//! and sent again, is the same value; a stored value is found by what was typed; and of a value that was not taken for a card
//! number no card number comes about.

use crate::domain::Sensitive;
use crate::domain::field::{FieldType, Form, Mask};
use crate::domain::value::{
    FieldValue, RawValue, ValueOptions, holds_card_number, index_input, query_input, write_json,
};

const MASKS: [Mask; 6] = [Mask::Initials, Mask::Email, Mask::Last4, Mask::Region, Mask::Year, Mask::Full];

/// A plain text, or for a type of parts one part a line: `name=text`.
fn raw(kind: FieldType, text: &str) -> RawValue {
    if kind.parts().is_empty() {
        return RawValue::Text(Sensitive::text(text));
    }
    let parts = text.split('\n').filter_map(|line| line.split_once('='));
    RawValue::Parts(parts.map(|(name, text)| (name.to_owned(), Sensitive::text(text))).collect())
}

fn shown(kind: FieldType, canonical: &[u8], form: Form, mask: Mask) -> serde_json::Value {
    let mut out = Vec::new();
    write_json(kind, canonical, form, mask, &mut out);
    match serde_json::from_slice(&out) {
        Ok(shown) => shown,
        Err(error) => unreachable!("a value is shown as no JSON: {error}"),
    }
}

fn sent_back(shown: &serde_json::Value) -> RawValue {
    let text = |value: &serde_json::Value| Sensitive::text(value.as_str().unwrap_or_default());
    match shown {
        serde_json::Value::Object(parts) => {
            RawValue::Parts(parts.iter().map(|(name, value)| (name.clone(), text(value))).collect())
        }
        other => RawValue::Text(text(other)),
    }
}

pub(super) fn run(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let Some(kind) = FieldType::ALL.get(usize::from(*first) % FieldType::ALL.len()).copied() else { return };
    let sent = raw(kind, text);
    let card = holds_card_number(kind, &sent);
    let Ok(value) = FieldValue::parse(kind, &sent, ValueOptions::default()) else { return };
    // EXPOSE: a test's value.
    let canonical = value.canonical().expose();
    for mask in MASKS {
        shown(kind, canonical, Form::Masked, mask);
    }
    let plain = sent_back(&shown(kind, canonical, Form::Plain, Mask::Full));
    if kind != FieldType::Password {
        let again = FieldValue::parse(kind, &plain, ValueOptions::default());
        // EXPOSE: as above.
        assert!(
            again.is_ok_and(|again| again.canonical().expose() == canonical),
            "sent again, it is another"
        );
        // A domain's IDNA form has digits of its own; the others are exempt in the product.
        let exempt =
            [FieldType::Email, FieldType::Iban, FieldType::Phone, FieldType::IpAddress, FieldType::TaxId]
                .contains(&kind);
        assert!(exempt || card || !holds_card_number(kind, &plain), "a card number came about");
    }
    if let RawValue::Text(typed) = &sent {
        let stored = index_input(kind, canonical, None);
        let asked = query_input(kind, None, typed).ok();
        // EXPOSE: as above.
        assert_eq!(stored.map(|s| s.expose().clone()), asked.map(|s| s.expose().clone()), "it is not found");
    }
}
