//! Files that hold keys: plain, owned by us, readable by nobody else, and never followed through a link (A46).

use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Why such a file was not read.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::crypto) enum Fault {
    /// Input or output.
    Io(std::io::ErrorKind),
    /// It is there, but not as it must be.
    Unfit(&'static str),
}

/// Reads at most `max` bytes.
pub(in crate::crypto) fn read(path: &Path, max: u64) -> Result<Vec<u8>, Fault> {
    // NONBLOCK: opening a FIFO must not wait for a writer; it is refused below.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let opened = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| match error {
        rustix::io::Errno::LOOP => Fault::Unfit("it is a symbolic link; name the file itself"),
        other => Fault::Io(std::io::Error::from(other).kind()),
    })?;
    let mut file = File::from(opened);
    let meta = file.metadata().map_err(|e| Fault::Io(e.kind()))?;
    if !meta.is_file() {
        return Err(Fault::Unfit("it is not a plain file"));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(Fault::Unfit("others may read it; run chmod 600 on it"));
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(Fault::Unfit("it belongs to another user; run chown on it"));
    }
    if meta.len() > max {
        return Err(Fault::Unfit("it is too long to be what it should be"));
    }
    let size = usize::try_from(meta.len()).unwrap_or(0);
    let mut bytes = Vec::with_capacity(size);
    file.by_ref().take(max + 1).read_to_end(&mut bytes).map_err(|e| Fault::Io(e.kind()))?;
    Ok(bytes)
}
