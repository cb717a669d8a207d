//! The second field of a compound search: judged as strictly as the first.

use super::world::{field, person, question, sample, sample_with, target, to};
use crate::domain::Timestamp;
use crate::domain::rule::Rule;
use crate::domain::subject::RecordFacts;
use crate::policy::{Policy, Question, Wish};

fn companion(policy: &Policy, q: &Question, first: &str, other: &str) -> Option<Rule> {
    let leave = policy.judge_request(q).unwrap_or_else(|d| panic!("{d:?}"));
    policy.judge_search_companion(&leave, field(policy, first), field(policy, other)).err().map(|d| d.rule)
}

fn searching(policy: &Policy) -> Question {
    question(policy, "storefront", "order_fulfilment", Wish::Search)
}

#[test]
fn c08_only_the_declared_companion_of_a_field_granted_for_search_may_be_searched() {
    let policy = sample();
    let q = searching(&policy);
    assert_eq!(companion(&policy, &q, "shipping.name", "shipping.address"), None);
    assert_eq!(companion(&policy, &q, "shipping.name", "shipping.company"), Some(Rule::FieldNotGranted));
    assert_eq!(companion(&policy, &q, "contact.email", "shipping.address"), Some(Rule::FieldNotGranted));
    let reading = question(&policy, "storefront", "order_fulfilment", Wish::Read(None));
    assert_eq!(
        companion(&policy, &reading, "shipping.name", "shipping.address"),
        Some(Rule::FieldNotGranted)
    );
}

#[test]
fn c08_a_companion_of_a_field_not_granted_for_search_is_refused() {
    let policy = sample_with("\"credential.login\", \"shipping.name\"]", "\"credential.login\"]");
    let q = searching(&policy);
    assert_eq!(companion(&policy, &q, "shipping.name", "shipping.address"), Some(Rule::FieldNotGranted));
}

#[test]
fn c20_a_companion_the_recipient_may_not_have_is_refused() {
    let ceiling = "fields = [\"contact.name\", \"contact.phone\", \"shipping.address\"]";
    let with = sample_with(ceiling, "fields = [\"contact.name\", \"shipping.name\", \"shipping.address\"]");
    let without = sample_with(ceiling, "fields = [\"contact.name\", \"shipping.name\"]");
    let ask = |policy: &Policy| {
        companion(
            policy,
            &to(policy, "parcel-carrier", searching(policy)),
            "shipping.name",
            "shipping.address",
        )
    };
    assert_eq!(ask(&with), None);
    assert_eq!(ask(&without), Some(Rule::ProcessorCeiling));
}

#[test]
fn i2_a_permit_for_no_field_is_never_given() {
    let policy = sample();
    let reading = question(&policy, "storefront", "order_fulfilment", Wish::Read(None));
    let leave = policy.judge_request(&reading).unwrap();
    let collection = policy.collection("contact").unwrap();
    let facts = RecordFacts { collection, created_at: Timestamp(0) };
    let none = policy.judge_subject(&leave, &[], &person(), facts, target());
    assert_eq!(none.err().map(|d| d.rule), Some(Rule::FieldNotGranted));
}
