//! What the database file says of itself to a reader beside the serving process: for `doctor`. Changes nothing.

use super::{audit_rows, meta, migrate};
use crate::domain::VaultId;
use crate::storage::errors::ReadError;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Where the header has the versions of format to write and to read it by, and what they are in WAL mode.
const VERSIONS_AT: u64 = 18;
const WAL: [u8; 2] = [2, 2];

/// Facts of a database file and of the library that reads it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inspection {
    /// Whose it is.
    pub vault: VaultId,
    /// Version of the linked SQLite.
    pub sqlite: String,
    /// Its journal mode; `wal` is as it should be.
    pub journal: String,
    /// Schema of the file, and the newest this program knows.
    pub schema: (u64, u64),
    /// Whether the write-ahead log is this database's.
    pub goes_on: bool,
    /// Bytes of the database and of its write-ahead log.
    pub bytes: (u64, u64),
}

/// The journal mode the file itself names. The pragma would not do: to a reader that may make no log, a database at rest
/// without one answers `delete`.
fn journal(path: &Path) -> std::io::Result<&'static str> {
    let mut versions = [0; 2];
    File::open(path)?.read_exact_at(&mut versions, VERSIONS_AT)?;
    Ok(if versions == WAL { "wal" } else { "rollback" })
}

/// Reads them.
pub fn inspect(dir: &Path) -> Result<Inspection, ReadError> {
    let conn = audit_rows::read_only(dir)?;
    let vault = meta::need(&conn, meta::VAULT_ID).map_err(|_| ReadError::Corrupt)?;
    let schema = meta::need(&conn, meta::SCHEMA).map_err(|_| ReadError::Corrupt)?;
    let journal = journal(&dir.join(super::VAULT_DB)).map_err(|_| ReadError::Store)?.to_owned();
    let size = |name: &str| std::fs::metadata(dir.join(name)).map_or(0, |facts| facts.len());
    Ok(Inspection {
        vault: VaultId(vault),
        sqlite: rusqlite::version().to_owned(),
        journal,
        goes_on: !dir.join(super::VAULT_WAL).exists() || super::look::goes_on(dir, &conn, VaultId(vault)),
        schema: (u64::from_be_bytes(schema), u64::from(migrate::newest())),
        bytes: (size(super::VAULT_DB), size(super::VAULT_WAL)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_at_rest_without_its_log_is_in_wal_mode_all_the_same_and_one_set_back_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        for (mode, read) in [("wal", "wal"), ("delete", "rollback")] {
            let conn = rusqlite::Connection::open(&path).unwrap();
            conn.execute_batch(&format!(
                "PRAGMA journal_mode = {mode}; CREATE TABLE IF NOT EXISTS t(x); INSERT INTO t VALUES(1)"
            ))
            .unwrap();
            drop(conn);
            assert!(!dir.path().join("x.db-wal").exists());
            assert_eq!(journal(&path).unwrap(), read);
        }
    }
}
