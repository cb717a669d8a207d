//! `POST /v1/subjects`: a subject is created, or found again by its external reference. C10: no data of minors; the birth
//! date is checked, then dropped.

use crate::crypto::{NameKind, RefKind};
use crate::domain::date::Date;
use crate::domain::entropy::{Entropy, OsEntropy};
use crate::domain::event::Act;
use crate::domain::rule::RuleSet;
use crate::domain::subject::{AgeClass, Anchor, Region, SubjectState, SubjectStatus};
use crate::domain::value::country;
use crate::domain::{Locator, Object, Part, Rule, Sensitive, SubjectId, Timestamp};
use crate::policy::Policy;
use crate::storage::{Change, ExternalRefRow};
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::commit::{Concluded, Desk, Done, Plan, Stop};
use crate::vault::refusal::{Fault, Refusal, RuleName, refuse_cards};
use crate::vault::remember::{Remembered, subject_id};

/// What `POST /v1/subjects` says.
pub struct CreateSubject {
    /// ISO 3166-1 alpha-2.
    pub region: String,
    /// Checked for majority, then dropped.
    pub birth_date: Option<Sensitive<String>>,
    /// The client attests majority.
    pub age_attested: Option<bool>,
    /// The client's own reference; kept only as blind value.
    pub external_ref: Option<Sensitive<String>>,
    /// The notice the person was shown.
    pub notice_version: Option<String>,
}

/// A subject's public name, and whether it is new.
pub struct CreatedSubject {
    /// `sub_…`
    pub subject: String,
    /// `false`: it was there with the same facts.
    pub created: bool,
}

/// What was checked before anything is read.
struct Facts {
    region: Region,
    age: AgeClass,
    external_ref: Option<[u8; 16]>,
    notice: Option<String>,
}

impl Vault {
    /// Creates a subject.
    pub async fn create_subject(
        &self,
        caller: &Caller,
        call: &Call,
        command: &CreateSubject,
    ) -> Result<Done<CreatedSubject>, Refusal> {
        let policy = caller.policy().clone();
        let draft = Draft::new(caller, call, Act::SubjectCreate);
        if let Err(denial) = policy.judge_act(&caller.asker(), "subject.create") {
            let refusal = Refusal::Denied(RuleName(denial.rule));
            return Err(self.refuse(caller, Some(call), draft, refusal, denial.all).await);
        }
        let facts = match self.check_subject(&policy, command) {
            Ok(facts) => facts,
            Err(refusal) => {
                return Err(self.refuse(caller, Some(call), draft, refusal, RuleSet::default()).await);
            }
        };
        let locator = match self.new_subject_locator().await {
            Ok(locator) => locator,
            Err(refusal) => return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await),
        };
        match self.run(caller, call, draft, |desk| self.plan_subject(desk, locator, &facts)).await? {
            Concluded::Fresh(done) => Ok(Done {
                value: self.created(done.value.0, done.value.1),
                receipt: done.receipt,
                cost: done.cost,
                replayed: false,
            }),
            Concluded::Replay(Remembered::Subject { subject, created }) => {
                let id = subject_id(subject).ok_or(Refusal::Integrity)?;
                let draft = Draft::new(caller, call, Act::SubjectCreate);
                self.replay(caller, draft, |desk| {
                    self.load_subject(desk.reader, id)?.ok_or(Refusal::NotFound)?;
                    desk.event.subjects.push(self.subject_ref(id));
                    Ok(self.created(id, created))
                })
                .await
            }
            Concluded::Replay(_) => Err(Refusal::IdempotencyMismatch),
        }
    }

    fn created(&self, subject: SubjectId, created: bool) -> CreatedSubject {
        CreatedSubject { subject: self.keys().name(NameKind::Subject, subject.0), created }
    }

    async fn new_subject_locator(&self) -> Result<Locator, Refusal> {
        let random = OsEntropy.array::<2>().map_err(|_| Refusal::Overloaded)?;
        let part = Part::truncate(u16::from_be_bytes(random));
        Ok(self.locators.next(self.store(), part).await?)
    }

    fn check_subject(&self, policy: &Policy, command: &CreateSubject) -> Result<Facts, Refusal> {
        // EXPOSE: looked at for a card number; only its keyed blind value is kept.
        let reference = command.external_ref.as_ref().map(|r| r.expose().as_str());
        let notice = command.notice_version.as_deref();
        refuse_cards([("/external_ref", reference), ("/notice_version", notice)])?;
        let mut faults = Vec::new();
        let region = Region::parse(&command.region).filter(|r| country::is_known(r.as_str()));
        if region.is_none() {
            faults.push(Fault::new(
                "/region",
                "unknown_country",
                "Write an ISO 3166-1 alpha-2 code such as DE.",
            ));
        }
        if let Some(fault) = external_ref_fault(command.external_ref.as_ref()) {
            faults.push(fault);
        }
        if !command.notice_version.as_deref().is_none_or(is_plain_name) {
            faults.push(notice_fault("/notice_version"));
        }
        let age = self.check_age(policy, region, command, &mut faults);
        match (faults.is_empty(), region, age) {
            (true, Some(region), Some(age)) => {
                if age == AgeClass::Minor {
                    return Err(Refusal::Minor);
                }
                if !policy.serves(region) {
                    return Err(Refusal::Denied(RuleName(Rule::RegionNotServed)));
                }
                // EXPOSE: only its keyed blind value is kept.
                let blind = |r: &Sensitive<String>| self.keys().blind_external_ref(r.expose());
                let external_ref = command.external_ref.as_ref().map(blind);
                Ok(Facts { region, age, external_ref, notice: command.notice_version.clone() })
            }
            _ => Err(Refusal::InvalidField(faults)),
        }
    }

    pub(in crate::vault) fn check_age(
        &self,
        policy: &Policy,
        region: Option<Region>,
        command: &CreateSubject,
        faults: &mut Vec<Fault>,
    ) -> Option<AgeClass> {
        match (&command.birth_date, command.age_attested) {
            (Some(birth), _) => {
                // EXPOSE: checked, then dropped; only the age class is kept.
                let Some(age) = self.age_on_today(birth.expose()) else {
                    let detail = "Write a date of the past that exists, as YYYY-MM-DD.";
                    faults.push(Fault::new("/birth_date", "not_a_date", detail));
                    return None;
                };
                region.map(|region| class_of(policy, region, age))
            }
            (None, Some(true)) => Some(AgeClass::AdultAttested),
            // Silence may be taken for an attestation, its denial may not.
            (None, None) if policy.takes_unknown_age() => Some(AgeClass::AdultAttested),
            (None, _) => {
                let detail = "Send birth_date, or age_attested true when majority was attested.";
                faults.push(Fault::new("/birth_date", "age_unknown", detail));
                None
            }
        }
    }

    /// The age class a birth date shows today; `None`: not a date of the past.
    pub(in crate::vault) fn age_class(
        &self,
        policy: &Policy,
        region: Region,
        birth: &str,
    ) -> Option<AgeClass> {
        self.age_on_today(birth).map(|age| class_of(policy, region, age))
    }

    fn age_on_today(&self, birth: &str) -> Option<u16> {
        Date::parse(birth).filter(|d| d.year >= 1850)?.age_on(self.today())
    }

    fn plan_subject(
        &self,
        desk: &mut Desk<'_, '_>,
        locator: Locator,
        facts: &Facts,
    ) -> Result<Plan<(SubjectId, bool)>, Stop> {
        let id = SubjectId(locator);
        let known = match facts.external_ref {
            Some(h) => desk.reader.external_ref(&h)?,
            None => None,
        };
        if let Some(row) = known {
            return self.found_again(desk, &row, facts);
        }
        desk.event.subjects.push(self.reference(RefKind::Subject, &locator.get().to_be_bytes()));
        let mut plan = Plan::answer((id, true));
        plan.changes.push(self.put_subject(id, &new_state(facts, self.now()), None));
        if let Some(h) = facts.external_ref {
            plan.relied_on.push(Object::ExternalRef(h));
            plan.changes.push(Change::PutExternalRef { row: self.external_ref(h, id) });
        }
        plan.remember = Some(Remembered::Subject { subject: locator.get(), created: true });
        Ok(plan)
    }
}

impl Vault {
    /// The subject an external reference names already: the same facts find it, others conflict.
    fn found_again(
        &self,
        desk: &mut Desk<'_, '_>,
        row: &ExternalRefRow,
        facts: &Facts,
    ) -> Result<Plan<(SubjectId, bool)>, Stop> {
        if !self.external_ref_holds(row) {
            return Err(Refusal::Integrity.into());
        }
        let found = row.subject;
        let loaded = self.load_subject(desk.reader, found)?.ok_or(Refusal::AlreadyExists)?;
        desk.event.subjects.push(self.subject_ref(found));
        if loaded.state.region != facts.region || loaded.state.age != facts.age {
            return Err(Refusal::Conflict.into());
        }
        let mut plan = Plan::answer((found, false));
        plan.relied_on.push(Object::Subject(found.0));
        plan.remember = Some(Remembered::Subject { subject: found.0.get(), created: false });
        Ok(plan)
    }
}

fn class_of(policy: &Policy, region: Region, age: u16) -> AgeClass {
    if age < policy.minimum_age(region) { AgeClass::Minor } else { AgeClass::AdultByDate }
}

fn new_state(facts: &Facts, now: Timestamp) -> SubjectState {
    let notices = facts.notice.iter().map(|version| Anchor { event: version.clone(), at: now }).collect();
    SubjectState {
        status: SubjectStatus::Active,
        region: facts.region,
        age: facts.age,
        created_at: now,
        notices,
        consents: Vec::new(),
        objections: Vec::new(),
        restricted_collections: Vec::new(),
        holds: Vec::new(),
        anchors: Vec::new(),
        flags: Vec::new(),
    }
}

fn external_ref_fault(external_ref: Option<&Sensitive<String>>) -> Option<Fault> {
    // EXPOSE: its length and characters are checked.
    let text = external_ref?.expose();
    let fits = (1..=256).contains(&text.len()) && !text.chars().any(char::is_control);
    (!fits).then(|| {
        Fault::new("/external_ref", "bad_reference", "Write 1 to 256 bytes without control characters.")
    })
}

/// A name of ours in a free position: 1–64 of [A-Za-z0-9._:-].
pub(in crate::vault) fn is_plain_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-'))
}

/// The fault of a notice version with another form.
pub(in crate::vault) fn notice_fault(pointer: &str) -> Fault {
    Fault::new(pointer, "bad_name", "Write 1 to 64 of the characters A-Z a-z 0-9 . _ : -")
}
