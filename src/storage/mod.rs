//! The store: sealed rows in, sealed rows out, one audit event with every commit. Holds sealed bytes, cannot open them.

use crate::domain::disclosure::{EventTicket, LogHead, Receipt};
use crate::domain::event::Event;
use crate::domain::record::{RecordHead, RowSeal, WrappedKey};
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

/// Why a commit did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Something relied on or to be swapped has changed since.
    #[error("conflict with a later commit")]
    Conflict(Object),
    /// The idempotency key is known; here is what was stored.
    #[error("the idempotency key was used before")]
    Replayed(IdempotencyRow),
    /// No space.
    #[error("storage is full")]
    Full,
    /// The queue is full.
    #[error("too many commits are waiting")]
    Overloaded,
    /// The writer has stopped (first fsync error, shutdown).
    #[error("the writer has stopped")]
    Stopped,
}

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// SQLite said no.
    #[error("the store cannot be read")]
    Store,
    /// A row is malformed.
    #[error("a stored row is malformed")]
    Corrupt,
}

/// The store: a closed enum of adapters (PostgreSQL comes with its own issue).
pub enum Store {
    /// Embedded SQLite.
    Sqlite(SqliteStore),
}

/// Placeholder for `sqlite::Store`.
pub struct SqliteStore {}

/// A snapshot: one read transaction on this thread's connection. Never held across an await.
pub struct Reader<'a> {
    _conn: std::marker::PhantomData<&'a ()>,
}

/// A block of locator counters, reserved durably before anything is sealed under them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocatorRange {
    /// First counter.
    pub first: u64,
    /// How many.
    pub count: u16,
}

impl Store {
    /// Reads in one snapshot.
    pub fn read<T>(&self, f: impl FnOnce(&mut Reader<'_>) -> Result<T, ReadError>) -> Result<T, ReadError> {
        let _ = f;
        todo!()
    }
    /// Commits durably; the receipt is for the set's own event.
    pub async fn commit(&self, set: ChangeSet) -> Result<Receipt, CommitError> {
        let _ = set;
        todo!()
    }
    /// Reserves counters (from a durable block of 65 536).
    pub async fn allocate(&self, n: u16) -> Result<LocatorRange, CommitError> {
        let _ = n;
        todo!()
    }
    /// Present head of the log.
    pub fn log_head(&self) -> LogHead {
        todo!()
    }
    /// max(wall, clock floor).
    pub fn now(&self) -> Timestamp {
        todo!()
    }
}

impl Reader<'_> {
    /// The commit number this snapshot is at least as new as.
    pub fn read_at(&self) -> CommitNo {
        todo!()
    }
    /// A subject.
    pub fn subject(&mut self, subject: SubjectId) -> Result<Option<SubjectRow>, ReadError> {
        let _ = subject;
        todo!()
    }
    /// A record.
    pub fn record(&mut self, record: RecordId) -> Result<Option<RecordRow>, ReadError> {
        let _ = record;
        todo!()
    }
    /// A record version's wrapped key.
    pub fn key(&mut self, record: RecordId, version: Version) -> Result<Option<WrappedKey>, ReadError> {
        let _ = (record, version);
        todo!()
    }
    /// Heads of a subject's records, newest first, below `before`, at most `limit`.
    pub fn records_of(
        &mut self,
        subject: SubjectId,
        collection: Option<CollectionNo>,
        before: Option<RecordId>,
        limit: usize,
    ) -> Result<Vec<(RecordHead, RowSeal, Vec<FieldNo>)>, ReadError> {
        let _ = (subject, collection, before, limit);
        todo!()
    }
    /// Records per collection of a subject.
    pub fn collections_of(&mut self, subject: SubjectId) -> Result<Vec<(CollectionNo, u64)>, ReadError> {
        let _ = subject;
        todo!()
    }
    /// A grant.
    pub fn grant(&mut self, grant: GrantId) -> Result<Option<GrantRow>, ReadError> {
        let _ = grant;
        todo!()
    }
    /// An external reference.
    pub fn external_ref(&mut self, h: &[u8; 16]) -> Result<Option<ExternalRefRow>, ReadError> {
        let _ = h;
        todo!()
    }
    /// Records with a blind value, at most `limit`.
    pub fn blind(&mut self, row: &BlindRow, limit: usize) -> Result<Vec<RecordId>, ReadError> {
        let _ = (row, limit);
        todo!()
    }
    /// A control row.
    pub fn control(&mut self, kind: ControlKind, id: Id16) -> Result<Option<ControlRow>, ReadError> {
        let _ = (kind, id);
        todo!()
    }
    /// All control rows of a kind.
    pub fn controls(&mut self, kind: ControlKind) -> Result<Vec<ControlRow>, ReadError> {
        let _ = kind;
        todo!()
    }
    /// A remembered outcome.
    pub fn idempotency(
        &mut self,
        client: ClientNo,
        key: &[u8; 16],
    ) -> Result<Option<IdempotencyRow>, ReadError> {
        let _ = (client, key);
        todo!()
    }
}
/// Kept so that stubs use every import.
#[doc(hidden)]
pub fn _stub(_: &EventTicket) {}
