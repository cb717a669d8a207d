//! One event, one spelling.

use super::arbitrary::event;
use crate::audit::{MAX_BODY, Malformed, check, decode, encode};
use crate::domain::event::{Act, EventBody, EventItem, Outcome, Principal};
use crate::domain::{FieldNo, Id16, Ref8, Timestamp};
use proptest::prelude::*;

proptest! {
    #[test]
    fn every_event_within_the_bounds_reads_back_as_it_was(body in event()) {
        prop_assert!(check(&body).is_ok());
        prop_assert_eq!(decode(&encode(&body)), Ok(body));
    }

    #[test]
    fn what_is_read_is_written_the_same(body in event(), at: prop::sample::Index, flip in 1_u8..=255) {
        let mut bytes = encode(&body);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(read) = decode(&bytes) {
            prop_assert_eq!(encode(&read), bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_neither_panic_nor_have_two_spellings(mut bytes: Vec<u8>, versioned: bool) {
        if let (true, Some(first)) = (versioned, bytes.first_mut()) {
            *first = 1;
        }
        if let Ok(read) = decode(&bytes) {
            prop_assert_eq!(encode(&read), bytes);
        }
    }

    #[test]
    fn a_cut_event_is_refused(body in event(), at: prop::sample::Index) {
        let bytes = encode(&body);
        let at = at.index(bytes.len());
        if let Ok(read) = decode(&bytes[..at]) {
            // Only if what was cut off was optional: then it is another, whole event.
            prop_assert_ne!(read, body);
        }
    }
}

fn plain() -> EventBody {
    let mut body =
        EventBody::new(Id16([7; 16]), Timestamp(1_000), Principal::Client("shop".into()), Act::Detokenize);
    body.outcome = Outcome::Allowed;
    body.purpose = Some("billing".into());
    body.items.push(EventItem { record: Ref8([9; 8]), field: FieldNo(3), outcome: 1 });
    body
}

/// The bytes of a small event, frozen: tomorrow's build reads today's log.
const FROZEN: &str = include_str!("../../../tests/vectors/audit/detokenize.hex");

#[test]
fn the_frozen_event_is_written_and_read_as_on_the_first_day() {
    let frozen = data_encoding::HEXLOWER.decode(FROZEN.trim().as_bytes()).unwrap();
    assert_eq!(data_encoding::HEXLOWER.encode(&encode(&plain())), FROZEN.trim());
    assert_eq!(decode(&frozen), Ok(plain()));
}

#[test]
fn bytes_that_say_the_same_in_another_way_are_refused() {
    let bytes = encode(&plain());
    let mut trailing = bytes.clone();
    trailing.push(0);
    assert!(decode(&trailing).is_err());
    let mut newer = bytes.clone();
    newer[0] = 2;
    assert_eq!(decode(&newer), Err(Malformed::Version));
    assert_eq!(decode(&[]), Err(Malformed::Version));
    assert_eq!(decode(&vec![1; MAX_BODY + 1]), Err(Malformed::TooLong));
}

#[test]
fn an_event_outside_the_bounds_is_named_before_it_is_written() {
    let long = Some("x".repeat(257));
    type Edit = fn(&mut EventBody, Option<String>);
    let cases: [(&str, Edit); 5] = [
        ("purpose", |b, t| b.purpose = t),
        ("recipient", |b, t| b.recipient = t),
        ("code", |b, t| b.code = t),
        ("ua_family", |b, t| b.ua_family = t),
        ("principal", |b, t| b.principal = Principal::Client(t.unwrap())),
    ];
    for (field, set) in cases {
        let mut body = plain();
        set(&mut body, long.clone());
        assert_eq!(check(&body).unwrap_err().field, field);
    }
    let mut many = plain();
    many.items = vec![many.items[0]; 1_001];
    assert_eq!(check(&many).unwrap_err().field, "items");
    let mut nameless = plain();
    nameless.items[0].record = Ref8([0; 8]);
    assert_eq!(
        check(&nameless).unwrap_err().field,
        "items",
        "no field is shown of a record that is not named"
    );
}
