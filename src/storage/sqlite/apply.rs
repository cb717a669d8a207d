//! One change, as statements. Every change is compare-and-swap: it says what it replaces, and hits that row or nothing.
//!
//! For the writer. Nothing here commits, opens or judges.

use crate::domain::record::{RecordHead, RowSeal, WrappedKey};
use crate::domain::*;
use crate::storage::changes::Change;
use crate::storage::rows::*;
use rusqlite::{Connection, Result, params};

/// Applies a change; `false`: the row is not (or no longer) what the change says it replaces.
pub(super) fn apply(conn: &Connection, change: &Change) -> Result<bool> {
    match change {
        Change::PutSubject { row, was } => subject(conn, row, *was),
        Change::PutExternalRef { row } => external_ref(conn, row),
        Change::PutRecord { row, key, blind, was } => match was {
            None => new_record(conn, row, key, blind),
            Some(was) => replace_record(conn, row, key, blind, *was),
        },
        Change::Rehead { head, seal, key, was } => rehead(conn, head, seal, key, *was),
        Change::PutGrant { row, was } => grant(conn, row, *was),
        Change::PutControl { row, was } => control(conn, row, *was),
        Change::Shred { record, version } => shred(conn, *record, *version),
        Change::Erase { record, was } => erase(conn, *record, *was),
    }
}

fn hit(changed: usize) -> bool {
    changed == 1
}

fn subject(conn: &Connection, row: &SubjectRow, was: Option<Version>) -> Result<bool> {
    let (at, version, seal) = (row.subject.0.to_i64(), row.version.0, row.seal.0.as_slice());
    Ok(hit(match was {
        None => conn
            .prepare_cached(
                "INSERT INTO subjects(locator, version, state, seal) VALUES(?1, ?2, ?3, ?4) ON CONFLICT(locator) DO NOTHING",
            )?
            .execute(params![at, version, row.state, seal])?,
        Some(was) => conn
            .prepare_cached(
                "UPDATE subjects SET version = ?2, state = ?3, seal = ?4 WHERE locator = ?1 AND version = ?5",
            )?
            .execute(params![at, version, row.state, seal, was.0])?,
    }))
}

fn external_ref(conn: &Connection, row: &ExternalRefRow) -> Result<bool> {
    conn.prepare_cached(
        "INSERT INTO external_refs(h, subject, seal) VALUES(?1, ?2, ?3) ON CONFLICT(h) DO NOTHING",
    )?
    .execute(params![row.h.as_slice(), row.subject.0.to_i64(), row.seal.0.as_slice()])
    .map(hit)
}

fn new_record(conn: &Connection, row: &RecordRow, key: &WrappedKey, blind: &[BlindRow]) -> Result<bool> {
    let head = &row.head;
    let made = conn
        .prepare_cached(
            "INSERT INTO records(locator, subject, collection, version, head_version, status, created_us, expires_us, \
             generations, seal, sealed) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT(locator) DO NOTHING",
        )?
        .execute(params![
            head.record.0.to_i64(),
            head.subject.0.to_i64(),
            head.collection.0,
            head.version.0,
            head.head_version.0,
            head.status as u8,
            head.created_at.0,
            head.expires_at.map(|t| t.0),
            head.generations_column(),
            row.seal.0.as_slice(),
            row.sealed
        ])?;
    if !hit(made) {
        return Ok(false);
    }
    put_key(conn, head, key)?;
    blind.iter().try_for_each(|entry| put_blind(conn, head.record, entry))?;
    Ok(true)
}

/// The replaced version's key and the blind entries that are no longer said go with it (I7). A head changed meanwhile
/// (a revocation) must not be overwritten by one computed before it: `head_version` has to grow.
fn replace_record(
    conn: &Connection,
    row: &RecordRow,
    key: &WrappedKey,
    blind: &[BlindRow],
    was: Version,
) -> Result<bool> {
    let head = &row.head;
    let swapped = conn
        .prepare_cached(
            "UPDATE records SET version = ?2, head_version = ?3, status = ?4, expires_us = ?5, generations = ?6, seal = ?7, \
             sealed = ?8 WHERE locator = ?1 AND version = ?9 AND head_version < ?3 AND subject = ?10 AND collection = ?11 \
             AND created_us = ?12",
        )?
        .execute(params![
            head.record.0.to_i64(),
            head.version.0,
            head.head_version.0,
            head.status as u8,
            head.expires_at.map(|t| t.0),
            head.generations_column(),
            row.seal.0.as_slice(),
            row.sealed,
            was.0,
            head.subject.0.to_i64(),
            head.collection.0,
            head.created_at.0
        ])?;
    if !hit(swapped) || !delete_key(conn, head.record, was)? {
        return Ok(false);
    }
    put_key(conn, head, key)?;
    let before = blind_of(conn, head.record)?;
    for gone in before.iter().filter(|b| !blind.contains(b)) {
        conn.prepare_cached("DELETE FROM blind WHERE field = ?1 AND ver = ?2 AND h = ?3 AND locator = ?4")?
            .execute(params![gone.field.0, gone.version, gone.h.as_slice(), head.record.0.to_i64()])?;
    }
    blind.iter().filter(|b| !before.contains(b)).try_for_each(|entry| put_blind(conn, head.record, entry))?;
    Ok(true)
}

fn rehead(
    conn: &Connection,
    head: &RecordHead,
    seal: &RowSeal,
    key: &WrappedKey,
    was: Version,
) -> Result<bool> {
    let swapped = conn
        .prepare_cached(
            "UPDATE records SET head_version = ?2, status = ?3, expires_us = ?4, generations = ?5, seal = ?6 \
             WHERE locator = ?1 AND head_version = ?7 AND head_version < ?2 AND version = ?8 AND subject = ?9 \
             AND collection = ?10 AND created_us = ?11",
        )?
        .execute(params![
            head.record.0.to_i64(),
            head.head_version.0,
            head.status as u8,
            head.expires_at.map(|t| t.0),
            head.generations_column(),
            seal.0.as_slice(),
            was.0,
            head.version.0,
            head.subject.0.to_i64(),
            head.collection.0,
            head.created_at.0
        ])?;
    let wrapped = conn
        .prepare_cached("UPDATE keys SET kek = ?3, wrapped = ?4 WHERE locator = ?1 AND version = ?2")?
        .execute(params![head.record.0.to_i64(), head.version.0, key.kek, key.bytes.as_slice()])?;
    Ok(hit(swapped) && hit(wrapped))
}

fn grant(conn: &Connection, row: &GrantRow, was: Option<Version>) -> Result<bool> {
    let (at, record, version) = (row.grant.0.to_i64(), row.record.0.to_i64(), row.version.0);
    let (expires, seal) = (row.expires_at.map(|t| t.0), row.seal.0.as_slice());
    Ok(hit(match was {
        None => conn
            .prepare_cached(
                "INSERT INTO grants(locator, record, version, body, expires_us, seal) VALUES(?1, ?2, ?3, ?4, ?5, ?6) \
                 ON CONFLICT(locator) DO NOTHING",
            )?
            .execute(params![at, record, version, row.body, expires, seal])?,
        Some(was) => conn
            .prepare_cached(
                "UPDATE grants SET version = ?3, body = ?4, expires_us = ?5, seal = ?6 \
                 WHERE locator = ?1 AND record = ?2 AND version = ?7",
            )?
            .execute(params![at, record, version, row.body, expires, seal, was.0])?,
    }))
}

fn control(conn: &Connection, row: &ControlRow, was: Option<Version>) -> Result<bool> {
    let (kind, id, version) = (row.kind as u8, row.id.0.as_slice(), row.version.0);
    let seal = row.seal.0.as_slice();
    Ok(hit(match was {
        None => conn
            .prepare_cached(
                "INSERT INTO controls(kind, id, version, body, seal) VALUES(?1, ?2, ?3, ?4, ?5) \
                 ON CONFLICT(kind, id) DO NOTHING",
            )?
            .execute(params![kind, id, version, row.body, seal])?,
        Some(was) => conn
            .prepare_cached(
                "UPDATE controls SET version = ?3, body = ?4, seal = ?5 WHERE kind = ?1 AND id = ?2 AND version = ?6",
            )?
            .execute(params![kind, id, version, row.body, seal, was.0])?,
    }))
}

/// Destroys the key, and the blind entries with it: they are derived from what is being erased.
fn shred(conn: &Connection, record: RecordId, version: Version) -> Result<bool> {
    conn.prepare_cached("DELETE FROM blind WHERE locator = ?1")?.execute([record.0.to_i64()])?;
    delete_key(conn, record, version)
}

/// Nothing of the record stays: head and sealed values, every key, blind entries, and the grants that name it.
fn erase(conn: &Connection, record: RecordId, was: Version) -> Result<bool> {
    let at = record.0.to_i64();
    let gone = conn
        .prepare_cached("DELETE FROM records WHERE locator = ?1 AND head_version = ?2")?
        .execute(params![at, was.0])?;
    if !hit(gone) {
        return Ok(false);
    }
    for rest in [
        "DELETE FROM keys WHERE locator = ?1",
        "DELETE FROM blind WHERE locator = ?1",
        "DELETE FROM grants WHERE record = ?1",
    ] {
        conn.prepare_cached(rest)?.execute([at])?;
    }
    Ok(true)
}

fn put_key(conn: &Connection, head: &RecordHead, key: &WrappedKey) -> Result<()> {
    conn.prepare_cached("INSERT INTO keys(locator, version, kek, wrapped) VALUES(?1, ?2, ?3, ?4)")?
        .execute(params![head.record.0.to_i64(), head.version.0, key.kek, key.bytes.as_slice()])
        .map(drop)
}

fn delete_key(conn: &Connection, record: RecordId, version: Version) -> Result<bool> {
    conn.prepare_cached("DELETE FROM keys WHERE locator = ?1 AND version = ?2")?
        .execute(params![record.0.to_i64(), version.0])
        .map(hit)
}

fn put_blind(conn: &Connection, record: RecordId, entry: &BlindRow) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO blind(field, ver, h, locator) VALUES(?1, ?2, ?3, ?4) ON CONFLICT(field, ver, h, locator) DO NOTHING",
    )?
    .execute(params![entry.field.0, entry.version, entry.h.as_slice(), record.0.to_i64()])
    .map(drop)
}

fn blind_of(conn: &Connection, record: RecordId) -> Result<Vec<BlindRow>> {
    conn.prepare_cached("SELECT field, ver, h FROM blind WHERE locator = ?1")?
        .query_map([record.0.to_i64()], |r| {
            Ok(BlindRow { field: FieldNo(r.get(0)?), version: r.get(1)?, h: r.get(2)? })
        })?
        .collect()
}
