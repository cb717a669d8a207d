//! The compiled judge and its reference agree: over generated policies and requests, on the permit and its forms, on
//! the reported rule, and on every rule that failed.

use super::world::target;
use crate::domain::date::Date;
use crate::domain::field::Form;
use crate::domain::rule::Rule;
use crate::domain::subject::{AgeClass, Anchor, Consent, RecordFacts, Region, SubjectState, SubjectStatus};
use crate::domain::{ClientNo, Timestamp};
use crate::policy::errors::Faults;
use crate::policy::reference::{self, Ask, Person};
use crate::policy::{Asked, Asker, ContextState, Numbering, Policy, Question, Wish, decide, source};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

const COUNTRIES: [&str; 4] = ["DE", "FR", "US", "JP"];
const PURPOSES: [&str; 4] = ["p0", "p1", "p2", "p3"];
const FIELDS: [&str; 6] = ["a.name", "a.email", "a.phone", "b.login", "b.password", "b.text"];
const RECIPIENTS: [&str; 2] = ["proc", "third"];

/// A small generator of numbers (SplitMix64), so that a failing case is named by its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
    /// A TOML list of some of these.
    fn some(&mut self, of: &[&str], one_in: u64) -> String {
        let chosen: Vec<String> =
            of.iter().filter(|_| self.one_in(one_in)).map(|s| format!("\"{s}\"")).collect();
        format!("[{}]", chosen.join(", "))
    }
}

fn policy_text(dice: &mut Dice) -> String {
    let mut t = String::from(
        "[regions]\nEU = [\"DE\", \"FR\"]\n[policy]\nname = \"n\"\nversion = 1\ncontroller = \"c\"\ncontact = \"a@b\"\n\
         regions = [\"EU\"]\n[minors]\nminimum_age = 18\n[collections.a]\n\
         fields.name = { type = \"person_name\", sensitivity = 1, search = { with = \"phone\" } }\n\
         fields.email = { type = \"email\", sensitivity = 1, search = \"exact\" }\n\
         fields.phone = { type = \"phone\", sensitivity = 1 }\n[collections.b]\n\
         fields.login = { type = \"login\", sensitivity = 1, search = \"exact\" }\n\
         fields.password = { type = \"password\", sensitivity = 5 }\n\
         fields.text = { type = \"free_text\", sensitivity = 1 }\n",
    );
    let mut masked_only = BTreeSet::new();
    for name in PURPOSES {
        let basis = dice.pick(&["consent", "contract", "legitimate_interests"]);
        writeln!(t, "[purposes.{name}]\nbasis = \"{basis}\"").unwrap();
        if basis != "consent" && dice.one_in(4) {
            t += "administrative = true\n";
        } else {
            writeln!(t, "opt_out = {}\nmarketing = {}", dice.one_in(3), dice.one_in(3)).unwrap();
        }
        if dice.one_in(4) {
            t += "masked_only = true\n";
            masked_only.insert(name);
        }
        if dice.one_in(3) {
            t += "during_restriction = \"vital\"\n";
        }
        if dice.one_in(3) {
            writeln!(t, "since_notice = \"{}\"", 1 + dice.below(3)).unwrap();
        }
    }
    for name in ["c0", "c1"] {
        client_text(dice, name, &masked_only, &mut t);
    }
    let contract = "contract = { ref = \"x\", signed = 2026-01-10, expires = 2026-06-10 }\n";
    let bases = ["none_needed", "none_needed", "adequacy"];
    let ceilings =
        ["[\"a.*\", \"a.email\"]", "[\"a.name\", \"b.text\"]", "[\"a.name\", \"a.email\", \"b.*\"]"];
    for section in ["processors.proc", "third_parties.third"] {
        let (country, basis, fields) = (dice.pick(&COUNTRIES), dice.pick(&bases), dice.pick(&ceilings));
        let purposes = dice.some(&PURPOSES, 1);
        writeln!(t, "[{section}]\ncountry = \"{country}\"\ntransfer_basis = \"{basis}\"").unwrap();
        writeln!(t, "purposes = {purposes}\nfields = {fields}").unwrap();
        t += if section == "processors.proc" || dice.one_in(2) { contract } else { "" };
    }
    for _ in 0..dice.below(4) {
        let ends = ["DE", "FR", "US", "JP", "EU"];
        let (from, to, masked) = (dice.pick(&ends), dice.pick(&ends), dice.one_in(3));
        writeln!(
            t,
            "[[transfers]]\nfrom = \"{from}\"\nto = \"{to}\"\nbasis = \"adequacy\"\nmasked_only = {masked}"
        )
        .unwrap();
    }
    t
}

fn client_text(dice: &mut Dice, name: &str, masked_only: &BTreeSet<&str>, t: &mut String) {
    let country = dice.pick(&COUNTRIES);
    writeln!(t, "[clients.{name}]\ncountry = \"{country}\"\nnetworks = [\"10.0.0.0/8\"]\nauth = [\"key\"]")
        .unwrap();
    for purpose in PURPOSES {
        if dice.one_in(5) {
            continue;
        }
        writeln!(t, "[[clients.{name}.grants]]\npurpose = \"{purpose}\"").unwrap();
        let readable = ["a.*", "a.name", "a.email", "b.*", "b.text", "b.login"];
        writeln!(t, "masked = {}", dice.some(&readable, 3)).unwrap();
        if !masked_only.contains(purpose) {
            writeln!(t, "plain = {}", dice.some(&readable, 3)).unwrap();
            writeln!(t, "write = {}", dice.some(&["a.*", "a.name", "b.password", "b.*"], 3)).unwrap();
            writeln!(t, "search = {}", dice.some(&["a.*", "a.email", "b.login"], 2)).unwrap();
            writeln!(t, "verify = {}", dice.one_in(2)).unwrap();
        }
        writeln!(t, "recipients = {}", dice.some(&RECIPIENTS, 2)).unwrap();
        writeln!(t, "context = \"{}\"", dice.pick(&["none", "none", "present", "verified"])).unwrap();
    }
}

fn ask(dice: &mut Dice) -> Ask {
    let collection = dice.pick(&["a", "b"]);
    let near: Vec<&str> =
        FIELDS.into_iter().filter(|f| f.starts_with(collection) || dice.one_in(20)).collect();
    let fields = (0..=dice.below(2)).map(|_| dice.pick(&near).to_owned()).collect();
    let read = [Wish::Read(None), Wish::Read(Some(Form::Plain)), Wish::Read(Some(Form::Masked))];
    let wish = match dice.below(6) {
        0 => Wish::Write,
        1 => Wish::Search,
        2 => Wish::Verify,
        _ => dice.pick(&read),
    };
    let recipient = match dice.below(5) {
        0 | 1 => Some(Some(dice.pick(&RECIPIENTS).to_owned())),
        2 if dice.one_in(3) => Some(None),
        _ => None,
    };
    Ask {
        client: dice.pick(&["c0", "c1"]).to_owned(),
        suspended: dice.one_in(30),
        key_expired: dice.one_in(30),
        network_allowed: !dice.one_in(30),
        wish,
        purpose: (!dice.one_in(20)).then(|| dice.pick(&PURPOSES).to_owned()),
        recipient,
        context: dice.pick(&[ContextState::Absent, ContextState::Unverified, ContextState::Verified]),
        today: dice.pick(
            &["2026-01-10", "2026-03-01", "2026-06-10", "2026-06-11", "2026-01-09"]
                .map(|d| Date::parse(d).unwrap()),
        ),
        collection: collection.to_owned(),
        fields,
    }
}

fn person(dice: &mut Dice) -> Person {
    let rare = dice.pick(&[SubjectStatus::Restricted, SubjectStatus::Erasing, SubjectStatus::Erased]);
    let consents = (0..dice.below(9)).map(|_| {
        let to = if dice.one_in(2) { None } else { Some(dice.pick(&RECIPIENTS).to_owned()) };
        (dice.pick(&PURPOSES).to_owned(), to, !dice.one_in(4))
    });
    Person {
        consents: consents.collect(),
        status: if dice.one_in(5) { rare } else { SubjectStatus::Active },
        minor: if dice.one_in(30) { AgeClass::Minor } else { AgeClass::AdultByDate },
        region: dice.pick(&COUNTRIES).to_owned(),
        notices: (0..dice.below(3)).map(|_| (1 + dice.below(3)).to_string()).collect(),
        objections: PURPOSES.iter().filter(|_| dice.one_in(6)).map(|s| (*s).to_owned()).collect(),
        restricted: ["a", "b"].iter().filter(|_| dice.one_in(6)).map(|s| (*s).to_owned()).collect(),
    }
}

fn question(policy: &Policy, ask: &Ask) -> Question {
    Question {
        asker: Asker {
            client: policy.client(&ask.client).map_or(ClientNo(99), |c| c.no),
            suspended: ask.suspended,
            key_expired: ask.key_expired,
            network_allowed: ask.network_allowed,
        },
        wish: ask.wish,
        purpose: ask.purpose.as_deref().and_then(|p| policy.purpose(p)),
        recipient: ask.recipient.as_ref().map(|r| r.as_deref().and_then(|r| policy.recipient(r))),
        context: ask.context,
        today: ask.today,
    }
}

fn state(policy: &Policy, person: &Person) -> SubjectState {
    let t = Timestamp(0);
    let consent = |(p, r, granted): &(String, Option<String>, bool)| Consent {
        purpose: policy.purpose(p).unwrap(),
        recipient: r.as_deref().map(|r| policy.recipient(r).unwrap()),
        granted: *granted,
        at: t,
        recorded_at: t,
        channel: "web".into(),
        text_sha256: None,
        notice_version: None,
    };
    SubjectState {
        status: person.status,
        region: Region::parse(&person.region).unwrap(),
        age: person.minor,
        created_at: t,
        notices: person.notices.iter().map(|n| Anchor { event: n.clone(), at: t }).collect(),
        consents: person.consents.iter().map(consent).collect(),
        objections: person.objections.iter().map(|p| policy.purpose(p).unwrap()).collect(),
        restricted_collections: person.restricted.iter().map(|c| policy.collection(c).unwrap()).collect(),
        holds: Vec::new(),
        anchors: Vec::new(),
        flags: Vec::new(),
    }
}

type Outcome = Result<Vec<(String, Form)>, BTreeSet<Rule>>;

fn compiled(policy: &Policy, ask: &Ask, person: &Person) -> Outcome {
    let collection = policy.collection(&ask.collection).unwrap();
    let number = |name: &String| {
        let (c, f) = name.split_once('.').unwrap();
        policy.field(policy.collection(c).unwrap(), f).unwrap().no
    };
    let fields: Vec<_> = ask.fields.iter().map(number).collect();
    let subject = state(policy, person);
    let facts = RecordFacts { collection, created_at: Timestamp(0) };
    let asked = Asked { subject: &subject, facts, target: target() };
    match decide(policy, &question(policy, ask), &fields, asked) {
        Ok(permit) => {
            let name = |no| policy.field_facts(no).unwrap().full_name.clone();
            Ok(permit.fields().iter().map(|(f, form)| (name(*f), *form)).collect())
        }
        Err(denial) => {
            let all: BTreeSet<Rule> = denial.all.iter().collect();
            assert_eq!(Some(&denial.rule), all.first(), "the first in order is reported");
            Err(all)
        }
    }
}

#[test]
fn the_judge_agrees_with_its_reference_over_generated_policies_and_requests() {
    let (mut policies, mut requests, mut seed) = (0, 0, 0);
    let mut seen: BTreeMap<Rule, u32> = BTreeMap::new();
    let mut permitted = [0u32; 2];
    while policies < 400 {
        seed += 1;
        assert!(seed < 4_000, "too few generated policies compile");
        let mut dice = Dice(seed);
        let text = policy_text(&mut dice);
        let Ok(policy) = Policy::compile(&text, &Numbering::default()) else { continue };
        let source = source::read(&text, &mut Faults::new(&text));
        policies += 1;
        for _ in 0..80 {
            let (ask, person) = (ask(&mut dice), person(&mut dice));
            let expected = reference::judge(&source, &ask, &person);
            assert_eq!(
                compiled(&policy, &ask, &person),
                expected,
                "seed {seed}\n{ask:?}\n{person:?}\n{text}"
            );
            requests += 1;
            match expected {
                Ok(forms) => forms.iter().for_each(|(_, f)| permitted[usize::from(*f == Form::Masked)] += 1),
                Err(rules) => rules.into_iter().for_each(|r| *seen.entry(r).or_default() += 1),
            }
        }
    }
    assert!(requests >= 20_000);
    assert!(permitted.iter().all(|n| *n > 100), "plain and masked permits: {permitted:?}");
    // The rules that other rooms apply: operators, alerts, acts, served regions, suspended recipients.
    let elsewhere = [
        Rule::ConfidentialityNotAcknowledged,
        Rule::ThrottledByAlert,
        Rule::ActNotGranted,
        Rule::RegionNotServed,
        Rule::RecipientSuspended,
    ];
    for rule in Rule::ALL.iter().filter(|r| !elsewhere.contains(r)) {
        assert!(seen.get(rule).is_some_and(|n| *n >= 20), "{rule:?} is seen {:?} times", seen.get(rule));
    }
}

#[test]
fn i5_the_context_is_judged_alone_as_it_is_with_the_rest_and_what_was_not_named_is_never_verified() {
    let (mut asked, mut seed, mut refused) = (0, 0, [0u32; 2]);
    while asked < 4_000 {
        seed += 1;
        assert!(seed < 60_000, "too few requests pass the static half");
        let mut dice = Dice(seed);
        let text = policy_text(&mut dice);
        let Ok(policy) = Policy::compile(&text, &Numbering::default()) else { continue };
        let source = source::read(&text, &mut Faults::new(&text));
        for _ in 0..20 {
            let ask = ask(&mut dice);
            let Ok(leave) = policy.judge_request(&question(&policy, &ask)) else { continue };
            asked += 1;
            for verified in [false, true] {
                let context = match (ask.context, verified) {
                    (ContextState::Absent, _) => ContextState::Absent,
                    (_, false) => ContextState::Unverified,
                    (_, true) => ContextState::Verified,
                };
                let expected = reference::context(&source, &Ask { context, ..ask.clone() });
                let judged = policy.judge_context(&leave.in_context(verified));
                let all: BTreeSet<Rule> =
                    judged.err().into_iter().flat_map(|d| d.all.iter().collect::<Vec<_>>()).collect();
                assert_eq!(all, expected, "seed {seed}\n{ask:?}\n{text}");
                refused[0] += u32::from(all.contains(&Rule::ContextMissing));
                refused[1] += u32::from(all.contains(&Rule::ContextUnverified));
            }
        }
    }
    assert!(refused.iter().all(|n| *n > 50), "missing and unverified: {refused:?}");
}
