//! Files that hold tokens, references or line numbers of an import: made for their owner alone (0600), never over another file.

use crate::cli::Failed;
use crate::domain::io_words;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Makes a new file; what stands there already is left alone.
pub(in crate::cli) fn create(path: &Path) -> Result<File, Failed> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failed::new(format!("{} is there already; move it away or choose another name", path.display()))
        }
        kind => Failed::new(format!("cannot make {}: {}", path.display(), io_words(kind))),
    })
}

/// Opens a file of ours to go on writing.
pub(in crate::cli) fn reopen(path: &Path) -> Result<File, Failed> {
    let refused = |why: &str| Failed::new(format!("cannot go on with {}: {why}", path.display()));
    let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
    let opened = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path);
    let file = opened.map_err(|e| refused(&io_words(e.kind())))?;
    let facts = file.metadata().map_err(|e| refused(&io_words(e.kind())))?;
    if !facts.is_file() || facts.mode() & 0o077 != 0 {
        return Err(refused("it is no regular file that its owner alone may read"));
    }
    if facts.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused("it belongs to another user; run the command as that user"));
    }
    Ok(file)
}
