//! Frozen bytes: what one release wrote every later one reads (`tests/vectors/audit/`).
//!
//! `good.txt`: name, boot, seq, at_us, body, hash of each row of one chain, in hex and decimal. `bad.txt`: name, body. If one of these
//! tests fails, the format changed: that takes a new version byte, never an edit of the vectors.

use super::samples;
use crate::audit::*;
use crate::domain::event::{Act, EventBody, Principal};
use crate::domain::{Id16, Timestamp};
use data_encoding::HEXLOWER;

const GOOD: &str = include_str!("../../../tests/vectors/audit/good.txt");
const BAD: &str = include_str!("../../../tests/vectors/audit/bad.txt");

fn lines(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    let told = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    told.map(|line| line.split_whitespace().collect())
}

/// The events the good vectors hold.
fn events() -> Vec<(&'static str, u64, u64, EventBody)> {
    let of = |act, principal| EventBody::new(Id16([0; 16]), Timestamp(0), principal, act);
    let mut local = of(Act::PolicyChange, Principal::Local(1_000));
    local.received_at = Timestamp(-1);
    let mut empty = of(Act::Whoami, Principal::Client(String::new()));
    empty.purpose = Some(String::new());
    let mut certificate = of(Act::Whoami, Principal::Client("shop".into()));
    certificate.tls_client = Some(Id16([0xc1; 16]));
    vec![
        ("first_boot", 1, 0, of(Act::Boot, Principal::Vault)),
        ("smallest", 1, 1, of(Act::Init, Principal::Vault)),
        ("local", 1, 2, local),
        ("empty_texts", 1, 3, empty),
        ("boot", 2, 0, of(Act::Boot, Principal::Vault)),
        ("everything", 2, 1, samples::detokenize()),
        ("certificate", 2, 2, certificate),
    ]
}

#[test]
fn the_good_vectors_are_what_this_build_writes_and_reads() {
    let mut written = String::new();
    let mut previous = GENESIS;
    for (i, (name, boot, seq, body)) in events().into_iter().enumerate() {
        let link = Link { node: 0, boot, seq, at: Timestamp(1_795_510_200_000_000 + i as i64) };
        let bytes = encode(&body);
        assert_eq!(decode(&bytes), Ok(body), "{name}");
        previous = chain(&previous, &link, &bytes);
        let (bytes, hash) = (HEXLOWER.encode(&bytes), HEXLOWER.encode(&previous));
        written.push_str(&format!("{name} {boot} {seq} {} {bytes} {hash}\n", link.at.0));
    }
    let frozen: String = lines(GOOD).map(|words| words.join(" ") + "\n").collect();
    assert_eq!(frozen, written);
}

#[test]
fn the_good_vectors_verify_as_the_log_they_are() {
    let rows = lines(GOOD).enumerate().map(|(i, words)| Row {
        pos: i as u64 + 1,
        node: 0,
        boot: words[1].parse().unwrap(),
        seq: words[2].parse().unwrap(),
        at: Timestamp(words[3].parse().unwrap()),
        body: HEXLOWER.decode(words[4].as_bytes()).unwrap(),
        hash: HEXLOWER.decode(words[5].as_bytes()).unwrap().try_into().unwrap(),
    });
    let summary = verify(rows.map(Ok::<_, std::convert::Infallible>), None).unwrap();
    assert_eq!((summary.events, summary.boots, summary.acts[&Act::Init]), (7, 2, 1));
}

#[test]
fn the_bad_vectors_are_refused() {
    assert!(lines(BAD).count() >= 25);
    for words in lines(BAD) {
        let [name, rest @ ..] = words.as_slice() else { panic!("a name") };
        let bytes = HEXLOWER.decode(rest.concat().as_bytes()).unwrap();
        assert!(decode(&bytes).is_err(), "{name} was read");
    }
}

#[test]
fn the_bad_vectors_each_differ_from_a_good_one_by_one_fault() {
    // The base of the bad vectors is the smallest good one; mending the named fault must give something that reads.
    let base = HEXLOWER.decode(lines(GOOD).next().unwrap()[4].as_bytes()).unwrap();
    assert!(decode(&base).is_ok());
    let near = lines(BAD).filter(|words| words.get(1).is_some_and(|hex| hex.starts_with("01"))).count();
    assert!(near >= 20);
}
