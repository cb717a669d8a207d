//! The nouns of this room that other rooms hold: sealed bytes, kinds, refusals. None of them shows a key.

use crate::domain::record::{RecordHead, RowSeal, WrappedKey};
use crate::domain::{CollectionNo, FieldNo};
use zeroize::Zeroize;

/// Values of a record by field, ascending; canonical bytes.
#[derive(Zeroize)]
pub struct Fields(#[zeroize] pub Vec<(u16, Vec<u8>)>);

/// A sealed record as it is stored, with its wrapped data key.
pub struct SealedRecord {
    /// The `sealed` column.
    pub bytes: Vec<u8>,
    /// The `keys` row.
    pub key: WrappedKey,
    /// The seal of the head it was wrapped under.
    pub seal: RowSeal,
}

/// The stored columns of a record, borrowed.
#[derive(Clone, Copy)]
pub struct StoredRecord<'a> {
    /// The head as read.
    pub head: &'a RecordHead,
    /// The head's seal.
    pub seal: &'a RowSeal,
    /// The `sealed` column.
    pub bytes: &'a [u8],
    /// The wrapped data key.
    pub key: &'a WrappedKey,
}

/// Which table a row seal is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Table {
    /// `subjects`
    Subjects = 1,
    /// `records` (the head)
    Records = 2,
    /// `grants`
    Grants = 3,
    /// `external_refs`
    ExternalRefs = 4,
    /// `controls`
    Controls = 5,
    /// `limits`
    Limits = 6,
}

/// A stored thing did not open. Which check failed is for the log and the alert, never for the caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unopenable {
    /// Shape: length, counts, order, suite.
    #[error("malformed sealed record")]
    Malformed,
    /// The row seal does not match.
    #[error("row seal does not match")]
    RowSeal,
    /// The wrapped key does not open, or its KEK version is unknown.
    #[error("wrapped key does not open")]
    Key,
    /// The commitment does not match.
    #[error("commitment does not match")]
    Commitment,
    /// A field's ciphertext or padding is wrong.
    #[error("field does not open")]
    Field,
    /// The permit is for another record or version.
    #[error("the permit covers another record or version")]
    Permit,
    /// No randomness.
    #[error("no randomness")]
    Entropy,
    /// A field or the record is over its cap (64 KiB, 256 KiB).
    #[error("too large to seal")]
    TooLarge,
}

/// What an opaque name (`sub_…`, `rec_…`, `tgr`) stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum NameKind {
    /// `sub_`
    Subject = 1,
    /// `rec_`
    Record = 2,
}

/// Kind of a random secret with a keyed tag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SecretKind {
    /// `srk_`
    ApiKey,
    /// `srs_`
    Session,
    /// `sru_`
    Unsubscribe,
}

/// What of a keyed reference inside the audit log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum RefKind {
    /// a subject
    Subject = 1,
    /// a record
    Record = 2,
    /// a grant
    Grant = 3,
    /// a control row
    Control = 4,
    /// an external reference
    ExternalRef = 5,
    /// the end user acted for
    OnBehalfOf = 6,
    /// a context
    Context = 7,
}

/// Which index a blind value is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FieldAtIndex {
    /// Collection.
    pub collection: CollectionNo,
    /// Field (of a compound: the first).
    pub field: FieldNo,
    /// Normaliser version.
    pub normaliser: u16,
    /// How many bits are kept.
    pub bits: u8,
}
