//! A look before anything is written: is this the database of the vault whose keys are at hand, made by a release this one
//! follows, and does its write-ahead log belong to it. For `open`: what is refused here has every file as it was (I11).
//!
//! SQLite takes any well-formed write-ahead log that lies beside a database for that database's own. One of another vault, or
//! of another time, would lay its pages over ours; so the log of events, to which rows are only ever added, must go on in
//! it from where the database alone ends.

use super::{Options, VAULT_WAL, audit_rows, integrity, meta, migrate};
use crate::domain::VaultId;
use crate::storage::errors::OpenError;
use rusqlite::Connection;
use std::path::Path;

/// Looks at the database in `dir`; changes nothing, neither now nor when it ends.
pub(super) fn look(dir: &Path, options: &Options) -> Result<(), OpenError> {
    let conn = audit_rows::connection(dir, false)?;
    conn.busy_timeout(options.busy)?;
    super::pragmas::harden(&conn)?;
    conn.execute_batch("BEGIN")?;
    if migrate::applied(&conn, migrate::MIGRATIONS)? == migrate::newest() {
        integrity::check_schema(&conn)?;
    }
    let found = VaultId(meta::need(&conn, meta::VAULT_ID)?);
    if options.owner.is_some_and(|owner| owner != found) {
        return Err(OpenError::OtherVault);
    }
    if dir.join(VAULT_WAL).exists() && !goes_on(dir, &conn, found) {
        return Err(OpenError::OtherLog);
    }
    Ok(())
}

/// Whether the database with its write-ahead log is what the database alone became. A checkpoint that was cut short leaves
/// pages that only the log makes whole: what cannot be read alone says nothing.
pub(super) fn goes_on(dir: &Path, whole: &Connection, vault: VaultId) -> bool {
    let Ok(alone) = audit_rows::connection(dir, true) else { return true };
    if super::pragmas::harden(&alone).is_err() {
        return false;
    }
    if meta::find(&alone, meta::VAULT_ID).ok().flatten().is_some_and(|id| id != vault.0) {
        return false;
    }
    let Ok(Some(last)) = audit_rows::last(&alone) else { return true };
    matches!(audit_rows::hash_at(whole, last.pos), Ok(Some(hash)) if hash == last.hash)
}
