//! A record erased whole: nothing of it in any table or file once answered, nothing of others gone.

use crate::support::*;
use strongroom::domain::*;
use strongroom::storage::*;

fn put(n: u64, byte: u8) -> ChangeSet {
    let put = Change::PutRecord { row: record(n, 1, 1), key: key(byte), blind: vec![blind(byte)], was: None };
    set(CommitNo(u64::MAX)).with(put)
}

fn there(store: &Store, n: u64, byte: u8) -> (bool, bool, usize) {
    let id = RecordId(at(n));
    store
        .read(|r| {
            let found = r.blind(&blind(byte), 9)?.iter().filter(|x| **x == id).count();
            Ok((r.record(id)?.is_some(), r.key(id, Version(1))?.is_some(), found))
        })
        .unwrap()
}

fn file_holds(a: &Sqlite, needle: &[u8]) -> bool {
    ["vault.db", "vault.db-wal"].iter().any(|file| {
        std::fs::read(a.dir().join(file)).is_ok_and(|b| b.windows(needle.len()).any(|w| w == needle))
    })
}

#[test]
fn an_erased_record_takes_keys_blind_values_and_grants_with_it_and_leaves_the_others() {
    let a = Sqlite::new();
    let store = a.create();
    commit(&store, put(20, 0x61)).unwrap();
    commit(&store, put(21, 0x62)).unwrap();
    // The grant of `support` names record 20.
    let granted = grant(30, 1);
    commit(&store, set(read_at(&store)).with(Change::PutGrant { row: granted.clone(), was: None })).unwrap();
    assert_eq!(granted.record, RecordId(at(20)));
    let erase = |was| Change::Erase { record: RecordId(at(20)), was: Version(was) };
    assert_eq!(erase(1).object(), Object::Record(at(20)));
    assert!(erase(1).destroys_key());
    // Another head than the one judged: nothing happens.
    let stale = commit(&store, set(read_at(&store)).with(erase(2)));
    assert!(matches!(stale, Err(CommitError::Conflict(Object::Record(_)))));
    assert_eq!(there(&store, 20, 0x61), (true, true, 1));
    commit(&store, set(read_at(&store)).with(erase(1))).unwrap();
    assert_eq!(there(&store, 20, 0x61), (false, false, 0));
    assert_eq!(store.read(|r| r.grant(GrantId(at(30)))).unwrap(), None);
    assert_eq!(there(&store, 21, 0x62), (true, true, 1));
    // F2: at the answer no file holds the key, the other's is where it was.
    assert!(!file_holds(&a, &[0x61; 48]));
    assert!(file_holds(&a, &[0x62; 48]));
    let again = commit(&store, set(read_at(&store)).with(erase(1)));
    assert!(matches!(again, Err(CommitError::Conflict(_))));
    // Whoever had read it meanwhile must read again.
    let seen = relying(CommitNo(1), &[Object::Record(at(20))]);
    assert!(matches!(commit(&store, seen), Err(CommitError::Conflict(_))));
}
