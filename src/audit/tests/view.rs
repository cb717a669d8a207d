//! A38: what people see of an event is one line of ASCII; and queries find by scan what they find by index.

use super::arbitrary::event;
use super::samples;
use crate::audit::{Link, NoNames, Query, encode, index_keys, index_keys_in, to_json};
use crate::domain::Timestamp;
use crate::domain::event::{Act, EventBody, NetworkFacts, Outcome, Principal};
use crate::domain::{Id16, Ref8};
use proptest::prelude::*;

const LINK: Link = Link { node: 1, boot: 2, seq: 3, at: Timestamp(1_000_000) };

proptest! {
    #[test]
    fn every_event_is_one_line_of_ascii_json(body in event()) {
        let line = to_json(&body, &LINK, &NoNames);
        prop_assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)), "{}", line);
        let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(parsed["event"].as_str(), Some("1.2.3"));
        prop_assert_eq!(parsed["act"].as_str(), Some(body.act.name()));
    }

    #[test]
    fn the_keys_read_off_the_bytes_are_those_of_the_event(body in event()) {
        let mut read = Vec::new();
        prop_assert!(index_keys_in(&encode(&body), |kind, key| read.push((kind, key))));
        read.sort_unstable();
        read.dedup();
        prop_assert_eq!(read, index_keys(&body).collect::<Vec<_>>());
    }

    #[test]
    fn no_bytes_make_the_reader_of_keys_fail_otherwise(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut found = 0;
        index_keys_in(&bytes, |_, _| found += 1);
        prop_assert!(found <= bytes.len());
    }

    #[test]
    fn an_event_is_found_under_each_of_its_index_keys(body in event()) {
        let keys: Vec<_> = index_keys(&body).collect();
        let mut queries = vec![Query { principal: Some(crate::audit::principal_name(&body.principal)), ..Query::default() }];
        queries.extend(body.subjects.iter().map(|s| Query { subject: Some(*s), ..Query::default() }));
        queries.extend(body.items.iter().map(|i| Query { record: Some(i.record), ..Query::default() }));
        queries.extend(body.purpose.iter().map(|p| Query { purpose: Some(p.clone()), ..Query::default() }));
        for query in queries {
            prop_assert!(query.matches(&body, LINK.at));
            prop_assert!(keys.contains(&query.index_key().unwrap()));
        }
    }
}

#[test]
fn a38_hostile_names_stay_inside_their_string() {
    for hostile in [
        "a\r\n{\"act\":\"init\"}",
        "\u{1b}[2J\u{7}",
        "\u{202e}txt",
        "\",\"outcome\":\"allowed",
        "\\",
        "\u{2028}x",
        "\u{0}",
    ] {
        let mut body =
            EventBody::new(Id16([1; 16]), Timestamp(0), Principal::Client(hostile.into()), Act::Search);
        body.outcome = Outcome::Denied;
        body.purpose = Some(hostile.into());
        body.network =
            Some(NetworkFacts { prefix: hostile.into(), label: Some(hostile.into()), ..Default::default() });
        let line = to_json(&body, &LINK, &NoNames);
        assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)));
        let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(parsed["purpose"], hostile);
        assert_eq!((&parsed["outcome"], &parsed["act"]), (&"denied".into(), &"search".into()));
    }
}

#[test]
fn a_query_answers_exactly_what_it_asks() {
    let mut body =
        EventBody::new(Id16([1; 16]), Timestamp(0), Principal::Client("billing".into()), Act::Detokenize);
    body.outcome = Outcome::Allowed;
    body.purpose = Some("billing".into());
    body.subjects.push(Ref8([5; 8]));
    let at = Timestamp(500);
    let yes = |query: Query| query.matches(&body, at);
    assert!(yes(Query::default()));
    for (matching, other) in [
        (
            Query { principal: Some("billing".into()), ..Query::default() },
            Query { principal: Some("mailer".into()), ..Query::default() },
        ),
        (
            Query { principal: Some("client:billing".into()), ..Query::default() },
            Query { principal: Some("vault".into()), ..Query::default() },
        ),
        (
            Query { subject: Some(Ref8([5; 8])), ..Query::default() },
            Query { subject: Some(Ref8([6; 8])), ..Query::default() },
        ),
        (
            Query { act: Some(Act::Detokenize), ..Query::default() },
            Query { act: Some(Act::Search), ..Query::default() },
        ),
        (
            Query { outcome: Some(Outcome::Allowed), ..Query::default() },
            Query { outcome: Some(Outcome::Denied), ..Query::default() },
        ),
        (
            Query { since: Some(at), ..Query::default() },
            Query { since: Some(Timestamp(501)), ..Query::default() },
        ),
        (
            Query { until: Some(Timestamp(501)), ..Query::default() },
            Query { until: Some(at), ..Query::default() },
        ),
    ] {
        assert!(yes(matching));
        assert!(!yes(other));
    }
    assert!(!yes(Query { record: Some(Ref8([0; 8])), ..Query::default() }), "zero names no record");
}

#[test]
fn a_client_certificate_is_shown_by_its_id_and_only_where_there_was_one() {
    let mut body = samples::detokenize();
    let shown = |body: &crate::domain::event::EventBody| -> serde_json::Value {
        serde_json::from_str(&to_json(body, &samples::LINK, &NoNames)).unwrap()
    };
    assert!(shown(&body).get("tls_client").is_none());
    body.tls_client = Some(crate::domain::Id16([0xc1; 16]));
    assert_eq!(shown(&body)["tls_client"], "c1".repeat(16));
}
