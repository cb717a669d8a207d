//! Events of every shape that version 1 can say.

use crate::domain::event::{Act, ChangedRow, EventBody, EventItem, NetworkFacts, Outcome, Principal};
use crate::domain::rule::RuleSet;
use crate::domain::token::TokenCounts;
use crate::domain::{FieldNo, Id16, PolicyVersion, Ref8, Timestamp, Version};
use proptest::prelude::*;

fn reference() -> impl Strategy<Value = Ref8> {
    any::<u64>().prop_map(|n| Ref8((n | 1).to_be_bytes()))
}

fn principal() -> impl Strategy<Value = Principal> {
    prop_oneof![
        Just(Principal::Vault),
        "[a-z][a-z0-9_-]{0,20}".prop_map(Principal::Client),
        any::<u32>().prop_map(Principal::Local),
    ]
}

fn network() -> impl Strategy<Value = NetworkFacts> {
    let country = prop_oneof![Just(None), Just(Some(*b"DE")), Just(Some(*b"US"))];
    ("[0-9a-f.:/]{0,40}", proptest::option::of("\\PC{0,40}"), any::<Option<u32>>(), country)
        .prop_map(|(prefix, label, asn, country)| NetworkFacts { prefix, label, asn, country })
}

fn items() -> impl Strategy<Value = Vec<EventItem>> {
    let outcome = prop_oneof![0_u8..3, 16_u8..40];
    let item = (reference(), any::<u16>(), outcome);
    proptest::collection::vec(item, 0..6).prop_map(|items| {
        items
            .into_iter()
            .map(|(record, field, outcome)| EventItem { record, field: FieldNo(field), outcome })
            .collect()
    })
}

fn changed() -> impl Strategy<Value = Vec<ChangedRow>> {
    let row = (reference(), 1_u8..6, any::<u32>(), any::<[u8; 17]>());
    proptest::collection::vec(row, 0..4).prop_map(|rows| {
        let row = |(reference, kind, version, seal)| ChangedRow {
            reference,
            kind,
            version: Version(version),
            seal,
        };
        rows.into_iter().map(row).collect()
    })
}

fn counts() -> impl Strategy<Value = TokenCounts> {
    any::<[u32; 6]>().prop_map(|[live, erased, rotated, revoked, forged, decoy]| TokenCounts {
        live,
        erased,
        rotated,
        revoked,
        forged,
        decoy,
    })
}

/// An event within the bounds.
pub(super) fn event() -> impl Strategy<Value = EventBody> {
    let who = (any::<[u8; 16]>(), any::<i64>(), principal(), proptest::sample::select(Act::ALL));
    let about =
        (any::<Option<[u8; 16]>>(), proptest::option::of(reference()), proptest::option::of(network()));
    let names = proptest::collection::vec(proptest::option::of("\\PC{0,30}"), 4);
    let lists = (proptest::collection::vec(reference(), 0..4), items(), changed(), counts());
    let context = proptest::option::of(("[a-z]{1,10}", reference(), any::<Option<bool>>()));
    let end = (1_u8..9, 0_u32..(1 << 24), any::<[u32; 3]>(), any::<Option<u64>>(), 1_u32..9);
    (who, about, names, lists, context, end).prop_map(|(who, about, names, lists, context, end)| {
        let mut body = EventBody::new(Id16(who.0), Timestamp(who.1), who.2, who.3);
        body.key_id = about.0.map(Id16);
        body.tls_client = about.0.map(|id| Id16(id.map(|b| !b)));
        body.on_behalf_of = about.1;
        body.network = about.2;
        let mut names = names.into_iter();
        body.ua_family = names.next().flatten();
        body.purpose = names.next().flatten();
        body.recipient = names.next().flatten();
        body.code = names.next().flatten();
        (body.subjects, body.items, body.changed, body.tokens) = lists;
        body.context = context;
        body.outcome = Outcome::from_u8(end.0).unwrap();
        body.rules = RuleSet(end.1);
        body.policy = PolicyVersion(end.2[0]);
        body.cost = end.2[1];
        body.bytes = end.2[2];
        body.count = end.3;
        body.part = (end.4, end.4 + 2);
        body
    })
}
