//! `DELETE /v1/records/{rec}`.

use super::certificate::CertificateRow;
use super::ledger::{Line, Planned};
use crate::domain::entropy::{Entropy, OsEntropy};
use crate::domain::event::{Act, EventItem};
use crate::domain::rule::RuleSet;
use crate::domain::subject::RecordFacts;
use crate::domain::{ControlKind, FieldNo, Id16, Object, RecordId, crockford};
use crate::policy::{Delete, Kept};
use crate::storage::{Change, LedgerError, ReadError, Reader};
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::commit::{Concluded, Desk, Done, Plan, Stop};
use crate::vault::load::LoadedRecord;
use crate::vault::refusal::{Refusal, RuleName};
use crate::vault::remember::Remembered;

impl Vault {
    /// Erases a record; the answer is the name of the certificate, given once no file of the vault holds its key.
    pub async fn delete_record(
        &self,
        caller: &Caller,
        call: &Call,
        record: RecordId,
    ) -> Result<Done<String>, Refusal> {
        let mut draft = Draft::new(caller, call, Act::RecordDelete);
        if let Err(denial) = caller.policy().judge_act(&caller.asker(), Act::RecordDelete.name()) {
            let refusal = Refusal::Denied(RuleName(denial.rule));
            return Err(self.refuse(caller, Some(call), draft, refusal, denial.all).await);
        }
        if let Err(refusal) = self.charge(caller, &mut draft, 1) {
            return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await);
        }
        let planned = match self.planned(caller, call, record) {
            Ok(planned) => planned,
            Err(refusal) => return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await),
        };
        // However this ends, also by the client leaving: what the ledger says and what is there are brought together.
        let open = planned.map(|planned| Open { vault: self, planned });
        let mut written = None;
        if let Some(planned) = planned {
            match self.write_ledger(Line::Erase(planned)).await {
                Ok(end) => written = Some((planned, end)),
                Err(refusal) => {
                    return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await);
                }
            }
        }
        let concluded =
            self.run(caller, call, draft, |desk| self.plan_delete(desk, caller, record, written)).await;
        if let Some(open) = open {
            let done = match &concluded {
                Ok(Concluded::Fresh(_)) => Some(true),
                Err(Refusal::AuditUnavailable | Refusal::Integrity) => None,
                // Refused, or done before under this key by another line, whose certificate the answer names.
                Ok(Concluded::Replay(_)) | Err(_) => Some(false),
            };
            open.end(done).await;
        }
        match concluded? {
            Concluded::Fresh(done) => Ok(named(done)),
            Concluded::Replay(Remembered::Erased(id)) => {
                let draft = Draft::new(caller, call, Act::RecordDelete);
                self.replay(caller, draft, |_| Ok(Id16(id))).await.map(named)
            }
            Concluded::Replay(_) => {
                let draft = Draft::new(caller, call, Act::RecordDelete);
                Err(self.refuse(caller, None, draft, Refusal::IdempotencyMismatch, RuleSet::default()).await)
            }
        }
    }

    /// The ledger line of an erasure that would be allowed now. `None`: it would not, or was answered before; the plan
    /// says which.
    fn planned(&self, caller: &Caller, call: &Call, record: RecordId) -> Result<Option<Planned>, Refusal> {
        let may = self.store().read(|reader| {
            if self.recall(reader, caller, call)?.is_some() {
                return Ok(None);
            }
            Ok(self.deletable(reader, caller, record)?.ok().map(|(record, _)| record.row.head))
        });
        let Some(head) = may.map_err(|_| Refusal::AuditUnavailable)? else { return Ok(None) };
        let certificate = Id16(OsEntropy.array().map_err(|_| Refusal::Overloaded)?);
        // Never before the record was stored, also when the clock was put back: settling takes that for another record.
        let at = self.now().max(head.created_at);
        Ok(Some(Planned { at, record, certificate, client: caller.client(), collection: head.collection }))
    }

    /// Appends to the ledger; where the line ends.
    pub(in crate::vault) async fn write_ledger(&self, line: Line) -> Result<u64, Refusal> {
        match self.store().append_ledger(line.write(self.keys())).await {
            Ok(end) => Ok(end),
            Err(LedgerError::Io(e)) if e.kind() == std::io::ErrorKind::StorageFull => {
                Err(Refusal::StorageFull)
            }
            Err(_) => Err(Refusal::AuditUnavailable),
        }
    }

    /// The record and its subject, when this caller may delete it now; else why not.
    fn deletable(
        &self,
        reader: &mut Reader<'_>,
        caller: &Caller,
        record: RecordId,
    ) -> Result<Result<(LoadedRecord, crate::domain::SubjectId), Stop>, ReadError> {
        let Some(loaded) = self.load_record(reader, record)? else {
            // Whoever tampers with a row must not get it called erased: the erasure stays open until somebody looked.
            let broken = self.is_broken(reader, record)?;
            return Ok(Err(if broken { Refusal::Integrity.into() } else { Refusal::NotFound.into() }));
        };
        let head = &loaded.row.head;
        let Some(subject) = self.load_subject(reader, head.subject)? else {
            return Ok(Err(Refusal::NotFound.into()));
        };
        let facts = RecordFacts { collection: head.collection, created_at: head.created_at };
        let id = head.subject;
        Ok(match caller.policy().judge_delete(&caller.asker(), &subject.state, facts, self.now()) {
            Delete::Allowed => Ok((loaded, id)),
            Delete::Foreign => Err(Refusal::NotFound.into()),
            Delete::Denied(denial) => Err(denial.into()),
            Delete::Kept(Kept::Hold) => Err(Refusal::LegalHold.into()),
            Delete::Kept(Kept::Duty) => Err(Refusal::RetentionDuty.into()),
        })
    }

    fn plan_delete(
        &self,
        desk: &mut Desk<'_, '_>,
        caller: &Caller,
        record: RecordId,
        written: Option<(Planned, u64)>,
    ) -> Result<Plan<Id16>, Stop> {
        let (loaded, subject) = self.deletable(desk.reader, caller, record)??;
        // It could not be erased a moment ago and can be now: nothing is destroyed without its ledger line.
        let (planned, end) = written.ok_or(Refusal::Conflict)?;
        desk.event.subjects.push(self.subject_ref(subject));
        desk.event.items.push(EventItem { record: self.record_ref(record), field: FieldNo(0), outcome: 0 });
        let mut plan = Plan::answer(planned.certificate);
        plan.relied_on.extend([Object::Record(record.0), Object::Subject(subject.0)]);
        plan.changes = self.erasure(&planned, &loaded);
        plan.changes.push(self.ledger_reaches(desk.reader, end)?);
        plan.remember = Some(Remembered::Erased(planned.certificate.0));
        Ok(plan)
    }

    /// The changes that erase a record and leave its certificate.
    pub(in crate::vault) fn erasure(&self, planned: &Planned, loaded: &LoadedRecord) -> Vec<Change> {
        let certificate = CertificateRow {
            at: planned.at,
            record: self.record_ref(planned.record),
            collection: planned.collection,
            client: planned.client,
            kek: loaded.key.kek,
        };
        vec![
            Change::Erase { record: planned.record, was: loaded.row.head.head_version },
            self.put_control(ControlKind::Certificate, planned.certificate, certificate.encode(), None),
        ]
    }
}

fn named(done: Done<Id16>) -> Done<String> {
    let Done { value, receipt, cost, replayed } = done;
    Done { value: crockford::encode("crt_", &value.0), receipt, cost, replayed }
}

/// An erasure whose ledger line is written and whose commit is not known yet.
struct Open<'a> {
    vault: &'a Vault,
    planned: Planned,
}

impl Open<'_> {
    /// What the commit did: an erasure that this line did not do is taken back in the ledger. What may have been done
    /// (`None`) is left to the next look.
    async fn end(self, done: Option<bool>) {
        let (vault, planned) = (self.vault, self.planned);
        let settled = match done {
            Some(true) => true,
            None => false,
            Some(false) => {
                vault.write_ledger(Line::Void(planned.record, planned.certificate, vault.now())).await.is_ok()
            }
        };
        if settled {
            std::mem::forget(self);
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.vault.unsettled.note(self.planned.record, self.planned.certificate);
    }
}
