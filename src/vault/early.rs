//! Ends of requests that no verb saw: refused at the edge after authentication, or naming what is not ours. Each is one
//! event on the log all the same (P1).

use crate::crypto::NameKind;
use crate::domain::event::{Act, Outcome};
use crate::domain::rule::RuleSet;
use crate::domain::{ClientNo, RecordId, Rule, Timestamp};
use crate::policy::Denial;
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::refusal::{Refusal, RuleName};
use std::time::Duration;

/// Life of a list cursor.
const CURSOR_LIFE: Duration = Duration::from_secs(86_400);

/// Whether the act is charged before its row is looked for.
fn costs_to_ask(act: Act) -> bool {
    matches!(act, Act::SubjectView | Act::ConsentView | Act::RecordView | Act::RecordDelete)
}

impl Vault {
    /// A name that is not one of ours: judged as the act would be, then the same answer as a missing row.
    pub async fn not_found(&self, caller: &Caller, call: &Call, act: Act) -> Refusal {
        let mut draft = Draft::new(caller, call, act);
        let judged = match act {
            Act::SubjectView
            | Act::SubjectUpdate
            | Act::SubjectAnchor
            | Act::SubjectNotice
            | Act::ConsentView
            | Act::RecordView
            | Act::RecordDelete
            | Act::UnsubscribeLink => caller.policy().judge_act(&caller.asker(), act.name()),
            _ => caller.policy().judge_asker(&caller.asker()),
        };
        match judged {
            Err(denial) => {
                self.refuse(caller, None, draft, Refusal::Denied(RuleName(denial.rule)), denial.all).await
            }
            Ok(()) => {
                // Asking for a name that never was costs what asking for one that was costs (I5).
                let charged = if costs_to_ask(act) { self.charge(caller, &mut draft, 1) } else { Ok(()) };
                let refusal = charged.err().unwrap_or(Refusal::NotFound);
                self.refuse(caller, None, draft, refusal, RuleSet::default()).await
            }
        }
    }

    /// The refusal of a caller whose key or client no longer stands: before its client's limits are touched.
    pub async fn refused_caller(&self, caller: &Caller, call: &Call, act: Act) -> Option<Refusal> {
        // Whoever owns the data directory brings data in and manages; what is in it is shown to proven secrets alone.
        let shows = matches!(act, Act::Detokenize | Act::Search | Act::Verify);
        let denial = if shows && caller.is_local() && !self.is_development() {
            Denial { rule: Rule::ActNotGranted, all: RuleSet::from_iter([Rule::ActNotGranted]) }
        } else {
            caller.policy().judge_asker(&caller.asker()).err()?
        };
        let refusal = Refusal::Denied(RuleName(denial.rule));
        Some(self.refuse(caller, None, Draft::new(caller, call, act), refusal, denial.all).await)
    }

    /// The refusal remembered under a request's idempotency key, reported again; asked before anything else is judged.
    pub async fn remembered_refusal(&self, caller: &Caller, call: &Call, act: Act) -> Option<Refusal> {
        call.idempotency?;
        let found = self.store().read(|reader| self.recall(reader, caller, call));
        let refusal = match found {
            Ok(Some(Err(refusal))) => refusal,
            Ok(_) => return None,
            Err(_) => Refusal::AuditUnavailable,
        };
        Some(self.refuse(caller, None, Draft::new(caller, call, act), refusal, RuleSet::default()).await)
    }

    /// Reports a request that ended at the edge with this code. `Err`: not even that could be made durable.
    pub async fn report(
        &self,
        caller: &Caller,
        call: &Call,
        act: Act,
        (code, outcome): (&str, Outcome),
    ) -> Result<(), Refusal> {
        let mut draft = Draft::new(caller, call, act);
        draft.body.outcome = outcome;
        draft.body.code = Some(code.to_owned());
        self.store()
            .commit(crate::storage::ChangeSet::observed(
                crate::domain::event::Event {
                    ticket: crate::domain::disclosure::EventTicket::next(),
                    body: draft.body,
                },
                crate::domain::CommitNo(u64::MAX),
                [],
            ))
            .await?;
        Ok(())
    }

    /// A list position as an opaque cursor, bound to caller and filter, for 24 hours.
    pub fn seal_cursor(&self, caller: &Caller, filter: &str, record: RecordId) -> String {
        let name = self.keys().name(NameKind::Record, record.0);
        let until = self.now().plus(CURSOR_LIFE);
        let tag = self.cursor_tag(caller.client(), filter, &name, until);
        format!("{}.{:x}.{tag}", name.trim_start_matches("rec_"), until.0)
    }

    /// Reads a cursor; `None`: not of this caller and filter, or older than 24 hours.
    pub fn open_cursor(&self, caller: &Caller, filter: &str, cursor: &str) -> Option<RecordId> {
        let mut parts = cursor.split('.');
        let name = format!("rec_{}", parts.next()?);
        let until = Timestamp(i64::from_str_radix(parts.next()?, 16).ok()?);
        let tag = parts.next()?;
        let expected = self.cursor_tag(caller.client(), filter, &name, until);
        let same: bool = subtle::ConstantTimeEq::ct_eq(tag.as_bytes(), expected.as_bytes()).into();
        let fresh = self.now() < until && parts.next().is_none();
        (same && fresh).then(|| self.record_named(&name)).flatten()
    }

    fn cursor_tag(&self, client: ClientNo, filter: &str, name: &str, until: Timestamp) -> String {
        let parts: [&[u8]; 5] =
            [b"cursor", &client.0.to_be_bytes(), filter.as_bytes(), name.as_bytes(), &until.0.to_be_bytes()];
        data_encoding::HEXLOWER.encode(&self.keys().idempotency_digest(&parts))
    }
}
