//! The sample policy, and who asks and is asked about in these tests.

use crate::domain::date::Date;
use crate::domain::rule::Rule;
use crate::domain::subject::{AgeClass, Consent, RecordFacts, Region, SubjectState, SubjectStatus};
use crate::domain::{CommitNo, FieldNo, Locator, Part, RecordId, Timestamp, Version};
use crate::policy::{
    Asked, Asker, ContextState, Denial, Numbering, Permit, Policy, Question, SAMPLE, Target, Wish, decide,
};

pub(super) fn target() -> Target {
    let record = RecordId(Locator::new(7, Part::truncate(3)).unwrap());
    Target { record, version: Version(2), read_at: CommitNo(5) }
}

pub(super) fn sample() -> Policy {
    Policy::compile(SAMPLE, &Numbering::default()).unwrap()
}

/// The sample policy with some of its text replaced.
pub(super) fn sample_with(from: &str, to: &str) -> Policy {
    assert!(SAMPLE.contains(from), "{from}");
    Policy::compile(&SAMPLE.replacen(from, to, 1), &Numbering::default()).unwrap()
}

pub(super) fn field(policy: &Policy, name: &str) -> FieldNo {
    let (collection, short) = name.split_once('.').unwrap();
    policy.field(policy.collection(collection).unwrap(), short).unwrap().no
}

pub(super) fn asker(policy: &Policy, client: &str) -> Asker {
    let client = policy.client(client).unwrap().no;
    Asker { client, suspended: false, key_expired: false, network_allowed: true }
}

pub(super) fn question(policy: &Policy, client: &str, purpose: &str, wish: Wish) -> Question {
    Question {
        asker: asker(policy, client),
        wish,
        purpose: policy.purpose(purpose),
        recipient: None,
        context: ContextState::Absent,
        today: Date::parse("2026-11-24").unwrap(),
    }
}

pub(super) fn to(policy: &Policy, recipient: &str, question: Question) -> Question {
    Question { recipient: Some(policy.recipient(recipient)), ..question }
}

pub(super) fn person() -> SubjectState {
    SubjectState {
        status: SubjectStatus::Active,
        region: Region(*b"DE"),
        age: AgeClass::AdultByDate,
        created_at: Timestamp(0),
        notices: Vec::new(),
        consents: Vec::new(),
        objections: Vec::new(),
        restricted_collections: Vec::new(),
        holds: Vec::new(),
        anchors: Vec::new(),
        flags: Vec::new(),
    }
}

/// Records a consent or a withdrawal.
pub(super) fn says(
    policy: &Policy,
    person: &mut SubjectState,
    (purpose, to): (&str, Option<&str>),
    granted: bool,
) {
    person.consents.push(Consent {
        purpose: policy.purpose(purpose).unwrap(),
        recipient: to.map(|r| policy.recipient(r).unwrap()),
        granted,
        at: Timestamp(1),
        recorded_at: Timestamp(1),
        channel: "web".into(),
        text_sha256: None,
        notice_version: None,
    });
}

/// The whole decision about one field.
pub(super) fn judge(
    policy: &Policy,
    q: &Question,
    name: &str,
    subject: &SubjectState,
) -> Result<Permit, Denial> {
    let no = field(policy, name);
    let facts =
        RecordFacts { collection: policy.field_facts(no).unwrap().collection, created_at: Timestamp(0) };
    decide(policy, q, &[no], Asked { subject, facts, target: target() })
}

/// The rule that is reported; `None` when permitted.
pub(super) fn rule(policy: &Policy, q: &Question, name: &str, subject: &SubjectState) -> Option<Rule> {
    judge(policy, q, name, subject).err().map(|d| d.rule)
}
