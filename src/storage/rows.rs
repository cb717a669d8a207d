//! Rows as they are stored: sealed bytes and the plain columns beside them.
//!
//! For whoever reads or writes the store. Nothing here opens or judges a row: a seal is carried, never checked (I4 is kept
//! by `vault`, which checks every seal it relies on).

use crate::domain::record::{RecordHead, RowSeal};
use crate::domain::*;

/// A sealed subject row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SubjectRow {
    /// Subject.
    pub subject: SubjectId,
    /// Row version.
    pub version: Version,
    /// Canonical encoding of the state.
    pub state: Vec<u8>,
    /// Seal.
    pub seal: RowSeal,
}
/// A record row: head, seal, sealed fields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordRow {
    /// Head.
    pub head: RecordHead,
    /// Seal of the head.
    pub seal: RowSeal,
    /// Sealed fields.
    pub sealed: Vec<u8>,
}
/// A blind-index entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct BlindRow {
    /// Field.
    pub field: FieldNo,
    /// Index version.
    pub version: u16,
    /// Blind value.
    pub h: [u8; 16],
}
/// A sealed token grant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GrantRow {
    /// Grant.
    pub grant: GrantId,
    /// Its record.
    pub record: RecordId,
    /// Row version.
    pub version: Version,
    /// Canonical body.
    pub body: Vec<u8>,
    /// Expiry.
    pub expires_at: Option<Timestamp>,
    /// Seal.
    pub seal: RowSeal,
}
/// A sealed control row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ControlRow {
    /// Kind.
    pub kind: ControlKind,
    /// Id.
    pub id: Id16,
    /// Row version.
    pub version: Version,
    /// Canonical body.
    pub body: Vec<u8>,
    /// Seal.
    pub seal: RowSeal,
}
/// An external reference by blind value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExternalRefRow {
    /// Blind value.
    pub h: [u8; 16],
    /// Subject.
    pub subject: SubjectId,
    /// Seal.
    pub seal: RowSeal,
}

/// An idempotency entry to write with the set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdempotencyRow {
    /// Client.
    pub client: ClientNo,
    /// Digest of the key.
    pub key: [u8; 16],
    /// Digest of method, path, body.
    pub body: [u8; 16],
    /// When.
    pub at: Timestamp,
    /// What to mint the reply from again (status, locators, versions; no value).
    pub result: Vec<u8>,
}

/// A row of what limits keep over a restart. `state` is opaque here and carries its own seal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LimitRow {
    /// Client; 0 for what concerns all.
    pub client: ClientNo,
    /// Which limit, or part of it.
    pub rule: u32,
    /// The period it counts for.
    pub day: i64,
    /// Position of the log it includes.
    pub audit_pos: u64,
    /// Sealed state.
    pub state: Vec<u8>,
}

/// Rows of the limits that are of no use any more: rules of a range, periods before one.
pub type StaleLimits = (std::ops::Range<u32>, i64);

/// A block of locator counters, reserved durably before anything is sealed under them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocatorRange {
    /// First counter.
    pub first: u64,
    /// How many.
    pub count: u16,
}
