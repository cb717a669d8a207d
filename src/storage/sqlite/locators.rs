//! Locator counters in durable blocks of 65 536: the mark is raised on disk before the first counter below it is used.
//!
//! For `Store::allocate`. A counter is never given twice (I8): what is left of a block at the end of a process is lost.

use super::slots::lock;
use super::writer::Job;
use super::{SqliteStore, meta};
use crate::domain::MAX_COUNTER;
use crate::storage::errors::CommitError;
use crate::storage::rows::LocatorRange;
use rusqlite::Connection;
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;

/// Counters reserved at a time.
pub(super) const BLOCK: u64 = 65_536;
/// The mark of a new vault: counter 0 does not exist.
pub(super) const FIRST_MARK: u64 = 1;

/// What is reserved and not given out: `next .. end`, `end` = the durable mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Block {
    next: u64,
    end: u64,
}

impl Block {
    /// After a start nothing below the mark may be given again.
    pub(super) fn spent(mark: u64) -> Self {
        Self { next: mark, end: mark }
    }
    fn take(&mut self, n: u16) -> Option<LocatorRange> {
        let after = self.next.checked_add(u64::from(n)).filter(|after| *after <= self.end)?;
        let range = LocatorRange { first: self.next, count: n };
        self.next = after;
        Some(range)
    }
    /// The writer made `to` durable (or found the mark elsewhere, then nothing changes).
    pub(super) fn raised(&mut self, seen: Option<u64>, to: u64) {
        match seen {
            Some(seen) if seen == self.end => self.end = to,
            Some(_) => {}
            None if to > self.end => *self = Self::spent(to),
            None => {}
        }
    }
}

/// Raises the mark inside the writer's transaction.
pub(super) fn raise(conn: &Connection, seen: Option<u64>, to: u64) -> rusqlite::Result<()> {
    let mark = meta::find(conn, meta::LOCATOR_MARK)?.map(u64::from_be_bytes);
    let mark = mark.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let wanted = match seen {
        Some(seen) => seen == mark && to > mark,
        None => to > mark,
    };
    if wanted { meta::put_u64(conn, meta::LOCATOR_MARK, to) } else { Ok(()) }
}

impl SqliteStore {
    /// Reserves counters. Beyond the ceiling there are none: `Full`.
    pub async fn allocate(&self, n: u16) -> Result<LocatorRange, CommitError> {
        loop {
            let seen = {
                let mut block = lock(&self.inner.block);
                if let Some(range) = block.take(n) {
                    return Ok(range);
                }
                block.end
            };
            let ceiling = self.inner.ceiling.load(Ordering::Acquire);
            let to = seen.saturating_add(BLOCK);
            if to > ceiling {
                return Err(CommitError::Full);
            }
            self.raise(Some(seen), to).await?;
        }
    }
    /// The durable mark: every counter ever given is below it.
    pub fn locator_mark(&self) -> u64 {
        lock(&self.inner.block).end
    }
    /// After a restore: goes on at `to` (the keyring's ceiling), never below the present mark.
    pub async fn set_locator_mark(&self, to: u64) -> Result<(), CommitError> {
        if to > MAX_COUNTER { Err(CommitError::Full) } else { self.raise(None, to).await }
    }
    /// No counter at or above this is given out; the keyring's ceiling is raised before it is reached.
    pub fn set_locator_ceiling(&self, ceiling: u64) {
        self.inner.ceiling.store(ceiling.min(MAX_COUNTER), Ordering::Release);
    }
    async fn raise(&self, seen: Option<u64>, to: u64) -> Result<(), CommitError> {
        let (done, raised) = oneshot::channel();
        self.send(Job::Raise { seen, to, done })?;
        raised.await.map_err(|_| CommitError::Stopped)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i8_no_counter_is_given_twice_or_before_its_block_is_durable() {
        let mut block = Block::spent(1);
        assert_eq!(block.take(1), None);
        block.raised(Some(1), 11);
        assert_eq!(block.take(4), Some(LocatorRange { first: 1, count: 4 }));
        assert_eq!(block.take(7), None);
        assert_eq!(block.take(6), Some(LocatorRange { first: 5, count: 6 }));
        block.raised(Some(1), 11);
        assert_eq!(block.take(1), None, "a late answer to an old raise changes nothing");
        block.raised(None, 100);
        assert_eq!(block, Block::spent(100));
        block.raised(None, 50);
        assert_eq!(block, Block::spent(100));
    }
}
