//! A35: a log cut, reordered, edited, extended or replaced; the first bad position is named.

use crate::audit::{Broken, Checkpoint, GENESIS, Link, Reason, Row, chain, encode, verify};
use crate::domain::event::{Act, EventBody, Outcome, Principal};
use crate::domain::{Id16, Timestamp};
use std::convert::Infallible;

/// Acts of two boots.
const ACTS: [(u64, u64, Act); 7] = [
    (1, 0, Act::Boot),
    (1, 1, Act::Init),
    (1, 2, Act::RecordCreate),
    (1, 3, Act::Detokenize),
    (2, 0, Act::Boot),
    (2, 1, Act::Search),
    (2, 2, Act::Shutdown),
];

fn build(acts: &[(u64, u64, Act)]) -> Vec<Row> {
    let mut previous = GENESIS;
    let mut rows = Vec::new();
    for (at, (boot, seq, act)) in acts.iter().enumerate() {
        let pos = at as u64 + 1;
        let mut body = EventBody::new(Id16([pos as u8; 16]), Timestamp(0), Principal::Vault, *act);
        body.outcome = Outcome::Allowed;
        let body = encode(&body);
        let link = Link { node: 1, boot: *boot, seq: *seq, at: Timestamp(1_000 * pos as i64) };
        previous = chain(&previous, &link, &body);
        rows.push(Row { pos, node: 1, boot: *boot, seq: *seq, at: link.at, body, hash: previous });
    }
    rows
}

fn check(rows: Vec<Row>, kept: Option<Checkpoint>) -> Result<crate::audit::Summary, Broken> {
    verify(rows.into_iter().map(Ok::<_, Infallible>), kept)
}

fn broken_at(rows: Vec<Row>) -> (u64, Reason) {
    let broken = check(rows, None).unwrap_err();
    (broken.position, broken.reason)
}

#[test]
fn p11_a_whole_log_verifies_and_is_summed_up() {
    let summary = check(build(&ACTS), None).unwrap();
    assert_eq!((summary.events, summary.boots, summary.ended(Outcome::Allowed)), (7, 2, 7));
    assert_eq!(summary.head.size, 7);
    assert_eq!(check(Vec::new(), None).unwrap().events, 0);
}

#[test]
fn a35_every_single_edited_byte_is_found_at_its_row() {
    let whole = build(&ACTS);
    for at in 0..whole.len() {
        let pos = at as u64 + 1;
        for byte in 0..whole[at].body.len() {
            let mut rows = whole.clone();
            rows[at].body[byte] ^= 1;
            assert_eq!(broken_at(rows), (pos, Reason::Hash));
        }
        for byte in 0..32 {
            let mut rows = whole.clone();
            rows[at].hash[byte] ^= 0x80;
            assert_eq!(broken_at(rows), (pos, Reason::Hash));
        }
        let mut rows = whole.clone();
        rows[at].at.0 += 1;
        assert_eq!(broken_at(rows), (pos, Reason::Hash), "the commit time is covered");
        let mut rows = whole.clone();
        rows[at].node += 1;
        assert_eq!(broken_at(rows).0, pos);
        let mut rows = whole.clone();
        rows[at].seq += 1;
        assert_eq!(broken_at(rows).0, pos);
    }
}

#[test]
fn a35_a_row_cut_from_the_middle_doubled_or_moved_is_found() {
    for at in 0..ACTS.len() - 1 {
        let mut rows = build(&ACTS);
        rows.remove(at);
        assert_eq!(broken_at(rows), (at as u64 + 1, Reason::Position { found: at as u64 + 2 }));
        let mut rows = build(&ACTS);
        rows.insert(at, rows[at].clone());
        assert_eq!(broken_at(rows).0, at as u64 + 2);
        let mut rows = build(&ACTS);
        rows.swap(at, at + 1);
        assert_eq!(broken_at(rows).0, at as u64 + 1);
    }
}

#[test]
fn a35_a_row_cut_out_and_renumbered_breaks_the_chain() {
    for at in 0..ACTS.len() - 1 {
        let mut rows = build(&ACTS);
        rows.remove(at);
        rows.iter_mut().enumerate().for_each(|(n, row)| row.pos = n as u64 + 1);
        assert_eq!(broken_at(rows).0, at as u64 + 1);
    }
}

#[test]
fn a35_a_cut_tail_is_found_by_the_checkpoint_somebody_kept() {
    let whole = build(&ACTS);
    let kept = Checkpoint::from(check(whole.clone(), None).unwrap().head);
    for len in 0..whole.len() {
        let rows: Vec<Row> = whole.iter().take(len).cloned().collect();
        assert!(check(rows.clone(), None).is_ok(), "without a checkpoint a cut tail cannot be seen");
        let broken = check(rows, Some(kept)).unwrap_err();
        assert_eq!(broken.reason, Reason::Truncated { expected: 7 });
    }
    assert!(check(whole, Some(kept)).is_ok());
}

#[test]
fn a35_a_log_rewritten_from_end_to_end_is_not_the_one_that_was_kept() {
    let kept = Checkpoint::from(check(build(&ACTS), None).unwrap().head);
    let mut other = ACTS;
    other[3].2 = Act::Whoami;
    let rewritten = build(&other);
    assert!(check(rewritten.clone(), None).is_ok());
    assert_eq!(check(rewritten, Some(kept)).unwrap_err().reason, Reason::Checkpoint);
}

#[test]
fn boots_begin_with_their_boot_event_and_never_come_back() {
    let with = |at: usize, row: (u64, u64, Act)| {
        let mut acts = ACTS;
        acts[at] = row;
        broken_at(build(&acts))
    };
    assert_eq!(with(0, (1, 0, Act::Search)).1, Reason::NotBoot);
    assert_eq!(with(4, (2, 0, Act::Search)), (5, Reason::NotBoot));
    assert_eq!(with(5, (2, 1, Act::Boot)), (6, Reason::StrayBoot));
    assert_eq!(with(5, (2, 1, Act::Init)), (6, Reason::StrayInit), "a vault is made once");
    assert_eq!(with(4, (1, 0, Act::Boot)).0, 5);
    assert!(matches!(with(4, (1, 0, Act::Boot)).1, Reason::Sequence { .. }));
    assert_eq!(with(6, (1, 4, Act::Shutdown)), (7, Reason::BootReused { node: 1, boot: 1 }));
}

#[test]
fn time_that_goes_back_is_found() {
    let mut previous = GENESIS;
    let mut rows = build(&ACTS);
    rows[3].at = Timestamp(1);
    for row in &mut rows {
        previous = chain(&previous, &row.link(), &row.body);
        row.hash = previous;
    }
    assert_eq!(broken_at(rows), (4, Reason::Time));
}

#[test]
fn a_row_that_cannot_be_read_is_named() {
    let rows = build(&ACTS).into_iter().map(Ok).take(2).chain([Err("I/O error")]);
    let broken = verify(rows, None).unwrap_err();
    assert_eq!(broken.position, 3);
    assert!(matches!(broken.reason, Reason::Unreadable(_)));
}
