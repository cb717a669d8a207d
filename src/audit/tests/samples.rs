//! Events to test with: a full one, and a strategy for any that fits.

use crate::audit::Link;
use crate::domain::event::{Act, ChangedRow, EventBody, EventItem, NetworkFacts, Outcome, Principal};
use crate::domain::rule::{Rule, RuleSet};
use crate::domain::token::TokenCounts;
use crate::domain::{FieldNo, Id16, PolicyVersion, Ref8, Timestamp, Version};
use proptest::prelude::*;

pub(super) const LINK: Link = Link { node: 0, boot: 3, seq: 9, at: Timestamp(1_795_510_200_123_456) };

/// A reveal that uses every field of the event.
pub(super) fn detokenize() -> EventBody {
    let mut body = EventBody::new(
        Id16(core::array::from_fn(|i| i as u8)),
        Timestamp(1_795_510_200_000_000),
        Principal::Client("shop".into()),
        Act::Detokenize,
    );
    body.key_id = Some(Id16([0xab; 16]));
    body.on_behalf_of = Some(Ref8([5; 8]));
    body.network = Some(NetworkFacts {
        prefix: "10.1.2.0/24".into(),
        label: Some("warehouse".into()),
        asn: Some(64_512),
        country: Some(*b"DE"),
    });
    body.ua_family = Some("curl".into());
    body.purpose = Some("fulfilment".into());
    body.recipient = Some("courier".into());
    body.subjects = vec![Ref8([1; 8])];
    body.items = vec![
        EventItem { record: Ref8([2; 8]), field: FieldNo(7), outcome: 0 },
        EventItem { record: Ref8([3; 8]), field: FieldNo(258), outcome: 16 + Rule::PurposeNotGranted as u8 },
        EventItem { record: Ref8([0; 8]), field: FieldNo(0), outcome: 2 },
    ];
    body.tokens = TokenCounts { live: 2, forged: 1, ..TokenCounts::default() };
    body.context = Some(("order".into(), Ref8([6; 8]), Some(true)));
    body.outcome = Outcome::Allowed;
    body.code = Some("partial".into());
    body.rules = RuleSet::from_iter([Rule::PurposeNotGranted]);
    body.policy = PolicyVersion(4);
    body.cost = 12;
    body.bytes = 345;
    body.changed =
        vec![ChangedRow { reference: Ref8([9; 8]), kind: 2, version: Version(2), seal: [0x11; 17] }];
    body.part = (1, 2);
    body.count = Some(0);
    body
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z_]{0,12}", "\\PC{0,20}", "(?s).{0,20}", "[\r\n\u{1b}\"\\\\\u{202e}]{0,8}"]
}

fn some_text() -> impl Strategy<Value = Option<String>> {
    prop::option::of(text())
}

fn ref8() -> impl Strategy<Value = Ref8> {
    any::<[u8; 8]>().prop_map(Ref8)
}

fn principal() -> impl Strategy<Value = Principal> {
    prop_oneof![
        Just(Principal::Vault),
        text().prop_map(Principal::Client),
        any::<u32>().prop_map(Principal::Local)
    ]
}

fn network() -> impl Strategy<Value = NetworkFacts> {
    (text(), some_text(), any::<Option<u32>>(), prop::option::of([b'A'..=b'Z', b'A'..=b'Z']))
        .prop_map(|(prefix, label, asn, country)| NetworkFacts { prefix, label, asn, country })
}

fn item() -> impl Strategy<Value = EventItem> {
    let outcome = prop_oneof![0u8..=2, 16u8..=47];
    ("[a-z]", any::<[u8; 7]>(), any::<u16>(), outcome).prop_map(|(first, rest, field, outcome)| {
        let mut record = [first.as_bytes()[0]; 8];
        record[1..].copy_from_slice(&rest);
        EventItem { record: Ref8(record), field: FieldNo(field), outcome }
    })
}

fn changed() -> impl Strategy<Value = ChangedRow> {
    (ref8(), 1u8..=5, any::<u32>(), any::<[u8; 17]>()).prop_map(|(reference, kind, version, seal)| {
        ChangedRow { reference, kind, version: Version(version), seal }
    })
}

fn tokens() -> impl Strategy<Value = TokenCounts> {
    prop_oneof![Just([0; 6]), any::<[u32; 6]>()].prop_map(
        |[live, erased, rotated, revoked, forged, decoy]| TokenCounts {
            live,
            erased,
            rotated,
            revoked,
            forged,
            decoy,
        },
    )
}

fn asked() -> impl Strategy<Value = EventBody> {
    let who = (any::<[u8; 16]>(), any::<i64>(), principal(), prop::sample::select(Act::ALL.to_vec()));
    let from =
        (any::<Option<[u8; 16]>>(), prop::option::of(ref8()), prop::option::of(network()), some_text());
    (who, from, some_text(), some_text()).prop_map(
        |((request, at, principal, act), from, purpose, recipient)| {
            let mut body = EventBody::new(Id16(request), Timestamp(at), principal, act);
            let (key, on_behalf_of, network, ua_family) = from;
            body.key_id = key.map(Id16);
            body.tls_client = key.map(|id| Id16(id.map(|b| !b)));
            (body.on_behalf_of, body.network, body.ua_family) = (on_behalf_of, network, ua_family);
            (body.purpose, body.recipient) = (purpose, recipient);
            body
        },
    )
}

/// Any event that fits.
pub(super) fn any_body() -> impl Strategy<Value = EventBody> {
    let lists = (
        prop::collection::vec(ref8(), 0..20),
        prop::collection::vec(item(), 0..20),
        prop::collection::vec(changed(), 0..6),
        tokens(),
    );
    let context = prop::option::of((text(), ref8(), any::<Option<bool>>()));
    let end = (1u8..=8, some_text(), any::<[u32; 4]>(), (1u32..9, 0u32..9), any::<Option<u64>>());
    (asked(), lists, context, end).prop_map(|(mut body, lists, context, end)| {
        (body.subjects, body.items, body.changed, body.tokens) = lists;
        body.context = context;
        let (outcome, code, [rules, policy, cost, bytes], (i, more), count) = end;
        body.outcome = Outcome::from_u8(outcome).unwrap();
        body.code = code;
        (body.rules, body.policy) = (RuleSet(rules), PolicyVersion(policy));
        (body.cost, body.bytes, body.part, body.count) = (cost, bytes, (i, i + more), count);
        body
    })
}
