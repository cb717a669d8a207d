//! Deletion of a record: who may, and what a hold, a duty or a restriction keeps.

use super::world::*;
use crate::domain::rule::Rule;
use crate::domain::subject::{Anchor, Hold, RecordFacts, SubjectState, SubjectStatus};
use crate::domain::{Id16, Timestamp};
use crate::policy::{Delete, Kept, Policy};

const YEAR: i64 = 365 * 86_400 * 1_000_000;

fn delete(policy: &Policy, client: &str, collection: &str, subject: &SubjectState, now: i64) -> Delete {
    let facts = RecordFacts { collection: policy.collection(collection).unwrap(), created_at: Timestamp(0) };
    policy.judge_delete(&asker(policy, client), subject, facts, Timestamp(now))
}

fn rule_of(delete: Delete) -> Option<Rule> {
    match delete {
        Delete::Denied(denial) => Some(denial.rule),
        _ => None,
    }
}

/// The sample with the act granted to who writes billing data.
fn billing_deletes() -> Policy {
    sample_with("acts = [\"token.mint\"]", "acts = [\"token.mint\", \"record.delete\"]")
}

#[test]
fn a_client_deletes_with_the_act_and_in_collections_it_writes() {
    let policy = billing_deletes();
    assert_eq!(delete(&policy, "storefront", "contact", &person(), 1), Delete::Allowed);
    assert_eq!(delete(&policy, "storefront", "billing", &person(), 1), Delete::Foreign);
    assert_eq!(delete(&policy, "billing", "contact", &person(), 1), Delete::Foreign);
    assert_eq!(rule_of(delete(&policy, "mailer", "contact", &person(), 1)), Some(Rule::ActNotGranted));
    let mut suspended = asker(&policy, "storefront");
    suspended.suspended = true;
    let facts = RecordFacts { collection: policy.collection("contact").unwrap(), created_at: Timestamp(0) };
    let answer = policy.judge_delete(&suspended, &person(), facts, Timestamp(1));
    assert_eq!(rule_of(answer), Some(Rule::ClientSuspended));
}

#[test]
fn c24_a_duty_keeps_a_record_from_its_latest_event_on_and_lets_it_go_after() {
    let policy = billing_deletes();
    let mut subject = person();
    assert_eq!(delete(&policy, "billing", "billing", &subject, 1), Delete::Kept(Kept::Duty));
    assert_eq!(delete(&policy, "billing", "billing", &subject, 11 * YEAR), Delete::Allowed);
    for at in [2 * YEAR, 5 * YEAR] {
        subject.anchors.push(Anchor { event: "contract_ended".into(), at: Timestamp(at) });
    }
    subject.anchors.push(Anchor { event: "account_closed".into(), at: Timestamp(20 * YEAR) });
    assert_eq!(delete(&policy, "billing", "billing", &subject, 14 * YEAR), Delete::Kept(Kept::Duty));
    assert_eq!(delete(&policy, "billing", "billing", &subject, 16 * YEAR), Delete::Allowed);
}

#[test]
fn a_hold_keeps_its_collections_until_it_ends() {
    let policy = sample();
    let contact = policy.collection("contact").unwrap();
    for collections in [vec![], vec![contact]] {
        let narrow = !collections.is_empty();
        let mut subject = person();
        subject.holds.push(Hold { id: Id16([1; 16]), collections, until: Timestamp(100) });
        assert_eq!(delete(&policy, "storefront", "contact", &subject, 99), Delete::Kept(Kept::Hold));
        assert_eq!(delete(&policy, "storefront", "contact", &subject, 100), Delete::Allowed);
        let other = delete(&policy, "storefront", "shipping", &subject, 99);
        assert_eq!(other == Delete::Allowed, narrow);
    }
}

#[test]
fn under_restriction_a_record_stays_as_it_may_serve_the_persons_claim() {
    let policy = sample();
    let mut subject = person();
    subject.status = SubjectStatus::Restricted;
    let refused = delete(&policy, "storefront", "contact", &subject, 1);
    assert_eq!(rule_of(refused), Some(Rule::SubjectRestricted));
    subject.restricted_collections = vec![policy.collection("shipping").unwrap()];
    assert_eq!(delete(&policy, "storefront", "contact", &subject, 1), Delete::Allowed);
    let refused = delete(&policy, "storefront", "shipping", &subject, 1);
    assert_eq!(rule_of(refused), Some(Rule::SubjectRestricted));
}
