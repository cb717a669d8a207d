//! The one writer thread: takes everything that queued while the last fsync ran, commits it as one batch, answers.
//!
//! Nobody else has a connection that writes. It must never answer before its commit is durable (I1), nor after a first
//! I/O error: then it stops for good and tells the composition root, which ends the process (F3).

use super::Inner;
use super::audit_rows::Tail;
use super::checkpoint;
use super::conflicts::Conflicts;
use crate::domain::disclosure::Receipt;
use crate::domain::{ClientNo, CommitNo, Object, Timestamp};
use crate::storage::changes::{Change, ChangeSet};
use crate::storage::errors::CommitError;
use crate::storage::rows::IdempotencyRow;
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Most sets that wait; beyond it callers are told so at once (I10).
pub(super) const QUEUE: usize = 4_096;
/// Most jobs in one batch.
pub(super) const LARGEST_BATCH: usize = 1_024;
/// From so many sets in the last batch on, the next waits a moment for its own; a lone client never waits.
const CROWD: usize = 4;
/// A batch of so many sets waits for no more.
const ENOUGH: usize = 24;
/// That moment: a fraction of what the sync costs which it spares.
const GATHER: Duration = Duration::from_micros(150);
/// How soon a truncation that was blocked is tried again.
const RETRY: Duration = Duration::from_millis(50);

pub(super) type Answer = oneshot::Sender<Result<Receipt, CommitError>>;

/// A change set whose event is encoded: the caller's thread did that.
pub(super) struct Prepared {
    pub(super) ticket: u64,
    pub(super) body: Vec<u8>,
    pub(super) read_at: CommitNo,
    pub(super) relied_on: smallvec::SmallVec<[Object; 4]>,
    pub(super) changes: Vec<Change>,
    pub(super) idempotency: Option<IdempotencyRow>,
}

impl Prepared {
    pub(super) fn new(set: ChangeSet) -> Self {
        Self {
            ticket: set.event.ticket.number(),
            body: crate::audit::encode(&set.event.body),
            read_at: set.read_at,
            relied_on: set.relied_on,
            changes: set.changes,
            idempotency: set.idempotency,
        }
    }
    pub(super) fn destroys_key(&self) -> bool {
        self.changes.iter().any(Change::destroys_key)
    }
    pub(super) fn remembers(&self) -> Option<(ClientNo, [u8; 16])> {
        self.idempotency.as_ref().map(|row| (row.client, row.key))
    }
}

/// What the writer is asked to do.
pub(super) enum Job {
    /// Commit a set.
    Commit(Box<Prepared>, Answer),
    /// Raise the locator mark to `to`, if it is still at `seen` (`None`: at least to `to`, and go on there).
    Raise { seen: Option<u64>, to: u64, done: oneshot::Sender<Result<(), CommitError>> },
    /// Delete remembered outcomes older than 24 hours.
    Forget(Vec<super::idempotency::Key>),
    /// Keep what limits have counted: a projection of the log, so without an event.
    Keep(Box<super::limits::Keep>),
    /// Drain what is queued and end.
    End,
    /// Fail the next COMMIT with this code, as a device would.
    #[cfg(test)]
    Fail(i32),
}

/// The writer must stop: nothing it says can be relied on any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Halt(pub(super) i32);

pub(super) struct Writer {
    pub(super) conn: Connection,
    pub(super) inner: Arc<Inner>,
    pub(super) tail: Tail,
    pub(super) changed: Conflicts,
    /// Committed, but the WAL may still hold the destroyed keys.
    pub(super) unanswered: Vec<(Answer, Receipt)>,
    pub(super) floor_written: Timestamp,
}

impl Writer {
    /// Runs until the queue is closed or the first I/O error.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let inner = Arc::clone(&self.inner);
        // A panic here leaves a transaction nobody knows: it stops the store like an I/O error.
        let served = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.serve(jobs)));
        if let Err(Halt(code)) = served.unwrap_or(Err(Halt(-1))) {
            inner.stop(code);
            // Whoever waits learns that the writer stopped: the senders go with the queue and `unanswered`.
        }
    }

    fn serve(&mut self, jobs: &Receiver<Job>) -> Result<(), Halt> {
        let mut last = 0;
        loop {
            let first = if self.unanswered.is_empty() {
                jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                jobs.recv_timeout(RETRY)
            };
            if self.inner.stopped() {
                return Ok(());
            }
            let mut batch = Vec::new();
            match first {
                Ok(job) => batch.push(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.finish(),
            }
            batch.extend(jobs.try_iter().take(LARGEST_BATCH - 1));
            if last >= CROWD && batch.len() < ENOUGH {
                std::thread::sleep(GATHER);
                batch.extend(jobs.try_iter().take(LARGEST_BATCH - ENOUGH));
            }
            last = batch.len();
            if self.turn(batch)? {
                return self.finish();
            }
        }
    }

    /// Commits what waited as one batch and answers; `true`: the end was asked for.
    pub(super) fn turn(&mut self, batch: Vec<Job>) -> Result<bool, Halt> {
        let ending = batch.iter().any(|job| matches!(job, Job::End));
        if !batch.is_empty() {
            self.batch(batch)?;
        }
        self.truncate()?;
        Ok(ending)
    }

    /// Answers the sets that destroyed keys, once no file holds them; sets that came meanwhile share one truncation.
    fn truncate(&mut self) -> Result<(), Halt> {
        if self.unanswered.is_empty()
            || self.inner.watch.is_replaced()
            || !checkpoint::truncate(&self.conn, &self.inner)?
        {
            return Ok(());
        }
        for (answer, receipt) in self.unanswered.drain(..) {
            // The caller may have gone; the commit stands.
            let _ = answer.send(Ok(receipt));
        }
        Ok(())
    }

    /// Orderly end: the clock floor is written and the WAL emptied.
    pub(super) fn finish(&mut self) -> Result<(), Halt> {
        self.truncate()?;
        self.write_floor_at_end()?;
        checkpoint::truncate(&self.conn, &self.inner).map(drop)
    }
}
