//! One batch: one IMMEDIATE transaction over many change sets, each applied or rolled back alone, one fsync, all answers.
//!
//! For the writer. Sequence numbers and hashes are given in queue order; a set that fails takes none, so the chain has no
//! gap. Nothing is answered before COMMIT returned (I1).

use super::apply::apply;
use super::audit_rows::append;
use super::idempotency;
use super::locators;
use super::meta;
use super::slots::lock;
use super::writer::{Answer, Halt, Job, Prepared, Writer};
use crate::domain::disclosure::Receipt;
use crate::domain::{Object, Timestamp};
use crate::storage::errors::CommitError;
use rusqlite::ErrorCode;
use std::time::Duration;

/// At most this many sets wait for a truncation; beyond it sets that destroy keys are refused (I10).
const MOST_UNANSWERED: usize = 4_096;
/// The floor is written beside the events at most this often.
const FLOOR_EVERY_US: i64 = 1_000_000;

/// What an SQLite error means for the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Trouble {
    /// Somebody else holds the lock.
    Busy,
    /// No space; recoverable when the rollback works.
    Full,
    /// Anything else, I/O errors first of all, with the extended code.
    Halt(i32),
}

pub(super) fn trouble(error: &rusqlite::Error) -> Trouble {
    match error.sqlite_error() {
        Some(e) if matches!(e.code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Trouble::Busy,
        Some(e) if e.code == ErrorCode::DiskFull => Trouble::Full,
        Some(e) => Trouble::Halt(e.extended_code),
        None => Trouble::Halt(-1),
    }
}

/// How one job ended, before the commit.
enum Fate {
    /// Event at this position.
    Written(u64),
    /// Rolled back alone.
    Refused(CommitError),
    /// Upkeep: no event.
    Kept,
}

/// A batch that could not be written as a whole.
struct Failed(Trouble);

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self(trouble(&error))
    }
}

impl Writer {
    /// Commits a batch and answers it; sets that destroyed keys wait in `unanswered`.
    pub(super) fn batch(&mut self, jobs: Vec<Job>) -> Result<(), Halt> {
        if !self.inner.watch.holds() {
            // Nothing is acknowledged into a file that was deleted or replaced; it may yet be put back.
            jobs.into_iter().for_each(|job| refuse(job, CommitError::Stopped));
            return Ok(());
        }
        let (at, from) = (self.inner.clock.now(), self.inner.clock.monotonic());
        let (tail, mut commit) = (self.tail, self.inner.commits());
        let result = self.write(&jobs, at, &mut commit);
        let outcome = match result {
            Ok(fates) => {
                self.inner.published(self.tail, at, commit);
                self.measured(jobs.len(), from);
                if self.inner.watch.holds() {
                    self.answer(jobs, fates);
                } else {
                    jobs.into_iter().for_each(|job| refuse(job, CommitError::Stopped));
                }
                return Ok(());
            }
            Err(Failed(trouble)) => trouble,
        };
        self.tail = tail;
        // The window may name commits that never were; moving on makes readers renew, so that no one conflicts for ever.
        self.inner.skip_to(commit);
        let error: fn() -> CommitError = match outcome {
            Trouble::Halt(code) => return Err(Halt(code)),
            Trouble::Busy => || CommitError::Overloaded,
            Trouble::Full => || CommitError::Full,
        };
        self.roll_back()?;
        jobs.into_iter().for_each(|job| refuse(job, error()));
        Ok(())
    }

    fn measured(&self, jobs: usize, from: Duration) {
        let spent = self.inner.clock.monotonic().saturating_sub(from);
        let counters = &self.inner.counters;
        counters.commit_micros.observe(u64::try_from(spent.as_micros()).unwrap_or(u64::MAX));
        counters.batch_sets.observe(u64::try_from(jobs).unwrap_or(u64::MAX));
    }

    fn write(&mut self, jobs: &[Job], at: Timestamp, commit: &mut u64) -> Result<Vec<Fate>, Failed> {
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut fates = Vec::with_capacity(jobs.len());
        for job in jobs {
            fates.push(match job {
                Job::Commit(set, _) => self.set(set, at, commit)?,
                Job::Raise { seen, to, .. } => {
                    locators::raise(&self.conn, *seen, *to)?;
                    Fate::Kept
                }
                Job::Forget(keys) => {
                    idempotency::forget(&self.conn, keys, at)?;
                    Fate::Kept
                }
                Job::Keep(kept) => {
                    super::limits::keep(&self.conn, kept)?;
                    Fate::Kept
                }
                Job::End => Fate::Kept,
                #[cfg(test)]
                Job::Fail(code) => return Err(Failed(Trouble::Halt(*code))),
            });
        }
        if at.0.saturating_sub(self.floor_written.0) >= FLOOR_EVERY_US {
            meta::put_i64(&self.conn, meta::CLOCK_FLOOR, at.0)?;
            self.floor_written = at;
        }
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        Ok(fates)
    }

    /// One set: judged against the window, then rows, then its event; all of it or nothing.
    fn set(&mut self, set: &Prepared, at: Timestamp, commit: &mut u64) -> Result<Fate, Failed> {
        if let Err(object) = self.changed.check(set.read_at.0, &set.relied_on) {
            return self.conflict_or_replay(set, object, at);
        }
        if set.destroys_key() && self.unanswered.len() >= MOST_UNANSWERED {
            return Ok(Fate::Refused(CommitError::Overloaded));
        }
        if set.changes.is_empty() {
            // One statement may fail before anything was written: no savepoint needed.
            if let Some(refused) = self.remember(set, at)? {
                return Ok(Fate::Refused(refused));
            }
            self.tail = append(&self.conn, &self.tail, at, &set.body)?;
            // A remembered outcome is something readers see, though no object changed.
            *commit += u64::from(set.idempotency.is_some());
            return Ok(Fate::Written(self.tail.pos));
        }
        self.conn.prepare_cached("SAVEPOINT one")?.execute([])?;
        let fate = self.rows(set, at)?;
        if matches!(fate, Fate::Refused(_)) {
            self.conn.prepare_cached("ROLLBACK TO one")?.execute([])?;
        }
        self.conn.prepare_cached("RELEASE one")?.execute([])?;
        if matches!(fate, Fate::Written(_)) {
            *commit += 1;
            set.changes.iter().for_each(|change| self.changed.note(change.object(), *commit));
        }
        Ok(fate)
    }

    fn rows(&mut self, set: &Prepared, at: Timestamp) -> Result<Fate, Failed> {
        if let Some(refused) = self.remember(set, at)? {
            return Ok(Fate::Refused(refused));
        }
        for change in &set.changes {
            match apply(&self.conn, change) {
                Ok(true) => {}
                Ok(false) => return Ok(Fate::Refused(CommitError::Conflict(change.object()))),
                Err(e) => return refusal(&e, change.object()).map(Fate::Refused).ok_or_else(|| e.into()),
            }
        }
        self.tail = append(&self.conn, &self.tail, at, &set.body)?;
        Ok(Fate::Written(self.tail.pos))
    }

    /// Writes the idempotency row, if any; `Some`: the set is refused.
    fn remember(&self, set: &Prepared, at: Timestamp) -> Result<Option<CommitError>, Failed> {
        let Some(row) = &set.idempotency else { return Ok(None) };
        if idempotency::remember(&self.conn, row, at)? {
            return Ok(None);
        }
        self.replay(set, at).map(Some)
    }

    fn replay(&self, set: &Prepared, at: Timestamp) -> Result<CommitError, Failed> {
        let Some((client, key)) = set.remembers() else { return Err(Failed(Trouble::Halt(-1))) };
        match idempotency::find(&self.conn, client, &key, at) {
            Ok(Some(row)) => Ok(CommitError::Replayed(row)),
            // A row that stands in the way and cannot be read: the store is damaged (I11).
            _ => Err(Failed(Trouble::Halt(rusqlite::ffi::SQLITE_CORRUPT))),
        }
    }

    /// A request that was answered already is a replay, whatever changed since.
    fn conflict_or_replay(&self, set: &Prepared, object: Object, at: Timestamp) -> Result<Fate, Failed> {
        let conflict = Fate::Refused(CommitError::Conflict(object));
        let Some((client, key)) = set.remembers() else { return Ok(conflict) };
        match idempotency::find(&self.conn, client, &key, at) {
            Ok(Some(row)) => Ok(Fate::Refused(CommitError::Replayed(row))),
            Ok(None) => Ok(conflict),
            Err(_) => Err(Failed(Trouble::Halt(rusqlite::ffi::SQLITE_CORRUPT))),
        }
    }

    fn answer(&mut self, jobs: Vec<Job>, fates: Vec<Fate>) {
        let head = self.tail.head();
        for (job, fate) in jobs.into_iter().zip(fates) {
            match (job, fate) {
                (Job::Commit(set, answer), Fate::Written(pos)) => {
                    let receipt = Receipt::dangerous_mint(set.ticket, pos, head);
                    if set.destroys_key() {
                        self.unanswered.push((answer, receipt));
                    } else {
                        let _ = answer.send(Ok(receipt));
                    }
                }
                (Job::Commit(_, answer), Fate::Refused(error)) => send(answer, error),
                (Job::Raise { seen, to, done }, _) => {
                    lock(&self.inner.block).raised(seen, to);
                    let _ = done.send(Ok(()));
                }
                (Job::Keep(kept), _) => {
                    // The caller may have gone; the rows stand.
                    let _ = kept.done.send(Ok(()));
                }
                _ => {}
            }
        }
    }

    /// After trouble that may pass. A rollback that does not work leaves nothing to rely on.
    fn roll_back(&self) -> Result<(), Halt> {
        if !self.conn.is_autocommit() {
            self.conn.execute_batch("ROLLBACK").map_err(|_| Halt(-1))?;
        }
        if self.conn.is_autocommit() { Ok(()) } else { Err(Halt(-1)) }
    }

    /// The last thing a writer does.
    pub(super) fn write_floor_at_end(&mut self) -> Result<(), Halt> {
        let at = self.inner.clock.now();
        match meta::put_i64(&self.conn, meta::CLOCK_FLOOR, at.0) {
            Err(e) => match trouble(&e) {
                Trouble::Halt(code) => Err(Halt(code)),
                // The last event's time is the floor anyway.
                Trouble::Busy | Trouble::Full => Ok(()),
            },
            Ok(()) => Ok(()),
        }
    }
}

/// Errors of one set alone: a constraint is a conflict, a row too large for any store is out of space.
fn refusal(error: &rusqlite::Error, object: Object) -> Option<CommitError> {
    match error.sqlite_error().map(|e| e.code) {
        Some(ErrorCode::ConstraintViolation) => Some(CommitError::Conflict(object)),
        Some(ErrorCode::TooBig) => Some(CommitError::Full),
        _ => None,
    }
}

fn send(answer: Answer, error: CommitError) {
    // The caller may have gone; there is nobody else to tell.
    let _ = answer.send(Err(error));
}

fn refuse(job: Job, error: CommitError) {
    match job {
        Job::Commit(_, answer) => send(answer, error),
        Job::Raise { done, .. } => {
            let _ = done.send(Err(error));
        }
        Job::Keep(kept) => {
            let _ = kept.done.send(Err(error));
        }
        Job::Forget(_) | Job::End => {}
        #[cfg(test)]
        Job::Fail(_) => {}
    }
}
