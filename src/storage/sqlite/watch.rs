//! Whether the files under the store are still the ones it opened. A database that was deleted, moved or replaced under a
//! running vault takes writes into a file that nobody will ever see again; so nothing is acknowledged into it.
//!
//! For the writer (before each batch), housekeeping (ten times a second) and readiness. It only looks: it never puts
//! anything back. What it is not sure of it calls replaced (I11).

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Device and inode of a file.
type Identity = (u64, u64);

pub(super) struct Watch {
    database: (PathBuf, Identity),
    log: PathBuf,
    /// Known once the write-ahead log is there; a store that is open keeps it.
    log_identity: Mutex<Option<Identity>>,
    replaced: AtomicBool,
}

fn identity(path: &Path) -> Option<Identity> {
    let facts = std::fs::symlink_metadata(path).ok()?;
    facts.is_file().then(|| (facts.dev(), facts.ino()))
}

impl Watch {
    /// Remembers what is there now, right after it was opened.
    pub(super) fn new(database: PathBuf, log: PathBuf) -> std::io::Result<Self> {
        let known = identity(&database).ok_or(std::io::ErrorKind::NotFound)?;
        let log_identity = Mutex::new(identity(&log));
        Ok(Self { database: (database, known), log, log_identity, replaced: AtomicBool::new(false) })
    }

    /// Looks again; `true`: everything is as it was opened. A file that is put back is taken back.
    pub(super) fn holds(&self) -> bool {
        let database = identity(&self.database.0) == Some(self.database.1);
        let holds = database && self.log_holds();
        self.replaced.store(!holds, Ordering::Release);
        holds
    }

    fn log_holds(&self) -> bool {
        let mut known = self.log_identity.lock().unwrap_or_else(PoisonError::into_inner);
        let found = identity(&self.log);
        if known.is_none() {
            *known = found;
        }
        *known == found
    }

    /// What the last look found.
    pub(super) fn is_replaced(&self) -> bool {
        self.replaced.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i11_a_file_that_is_deleted_moved_or_replaced_is_noticed_and_one_put_back_is_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let (database, log, aside) =
            (dir.path().join("v.db"), dir.path().join("v.db-wal"), dir.path().join("aside"));
        std::fs::write(&database, "a").unwrap();
        let watch = Watch::new(database.clone(), log.clone()).unwrap();
        assert!(watch.holds(), "no log yet");
        std::fs::write(&log, "b").unwrap();
        assert!(watch.holds(), "the log came");
        for file in [&database, &log] {
            std::fs::rename(file, &aside).unwrap();
            assert!(!watch.holds() && watch.is_replaced(), "moved");
            std::fs::copy(&aside, file).unwrap();
            assert!(!watch.holds(), "replaced by its copy");
            std::fs::remove_file(file).unwrap();
            std::os::unix::fs::symlink(&aside, file).unwrap();
            assert!(!watch.holds(), "replaced by a link to itself");
            std::fs::rename(&aside, file).unwrap();
            assert!(watch.holds() && !watch.is_replaced(), "put back");
        }
    }
}
