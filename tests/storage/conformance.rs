//! What every adapter must do. Each test takes an adapter; the macro at the end names them for one.

use crate::limits::*;
use crate::support::*;
use proptest::test_runner::{Config, TestRunner};
use strongroom::audit;
use strongroom::domain::event::Act;
use strongroom::domain::record::RecordStatus;
use strongroom::domain::*;
use strongroom::storage::*;

fn every_kind_of_change_is_read_back(a: &impl Adapter) {
    let store = a.create();
    let reference = ExternalRefRow { h: [8; 16], subject: SubjectId(at(1)), seal: seal(5) };
    let new = set(read_at(&store))
        .with(put_subject(1, 1, b"state"))
        .with(Change::PutExternalRef { row: reference })
        .with(Change::PutRecord {
            row: record(20, 1, 1),
            key: key(1),
            blind: vec![blind(1), blind(2)],
            was: None,
        })
        .with(Change::PutGrant { row: grant(30, 1), was: None })
        .with(Change::PutControl { row: control(40, 1), was: None });
    commit(&store, new).unwrap();
    let check = |store: &Store| {
        store
            .read(|r| {
                assert_eq!(r.subject(SubjectId(at(1)))?, Some(subject(1, 1, b"state")));
                assert_eq!(r.subject(SubjectId(at(2)))?, None);
                assert_eq!(r.external_ref(&[8; 16])?, Some(reference));
                assert_eq!(r.external_ref(&[9; 16])?, None);
                assert_eq!(r.record(RecordId(at(20)))?, Some(record(20, 1, 1)));
                assert_eq!(r.key(RecordId(at(20)), Version(1))?, Some(key(1)));
                assert_eq!(r.key(RecordId(at(20)), Version(2))?, None);
                for _ in 0..2 {
                    let both = r.record_and_key(RecordId(at(20)))?;
                    assert_eq!(both, Some((record(20, 1, 1), Some(key(1)))));
                    assert_eq!(r.record_and_key(RecordId(at(21)))?, None);
                }
                assert_eq!(r.blind(&blind(1), 10)?, vec![RecordId(at(20))]);
                assert_eq!(r.grant(GrantId(at(30)))?, Some(grant(30, 1)));
                assert_eq!(r.control(ControlKind::ClientKey, id(40))?, Some(control(40, 1)));
                assert_eq!(r.control(ControlKind::Client, id(40))?, None);
                assert_eq!(r.controls(ControlKind::ClientKey)?, vec![control(40, 1)]);
                Ok(())
            })
            .unwrap();
    };
    check(&store);
    drop(store);
    check(&a.reopen());
}

fn a_new_record_version_takes_the_old_key_and_blind_values_with_it(a: &impl Adapter) {
    let store = a.create();
    let put = |v: u32, blind: Vec<BlindRow>| Change::PutRecord {
        row: record(20, v, v),
        key: key(v as u8),
        blind,
        was: (v > 1).then(|| Version(v - 1)),
    };
    commit(&store, set(read_at(&store)).with(put(1, vec![blind(1), blind(2)]))).unwrap();
    commit(&store, set(read_at(&store)).with(put(2, vec![blind(2), blind(3)]))).unwrap();
    store
        .read(|r| {
            assert_eq!(r.record(RecordId(at(20)))?, Some(record(20, 2, 2)));
            assert_eq!(
                (r.key(RecordId(at(20)), Version(1))?, r.key(RecordId(at(20)), Version(2))?),
                (None, Some(key(2)))
            );
            assert_eq!(r.blind(&blind(1), 9)?, vec![]);
            assert_eq!(r.blind(&blind(2), 9)?.len() + r.blind(&blind(3), 9)?.len(), 2);
            Ok(())
        })
        .unwrap();
}

fn a_head_changes_without_its_data_and_an_older_patch_cannot_undo_that(a: &impl Adapter) {
    let store = a.create();
    let first = Change::PutRecord { row: record(20, 1, 1), key: key(1), blind: vec![], was: None };
    commit(&store, set(read_at(&store)).with(first)).unwrap();
    let mut revoked = head(20, 1, 2);
    revoked.generations[0].1 = Generation(10);
    let rehead =
        |was| Change::Rehead { head: revoked.clone(), seal: seal(9), key: key(7), was: Version(was) };
    commit(&store, set(read_at(&store)).with(rehead(1))).unwrap();
    store
        .read(|r| {
            let row = r.record(RecordId(at(20)))?.unwrap();
            assert_eq!((row.head, row.seal), (revoked.clone(), seal(9)));
            assert_eq!(row.sealed, record(20, 1, 1).sealed);
            assert_eq!(r.key(RecordId(at(20)), Version(1))?, Some(key(7)));
            Ok(())
        })
        .unwrap();
    let again = commit(&store, set(read_at(&store)).with(rehead(1)));
    assert!(matches!(again, Err(CommitError::Conflict(Object::Record(_)))));
    // A PATCH computed from the head before the revocation.
    let stale =
        Change::PutRecord { row: record(20, 2, 2), key: key(2), blind: vec![], was: Some(Version(1)) };
    let refused = commit(&store, set(read_at(&store)).with(stale));
    assert!(matches!(refused, Err(CommitError::Conflict(Object::Record(_)))));
}

fn what_exists_or_has_another_version_is_a_conflict_and_changes_nothing(a: &impl Adapter) {
    let store = a.create();
    let reference = |n| ExternalRefRow { h: [8; 16], subject: SubjectId(at(n)), seal: seal(5) };
    let first = set(read_at(&store))
        .with(put_subject(1, 1, b"one"))
        .with(Change::PutExternalRef { row: reference(1) })
        .with(Change::PutRecord { row: record(20, 1, 1), key: key(1), blind: vec![], was: None })
        .with(Change::PutGrant { row: grant(30, 1), was: None })
        .with(Change::PutControl { row: control(40, 1), was: None });
    commit(&store, first).unwrap();
    let refused: Vec<(Change, Object)> = vec![
        (put_subject(1, 1, b"again"), Object::Subject(at(1))),
        (put_subject(1, 3, b"skipped"), Object::Subject(at(1))),
        (put_subject(2, 2, b"absent"), Object::Subject(at(2))),
        (Change::PutExternalRef { row: reference(2) }, Object::ExternalRef([8; 16])),
        (
            Change::PutRecord { row: record(20, 1, 1), key: key(2), blind: vec![], was: None },
            Object::Record(at(20)),
        ),
        (Change::PutGrant { row: grant(30, 1), was: None }, Object::Grant(at(30))),
        (Change::PutGrant { row: grant(30, 3), was: Some(Version(2)) }, Object::Grant(at(30))),
        (
            Change::PutControl { row: control(40, 1), was: None },
            Object::Control(ControlKind::ClientKey, id(40)),
        ),
        (Change::Shred { record: RecordId(at(20)), version: Version(2) }, Object::Record(at(20))),
    ];
    let size = store.log_head().size;
    for (change, object) in refused {
        let both = set(read_at(&store)).with(put_subject(99, 1, b"rides along")).with(change);
        match commit(&store, both) {
            Err(CommitError::Conflict(found)) => assert_eq!(found, object),
            other => panic!("{object:?}: {other:?}"),
        }
    }
    assert_eq!(store.log_head().size, size, "no event of a refused set");
    assert_eq!(store.read(|r| r.subject(SubjectId(at(99)))).unwrap(), None);
    assert_eq!(store.read(|r| r.subject(SubjectId(at(1)))).unwrap(), Some(subject(1, 1, b"one")));
}

fn what_was_relied_on_must_not_have_changed_since_the_snapshot(a: &impl Adapter) {
    let store = a.create();
    commit(&store, set(read_at(&store)).with(put_subject(1, 1, b"consents"))).unwrap();
    let snapshot = read_at(&store);
    let on = [Object::Subject(at(2)), Object::Subject(at(1))];
    commit(&store, relying(snapshot, &on)).unwrap();
    commit(&store, set(snapshot).with(put_subject(1, 2, b"withdraws"))).unwrap();
    let late = commit(&store, relying(snapshot, &on));
    assert!(
        matches!(late, Err(CommitError::Conflict(o)) if o == on[1]),
        "C20: the race with a withdrawal is closed"
    );
    commit(&store, relying(read_at(&store), &on)).unwrap();
    commit(&store, relying(snapshot, &on[..1])).unwrap();
}

fn a_snapshot_from_before_this_process_conflicts(a: &impl Adapter) {
    let store = a.create();
    let refused = commit(&store, relying(CommitNo(0), &[Object::Subject(at(1))]));
    assert!(matches!(refused, Err(CommitError::Conflict(_))), "I11");
}

fn reveals_do_not_move_the_commit_number_and_changes_do(a: &impl Adapter) {
    let store = a.create();
    let before = read_at(&store);
    for _ in 0..5 {
        commit(&store, set(before)).unwrap();
    }
    assert_eq!(read_at(&store), before);
    commit(&store, set(before).with(put_subject(1, 1, b""))).unwrap();
    assert!(read_at(&store) > before);
}

fn one_read_sees_one_snapshot_and_the_next_sees_the_commit(a: &impl Adapter) {
    let store = a.create();
    commit(&store, set(read_at(&store)).with(put_subject(1, 1, b"old"))).unwrap();
    store
        .read(|r| {
            let before = r.subject(SubjectId(at(1)))?;
            std::thread::scope(|s| {
                s.spawn(|| commit(&store, set(CommitNo(9)).with(put_subject(1, 2, b"new"))).unwrap());
            });
            assert_eq!(r.subject(SubjectId(at(1)))?, before);
            Ok(())
        })
        .unwrap();
    let after = store.read(|r| r.subject(SubjectId(at(1)))).unwrap().unwrap();
    assert_eq!(after.state, b"new");
}

fn a_read_inside_a_read_is_refused(a: &impl Adapter) {
    let store = a.create();
    let nested = store.read(|_| store.read(|r| Ok(r.read_at())));
    assert!(matches!(nested, Err(ReadError::Store)));
    read_at(&store);
}

fn a_used_idempotency_key_answers_with_what_was_stored(a: &impl Adapter) {
    let store = a.create();
    let now = store.now();
    let first = idempotency(1, b"first", now);
    commit(&store, set(read_at(&store)).with(put_subject(1, 1, b"")).remembered(first.clone())).unwrap();
    let replayed = |set: ChangeSet| match commit(&store, set) {
        Err(CommitError::Replayed(row)) => row,
        other => panic!("{other:?}"),
    };
    let second = idempotency(1, b"second", now);
    assert_eq!(replayed(set(read_at(&store)).with(put_subject(2, 1, b"")).remembered(second.clone())), first);
    assert_eq!(replayed(set(read_at(&store)).remembered(second.clone())), first);
    let conflicting = relying(CommitNo(0), &[Object::Subject(at(1))]).remembered(second);
    assert_eq!(replayed(conflicting), first, "a replay is a replay whatever changed since");
    let found =
        store.read(|r| Ok((r.subject(SubjectId(at(2)))?, r.idempotency(ClientNo(6), &[1; 16])?))).unwrap();
    assert_eq!(found, (None, Some(first)));
}

fn equal_requests_in_one_batch_meet_at_the_key(a: &impl Adapter) {
    let store = a.create();
    let size = store.log_head().size;
    let results = block_on(async {
        let sets = (0..50u64).map(|n| {
            store.commit(set(CommitNo(1)).with(put_subject(100 + n, 1, b"")).remembered(idempotency(
                1,
                &n.to_be_bytes(),
                START,
            )))
        });
        futures_util::future::join_all(sets).await
    });
    let done = results.iter().filter(|r| r.is_ok()).count();
    let replays: Vec<_> = results
        .iter()
        .filter_map(|r| match r {
            Err(CommitError::Replayed(row)) => Some(row.result.clone()),
            _ => None,
        })
        .collect();
    assert_eq!((done, replays.len()), (1, 49));
    assert!(replays.windows(2).all(|w| w[0] == w[1]));
    assert_eq!(store.log_head().size, size + 1);
}

fn an_outcome_is_forgotten_after_24_hours(a: &impl Adapter) {
    let store = a.create();
    commit(&store, set(read_at(&store)).remembered(idempotency(1, b"old", store.now()))).unwrap();
    a.clock().advance_us(24 * 3_600 * 1_000_000 + 1);
    assert_eq!(store.read(|r| r.idempotency(ClientNo(6), &[1; 16])).unwrap(), None);
    let fresh = idempotency(1, b"new", store.now());
    commit(&store, set(read_at(&store)).remembered(fresh.clone())).unwrap();
    assert_eq!(store.read(|r| r.idempotency(ClientNo(6), &[1; 16])).unwrap(), Some(fresh));
}

fn a_batch_keeps_queue_order_and_refused_sets_leave_no_gap(a: &impl Adapter) {
    let store = a.create();
    let results = block_on(async {
        let sets = (0..300u64).map(|n| {
            let set = ChangeSet::observed(event(n, Act::RecordCreate), CommitNo(1), []);
            // Every third asks for a version that is not there.
            store.commit(set.with(put_subject(n + 1, if n % 3 == 0 { 2 } else { 1 }, b"")))
        });
        futures_util::future::join_all(sets).await
    });
    let rows = all_rows(&store);
    verify_chain(&rows);
    let mut positions = Vec::new();
    for (n, result) in results.iter().enumerate() {
        match result {
            Ok(receipt) => {
                positions.push(receipt.position);
                let row = &rows[receipt.position as usize - 1];
                assert_eq!(row.body, audit::encode(&event(n as u64, Act::RecordCreate).body));
                assert!(receipt.head.size >= receipt.position);
            }
            Err(e) => assert!(n % 3 == 0 && matches!(e, CommitError::Conflict(_))),
        }
    }
    assert_eq!(positions.len(), 200);
    assert!(positions.windows(2).all(|w| w[1] == w[0] + 1), "queue order, no gap");
    let head = store.log_head();
    assert_eq!((head.size, &head.hash12[..]), (rows.len() as u64, &rows[rows.len() - 1].hash[..12]));
}

fn the_second_change_of_one_object_in_a_batch_conflicts(a: &impl Adapter) {
    let store = a.create();
    commit(&store, set(read_at(&store)).with(put_subject(1, 1, b""))).unwrap();
    let snapshot = read_at(&store);
    let results = block_on(async {
        let on = [Object::Subject(at(1))];
        let sets = (0..20).map(|_| store.commit(relying(snapshot, &on).with(put_subject(1, 2, b""))));
        futures_util::future::join_all(sets).await
    });
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1);
}

fn each_process_begins_with_a_boot_event_chained_to_the_last(a: &impl Adapter) {
    for boot in 1..=3 {
        let store = if boot == 1 { a.create() } else { a.reopen() };
        commit(&store, set(read_at(&store))).unwrap();
        let rows = all_rows(&store);
        verify_chain(&rows);
        assert_eq!(rows.last().unwrap().boot, boot);
        assert_eq!(rows.len() as u64, boot * 2);
        let first = rows.iter().find(|r| r.boot == boot).unwrap();
        assert_eq!(audit::decode(&first.body).ok().unwrap().act, Act::Boot);
        assert_eq!(store.vault(), VAULT);
    }
}

fn locator_counters_are_never_given_twice(a: &impl Adapter) {
    let mut seen = std::collections::BTreeSet::new();
    let mut take = |range: LocatorRange| {
        for n in range.first..range.first + u64::from(range.count) {
            assert!(seen.insert(n), "I8: {n} twice");
            assert!(n > 0);
        }
    };
    let store = a.create();
    for n in [1, 100, 60_000, 60_000, 65_535] {
        take(block_on(store.allocate(n)).unwrap());
    }
    let many =
        block_on(async { futures_util::future::join_all((0..40).map(|_| store.allocate(5_000))).await });
    many.into_iter().for_each(|r| take(r.unwrap()));
    drop(store);
    let store = a.reopen();
    take(block_on(store.allocate(10)).unwrap());
    block_on(store.set_locator_mark(1 << 40)).unwrap();
    let jumped = block_on(store.allocate(1)).unwrap();
    assert_eq!(jumped.first, 1 << 40);
    take(jumped);
    block_on(store.set_locator_mark(5)).unwrap();
    take(block_on(store.allocate(1)).unwrap());
    store.set_locator_ceiling(store.locator_mark());
    let beyond = block_on(async { (store.allocate(65_535).await, store.allocate(65_535).await) });
    assert!(matches!(beyond.1, Err(CommitError::Full)));
}

fn time_never_goes_back_over_a_restart_and_a_wrong_clock_is_told(a: &impl Adapter) {
    let store = a.create();
    a.clock().advance_us(100_000_000);
    commit(&store, set(read_at(&store))).unwrap();
    let written = store.now();
    drop(store);
    a.clock().advance_us(-10_000_000);
    let store = a.reopen();
    assert_eq!(store.now(), written);
    assert_eq!(store.health().clock, ClockHealth::Behind);
    commit(&store, set(read_at(&store))).unwrap();
    verify_chain(&all_rows(&store));
    a.clock().advance_us(-60_000_000);
    assert_eq!(store.health().clock, ClockHealth::Refuse);
    a.clock().advance_us(80_000_000);
    assert_eq!(store.health().clock, ClockHealth::Good);
    assert!(store.now() > written);
}

fn records_of_a_subject_are_listed_newest_first(a: &impl Adapter) {
    let store = a.create();
    let mut new = set(read_at(&store));
    for n in 20..30 {
        let mut row = record(n, 1, 1);
        row.head.collection = CollectionNo(if n % 2 == 0 { 3 } else { 4 });
        new = new.with(Change::PutRecord { row, key: key(1), blind: vec![blind(1)], was: None });
    }
    commit(&store, new).unwrap();
    let list = |collection, before: Option<u64>, limit| {
        let before = before.map(|n| RecordId(at(n)));
        let rows = store.read(|r| r.records_of(SubjectId(at(1)), collection, before, limit)).unwrap();
        assert!(rows.iter().all(|row| row.seal == seal(2)));
        rows.into_iter().map(|row| row.head.record.0.counter()).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, 3), vec![29, 28, 27]);
    assert_eq!(list(None, Some(27), 2), vec![26, 25]);
    assert_eq!(list(Some(CollectionNo(4)), None, 99), vec![29, 27, 25, 23, 21]);
    store
        .read(|r| {
            assert_eq!(r.blind(&blind(1), 4)?.len(), 4);
            Ok(())
        })
        .unwrap();
}

fn a_shredded_key_is_gone_and_its_record_dying(a: &impl Adapter) {
    let store = a.create();
    let put = Change::PutRecord { row: record(20, 1, 1), key: key(1), blind: vec![blind(1)], was: None };
    commit(&store, set(read_at(&store)).with(put)).unwrap();
    let mut dying = head(20, 1, 2);
    dying.status = RecordStatus::Dying;
    let erase = || {
        set(read_at(&store))
            .with(Change::Rehead { head: dying.clone(), seal: seal(9), key: key(2), was: Version(1) })
            .with(Change::Shred { record: RecordId(at(20)), version: Version(1) })
    };
    commit(&store, erase()).unwrap();
    store
        .read(|r| {
            assert_eq!(r.key(RecordId(at(20)), Version(1))?, None);
            assert_eq!(r.record(RecordId(at(20)))?.unwrap().head.status, RecordStatus::Dying);
            assert_eq!(r.record_and_key(RecordId(at(20)))?.unwrap().1, None, "a head without its key");
            assert_eq!(r.blind(&blind(1), 1)?, vec![]);
            Ok(())
        })
        .unwrap();
    assert!(matches!(commit(&store, erase()), Err(CommitError::Conflict(_))));
}

fn eight_threads_count_without_losing_one(a: &impl Adapter) {
    let store = a.create();
    let counters = 3u64;
    let mut first = set(read_at(&store));
    for n in 1..=counters {
        first = first.with(put_subject(n, 1, &0u64.to_be_bytes()));
    }
    commit(&store, first).unwrap();
    let added: u64 = std::thread::scope(|s| {
        let threads: Vec<_> = (0..8u64)
            .map(|t| {
                s.spawn({
                    let store = &store;
                    move || count(store, t, counters)
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    let total: u64 = (1..=counters)
        .map(|n| {
            let row = store.read(|r| r.subject(SubjectId(at(n)))).unwrap().unwrap();
            let value = u64::from_be_bytes(row.state.try_into().unwrap());
            assert_eq!(u64::from(row.version.0), value + 1);
            value
        })
        .sum();
    assert_eq!(total, added);
    verify_chain(&all_rows(&store));
}

/// Forty steps of one thread: increments by compare-and-swap, reveals, new records, erasures.
fn count(store: &Store, thread: u64, counters: u64) -> u64 {
    let mut added = 0;
    for step in 0..40u64 {
        let n = (thread + step) % counters + 1;
        let record_no = 1_000 + thread * 1_000 + step;
        match (thread + step * 5) % 4 {
            0 | 1 => {
                let (seen, row) =
                    store.read(|r| Ok((r.read_at(), r.subject(SubjectId(at(n)))?.unwrap()))).unwrap();
                let value = u64::from_be_bytes(row.state.clone().try_into().unwrap());
                let next = put_subject(n, row.version.0 + 1, &(value + 1).to_be_bytes());
                match commit(store, relying(seen, &[Object::Subject(at(n))]).with(next)) {
                    Ok(_) => added += 1,
                    Err(e) => assert!(matches!(e, CommitError::Conflict(_)), "{e:?}"),
                }
            }
            2 => drop(commit(store, set(read_at(store))).unwrap()),
            _ => {
                let put = Change::PutRecord {
                    row: record(record_no, 1, 1),
                    key: key(3),
                    blind: vec![blind(4)],
                    was: None,
                };
                commit(store, set(read_at(store)).with(put)).unwrap();
                let shred = Change::Shred { record: RecordId(at(record_no)), version: Version(1) };
                commit(store, set(read_at(store)).with(shred)).unwrap();
                assert_eq!(store.read(|r| r.key(RecordId(at(record_no)), Version(1))).unwrap(), None);
            }
        }
    }
    added
}

fn events_are_found_by_key_merged_or_not(a: &impl Adapter) {
    let store = a.create();
    for n in 0..30 {
        commit(&store, ChangeSet::observed(event(n % 3, Act::Search), CommitNo(1), [])).unwrap();
    }
    let keys = keys_of(&event(1, Act::Search).body);
    let (kind, key) = keys[0];
    let expected: Vec<u64> = all_rows(&store)
        .iter()
        .rev()
        .filter(|row| keys_of(&audit::decode(&row.body).ok().unwrap()).contains(&(kind, key)))
        .map(|row| row.pos)
        .collect();
    for wait_ms in [0, 700] {
        std::thread::sleep(std::time::Duration::from_millis(wait_ms));
        assert_eq!(store.audit_positions(kind, &key, None, 1_000).unwrap(), expected);
        assert_eq!(store.audit_positions(kind, &key, None, 2).unwrap(), expected[..2.min(expected.len())]);
        let before = expected[1];
        assert_eq!(store.audit_positions(kind, &key, Some(before), 1_000).unwrap(), expected[2..]);
    }
    assert_eq!(store.audit_positions(250, &[0; 16], None, 10).unwrap(), Vec::<u64>::new());
    assert_eq!(store.audit_tail(1).unwrap()[0].pos, store.log_head().size);
    assert_eq!(store.audit_row(store.log_head().size + 1).unwrap(), None);
    assert_eq!(store.audit_row(1).unwrap().unwrap().pos, 1);
}

/// Random sequences of changes against a plain map as the model.
fn random_changes_agree_with_a_model(a: &impl Adapter) {
    use proptest::prelude::*;
    let store = a.create();
    let mut model = std::collections::HashMap::<u64, u32>::new();
    let mut runner = TestRunner::new(Config { cases: 1, failure_persistence: None, ..Config::default() });
    let steps = proptest::collection::vec((1u64..6, 0u32..4), 200);
    let steps = proptest::strategy::ValueTree::current(&steps.new_tree(&mut runner).unwrap());
    for (n, was) in steps {
        let change = Change::PutGrant { row: grant(n, was + 1), was: (was > 0).then_some(Version(was)) };
        let expected = model.get(&n).copied().unwrap_or(0) == was;
        assert_eq!(commit(&store, set(read_at(&store)).with(change)).is_ok(), expected);
        if expected {
            model.insert(n, was + 1);
        }
        let stored = store.read(|r| r.grant(GrantId(at(n)))).unwrap().map(|g| g.version.0);
        assert_eq!(stored, model.get(&n).copied());
    }
}

macro_rules! conformance {
    ($name:ident, $adapter:ty, $($test:ident,)*) => {
        mod $name {
            use crate::support::Adapter;
            $(#[test] fn $test() { super::$test(&<$adapter>::new()); })*
        }
    };
}
conformance!(
    sqlite,
    crate::support::Sqlite,
    every_kind_of_change_is_read_back,
    a_new_record_version_takes_the_old_key_and_blind_values_with_it,
    a_head_changes_without_its_data_and_an_older_patch_cannot_undo_that,
    what_exists_or_has_another_version_is_a_conflict_and_changes_nothing,
    what_was_relied_on_must_not_have_changed_since_the_snapshot,
    a_snapshot_from_before_this_process_conflicts,
    reveals_do_not_move_the_commit_number_and_changes_do,
    one_read_sees_one_snapshot_and_the_next_sees_the_commit,
    a_read_inside_a_read_is_refused,
    a_used_idempotency_key_answers_with_what_was_stored,
    equal_requests_in_one_batch_meet_at_the_key,
    an_outcome_is_forgotten_after_24_hours,
    a_batch_keeps_queue_order_and_refused_sets_leave_no_gap,
    the_second_change_of_one_object_in_a_batch_conflicts,
    each_process_begins_with_a_boot_event_chained_to_the_last,
    locator_counters_are_never_given_twice,
    time_never_goes_back_over_a_restart_and_a_wrong_clock_is_told,
    records_of_a_subject_are_listed_newest_first,
    a_shredded_key_is_gone_and_its_record_dying,
    eight_threads_count_without_losing_one,
    events_are_found_by_key_merged_or_not,
    random_changes_agree_with_a_model,
    kept_limits_are_read_back_after_a_restart_and_replaced_by_key,
    kept_limits_leave_no_event_and_disturb_no_reader,
    stale_limits_are_dropped_by_range_and_period,
);
