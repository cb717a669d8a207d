//! The ledger of erasures: one line an erasure, synced before anything is destroyed, in a file that no backup holds.
//!
//! A database that is put back from an older copy brings erased records back; the ledger says which, and they are erased
//! again before the vault serves. Lines are opaque here: the vault writes and checks what they say. A line is whole or it
//! is not there: what a crash cut short was never acknowledged and is dropped (I1). The first failed sync closes the ledger
//! for good, as the pages may be gone (F3).

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Longest line, newline included.
const MAX_LINE: usize = 256;

/// Why a line could not be added or read.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// No space, or the device failed.
    #[error("erasures.log cannot be written or read; check the disk")]
    Io(#[from] std::io::Error),
    /// A sync failed before: nothing can be relied on any more.
    #[error("erasures.log failed to sync before; restart the vault")]
    Closed,
    /// The file is shorter than the position asked for.
    #[error(
        "erasures.log lacks lines that this database rests on: it was removed, or is an older copy; put the right file back"
    )]
    Short,
    /// The line holds a line break, or is too long.
    #[error("a line of erasures.log is malformed")]
    Malformed,
}

/// An open ledger.
pub struct Ledger {
    state: Mutex<State>,
}

struct State {
    file: File,
    length: u64,
    closed: bool,
}

impl Ledger {
    /// Opens or makes the file (mode 0600); a line cut short by a crash is dropped.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0))
            .open(path)?;
        // What is dropped stays in the file until the next line is written: a start that is refused destroys nothing.
        let length = whole(&mut file)?;
        write_afresh(&mut file, length)?;
        file.sync_all()?;
        if let Some(dir) = path.parent() {
            File::open(dir)?.sync_all()?;
        }
        Ok(Self { state: Mutex::new(State { file, length, closed: false }) })
    }

    /// Bytes written so far: where the next line will begin.
    pub fn length(&self) -> u64 {
        self.lock().length
    }

    /// Appends a line and syncs it; where it ends. Blocks for the time of a sync: never call it from a thread that serves.
    pub fn append(&self, line: &str) -> Result<u64, LedgerError> {
        if line.is_empty() || line.len() >= MAX_LINE || line.contains(['\n', '\r']) {
            return Err(LedgerError::Malformed);
        }
        let mut state = self.lock();
        if state.closed {
            return Err(LedgerError::Closed);
        }
        let at = state.length;
        state.file.set_len(at)?;
        state.file.seek(SeekFrom::Start(at))?;
        let written = state.file.write_all(format!("{line}\n").as_bytes());
        if let Err(error) = written {
            // What was written of it is taken back; if that fails too, the file ends in half a line.
            state.closed = state.file.set_len(at).is_err();
            return Err(error.into());
        }
        if let Err(error) = state.file.sync_data() {
            state.closed = true;
            return Err(error.into());
        }
        state.length = at + line.len() as u64 + 1;
        Ok(state.length)
    }

    /// Hands every line from a position on to `f`, in order.
    pub fn lines_from<E: From<LedgerError>>(
        &self,
        from: u64,
        mut f: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut state = self.lock();
        if from > state.length {
            return Err(LedgerError::Short.into());
        }
        state.file.seek(SeekFrom::Start(from)).map_err(LedgerError::from)?;
        let mut rest = state.length - from;
        let mut held: Vec<u8> = Vec::with_capacity(64 * 1024);
        while rest > 0 {
            let wanted = rest.min(32 * 1024);
            let got = (&state.file).take(wanted).read_to_end(&mut held).map_err(LedgerError::from)?;
            if got == 0 {
                return Err(LedgerError::Short.into());
            }
            rest -= got as u64;
            let mut start = 0;
            while let Some(end) = held.iter().skip(start).position(|b| *b == b'\n').map(|n| start + n) {
                let line = held.get(start..end).and_then(|raw| std::str::from_utf8(raw).ok());
                f(line.ok_or(LedgerError::Malformed)?)?;
                start = end + 1;
            }
            held.drain(..start);
            if held.len() >= MAX_LINE {
                return Err(LedgerError::Malformed.into());
            }
        }
        if held.is_empty() { Ok(()) } else { Err(LedgerError::Malformed.into()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the last line over itself: one whose sync failed may be in the kernel's cache and nowhere else (F3), and the next
/// sync would not know of it.
fn write_afresh(file: &mut File, length: u64) -> std::io::Result<()> {
    let from = length.saturating_sub(MAX_LINE as u64);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(MAX_LINE as u64).read_to_end(&mut bytes)?;
    file.seek(SeekFrom::Start(from))?;
    file.write_all(&bytes)
}

/// Length up to the last line break. A last line with a hole in it (its end reached the disk and its beginning did not)
/// was never synced, so nobody was told of it: it is dropped too.
fn whole(file: &mut File) -> std::io::Result<u64> {
    let length = file.seek(SeekFrom::End(0))?;
    let tail = length.min(MAX_LINE as u64);
    file.seek(SeekFrom::Start(length - tail))?;
    let mut bytes = Vec::new();
    file.take(tail).read_to_end(&mut bytes)?;
    let cut = bytes.iter().rev().take_while(|b| **b != b'\n').count() as u64;
    if cut == tail && length > tail {
        return Ok(length);
    }
    let lines = bytes.len().saturating_sub(usize::try_from(cut).unwrap_or(0));
    let last = bytes.get(..lines.saturating_sub(1)).unwrap_or_default();
    let last = last.rsplit(|b| *b == b'\n').next().unwrap_or_default();
    // A torn write loses whole sectors: the end of a line, or all of it up to a sector's edge, never a byte within.
    let hole = if last.starts_with(b"\0") { last.len() as u64 + 1 } else { 0 };
    Ok(length - cut - hole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(ledger: &Ledger, from: u64) -> Result<Vec<String>, LedgerError> {
        let mut all = Vec::new();
        ledger.lines_from(from, |line| {
            all.push(line.to_owned());
            Ok::<_, LedgerError>(())
        })?;
        Ok(all)
    }

    #[test]
    fn what_was_appended_is_read_back_from_any_line_on_and_after_opening_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("erasures.log");
        let ledger = Ledger::open(&path).unwrap();
        let mut starts = Vec::new();
        let written: Vec<String> = (0..2_000).map(|n| format!("1 {n} erase {n:016x} mac")).collect();
        for line in &written {
            starts.push(ledger.length());
            ledger.append(line).unwrap();
        }
        assert_eq!(lines(&ledger, 0).unwrap(), written);
        assert_eq!(lines(&ledger, starts[1_990]).unwrap(), written[1_990..]);
        assert_eq!(lines(&ledger, ledger.length()).unwrap(), Vec::<String>::new());
        drop(ledger);
        assert_eq!(lines(&Ledger::open(&path).unwrap(), 0).unwrap(), written);
    }

    #[test]
    fn a_line_cut_short_by_a_crash_is_dropped_and_the_next_one_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("erasures.log");
        std::fs::write(&path, "one\ntwo\nthr").unwrap();
        let ledger = Ledger::open(&path).unwrap();
        ledger.append("four").unwrap();
        assert_eq!(lines(&ledger, 0).unwrap(), ["one", "two", "four"]);
        std::fs::write(&path, "thr").unwrap();
        assert_eq!(Ledger::open(&path).unwrap().length(), 0);
        std::fs::write(&path, "one\ntwo\n\0\0\0ree\n").unwrap();
        assert_eq!(lines(&Ledger::open(&path).unwrap(), 0).unwrap(), ["one", "two"], "torn in the middle");
    }

    #[test]
    fn i11_opening_drops_no_line_that_may_have_been_acknowledged_and_destroys_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("erasures.log");
        for text in ["one\ntwo\nth\0ee\n", "one\ntwo\n\0\0\0ee\n", "one\ntwo\nthr"] {
            std::fs::write(&path, text).unwrap();
            let ledger = Ledger::open(&path).unwrap();
            let torn = !text.contains("th\0");
            assert_eq!(lines(&ledger, 0).unwrap().len(), if torn { 2 } else { 3 }, "{text:?}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "a look changes nothing");
            ledger.append("four").unwrap();
            assert!(std::fs::read_to_string(&path).unwrap().ends_with("\nfour\n"));
        }
    }

    #[test]
    fn a_file_that_lost_lines_or_holds_something_else_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("erasures.log");
        let ledger = Ledger::open(&path).unwrap();
        ledger.append("one").unwrap();
        assert!(matches!(lines(&ledger, 5), Err(LedgerError::Short)));
        std::fs::write(&path, vec![b'x'; 3 * MAX_LINE]).unwrap();
        assert!(matches!(lines(&Ledger::open(&path).unwrap(), 0), Err(LedgerError::Malformed)));
        for bad in ["", "a\nb", "a\rb", &"x".repeat(MAX_LINE)] {
            assert!(matches!(ledger.append(bad), Err(LedgerError::Malformed)));
        }
    }

    #[test]
    fn the_file_is_its_owners_alone_and_no_link_is_followed() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("erasures.log");
        Ledger::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(Ledger::open(&link).is_err());
    }
}
