//! `index.db`: a projection of the log, by kind of key, that may be deleted at any time and is rebuilt.
//!
//! A follower reads committed rows and writes them block by block, each block once, as a sorted run (`runs`); queries join
//! the runs with a scan of what is not merged yet, a block at most and what came within the last tick. It decides nothing
//! (it is neither sealed nor backed up), keeps eight bytes of a key, and never holds a commit up
//! (`docs/decisions/0012-the-index-of-the-log-is-written-in-runs.md`).

use super::pragmas::{Role, connect, harden};
use super::runs::{self, Entry, SHAPE};
use super::slots::lock;
use super::{INDEX_DB, Inner, SqliteStore, audit_rows, make_file, meta};
use crate::audit::{self, Row};
use crate::storage::errors::{OpenError, ReadError};
use rusqlite::{Connection, OpenFlags};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(1_000);
/// The most a query scans beyond what is merged (I10); a rebuild in progress answers `Store`.
const LONGEST_TAIL: u64 = 65_536;
/// Most positions or rows a query answers with.
const MOST: usize = 10_000;

const POSITION: &str = "position";
const HASH: &str = "hash";
/// How the projection is written; one of another format is made anew.
const FORMAT: &str = "format";
const RUNS: u64 = 2;
const META: &str =
    "CREATE TABLE IF NOT EXISTS meta(k TEXT PRIMARY KEY, v BLOB NOT NULL) STRICT, WITHOUT ROWID;";

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
            conn.execute_batch(META)?;
            conn.execute_batch(runs::TABLE)?;
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
                conn.execute_batch(META)?;
                conn.execute_batch(runs::TABLE)?;
                meta::put(&conn, meta::VAULT_ID, &self.inner.vault.0)?;
                meta::put_u64(&conn, FORMAT, RUNS)?;
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
        if meta::need::<16>(index, meta::VAULT_ID)? != self.inner.vault.0
            || u64::from_be_bytes(meta::need(index, FORMAT)?) != RUNS
        {
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

    /// Merges every block of the log that is complete.
    fn merge(&self, index: &mut Connection) -> Result<(), ReadError> {
        let head = audit_rows::head(&self.log)?;
        while !self.inner.stopped() {
            let done = position(index)?;
            let block = if done == 0 { 0 } else { SHAPE.block_of(done) + 1 };
            let (from, end) = (SHAPE.base(0, block), SHAPE.base(0, block + 1));
            if head < end - 1 {
                return Ok(());
            }
            let (mut entries, mut last) = (Vec::new(), 0);
            audit_rows::bodies(&self.log, from, |pos, body| {
                if pos >= end {
                    return Ok(ControlFlow::Break(()));
                }
                last = pos;
                keys_in(body, |kind, key| entries.push(Entry { kind, key: prefix(&key), pos }))?;
                Ok(ControlFlow::Continue(()))
            })?;
            entries.sort_unstable();
            entries.dedup();
            let hash = audit_rows::hash_at(&self.log, last)?.ok_or(ReadError::Corrupt)?;
            let tx = index.transaction()?;
            runs::add(&tx, SHAPE, block, &entries)?;
            self.mark(&tx, last, &hash)?;
            tx.commit()?;
        }
        Ok(())
    }
}

fn position(index: &Connection) -> Result<u64, ReadError> {
    meta::find(index, POSITION)?.map(u64::from_be_bytes).ok_or(ReadError::Corrupt)
}

/// What the projection keeps of a key: a whole reference, or as much of a name's hash.
fn prefix(key: &[u8; 16]) -> u64 {
    (u128::from_be_bytes(*key) >> 64) as u64
}

fn keys_in(body: &[u8], each: impl FnMut(u8, [u8; 16])) -> Result<(), ReadError> {
    if audit::index_keys_in(body, each) { Ok(()) } else { Err(ReadError::Corrupt) }
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
            let head = audit_rows::head(reader.conn)?.min(below.saturating_sub(1));
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
        let merged = position(&snapshot)?;
        let blocks = if merged == 0 { 0 } else { SHAPE.block_of(merged) + 1 };
        let mut out = Vec::new();
        for (level, run) in SHAPE.runs(blocks) {
            if out.len() == limit {
                break;
            }
            let wanted = (kind, prefix(key), below);
            runs::find(&snapshot, (SHAPE, level, run), wanted, limit, &mut out)?;
        }
        Ok((merged, out))
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
fn unmerged(
    conn: &Connection,
    merged: u64,
    head: u64,
    wanted: (u8, [u8; 16]),
) -> Result<Vec<u64>, ReadError> {
    let mut found = Vec::new();
    audit_rows::bodies(conn, merged + 1, |pos, body| {
        if pos > head {
            return Ok(ControlFlow::Break(()));
        }
        let mut hit = false;
        keys_in(body, |kind, key| hit |= (kind, key) == wanted)?;
        found.extend(hit.then_some(pos));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}
