//! A record's head: everything about a record but its values.

use super::{CollectionNo, FieldNo, Generation, RecordId, SubjectId, Timestamp, Version};

/// Where a record stands in its life.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum RecordStatus {
    /// Served.
    Live = 1,
    /// Its key is destroyed; rows are being removed.
    Dying = 2,
}

impl RecordStatus {
    /// Reads a stored status.
    pub fn from_u8(raw: u8) -> Option<Self> {
        match raw {
            1 => Some(Self::Live),
            2 => Some(Self::Dying),
            _ => None,
        }
    }
}

/// The sealed head of a record (I4). `generations` holds one entry per field ever present, ascending.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordHead {
    /// The record.
    pub record: RecordId,
    /// Its subject.
    pub subject: SubjectId,
    /// Its collection.
    pub collection: CollectionNo,
    /// Version of the data; every PATCH adds one and has a data key of its own.
    pub version: Version,
    /// Version of the head: every change of the head adds one.
    pub head_version: Version,
    /// Status.
    pub status: RecordStatus,
    /// When it was stored first.
    pub created_at: Timestamp,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// Token generation of each field, ascending by field.
    pub generations: Vec<(FieldNo, Generation)>,
}

impl RecordHead {
    /// The token generation of a field.
    pub fn generation(&self, field: FieldNo) -> Option<Generation> {
        self.generations.iter().find(|(f, _)| *f == field).map(|(_, g)| *g)
    }
    /// The `generations` column: {field 2 ‖ generation 2}*.
    pub fn generations_column(&self) -> Vec<u8> {
        self.generations.iter().flat_map(|(f, g)| [f.0.to_be_bytes(), g.0.to_be_bytes()].concat()).collect()
    }
    /// Reads the `generations` column; `None` unless well-formed and strictly ascending.
    pub fn parse_generations(column: &[u8]) -> Option<Vec<(FieldNo, Generation)>> {
        let (quads, rest) = column.as_chunks::<4>();
        let all: Vec<_> = quads
            .iter()
            .map(|[a, b, c, d]| {
                (FieldNo(u16::from_be_bytes([*a, *b])), Generation(u16::from_be_bytes([*c, *d])))
            })
            .collect();
        let ascending = all.windows(2).all(|w| matches!(w, [x, y] if x.0 < y.0));
        (rest.is_empty() && ascending).then_some(all)
    }
    /// Whether the record answers at `now`: live and not expired.
    pub fn answers_at(&self, now: Timestamp) -> bool {
        self.status == RecordStatus::Live && self.expires_at.is_none_or(|end| now < end)
    }
}

/// The keyed seal of a row that decides (I4): key version 1 ‖ 16 bytes of HMAC-SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RowSeal(pub [u8; 17]);

/// A data key wrapped under KEK `kek`: 48 bytes, no nonce.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WrappedKey {
    /// Which line and version of key-encryption key: line in the high byte (0 data, 1 credential), version in the low.
    pub kek: u16,
    /// AES-256-GCM-SIV of the data key.
    pub bytes: [u8; 48],
}
