//! The calls themselves. Each asks the thread's disk first and then the kernel; without a disk only the kernel.
//!
//! They are defined without the C prototypes' variable arguments: on the ABIs this runs on (x86-64 and AArch64 Linux) the
//! third argument of `open` arrives where a fixed one would.

use crate::disk;
use crate::entropy;
use libc::{c_char, c_int, c_long, c_uint, c_void, off_t, size_t, ssize_t};
use std::ffi::CStr;

fn fail(code: c_int) -> c_int {
    // SAFETY: the address is this thread's own errno, valid as long as the thread lives.
    unsafe { *libc::__errno_location() = code };
    -1
}

/// Makes SQLite's own generator repeat.
pub(crate) fn seed_sqlite(seed: u64) {
    let seed = (seed as c_uint) | 1;
    // SAFETY: PRNG_SEED takes an unsigned int and a connection that may be null; both are passed as their C types.
    unsafe {
        rusqlite::ffi::sqlite3_test_control(
            rusqlite::ffi::SQLITE_TESTCTRL_PRNG_SEED,
            seed,
            std::ptr::null_mut::<rusqlite::ffi::sqlite3>(),
        );
        rusqlite::ffi::sqlite3_randomness(0, std::ptr::null_mut());
    }
}

/// # Safety
/// `path` is a C string.
unsafe fn bytes<'a>(path: *const c_char) -> &'a [u8] {
    // SAFETY: the caller of the C function promises a string that ends in a zero and outlives the call.
    unsafe { CStr::from_ptr(path) }.to_bytes()
}

/// # Safety
/// As `open(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    // SAFETY: as the caller promised.
    let text = unsafe { bytes(path) };
    let judged = disk(|disk| match disk.name(text) {
        Some(name) => disk.may_open(&name, flags & libc::O_CREAT != 0).map(|()| Some(name)),
        None => Ok(None),
    });
    let name = match judged {
        Some(Err(code)) => return fail(code),
        Some(Ok(name)) => name,
        None => None,
    };
    // SAFETY: the same arguments, handed on.
    let fd = unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path, flags | libc::O_CLOEXEC, mode) } as c_int;
    if fd >= 0 {
        disk(|disk| match &name {
            Some(name) => disk.opened(fd, name, flags & libc::O_TRUNC != 0),
            None if disk.is_root(text) => disk.opened_directory(fd),
            None => disk.closed(fd),
        });
    }
    fd
}

/// # Safety
/// As `open(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    // SAFETY: the same arguments, handed on.
    unsafe { open(path, flags, mode) }
}

#[unsafe(no_mangle)]
pub extern "C" fn close(fd: c_int) -> c_int {
    disk(|disk| disk.closed(fd));
    // SAFETY: closing is the caller's right.
    unsafe { libc::syscall(libc::SYS_close, fd) as c_int }
}

/// # Safety
/// `buffer` holds `length` bytes.
unsafe fn write_at(fd: c_int, buffer: *const c_void, length: size_t, at: Option<off_t>) -> ssize_t {
    let judged = disk(|disk| disk.is_file(fd).then(|| disk.may_write(length))).flatten();
    let length = match judged {
        Some(Err(code)) => return fail(code) as ssize_t,
        Some(Ok(length)) => length,
        None => length,
    };
    let place: c_long = match at {
        Some(at) => at as c_long,
        // SAFETY: asks where the descriptor stands.
        None if judged.is_some() => unsafe { libc::syscall(libc::SYS_lseek, fd, 0, libc::SEEK_CUR) },
        None => 0,
    };
    let written = match at {
        // SAFETY: the same arguments, handed on.
        Some(at) => unsafe { libc::syscall(libc::SYS_pwrite64, fd, buffer, length, at) },
        // SAFETY: as above.
        None => unsafe { libc::syscall(libc::SYS_write, fd, buffer, length) },
    };
    if judged.is_some() && written > 0 {
        // SAFETY: the kernel read that many bytes from it just now.
        let bytes = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), written as usize) };
        disk(|disk| disk.wrote(fd, place as u64, bytes));
    }
    written as ssize_t
}

/// # Safety
/// As `write(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(fd: c_int, buffer: *const c_void, length: size_t) -> ssize_t {
    // SAFETY: as the caller promised.
    unsafe { write_at(fd, buffer, length, None) }
}

/// # Safety
/// As `pwrite(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite(fd: c_int, buffer: *const c_void, length: size_t, at: off_t) -> ssize_t {
    // SAFETY: as the caller promised.
    unsafe { write_at(fd, buffer, length, Some(at)) }
}

/// # Safety
/// As `pwrite(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(fd: c_int, buffer: *const c_void, length: size_t, at: off_t) -> ssize_t {
    // SAFETY: as the caller promised.
    unsafe { write_at(fd, buffer, length, Some(at)) }
}

#[unsafe(no_mangle)]
pub extern "C" fn ftruncate(fd: c_int, to: off_t) -> c_int {
    let judged = disk(|disk| disk.is_file(fd).then(|| disk.may_cut())).flatten();
    if let Some(Err(code)) = judged {
        return fail(code);
    }
    // SAFETY: the same arguments, handed on.
    let done = unsafe { libc::syscall(libc::SYS_ftruncate, fd, to) as c_int };
    if judged.is_some() && done == 0 {
        disk(|disk| disk.was_cut(fd, to as u64));
    }
    done
}

#[unsafe(no_mangle)]
pub extern "C" fn ftruncate64(fd: c_int, to: off_t) -> c_int {
    ftruncate(fd, to)
}

/// Real syncs are left out: the disk says what is durable.
fn sync(fd: c_int) -> Option<c_int> {
    let judged = disk(|disk| disk.is_tracked(fd).then(|| disk.sync(fd))).flatten()?;
    Some(judged.map_or_else(fail, |()| 0))
}

#[unsafe(no_mangle)]
pub extern "C" fn fsync(fd: c_int) -> c_int {
    // SAFETY: the same argument, handed on.
    sync(fd).unwrap_or_else(|| unsafe { libc::syscall(libc::SYS_fsync, fd) as c_int })
}

#[unsafe(no_mangle)]
pub extern "C" fn fdatasync(fd: c_int) -> c_int {
    // SAFETY: the same argument, handed on.
    sync(fd).unwrap_or_else(|| unsafe { libc::syscall(libc::SYS_fdatasync, fd) as c_int })
}

/// # Safety
/// As `unlink(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: as the caller promised.
    let text = unsafe { bytes(path) };
    let name = disk(|disk| disk.name(text)).flatten();
    if let Some(name) = &name
        && let Some(Err(code)) = disk(|disk| disk.may_unlink(name))
    {
        return fail(code);
    }
    // SAFETY: the same argument, handed on.
    let done = unsafe { libc::syscall(libc::SYS_unlinkat, libc::AT_FDCWD, path, 0) as c_int };
    if let (Some(name), 0) = (&name, done) {
        disk(|disk| disk.unlinked(name));
    }
    done
}

/// # Safety
/// As `rename(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: as the caller promised.
    let (old, new) = unsafe { (bytes(from), bytes(to)) };
    let names = disk(|disk| disk.name(old).zip(disk.name(new))).flatten();
    if let Some((_, new)) = &names
        && let Some(Err(code)) = disk(|disk| disk.may_unlink(new))
    {
        return fail(code);
    }
    // SAFETY: the same arguments, handed on.
    let done =
        unsafe { libc::syscall(libc::SYS_renameat2, libc::AT_FDCWD, from, libc::AT_FDCWD, to, 0) as c_int };
    if let (Some((old, new)), 0) = (&names, done) {
        disk(|disk| disk.renamed(old, new));
    }
    done
}

/// # Safety
/// As `getrandom(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getrandom(buffer: *mut c_void, length: size_t, flags: c_uint) -> ssize_t {
    // SAFETY: the caller promises that many bytes to write to; they are never read here.
    let out = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length) };
    if entropy::fill(out) {
        return length as ssize_t;
    }
    // SAFETY: the same arguments, handed on.
    unsafe { libc::syscall(libc::SYS_getrandom, buffer, length, flags) as ssize_t }
}
