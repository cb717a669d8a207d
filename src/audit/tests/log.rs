//! A small log of two boots, attacked in every way.

use super::samples;
use crate::audit::*;
use crate::domain::disclosure::LogHead;
use crate::domain::event::{Act, EventBody, Outcome, Principal};
use crate::domain::{Id16, Ref8, Timestamp};
use std::convert::Infallible;

/// A boot that creates the vault and reveals; then a second boot with a reveal and a sum.
fn bodies() -> Vec<(u64, u64, EventBody)> {
    let of = |act| EventBody::new(Id16([1; 16]), Timestamp(1), Principal::Vault, act);
    vec![
        (1, 0, of(Act::Boot)),
        (1, 1, of(Act::Init)),
        (1, 2, samples::detokenize()),
        (2, 0, of(Act::Boot)),
        (2, 1, samples::detokenize()),
        (2, 2, of(Act::RefusalSum)),
    ]
}

/// Chains rows as the store would, recomputing every hash.
fn chained(mut rows: Vec<Row>) -> Vec<Row> {
    let mut previous = GENESIS;
    for row in &mut rows {
        row.hash = chain(&previous, &row.link(), &row.body);
        previous = row.hash;
    }
    rows
}

fn log() -> Vec<Row> {
    let rows = bodies().into_iter().enumerate().map(|(i, (boot, seq, body))| Row {
        pos: i as u64 + 1,
        node: 0,
        boot,
        seq,
        at: Timestamp(1_000 + 10 * i as i64),
        body: encode(&body),
        hash: [0; 32],
    });
    chained(rows.collect())
}

fn read(rows: &[Row], at: Option<Checkpoint>) -> Result<Summary, Broken> {
    verify(rows.iter().cloned().map(Ok::<_, Infallible>), at)
}

fn broken(rows: &[Row]) -> (u64, Reason) {
    let Broken { position, reason } = read(rows, None).unwrap_err();
    (position, reason)
}

fn checkpoint(rows: &[Row], size: usize) -> Checkpoint {
    Checkpoint::from(LogHead::from_hash(size as u64, &rows[size - 1].hash))
}

#[test]
fn p11_a_log_as_written_verifies_and_is_summed_up() {
    let rows = log();
    let summary = read(&rows, Some(checkpoint(&rows, 6))).unwrap();
    assert_eq!((summary.events, summary.boots), (6, 2));
    assert_eq!((summary.first, summary.last), (Some(Timestamp(1_000)), Some(Timestamp(1_050))));
    assert_eq!((summary.hash, summary.head), (rows[5].hash, LogHead::from_hash(6, &rows[5].hash)));
    assert_eq!((summary.acts[&Act::Detokenize], summary.acts[&Act::Boot]), (2, 2));
    assert_eq!((summary.ended(Outcome::Allowed), summary.ended(Outcome::Denied)), (2, 0));
}

#[test]
fn the_creation_of_the_vault_stands_at_position_2_or_nowhere() {
    let init = log()[1].body.clone();
    for at in 0..log().len() {
        let mut rows = log();
        rows[1].body = rows[2].body.clone();
        assert!(read(&chained(rows.clone()), None).is_ok(), "a creation that never ended leaves a log too");
        rows[at].body = init.clone();
        let expected = match at {
            1 => None,
            0 | 3 => Some((at as u64 + 1, Reason::NotBoot)),
            _ => Some((at as u64 + 1, Reason::StrayInit)),
        };
        let told = read(&chained(rows), None).err().map(|broken| (broken.position, broken.reason));
        assert_eq!(told, expected);
    }
}

#[test]
fn the_creation_of_the_vault_is_not_the_second_boot_of_its_log() {
    let told = mended(|r| {
        r.truncate(2);
        (r[1].boot, r[1].seq) = (2, 0);
    });
    assert_eq!(told, (2, Reason::NotBoot));
}

#[test]
fn an_empty_log_verifies_against_nothing_and_against_the_empty_checkpoint() {
    assert_eq!(read(&[], None).unwrap().events, 0);
    assert!(read(&[], Some(Checkpoint { size: 0, hash12: [0; 12] })).is_ok());
    let forged = Some(Checkpoint { size: 0, hash12: [1; 12] });
    assert_eq!(read(&log(), forged).unwrap_err().reason, Reason::Checkpoint);
}

#[test]
fn every_earlier_checkpoint_of_a_log_is_proven_by_it() {
    let rows = log();
    for size in 1..=rows.len() {
        assert!(read(&rows, Some(checkpoint(&rows, size))).is_ok(), "{size}");
    }
}

#[test]
fn a35_a_truncated_log_is_found_by_a_checkpoint() {
    let rows = log();
    for kept in 0..rows.len() {
        assert!(read(&rows[..kept], None).is_ok(), "the chain alone cannot tell");
        let told = read(&rows[..kept], Some(checkpoint(&rows, 6))).unwrap_err();
        assert_eq!(told, Broken { position: kept as u64 + 1, reason: Reason::Truncated { expected: 6 } });
    }
}

#[test]
fn a35_rows_cut_from_the_beginning_or_middle_are_named() {
    for cut in 0..5 {
        let mut rows = log();
        rows.remove(cut);
        let pos = cut as u64 + 1;
        assert_eq!(broken(&rows), (pos, Reason::Position { found: pos + 1 }));
    }
}

#[test]
fn a35_rows_cut_and_renumbered_are_named() {
    for cut in 0..5 {
        let mut rows = log();
        rows.remove(cut);
        rows.iter_mut().enumerate().for_each(|(i, row)| row.pos = i as u64 + 1);
        assert_eq!(broken(&rows).0, cut as u64 + 1);
        // With the sequence numbers mended too, only the hash is left to tell.
        let first_of_second = rows.iter().position(|row| row.boot == 2).unwrap() as u64;
        rows.iter_mut()
            .for_each(|row| row.seq = row.pos - 1 - if row.boot == 2 { first_of_second } else { 0 });
        assert_eq!(broken(&rows), (cut as u64 + 1, Reason::Hash));
    }
}

#[test]
fn a35_reordered_rows_are_named() {
    for i in 0..5 {
        let mut rows = log();
        rows.swap(i, i + 1);
        assert_eq!(broken(&rows), (i as u64 + 1, Reason::Position { found: i as u64 + 2 }));
        (rows[i].pos, rows[i + 1].pos) = (i as u64 + 1, i as u64 + 2);
        assert_eq!(broken(&rows).0, i as u64 + 1);
    }
}

#[test]
fn a35_a_duplicated_row_is_named() {
    for i in 0..6 {
        let mut rows = log();
        let twin = rows[i].clone();
        rows.insert(i + 1, twin);
        assert_eq!(broken(&rows), (i as u64 + 2, Reason::Position { found: i as u64 + 1 }));
        rows.iter_mut().enumerate().for_each(|(i, row)| row.pos = i as u64 + 1);
        assert_eq!(broken(&rows).0, i as u64 + 2);
    }
}

#[test]
fn a35_swapped_boots_are_named() {
    let mut rows = log();
    rows.rotate_left(3);
    rows.iter_mut().enumerate().for_each(|(i, row)| row.pos = i as u64 + 1);
    assert_eq!(broken(&rows), (1, Reason::Hash));
}

#[test]
fn a35_any_bit_edited_in_any_column_of_any_row_is_named() {
    let rows = log();
    for i in 0..rows.len() {
        let (wanted, bits) = (i as u64 + 1, rows[i].body.len() * 8);
        let spoil = |what: &dyn Fn(&mut Row)| {
            let mut rows = rows.clone();
            what(&mut rows[i]);
            assert_eq!(broken(&rows).0, wanted);
        };
        (0..64).for_each(|bit| spoil(&|row| row.pos ^= 1 << bit));
        (0..32).for_each(|bit| spoil(&|row| row.node ^= 1 << bit));
        (0..64).for_each(|bit| spoil(&|row| row.boot ^= 1 << bit));
        (0..64).for_each(|bit| spoil(&|row| row.seq ^= 1 << bit));
        (0..64).for_each(|bit| spoil(&|row| row.at.0 ^= 1 << bit));
        (0..bits).for_each(|bit| spoil(&|row| row.body[bit / 8] ^= 1 << (bit % 8)));
        (0..256).for_each(|bit| spoil(&|row| row.hash[bit / 8] ^= 1 << (bit % 8)));
    }
}

#[test]
fn a35_a_log_signed_again_from_end_to_end_is_found_by_a_checkpoint() {
    let genuine = log();
    for edited in 0..genuine.len() {
        let mut rows = genuine.clone();
        rows[edited].at.0 += 1;
        let rows = chained(rows);
        assert!(read(&rows, None).is_ok(), "an unkeyed chain alone cannot tell");
        for size in edited + 1..=6 {
            let told = read(&rows, Some(checkpoint(&genuine, size))).unwrap_err();
            assert_eq!(told, Broken { position: size as u64, reason: Reason::Checkpoint });
        }
    }
}

/// Spoils one row, mends the chain, and tells where and why it breaks.
fn mended(change: impl FnOnce(&mut Vec<Row>)) -> (u64, Reason) {
    let mut rows = log();
    change(&mut rows);
    broken(&chained(rows))
}

#[test]
fn what_a_mended_chain_still_may_not_say() {
    let detokenize = |change: fn(&mut EventBody)| {
        let mut body = samples::detokenize();
        change(&mut body);
        encode(&body)
    };
    assert_eq!(mended(|r| r[2].at = Timestamp(0)), (3, Reason::Time));
    assert_eq!(mended(|r| r[2].seq = 5), (3, Reason::Sequence { expected: 2, found: 5 }));
    assert_eq!(mended(|r| r[0].seq = 1), (1, Reason::Sequence { expected: 0, found: 1 }));
    assert_eq!(mended(|r| r[5].boot = 1), (6, Reason::BootReused { node: 0, boot: 1 }));
    assert_eq!(mended(|r| r[0].body = r[2].body.clone()), (1, Reason::NotBoot));
    assert_eq!(mended(|r| r[3].body = r[2].body.clone()), (4, Reason::NotBoot));
    assert_eq!(mended(|r| r[4].body = r[3].body.clone()), (5, Reason::StrayBoot));
    assert_eq!(mended(|r| r[4].body = r[1].body.clone()), (5, Reason::StrayInit));
    assert_eq!(mended(|r| r[3].body = r[1].body.clone()), (4, Reason::NotBoot));
    assert_eq!(
        mended(|r| (r[1].body, r[3].body) = (r[2].body.clone(), r[1].body.clone())),
        (4, Reason::NotBoot)
    );
    assert_eq!(mended(|r| r[4].body.clear()), (5, Reason::Body(Malformed::Version)));
    assert_eq!(mended(|r| r[4].body = detokenize(|b| b.items[0].outcome = 3)), (5, Reason::Item));
    assert_eq!(mended(|r| r[4].body = detokenize(|b| b.items[0].record = Ref8([0; 8]))), (5, Reason::Item));
}

#[test]
fn a_row_the_store_cannot_read_is_named_not_skipped() {
    let rows = log();
    let damaged =
        rows.iter().cloned().map(Ok).enumerate().map(|(i, row)| if i == 2 { Err("I/O") } else { row });
    let told = verify(damaged, None).unwrap_err();
    assert_eq!(told, Broken { position: 3, reason: Reason::Unreadable("I/O".into()) });
    assert!(told.to_string().starts_with("audit log broken at position 3: "));
}

#[test]
fn numbers_at_their_limits_do_not_panic() {
    let mut rows = log();
    rows[0].seq = u64::MAX;
    rows[1].pos = u64::MAX;
    assert!(read(&rows, Some(Checkpoint { size: u64::MAX, hash12: [0; 12] })).is_err());
}
