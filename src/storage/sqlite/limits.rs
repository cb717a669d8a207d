//! Rows of what limits keep over a restart: written together by the writer, without an event of their own (they are a
//! projection of the log), read once at the start.
//!
//! Nothing here judges a row: `vault` seals them and checks every seal.

use super::SqliteStore;
use super::reader::Reader;
use super::rows::{blob, count, signed};
use super::writer::Job;
use crate::domain::ClientNo;
use crate::storage::errors::{CommitError, ReadError};
use crate::storage::rows::{LimitRow, StaleLimits};
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

/// Most rows of one writing, and most that are read back: a hundred thousand chunks of subjects (I10).
const MOST: usize = 100_000;

/// What the writer is asked to keep and to drop.
pub(super) struct Keep {
    pub(super) rows: Vec<LimitRow>,
    pub(super) stale: Vec<StaleLimits>,
    pub(super) done: oneshot::Sender<Result<(), CommitError>>,
}

/// Writes all rows in the batch's transaction, and drops what is stale.
pub(super) fn keep(conn: &Connection, keep: &Keep) -> rusqlite::Result<()> {
    let mut put = conn.prepare_cached(
        "INSERT INTO limits(client, rule, day, audit_pos, state) VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(client, rule, day) DO \
         UPDATE SET audit_pos = excluded.audit_pos, state = excluded.state",
    )?;
    for row in &keep.rows {
        put.execute(params![row.client.0, row.rule, row.day, signed(row.audit_pos), row.state])?;
    }
    let mut drop = conn.prepare_cached("DELETE FROM limits WHERE rule >= ?1 AND rule < ?2 AND day < ?3")?;
    for (rules, before) in &keep.stale {
        drop.execute(params![rules.start, rules.end, before])?;
    }
    Ok(())
}

impl SqliteStore {
    /// Keeps rows durably, all or none; no event, no commit number.
    pub async fn keep_limits(&self, rows: Vec<LimitRow>, stale: Vec<StaleLimits>) -> Result<(), CommitError> {
        if rows.len() > MOST {
            return Err(CommitError::Full);
        }
        let (done, answered) = oneshot::channel();
        self.send(Job::Keep(Box::new(Keep { rows, stale, done })))?;
        answered.await.map_err(|_| CommitError::Stopped)?
    }
}

impl Reader<'_> {
    /// Every kept row, by client, rule and day. More than can ever have been written is corruption.
    pub fn limits(&mut self) -> Result<Vec<LimitRow>, ReadError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT client, rule, day, audit_pos, state FROM limits ORDER BY client, rule, day LIMIT ?1",
        )?;
        let mut rows = statement.query([signed(MOST as u64 + 1)])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(LimitRow {
                client: ClientNo(row.get(0)?),
                rule: row.get(1)?,
                day: row.get(2)?,
                audit_pos: count(row.get(3)?)?,
                state: blob(row.get_ref(4)?)?.to_vec(),
            });
        }
        if out.len() > MOST { Err(ReadError::Corrupt) } else { Ok(out) }
    }
}
