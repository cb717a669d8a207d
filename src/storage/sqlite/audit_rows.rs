//! Rows of the audit log: how they are appended, and how they are streamed from a live store or from a mere copy.
//!
//! For the writer, the index follower, audit queries and the offline verifier. Rows are only ever appended, in order of
//! the chain; nothing here updates or deletes one (I1).

use super::rows::{array, blob, count, signed};
use crate::audit::{self, Link, Row};
use crate::domain::disclosure::LogHead;
use crate::domain::{ControlKind, Timestamp};
use crate::storage::errors::ReadError;
use crate::storage::rows::ControlRow;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::ops::ControlFlow;
use std::path::Path;

const APPEND: &str =
    "INSERT INTO audit(pos, node, boot, seq, at_us, body, hash) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const COLUMNS: &str = "SELECT pos, node, boot, seq, at_us, body, hash FROM audit";
/// Rows fetched at a time while streaming; between two fetches no snapshot is held.
const CHUNK: usize = 1_024;

/// The end of the log as the writer knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Tail {
    pub(super) pos: u64,
    pub(super) hash: [u8; 32],
    pub(super) node: u32,
    pub(super) boot: u64,
    /// Sequence number of the next event; a boot begins with 0.
    pub(super) next_seq: u64,
}

impl Tail {
    pub(super) fn head(&self) -> LogHead {
        let mut hash12 = [0; 12];
        hash12.iter_mut().zip(self.hash).for_each(|(to, from)| *to = from);
        LogHead { size: self.pos, hash12 }
    }
}

/// Appends one event after `tail` and returns the new tail. The caller's transaction makes it durable.
pub(super) fn append(conn: &Connection, tail: &Tail, at: Timestamp, body: &[u8]) -> rusqlite::Result<Tail> {
    let link = Link { node: tail.node, boot: tail.boot, seq: tail.next_seq, at };
    let hash = audit::chain(&tail.hash, &link, body);
    let next = Tail { pos: tail.pos + 1, hash, next_seq: link.seq + 1, ..*tail };
    conn.prepare_cached(APPEND)?.execute((
        signed(next.pos),
        next.node,
        signed(next.boot),
        signed(link.seq),
        at.0,
        body,
        hash.as_slice(),
    ))?;
    Ok(next)
}

fn decode(row: &rusqlite::Row<'_>) -> Result<Row, ReadError> {
    Ok(Row {
        pos: count(row.get(0)?)?,
        node: row.get(1)?,
        boot: count(row.get(2)?)?,
        seq: count(row.get(3)?)?,
        at: Timestamp(row.get(4)?),
        body: row.get(5)?,
        hash: array(row.get_ref(6)?)?,
    })
}

/// The last row, if there is any.
pub(super) fn last(conn: &Connection) -> Result<Option<Row>, ReadError> {
    Ok(range_down(conn, u64::MAX, 1)?.into_iter().next())
}

/// The last position, 0 of an empty log.
pub(super) fn head(conn: &Connection) -> Result<u64, ReadError> {
    let last: Option<i64> = conn.prepare_cached("SELECT max(pos) FROM audit")?.query_row([], |r| r.get(0))?;
    last.map_or(Ok(0), count)
}

/// Positions and bodies from `from` upwards, as they lie in the page, until `each` breaks off.
pub(super) fn bodies(
    conn: &Connection,
    from: u64,
    mut each: impl FnMut(u64, &[u8]) -> Result<ControlFlow<()>, ReadError>,
) -> Result<(), ReadError> {
    let mut statement = conn.prepare_cached("SELECT pos, body FROM audit WHERE pos >= ?1 ORDER BY pos")?;
    let mut rows = statement.query([signed(from)])?;
    while let Some(row) = rows.next()? {
        if each(count(row.get(0)?)?, blob(row.get_ref(1)?)?)?.is_break() {
            break;
        }
    }
    Ok(())
}

/// One row.
pub(super) fn one(conn: &Connection, pos: u64) -> Result<Option<Row>, ReadError> {
    // SQL: two constants of this file.
    let mut statement = conn.prepare_cached(&format!("{COLUMNS} WHERE pos = ?1"))?;
    let mut rows = statement.query([signed(pos)])?;
    rows.next()?.map(decode).transpose()
}

/// Rows from `from` upwards, at most `limit`.
pub(super) fn range(conn: &Connection, from: u64, limit: usize) -> Result<Vec<Row>, ReadError> {
    let sql = format!("{COLUMNS} WHERE pos >= ?1 ORDER BY pos LIMIT ?2");
    collect(conn, &sql, from, limit)
}

/// Rows from `from` downwards, at most `limit`.
pub(super) fn range_down(conn: &Connection, from: u64, limit: usize) -> Result<Vec<Row>, ReadError> {
    let sql = format!("{COLUMNS} WHERE pos <= ?1 ORDER BY pos DESC LIMIT ?2");
    collect(conn, &sql, from, limit)
}

fn collect(conn: &Connection, sql: &str, from: u64, limit: usize) -> Result<Vec<Row>, ReadError> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([signed(from), i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(decode(row)?);
    }
    Ok(out)
}

/// The hash at a position, cheaply.
pub(super) fn hash_at(conn: &Connection, pos: u64) -> Result<Option<[u8; 32]>, ReadError> {
    let found: Option<Vec<u8>> = conn
        .prepare_cached("SELECT hash FROM audit WHERE pos = ?1")?
        .query_row([signed(pos)], |r| r.get(0))
        .optional()?;
    found.map(|h| h.try_into().map_err(|_| ReadError::Corrupt)).transpose()
}

/// The log of a directory that need not be served: a copy, a restored backup, a stopped vault. Needs neither the lock
/// nor the keyring, and changes nothing.
pub struct AuditRows {
    conn: Connection,
    next: u64,
    chunk: std::vec::IntoIter<Row>,
    ended: bool,
}

/// Opens the log in `dir` read-only, from the first row.
pub fn open_read_only_audit(dir: &Path) -> Result<AuditRows, ReadError> {
    AuditRows::open(dir, 1)
}

/// The last `count` rows of the log in `dir`, newest first, beside whoever serves it.
pub fn read_only_tail(dir: &Path, count: usize) -> Result<Vec<Row>, ReadError> {
    range_down(&read_only(dir)?, u64::MAX, count)
}

/// The control rows of a kind in `dir`, as stored: their seals are for the keyring's owner to check.
pub fn read_only_controls(dir: &Path, kind: ControlKind) -> Result<Vec<ControlRow>, ReadError> {
    super::reader::controls_of(&read_only(dir)?, kind)
}

/// A connection that changes nothing and needs no lock.
pub(super) fn read_only(dir: &Path) -> Result<Connection, ReadError> {
    let conn = connection(dir, false)?;
    super::pragmas::harden(&conn).map_err(|_| ReadError::Store)?;
    Ok(conn)
}

/// Opens the database to read, with its write-ahead log or `alone`; the log stays as it is also at the end.
pub(super) fn connection(dir: &Path, alone: bool) -> rusqlite::Result<Connection> {
    let path = dir.join(super::VAULT_DB);
    let access = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = if !alone && dir.join(super::VAULT_WAL).exists() {
        Connection::open_with_flags(&path, access)?
    } else {
        // A copy on a read-only medium: no WAL, so nobody is writing and no -shm need be made.
        Connection::open_with_flags(immutable_uri(&path), access | OpenFlags::SQLITE_OPEN_URI)?
    };
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(conn)
}

impl AuditRows {
    pub(super) fn open(dir: &Path, from: u64) -> Result<Self, ReadError> {
        Ok(Self { conn: read_only(dir)?, next: from, chunk: Vec::new().into_iter(), ended: false })
    }

    fn fill(&mut self) -> Result<(), ReadError> {
        let rows = range(&self.conn, self.next, CHUNK)?;
        self.ended = rows.len() < CHUNK;
        if let Some(last) = rows.last() {
            self.next = last.pos + 1;
        }
        self.chunk = rows.into_iter();
        Ok(())
    }
}

impl Iterator for AuditRows {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.chunk.next() {
            return Some(Ok(row));
        }
        if self.ended {
            return None;
        }
        if let Err(error) = self.fill() {
            self.ended = true;
            return Some(Err(error));
        }
        self.chunk.next().map(Ok)
    }
}

/// `file:` URI of a path, every byte that is not plainly safe escaped.
fn immutable_uri(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte))
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_odd_characters_is_escaped() {
        assert_eq!(immutable_uri(Path::new("/a b/q?x#%.db")), "file:/a%20b/q%3Fx%23%25.db?immutable=1");
    }

    #[test]
    fn the_head_is_the_size_and_the_first_twelve_bytes() {
        let tail = Tail { pos: 7, hash: [9; 32], node: 1, boot: 1, next_seq: 7 };
        assert_eq!(tail.head(), LogHead { size: 7, hash12: [9; 12] });
    }
}
