//! One moment of a database beside its log: every row that carries a seal, and every event, in one read transaction.
//!
//! For the comparison of rows with the log, which must see both at the same instant. Changes nothing, needs no lock. A row
//! that cannot be decoded is told as damaged, never skipped (I11).

use super::{audit_rows, rows as columns};
use crate::audit;
use crate::domain::record::{RecordHead, RowSeal};
use crate::domain::{ControlKind, GrantId, SubjectId};
use crate::storage::errors::ReadError;
use crate::storage::rows::{ControlRow, ExternalRefRow, GrantRow, SubjectRow};
use rusqlite::{Connection, Row};
use std::path::Path;

/// Events fetched at a time.
const CHUNK: usize = 1_024;

/// A row that carries a seal.
pub enum SealedRow {
    /// Of `subjects`.
    Subject(SubjectRow),
    /// Of `records`; its head, the seal, and whether the key of its version is there.
    Record(RecordHead, RowSeal, bool),
    /// Of `grants`.
    Grant(GrantRow),
    /// Of `controls`.
    Control(ControlRow),
    /// Of `external_refs`.
    ExternalRef(ExternalRefRow),
    /// Not decodable; of this table.
    Damaged(&'static str),
}

/// An open read transaction.
pub struct Snapshot {
    conn: Connection,
}

type Decode = fn(&Row<'_>) -> Result<SealedRow, ReadError>;

const TABLES: [(&str, &str, Decode); 5] = [
    ("subjects", "SELECT version, state, seal, locator FROM subjects", subject),
    (
        "records",
        "SELECT locator, subject, collection, version, head_version, status, created_us, expires_us, generations, seal, \
         EXISTS(SELECT 1 FROM keys k WHERE k.locator = records.locator AND k.version = records.version) FROM records",
        record,
    ),
    ("grants", "SELECT record, version, body, expires_us, seal, locator FROM grants", grant),
    ("controls", "SELECT id, version, body, seal, kind FROM controls", control),
    ("external_refs", "SELECT h, subject, seal FROM external_refs", external),
];

fn subject(row: &Row<'_>) -> Result<SealedRow, ReadError> {
    Ok(SealedRow::Subject(columns::subject(row, SubjectId(columns::locator(row.get(3)?)?))?))
}
fn record(row: &Row<'_>) -> Result<SealedRow, ReadError> {
    let (head, seal) = columns::head(row)?;
    Ok(SealedRow::Record(head, seal, row.get(10)?))
}
fn grant(row: &Row<'_>) -> Result<SealedRow, ReadError> {
    Ok(SealedRow::Grant(columns::grant(row, GrantId(columns::locator(row.get(5)?)?))?))
}
fn control(row: &Row<'_>) -> Result<SealedRow, ReadError> {
    let kind = ControlKind::from_u8(row.get(4)?).ok_or(ReadError::Corrupt)?;
    Ok(SealedRow::Control(columns::control(row, kind)?))
}
fn external(row: &Row<'_>) -> Result<SealedRow, ReadError> {
    let subject = SubjectId(columns::locator(row.get(1)?)?);
    let seal = RowSeal(columns::array(row.get_ref(2)?)?);
    Ok(SealedRow::ExternalRef(ExternalRefRow { h: columns::array(row.get_ref(0)?)?, subject, seal }))
}

impl Snapshot {
    /// Begins one in `dir`, beside whoever serves it.
    pub fn open(dir: &Path) -> Result<Self, ReadError> {
        let conn = audit_rows::read_only(dir)?;
        conn.execute_batch("BEGIN")?;
        Ok(Self { conn })
    }

    /// Hands over every event, in order.
    pub fn events(&self, mut f: impl FnMut(&audit::Row)) -> Result<(), ReadError> {
        let mut next = 1;
        loop {
            let rows = audit_rows::range(&self.conn, next, CHUNK)?;
            rows.iter().for_each(&mut f);
            match rows.last() {
                Some(last) if rows.len() == CHUNK => next = last.pos + 1,
                _ => return Ok(()),
            }
        }
    }

    /// Hands over every row that carries a seal.
    pub fn rows(&self, mut f: impl FnMut(SealedRow)) -> Result<(), ReadError> {
        for (table, sql, decode) in TABLES {
            // SQL: constants of this file.
            let mut statement = self.conn.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                f(decode(row).unwrap_or(SealedRow::Damaged(table)));
            }
        }
        Ok(())
    }
}
