//! Checkpoints: passive ones off the writer's path, truncating ones that erase what the WAL still holds (F2).
//!
//! For the writer (after keys were destroyed, at the end) and housekeeping. An I/O error in a checkpoint stops the store
//! like one in a commit: the pages may be gone.

use super::Inner;
use super::batch::{Trouble, trouble};
use super::slots::lock;
use super::writer::Halt;
use rusqlite::Connection;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// WAL pages after which a passive checkpoint runs (4 MiB).
pub(super) const PASSIVE_AT: u32 = 1_024;
/// WAL pages after which readers are quiesced for a truncating one: it must not grow without bound (I10).
pub(super) const TRUNCATE_AT: u32 = 16_384;

/// How long readers stand still for a foreign lock at most; then they go on and it is tried again.
const PATIENCE: Duration = Duration::from_millis(15);

/// Empties the WAL with every reader quiesced; `false`: somebody else (a foreign reader) holds it, try again.
pub(super) fn truncate(conn: &Connection, inner: &Inner) -> Result<bool, Halt> {
    let _alone = lock(&inner.checkpointing);
    // What can be copied beside readers is copied first, so that they stand still only for the rest.
    let result = run(conn, "PRAGMA wal_checkpoint(PASSIVE)").and_then(|_| {
        conn.busy_timeout(PATIENCE)?;
        let done = inner.slots.quiesced(|| run(conn, "PRAGMA wal_checkpoint(TRUNCATE)"));
        conn.busy_timeout(inner.options.busy)?;
        done
    });
    let (busy, _, _) = match result {
        Err(e) => return tolerated(&e).map(|()| false),
        Ok(done) => done,
    };
    if busy == 0 {
        inner.wal_pages.store(0, Ordering::Release);
    }
    Ok(busy == 0)
}

/// Copies what it can without holding anybody up.
pub(super) fn passive(conn: &Connection, inner: &Inner) -> Result<(), Halt> {
    let _alone = lock(&inner.checkpointing);
    run(conn, "PRAGMA wal_checkpoint(PASSIVE)").map(drop).or_else(|e| tolerated(&e))
}

/// (busy, pages in the WAL, pages copied).
fn run(conn: &Connection, sql: &str) -> rusqlite::Result<(i64, i64, i64)> {
    conn.prepare_cached(sql)?.query_row([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
}

/// A full disk or a foreign lock may pass; anything else is the end.
fn tolerated(error: &rusqlite::Error) -> Result<(), Halt> {
    match trouble(error) {
        Trouble::Busy | Trouble::Full => Ok(()),
        Trouble::Halt(code) => Err(Halt(code)),
    }
}
