//! The housekeeping thread: ends idle snapshots, checkpoints off the writer's path, forgets old idempotency rows.
//!
//! It works on a connection of its own and asks the writer for every change of data. Each tick is bounded (I10).

use super::Inner;
use super::checkpoint::{self, PASSIVE_AT, TRUNCATE_AT};
use super::idempotency::{self, Cursor};
use super::writer::{Halt, Job};
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

const TICK: Duration = Duration::from_millis(100);
/// One part of the idempotency table is looked at every so many ticks.
const SWEEP_EVERY: u32 = 10;

pub(super) struct Housekeeper {
    pub(super) conn: Connection,
    pub(super) inner: Arc<Inner>,
    pub(super) jobs: SyncSender<Job>,
    pub(super) cursor: Cursor,
    pub(super) checkpointed: u32,
}

impl Housekeeper {
    /// Runs until the other end of `end` is dropped or the store stops.
    pub(super) fn run(mut self, end: &Receiver<()>) {
        let mut ticks = 0_u32;
        while end.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) && !self.inner.stopped() {
            ticks = ticks.wrapping_add(1);
            if let Err(Halt(code)) = self.tick(ticks) {
                self.inner.stop(code);
                // The writer may be asleep; it sees that the store stopped when it wakes.
                let _ = self.jobs.try_send(Job::End);
                return;
            }
        }
    }

    pub(super) fn tick(&mut self, ticks: u32) -> Result<(), Halt> {
        self.inner.slots.end_idle(self.inner.clock.monotonic());
        if !self.inner.watch.holds() {
            // A checkpoint into a file that nobody sees any more is no checkpoint.
            return Ok(());
        }
        let pages = self.inner.wal_pages.load(Ordering::Acquire);
        // What was copied is not copied again until as much has come on top; an emptied log begins anew.
        let fresh = pages.checked_sub(self.checkpointed).unwrap_or(pages);
        if fresh >= PASSIVE_AT {
            checkpoint::passive(&self.conn, &self.inner)?;
            self.checkpointed = pages;
        }
        if pages >= TRUNCATE_AT {
            checkpoint::truncate(&self.conn, &self.inner)?;
        }
        if ticks.is_multiple_of(SWEEP_EVERY) {
            self.sweep();
        }
        Ok(())
    }

    fn sweep(&mut self) {
        let now = self.inner.clock.now();
        // A sweep that fails is done again a second later; rows past 24 hours count as forgotten anyway.
        if let Ok((old, next)) = idempotency::sweep(&self.conn, self.cursor.take(), now) {
            self.cursor = next;
            if !old.is_empty() {
                let _ = self.jobs.try_send(Job::Forget(old));
            }
        }
    }
}
