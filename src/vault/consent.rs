//! Consents as stored state: given or withdrawn, per purpose and per recipient, never deleted (C14, C15, C17).
//! A withdrawal is in force for every read that starts after its acknowledgement: it is the subject's own sealed row.

use crate::domain::event::Act;
use crate::domain::rule::RuleSet;
use crate::domain::subject::{Consent, SubjectState};
use crate::domain::{Object, SubjectId, Timestamp};
use crate::policy::Policy;
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::commit::{Done, Plan};
use crate::vault::refusal::{Fault, Refusal, RuleName, refuse_cards};
use crate::vault::subject_create::is_plain_name;
use crate::vault::subject_view::fresh;

/// What `PUT …/consents/{purpose}` says.
pub struct ConsentCommand {
    /// Purpose, by name.
    pub purpose: String,
    /// Recipient, by name; `None`: the purpose itself.
    pub recipient: Option<String>,
    /// Given or withdrawn.
    pub granted: bool,
    /// By which channel the person spoke.
    pub channel: String,
    /// Digest of the text shown, 64 hex digits.
    pub text_sha256: Option<String>,
    /// Notice shown.
    pub notice_version: Option<String>,
    /// When the person decided; `None`: now.
    pub at: Option<Timestamp>,
}

/// One consent by names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordedConsent {
    /// Purpose.
    pub purpose: String,
    /// Recipient.
    pub recipient: Option<String>,
    /// The entry.
    pub consent: Consent,
}

/// What `GET …/consents` shows.
pub struct ConsentView {
    /// The entry that stands for each purpose and recipient.
    pub current: Vec<RecordedConsent>,
    /// All entries, newest first.
    pub history: Vec<RecordedConsent>,
}

impl Vault {
    /// Records a consent or its withdrawal; `None`: the name is not one of ours.
    pub async fn record_consent(
        &self,
        caller: &Caller,
        call: &Call,
        subject: Option<SubjectId>,
        command: &ConsentCommand,
    ) -> Result<Done<()>, Refusal> {
        let policy = caller.policy().clone();
        let purpose = policy.purpose(&command.purpose);
        let recipient = command.recipient.as_deref().map(|name| policy.recipient(name));
        // Names the policy does not know are nobody's to record: the same refusal as an act not granted.
        let known = purpose.filter(|_| recipient != Some(None));
        let act = match known {
            Some(_) => format!("consent.record:{}", command.purpose),
            None => String::from("consent.record:?"),
        };
        let faults = consent_faults(command, self.now());
        let now = self.now();
        self.change_subject(caller, call, (Act::ConsentRecord, &act), subject, |state| {
            if !faults.is_empty() {
                return Err(Refusal::InvalidField(faults.clone()).into());
            }
            refuse_cards([
                ("/evidence/channel", Some(command.channel.as_str())),
                ("/evidence/notice_version", command.notice_version.as_deref()),
            ])?;
            let Some(purpose) = known else { return Err(Refusal::NotFound.into()) };
            if command.granted && command.recipient.is_none() && !policy.takes_consent(purpose) {
                let detail = "This purpose does not rest on consent; nothing is to be recorded for it.";
                return Err(Refusal::InvalidRequest(vec![Fault::new(
                    "/purpose",
                    "not_consent_based",
                    detail,
                )])
                .into());
            }
            let consent = Consent {
                purpose,
                recipient: recipient.flatten(),
                granted: command.granted,
                at: command.at.unwrap_or(now),
                recorded_at: now,
                channel: command.channel.clone(),
                text_sha256: command.text_sha256.as_deref().and_then(parse_digest),
                notice_version: command.notice_version.clone(),
            };
            apply_consent(&policy, state, consent)?;
            Ok(())
        })
        .await
    }

    /// Shows current consents and their history.
    pub async fn view_consents(
        &self,
        caller: &Caller,
        call: &Call,
        subject: SubjectId,
    ) -> Result<Done<ConsentView>, Refusal> {
        let policy = caller.policy().clone();
        let mut draft = Draft::new(caller, call, Act::ConsentView);
        if let Err(denial) = policy.judge_act(&caller.asker(), "consent.view") {
            let refusal = Refusal::Denied(RuleName(denial.rule));
            return Err(self.refuse(caller, None, draft, refusal, RuleSet(denial.all.0)).await);
        }
        if let Err(refusal) = self.charge(caller, &mut draft, 1) {
            return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await);
        }
        let concluded = self
            .run(caller, call, draft, |desk| {
                let loaded = self.load_subject(desk.reader, subject)?.ok_or(Refusal::NotFound)?;
                desk.event.subjects.push(self.subject_ref(subject));
                let named = |c: &Consent| RecordedConsent {
                    purpose: policy.purpose_name(c.purpose).unwrap_or("?").to_owned(),
                    recipient: c.recipient.map(|r| policy.recipient_name(r).unwrap_or("?").to_owned()),
                    consent: c.clone(),
                };
                let history: Vec<_> = loaded.state.consents.iter().rev().map(named).collect();
                let mut current: Vec<RecordedConsent> = Vec::new();
                for entry in &history {
                    let seen =
                        |c: &RecordedConsent| c.purpose == entry.purpose && c.recipient == entry.recipient;
                    if !current.iter().any(seen) {
                        current.push(entry.clone());
                    }
                }
                let mut plan = Plan::answer(ConsentView { current, history });
                plan.relied_on.push(Object::Subject(subject.0));
                Ok(plan)
            })
            .await?;
        fresh(concluded)
    }
}

/// Adds a decision to a person's state.
pub(in crate::vault) fn apply_consent(
    policy: &Policy,
    state: &mut SubjectState,
    consent: Consent,
) -> Result<(), Refusal> {
    // A consent given before the latest withdrawal does not undo it, however late it arrives.
    let withdrawn_later = |c: &&Consent| {
        c.purpose == consent.purpose && c.recipient == consent.recipient && !c.granted && c.at > consent.at
    };
    if consent.granted && state.consents.iter().any(|c| withdrawn_later(&c)) {
        return Err(Refusal::Conflict);
    }
    // Withdrawing a purpose withdraws its recipients with it: each is recorded, so that giving the purpose again does not
    // revive them.
    if !consent.granted && consent.recipient.is_none() {
        let standing: Vec<_> = policy
            .recipients()
            .filter(|(no, _)| state.consent_stands(consent.purpose, Some(*no)))
            .map(|(no, _)| Consent { recipient: Some(no), ..consent.clone() })
            .collect();
        for withdrawn in standing {
            state.push_consent(withdrawn).map_err(|_| too_many())?;
        }
    }
    state.push_consent(consent).map_err(|_| too_many())
}

fn too_many() -> Refusal {
    let detail = "The subject keeps 64 current consents; no more purposes or recipients can be added.";
    Refusal::InvalidField(vec![Fault::new("/purpose", "too_many", detail)])
}

fn consent_faults(command: &ConsentCommand, now: Timestamp) -> Vec<Fault> {
    let mut faults = Vec::new();
    let channel_ok = (1..=64).contains(&command.channel.len())
        && command
            .channel
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
    if !channel_ok {
        let detail = "Write 1 to 64 of the characters a-z 0-9 _ -, such as web-form.";
        faults.push(Fault::new("/evidence/channel", "bad_name", detail));
    }
    if command.text_sha256.as_deref().is_some_and(|t| parse_digest(t).is_none()) {
        faults.push(Fault::new("/evidence/text_sha256", "not_a_digest", "Write 64 lower-case hex digits."));
    }
    if command.notice_version.as_deref().is_some_and(|n| !is_plain_name(n)) {
        faults.push(crate::vault::subject_create::notice_fault("/evidence/notice_version"));
    }
    if command.at.is_some_and(|at| at > now.plus(std::time::Duration::from_secs(300))) {
        faults.push(Fault::new("/at", "in_the_future", "Write when the person decided, not a later time."));
    }
    faults
}

fn parse_digest(text: &str) -> Option<[u8; 32]> {
    let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?;
    bytes.try_into().ok()
}
