//! What the database file says of itself to a reader beside the serving process: for `doctor`. Changes nothing.

use super::{audit_rows, meta, migrate};
use crate::domain::VaultId;
use crate::storage::errors::ReadError;
use std::path::Path;

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
    /// Bytes of the database and of its write-ahead log.
    pub bytes: (u64, u64),
}

/// Reads them.
pub fn inspect(dir: &Path) -> Result<Inspection, ReadError> {
    let conn = audit_rows::read_only(dir)?;
    let vault = meta::need(&conn, meta::VAULT_ID).map_err(|_| ReadError::Corrupt)?;
    let schema = meta::need(&conn, meta::SCHEMA).map_err(|_| ReadError::Corrupt)?;
    let journal =
        conn.query_row("PRAGMA journal_mode", [], |row| row.get(0)).map_err(|_| ReadError::Store)?;
    let size = |name: &str| std::fs::metadata(dir.join(name)).map_or(0, |facts| facts.len());
    Ok(Inspection {
        vault: VaultId(vault),
        sqlite: rusqlite::version().to_owned(),
        journal,
        schema: (u64::from_be_bytes(schema), u64::from(migrate::newest())),
        bytes: (size(super::VAULT_DB), size(super::VAULT_WAL)),
    })
}
