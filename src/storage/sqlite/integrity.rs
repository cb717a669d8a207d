//! Bounded checks at open: the schema is exactly what the migrations make, and on request every page is well-formed.
//!
//! For `open`. The schema check is independent of record counts; a planted trigger, view or index refuses (I11).

use super::migrate::{MIGRATIONS, run};
use crate::domain::Timestamp;
use crate::storage::errors::OpenError;
use rusqlite::Connection;

type Schema = Vec<(String, String, Option<String>)>;

/// Compares the schema with that of a store made by the same migrations in memory.
pub(super) fn check_schema(conn: &Connection) -> Result<(), OpenError> {
    let mut model = Connection::open_in_memory()?;
    run(&mut model, MIGRATIONS, Timestamp(0))?;
    if schema(conn)? == schema(&model)? {
        Ok(())
    } else {
        Err(OpenError::Damaged("the schema is not the one the migrations make"))
    }
}

fn schema(conn: &Connection) -> Result<Schema, OpenError> {
    let mut statement = conn.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")?;
    let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Reads every page; its cost grows with the store, so it runs only when asked for.
pub(super) fn quick_check(conn: &Connection) -> Result<(), OpenError> {
    let verdict: String = conn.query_row("PRAGMA quick_check(1)", [], |r| r.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(OpenError::Damaged("a page is malformed")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migrated_store_passes_and_a_planted_trigger_refuses() {
        let mut conn = Connection::open_in_memory().unwrap();
        run(&mut conn, MIGRATIONS, Timestamp(5)).unwrap();
        check_schema(&conn).unwrap();
        quick_check(&conn).unwrap();
        conn.execute_batch("CREATE TRIGGER t AFTER INSERT ON keys BEGIN DELETE FROM audit; END").unwrap();
        assert!(matches!(check_schema(&conn), Err(OpenError::Damaged(_))));
    }
}
