//! Field values as clients send them, read straight into buffers that zero themselves (I6).

use crate::domain::Sensitive;
use crate::domain::value::RawValue;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::fmt;

/// Most fields one object may carry.
pub const MAX_FIELDS: usize = 64;
const MAX_PARTS: usize = 16;
const MAX_NAME: usize = 64;

/// One field: a string, an object of strings, or `null` (remove, in a PATCH).
pub struct RawField(pub Option<RawValue>);

impl RawField {
    /// The value, or `None` for `null`.
    pub fn into_value(self) -> Option<RawValue> {
        self.0
    }
}

/// An object of field name → value, in the order sent. At most [`MAX_FIELDS`]; names are ≤ 64 of `[a-z0-9_]`.
#[derive(Default)]
pub struct FieldMap(pub Vec<(String, RawField)>);

fn name<E: Error>(name: String) -> Result<String, E> {
    let fits = !name.is_empty() && name.len() <= MAX_NAME;
    if fits && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        Ok(name)
    } else {
        Err(E::custom("not a field name"))
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = RawField;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, an object of strings, or null")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<RawField, E> {
        Ok(RawField(Some(RawValue::Text(Sensitive::text(text)))))
    }
    fn visit_string<E: Error>(self, text: String) -> Result<RawField, E> {
        Ok(RawField(Some(RawValue::Text(Sensitive::new(text)))))
    }
    fn visit_unit<E: Error>(self) -> Result<RawField, E> {
        Ok(RawField(None))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawField, A::Error> {
        let mut parts = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if parts.len() == MAX_PARTS {
                return Err(A::Error::custom("too many parts"));
            }
            parts.push((name(key)?, map.next_value::<Sensitive<String>>()?));
        }
        Ok(RawField(Some(RawValue::Parts(parts))))
    }
}

impl<'de> Deserialize<'de> for RawField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct MapVisitor;

impl<'de> Visitor<'de> for MapVisitor {
    type Value = FieldMap;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of fields")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FieldMap, A::Error> {
        let mut fields = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if fields.len() == MAX_FIELDS {
                return Err(A::Error::custom("too many fields"));
            }
            fields.push((name(key)?, map.next_value::<RawField>()?));
        }
        Ok(FieldMap(fields))
    }
}

impl<'de> Deserialize<'de> for FieldMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MapVisitor)
    }
}
