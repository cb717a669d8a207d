//! Rows that limits keep: all or none, without an event, replaced by key, dropped by range.

use crate::support::*;
use strongroom::domain::*;
use strongroom::storage::*;

pub(crate) fn row(client: u16, rule: u32, day: i64, state: &[u8]) -> LimitRow {
    LimitRow { client: ClientNo(client), rule, day, audit_pos: 7, state: state.to_vec() }
}

fn keep(store: &Store, rows: Vec<LimitRow>, stale: Vec<StaleLimits>) -> Result<(), CommitError> {
    block_on(store.keep_limits(rows, stale))
}

fn kept(store: &Store) -> Vec<LimitRow> {
    store.read(|r| r.limits()).unwrap()
}

pub(crate) fn kept_limits_are_read_back_after_a_restart_and_replaced_by_key(a: &impl Adapter) {
    let store = a.create();
    assert!(kept(&store).is_empty());
    keep(&store, vec![row(2, 9, -1, b"b"), row(1, 9, 5, b"a"), row(1, 9, 6, b"")], vec![]).unwrap();
    let again = LimitRow { audit_pos: 8, ..row(1, 9, 5, b"other") };
    keep(&store, vec![again.clone()], vec![]).unwrap();
    drop(store);
    let wanted = [again, row(1, 9, 6, b""), row(2, 9, -1, b"b")];
    assert_eq!(kept(&a.reopen()), wanted, "by client, rule and day");
}

pub(crate) fn kept_limits_leave_no_event_and_disturb_no_reader(a: &impl Adapter) {
    let store = a.create();
    let (head, before) = (store.log_head(), read_at(&store));
    keep(&store, vec![row(1, 1, 1, b"x")], vec![]).unwrap();
    assert_eq!(store.log_head(), head, "a projection of the log has no event of its own");
    assert_eq!(read_at(&store), before);
    commit(&store, relying(before, &[Object::Subject(at(1))])).unwrap();
}

pub(crate) fn stale_limits_are_dropped_by_range_and_period(a: &impl Adapter) {
    let store = a.create();
    let rows = (0..4).flat_map(|rule| (0..3).map(move |day| row(1, rule, day, b"s"))).collect();
    keep(&store, rows, vec![]).unwrap();
    keep(&store, vec![row(1, 2, 0, b"new")], vec![(1..3, 1), (3..4, 2)]).unwrap();
    let left: Vec<_> = kept(&store).into_iter().map(|row| (row.rule, row.day)).collect();
    assert_eq!(left, [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2), (3, 2)]);
}
