//! From what a client sent to the canonical value: picks the validator of the type.
//!
//! Also the card-number check (C02), which runs before anything else looks at a value.

use super::{FieldValue, Invalid, Plain, RawValue, ValueOptions, card};
use super::{birth_date, company, country, email, free_text, iban, ip_address, login, password, person_name};
use super::{money, phone, postal_address, processor_ref, tax_id, user_agent};
use crate::domain::field::FieldType;
use crate::domain::sensitive::Sensitive;

const NOT_TEXT: Invalid = Invalid::whole("not_text", "Write this type as a JSON string, not as an object.");
const NOT_OBJECT: Invalid = Invalid::whole("not_an_object", "Write this type as a JSON object of strings.");

impl FieldValue {
    /// Validates and normalises what a client sent. The card-number check (C02) is [`holds_card_number`], run before.
    pub fn parse(kind: FieldType, raw: &RawValue, options: ValueOptions) -> Result<Self, Invalid> {
        let bytes = match (raw, kind.parts()) {
            (RawValue::Text(_), [_, ..]) => return Err(NOT_OBJECT),
            (RawValue::Parts(_), []) => return Err(NOT_TEXT),
            // EXPOSE: validated and copied into the canonical form, which is sensitive again.
            (RawValue::Text(sent), []) => exact(plain(kind, sent.expose(), options)?.as_bytes()),
            (RawValue::Parts(sent), _) => parts(kind, sent)?,
        };
        Ok(Self { kind, canonical: Sensitive::new(bytes) })
    }
}

/// A copy without spare capacity, so that nothing reallocates later and leaves a piece behind.
fn exact(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(bytes);
    out
}

/// The canonical text of a plain type.
pub(super) fn plain(kind: FieldType, text: &str, options: ValueOptions) -> Result<Plain, Invalid> {
    match kind {
        FieldType::PersonName => person_name::parse(text),
        FieldType::Email => email::parse(text),
        FieldType::Phone => phone::parse(text),
        FieldType::Company => company::parse(text),
        FieldType::TaxId => tax_id::parse(text),
        FieldType::Iban => iban::parse(text),
        FieldType::BirthDate => birth_date::parse(text),
        FieldType::Country => country::parse(text),
        FieldType::IpAddress => ip_address::parse(text, options.ip_full),
        FieldType::UserAgent => user_agent::parse(text),
        FieldType::FreeText => free_text::parse(text),
        FieldType::Password => password::parse(text),
        FieldType::Login => login::parse(text),
        FieldType::PostalAddress | FieldType::ProcessorRef | FieldType::Money => Err(NOT_OBJECT),
    }
}

fn parts(kind: FieldType, sent: &[(String, Sensitive<String>)]) -> Result<Vec<u8>, Invalid> {
    match kind {
        FieldType::PostalAddress => postal_address::parse(sent),
        FieldType::ProcessorRef => processor_ref::parse(sent),
        FieldType::Money => money::parse(sent),
        _ => Err(NOT_TEXT),
    }
}

/// Whether a raw value holds a card number (C02), for a value meant for a field of this type. All parts are looked at,
/// their names too. An IBAN, an E.164 number, a tax id that names its scheme and an IP address that pass their own
/// check are exempt: what is then stored is that identifier and nothing else.
pub fn holds_card_number(kind: FieldType, raw: &RawValue) -> bool {
    match raw {
        RawValue::Text(sent) => {
            // EXPOSE: scanned for digits; only a yes or no leaves.
            let text = sent.expose();
            card::is_in(text) && !passes_its_own_check(kind, text)
        }
        // EXPOSE: as above, part by part.
        RawValue::Parts(sent) => {
            sent.iter().any(|(name, text)| card::is_in(name) || card::is_in(text.expose()))
        }
    }
}

fn passes_its_own_check(kind: FieldType, text: &str) -> bool {
    match kind {
        FieldType::Iban | FieldType::Phone | FieldType::IpAddress => {
            plain(kind, text, ValueOptions::default()).is_ok()
        }
        FieldType::TaxId => tax_id::parse(text).is_ok_and(|id| id.contains(':')),
        _ => false,
    }
}
