//! Files that hold keys: plain, owned by us, readable by nobody else, and never followed through a link (A46).

use rustix::fs::{Mode, OFlags};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Why such a file was not read.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::crypto) enum Fault {
    /// Input or output.
    Io(std::io::ErrorKind),
    /// It is there, but not as it must be.
    Unfit(&'static str),
}

/// Makes a new file of ours alone, whatever the umask; what stands there already, link or file, is never opened.
pub(in crate::crypto) fn create(path: &Path, bytes: &[u8]) -> Result<(), std::io::Error> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a key is worse than none: it would be taken for the whole one. What failed is reported, not this.
        let _gone = std::fs::remove_file(path).is_ok();
    }
    written
}

/// Makes the names in a file's directory durable.
pub(in crate::crypto) fn sync_parent(path: &Path) -> Result<(), std::io::Error> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

/// Reads at most `max` bytes.
pub(in crate::crypto) fn read(path: &Path, max: u64) -> Result<Vec<u8>, Fault> {
    // NONBLOCK: opening a FIFO must not wait for a writer; it is refused below.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let opened = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| match error {
        rustix::io::Errno::LOOP => Fault::Unfit("it is a symbolic link; name the file itself"),
        other => Fault::Io(std::io::Error::from(other).kind()),
    })?;
    let file = File::from(opened);
    let meta = file.metadata().map_err(|e| Fault::Io(e.kind()))?;
    if !meta.is_file() {
        return Err(Fault::Unfit("it is not a plain file; name the file itself"));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(Fault::Unfit("others may read it; run chmod 600 on it"));
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(Fault::Unfit("it belongs to another user; run the command as that user"));
    }
    if meta.len() > max {
        return Err(Fault::Unfit("it is too long to be what it should be; put the right file in its place"));
    }
    let size = usize::try_from(meta.len()).unwrap_or(0);
    let mut bytes = Vec::with_capacity(size);
    file.take(max + 1).read_to_end(&mut bytes).map_err(|e| Fault::Io(e.kind()))?;
    Ok(bytes)
}
