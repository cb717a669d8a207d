//! Binding the admin socket: mode 0600 from the first moment it can be found, a stale one replaced in one step, gone when
//! its server ends.
//!
//! Only a process that holds the store's lock may bind: so whatever lies there is nobody's any more. What is not a socket is
//! never replaced.

use crate::vault::LocalSocket;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// A bound socket; removes itself, and nothing that came in its place.
pub struct BoundSocket {
    path: PathBuf,
    identity: (u64, u64),
}

/// Binds the admin socket of a data directory whose store is open in this process.
pub fn bind(data_dir: &Path) -> io::Result<(UnixListener, BoundSocket)> {
    let path = data_dir.join("admin.sock");
    if std::fs::symlink_metadata(&path).is_ok_and(|there| !there.file_type().is_socket()) {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let staged = LocalSocket::staged(data_dir)?;
    if std::fs::symlink_metadata(staged.path()).is_ok_and(|there| there.file_type().is_socket()) {
        std::fs::remove_file(staged.path())?;
    }
    let listener = UnixListener::bind(staged.path())?;
    // Nobody looks under this name, and the directory is its owner's: the mode is right before the socket has its name.
    std::fs::set_permissions(staged.path(), std::fs::Permissions::from_mode(0o600))?;
    let made = std::fs::symlink_metadata(staged.path())?;
    std::fs::rename(staged.path(), &path)?;
    listener.set_nonblocking(true)?;
    Ok((listener, BoundSocket { path, identity: (made.dev(), made.ino()) }))
}

impl Drop for BoundSocket {
    fn drop(&mut self) {
        let ours = std::fs::symlink_metadata(&self.path).is_ok_and(|m| (m.dev(), m.ino()) == self.identity);
        if ours && std::fs::remove_file(&self.path).is_err() {
            tracing::warn!(
                event = "socket_left",
                "the admin socket could not be removed; the next start replaces it"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_socket_is_replaced_and_anything_else_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("admin.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "a socket outlives its listener: it is stale");
        let (_listener, bound) = bind(dir.path()).unwrap();
        assert_eq!(std::fs::symlink_metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(std::os::unix::net::UnixStream::connect(&path).is_ok());
        drop(bound);
        assert!(!path.exists());
        for other in ["file", "link"] {
            match other {
                "file" => std::fs::write(&path, "precious").unwrap(),
                _ => std::os::unix::fs::symlink(dir.path().join("elsewhere"), &path).unwrap(),
            }
            assert!(bind(dir.path()).is_err(), "{other}");
            assert!(std::fs::symlink_metadata(&path).is_ok(), "{other} is left alone");
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_socket_removes_itself_and_not_its_successor() {
        let dir = tempfile::tempdir().unwrap();
        let (_first, earlier) = bind(dir.path()).unwrap();
        let (_second, later) = bind(dir.path()).unwrap();
        drop(earlier);
        assert!(dir.path().join("admin.sock").exists());
        drop(later);
        assert!(!dir.path().join("admin.sock").exists());
    }
}
