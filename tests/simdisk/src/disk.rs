//! What the disk knows: for every file the bytes that are durable and the changes that are not yet, for the directory the
//! names that are durable; the faults that are planned; and a running hash over everything that was done.

use crate::entropy::Rng;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const SECTOR: usize = 512;

/// One change of a file that no sync has covered.
enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
}

#[derive(Default)]
struct File {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone)]
enum Name {
    Put(Vec<u8>, usize),
    Gone(Vec<u8>),
}

/// Where a descriptor leads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handle {
    File(usize),
    Directory,
}

/// What is to go wrong. Counters count calls down to the one that fails; each fault happens once.
#[derive(Clone, Copy, Default, Debug)]
pub struct Faults {
    /// The machine stops at this change.
    pub crash_at: Option<u64>,
    /// This sync fails, and what it covered may or may not be durable (F3).
    pub sync_error_at: Option<u64>,
    /// This write fails.
    pub write_error_at: Option<u64>,
    /// From this write on so many writes find the disk full.
    pub full: Option<(u64, u64)>,
    /// Sabotage: a sync says it is done and makes nothing durable.
    pub syncs_lie: bool,
    /// Sabotage: as above, but only for files whose name ends so.
    pub lies_about: Option<&'static str>,
}

/// What a power cut leaves of changes that were not synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loss {
    /// Nothing is lost: the process alone ended.
    None,
    /// All of them are lost.
    Everything,
    /// Those after some point are lost.
    Tail,
    /// Some are lost, whatever their order.
    Some,
    /// Some sectors of some are lost.
    Torn,
}

/// A disk with one directory.
pub struct Disk {
    root: PathBuf,
    prefix: Vec<u8>,
    files: Vec<File>,
    names: BTreeMap<Vec<u8>, usize>,
    durable_names: BTreeMap<Vec<u8>, usize>,
    pending_names: Vec<Name>,
    handles: BTreeMap<i32, Handle>,
    rng: Rng,
    dead: bool,
    hash: u64,
    changes: u64,
    injected: u64,
    /// Tells every change on standard error.
    pub talks: bool,
    /// What is to go wrong.
    pub faults: Faults,
}

fn due(counter: &mut Option<u64>) -> bool {
    match counter {
        Some(0) => {
            *counter = None;
            true
        }
        Some(left) => {
            *left -= 1;
            false
        }
        None => false,
    }
}

impl Disk {
    pub(crate) fn new(root: &Path, seed: u64) -> Self {
        use std::os::unix::ffi::OsStrExt;
        let mut prefix = root.as_os_str().as_bytes().to_vec();
        prefix.push(b'/');
        Self {
            root: root.to_owned(),
            prefix,
            files: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending_names: Vec::new(),
            handles: BTreeMap::new(),
            rng: Rng::new(seed ^ 0xd15c),
            dead: false,
            hash: 0xcbf2_9ce4_8422_2325,
            changes: 0,
            injected: 0,
            talks: false,
            faults: Faults::default(),
        }
    }

    /// The hash of everything that happened so far.
    pub fn trace(&self) -> u64 {
        self.hash
    }
    /// Mixes something else that happened into the hash.
    pub fn mix(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.hash = (self.hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
        self.hash = (self.hash ^ bytes.len() as u64).wrapping_mul(0x0000_0100_0000_01b3);
    }
    /// Whether it was cut off.
    pub fn is_dead(&self) -> bool {
        self.dead
    }
    /// Cuts it off: from now on every change fails and nothing happens.
    pub fn cut(&mut self) {
        self.dead = true;
    }
    /// How many changes were made, and how many faults were injected.
    pub fn counts(&self) -> (u64, u64) {
        (self.changes, self.injected)
    }

    /// The name below the root, if the path is there and what it names is kept on the disk.
    pub(crate) fn name(&self, path: &[u8]) -> Option<Vec<u8>> {
        let name = path.strip_prefix(&self.prefix[..])?;
        // Shared memory is memory, and the lock file holds nothing.
        let kept = !name.ends_with(b"-shm") && name != b"lock";
        (kept && !name.is_empty()).then(|| name.to_vec())
    }
    pub(crate) fn is_root(&self, path: &[u8]) -> bool {
        path == &self.prefix[..] || path == &self.prefix[..self.prefix.len() - 1]
    }

    /// One more change: whether it may be made.
    fn change(&mut self, what: &[u8]) -> Result<(), i32> {
        if self.dead {
            return Err(libc::EIO);
        }
        if due(&mut self.faults.crash_at) {
            self.injected += 1;
            self.mix(b"crash");
            self.dead = true;
            return Err(libc::EIO);
        }
        self.changes += 1;
        if self.talks {
            eprintln!("disk {} {}", self.changes, String::from_utf8_lossy(what));
        }
        self.mix(what);
        Ok(())
    }

    pub(crate) fn may_open(&mut self, name: &[u8], creates: bool) -> Result<(), i32> {
        if self.dead {
            return Err(libc::EIO);
        }
        if creates && !self.names.contains_key(name) { self.change(name) } else { Ok(()) }
    }
    pub(crate) fn opened(&mut self, fd: i32, name: &[u8], cut: bool) {
        let file = match self.names.get(name) {
            Some(file) => *file,
            None => {
                self.files.push(File::default());
                let file = self.files.len() - 1;
                self.names.insert(name.to_vec(), file);
                self.pending_names.push(Name::Put(name.to_vec(), file));
                file
            }
        };
        if cut {
            self.files[file].pending.push(Change::Length(0));
        }
        self.handles.insert(fd, Handle::File(file));
    }
    pub(crate) fn opened_directory(&mut self, fd: i32) {
        self.handles.insert(fd, Handle::Directory);
    }
    pub(crate) fn closed(&mut self, fd: i32) {
        self.handles.remove(&fd);
    }
    fn file(&self, fd: i32) -> Option<usize> {
        match self.handles.get(&fd) {
            Some(Handle::File(file)) => Some(*file),
            _ => None,
        }
    }
    pub(crate) fn is_file(&self, fd: i32) -> bool {
        self.file(fd).is_some()
    }
    pub(crate) fn is_tracked(&self, fd: i32) -> bool {
        self.handles.contains_key(&fd)
    }

    /// Before a write of so many bytes: how many may be written.
    pub(crate) fn may_write(&mut self, len: usize) -> Result<usize, i32> {
        self.change(b"write")?;
        if due(&mut self.faults.write_error_at) {
            self.injected += 1;
            return Err(libc::EIO);
        }
        if let Some((wait, times)) = &mut self.faults.full {
            if *wait > 0 {
                *wait -= 1;
            } else if *times > 0 {
                *times -= 1;
                self.injected += 1;
                return Err(libc::ENOSPC);
            } else {
                self.faults.full = None;
            }
        }
        Ok(len)
    }
    pub(crate) fn wrote(&mut self, fd: i32, at: u64, bytes: &[u8]) {
        let Some(file) = self.file(fd) else { return };
        if self.talks {
            eprintln!("  {} at {at}, {} bytes", self.called(file), bytes.len());
        }
        self.mix(&at.to_le_bytes());
        self.mix(bytes);
        self.files[file].pending.push(Change::Write(at, bytes.to_vec()));
    }
    pub(crate) fn may_cut(&mut self) -> Result<(), i32> {
        self.change(b"cut")
    }
    pub(crate) fn was_cut(&mut self, fd: i32, to: u64) {
        let Some(file) = self.file(fd) else { return };
        self.mix(&to.to_le_bytes());
        self.files[file].pending.push(Change::Length(to));
    }

    /// A sync of a descriptor.
    pub(crate) fn sync(&mut self, fd: i32) -> Result<(), i32> {
        self.change(b"sync")?;
        match self.handles.get(&fd).copied() {
            Some(Handle::Directory) => {
                if !self.faults.syncs_lie {
                    self.durable_names = self.names.clone();
                    self.pending_names.clear();
                }
            }
            Some(Handle::File(file)) => {
                if self.talks {
                    eprintln!("  {} of {}", self.files[file].pending.len(), self.called(file));
                }
                if due(&mut self.faults.sync_error_at) {
                    self.injected += 1;
                    // The pages are marked clean whether or not they reached the disk.
                    let loss = if self.rng.one_in(2) { Loss::Everything } else { Loss::Some };
                    self.settle(file, loss);
                    return Err(libc::EIO);
                }
                if !self.lies(file) {
                    self.settle(file, Loss::None);
                }
            }
            None => {}
        }
        Ok(())
    }
    fn called(&self, file: usize) -> String {
        let name = self.names.iter().find(|(_, f)| **f == file).map(|(n, _)| String::from_utf8_lossy(n).into_owned());
        name.unwrap_or_else(|| format!("file {file}"))
    }
    fn lies(&self, file: usize) -> bool {
        let named = |end: &str| self.names.iter().any(|(n, f)| *f == file && n.ends_with(end.as_bytes()));
        self.faults.syncs_lie || self.faults.lies_about.is_some_and(named)
    }

    pub(crate) fn may_unlink(&mut self, name: &[u8]) -> Result<(), i32> {
        self.change(name)
    }
    pub(crate) fn unlinked(&mut self, name: &[u8]) {
        self.names.remove(name);
        self.pending_names.push(Name::Gone(name.to_vec()));
    }
    pub(crate) fn renamed(&mut self, from: &[u8], to: &[u8]) {
        let Some(file) = self.names.remove(from) else { return };
        self.names.insert(to.to_vec(), file);
        // One step of the journal: both or neither. `Put` alone would leave two names, which the old name's loss undoes.
        self.pending_names.push(Name::Put(to.to_vec(), file));
        self.pending_names.push(Name::Gone(from.to_vec()));
    }

    /// What becomes of a file's unsynced changes; afterwards nothing is pending.
    fn settle(&mut self, file: usize, loss: Loss) {
        let File { mut durable, pending } = std::mem::take(&mut self.files[file]);
        let until = match loss {
            Loss::Tail => self.rng.below(pending.len() as u64 + 1) as usize,
            Loss::Everything => 0,
            _ => pending.len(),
        };
        for change in pending.into_iter().take(until) {
            if loss == Loss::Some && self.rng.one_in(2) {
                continue;
            }
            match change {
                Change::Length(to) => {
                    if loss != Loss::Torn || self.rng.one_in(2) {
                        durable.resize(to as usize, 0);
                    }
                }
                Change::Write(at, bytes) if loss == Loss::Torn => {
                    let mut from = 0;
                    while from < bytes.len() {
                        let place = at as usize + from;
                        let to = bytes.len().min(from + SECTOR - place % SECTOR);
                        if self.rng.one_in(2) {
                            put(&mut durable, place, &bytes[from..to]);
                        }
                        from = to;
                    }
                }
                Change::Write(at, bytes) => put(&mut durable, at as usize, &bytes),
            }
        }
        self.files[file].durable = durable;
    }

    /// After a power cut, with every file closed: what is left of each file, by path. The disk works again.
    pub(crate) fn survive(&mut self, loss: Loss) -> Vec<(PathBuf, Vec<u8>)> {
        use std::os::unix::ffi::OsStrExt;
        let kept = match loss {
            Loss::None => self.pending_names.len(),
            Loss::Everything => 0,
            _ => self.rng.below(self.pending_names.len() as u64 + 1) as usize,
        };
        for name in self.pending_names.drain(..).take(kept) {
            match name {
                Name::Put(name, file) => self.durable_names.insert(name, file),
                Name::Gone(name) => self.durable_names.remove(&name),
            };
        }
        for file in 0..self.files.len() {
            self.settle(file, loss);
        }
        self.names = self.durable_names.clone();
        self.handles.clear();
        self.faults = Faults { syncs_lie: self.faults.syncs_lie, lies_about: self.faults.lies_about, ..Faults::default() };
        self.dead = false;
        let left = self.names.iter().map(|(name, file)| {
            let path = self.root.join(std::ffi::OsStr::from_bytes(name));
            (path, self.files[*file].durable.clone())
        });
        left.collect()
    }

    /// After the process alone ended: the disk works again, and what was not synced is still on its way.
    pub fn revive(&mut self) {
        self.handles.clear();
        self.faults = Faults { syncs_lie: self.faults.syncs_lie, lies_about: self.faults.lies_about, ..Faults::default() };
        self.dead = false;
    }

    /// The directory the files are in.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

fn put(into: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if into.len() < at + bytes.len() {
        into.resize(at + bytes.len(), 0);
    }
    into[at..at + bytes.len()].copy_from_slice(bytes);
}
