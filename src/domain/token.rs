//! What a data token points at once opened, and the grants some tokens name.

use super::{AudienceNo, FieldNo, Generation, GrantId, Locator, PurposeNo, RecordId, Timestamp};

/// The opened content of a data token (`kind 1 ‖ locator 8 ‖ field 2 ‖ generation 2 ‖ audience 2`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Pointer {
    /// Direct to a record's field, or to a grant row.
    pub kind: PointerKind,
    /// The record's or grant's locator.
    pub locator: Locator,
    /// The field.
    pub field: FieldNo,
    /// The generation the field must still have.
    pub generation: Generation,
    /// For whom it opens.
    pub audience: AudienceNo,
}

/// What the locator of a [`Pointer`] names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum PointerKind {
    /// A record.
    Record = 1,
    /// A grant row.
    Grant = 2,
}

/// The body of a grant row: what a token with an expiry, a number of uses or a bound purpose allows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenGrant {
    /// The grant.
    pub grant: GrantId,
    /// The record it opens.
    pub record: RecordId,
    /// The fields it opens, ascending.
    pub fields: Vec<FieldNo>,
    /// For whom.
    pub audience: AudienceNo,
    /// Only for this purpose, if bound.
    pub purpose: Option<PurposeNo>,
    /// Until when.
    pub expires_at: Option<Timestamp>,
    /// Uses left; `None` = unlimited.
    pub uses_left: Option<u32>,
    /// Generation of the grant's tokens; revoking adds one.
    pub generation: Generation,
    /// The use spent last: (digest of the idempotency key, when), so that a retry within 60 s spends none.
    pub last_use: Option<([u8; 16], Timestamp)>,
}

/// How tokens of one request turned out; counted in the audit event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TokenCounts {
    /// Opened and answered or denied by policy.
    pub live: u32,
    /// Opened, but the record is gone.
    pub erased: u32,
    /// Opened, but the generation moved on by a rotation.
    pub rotated: u32,
    /// Opened, but revoked, expired, spent or of a foreign audience.
    pub revoked: u32,
    /// Did not open.
    pub forged: u32,
    /// A decoy was touched.
    pub decoy: u32,
}
