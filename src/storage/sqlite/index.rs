//! `index.db`: a projection of the log, by kind of key, that may be deleted at any time and is rebuilt.
//!
//! A follower reads committed rows and writes them in sorted runs; queries join it with a scan of what is not merged yet.
//! It decides nothing (it is neither sealed nor backed up) and never holds a commit up.

use super::pragmas::{Role, connect, harden};
use super::slots::lock;
use super::{INDEX_DB, Inner, SqliteStore, audit_rows, make_file, meta};
use crate::audit::{self, Row};
use crate::storage::errors::{OpenError, ReadError};
use rusqlite::{Connection, OpenFlags, params};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(1_000);
/// Rows merged in one transaction.
const RUN: usize = 32_768;
/// The most a query scans beyond what is merged (I10); a rebuild in progress answers `Store`.
const LONGEST_TAIL: u64 = 65_536;
/// Most positions or rows a query answers with.
const MOST: usize = 10_000;

const POSITION: &str = "position";
const HASH: &str = "hash";
const TABLES: &str =
    "CREATE TABLE IF NOT EXISTS meta(k TEXT PRIMARY KEY, v BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS audit_by(kind INTEGER NOT NULL, k BLOB NOT NULL, pos INTEGER NOT NULL, \
    PRIMARY KEY(kind, k, pos)) STRICT, WITHOUT ROWID;";

/// The connection queries use, once the follower has found the projection to be of this very log.
#[derive(Default)]
pub(super) struct Index(Mutex<Option<Connection>>);

/// The thread that keeps the projection.
pub(super) struct Follower {
    pub(super) inner: Arc<Inner>,
    /// A read-only connection to `vault.db`.
    pub(super) log: Connection,
}

impl Follower {
    /// Runs until the other end of `end` is dropped or the store stops. Trouble with the projection rebuilds it.
    pub(super) fn run(self, end: &Receiver<()>) {
        let mut index = None;
        loop {
            self.turn(&mut index);
            if end.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) || self.inner.stopped() {
                return;
            }
        }
    }

    /// Merges once; the connection is kept for the next turn, or made anew after trouble.
    pub(super) fn turn(&self, index: &mut Option<Connection>) {
        let merged = match index.take() {
            None => self.open().map_err(|_| ReadError::Store),
            Some(open) => Ok(open),
        }
        .and_then(|mut open| self.merge(&mut open).map(|()| open));
        match merged {
            Ok(open) => *index = Some(open),
            Err(_) => *lock(&self.inner.index.0) = None,
        }
    }

    /// Opens the projection, or makes it anew when it is damaged, of another vault, or ahead of the log.
    fn open(&self) -> Result<Connection, OpenError> {
        *lock(&self.inner.index.0) = None;
        let path = self.inner.dir.join(INDEX_DB);
        let busy = self.inner.options.busy;
        let kept = connect(&path, Role::Index, busy).and_then(|conn| {
            conn.execute_batch(TABLES)?;
            self.check(&conn).map(|()| conn)
        });
        let conn = match kept {
            Ok(conn) => conn,
            Err(_) => {
                for end in ["", "-wal", "-shm"] {
                    let _ = std::fs::remove_file(self.inner.dir.join(format!("{INDEX_DB}{end}")));
                }
                make_file(&path)?;
                let conn = connect(&path, Role::Index, busy)?;
                conn.execute_batch(TABLES)?;
                meta::put(&conn, meta::VAULT_ID, &self.inner.vault.0)?;
                self.mark(&conn, 0, &[0; 32])?;
                conn
            }
        };
        let access = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let queries = Connection::open_with_flags(&path, access)?;
        queries.busy_timeout(busy)?;
        harden(&queries)?;
        *lock(&self.inner.index.0) = Some(queries);
        Ok(conn)
    }

    fn check(&self, index: &Connection) -> Result<(), OpenError> {
        let stale = OpenError::Damaged("the index is of another log");
        if meta::need::<16>(index, meta::VAULT_ID)? != self.inner.vault.0 {
            return Err(stale);
        }
        let position = u64::from_be_bytes(meta::need(index, POSITION)?);
        let hash = meta::need::<32>(index, HASH)?;
        let found = audit_rows::hash_at(&self.log, position).map_err(|_| OpenError::Damaged("the log"))?;
        if position == 0 || found == Some(hash) { Ok(()) } else { Err(stale) }
    }

    fn mark(&self, index: &Connection, position: u64, hash: &[u8; 32]) -> rusqlite::Result<()> {
        meta::put_u64(index, POSITION, position)?;
        meta::put(index, HASH, hash)
    }

    /// Merges everything committed so far, in runs.
    fn merge(&self, index: &mut Connection) -> Result<(), ReadError> {
        while !self.inner.stopped() {
            let from = meta::find(index, POSITION)?.map(u64::from_be_bytes).ok_or(ReadError::Corrupt)?;
            let rows = audit_rows::range(&self.log, from + 1, RUN)?;
            let Some(last) = rows.last() else { return Ok(()) };
            let tx = index.transaction()?;
            {
                let mut put = tx.prepare_cached(
                    "INSERT INTO audit_by(kind, k, pos) VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING",
                )?;
                for (kind, key, pos) in sorted_keys(&rows)? {
                    put.execute(params![kind, key.as_slice(), super::rows::signed(pos)])?;
                }
            }
            self.mark(&tx, last.pos, &last.hash)?;
            tx.commit()?;
            if rows.len() < RUN {
                return Ok(());
            }
        }
        Ok(())
    }
}

fn keys_of(row: &Row) -> Result<Vec<(u8, [u8; 16])>, ReadError> {
    let body = audit::decode(&row.body).map_err(|_| ReadError::Corrupt)?;
    let mut keys = Vec::new();
    keys.extend(audit::index_keys(&body));
    Ok(keys)
}

fn sorted_keys(rows: &[Row]) -> Result<Vec<(u8, [u8; 16], u64)>, ReadError> {
    let mut keys = Vec::new();
    for row in rows {
        keys.extend(keys_of(row)?.into_iter().map(|(kind, key)| (kind, key, row.pos)));
    }
    keys.sort_unstable();
    Ok(keys)
}

impl SqliteStore {
    /// Positions of events with this key, newest first, below `before`, at most `limit`.
    pub fn audit_positions(
        &self,
        kind: u8,
        key: &[u8; 16],
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<u64>, ReadError> {
        let limit = limit.min(MOST);
        let below = before.unwrap_or(u64::MAX);
        let (merged, older) = self.merged(kind, key, below, limit)?;
        let newer = self.read_log(|reader| {
            let head = audit_rows::last(reader.conn)?.map_or(0, |row| row.pos).min(below.saturating_sub(1));
            if head.saturating_sub(merged) > LONGEST_TAIL {
                return Err(ReadError::Store);
            }
            unmerged(reader.conn, merged, head, (kind, *key))
        })?;
        Ok(newer.into_iter().rev().chain(older).take(limit).collect())
    }

    /// How far the projection goes, and what it knows of the key.
    fn merged(
        &self,
        kind: u8,
        key: &[u8; 16],
        below: u64,
        limit: usize,
    ) -> Result<(u64, Vec<u64>), ReadError> {
        let conn = lock(&self.inner.index.0);
        let Some(conn) = conn.as_ref() else { return Ok((0, Vec::new())) };
        let snapshot = conn.unchecked_transaction()?;
        let position = meta::find(&snapshot, POSITION)?.map(u64::from_be_bytes).ok_or(ReadError::Corrupt)?;
        let mut statement = snapshot.prepare_cached(
            "SELECT pos FROM audit_by WHERE kind = ?1 AND k = ?2 AND pos < ?3 ORDER BY pos DESC LIMIT ?4",
        )?;
        let limit = i64::try_from(limit).unwrap_or(0);
        let mut rows = statement.query(params![kind, key.as_slice(), super::rows::signed(below), limit])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(super::rows::count(row.get(0)?)?);
        }
        Ok((position, out))
    }

    /// One event as stored.
    pub fn audit_row(&self, pos: u64) -> Result<Option<Row>, ReadError> {
        self.read_log(|reader| audit_rows::one(reader.conn, pos))
    }
    /// The last `n` events, newest first.
    pub fn audit_tail(&self, n: usize) -> Result<Vec<Row>, ReadError> {
        self.read_log(|reader| audit_rows::range_down(reader.conn, u64::MAX, n.min(MOST)))
    }
    /// Events from a position upwards, at most `limit`.
    pub fn audit_range(&self, from: u64, limit: usize) -> Result<Vec<Row>, ReadError> {
        self.read_log(|reader| audit_rows::range(reader.conn, from, limit.min(MOST)))
    }
}

/// Positions above `merged` up to `head` with the key, ascending.
fn unmerged(conn: &Connection, merged: u64, head: u64, key: (u8, [u8; 16])) -> Result<Vec<u64>, ReadError> {
    let (mut found, mut next) = (Vec::new(), merged + 1);
    while next <= head {
        let rows = audit_rows::range(conn, next, 1_024)?;
        let Some(last) = rows.last() else { break };
        next = last.pos + 1;
        for row in rows.iter().filter(|row| row.pos <= head) {
            if keys_of(row)?.contains(&key) {
                found.push(row.pos);
            }
        }
    }
    Ok(found)
}
