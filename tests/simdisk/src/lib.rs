//! A disk that can be cut off, and randomness that repeats, beneath libc: for `tests/sim`, never for the product.
//!
//! The simulation links this crate and nothing of the product changes: the file calls that SQLite and `std` make
//! (`open`, `write`, `fsync`, `rename` …) and `getrandom` are defined here. On a thread that mounted a disk, calls below its
//! root are judged by [`Disk`], which knows for every file what is durable and what is not; elsewhere they go to the kernel
//! as ever. The files themselves are real (put the root on a tmpfs), so that locks and shared memory work.

mod calls;
mod disk;
mod entropy;

pub use disk::{Disk, Faults, Loss};
pub use entropy::Rng;

use std::cell::RefCell;
use std::path::Path;

thread_local! {
    static MOUNTED: RefCell<Option<Disk>> = const { RefCell::new(None) };
}

/// Mounts an empty disk over an empty directory for the calling thread, and seeds everything random on it.
pub fn mount(root: &Path, seed: u64) {
    let _ = std::fs::remove_dir_all(root);
    std::fs::create_dir_all(root).expect("the root can be made");
    entropy::seed(seed);
    calls::seed_sqlite(seed);
    MOUNTED.with(|m| *m.borrow_mut() = Some(Disk::new(root, seed)));
}

/// Takes the disk away again; files stay until the next mount.
pub fn unmount() {
    MOUNTED.with(|m| *m.borrow_mut() = None);
    entropy::unseed();
}

/// Looks at or steers the mounted disk. Do no file work inside: it would pass unseen.
pub fn with<T>(f: impl FnOnce(&mut Disk) -> T) -> T {
    MOUNTED.with(|m| f(m.borrow_mut().as_mut().expect("a disk is mounted")))
}

/// A power cut, with every file closed: the files become what is left of them, and the disk works again.
pub fn survive(loss: Loss) {
    let left = with(|disk| disk.survive(loss));
    let root = with(|disk| disk.root().to_owned());
    // The kernel's own view is made anew, unseen by the disk.
    let disk = MOUNTED.with(|m| m.borrow_mut().take());
    for entry in std::fs::read_dir(&root).expect("the root").flatten() {
        std::fs::remove_file(entry.path()).expect("a file can be removed");
    }
    for (path, bytes) in left {
        std::fs::write(path, bytes).expect("a file can be written");
    }
    MOUNTED.with(|m| *m.borrow_mut() = disk);
}

/// For the calls: `None` when this thread has no disk, or is at work on it.
fn disk<T>(f: impl FnOnce(&mut Disk) -> T) -> Option<T> {
    MOUNTED.try_with(|m| m.try_borrow_mut().ok()?.as_mut().map(f)).ok().flatten()
}
