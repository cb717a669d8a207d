//! Point reads inside one snapshot, on the calling thread. Rows are decoded strictly; a malformed one is `Corrupt` (I11).
//!
//! For `vault`, through `Store::read`. Never held across an await; reads only.

use super::idempotency;
use super::rows as columns;
use super::slots::{Reading, lock, mine};
use super::{Inner, SqliteStore};
use crate::domain::record::{RecordHead, RowSeal, WrappedKey};
use crate::domain::*;
use crate::storage::errors::ReadError;
use crate::storage::rows::*;
use rusqlite::{CachedStatement, Connection, params};

/// A snapshot: one read transaction on this thread's connection. Never held across an await.
pub struct Reader<'a> {
    pub(super) conn: &'a Connection,
    store: &'a Inner,
    read_at: CommitNo,
    /// Statements a batch runs again and again: looked up once a snapshot, not once a row.
    subjects: Option<CachedStatement<'a>>,
    records: Option<CachedStatement<'a>>,
}

/// The statement in its place, prepared when it is first wanted.
fn held<'a, 's>(
    conn: &'a Connection,
    place: &'s mut Option<CachedStatement<'a>>,
    sql: &str,
) -> rusqlite::Result<&'s mut CachedStatement<'a>> {
    Ok(match place {
        Some(statement) => statement,
        None => place.insert(conn.prepare_cached(sql)?),
    })
}

/// Most rows a list answers with, whatever is asked (I10).
const LONGEST_LIST: usize = 10_000;

fn most(limit: usize) -> i64 {
    i64::try_from(limit.min(LONGEST_LIST)).unwrap_or(0)
}

impl SqliteStore {
    /// Reads in one snapshot.
    pub fn read<T>(&self, f: impl FnOnce(&mut Reader<'_>) -> Result<T, ReadError>) -> Result<T, ReadError> {
        self.read_snapshot(false, f)
    }
    /// Reads in a snapshot of its own: events do not move the commit number, so an open snapshot may lack the latest.
    pub(super) fn read_log<T>(
        &self,
        f: impl FnOnce(&mut Reader<'_>) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        self.read_snapshot(true, f)
    }
    fn read_snapshot<T>(
        &self,
        fresh: bool,
        f: impl FnOnce(&mut Reader<'_>) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        if self.inner.stopped() {
            return Err(ReadError::Store);
        }
        let _reading = Reading::begin()?;
        let slot = mine(&self.inner)?;
        let mut slot = lock(&slot);
        if fresh {
            slot.end()?;
        }
        let (conn, read_at) = slot.renew(&self.inner)?;
        let read_at = CommitNo(read_at);
        f(&mut Reader { conn, store: &self.inner, read_at, subjects: None, records: None })
    }
}

impl Reader<'_> {
    /// The commit number this snapshot is at least as new as.
    pub fn read_at(&self) -> CommitNo {
        self.read_at
    }
    /// A subject.
    pub fn subject(&mut self, subject: SubjectId) -> Result<Option<SubjectRow>, ReadError> {
        let sql = "SELECT version, state, seal FROM subjects WHERE locator = ?1";
        let statement = held(self.conn, &mut self.subjects, sql)?;
        let mut rows = statement.query([subject.0.to_i64()])?;
        rows.next()?.map(|row| columns::subject(row, subject)).transpose()
    }
    /// A record.
    pub fn record(&mut self, record: RecordId) -> Result<Option<RecordRow>, ReadError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT locator, subject, collection, version, head_version, status, created_us, expires_us, generations, seal, \
             sealed FROM records WHERE locator = ?1",
        )?;
        let mut rows = statement.query([record.0.to_i64()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let (head, seal) = columns::head(row)?;
        Ok(Some(RecordRow { head, seal, sealed: columns::blob(row.get_ref(10)?)?.to_vec() }))
    }
    /// A record with the wrapped key of its version, if that is there, in one look-up.
    pub fn record_and_key(
        &mut self,
        record: RecordId,
    ) -> Result<Option<(RecordRow, Option<WrappedKey>)>, ReadError> {
        let sql = "SELECT r.locator, subject, collection, r.version, head_version, status, created_us, expires_us, \
                   generations, seal, sealed, kek, wrapped FROM records r LEFT JOIN keys k \
                   ON k.locator = r.locator AND k.version = r.version WHERE r.locator = ?1";
        let statement = held(self.conn, &mut self.records, sql)?;
        let mut rows = statement.query([record.0.to_i64()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let (head, seal) = columns::head(row)?;
        let sealed = columns::blob(row.get_ref(10)?)?.to_vec();
        Ok(Some((RecordRow { head, seal, sealed }, columns::joined_key(row, 11)?)))
    }
    /// A record version's wrapped key.
    pub fn key(&mut self, record: RecordId, version: Version) -> Result<Option<WrappedKey>, ReadError> {
        let mut statement =
            self.conn.prepare_cached("SELECT kek, wrapped FROM keys WHERE locator = ?1 AND version = ?2")?;
        let mut rows = statement.query(params![record.0.to_i64(), version.0])?;
        rows.next()?.map(columns::key).transpose()
    }
    /// A subject's records, newest first, below `before`, at most `limit`.
    pub fn records_of(
        &mut self,
        subject: SubjectId,
        collection: Option<CollectionNo>,
        before: Option<RecordId>,
        limit: usize,
    ) -> Result<Vec<RecordRow>, ReadError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT locator, subject, collection, version, head_version, status, created_us, expires_us, generations, seal, \
             sealed FROM records WHERE subject = ?1 AND locator < ?2 AND (?3 IS NULL OR collection = ?3) \
             ORDER BY locator DESC LIMIT ?4",
        )?;
        let below = before.map_or(i64::MAX, |r| r.0.to_i64());
        let mut rows =
            statement.query(params![subject.0.to_i64(), below, collection.map(|c| c.0), most(limit)])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let (head, seal) = columns::head(row)?;
            out.push(RecordRow { head, seal, sealed: columns::blob(row.get_ref(10)?)?.to_vec() });
        }
        Ok(out)
    }
    /// Heads of a subject's records, newest first, below `before`, at most `limit`.
    pub fn heads_of(
        &mut self,
        subject: SubjectId,
        before: Option<RecordId>,
        limit: usize,
    ) -> Result<Vec<(RecordHead, RowSeal)>, ReadError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT locator, subject, collection, version, head_version, status, created_us, expires_us, generations, seal \
             FROM records WHERE subject = ?1 AND locator < ?2 ORDER BY locator DESC LIMIT ?3",
        )?;
        let below = before.map_or(i64::MAX, |r| r.0.to_i64());
        let mut rows = statement.query(params![subject.0.to_i64(), below, most(limit)])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(columns::head(row)?);
        }
        Ok(out)
    }
    /// A grant.
    pub fn grant(&mut self, grant: GrantId) -> Result<Option<GrantRow>, ReadError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT record, version, body, expires_us, seal FROM grants WHERE locator = ?1",
        )?;
        let mut rows = statement.query([grant.0.to_i64()])?;
        rows.next()?.map(|row| columns::grant(row, grant)).transpose()
    }
    /// An external reference.
    pub fn external_ref(&mut self, h: &[u8; 16]) -> Result<Option<ExternalRefRow>, ReadError> {
        let mut statement =
            self.conn.prepare_cached("SELECT subject, seal FROM external_refs WHERE h = ?1")?;
        let mut rows = statement.query([h.as_slice()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let subject = SubjectId(columns::locator(row.get(0)?)?);
        Ok(Some(ExternalRefRow { h: *h, subject, seal: RowSeal(columns::array(row.get_ref(1)?)?) }))
    }
    /// Records with a blind value, at most `limit`.
    pub fn blind(&mut self, row: &BlindRow, limit: usize) -> Result<Vec<RecordId>, ReadError> {
        // No `LIMIT ?`: its number is part of the plan, so every call would prepare the statement again. The rows come in
        // the order of the key, one at a time, and those beyond the limit are not asked for.
        let mut statement = self.conn.prepare_cached(
            "SELECT locator FROM blind WHERE field = ?1 AND ver = ?2 AND h = ?3 ORDER BY locator",
        )?;
        let mut rows = statement.query(params![row.field.0, row.version, row.h.as_slice()])?;
        let mut out = Vec::new();
        while out.len() < limit.min(LONGEST_LIST)
            && let Some(row) = rows.next()?
        {
            out.push(RecordId(columns::locator(row.get(0)?)?));
        }
        Ok(out)
    }
    /// A control row.
    pub fn control(&mut self, kind: ControlKind, id: Id16) -> Result<Option<ControlRow>, ReadError> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT id, version, body, seal FROM controls WHERE kind = ?1 AND id = ?2")?;
        let mut rows = statement.query(params![kind as u8, id.0.as_slice()])?;
        rows.next()?.map(|row| columns::control(row, kind)).transpose()
    }
    /// All control rows of a kind.
    pub fn controls(&mut self, kind: ControlKind) -> Result<Vec<ControlRow>, ReadError> {
        controls_of(self.conn, kind)
    }
    /// An outcome remembered in the last 24 hours.
    pub fn idempotency(
        &mut self,
        client: ClientNo,
        key: &[u8; 16],
    ) -> Result<Option<IdempotencyRow>, ReadError> {
        idempotency::find(self.conn, client, key, self.store.clock.now())
    }
}

/// All control rows of a kind, by id.
pub(super) fn controls_of(conn: &Connection, kind: ControlKind) -> Result<Vec<ControlRow>, ReadError> {
    let mut statement =
        conn.prepare_cached("SELECT id, version, body, seal FROM controls WHERE kind = ?1 ORDER BY id")?;
    let mut rows = statement.query([kind as u8])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(columns::control(row, kind)?);
    }
    Ok(out)
}
