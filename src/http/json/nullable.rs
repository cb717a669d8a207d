//! Absent, `null` and a value are three different things in a PATCH.

use serde::{Deserialize, Deserializer};

/// A key of a PATCH body; use with `#[serde(default)]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Nullable<T> {
    /// The key was not sent: leave as it is.
    #[default]
    Absent,
    /// `null` was sent: remove.
    Null,
    /// A value was sent: set.
    Value(T),
}

impl<T> Nullable<T> {
    /// The value, when one was sent.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }
    /// Whether the key was left out.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Nullable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<T>::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}
