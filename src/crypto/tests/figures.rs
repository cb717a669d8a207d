//! What opening and sealing cost. Not a check: `cargo test --release --lib crypto::tests::figures -- --ignored --nocapture`.

use super::support::{Row, head, keys, write_permit};
use crate::crypto::{Dummy, Fields};
use crate::domain::entropy::OsEntropy;
use crate::domain::field::Form;
use crate::domain::*;
use crate::policy::{Permit, WritePermit};

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn measure(what: &str, rounds: u32, mut work: impl FnMut()) {
    (0..rounds / 10).for_each(|_| work());
    let best = (0..5)
        .map(|_| {
            let start = std::time::Instant::now();
            (0..rounds).for_each(|_| work());
            start.elapsed().as_nanos() / u128::from(rounds)
        })
        .min();
    println!("{what}: {} ns", best.unwrap());
}

#[test]
#[ignore = "a measurement"]
fn figures() {
    let keys = keys();
    let row = Row::sealed(&keys);
    let ticket = disclosure::EventTicket::next();
    measure("open one field of 200 B of three", 100_000, || {
        let forms = [(FieldNo(300), Form::Plain)];
        let permit = Permit::for_tests(row.head.record, row.head.version, &forms, CommitNo(1));
        std::hint::black_box(keys.open(permit, &ticket, row.stored()).is_ok());
    });
    let five = [1, 2, 3, 4, 5].map(FieldNo);
    let permit = WritePermit::for_tests(CollectionNo(5), &five);
    let fields = Fields(five.iter().map(|f| (f.0, vec![b'v'; 40])).collect());
    measure("seal five fields of 40 B", 50_000, || {
        std::hint::black_box(keys.seal(&permit, &head(), &fields, false, &mut OsEntropy).is_ok());
    });
    let dummy = Dummy::new(&keys, &mut OsEntropy).unwrap();
    measure("open the dummy", 100_000, || dummy.open(&keys));
    let token = keys.mint_token(&super::pointers::pointer());
    measure("open a token", 100_000, || {
        std::hint::black_box(keys.open_token(&token));
    });
    measure("mint a token", 100_000, || {
        std::hint::black_box(keys.mint_token(&super::pointers::pointer()));
    });
    measure("check a head", 100_000, || {
        std::hint::black_box(keys.check_head(&row.head, &row.seal).is_ok());
    });
    let change = [(FieldNo(3), Some(b"Eve".to_vec()))];
    let next = record::RecordHead { version: Version(3), head_version: Version(4), ..head() };
    measure("carry one of three fields", 50_000, || {
        std::hint::black_box(
            keys.carry(&write_permit(), row.stored(), &change, &next, &mut OsEntropy).is_ok(),
        );
    });
}
