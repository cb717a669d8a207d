//! Plan, then commit: the loop every verb runs in. A plan reads one snapshot and decides; the commit carries its event;
//! a conflict is read and judged again, three times at most. Nothing is answered before the receipt (I1).

use crate::audit;
use crate::crypto::RefKind;
use crate::domain::Object;
use crate::domain::disclosure::{EventTicket, Receipt};
use crate::domain::event::{ChangedRow, Event, EventBody, Outcome};
use crate::domain::record::RowSeal;
use crate::domain::rule::RuleSet;
use crate::domain::{CommitNo, Ref8, Version};
use crate::policy::Denial;
use crate::storage::{Change, ChangeSet, CommitError, ReadError, Reader};
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::refusal::{Refusal, RuleName};
use crate::vault::remember::Remembered;
use crate::vault::rows::control_key;

/// How often a verb reads and judges again.
const ATTEMPTS: usize = 3;

/// What a plan wants done, and what to answer once it is.
pub(in crate::vault) struct Plan<T> {
    /// Rows to change.
    pub(in crate::vault) changes: Vec<Change>,
    /// What the decision rested on.
    pub(in crate::vault) relied_on: smallvec::SmallVec<[Object; 8]>,
    /// What a replay mints the reply from.
    pub(in crate::vault) remember: Option<Remembered>,
    /// The answer.
    pub(in crate::vault) output: T,
}

impl<T> Plan<T> {
    /// A plan that changes nothing.
    pub(in crate::vault) fn answer(output: T) -> Self {
        Self { changes: Vec::new(), relied_on: smallvec::SmallVec::new(), remember: None, output }
    }
}

/// Why planning stopped.
pub(in crate::vault) enum Stop {
    /// Refused, with every failing rule.
    Refused(Refusal, RuleSet),
    /// The store could not be read.
    Read,
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal, RuleSet::default())
    }
}
impl From<Denial> for Stop {
    fn from(denial: Denial) -> Self {
        Self::Refused(Refusal::Denied(RuleName(denial.rule)), denial.all)
    }
}
impl From<ReadError> for Stop {
    fn from(_: ReadError) -> Self {
        Self::Read
    }
}

/// What planning may look at.
pub(in crate::vault) struct Desk<'a, 'r> {
    /// The snapshot.
    pub(in crate::vault) reader: &'a mut Reader<'r>,
    /// The event being written.
    pub(in crate::vault) event: &'a mut EventBody,
    /// Its ticket.
    pub(in crate::vault) ticket: &'a EventTicket,
}

/// A committed answer.
pub struct Done<T> {
    /// The answer.
    pub value: T,
    /// Proof that its event is durable.
    pub receipt: Receipt,
    /// What it cost.
    pub cost: u32,
    /// The reply repeats an earlier one.
    pub replayed: bool,
}

/// An answer or a remembered one.
pub(in crate::vault) enum Concluded<T> {
    /// Committed now.
    Fresh(Done<T>),
    /// Known under its idempotency key; still to be minted and audited.
    Replay(Remembered),
}

impl Vault {
    /// Runs a plan until it commits, is refused, or is a replay.
    pub(in crate::vault) async fn run<T>(
        &self,
        caller: &Caller,
        call: &Call,
        draft: Draft,
        mut plan: impl FnMut(&mut Desk<'_, '_>) -> Result<Plan<T>, Stop>,
    ) -> Result<Concluded<T>, Refusal> {
        for _ in 0..ATTEMPTS {
            let ticket = EventTicket::next();
            let mut event = draft.body.clone();
            let planned = self.store().read(|reader| {
                let read_at = reader.read_at();
                if let Some(found) = self.recall(reader, caller, call)? {
                    return Ok((read_at, Ok(Err(found))));
                }
                let mut desk = Desk { reader, event: &mut event, ticket: &ticket };
                Ok((read_at, plan(&mut desk).map(Ok)))
            });
            let (read_at, plan) = match planned {
                Ok((read_at, Ok(Ok(plan)))) => (read_at, plan),
                Ok((_, Ok(Err(Ok(remembered))))) => {
                    self.refund(caller, &draft);
                    return Ok(Concluded::Replay(remembered));
                }
                Ok((_, Ok(Err(Err(refusal))))) => {
                    return Err(self
                        .refuse(caller, None, Draft { body: event }, refusal, RuleSet::default())
                        .await);
                }
                Ok((_, Err(Stop::Refused(refusal, rules)))) => {
                    return Err(self.refuse(caller, Some(call), Draft { body: event }, refusal, rules).await);
                }
                Ok((_, Err(Stop::Read))) | Err(_) => {
                    let draft = Draft { body: event };
                    return Err(self
                        .refuse(caller, None, draft, Refusal::AuditUnavailable, RuleSet::default())
                        .await);
                }
            };
            let replies = (call.idempotency, plan.remember);
            match self
                .conclude(
                    caller,
                    Event { ticket, body: event },
                    read_at,
                    (plan.changes, plan.relied_on),
                    replies,
                )
                .await
            {
                Ok((receipt, cost)) => {
                    return Ok(Concluded::Fresh(Done { value: plan.output, receipt, cost, replayed: false }));
                }
                Err(CommitError::Conflict(_)) => {}
                Err(CommitError::Replayed(row)) => match self.recalled(call, &row) {
                    Ok(remembered) => {
                        self.refund(caller, &draft);
                        return Ok(Concluded::Replay(remembered));
                    }
                    Err(refusal) => {
                        return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await);
                    }
                },
                Err(other) => return Err(self.failed(draft, other.into()).await),
            }
        }
        let refusal = if draft.body.act.changes_state() { Refusal::Conflict } else { Refusal::Overloaded };
        Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await)
    }

    async fn conclude(
        &self,
        caller: &Caller,
        mut event: Event,
        read_at: CommitNo,
        (changes, relied_on): (Vec<Change>, smallvec::SmallVec<[Object; 8]>),
        (key, remember): (Option<crate::vault::call::IdempotencyKey>, Option<Remembered>),
    ) -> Result<(Receipt, u32), CommitError> {
        if event.body.outcome == Outcome::Failed {
            event.body.outcome = Outcome::Allowed;
        }
        event.body.changed = changes.iter().filter_map(|c| self.changed_row(c)).collect();
        self.note_forged(event.body.tokens.forged);
        // What the log could not read back must not be done: it would be evidence lost.
        audit::check(&event.body).map_err(|_| CommitError::Stopped)?;
        let cost = event.body.cost;
        let mut set = ChangeSet::observed(event, read_at, relied_on);
        for change in changes {
            set = set.with(change);
        }
        if let (Some(key), Some(remember)) = (key, remember) {
            set = set.remembered(self.idempotency_row(caller, key, &remember));
        }
        self.store().commit(set).await.map(|receipt| (receipt, cost))
    }

    /// Writes the refusal to the log and hands it back; if even that fails, says so and nothing else. `call` is given
    /// when the refusal may be remembered under its idempotency key.
    pub(in crate::vault) async fn refuse(
        &self,
        caller: &Caller,
        call: Option<&Call>,
        mut draft: Draft,
        refusal: Refusal,
        rules: RuleSet,
    ) -> Refusal {
        draft.refused(&refusal, rules);
        self.note_forged(draft.body.tokens.forged);
        draft.body.changed.clear();
        let ticket = EventTicket::next();
        let body = draft.body.clone();
        let mut set = ChangeSet::observed(Event { ticket, body: draft.body }, CommitNo(u64::MAX), []);
        let key = call.and_then(|c| c.idempotency).filter(|_| refusal.is_remembered());
        if let Some(key) = key {
            set = set.remembered(self.idempotency_row(caller, key, &Remembered::Refused(refusal.clone())));
        }
        match self.store().commit(set).await {
            Ok(_) => refusal,
            // The key remembers an earlier answer already: this refusal is written without a row of its own.
            Err(CommitError::Replayed(_)) => {
                let event = Event { ticket: EventTicket::next(), body };
                match self.store().commit(ChangeSet::observed(event, CommitNo(u64::MAX), [])).await {
                    Ok(_) => refusal,
                    Err(error) => error.into(),
                }
            }
            Err(error) => error.into(),
        }
    }

    /// A commit failed for want of room or of the log: tries to report it; the answer stays the failure.
    async fn failed(&self, mut draft: Draft, refusal: Refusal) -> Refusal {
        draft.refused(&refusal, RuleSet::default());
        let event = Event { ticket: EventTicket::next(), body: draft.body };
        // The failure is the answer whether or not this report could be written.
        let _reported = self.store().commit(ChangeSet::observed(event, CommitNo(u64::MAX), [])).await.is_ok();
        refusal
    }

    pub(in crate::vault) fn changed_row(&self, change: &Change) -> Option<ChangedRow> {
        let row = |kind: RefKind, key: &[u8], version: Version, seal: RowSeal| ChangedRow {
            reference: self.reference(kind, key),
            kind: kind as u8,
            version,
            seal: seal.0,
        };
        Some(match change {
            Change::PutSubject { row: r, .. } => {
                row(RefKind::Subject, &r.subject.0.get().to_be_bytes(), r.version, r.seal)
            }
            Change::PutExternalRef { row: r } => row(RefKind::ExternalRef, &r.h, Version(1), r.seal),
            Change::PutRecord { row: r, .. } => {
                row(RefKind::Record, &r.head.record.0.get().to_be_bytes(), r.head.head_version, r.seal)
            }
            Change::Rehead { head, seal, .. } => {
                row(RefKind::Record, &head.record.0.get().to_be_bytes(), head.head_version, *seal)
            }
            Change::PutGrant { row: r, .. } => {
                row(RefKind::Grant, &r.grant.0.get().to_be_bytes(), r.version, r.seal)
            }
            // With its kind: several kinds have one row, of the same id.
            Change::PutControl { row: r, .. } => {
                row(RefKind::Control, &control_key(r.kind, r.id), r.version, r.seal)
            }
            // A tombstone: an old row put back has a seal, this has none.
            Change::Erase { record, was } => {
                row(RefKind::Record, &record.0.get().to_be_bytes(), Version(was.0 + 1), RowSeal([0; 17]))
            }
            Change::Shred { .. } => return None,
        })
    }

    /// A keyed reference for the audit log.
    pub(in crate::vault) fn reference(&self, kind: RefKind, bytes: &[u8]) -> Ref8 {
        self.keys().audit_ref(kind, bytes)
    }
}

impl Vault {
    /// Answers a replay: reads again, audits again, changes nothing.
    pub(in crate::vault) async fn replay<T>(
        &self,
        caller: &Caller,
        draft: Draft,
        mut mint: impl FnMut(&mut Desk<'_, '_>) -> Result<T, Stop>,
    ) -> Result<Done<T>, Refusal> {
        let blank = Call {
            request: draft.body.request,
            received_at: draft.body.received_at,
            ua_family: None,
            bytes: draft.body.bytes,
            idempotency: None,
        };
        match self.run(caller, &blank, draft, |desk| mint(desk).map(Plan::answer)).await? {
            Concluded::Fresh(done) => Ok(Done { replayed: true, ..done }),
            Concluded::Replay(_) => Err(Refusal::Integrity),
        }
    }
}
