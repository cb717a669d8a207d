//! What is left in SQLite's files: modes, erasure, copies, migrations, damage.

use crate::support::*;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use strongroom::domain::*;
use strongroom::storage::*;

fn open(a: &Sqlite, options: Options) -> Result<Store, OpenError> {
    Store::open(&a.dir(), options, a.clock().clone())
}
fn refused(a: &Sqlite, options: Options) -> OpenError {
    open(a, options).err().expect("must be refused")
}
fn sql(dir: &Path, statements: &str) {
    rusqlite::Connection::open(dir.join("vault.db")).unwrap().execute_batch(statements).unwrap();
}
fn contains(path: &Path, needle: &[u8]) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes.windows(needle.len()).any(|w| w == needle))
}
fn anywhere(dir: &Path, needle: &[u8]) -> bool {
    ["vault.db", "vault.db-wal"].iter().any(|f| contains(&dir.join(f), needle))
}
/// 48 bytes no other row holds.
fn telling(n: u8) -> record::WrappedKey {
    let mut bytes = *b"telling-key-................................-end";
    bytes[12..20].copy_from_slice(&[n ^ 0x5a; 8]);
    record::WrappedKey { kek: 1, bytes }
}

#[test]
fn only_the_owner_may_read_the_files() {
    let a = Sqlite::new();
    let store = a.create();
    commit(&store, set(read_at(&store))).unwrap();
    assert_eq!(a.dir().metadata().unwrap().mode() & 0o777, 0o700);
    for entry in std::fs::read_dir(a.dir()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
}

#[test]
fn modes_loosened_by_somebody_are_tightened_at_open() {
    let a = Sqlite::new();
    drop(a.create());
    let db = a.dir().join("vault.db");
    std::fs::set_permissions(&db, std::fs::Permissions::from_mode(0o644)).unwrap();
    let _store = a.reopen();
    assert_eq!(db.metadata().unwrap().mode() & 0o777, 0o600);
}

#[test]
fn f2_a_shredded_key_is_in_no_file_once_answered() {
    let a = Sqlite::new();
    let store = a.create();
    let put = Change::PutRecord { row: record(20, 1, 1), key: telling(1), blind: vec![], was: None };
    commit(&store, set(read_at(&store)).with(put)).unwrap();
    assert!(anywhere(&a.dir(), &telling(1).bytes), "the test can see a key that is there");
    // A reader on another thread keeps a snapshot open until it is quiesced.
    let (ready, go) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    std::thread::scope(|s| {
        s.spawn(|| {
            store.read(|r| r.key(RecordId(at(20)), Version(1))).unwrap();
            ready.wait();
            go.wait();
        });
        ready.wait();
        let shred = Change::Shred { record: RecordId(at(20)), version: Version(1) };
        commit(&store, set(read_at(&store)).with(shred)).unwrap();
        assert!(!anywhere(&a.dir(), &telling(1).bytes));
        go.wait();
    });
}

#[test]
fn f2_a_replaced_versions_key_is_in_no_file_once_answered() {
    let a = Sqlite::new();
    let store = a.create();
    let put =
        |v: u32, was| Change::PutRecord { row: record(20, v, v), key: telling(v as u8), blind: vec![], was };
    commit(&store, set(read_at(&store)).with(put(1, None))).unwrap();
    commit(&store, set(read_at(&store)).with(put(2, Some(Version(1))))).unwrap();
    assert!(!anywhere(&a.dir(), &telling(1).bytes));
    assert!(anywhere(&a.dir(), &telling(2).bytes));
}

#[test]
fn an_erasure_is_not_answered_while_a_foreign_reader_holds_the_wal() {
    let a = Sqlite::new();
    let store = a.create();
    let put = Change::PutRecord { row: record(20, 1, 1), key: telling(1), blind: vec![], was: None };
    commit(&store, set(read_at(&store)).with(put)).unwrap();
    let foreign = rusqlite::Connection::open(a.dir().join("vault.db")).unwrap();
    foreign.execute_batch("BEGIN; SELECT count(*) FROM keys;").unwrap();
    std::thread::scope(|s| {
        let erasing = s.spawn(|| {
            let shred = Change::Shred { record: RecordId(at(20)), version: Version(1) };
            commit(&store, set(CommitNo(9)).with(shred)).unwrap();
            anywhere(&a.dir(), &telling(1).bytes)
        });
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert!(!erasing.is_finished());
        foreign.execute_batch("COMMIT").unwrap();
        assert!(!erasing.join().unwrap());
    });
}

#[test]
fn what_was_acknowledged_is_in_a_copy_taken_at_that_moment() {
    let a = Sqlite::new();
    let store = a.create();
    let copies = tempfile::tempdir().unwrap();
    for n in 1..=5u64 {
        let mut last = 0;
        for step in 0..20 {
            let change = put_subject(n * 100 + step, 1, b"kept");
            last = commit(&store, set(read_at(&store)).with(change)).unwrap().position;
        }
        // What kill -9 leaves: the files as they are, no lock released, no checkpoint.
        let copy = copies.path().join(n.to_string());
        a.copy_to(&copy);
        let rows: Vec<_> = open_read_only_audit(&copy).unwrap().map(|r| r.unwrap()).collect();
        assert!(rows.len() as u64 >= last);
        verify_chain(&rows);
        let again =
            Store::open(&copy, Options { quick_check: true, ..Options::default() }, a.clock().clone())
                .unwrap();
        for step in 0..20 {
            assert!(again.read(|r| r.subject(SubjectId(at(n * 100 + step)))).unwrap().is_some());
        }
        verify_chain(&all_rows(&again));
    }
}

#[test]
fn a_copy_made_while_commits_run_is_consistent() {
    let a = Sqlite::new();
    let store = a.create();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|s| {
        s.spawn(|| {
            for n in 1.. {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                commit(&store, set(read_at(&store)).with(put_subject(n, 1, &[n as u8; 200]))).unwrap();
            }
        });
        for n in 0..10 {
            std::thread::sleep(std::time::Duration::from_millis(15));
            let copies = tempfile::tempdir().unwrap();
            a.copy_to(copies.path());
            let size = match Store::open(
                copies.path(),
                Options { quick_check: true, ..Options::default() },
                a.clock().clone(),
            ) {
                Ok(again) => {
                    let rows = all_rows(&again);
                    verify_chain(&rows);
                    rows.len()
                }
                Err(e) => panic!("copy {n}: {e}"),
            };
            assert!(size > 1);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn the_log_of_a_read_only_copy_is_streamed_without_lock_or_keyring() {
    let a = Sqlite::new();
    let store = a.create();
    block_on(async {
        futures_util::future::join_all((0..3_000).map(|_| store.commit(set(CommitNo(1))))).await
    });
    let live = open_read_only_audit(&a.dir()).unwrap().count();
    assert_eq!(live as u64, store.log_head().size, "beside a serving vault too");
    drop(store);
    let before: Vec<_> = std::fs::read_dir(a.dir()).unwrap().map(|e| e.unwrap().file_name()).collect();
    let rows: Vec<_> = open_read_only_audit(&a.dir()).unwrap().map(|r| r.unwrap()).collect();
    verify_chain(&rows);
    let mut tail = 0;
    Store::audit_rows(&a.dir(), 3_000, |row| {
        assert!(row.pos >= 3_000);
        tail += 1;
        Ok(())
    })
    .unwrap();
    assert_eq!(tail, rows.len() - 2_999);
    let after: Vec<_> = std::fs::read_dir(a.dir()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(before, after, "nothing was made or removed");
}

#[test]
fn a_second_vault_in_the_same_directory_is_refused() {
    let a = Sqlite::new();
    let store = a.create();
    assert!(matches!(refused(&a, Options::default()), OpenError::Locked));
    drop(store);
    let again = Store::create(&a.dir(), VAULT, a.clock().clone());
    assert!(matches!(again, Err(OpenError::Exists)));
    drop(a.reopen());
}

#[test]
fn a_directory_without_a_vault_is_refused() {
    assert!(matches!(refused(&Sqlite::new(), Options::default()), OpenError::Missing));
}

#[test]
fn a_newer_schema_and_an_altered_checksum_are_refused() {
    let a = Sqlite::new();
    drop(a.create());
    sql(&a.dir(), "INSERT INTO migrations VALUES(99, x'00', 0)");
    assert!(matches!(refused(&a, Options::default()), OpenError::NewerSchema { found: 99, .. }));
    sql(&a.dir(), "DELETE FROM migrations WHERE number = 99; UPDATE migrations SET sha256 = x'00'");
    assert!(matches!(refused(&a, Options::default()), OpenError::AlteredMigration(1)));
}

#[test]
fn a27_a_planted_trigger_or_a_missing_fact_is_refused() {
    let a = Sqlite::new();
    drop(a.create());
    sql(&a.dir(), "CREATE TRIGGER t AFTER INSERT ON audit BEGIN DELETE FROM keys; END");
    assert!(matches!(refused(&a, Options::default()), OpenError::Damaged(_)));
    sql(&a.dir(), "DROP TRIGGER t; DELETE FROM meta WHERE k = 'locator_mark'");
    assert!(matches!(refused(&a, Options::default()), OpenError::Damaged(_)));
}

#[test]
fn a23_rows_of_the_wrong_shape_are_corruption_not_answers() {
    let a = Sqlite::new();
    let store = a.create();
    let new = set(read_at(&store))
        .with(put_subject(1, 1, b""))
        .with(Change::PutRecord { row: record(20, 1, 1), key: key(1), blind: vec![], was: None })
        .with(Change::PutControl { row: control(40, 1), was: None });
    commit(&store, new).unwrap();
    drop(store);
    let tampered = [
        "UPDATE subjects SET seal = x'00'",
        "UPDATE subjects SET version = 0",
        "UPDATE subjects SET version = -1",
        "UPDATE records SET generations = x'0001'",
        "UPDATE records SET status = 9",
        "UPDATE records SET subject = 0",
        "UPDATE records SET collection = 70000",
        "UPDATE keys SET kek = 70000",
        "UPDATE controls SET seal = x''",
    ];
    for statement in tampered {
        let one = Sqlite::new();
        a.copy_to(&one.dir());
        sql(&one.dir(), statement);
        let store = one.reopen();
        let read = store.read(|r| {
            r.subject(SubjectId(at(1)))?;
            r.record(RecordId(at(20)))?;
            r.key(RecordId(at(20)), Version(1))?;
            r.controls(ControlKind::ClientKey)?;
            Ok(())
        });
        assert!(matches!(read, Err(ReadError::Corrupt)), "{statement}");
    }
}

#[test]
fn a45_a_damaged_page_is_refused_never_served_silently() {
    let a = Sqlite::new();
    let store = a.create();
    for n in 1..300 {
        commit(&store, set(CommitNo(1_000)).with(put_subject(n, 1, &[n as u8; 300]))).unwrap();
    }
    drop(store);
    let path = a.dir().join("vault.db");
    let whole = std::fs::read(&path).unwrap();
    let page = |bytes: &mut Vec<u8>, n: usize| bytes[n * 4096..(n + 1) * 4096].fill(0xa5);
    for n in 0..whole.len() / 4096 {
        let mut bytes = whole.clone();
        page(&mut bytes, n);
        let one = Sqlite::new();
        std::fs::create_dir_all(one.dir()).unwrap();
        std::fs::write(one.dir().join("vault.db"), bytes).unwrap();
        let opened = open(&one, Options { quick_check: true, ..Options::default() });
        assert!(opened.is_err(), "page {n}");
    }
}

#[test]
fn a45_a_stale_wal_of_another_vault_changes_nothing() {
    let (a, b) = (Sqlite::new(), Sqlite::new());
    let store = a.create();
    commit(&store, set(CommitNo(9)).with(put_subject(1, 1, b"ours"))).unwrap();
    drop(store);
    let other = Store::create(&b.dir(), VaultId([8; 16]), b.clock().clone()).unwrap();
    commit(&other, set(CommitNo(9)).with(put_subject(1, 1, b"theirs"))).unwrap();
    std::fs::copy(b.dir().join("vault.db-wal"), a.dir().join("vault.db-wal")).unwrap();
    let database = std::fs::read(a.dir().join("vault.db")).unwrap();
    assert!(matches!(refused(&a, Options::default()), OpenError::OtherLog));
    assert!(std::fs::read(a.dir().join("vault.db")).unwrap() == database, "nothing was carried over");
    std::fs::remove_file(a.dir().join("vault.db-wal")).unwrap();
    let _ = std::fs::remove_file(a.dir().join("vault.db-shm"));
    verify_chain(&all_rows(&a.reopen()));
}

#[test]
fn a29_the_database_of_another_vault_than_the_keys_is_refused_and_left_as_it_is() {
    let a = Sqlite::new();
    let store = a.create();
    commit(&store, set(CommitNo(9)).with(put_subject(1, 1, b"ours"))).unwrap();
    let copy = Sqlite::new();
    a.copy_to(&copy.dir());
    let files = || ["vault.db", "vault.db-wal"].map(|name| std::fs::read(copy.dir().join(name)).unwrap());
    let before = files();
    let options = |owner| Options { owner: Some(owner), ..Options::default() };
    assert!(!before[1].is_empty(), "there is a log that is not carried over");
    assert!(matches!(refused(&copy, options(VaultId([0xee; 16]))), OpenError::OtherVault));
    assert!(files() == before);
    assert_eq!(open(&copy, options(VAULT)).unwrap().vault(), VAULT);
}

#[test]
fn the_index_may_be_deleted_damaged_or_ahead_and_is_rebuilt() {
    let a = Sqlite::new();
    let store = a.create();
    // More than a block: what is not a whole one stays with the log.
    block_on(async {
        let sets = (0..2_100).map(|_| store.commit(set(CommitNo(1))));
        futures_util::future::try_join_all(sets).await.unwrap();
    });
    let (kind, key) = keys_of(&event(1, strongroom::domain::event::Act::Detokenize).body)[0];
    let expected = store.audit_positions(kind, &key, None, 10_000).unwrap();
    assert_eq!(expected.len(), 2_100);
    drop(store);
    let index = a.dir().join("index.db");
    let breakages: [&dyn Fn(); 3] = [
        &|| std::fs::remove_file(&index).unwrap(),
        &|| std::fs::write(&index, vec![0x55; 8_192]).unwrap(),
        &|| {
            let conn = rusqlite::Connection::open(&index).unwrap();
            conn.execute_batch("UPDATE meta SET v = x'0000000000ffffff' WHERE k = 'position'").unwrap();
        },
    ];
    for breakage in breakages {
        breakage();
        let store = a.reopen();
        std::thread::sleep(std::time::Duration::from_millis(500));
        assert_eq!(store.audit_positions(kind, &key, None, 10_000).unwrap(), expected);
        drop(store);
        let conn = rusqlite::Connection::open(&index).unwrap();
        let merged: i64 = conn.query_row("SELECT count(*) FROM chunks", [], |r| r.get(0)).unwrap();
        assert!(merged > 0, "rebuilt on disk");
    }
}
