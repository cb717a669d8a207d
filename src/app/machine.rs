//! What the machine says of the process and the disk under the vault: for metrics, alerts and `doctor`. Only looks; what
//! cannot be learnt is absent rather than guessed.

use rustix::process::{Resource, getrlimit};
use std::path::Path;

/// Bytes free for this user where a path lies.
pub(in crate::app) fn free_bytes(path: &Path) -> Option<u64> {
    let facts = rustix::fs::statvfs(path).ok()?;
    Some(facts.f_bavail.saturating_mul(facts.f_frsize))
}

/// Resident memory of this process.
pub(in crate::app) fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages.saturating_mul(u64::try_from(rustix::param::page_size()).ok()?))
}

/// Open file descriptors of this process, but for the one that counts them.
pub(in crate::app) fn open_files() -> Option<u64> {
    let count = std::fs::read_dir("/proc/self/fd").ok()?.count();
    u64::try_from(count).ok().map(|count| count.saturating_sub(1))
}

/// Most file descriptors this process may have.
pub(in crate::app) fn most_files() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Devices that memory may be swapped to, as `/proc/swaps` names them; `None`: it cannot be learnt.
pub(in crate::app) fn swaps() -> Option<Vec<String>> {
    let text = std::fs::read_to_string("/proc/swaps").ok()?;
    Some(text.lines().skip(1).filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

/// Whether the kernel's clock is disciplined by a time service; `None`: it cannot be learnt.
pub(in crate::app) fn clock_is_synchronised() -> Option<bool> {
    if Path::new("/run/systemd/timesync/synchronized").exists() {
        return Some(true);
    }
    let services =
        ["/run/chrony/chronyd.pid", "/run/chrony/chronyd.sock", "/run/ntpd.pid", "/run/ntpsec/ntpd.pid"];
    services.iter().any(|service| Path::new(service).exists()).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_linux_says_is_learnt() {
        let dir = tempfile::tempdir().unwrap();
        assert!(free_bytes(dir.path()).unwrap() > 0);
        assert_eq!(free_bytes(&dir.path().join("absent")), None);
        assert!(resident_bytes().unwrap() > 1 << 20);
        assert!((3..=most_files().unwrap()).contains(&open_files().unwrap()));
        assert!(swaps().is_some());
    }
}
