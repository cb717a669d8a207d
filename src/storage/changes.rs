//! Change sets: what one request does, made only from the audit event that reports it (I1).
//!
//! A set is atomic: all its changes and its event, or none. It never holds plaintext or an unwrapped key.

use super::rows::*;
use crate::domain::event::Event;
use crate::domain::record::{RecordHead, RowSeal, WrappedKey};
use crate::domain::*;

/// One change of one change set. `was` is compare-and-swap on the row's present version; `None`: it must not exist.
pub enum Change {
    /// Subject state.
    PutSubject {
        /// New row.
        row: SubjectRow,
        /// Present version.
        was: Option<Version>,
    },
    /// External reference; must not exist.
    PutExternalRef {
        /// New row.
        row: ExternalRefRow,
    },
    /// A record version; the replaced version's key and blind entries go with it.
    PutRecord {
        /// New row.
        row: RecordRow,
        /// Its wrapped key.
        key: WrappedKey,
        /// Its blind entries (all of them).
        blind: Vec<BlindRow>,
        /// Present `version`.
        was: Option<Version>,
    },
    /// A head without its data.
    Rehead {
        /// New head.
        head: RecordHead,
        /// New seal.
        seal: RowSeal,
        /// The same data key, wrapped under it.
        key: WrappedKey,
        /// Present `head_version`.
        was: Version,
    },
    /// A token grant.
    PutGrant {
        /// New row.
        row: GrantRow,
        /// Present version.
        was: Option<Version>,
    },
    /// A control row.
    PutControl {
        /// New row.
        row: ControlRow,
        /// Present version.
        was: Option<Version>,
    },
    /// Destroys the key of a record version; answered after the truncating checkpoint.
    Shred {
        /// Record.
        record: RecordId,
        /// Version.
        version: Version,
    },
    /// Destroys a record: its keys, and with them every row that leads to it; answered after the truncating checkpoint.
    Erase {
        /// Record.
        record: RecordId,
        /// Present `head_version`.
        was: Version,
    },
}

/// Everything one request does.
pub struct ChangeSet {
    pub(in crate::storage) event: Event,
    pub(in crate::storage) read_at: CommitNo,
    pub(in crate::storage) relied_on: smallvec::SmallVec<[Object; 4]>,
    pub(in crate::storage) changes: Vec<Change>,
    pub(in crate::storage) idempotency: Option<IdempotencyRow>,
}

impl ChangeSet {
    /// No event, no change set (I1).
    pub fn observed(event: Event, read_at: CommitNo, relied_on: impl IntoIterator<Item = Object>) -> Self {
        Self {
            event,
            read_at,
            relied_on: relied_on.into_iter().collect(),
            changes: Vec::new(),
            idempotency: None,
        }
    }
    /// Adds a change.
    #[must_use]
    pub fn with(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }
    /// Adds the idempotency entry.
    #[must_use]
    pub fn remembered(mut self, row: IdempotencyRow) -> Self {
        self.idempotency = Some(row);
        self
    }
}

impl Change {
    /// The object this change alters: the one later snapshots conflict on.
    pub fn object(&self) -> Object {
        match self {
            Self::PutSubject { row, .. } => Object::Subject(row.subject.0),
            Self::PutExternalRef { row } => Object::ExternalRef(row.h),
            Self::PutRecord { row, .. } => Object::Record(row.head.record.0),
            Self::Rehead { head, .. } => Object::Record(head.record.0),
            Self::PutGrant { row, .. } => Object::Grant(row.grant.0),
            Self::PutControl { row, .. } => Object::Control(row.kind, row.id),
            Self::Shred { record, .. } | Self::Erase { record, .. } => Object::Record(record.0),
        }
    }
    /// Whether a wrapped key ceases to exist by this change: such a set is answered after the truncating checkpoint.
    pub fn destroys_key(&self) -> bool {
        matches!(self, Self::Shred { .. } | Self::Erase { .. } | Self::PutRecord { was: Some(_), .. })
    }
}
