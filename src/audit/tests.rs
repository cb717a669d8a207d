//! Round trips, canonicality, frozen bytes, and a log attacked in every way A35 and A38 name.

mod arbitrary;
mod attacks;
mod format;
mod log;
mod samples;
mod vectors;
mod view;

use super::*;
use crate::domain::event::{Act, EventBody, EventItem, Principal};
use crate::domain::{FieldNo, Id16, Ref8, Timestamp};
use proptest::prelude::*;

proptest! {
    #[test]
    fn an_event_that_fits_reads_back_as_it_was_written(body in samples::any_body()) {
        prop_assert_eq!(check(&body), Ok(()));
        let bytes = encode(&body);
        prop_assert_eq!(decode(&bytes), Ok(body));
    }

    #[test]
    fn bytes_that_are_read_have_one_spelling(body in samples::any_body(), at: prop::sample::Index, new: u8) {
        let mut bytes = encode(&body);
        let at = at.index(bytes.len());
        bytes[at] = new;
        if let Ok(read) = decode(&bytes) {
            prop_assert_eq!(encode(&read), bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_have_one_spelling(mut bytes: Vec<u8>, versioned: bool) {
        if versioned && let Some(first) = bytes.first_mut() {
            *first = 1;
        }
        if let Ok(read) = decode(&bytes) {
            prop_assert_eq!(encode(&read), bytes);
        }
    }

    #[test]
    fn arbitrary_tags_with_good_lengths_never_panic(
        values in prop::collection::vec((0u8..30, prop::collection::vec(any::<u8>(), 0..32)), 0..8),
    ) {
        let mut bytes = vec![1];
        for (tag, value) in values {
            bytes.extend([tag, value.len() as u8]);
            bytes.extend(value);
        }
        if let Ok(read) = decode(&bytes) {
            prop_assert_eq!(encode(&read), bytes);
        }
    }

    #[test]
    fn a_shortened_event_never_reads_as_the_same_event(body in samples::any_body(), at: prop::sample::Index) {
        let bytes = encode(&body);
        let cut = &bytes[..at.index(bytes.len())];
        prop_assert_ne!(decode(cut), Ok(body));
    }

    #[test]
    fn a38_every_event_is_one_line_of_printable_ascii_that_parses(body in samples::any_body()) {
        let line = to_json(&body, &samples::LINK, &NoNames);
        prop_assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)), "{}", line);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(value["act"].as_str(), Some(body.act.name()));
        prop_assert_eq!(value["purpose"].as_str(), body.purpose.as_deref());
        prop_assert_eq!(value["network"]["prefix"].as_str(), body.network.as_ref().map(|n| n.prefix.as_str()));
    }

    #[test]
    fn the_index_never_hides_what_a_scan_would_find(body in samples::any_body(), pick in 0usize..4) {
        let mut query = Query::default();
        match pick {
            0 => query.principal = Some(principal_name(&body.principal)),
            1 => query.subject = body.subjects.first().copied(),
            2 => query.record = body.items.first().map(|item| item.record).filter(|r| r.0 != [0; 8]),
            _ => query.purpose = body.purpose.clone(),
        }
        prop_assert!(query.matches(&body, Timestamp(0)));
        if let Some(key) = query.index_key() {
            prop_assert!(index_keys(&body).any(|k| k == key));
        }
    }
}

#[test]
fn a_text_of_256_bytes_fits_and_one_more_does_not() {
    let mut body = samples::detokenize();
    body.purpose = Some("x".repeat(MAX_TEXT));
    assert_eq!(check(&body), Ok(()));
    assert_eq!(decode(&encode(&body)), Ok(body.clone()));
    body.purpose = Some("x".repeat(MAX_TEXT + 1));
    assert_eq!(check(&body), Err(OutOfBounds { field: "purpose" }));
    assert_eq!(decode(&encode(&body)), Err(Malformed::Value(12)));
}

#[test]
fn i10_the_largest_event_fits_and_anything_larger_is_refused() {
    let mut body = samples::detokenize();
    let item = body.items[0];
    body.items = vec![item; 1_000];
    body.subjects = vec![Ref8([1; 8]); MAX_SUBJECTS];
    body.changed = vec![body.changed[0].clone(); MAX_CHANGED];
    let bytes = encode(&body);
    assert!(bytes.len() < MAX_BODY);
    assert_eq!(decode(&bytes), Ok(body.clone()));

    type Grow = fn(&mut EventBody);
    let larger: [(&str, u8, Grow); 3] = [
        ("items", 15, |b| b.items.push(b.items[0])),
        ("subjects", 14, |b| b.subjects.push(Ref8([1; 8]))),
        ("changed", 24, |b| b.changed.push(b.changed[0].clone())),
    ];
    for (field, tag, grow) in larger {
        let mut grown = body.clone();
        grow(&mut grown);
        assert_eq!(check(&grown), Err(OutOfBounds { field }));
        assert_eq!(decode(&encode(&grown)), Err(Malformed::Value(tag)));
    }
    assert_eq!(decode(&vec![1; MAX_BODY + 1]), Err(Malformed::TooLong));
}

#[test]
fn what_check_refuses_cannot_be_read_back_or_would_not_verify() {
    type Spoil = fn(&mut EventBody);
    let spoilt: [(&str, Spoil); 6] = [
        ("part", |b| b.part = (0, 1)),
        ("part", |b| b.part = (3, 2)),
        ("country", |b| b.network.as_mut().unwrap().country = Some(*b"de")),
        ("changed", |b| b.changed[0].kind = 6),
        ("items", |b| b.items[0].outcome = 3),
        ("items", |b| b.items[0] = EventItem { record: Ref8([0; 8]), field: FieldNo(1), outcome: 0 }),
    ];
    for (field, spoil) in spoilt {
        let mut body = samples::detokenize();
        spoil(&mut body);
        assert_eq!(check(&body), Err(OutOfBounds { field }));
        let bytes = encode(&body);
        match decode(&bytes) {
            Err(Malformed::Value(_)) => {}
            other => assert!(other.is_ok() && field == "items", "{field}: {other:?}"),
        }
    }
}

#[test]
fn an_ordinary_reveal_of_five_fields_stays_small() {
    let mut body = samples::detokenize();
    body.items = (1..=5).map(|n| EventItem { record: Ref8([7; 8]), field: FieldNo(n), outcome: 0 }).collect();
    body.changed.clear();
    assert!(encode(&body).len() < 320, "{}", encode(&body).len());
    assert!(encode(&body).capacity() < 1_024);
}

#[test]
fn a38_hostile_names_give_one_escaped_line() {
    let hostile = [
        "a\r\n{\"act\":\"forged\"}",
        "\u{1b}[31mred\u{1b}[0m",
        "\u{202e}desrever\u{2069}",
        "\u{0}\u{7f}\u{85}\u{9b}",
        "\"},{\"act\":\"init\"",
        "\\u000a",
        "\u{2028}\u{2029}\u{feff}\u{200b}",
        "😀",
        "%0d%0a",
        &"\n".repeat(10_240),
    ];
    for text in hostile {
        let mut body = samples::detokenize();
        body.principal = Principal::Client(text.into());
        body.purpose = Some(text.into());
        body.code = Some(text.into());
        body.context = Some((text.into(), Ref8([1; 8]), None));
        struct Hostile<'a>(&'a str);
        impl Names for Hostile<'_> {
            fn field(&self, _: FieldNo) -> Option<String> {
                Some(self.0.into())
            }
        }
        let line = to_json(&body, &samples::LINK, &Hostile(text));
        assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)), "{line}");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["act"], "detokenize");
        assert_eq!(value["purpose"], text);
        assert_eq!(value["items"][0]["field"], text);
        assert_eq!(value["principal"], format!("client:{text}"));
    }
}

#[test]
fn i6_the_json_view_has_a_fixed_list_of_keys() {
    let line = to_json(&samples::detokenize(), &samples::LINK, &NoNames);
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    let allowed = [
        "act",
        "bytes",
        "changed",
        "code",
        "committed_at",
        "context",
        "cost",
        "count",
        "event",
        "items",
        "key",
        "network",
        "on_behalf_of",
        "outcome",
        "part",
        "parts",
        "policy",
        "principal",
        "purpose",
        "received_at",
        "recipient",
        "request",
        "rules",
        "subjects",
        "tokens",
        "ua_family",
    ];
    assert_eq!(keys, allowed);
    assert!(!line.contains(&"11".repeat(17)), "a row's seal is not for the view");
    assert_eq!(value["items"][1]["rule"], "purpose_not_granted");
    assert_eq!(value["subjects"][0], "ref:0101010101010101");
    assert!(value["request"].as_str().unwrap().starts_with("req_"));
}

#[test]
fn a_query_asks_for_all_it_names_and_nothing_else() {
    let (body, at) = (samples::detokenize(), Timestamp(1_000));
    let ask = |change: fn(&mut Query)| {
        let mut query = Query::default();
        change(&mut query);
        query.matches(&body, at)
    };
    assert!(ask(|_| {}));
    assert!(ask(|q| q.principal = Some("shop".into())));
    assert!(ask(|q| q.principal = Some("client:shop".into())));
    assert!(!ask(|q| q.principal = Some("vault".into())));
    assert!(!ask(|q| q.principal = Some("local:0".into())));
    assert!(ask(|q| q.subject = Some(Ref8([1; 8]))));
    assert!(!ask(|q| q.subject = Some(Ref8([2; 8]))));
    assert!(ask(|q| q.record = Some(Ref8([2; 8]))));
    assert!(ask(|q| q.record = Some(Ref8([9; 8]))), "a changed record counts");
    assert!(!ask(|q| q.record = Some(Ref8([1; 8]))));
    assert!(!ask(|q| q.purpose = Some("marketing".into())));
    assert!(!ask(|q| q.act = Some(Act::Search)));
    assert!(ask(|q| q.since = Some(Timestamp(1_000))));
    assert!(!ask(|q| q.until = Some(Timestamp(1_000))));
    assert!(!ask(|q| (q.purpose, q.act) = (Some("fulfilment".into()), Some(Act::Boot))));
}

#[test]
fn a_token_that_did_not_open_is_no_record_to_the_index() {
    let mut body = EventBody::new(Id16([0; 16]), Timestamp(0), Principal::Vault, Act::Detokenize);
    body.items = vec![EventItem { record: Ref8([0; 8]), field: FieldNo(1), outcome: 2 }; 3];
    assert_eq!(index_keys(&body).map(|(kind, _)| kind).collect::<Vec<_>>(), [IndexKind::Principal as u8]);
}
