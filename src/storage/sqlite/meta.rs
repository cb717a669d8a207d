//! The `meta` table: a handful of facts about the store itself. For `open`, the writer and the locator blocks.
//!
//! A fact that is missing or has the wrong length is damage, never a default (I11).

use crate::storage::errors::OpenError;
use rusqlite::{Connection, OptionalExtension};

pub(super) const VAULT_ID: &str = "vault_id";
pub(super) const SCHEMA: &str = "schema";
pub(super) const LOCATOR_MARK: &str = "locator_mark";
pub(super) const CLOCK_FLOOR: &str = "clock_floor";
pub(super) const BOOT: &str = "boot";

/// Writes a fact.
pub(super) fn put(conn: &Connection, key: &str, value: &[u8]) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT INTO meta(k, v) VALUES(?1, ?2) ON CONFLICT(k) DO UPDATE SET v = excluded.v")?
        .execute((key, value))
        .map(drop)
}
pub(super) fn put_i64(conn: &Connection, key: &str, value: i64) -> rusqlite::Result<()> {
    put(conn, key, &value.to_be_bytes())
}
pub(super) fn put_u64(conn: &Connection, key: &str, value: u64) -> rusqlite::Result<()> {
    put(conn, key, &value.to_be_bytes())
}

/// A fact of fixed length; `None`: it is not there or has another length.
pub(super) fn find<const N: usize>(conn: &Connection, key: &str) -> rusqlite::Result<Option<[u8; N]>> {
    let found: Option<Vec<u8>> =
        conn.prepare_cached("SELECT v FROM meta WHERE k = ?1")?.query_row([key], |r| r.get(0)).optional()?;
    Ok(found.and_then(|v| v.try_into().ok()))
}

/// A fact the store cannot be without.
pub(super) fn need<const N: usize>(conn: &Connection, key: &'static str) -> Result<[u8; N], OpenError> {
    find(conn, key)?.ok_or(OpenError::Damaged("a row of `meta` is missing or malformed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_read_back_and_a_missing_or_short_one_is_damage() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE meta(k TEXT PRIMARY KEY, v BLOB NOT NULL) STRICT, WITHOUT ROWID")
            .unwrap();
        put_u64(&conn, BOOT, 7).unwrap();
        put_u64(&conn, BOOT, 8).unwrap();
        assert_eq!(u64::from_be_bytes(need(&conn, BOOT).unwrap()), 8);
        put(&conn, VAULT_ID, &[1, 2]).unwrap();
        assert!(matches!(need::<16>(&conn, VAULT_ID), Err(OpenError::Damaged(_))));
        assert!(matches!(need::<8>(&conn, LOCATOR_MARK), Err(OpenError::Damaged(_))));
    }
}
