//! Values of fields: validated, normalised, masked, made ready for a blind index.
//!
//! A value has one canonical byte form, so that equal values are equal bytes and a stored value read back and written
//! again is the same. Refusals are fixed sentences and never hold what was sent; plaintext lives in [`Sensitive`] or a
//! zeroing buffer and nowhere else. Nothing here does I/O, and no input makes it panic.

mod birth_date;
mod card;
mod company;
mod composite;
pub mod country;
mod digits;
mod email;
mod free_text;
mod iban;
mod index;
mod ip_address;
mod json;
mod login;
mod mask;
mod money;
mod parse;
mod password;
mod person_name;
mod phone;
mod postal_address;
mod processor_ref;
mod shown;
mod tax_id;
mod tax_schemes;
#[cfg(test)]
mod tests;
mod text;
mod user_agent;

pub use index::{index_input, query_input};
pub use parse::holds_card_number;
pub use shown::write_json;

use super::field::FieldType;
use super::sensitive::Sensitive;

/// Plaintext on its way through a validator; zeroed on drop.
type Plain = zeroize::Zeroizing<String>;

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

impl FieldValue {
    /// The type.
    pub fn kind(&self) -> FieldType {
        self.kind
    }
    /// The canonical bytes, as they are sealed.
    pub fn canonical(&self) -> &Sensitive<Vec<u8>> {
        &self.canonical
    }
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

impl Invalid {
    /// A refusal of the whole value.
    const fn whole(code: &'static str, detail: &'static str) -> Self {
        Self { code, pointer: "", detail }
    }
}
