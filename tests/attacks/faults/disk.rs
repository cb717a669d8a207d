//! The journal of `disk.c`, and the disks a power cut could have left.

use super::load::Dice;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Smallest piece a device writes whole.
const SECTOR: usize = 512;

/// The layer, compiled.
pub(super) fn layer() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("disk-{}.so", std::process::id()));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/attacks/faults/disk.c");
        let done = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o"])
            .arg(&out)
            .args([source, "-ldl", "-lpthread"])
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        out
    })
}

/// The environment of a process under the layer; `fail` as `disk.c` describes it.
pub(super) fn under(root: &Path, journal: Option<&Path>, fail: Option<&str>) -> Vec<(String, String)> {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let mut env =
        vec![("LD_PRELOAD".to_owned(), text(layer())), ("STRONGROOM_DISK_ROOT".to_owned(), text(root))];
    env.extend(journal.map(|path| ("STRONGROOM_DISK_JOURNAL".to_owned(), text(path))));
    env.extend(fail.map(|fail| ("STRONGROOM_DISK_FAIL".to_owned(), fail.to_owned())));
    env
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate(usize),
    Sync,
    Rename(PathBuf),
    Unlink,
    SyncDirectory,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Where the journal ended after it.
    pub(super) end: u64,
    pub(super) path: PathBuf,
    pub(super) change: Change,
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = from.split_first_chunk::<N>()?;
    *from = rest;
    Some(*head)
}

/// Reads a journal; a last record that was cut off is left out.
pub(super) fn read(path: &Path) -> Vec<Entry> {
    let all = std::fs::read(path).unwrap();
    let mut rest = all.as_slice();
    let mut entries = Vec::new();
    let mut one = || -> Option<Entry> {
        let [kind] = take(&mut rest)?;
        let length = u32::from_ne_bytes(take(&mut rest)?) as usize;
        let (name, after) = rest.split_at_checked(length)?;
        rest = after;
        let at = u64::from_ne_bytes(take(&mut rest)?) as usize;
        let length = u32::from_ne_bytes(take(&mut rest)?) as usize;
        let (bytes, after) = rest.split_at_checked(length)?;
        rest = after;
        let text = |bytes: &[u8]| PathBuf::from(String::from_utf8(bytes.to_vec()).unwrap());
        let change = match kind {
            b'W' => Change::Write { at, bytes: bytes.to_vec() },
            b'T' => Change::Truncate(at),
            b'S' => Change::Sync,
            b'R' => Change::Rename(text(bytes)),
            b'U' => Change::Unlink,
            b'D' => Change::SyncDirectory,
            other => panic!("a journal of another kind: {other}"),
        };
        Some(Entry { end: (all.len() - rest.len()) as u64, path: text(name), change })
    };
    while let Some(entry) = one() {
        entries.push(entry);
    }
    entries
}

/// Files by path.
pub(super) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// The regular files of a directory, without what SQLite makes anew from its log.
pub(super) fn files(dir: &Path) -> Files {
    let mut all = Files::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && !path.to_str().unwrap().ends_with("-shm") {
            let bytes = std::fs::read(&path).unwrap();
            all.insert(path, bytes);
        }
    }
    all
}

/// Puts an image in the place of what is there.
pub(super) fn put(dir: &Path, image: &Files) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            std::fs::remove_file(&path).unwrap();
        }
    }
    for (path, bytes) in image {
        std::fs::write(path, bytes).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(path, mode).unwrap();
    }
}

fn write(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if file.len() < at + bytes.len() {
        file.resize(at + bytes.len(), 0);
    }
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

/// What the disk holds after a power cut at a point of the journal: everything synced, and of what was not yet, each
/// write whole, torn at a sector, or not at all. Names changed since their directory was synced last are changed up to
/// a point.
///
/// `honest` is false for a disk that says it synced and did not: what a test must notice.
pub(super) fn after_cut(base: &Files, entries: &[Entry], dice: &mut Dice, honest: bool) -> Files {
    let mut last_sync: BTreeMap<&Path, usize> = BTreeMap::new();
    let mut last_directory = 0;
    for (n, entry) in entries.iter().enumerate() {
        match entry.change {
            Change::Sync if honest => drop(last_sync.insert(&entry.path, n)),
            Change::SyncDirectory => last_directory = n,
            _ => {}
        }
    }
    let loose: Vec<usize> = (last_directory..entries.len())
        .filter(|n| matches!(entries[*n].change, Change::Rename(_) | Change::Unlink))
        .collect();
    let names_until = loose.get(dice.roll(loose.len() as u64 + 1) as usize).copied().unwrap_or(entries.len());
    // How a disk loses: everything, nothing, or some of each.
    let kept = [0, 50, 85, 100][dice.roll(4) as usize];
    let mut image = base.clone();
    for (n, entry) in entries.iter().enumerate() {
        let durable = last_sync.get(entry.path.as_path()).is_some_and(|sync| n < *sync);
        match &entry.change {
            Change::Write { at, bytes } => {
                let file = image.entry(entry.path.clone()).or_default();
                if durable || dice.roll(100) < kept {
                    write(file, *at, bytes);
                } else if dice.roll(2) == 0 && bytes.len() > SECTOR {
                    let sectors = dice.roll((bytes.len() / SECTOR) as u64) as usize;
                    write(file, *at, &bytes[..sectors * SECTOR]);
                }
            }
            Change::Truncate(length) if durable || dice.roll(100) < kept => {
                image.entry(entry.path.clone()).or_default().resize(*length, 0);
            }
            Change::Rename(to) if n < names_until => {
                if let Some(bytes) = image.remove(&entry.path) {
                    image.insert(to.clone(), bytes);
                }
            }
            Change::Unlink if n < names_until => drop(image.remove(&entry.path)),
            _ => {}
        }
    }
    image
}
