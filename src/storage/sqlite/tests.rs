//! Faults that need the inside of the adapter: an fsync that fails, a checkpoint, an idle snapshot, the sweep.

use super::*;
use crate::domain::clock::ManualClock;
use crate::domain::disclosure::EventTicket;
use crate::domain::event::{Act, Event, EventBody, Principal};
use crate::domain::*;
use crate::storage::rows::IdempotencyRow;
use std::sync::atomic::AtomicI32;

const START: Timestamp = Timestamp(1_800_000_000_000_000);

fn block_on<F: Future>(f: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(f)
}
fn set() -> ChangeSet {
    let body = EventBody::new(Id16([1; 16]), START, Principal::Vault, Act::Detokenize);
    ChangeSet::observed(Event { ticket: EventTicket::next(), body }, CommitNo(1), [])
}
fn store(on_stop: Option<StopHook>) -> (tempfile::TempDir, Arc<ManualClock>, SqliteStore) {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let options = Options { on_stop, ..Options::default() };
    let store = SqliteStore::create(&dir.path().join("v"), VaultId([1; 16]), options, clock.clone()).unwrap();
    (dir, clock, store)
}

#[test]
fn a42_after_the_first_failed_commit_nothing_is_acknowledged_committed_or_read() {
    let told = Arc::new(AtomicI32::new(0));
    let hook = Arc::clone(&told);
    let (_dir, _clock, store) = store(Some(Arc::new(move |code| hook.store(code, Ordering::SeqCst))));
    block_on(store.commit(set())).unwrap();
    block_on(async {
        store.send(Job::Fail(rusqlite::ffi::SQLITE_IOERR_FSYNC)).unwrap();
        let results = futures_util::future::join_all((0..20).map(|_| store.commit(set()))).await;
        assert!(results.iter().all(|r| matches!(r, Err(CommitError::Stopped))));
        assert!(matches!(store.allocate(1).await, Err(CommitError::Stopped)));
    });
    assert!(matches!(store.read(|r| Ok(r.read_at())), Err(ReadError::Store)));
    assert!(store.health().stopped);
    assert_eq!(told.load(Ordering::SeqCst), rusqlite::ffi::SQLITE_IOERR_FSYNC);
}

#[test]
fn an_idle_snapshot_is_ended_so_that_the_wal_can_be_emptied() {
    let (dir, clock, store) = store(None);
    store.read(|r| Ok(r.read_at())).unwrap();
    block_on(store.commit(set())).unwrap();
    clock.advance_us(60_000);
    std::thread::sleep(Duration::from_millis(400));
    let foreign = rusqlite::Connection::open(dir.path().join("v").join(VAULT_DB)).unwrap();
    let busy: i64 = foreign.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |r| r.get(0)).unwrap();
    assert_eq!(busy, 0);
}

#[test]
fn i10_the_wal_is_checkpointed_off_the_writers_path_and_does_not_grow_for_ever() {
    let (dir, _clock, store) = store(None);
    for _ in 0..100 {
        block_on(async { futures_util::future::join_all((0..1_000).map(|_| store.commit(set()))).await });
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(300));
    let written = std::fs::metadata(dir.path().join("v").join(VAULT_DB)).unwrap().len();
    assert!(written > 1 << 20, "pages reached the database file: {written}");
}

#[test]
fn remembered_outcomes_are_deleted_after_24_hours() {
    let (dir, clock, store) = store(None);
    for n in 0..5 {
        let row = IdempotencyRow {
            client: ClientNo(n),
            key: [1; 16],
            body: [2; 16],
            at: store.now(),
            result: vec![3],
        };
        block_on(store.commit(set().remembered(row))).unwrap();
    }
    let left = || {
        let conn = rusqlite::Connection::open(dir.path().join("v").join(VAULT_DB)).unwrap();
        conn.query_row("SELECT count(*) FROM idempotency", [], |r| r.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(left(), 5);
    clock.advance_us(i64::try_from(REMEMBERED.as_micros()).unwrap() + 1);
    for _ in 0..50 {
        std::thread::sleep(Duration::from_millis(100));
        if left() == 0 {
            return;
        }
    }
    panic!("{} rows left", left());
}

#[test]
fn threads_that_ended_leave_no_connection_behind() {
    let (_dir, _clock, store) = store(None);
    for _ in 0..20 {
        std::thread::scope(|s| {
            // Joined by hand: the scope's own waiting ends before the thread's locals are dropped.
            s.spawn(|| store.read(|r| Ok(r.read_at())).unwrap()).join().unwrap();
        });
    }
    store.read(|r| Ok(r.read_at())).unwrap();
    assert!(store.inner.slots.count() <= 2);
}

/// Not an assertion of speed: run with `--release -- --ignored --nocapture` to see CPU and wall time a set.
#[test]
#[ignore = "prints a figure"]
fn figure_of_audit_only_sets() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(clock::SystemClock::default());
    let store =
        SqliteStore::create(&dir.path().join("v"), VaultId([1; 16]), Options::default(), clock.clone())
            .unwrap();
    let begun = clock.monotonic();
    for _ in 0..200 {
        block_on(async { futures_util::future::join_all((0..1_000).map(|_| store.commit(set()))).await });
    }
    let each = (clock.monotonic() - begun) / 200_000;
    println!("{each:?} a set, everything, in batches");
}

#[test]
fn a34_near_the_ceiling_counters_run_out_none_is_given_twice_and_the_store_lives() {
    let (_dir, _clock, store) = store(None);
    let block = locators::BLOCK;
    store.set_locator_ceiling(locators::FIRST_MARK + block);
    let allocate = |n: u16| block_on(store.allocate(n));
    let first = allocate(60_000).unwrap();
    assert!(matches!(allocate(10_000), Err(CommitError::Full)), "it would pass the ceiling");
    let last = allocate(5_536).unwrap();
    assert_eq!((first.first, last.first), (1, 60_001), "what is left below it is still given");
    assert!(matches!(allocate(1), Err(CommitError::Full)));
    block_on(store.commit(set())).unwrap();
    store.set_locator_ceiling(locators::FIRST_MARK + 2 * block);
    assert_eq!(allocate(1).unwrap().first, 65_537, "the raised ceiling goes on where it stopped");
}
