//! Locator counters in durable blocks of 65 536: the mark is raised on disk before the first counter below it is used.
//!
//! For `Store::allocate`. A counter is never given twice (I8): what is left of a block at the end of a process is lost.

use super::slots::lock;
use super::writer::Job;
use super::{SqliteStore, meta};
use crate::domain::{Locator, MAX_COUNTER};
use crate::storage::errors::{CommitError, OpenError};
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

/// The mark a start goes on from: above every counter that a row has, whatever `meta` says. Who lowers it must not have
/// the name of a person or record given to another (I8).
pub(super) fn mended(conn: &Connection) -> Result<u64, OpenError> {
    let mark = u64::from_be_bytes(meta::need(conn, meta::LOCATOR_MARK)?);
    let highest = "SELECT max((SELECT ifnull(max(locator), 0) FROM subjects),
        (SELECT ifnull(max(locator), 0) FROM records), (SELECT ifnull(max(locator), 0) FROM grants))";
    let highest: i64 = conn.query_row(highest, [], |row| row.get(0))?;
    let above = u64::try_from(highest).ok().and_then(Locator::from_raw).map_or(0, |l| l.counter() + 1);
    if above <= mark {
        return Ok(mark);
    }
    meta::put_u64(conn, meta::LOCATOR_MARK, above)?;
    Ok(above)
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
    use super::super::migrate;
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn i8_a_mark_below_a_row_that_is_there_is_raised_above_it_and_no_other_is_touched() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate::run(&mut conn, migrate::MIGRATIONS, Timestamp(0)).unwrap();
        meta::put_u64(&conn, meta::LOCATOR_MARK, 1).unwrap();
        assert_eq!(mended(&conn).unwrap(), 1);
        let at = |counter: i64| (counter << 12) | 7;
        for (table, columns, counter) in [
            ("subjects", "(locator, version, state, seal) VALUES(?1, 1, x'', x'')", 20),
            ("grants", "(locator, record, version, body, seal) VALUES(?1, 1, 1, x'', x'')", 30),
            (
                "records",
                "(locator, subject, collection, version, head_version, status, created_us, generations, seal, sealed)
                 VALUES(?1, 1, 1, 1, 1, 1, 1, x'', x'', x'')",
                40,
            ),
        ] {
            conn.execute(&format!("INSERT INTO {table}{columns}"), [at(counter)]).unwrap();
            assert_eq!(mended(&conn).unwrap(), counter as u64 + 1, "{table}");
        }
        meta::put_u64(&conn, meta::LOCATOR_MARK, 65_537).unwrap();
        assert_eq!(mended(&conn).unwrap(), 65_537);
    }

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
