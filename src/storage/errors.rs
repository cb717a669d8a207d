//! Why opening, reading or committing failed. Messages name what failed and what to do, never a stored value (I6).

use super::rows::IdempotencyRow;
use crate::domain::Object;

/// Why a commit did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Something relied on or to be swapped has changed since.
    #[error("conflict with a later commit")]
    Conflict(Object),
    /// The idempotency key is known; here is what was stored.
    #[error("the idempotency key was used before")]
    Replayed(IdempotencyRow),
    /// No space.
    #[error("storage is full")]
    Full,
    /// The queue is full.
    #[error("too many commits are waiting")]
    Overloaded,
    /// The writer has stopped (first fsync error, shutdown).
    #[error("the writer has stopped")]
    Stopped,
}

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// SQLite said no.
    #[error("the store cannot be read")]
    Store,
    /// A row is malformed.
    #[error("a stored row is malformed")]
    Corrupt,
}

/// Why a vault's store could not be created or opened. It is refused rather than guessed at (I11).
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the lock file.
    #[error("another process has this vault open; stop it first (lock file: `lock` in the data directory)")]
    Locked,
    /// `create` on a directory that already holds a vault.
    #[error("the directory already holds a vault; choose another")]
    Exists,
    /// `open` on a directory without a vault.
    #[error("the directory holds no vault; run `strongroom init`")]
    Missing,
    /// The SQLite linked in is older than 3.53 (WAL-reset race).
    #[error("SQLite {0} is too old; 3.53 or newer is needed")]
    SqliteVersion(i32),
    /// A setting did not read back as it was set.
    #[error("SQLite did not accept `{0}`")]
    Pragma(&'static str),
    /// The schema was made by a newer release.
    #[error("the store has schema {found}, this release knows {known}; use the newer release")]
    NewerSchema {
        /// Number found.
        found: u32,
        /// Newest number known.
        known: u32,
    },
    /// A migration that was applied is not the one this release carries.
    #[error("migration {0} was applied in another form; the store was not made by a release")]
    AlteredMigration(u32),
    /// The database is of another vault than the keys.
    #[error("the keyring belongs to another vault than vault.db; put the right pair together")]
    OtherVault,
    /// The write-ahead log is of another database, or of another time.
    #[error("vault.db-wal does not go on from vault.db; put the files of one moment together")]
    OtherLog,
    /// The store lacks something it cannot be without, or a page is damaged.
    #[error("the store is damaged: {0}; restore it from a backup")]
    Damaged(&'static str),
    /// A file could not be made, read or locked.
    #[error("a file of the store cannot be used: {0}")]
    Io(#[from] std::io::Error),
    /// SQLite failed, with its extended code.
    #[error("SQLite failed with code {0}")]
    Sqlite(i32),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match error.sqlite_error() {
            Some(e) if matches!(e.code, DatabaseCorrupt | NotADatabase) => {
                Self::Damaged("a page is malformed")
            }
            Some(e) => Self::Sqlite(e.extended_code),
            None => Self::Damaged("a row has the wrong shape"),
        }
    }
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match error.sqlite_error() {
            Some(e) if !matches!(e.code, DatabaseCorrupt | NotADatabase) => Self::Store,
            _ => Self::Corrupt,
        }
    }
}
