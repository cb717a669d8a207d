//! The write-ahead log written once more at a start: what a failed sync left in the kernel's cache is made durable.
//!
//! For `open`. After a sync that failed the kernel may hold pages as clean that never reached the disk (F3). The process
//! stops at it; but the next one would read those pages back as commits, and build on them until a power cut shows the
//! hole, with every later commit behind it. The same bytes written again are dirty again, and the next sync is an honest
//! one; a crash meanwhile changes nothing, as it leaves either the same bytes or those that were there.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Result};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes at a time; the log is bounded by its checkpoints.
const PIECE: usize = 1 << 20;

/// Writes a file's bytes over themselves and syncs it; a file that is not there needs nothing.
pub(super) fn write_afresh(path: &Path) -> Result<()> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let (mut piece, mut at) = (vec![0; PIECE], 0);
    loop {
        let read = file.read_at(&mut piece, at)?;
        let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        file.write_all_at(bytes, at)?;
        at += read as u64;
    }
    if at > 0 { file.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_stay_as_they_are_and_a_missing_file_is_none_of_its_business() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        write_afresh(&path).unwrap();
        assert!(!path.exists());
        let bytes: Vec<u8> = (0..3 * PIECE + 17).map(|n| (n % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        write_afresh(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}
