//! The store: sealed rows in, sealed rows out, one audit event with every commit. Holds sealed bytes, cannot open them.
//!
//! For `vault`. No change without its event in the same commit, no answer before that commit is durable (I1); no row is
//! judged or repaired here (I4 is `vault`'s). [`Store`] is a closed enum of adapters behind one conformance suite
//! (`tests/storage`): one now, PostgreSQL later.

mod changes;
mod errors;
mod ledger;
mod rows;
mod sqlite;

pub use changes::*;
pub use errors::*;
pub use ledger::{Ledger, LedgerError};
pub use rows::*;
pub use sqlite::{
    AuditRows, CLOCK_ALERT, CLOCK_REFUSE, ClockHealth, Driver, Health, Inspection, Measures, Options,
    REMEMBERED, Reader, SealedRow, Snapshot, SqliteStore, Step, Stepper, StopHook, inspect,
    open_read_only_audit, read_only_controls, read_only_tail,
};

use crate::audit::Row;
use crate::domain::disclosure::{LogHead, Receipt};
use crate::domain::*;
use std::path::Path;
use std::sync::Arc;

/// The store: a closed enum of adapters (PostgreSQL comes with its own issue).
pub enum Store {
    /// Embedded SQLite.
    Sqlite(SqliteStore),
}

impl Store {
    /// Makes a new vault in a directory and opens it.
    pub fn create(dir: &Path, vault: VaultId, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::create_with(dir, vault, Options::default(), clock)
    }
    /// Makes a new vault in a directory and opens it with options.
    pub fn create_with(
        dir: &Path,
        vault: VaultId,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        SqliteStore::create(dir, vault, options, clock).map(Self::Sqlite)
    }
    /// Opens the vault in a directory; one process at a time.
    pub fn open(dir: &Path, options: Options, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        SqliteStore::open(dir, options, clock).map(Self::Sqlite)
    }
    /// Reads in one snapshot on the calling thread. Neither wait for a commit nor read again inside `f`.
    pub fn read<T>(&self, f: impl FnOnce(&mut Reader<'_>) -> Result<T, ReadError>) -> Result<T, ReadError> {
        match self {
            Self::Sqlite(store) => store.read(f),
        }
    }
    /// Commits durably; the receipt is for the set's own event.
    pub async fn commit(&self, set: ChangeSet) -> Result<Receipt, CommitError> {
        match self {
            Self::Sqlite(store) => store.commit(set).await,
        }
    }
    /// The ledger of erasures, beside the database.
    pub fn ledger(&self) -> &Arc<Ledger> {
        match self {
            Self::Sqlite(store) => store.ledger(),
        }
    }
    /// Appends a line to the ledger of erasures without holding the calling thread up; where it ends.
    pub async fn append_ledger(&self, line: String) -> Result<u64, LedgerError> {
        match self {
            Self::Sqlite(store) => store.append_ledger(line).await,
        }
    }
    /// Reserves counters (from a durable block of 65 536).
    pub async fn allocate(&self, n: u16) -> Result<LocatorRange, CommitError> {
        match self {
            Self::Sqlite(store) => store.allocate(n).await,
        }
    }
    /// The durable mark: every counter ever given is below it.
    pub fn locator_mark(&self) -> u64 {
        match self {
            Self::Sqlite(store) => store.locator_mark(),
        }
    }
    /// After a restore: counters go on at `to`, never below the present mark.
    pub async fn set_locator_mark(&self, to: u64) -> Result<(), CommitError> {
        match self {
            Self::Sqlite(store) => store.set_locator_mark(to).await,
        }
    }
    /// No counter at or above this is given out (`Full`).
    pub fn set_locator_ceiling(&self, ceiling: u64) {
        match self {
            Self::Sqlite(store) => store.set_locator_ceiling(ceiling),
        }
    }
    /// Keeps what limits have counted, all rows or none, and drops stale ones; a projection of the log, so without an event.
    pub async fn keep_limits(&self, rows: Vec<LimitRow>, stale: Vec<StaleLimits>) -> Result<(), CommitError> {
        match self {
            Self::Sqlite(store) => store.keep_limits(rows, stale).await,
        }
    }
    /// Present head of the log.
    pub fn log_head(&self) -> LogHead {
        match self {
            Self::Sqlite(store) => store.log_head(),
        }
    }
    /// max(wall, clock floor).
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Sqlite(store) => store.now(),
        }
    }
    /// The vault's identity, as stored.
    pub fn vault(&self) -> VaultId {
        match self {
            Self::Sqlite(store) => store.vault(),
        }
    }
    /// How the store is: stopped, clock, WAL.
    pub fn health(&self) -> Health {
        match self {
            Self::Sqlite(store) => store.health(),
        }
    }
    /// What it measured of itself: commits, batches.
    pub fn measures(&self) -> Measures {
        match self {
            Self::Sqlite(store) => store.measures(),
        }
    }
    /// Positions of events with an index key ([`crate::audit::index_keys`]), newest first, below `before`, at most `limit`.
    pub fn audit_positions(
        &self,
        kind: u8,
        key: &[u8; 16],
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<u64>, ReadError> {
        match self {
            Self::Sqlite(store) => store.audit_positions(kind, key, before, limit),
        }
    }
    /// One event as stored.
    pub fn audit_row(&self, pos: u64) -> Result<Option<Row>, ReadError> {
        match self {
            Self::Sqlite(store) => store.audit_row(pos),
        }
    }
    /// The last `n` events, newest first.
    pub fn audit_tail(&self, n: usize) -> Result<Vec<Row>, ReadError> {
        match self {
            Self::Sqlite(store) => store.audit_tail(n),
        }
    }
    /// Events from a position upwards, at most `limit`.
    pub fn audit_range(&self, from: u64, limit: usize) -> Result<Vec<Row>, ReadError> {
        match self {
            Self::Sqlite(store) => store.audit_range(from, limit),
        }
    }
    /// Streams the log of a directory (a copy, a stopped vault) from a position on; needs no lock and no keyring.
    pub fn audit_rows(
        dir: &Path,
        from: u64,
        f: impl FnMut(Row) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        SqliteStore::audit_rows(dir, from, f)
    }
}
