//! Policy files. No text does harm to the compiler, and every fault has a line. What is accepted compiles again under its own
//! numbers to the same policy, and its judge agrees with the slow reference judge on permit, forms and every failing rule.

use super::errors::Faults;
use super::reference::{self, Ask, Person};
use super::{Asked, Asker, ContextState, Numbering, Policy, Question, Target, Wish, decide, source};
use crate::domain::date::Date;
use crate::domain::field::Form;
use crate::domain::rule::Rule;
use crate::domain::subject::{AgeClass, Anchor, Consent, RecordFacts, Region, SubjectState, SubjectStatus};
use crate::domain::{ClientNo, CommitNo, Locator, Part, RecordId, Timestamp, Version};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Requests judged of each policy.
const REQUESTS: u32 = 12;

/// Numbers drawn from a hash of the input: an input always asks the same.
struct Dice(Vec<u8>, u32);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.1 += 1;
        let hash = Sha256::digest([self.0.as_slice(), &self.1.to_be_bytes()].concat());
        hash.first_chunk::<4>().map_or(0, |four| u32::from_be_bytes(*four) as usize) % n.max(1)
    }
    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
    fn pick<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        let at = self.below(of.len());
        of.get(at).cloned()
    }
}

/// What a policy names.
struct Named {
    clients: Vec<String>,
    purposes: Vec<String>,
    recipients: Vec<String>,
    collections: Vec<String>,
    fields: Vec<String>,
    regions: Vec<String>,
}

fn named(policy: &Policy) -> Named {
    let all = policy.collections().flat_map(|(no, _)| policy.fields_of(no));
    let fields: Vec<String> = all.map(|field| field.full_name.clone()).collect();
    let countries = ["DE", "FR", "US", "JP"].map(String::from);
    Named {
        clients: policy.clients().map(|client| client.name.clone()).collect(),
        purposes: policy.purpose_names().into_iter().map(String::from).collect(),
        recipients: policy.recipients().map(|(_, name)| name.to_owned()).collect(),
        collections: policy.collections().map(|(_, name)| name.to_owned()).collect(),
        fields,
        regions: countries.to_vec(),
    }
}

fn ask(dice: &mut Dice, of: &Named) -> Option<Ask> {
    let collection = dice.pick(&of.collections)?;
    let here = |field: &&String| field.split_once('.').is_some_and(|(first, _)| first == collection);
    let near: Vec<String> = of.fields.iter().filter(here).cloned().collect();
    let fields = (0..=dice.below(2)).filter_map(|_| dice.pick(&near)).collect();
    let read = [Wish::Read(None), Wish::Read(Some(Form::Plain)), Wish::Read(Some(Form::Masked))];
    let wishes = [&read[..], &read[..], &[Wish::Write, Wish::Search, Wish::Verify]].concat();
    Some(Ask {
        client: dice.pick(&of.clients)?,
        suspended: dice.one_in(30),
        key_expired: dice.one_in(30),
        network_allowed: !dice.one_in(30),
        wish: dice.pick(&wishes)?,
        purpose: if dice.one_in(20) { None } else { dice.pick(&of.purposes) },
        recipient: match dice.below(8) {
            0..3 => dice.pick(&of.recipients).map(Some),
            3 if dice.one_in(4) => Some(None),
            _ => None,
        },
        context: dice.pick(&[ContextState::Absent, ContextState::Unverified, ContextState::Verified])?,
        today: Date::parse(dice.pick(&["2026-01-10", "2026-06-11", "2027-03-01"])?)?,
        collection,
        fields,
    })
}

fn person(dice: &mut Dice, of: &Named) -> Option<Person> {
    let statuses = [SubjectStatus::Active, SubjectStatus::Restricted, SubjectStatus::Erased];
    let status = if dice.one_in(5) { dice.pick(&statuses)? } else { SubjectStatus::Active };
    let consents = (0..dice.below(7)).filter_map(|_| {
        let to = if dice.one_in(2) { dice.pick(&of.recipients) } else { None };
        Some((dice.pick(&of.purposes)?, to, !dice.one_in(4)))
    });
    let consents = consents.collect();
    let mut some = |names: &[String]| names.iter().filter(|_| dice.one_in(6)).cloned().collect();
    let (objections, restricted) = (some(&of.purposes), some(&of.collections));
    Some(Person {
        status,
        minor: if dice.one_in(30) { AgeClass::Minor } else { AgeClass::AdultByDate },
        region: dice.pick(&of.regions)?,
        notices: (0..dice.below(3)).map(|_| (1 + dice.below(3)).to_string()).collect(),
        consents,
        objections,
        restricted,
    })
}

fn question(policy: &Policy, ask: &Ask) -> Question {
    Question {
        asker: Asker {
            client: policy.client(&ask.client).map_or(ClientNo(u16::MAX), |client| client.no),
            suspended: ask.suspended,
            key_expired: ask.key_expired,
            network_allowed: ask.network_allowed,
        },
        wish: ask.wish,
        purpose: ask.purpose.as_deref().and_then(|name| policy.purpose(name)),
        recipient: ask.recipient.as_ref().map(|to| to.as_deref().and_then(|name| policy.recipient(name))),
        context: ask.context,
        today: ask.today,
    }
}

fn state(policy: &Policy, person: &Person) -> Option<SubjectState> {
    let at = Timestamp(0);
    let consents = person.consents.iter().map(|(purpose, to, granted)| {
        Some(Consent {
            purpose: policy.purpose(purpose)?,
            recipient: match to {
                Some(to) => Some(policy.recipient(to)?),
                None => None,
            },
            granted: *granted,
            at,
            recorded_at: at,
            channel: String::from("web"),
            text_sha256: None,
            notice_version: None,
        })
    });
    Some(SubjectState {
        status: person.status,
        region: Region::parse(&person.region)?,
        age: person.minor,
        created_at: at,
        notices: person.notices.iter().map(|event| Anchor { event: event.clone(), at }).collect(),
        consents: consents.collect::<Option<_>>()?,
        objections: person.objections.iter().filter_map(|name| policy.purpose(name)).collect(),
        restricted_collections: person.restricted.iter().filter_map(|name| policy.collection(name)).collect(),
        holds: Vec::new(),
        anchors: Vec::new(),
        flags: Vec::new(),
    })
}

/// Judges one request both ways; `None`: the policy names too little to ask anything.
fn judged(policy: &Policy, source: &source::Source, dice: &mut Dice) -> Option<()> {
    let of = named(policy);
    let (ask, person) = (ask(dice, &of)?, person(dice, &of)?);
    let collection = policy.collection(&ask.collection)?;
    let number = |name: &String| Some(policy.field(collection, name.split_once('.')?.1)?.no);
    let fields: Vec<_> = ask.fields.iter().map(number).collect::<Option<_>>()?;
    let subject = state(policy, &person)?;
    let facts = RecordFacts { collection, created_at: Timestamp(0) };
    let record = RecordId(Locator::new(7, Part::truncate(3))?);
    let target = Target { record, version: Version(2), read_at: CommitNo(5) };
    let decided =
        decide(policy, &question(policy, &ask), &fields, Asked { subject: &subject, facts, target });
    let compiled: Result<Vec<(String, Form)>, BTreeSet<Rule>> = match decided {
        Ok(permit) => {
            let name = |no| policy.field_facts(no).map(|field| field.full_name.clone()).unwrap_or_default();
            Ok(permit.fields().iter().map(|(no, form)| (name(*no), *form)).collect())
        }
        Err(denial) => Err(denial.all.iter().collect()),
    };
    let expected = reference::judge(source, &ask, &person);
    assert_eq!(compiled, expected, "the judges disagree\n{ask:?}\n{person:?}");
    Some(())
}

/// The target.
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let policy = match Policy::compile(text, &Numbering::default()) {
        Ok(policy) => policy,
        Err(faults) => {
            assert!(!faults.is_empty() && faults.iter().all(|fault| !fault.to_string().is_empty()));
            return;
        }
    };
    let again = Policy::compile(text, policy.numbering());
    let Ok(again) = again else { unreachable!("a policy does not compile under its own numbers") };
    assert_eq!(again.numbering().to_bytes(), policy.numbering().to_bytes(), "numbers are not kept");
    let kept = Numbering::from_bytes(&policy.numbering().to_bytes());
    assert!(kept.is_some_and(|kept| kept.to_bytes() == policy.numbering().to_bytes()));
    let source = source::read(text, &mut Faults::new(text));
    let mut dice = Dice(Sha256::digest(data).to_vec(), 0);
    for _ in 0..REQUESTS {
        if judged(&policy, &source, &mut dice).is_none() {
            return;
        }
    }
}
