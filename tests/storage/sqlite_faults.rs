//! Faults from outside: a foreign lock, a full disk, many waiting.

use crate::support::*;
use std::process::Command;
use std::time::{Duration, Instant};
use strongroom::domain::*;
use strongroom::storage::*;

#[test]
fn a44_a_foreign_writer_makes_commits_overloaded_within_the_deadline() {
    let a = Sqlite::new();
    let options = Options { busy: Duration::from_millis(200), ..Options::default() };
    let store = Store::create_with(&a.dir(), VAULT, options, a.clock().clone()).unwrap();
    let foreign = rusqlite::Connection::open(a.dir().join("vault.db")).unwrap();
    foreign.execute_batch("BEGIN IMMEDIATE").unwrap();
    #[expect(clippy::disallowed_methods, reason = "the test measures real waiting")]
    let begun = Instant::now();
    let refused = commit(&store, set(CommitNo(1)).with(put_subject(1, 1, b"")));
    assert!(matches!(refused, Err(CommitError::Overloaded)));
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert!(store.read(|r| r.subject(SubjectId(at(1)))).unwrap().is_none(), "reads go on");
    foreign.execute_batch("ROLLBACK").unwrap();
    commit(&store, set(read_at(&store)).with(put_subject(1, 1, b""))).unwrap();
    verify_chain(&all_rows(&store));
}

#[test]
fn i10_a_full_queue_is_told_at_once() {
    let a = Sqlite::new();
    let options = Options { busy: Duration::from_millis(500), ..Options::default() };
    let store = Store::create_with(&a.dir(), VAULT, options, a.clock().clone()).unwrap();
    let foreign = rusqlite::Connection::open(a.dir().join("vault.db")).unwrap();
    foreign.execute_batch("BEGIN IMMEDIATE").unwrap();
    let results = block_on(async {
        futures_util::future::join_all((0..12_000).map(|_| store.commit(set(CommitNo(1))))).await
    });
    assert!(results.iter().all(|r| matches!(r, Err(CommitError::Overloaded))));
    foreign.execute_batch("ROLLBACK").unwrap();
    commit(&store, set(CommitNo(1))).unwrap();
    assert_eq!(store.log_head().size, 2, "what was refused is not on the log");
}

struct Mounted(std::path::PathBuf);
impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a43_a_full_disk_refuses_reads_go_on_and_space_heals_it() {
    let a = Sqlite::new();
    let dir = a.dir();
    std::fs::create_dir_all(&dir).unwrap();
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(&dir).output();
    if !mount.is_ok_and(|o| o.status.success()) {
        // Only root can mount; nothing to test here otherwise.
        return;
    }
    let _mounted = Mounted(dir.clone());
    let store = a.create();
    commit(&store, set(read_at(&store)).with(put_subject(1, 1, b"kept"))).unwrap();
    let ballast = dir.join("ballast");
    let mut fill = std::fs::File::create(&ballast).unwrap();
    while std::io::Write::write(&mut fill, &[0; 4096]).is_ok() {}
    let full =
        (2..5_000u64).map(|n| commit(&store, set(CommitNo(1_000_000)).with(put_subject(n, 1, &[1; 2_000]))));
    let refused = full.into_iter().find_map(Result::err).expect("must fill up");
    assert!(matches!(refused, CommitError::Full), "{refused:?}");
    assert!(!store.health().stopped);
    assert_eq!(store.read(|r| r.subject(SubjectId(at(1)))).unwrap().unwrap().state, b"kept");
    drop(fill);
    std::fs::remove_file(&ballast).unwrap();
    commit(&store, set(read_at(&store)).with(put_subject(9_999, 1, b"after"))).unwrap();
    verify_chain(&all_rows(&store));
    drop(store);
    let store = a.reopen();
    assert!(store.read(|r| r.subject(SubjectId(at(9_999)))).unwrap().is_some());
    drop(store);
}

const CHILD_DIR: &str = "STRONGROOM_TEST_FAULT_DIR";
const COMMITS: u64 = 12;

/// Run by the test below under `strace`: commits until refused, and writes down how many were acknowledged.
#[test]
#[ignore = "only as the child of a42_a_failed_fsync_is_never_followed_by_an_acknowledgement"]
fn child_that_commits() {
    let Ok(dir) = std::env::var(CHILD_DIR) else { return };
    let dir = std::path::Path::new(&dir);
    let clock = std::sync::Arc::new(strongroom::domain::clock::ManualClock::at(START));
    let Ok(store) = Store::open(dir, Options::default(), clock) else { return };
    let mut acknowledged = 0;
    let mut stopped = false;
    for n in 1..=COMMITS {
        match commit(&store, set(CommitNo(1_000)).with(put_subject(n, 1, b"acknowledged"))) {
            Ok(_) => {
                assert!(!stopped, "an acknowledgement after a failed fsync");
                acknowledged = n;
            }
            Err(e) => {
                assert!(matches!(e, CommitError::Stopped), "{e:?}");
                stopped = true;
            }
        }
    }
    std::fs::write(dir.join("acknowledged"), acknowledged.to_string()).unwrap();
}

#[test]
fn a42_a_failed_fsync_is_never_followed_by_an_acknowledgement() {
    let works = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    if !works.is_ok_and(|o| o.status.success()) {
        // No strace, or no ptrace allowed: the unit test of the writer stands alone.
        return;
    }
    let mut seen = std::collections::BTreeSet::new();
    for k in 1..=10 {
        let a = Sqlite::new();
        drop(a.create());
        let child = Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e"])
            .arg(format!("inject=fsync,fdatasync:error=EIO:when={k}"))
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "sqlite_faults::child_that_commits", "--ignored", "--test-threads=1"])
            .env(CHILD_DIR, a.dir())
            .output()
            .unwrap();
        assert!(child.status.success(), "k = {k}: {}", String::from_utf8_lossy(&child.stdout));
        let acknowledged =
            std::fs::read_to_string(a.dir().join("acknowledged")).map_or(0, |n| n.parse::<u64>().unwrap());
        seen.insert(acknowledged);
        let store = a.reopen();
        for n in 1..=acknowledged {
            let row = store.read(|r| r.subject(SubjectId(at(n)))).unwrap();
            assert!(row.is_some(), "k = {k}: {n} was acknowledged and is lost");
        }
        verify_chain(&all_rows(&store));
    }
    assert!(seen.iter().any(|n| *n > 0 && *n < COMMITS), "some fault struck between commits: {seen:?}");
}
