//! Changes of a subject's facts: region, a later birth date, flags, retention anchors, notices shown.

use crate::domain::event::Act;
use crate::domain::rule::RuleSet;
use crate::domain::subject::{AgeClass, Anchor, Region, SubjectState, SubjectStatus};
use crate::domain::value::country;
use crate::domain::{Object, Rule, Sensitive, SubjectId, Timestamp};
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::commit::{Concluded, Done, Plan, Stop};
use crate::vault::refusal::{Fault, Refusal, RuleName, refuse_cards};
use crate::vault::remember::Remembered;
use crate::vault::subject_create::{is_plain_name, notice_fault};

/// Most anchors and notices a subject keeps.
const MAX_ANCHORS: usize = 64;

/// What `PATCH /v1/subjects/{sub}` says.
pub struct UpdateSubject {
    /// New region.
    pub region: Option<String>,
    /// A birth date learnt later; checked, then dropped.
    pub birth_date: Option<Sensitive<String>>,
    /// All flags, replacing the present ones.
    pub flags: Option<Vec<String>>,
}

/// What `POST /v1/subjects/{sub}/anchors` says.
pub struct AnchorCommand {
    /// The event that starts a retention period.
    pub event: String,
    /// When it happened.
    pub at: Timestamp,
}

impl Vault {
    /// Changes region, age class, flags. C10: a date that shows a minor is refused and restricts the subject.
    pub async fn update_subject(
        &self,
        caller: &Caller,
        call: &Call,
        subject: SubjectId,
        command: &UpdateSubject,
    ) -> Result<Done<()>, Refusal> {
        let policy = caller.policy().clone();
        let region =
            command.region.as_deref().map(|r| Region::parse(r).filter(|r| country::is_known(r.as_str())));
        let mut faults = Vec::new();
        if region == Some(None) {
            faults.push(Fault::new(
                "/region",
                "unknown_country",
                "Write an ISO 3166-1 alpha-2 code such as DE.",
            ));
        }
        if command.flags.iter().flatten().any(|f| f != "vip" && f != "staff") {
            faults.push(Fault::new("/flags", "unknown_flag", "The flags are vip and staff."));
        }
        let minor = std::cell::Cell::new(false);
        let done = self
            .change_subject(caller, call, (Act::SubjectUpdate, "subject.update"), subject, |state| {
                if !faults.is_empty() {
                    return Err(Refusal::InvalidField(faults.clone()).into());
                }
                if let Some(Some(region)) = region {
                    if !policy.serves(region) {
                        return Err(Refusal::Denied(RuleName(Rule::RegionNotServed)).into());
                    }
                    state.region = region;
                }
                if let Some(birth) = &command.birth_date {
                    // EXPOSE: checked, then dropped; only the age class is kept.
                    match self.age_class(&policy, state.region, birth.expose()) {
                        None => {
                            let detail = "Write a date of the past that exists, as YYYY-MM-DD.";
                            let fault = Fault::new("/birth_date", "not_a_date", detail);
                            return Err(Refusal::InvalidField(vec![fault]).into());
                        }
                        Some(AgeClass::Minor) => {
                            minor.set(true);
                            state.age = AgeClass::Minor;
                            state.status = SubjectStatus::Restricted;
                        }
                        // Only a person can lift it: a later date never does.
                        Some(_) if state.age == AgeClass::Minor => minor.set(true),
                        Some(age) => state.age = age,
                    }
                }
                if let Some(flags) = &command.flags {
                    let mut flags = flags.clone();
                    flags.sort_unstable();
                    flags.dedup();
                    state.flags = flags;
                }
                Ok(())
            })
            .await?;
        if minor.get() { Err(Refusal::Minor) } else { Ok(done) }
    }

    /// Records an event that starts a retention period.
    pub async fn record_anchor(
        &self,
        caller: &Caller,
        call: &Call,
        subject: SubjectId,
        command: &AnchorCommand,
    ) -> Result<Done<()>, Refusal> {
        let name_ok = (1..=64).contains(&command.event.len())
            && command.event.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let future = command.at > self.now().plus(std::time::Duration::from_secs(300));
        self.change_subject(caller, call, (Act::SubjectAnchor, "subject.anchor"), subject, |state| {
            refuse_cards([("/event", Some(command.event.as_str()))])?;
            let mut faults = Vec::new();
            if !name_ok {
                faults.push(Fault::new("/event", "bad_name", "Write 1 to 64 of the characters a-z 0-9 _"));
            }
            if future {
                faults.push(Fault::new("/at", "in_the_future", "Write when it happened, not when it will."));
            }
            push_named(&mut state.anchors, &command.event, command.at, &mut faults, "/event");
            if faults.is_empty() { Ok(()) } else { Err(Refusal::InvalidField(faults).into()) }
        })
        .await
    }

    /// Records that the person was shown a version of the notice.
    pub async fn record_notice(
        &self,
        caller: &Caller,
        call: &Call,
        subject: SubjectId,
        version: &str,
    ) -> Result<Done<()>, Refusal> {
        let now = self.now();
        self.change_subject(caller, call, (Act::SubjectNotice, "subject.notice"), subject, |state| {
            refuse_cards([("", Some(version))])?;
            let mut faults = Vec::new();
            if !is_plain_name(version) {
                faults.push(notice_fault("/version"));
            }
            if !state.notices.iter().any(|n| n.event == version) {
                push_named(&mut state.notices, version, now, &mut faults, "/version");
            }
            if faults.is_empty() { Ok(()) } else { Err(Refusal::InvalidField(faults).into()) }
        })
        .await
    }

    /// One compare-and-swap change of a subject's state by a granted act.
    pub(in crate::vault) async fn change_subject(
        &self,
        caller: &Caller,
        call: &Call,
        (act, granted): (Act, &str),
        subject: impl Into<Option<SubjectId>>,
        change: impl Fn(&mut SubjectState) -> Result<(), Stop>,
    ) -> Result<Done<()>, Refusal> {
        let draft = Draft::new(caller, call, act);
        if let Err(denial) = caller.policy().judge_act(&caller.asker(), granted) {
            let refusal = Refusal::Denied(RuleName(denial.rule));
            return Err(self.refuse(caller, Some(call), draft, refusal, denial.all).await);
        }
        let Some(subject) = subject.into() else {
            return Err(self.refuse(caller, Some(call), draft, Refusal::NotFound, RuleSet::default()).await);
        };
        let concluded = self
            .run(caller, call, draft, |desk| {
                let loaded = self.load_subject(desk.reader, subject)?.ok_or(Refusal::NotFound)?;
                desk.event.subjects.push(self.subject_ref(subject));
                let mut state = loaded.state.clone();
                change(&mut state)?;
                let mut plan = Plan::answer(());
                plan.relied_on.push(Object::Subject(subject.0));
                if state != loaded.state {
                    plan.changes.push(self.put_subject(subject, &state, Some(loaded.version)));
                }
                if act == Act::SubjectUpdate && state.age == AgeClass::Minor {
                    // C10: refused in the answer and on the log, restricted in the state, and nothing is remembered.
                    desk.event.outcome = Refusal::Minor.outcome();
                    desk.event.code = Some(Refusal::Minor.code().to_owned());
                } else {
                    plan.remember = Some(Remembered::Done);
                }
                Ok(plan)
            })
            .await?;
        match concluded {
            Concluded::Fresh(done) => Ok(done),
            Concluded::Replay(Remembered::Done) => {
                self.replay(caller, Draft::new(caller, call, act), |desk| {
                    desk.event.subjects.push(self.subject_ref(subject));
                    Ok(())
                })
                .await
            }
            Concluded::Replay(_) => {
                let draft = Draft::new(caller, call, act);
                Err(self.refuse(caller, None, draft, Refusal::IdempotencyMismatch, RuleSet::default()).await)
            }
        }
    }
}

fn push_named(list: &mut Vec<Anchor>, event: &str, at: Timestamp, faults: &mut Vec<Fault>, pointer: &str) {
    if list.len() >= MAX_ANCHORS {
        faults.push(Fault::new(pointer, "too_many", "A subject keeps 64 of these; no more can be added."));
    } else {
        list.push(Anchor { event: event.to_owned(), at });
    }
}
