//! Unsubscribing with one click (C15, C18, RFC 8058): a link for each person and purpose, and what following it does.
//!
//! Whoever holds a link can do one harmless thing with it: stop a purpose that may be stopped. The answer is the same, with
//! the same work, whether the link is one of ours or not (I5), and it is given when its event is durable (I1).

use crate::crypto::SecretKind;
use crate::domain::event::{Act, Event, EventBody, Outcome, Principal};
use crate::domain::rule::RuleSet;
use crate::domain::subject::Consent;
use crate::domain::unsubscribe::UnsubscribeRow;
use crate::domain::{
    CommitNo, ControlKind, Id16, Locator, Object, PurposeNo, Sensitive, SubjectId, disclosure::EventTicket,
};
use crate::storage::{Change, ChangeSet, CommitError, ReadError, Reader};
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::commit::{Concluded, Desk, Done, Plan, Stop};
use crate::vault::consent::apply_consent;
use crate::vault::refusal::{Fault, Refusal, RuleName};
use crate::vault::remember::Remembered;
use std::net::IpAddr;

/// How often following a link is read and written again when others change the person meanwhile.
const ATTEMPTS: usize = 5;
/// What the consent's evidence names as its channel.
const CHANNEL: &str = "unsubscribe-link";

/// What following a link changes: the person's row, or nothing.
struct Withdrawal {
    read_at: CommitNo,
    relied_on: Vec<Object>,
    change: Option<Change>,
}

impl Vault {
    /// Says where links lead; they are not made before. Set once, at the start.
    pub fn announce_public_url(&self, url: &str) {
        // A second call finds it set and changes nothing.
        let _ = self.public_url.set(url.trim_end_matches('/').to_owned());
    }

    /// Where links lead.
    pub fn public_url(&self) -> Option<&str> {
        self.public_url.get().map(String::as_str)
    }

    /// The link of a person and purpose: the same however often it is asked for.
    pub async fn unsubscribe_link(
        &self,
        caller: &Caller,
        call: &Call,
        subject: SubjectId,
        purpose: &str,
    ) -> Result<Done<Sensitive<String>>, Refusal> {
        let mut draft = Draft::new(caller, call, Act::UnsubscribeLink);
        let policy = caller.policy();
        let found = policy.purpose(purpose);
        draft.body.purpose = found.and_then(|p| policy.purpose_name(p)).map(str::to_owned);
        if let Err(denial) = policy.judge_act(&caller.asker(), Act::UnsubscribeLink.name()) {
            let refusal = Refusal::Denied(RuleName(denial.rule));
            return Err(self.refuse(caller, Some(call), draft, refusal, denial.all).await);
        }
        let purpose = match found.filter(|p| policy.takes_consent(*p)) {
            Some(purpose) if self.public_url().is_some() => purpose,
            stoppable => {
                let refusal = if stoppable.is_none() { not_stoppable() } else { nowhere() };
                return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await);
            }
        };
        let Some((link, key_version, digest)) = self.keys().unsubscribe_link(subject, purpose) else {
            return Err(self.refuse(caller, None, draft, Refusal::Integrity, RuleSet::default()).await);
        };
        let row = UnsubscribeRow { key_version, digest, subject, purpose, created_at: self.now() };
        let again = draft.body.clone();
        match self.run(caller, call, draft, |desk| self.plan_link(desk, &row)).await? {
            Concluded::Fresh(done) => Ok(with_link(done, link)),
            Concluded::Replay(Remembered::Done) => {
                let done = self
                    .replay(caller, Draft { body: again }, |desk| {
                        self.load_subject(desk.reader, subject)?.ok_or(Refusal::NotFound)?;
                        desk.event.subjects.push(self.subject_ref(subject));
                        Ok(())
                    })
                    .await?;
                Ok(with_link(done, link))
            }
            Concluded::Replay(_) => {
                let draft = Draft { body: again };
                Err(self.refuse(caller, None, draft, Refusal::IdempotencyMismatch, RuleSet::default()).await)
            }
        }
    }

    fn plan_link(&self, desk: &mut Desk<'_, '_>, row: &UnsubscribeRow) -> Result<Plan<()>, Stop> {
        self.load_subject(desk.reader, row.subject)?.ok_or(Refusal::NotFound)?;
        desk.event.subjects.push(self.subject_ref(row.subject));
        let id = id_of(&row.digest);
        let mut plan = Plan::answer(());
        plan.relied_on
            .extend([Object::Subject(row.subject.0), Object::Control(ControlKind::Unsubscribe, id)]);
        plan.remember = Some(Remembered::Done);
        match desk.reader.control(ControlKind::Unsubscribe, id)? {
            None => plan.changes.push(self.put_control(ControlKind::Unsubscribe, id, row.encode(), None)),
            // The link of an earlier mail: one row for all of them.
            Some(_) => {
                let known = self.load_link(desk.reader, (row.key_version, row.digest))?;
                known.ok_or(Refusal::Integrity)?;
            }
        }
        Ok(plan)
    }

    fn load_link(
        &self,
        reader: &mut Reader<'_>,
        (version, digest): (u8, [u8; 32]),
    ) -> Result<Option<UnsubscribeRow>, ReadError> {
        let row = reader.control(ControlKind::Unsubscribe, id_of(&digest))?;
        let Some(row) = row.filter(|row| self.control_holds(row)) else { return Ok(None) };
        let link = UnsubscribeRow::decode(&row.body);
        if link.is_none() {
            self.integrity_failed();
        }
        let same = |l: &UnsubscribeRow| -> bool {
            l.key_version == version && subtle::ConstantTimeEq::ct_eq(&l.digest[..], &digest[..]).into()
        };
        Ok(link.filter(same))
    }

    /// Follows a link: the consent for its purpose and its recipients is withdrawn. `Ok` says that the event is durable,
    /// and nothing of whether the link was one of ours.
    pub async fn unsubscribe(&self, text: &str, call: &Call, peer: IpAddr) -> Result<(), Refusal> {
        let digest = self
            .keys()
            .digest_secret(SecretKind::Unsubscribe, text)
            .unwrap_or_else(|| self.keys().dummy_link_digest(text));
        for _ in 0..ATTEMPTS {
            let mut body = EventBody::new(call.request, call.received_at, Principal::Vault, Act::Unsubscribe);
            body.network = Some(self.networks().describe(peer));
            body.ua_family = call.ua_family.map(str::to_owned);
            body.policy = self.policy().version();
            body.bytes = call.bytes;
            let planned = self.store().read(|reader| self.plan_withdrawal(reader, digest, &mut body));
            let planned = planned.map_err(|_| Refusal::AuditUnavailable)??;
            body.changed = planned.change.iter().filter_map(|c| self.changed_row(c)).collect();
            let event = Event { ticket: EventTicket::next(), body };
            let mut set = ChangeSet::observed(event, planned.read_at, planned.relied_on);
            if let Some(change) = planned.change {
                set = set.with(change);
            }
            match self.store().commit(set).await {
                Ok(_) => return Ok(()),
                Err(CommitError::Conflict(_)) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Refusal::Overloaded)
    }

    fn plan_withdrawal(
        &self,
        reader: &mut Reader<'_>,
        digest: (u8, [u8; 32]),
        event: &mut EventBody,
    ) -> Result<Result<Withdrawal, Refusal>, ReadError> {
        let read_at = reader.read_at();
        let link = self.load_link(reader, digest)?;
        // Nobody's row is looked for where there is no link: the same work (I5).
        let subject = link.as_ref().map_or_else(|| nobody(&digest.1), |l| Some(l.subject));
        let loaded = match subject {
            Some(subject) => self.load_subject(reader, subject)?,
            None => None,
        };
        let mut relied_on = vec![Object::Control(ControlKind::Unsubscribe, id_of(&digest.1))];
        relied_on.extend(subject.map(|s| Object::Subject(s.0)));
        let (Some(link), Some(loaded)) = (link, loaded) else {
            event.outcome = Outcome::NotFound;
            event.code = Some(Refusal::NotFound.code().to_owned());
            return Ok(Ok(Withdrawal { read_at, relied_on, change: None }));
        };
        let policy = self.policy();
        event.outcome = Outcome::Allowed;
        event.purpose = policy.purpose_name(link.purpose).map(str::to_owned);
        event.subjects.push(self.subject_ref(link.subject));
        let mut state = loaded.state.clone();
        let stopped = |no: PurposeNo| {
            let latest = state.consents.iter().rev().find(|c| c.purpose == no && c.recipient.is_none());
            latest.is_some_and(|c| !c.granted)
        };
        // Stopped already: once more changes nothing.
        if !stopped(link.purpose)
            && let Err(refusal) = apply_consent(&policy, &mut state, self.withdrawn(link.purpose))
        {
            return Ok(Err(refusal));
        }
        let change =
            (state != loaded.state).then(|| self.put_subject(link.subject, &state, Some(loaded.version)));
        Ok(Ok(Withdrawal { read_at, relied_on, change }))
    }

    fn withdrawn(&self, purpose: PurposeNo) -> Consent {
        let now = self.now();
        Consent {
            purpose,
            recipient: None,
            granted: false,
            at: now,
            recorded_at: now,
            channel: CHANNEL.to_owned(),
            text_sha256: None,
            notice_version: None,
        }
    }
}

fn with_link(done: Done<()>, link: Sensitive<String>) -> Done<Sensitive<String>> {
    Done { value: link, receipt: done.receipt, cost: done.cost, replayed: done.replayed }
}

fn id_of(digest: &[u8; 32]) -> Id16 {
    let mut id = [0; 16];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = *from);
    Id16(id)
}

fn nobody(digest: &[u8; 32]) -> Option<SubjectId> {
    let raw = digest.first_chunk::<8>().map(|b| u64::from_be_bytes(*b) >> 1)?;
    Locator::from_raw(raw).map(SubjectId)
}

fn not_stoppable() -> Refusal {
    let detail = "Name a purpose of the policy that rests on consent or may be opted out of.";
    Refusal::InvalidRequest(vec![Fault::new("/purpose", "not_stoppable", detail)])
}

fn nowhere() -> Refusal {
    let detail = "This vault has no public address for links; its operators set [public] url.";
    Refusal::InvalidRequest(vec![Fault::new("", "no_public_url", detail)])
}
