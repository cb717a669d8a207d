//! Settings of every connection, each set and read back. For `open`; a setting that does not read back refuses the
//! connection (I11), because durability (I1) and erasure rest on them.

use crate::storage::errors::OpenError;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// Writes or checkpoints the vault.
    Writer,
    /// Reads only.
    Reader,
    /// The projection that may be deleted.
    Index,
}

/// No row or statement is larger than this.
const LARGEST_ROW: i32 = 16 << 20;
/// The first SQLite without the WAL-reset race that this vault was tested with.
const OLDEST_SQLITE: i32 = 3_053_000;

/// The version of the library that is really linked in, not the one the header promised.
pub(super) fn check_version() -> Result<(), OpenError> {
    let found = rusqlite::version_number();
    if found < OLDEST_SQLITE { Err(OpenError::SqliteVersion(found)) } else { Ok(()) }
}

/// Opens a connection in its role; the file must exist (its mode was set when it was made).
pub(super) fn connect(path: &Path, role: Role, busy: Duration) -> Result<Connection, OpenError> {
    let access = match role {
        Role::Reader => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Role::Writer | Role::Index => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let conn = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(busy)?;
    harden(&conn)?;
    let synchronous = if role == Role::Index { 1 } else { 2 };
    if role != Role::Reader {
        set(&conn, "journal_mode", "wal", &Value::Text("wal".into()))?;
    } else if !reads_as(&conn, "journal_mode", &Value::Text("wal".into()))? {
        return Err(OpenError::Pragma("journal_mode"));
    }
    set(&conn, "synchronous", &synchronous.to_string(), &Value::Integer(synchronous))?;
    set(&conn, "secure_delete", "1", &Value::Integer(1))?;
    set(&conn, "trusted_schema", "0", &Value::Integer(0))?;
    set(&conn, "foreign_keys", "1", &Value::Integer(1))?;
    set(&conn, "temp_store", "2", &Value::Integer(2))?;
    set(&conn, "cell_size_check", "1", &Value::Integer(1))?;
    set(&conn, "mmap_size", "0", &Value::Integer(0))?;
    set(&conn, "journal_size_limit", "67108864", &Value::Integer(67_108_864))?;
    if role == Role::Reader {
        set(&conn, "query_only", "1", &Value::Integer(1))?;
    } else if role == Role::Writer {
        set(&conn, "wal_autocheckpoint", "0", &Value::Integer(0))?;
    }
    conn.set_prepared_statement_cache_capacity(64);
    Ok(conn)
}

/// A tampered schema must not run code of its own: no triggers, no views, no attached files, no quoted-string misfeature.
pub(super) fn harden(conn: &Connection) -> Result<(), OpenError> {
    let switches = [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true, "defensive"),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false, "trusted_schema"),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false, "enable_trigger"),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false, "enable_view"),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false, "dqs_dml"),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false, "dqs_ddl"),
        // A plan rests on the statement alone, never on the values bound: SQLite would prepare it again at every call.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true, "enable_qpsg"),
    ];
    for (switch, on, name) in switches {
        if conn.set_db_config(switch, on)? != on {
            return Err(OpenError::Pragma(name));
        }
    }
    let limits = [
        (Limit::SQLITE_LIMIT_LENGTH, LARGEST_ROW, "limit length"),
        (Limit::SQLITE_LIMIT_ATTACHED, 0, "limit attached"),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1, "limit trigger_depth"),
    ];
    for (limit, most, name) in limits {
        conn.set_limit(limit, most)?;
        if conn.limit(limit)? != most {
            return Err(OpenError::Pragma(name));
        }
    }
    Ok(())
}

fn set(conn: &Connection, name: &'static str, to: &str, reads: &Value) -> Result<(), OpenError> {
    // Some pragmas answer with a row, some do not: run it as a query and drop what it says, then read back.
    // SQL: a pragma takes no parameters; name and value are constants of this file.
    let mut statement = conn.prepare(&format!("PRAGMA {name} = {to}"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    drop(rows);
    if reads_as(conn, name, reads)? { Ok(()) } else { Err(OpenError::Pragma(name)) }
}

fn reads_as(conn: &Connection, name: &'static str, expected: &Value) -> Result<bool, OpenError> {
    // SQL: as above.
    let mut statement = conn.prepare(&format!("PRAGMA {name}"))?;
    let mut rows = statement.query([])?;
    Ok(match rows.next()? {
        Some(row) => row.get::<_, Value>(0)? == *expected,
        // A build without memory mapping answers nothing; then none is mapped.
        None => name == "mmap_size",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        std::fs::File::create(&path).unwrap();
        (dir, path)
    }

    #[test]
    fn f1_the_linked_sqlite_is_new_enough() {
        check_version().unwrap();
    }

    #[test]
    fn every_setting_reads_back_on_a_writer_and_a_reader() {
        let (_dir, path) = file();
        let writer = connect(&path, Role::Writer, Duration::from_secs(1)).unwrap();
        writer.execute_batch("CREATE TABLE t(x INTEGER) STRICT").unwrap();
        let reader = connect(&path, Role::Reader, Duration::from_secs(1)).unwrap();
        for conn in [&writer, &reader] {
            assert!(reads_as(conn, "synchronous", &Value::Integer(2)).unwrap());
            assert!(reads_as(conn, "secure_delete", &Value::Integer(1)).unwrap());
            assert!(reads_as(conn, "trusted_schema", &Value::Integer(0)).unwrap());
        }
        assert!(reader.execute_batch("INSERT INTO t VALUES(1)").is_err());
    }

    #[test]
    fn a_planted_trigger_does_not_run() {
        let (_dir, path) = file();
        let evil = Connection::open(&path).unwrap();
        evil.execute_batch(
            "PRAGMA journal_mode=wal; CREATE TABLE t(x INTEGER) STRICT; CREATE TABLE copy(x INTEGER) STRICT;
             CREATE TRIGGER steal AFTER INSERT ON t BEGIN INSERT INTO copy VALUES(new.x); END;",
        )
        .unwrap();
        drop(evil);
        let writer = connect(&path, Role::Writer, Duration::from_secs(1)).unwrap();
        writer.execute_batch("INSERT INTO t VALUES(1)").unwrap();
        let copied: i64 = writer.query_row("SELECT count(*) FROM copy", [], |r| r.get(0)).unwrap();
        assert_eq!(copied, 0);
    }

    #[test]
    fn another_vaults_file_cannot_be_attached() {
        let (_dir, path) = file();
        let writer = connect(&path, Role::Writer, Duration::from_secs(1)).unwrap();
        assert!(writer.execute_batch("ATTACH DATABASE ':memory:' AS other").is_err());
    }
}
