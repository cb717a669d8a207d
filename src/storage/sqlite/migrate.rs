//! The migration runner: numbered, embedded, append-only, each kept with its SHA-256 in the store it was applied to.
//!
//! For `open`. It never changes what was applied: a newer schema or an altered checksum refuses (I11).

use crate::domain::Timestamp;
use crate::storage::errors::OpenError;
use rusqlite::{Connection, TransactionBehavior};
use sha2::{Digest, Sha256};

/// One step of the schema.
pub(super) struct Migration {
    /// Consecutive from 1.
    pub(super) number: u32,
    /// What it does.
    pub(super) sql: &'static str,
}

/// Every migration, in order.
pub(super) const MIGRATIONS: &[Migration] =
    &[Migration { number: 1, sql: include_str!("../../../migrations/sqlite/0001_start.sql") }];

const TABLE: &str = "CREATE TABLE IF NOT EXISTS migrations(number INTEGER PRIMARY KEY, sha256 BLOB NOT NULL, \
                     at_us INTEGER NOT NULL) STRICT";

/// The newest schema this release knows.
pub(super) fn newest() -> u32 {
    MIGRATIONS.iter().map(|m| m.number).max().unwrap_or(0)
}

/// Checks what was applied and applies the rest, all under one exclusive transaction.
pub(super) fn run(conn: &mut Connection, list: &[Migration], at: Timestamp) -> Result<u32, OpenError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    tx.execute_batch(TABLE)?;
    let known = list.iter().map(|m| m.number).max().unwrap_or(0);
    let applied = check(&tx, list, known)?;
    let mut changed = false;
    for migration in list.iter().filter(|m| m.number > applied) {
        tx.execute_batch(migration.sql)?;
        let sum = Sha256::digest(migration.sql.as_bytes());
        tx.execute(
            "INSERT INTO migrations(number, sha256, at_us) VALUES(?1, ?2, ?3)",
            rusqlite::params![migration.number, sum.as_slice(), at.0],
        )?;
        changed = true;
    }
    if changed {
        tx.commit()?
    } else {
        tx.rollback()?
    }
    Ok(known)
}

/// The highest number applied to a store that was made before; one without a list was made by nobody.
pub(super) fn applied(conn: &Connection, list: &[Migration]) -> Result<u32, OpenError> {
    let table = "SELECT EXISTS(SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migrations')";
    let listed = conn.query_row(table, [], |row| row.get::<_, bool>(0))?;
    match if listed { check(conn, list, list.iter().map(|m| m.number).max().unwrap_or(0))? } else { 0 } {
        0 => Err(OpenError::Damaged("the list of its migrations is missing")),
        applied => Ok(applied),
    }
}

/// The highest number applied; every number up to it must be there with the checksum this release carries.
fn check(tx: &Connection, list: &[Migration], known: u32) -> Result<u32, OpenError> {
    let mut statement = tx.prepare("SELECT number, sha256 FROM migrations ORDER BY number")?;
    let mut rows = statement.query([])?;
    let mut last = 0;
    while let Some(row) = rows.next()? {
        let found: u32 = row.get(0)?;
        if found > known {
            return Err(OpenError::NewerSchema { found, known });
        }
        let ours = list.iter().find(|m| m.number == found).ok_or(OpenError::AlteredMigration(found))?;
        let sum: Vec<u8> = row.get(1)?;
        if found != last + 1 || sum != Sha256::digest(ours.sql.as_bytes()).as_slice() {
            return Err(OpenError::AlteredMigration(found));
        }
        last = found;
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Migration = Migration { number: 1, sql: "CREATE TABLE a(x INTEGER) STRICT;" };
    const TWO: Migration = Migration { number: 2, sql: "CREATE TABLE b(x INTEGER) STRICT;" };

    #[test]
    fn a_store_is_brought_up_step_by_step_and_only_once() {
        let mut conn = Connection::open_in_memory().unwrap();
        assert_eq!(run(&mut conn, &[ONE], Timestamp(1)).unwrap(), 1);
        assert_eq!(run(&mut conn, &[ONE, TWO], Timestamp(2)).unwrap(), 2);
        assert_eq!(run(&mut conn, &[ONE, TWO], Timestamp(3)).unwrap(), 2);
        let applied: i64 = conn.query_row("SELECT count(*) FROM migrations", [], |r| r.get(0)).unwrap();
        assert_eq!(applied, 2);
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let mut conn = Connection::open_in_memory().unwrap();
        run(&mut conn, &[ONE, TWO], Timestamp(1)).unwrap();
        let refused = run(&mut conn, &[ONE], Timestamp(1));
        assert!(matches!(refused, Err(OpenError::NewerSchema { found: 2, known: 1 })));
    }

    #[test]
    fn an_altered_migration_is_refused() {
        let mut conn = Connection::open_in_memory().unwrap();
        run(&mut conn, &[ONE], Timestamp(1)).unwrap();
        let other = Migration { number: 1, sql: "CREATE TABLE a(x INTEGER) STRICT; -- altered" };
        assert!(matches!(run(&mut conn, &[other], Timestamp(1)), Err(OpenError::AlteredMigration(1))));
    }

    #[test]
    fn a_failing_migration_leaves_nothing_behind() {
        let mut conn = Connection::open_in_memory().unwrap();
        let bad = Migration {
            number: 2,
            sql: "CREATE TABLE b(x INTEGER) STRICT; CREATE TABLE b(x INTEGER) STRICT;",
        };
        assert!(run(&mut conn, &[ONE, bad], Timestamp(1)).is_err());
        let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0)).unwrap();
        assert_eq!(tables, 0);
    }

    #[test]
    fn numbers_are_consecutive_from_one() {
        assert!(MIGRATIONS.iter().zip(1..).all(|(m, n)| m.number == n));
        assert_eq!(newest(), MIGRATIONS.last().unwrap().number);
    }
}
