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
