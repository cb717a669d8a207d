//! The strict JSON front end: what a body must be before any type of ours sees it.
//!
//! One scan refuses what parsers disagree about (duplicate keys, lone surrogates, trailing data, big numbers) and what costs
//! too much (depth, count of values), so that `serde_json` only ever reads documents with one meaning. It must never say in a
//! fault what was sent: faults are fixed sentences, pointers name only keys of our own types (I6, I10; tests A04, A05).

mod fields;
mod nullable;
mod scan;
mod track;
mod unescape;

pub use fields::{FieldMap, MAX_FIELDS, RawField};
pub use nullable::Nullable;
pub use scan::{MAX_DEPTH, MAX_KEY_BYTES, MAX_VALUES, check};

use serde::de::DeserializeOwned;

/// Why a body was refused. Holds no byte of what was sent.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}", .reason.sentence())]
pub struct JsonFault {
    /// What is wrong.
    pub reason: Reason,
    /// JSON pointer made of key names of our own types and item numbers; it stops where a key of the client's choosing would stand.
    pub pointer: String,
}

macro_rules! reasons {
    ($($variant:ident => $code:literal, $sentence:literal;)*) => {
        /// The closed list of ways a body can be malformed.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Reason { $(#[doc = $sentence] $variant,)* }
        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
            /// A stable code.
            pub fn code(self) -> &'static str { match self { $(Self::$variant => $code,)* } }
            /// A fixed sentence that says what to send instead.
            pub fn sentence(self) -> &'static str { match self { $(Self::$variant => $sentence,)* } }
        }
    };
}

reasons! {
    NotUtf8 => "not_utf8", "Send the body as UTF-8 without a byte-order mark.";
    Syntax => "syntax", "Send exactly one JSON value as RFC 8259 defines it.";
    TrailingData => "trailing_data", "Send nothing after the one JSON value.";
    TooDeep => "too_deep", "Nest at most 16 levels.";
    TooManyValues => "too_many_values", "Send at most 120000 values in one body.";
    DuplicateKey => "duplicate_key", "Name each key once in an object; escapes count as what they stand for.";
    KeyTooLong => "key_too_long", "Use keys of at most 128 bytes.";
    BadText => "bad_text", "Send text without NUL, control characters or lone surrogates.";
    BadNumber => "bad_number", "Send numbers as whole numbers of at most 64 bits; personal data is sent as strings.";
    UnknownKey => "unknown_key", "Send only keys that the documentation names.";
    MissingKey => "missing_key", "Send every required key.";
    WrongType => "wrong_type", "Send the type that the documentation names for this key.";
}

impl From<Reason> for JsonFault {
    fn from(reason: Reason) -> Self {
        Self { reason, pointer: String::new() }
    }
}

/// Checks a body strictly and reads it. Types should carry `#[serde(deny_unknown_fields)]`.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonFault> {
    let text = scan::check_text(bytes).map_err(|(reason, before)| match reason {
        Reason::BadText | Reason::NotUtf8 => JsonFault { reason, pointer: place::<T>(before) },
        _ => reason.into(),
    })?;
    let track = track::Track::default();
    let mut json = serde_json::Deserializer::from_str(text);
    // The error's own text may quote what was sent, so nothing of it but its kind is kept.
    T::deserialize(track.deserializer(&mut json)).map_err(|error| track.fault(&error))
}

/// Where in a body of this type a text stands that is not ended yet.
fn place<T: DeserializeOwned>(before: &str) -> String {
    let track = track::Track::default();
    let mut json = serde_json::Deserializer::from_str(before);
    match T::deserialize(track.deserializer(&mut json)) {
        Err(error) if error.is_eof() => track.pointer(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
