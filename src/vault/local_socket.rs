//! Where the admin socket lies, for who serves it and who calls it: `admin.sock` in the data directory.
//!
//! A socket's address holds 107 bytes. A longer path is reached through an open handle of its directory, so that no data
//! directory is too deep to be administered.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// The socket's name in the data directory.
const NAME: &str = "admin.sock";
/// Longest path used as it is.
const LONGEST: usize = 100;

/// The address of a socket in a data directory, usable while this value lives.
pub struct LocalSocket {
    path: PathBuf,
    _directory: Option<File>,
}

impl LocalSocket {
    /// The admin socket of a data directory.
    pub fn of(data_dir: &Path) -> io::Result<Self> {
        Self::named(data_dir, NAME)
    }
    /// A socket beside it, to be renamed into its place.
    pub fn staged(data_dir: &Path) -> io::Result<Self> {
        Self::named(data_dir, ".admin.sock.new")
    }
    /// Where it is, in few enough bytes.
    pub fn path(&self) -> &Path {
        &self.path
    }
    fn named(data_dir: &Path, name: &str) -> io::Result<Self> {
        let path = data_dir.join(name);
        if path.as_os_str().len() <= LONGEST {
            return Ok(Self { path, _directory: None });
        }
        let directory = File::open(data_dir)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{name}", directory.as_raw_fd()));
        Ok(Self { path, _directory: Some(directory) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deep_directory_is_reached_by_its_handle() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("d".repeat(120));
        std::fs::create_dir(&deep).unwrap();
        let socket = LocalSocket::of(&deep).unwrap();
        assert!(socket.path().as_os_str().len() < LONGEST);
        let listener = std::os::unix::net::UnixListener::bind(socket.path()).unwrap();
        assert!(deep.join(NAME).exists());
        assert!(std::os::unix::net::UnixStream::connect(LocalSocket::of(&deep).unwrap().path()).is_ok());
        drop(listener);
        assert_eq!(LocalSocket::of(root.path()).unwrap().path(), root.path().join(NAME));
    }
}
