//! The embedded adapter: one SQLite database (`vault.db`), one writer thread, a read-only connection per calling thread.
//!
//! For `Store`. It holds sealed bytes and cannot open them; it answers no commit before the fsync that makes its audit
//! event durable (I1), bounds its queue, windows and scans (I10), and stops at the first I/O error (I11, F3).

mod afresh;
mod apply;
mod audit_rows;
mod batch;
mod checkpoint;
mod clock_floor;
mod conflicts;
mod driver;
mod housekeeping;
mod idempotency;
mod index;
mod inspect;
mod integrity;
mod limits;
mod locators;
mod look;
mod measures;
mod meta;
mod migrate;
mod open;
mod pages;
mod pragmas;
mod reader;
mod rows;
mod runs;
mod slots;
mod snapshot;
#[cfg(test)]
mod tests;
mod watch;
mod writer;

pub use audit_rows::{AuditRows, open_read_only_audit, read_only_controls, read_only_tail};
pub use clock_floor::{CLOCK_ALERT, CLOCK_REFUSE, ClockHealth};
pub use driver::{Driver, Step, Stepper};
pub use idempotency::REMEMBERED;
pub use inspect::{Inspection, inspect};
pub use measures::Measures;
pub use reader::Reader;
pub use snapshot::{SealedRow, Snapshot};

use crate::domain::disclosure::{LogHead, Receipt};
use crate::domain::{Timestamp, VaultId};
use crate::storage::changes::ChangeSet;
use crate::storage::errors::{CommitError, ReadError};
use crate::storage::ledger::Ledger;
use clock_floor::ClockFloor;
use open::make_file;
use slots::{Slots, lock};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;
use writer::{Job, Prepared};

const VAULT_DB: &str = "vault.db";
const VAULT_WAL: &str = "vault.db-wal";
const INDEX_DB: &str = "index.db";
const LOCK: &str = "lock";
const LEDGER: &str = "erasures.log";

/// Called once, from the thread that met it, when the store stops at an I/O error; with SQLite's extended code. The
/// composition root ends the process.
pub type StopHook = Arc<dyn Fn(i32) + Send + Sync>;

/// How a store is opened.
#[derive(Clone)]
pub struct Options {
    /// How long a foreign lock is waited for before commits answer `Overloaded`.
    pub busy: Duration,
    /// Whether every page is checked at open (its cost grows with the store).
    pub quick_check: bool,
    /// What to do when the store stops.
    pub on_stop: Option<StopHook>,
    /// Who runs it: threads, but in a simulation.
    pub driver: Driver,
    /// Whose keys are at hand: the database of another vault is refused before anything is written.
    pub owner: Option<VaultId>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            busy: Duration::from_secs(2),
            quick_check: false,
            on_stop: None,
            driver: Driver::Threads,
            owner: None,
        }
    }
}

/// How the store is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Health {
    /// The writer stopped at an I/O error; nothing more is committed or read.
    pub stopped: bool,
    /// What the wall clock is worth.
    pub clock: ClockHealth,
    /// How far the wall clock is behind the floor.
    pub clock_behind: Duration,
    /// Pages in the WAL after the last commit.
    pub wal_pages: u32,
    /// The database or its log is no longer the file that was opened; nothing is committed.
    pub replaced: bool,
}

/// What all threads of a store share.
struct Inner {
    dir: PathBuf,
    vault: VaultId,
    options: Options,
    clock: ClockFloor,
    /// How many commits have changed an object.
    commits: AtomicU64,
    head: Mutex<LogHead>,
    slots: Slots,
    block: Mutex<locators::Block>,
    ceiling: AtomicU64,
    stopped: AtomicBool,
    wal_pages: AtomicU32,
    watch: watch::Watch,
    counters: measures::Counters,
    /// One checkpoint at a time.
    checkpointing: Mutex<()>,
    index: index::Index,
    ledger: Arc<Ledger>,
    /// Held as long as any thread of the store lives.
    _lock: File,
}

impl Inner {
    fn vault_db(&self) -> PathBuf {
        self.dir.join(VAULT_DB)
    }
    fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }
    fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
    fn stop(&self, code: i32) {
        if !self.stopped.swap(true, Ordering::AcqRel)
            && let Some(hook) = &self.options.on_stop
        {
            hook(code);
        }
    }
    /// A batch is durable: snapshots from now on see it, and only then it is answered.
    fn published(&self, tail: audit_rows::Tail, at: Timestamp, commit: u64) {
        self.clock.raise(at);
        *lock(&self.head) = tail.head();
        self.skip_to(commit);
    }
    fn skip_to(&self, commit: u64) {
        self.commits.store(commit, Ordering::Release);
    }
}

/// The embedded store. Dropping it ends its loops in order and empties the WAL.
pub struct SqliteStore {
    inner: Arc<Inner>,
    jobs: SyncSender<Job>,
    running: driver::Running,
}

impl SqliteStore {
    /// Commits durably; the receipt is for the set's own event.
    pub async fn commit(&self, set: ChangeSet) -> Result<Receipt, CommitError> {
        let (answer, answered) = oneshot::channel();
        self.send(Job::Commit(Box::new(Prepared::new(set)), answer))?;
        answered.await.map_err(|_| CommitError::Stopped)?
    }
    /// The ledger of erasures.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.inner.ledger
    }
    /// Present head of the log.
    pub fn log_head(&self) -> LogHead {
        *lock(&self.inner.head)
    }
    /// max(wall, clock floor).
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }
    /// The vault's identity, as stored.
    pub fn vault(&self) -> VaultId {
        self.inner.vault
    }
    /// How the store is.
    pub fn health(&self) -> Health {
        Health {
            stopped: self.inner.stopped(),
            clock: self.inner.clock.health(),
            clock_behind: self.inner.clock.behind(),
            wal_pages: self.inner.wal_pages.load(Ordering::Acquire),
            replaced: self.inner.watch.is_replaced(),
        }
    }
    /// What it measured of itself.
    pub fn measures(&self) -> Measures {
        self.inner.counters.measures()
    }
    fn send(&self, job: Job) -> Result<(), CommitError> {
        if self.inner.stopped() {
            return Err(CommitError::Stopped);
        }
        self.jobs.try_send(job).map_err(|e| match e {
            TrySendError::Full(_) => CommitError::Overloaded,
            TrySendError::Disconnected(_) => CommitError::Stopped,
        })
    }
    /// The log of a directory that need not be served, from a position on; see [`AuditRows`].
    pub fn audit_rows(
        dir: &Path,
        from: u64,
        mut f: impl FnMut(crate::audit::Row) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        AuditRows::open(dir, from)?.try_for_each(|row| f(row?))
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.running.end(&self.jobs);
        self.inner.slots.close();
    }
}
