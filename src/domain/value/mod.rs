//! Values of fields: validated, normalised, masked, made ready for a blind index.

use super::field::{FieldType, Form, Mask};
use super::sensitive::Sensitive;

/// A raw value as a client sent it: a string, or an object of strings for composite types.
pub enum RawValue {
    /// A plain value.
    Text(Sensitive<String>),
    /// A composite value: (part name, text) in the order sent.
    Parts(Vec<(String, Sensitive<String>)>),
}

/// What the policy may choose about a type.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ValueOptions {
    /// Keep the whole IP address instead of its /24 or /48.
    pub ip_full: bool,
}

/// A validated, normalised value in its one canonical byte form (UTF-8; composites: `part\x1ftext\x1e` in canonical order).
pub struct FieldValue {
    kind: FieldType,
    canonical: Sensitive<Vec<u8>>,
}

/// Why a value was refused: a stable code, a pointer suffix (`""`, or `/postcode` within a composite), a fixed sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invalid {
    /// Stable code, e.g. `not_e164`.
    pub code: &'static str,
    /// Where inside the value: empty, or `/part`.
    pub pointer: &'static str,
    /// A fixed sentence that says what to write instead. Never holds what was sent.
    pub detail: &'static str,
}

impl FieldValue {
    /// Validates and normalises what a client sent. The card-number check (C02) is [`holds_card_number`], run before.
    pub fn parse(kind: FieldType, raw: &RawValue, options: ValueOptions) -> Result<Self, Invalid> {
        let _ = (kind, raw, options);
        todo!()
    }
    /// The type.
    pub fn kind(&self) -> FieldType {
        self.kind
    }
    /// The canonical bytes, as they are sealed.
    pub fn canonical(&self) -> &Sensitive<Vec<u8>> {
        &self.canonical
    }
}

/// Whether a raw value holds a card number (C02), for a value meant for a field of this type. All parts are looked at.
pub fn holds_card_number(kind: FieldType, raw: &RawValue) -> bool {
    let _ = (kind, raw);
    todo!()
}

/// Writes a stored canonical value as a JSON string (or object of strings for composites), plain or masked.
pub fn write_json(kind: FieldType, canonical: &[u8], form: Form, mask: Mask, out: &mut Vec<u8>) {
    let _ = (kind, canonical, form, mask, out);
    todo!()
}

/// The normalised bytes a blind index is computed over, from a stored canonical value (`part` selects within composites).
/// `None` when the part is absent.
pub fn index_input(kind: FieldType, canonical: &[u8], part: Option<&str>) -> Option<Sensitive<Vec<u8>>> {
    let _ = (kind, canonical, part);
    todo!()
}

/// The same normalised bytes from what a searcher typed; an error when no stored value could ever match it.
pub fn query_input(
    kind: FieldType,
    part: Option<&str>,
    typed: &Sensitive<String>,
) -> Result<Sensitive<Vec<u8>>, Invalid> {
    let _ = (kind, part, typed);
    todo!()
}
