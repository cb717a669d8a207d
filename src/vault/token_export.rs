//! Tokens of stored records, page by page, for the owner of the data directory who hands them to a client that lost its own
//! or never had them. Never a value; each page is one event on the log before it leaves (I1), and a page is bounded (I10).
//!
//! A client gets only tokens it could have been handed: of fields it is granted in some way, for its own audience.

use crate::crypto::{NameKind, RefKind};
use crate::domain::disclosure::EventTicket;
use crate::domain::entropy::{Entropy, OsEntropy};
use crate::domain::event::{Act, Event, EventBody, EventItem, MAX_ITEMS, Outcome, Principal};
use crate::domain::record::RecordHead;
use crate::domain::{AudienceNo, FieldNo, Id16, RecordId};
use crate::policy::Policy;
use crate::storage::{ChangeSet, ReadError};
use crate::vault::Vault;
use crate::vault::refusal::Refusal;
use std::collections::BTreeSet;

/// Records looked at for one page.
const PAGE: usize = 200;

/// One record's tokens.
pub struct ExportedRecord {
    /// `sub_…`
    pub subject: String,
    /// `rec_…`
    pub record: String,
    /// Tokens by full field name.
    pub tokens: Vec<(String, String)>,
}

/// A page of them, and where the next one begins.
pub struct ExportPage {
    /// Records that have tokens for the client; possibly none although more follow.
    pub records: Vec<ExportedRecord>,
    /// `rec_…` to go on after; `None`: this was the last page.
    pub next: Option<String>,
}

/// A record of the page, before its tokens are minted.
struct Chosen {
    head: RecordHead,
    fields: Vec<FieldNo>,
    audience: AudienceNo,
}

impl Vault {
    /// The tokens a client could be handed of the records after `after`, of one collection or of all.
    pub async fn export_tokens(
        &self,
        by: Principal,
        (client, collection): (&str, Option<&str>),
        after: Option<RecordId>,
    ) -> Result<ExportPage, Refusal> {
        let policy = self.policy();
        let no = policy.client(client).ok_or(Refusal::NotFound)?.no;
        let only = match collection {
            None => None,
            Some(name) => Some(policy.collection(name).ok_or(Refusal::NotFound)?),
        };
        let granted: BTreeSet<FieldNo> = policy.grants_of(no).into_iter().map(|(_, f, _)| f).collect();
        let request = Id16(OsEntropy.array().map_err(|_| Refusal::Overloaded)?);
        let mut body = EventBody::new(request, self.now(), by, Act::TokenExport);
        body.outcome = Outcome::Allowed;
        body.policy = policy.version();
        let read = self.store().read(|reader| {
            let page = reader.records_after(after, PAGE)?;
            let mut next = page.last().filter(|_| page.len() == PAGE).map(|(head, _, _)| head.record);
            let (mut chosen, mut items, mut last) = (Vec::new(), 0, after);
            for (head, seal, fields) in page {
                if items + fields.len() > MAX_ITEMS {
                    // Evidence is never cut to fit: the page ends before the event would be full.
                    next = last;
                    break;
                }
                last = Some(head.record);
                let wanted = only.is_none_or(|c| c == head.collection) && head.answers_at(self.now());
                if !wanted || !self.head_holds(&head, &seal) {
                    continue;
                }
                if self.load_subject(reader, head.subject)?.is_none() {
                    continue;
                }
                let fields: Vec<FieldNo> = fields.into_iter().filter(|f| granted.contains(f)).collect();
                items += fields.len();
                let audience = audience_of(&policy, &head, no);
                chosen.extend((!fields.is_empty()).then_some(Chosen { head, fields, audience }));
            }
            Ok((reader.read_at(), chosen, next))
        });
        let (read_at, chosen, next) = read.map_err(|_: ReadError| Refusal::AuditUnavailable)?;
        self.describe_export(&mut body, &chosen);
        let event = Event { ticket: EventTicket::next(), body };
        self.store().commit(ChangeSet::observed(event, read_at, [])).await?;
        let next = next.map(|r| self.keys().name(NameKind::Record, r.0));
        Ok(ExportPage { records: chosen.iter().map(|c| self.exported(&policy, c)).collect(), next })
    }

    fn describe_export(&self, body: &mut EventBody, chosen: &[Chosen]) {
        for one in chosen {
            let record = self.reference(RefKind::Record, &one.head.record.0.get().to_be_bytes());
            body.items.extend(one.fields.iter().map(|f| EventItem { record, field: *f, outcome: 0 }));
            let subject = self.subject_ref(one.head.subject);
            if !body.subjects.contains(&subject) {
                body.subjects.push(subject);
            }
        }
        body.count = u64::try_from(chosen.len()).ok();
    }

    fn exported(&self, policy: &Policy, one: &Chosen) -> ExportedRecord {
        let token = |field: &FieldNo| {
            let name = policy.field_facts(*field)?.full_name.clone();
            Some((name, self.record_token(&one.head, *field, one.audience)?))
        };
        ExportedRecord {
            subject: self.keys().name(NameKind::Subject, one.head.subject.0),
            record: self.keys().name(NameKind::Record, one.head.record.0),
            tokens: one.fields.iter().filter_map(token).collect(),
        }
    }
}

/// The collection's group when the client is in it, else the client alone.
fn audience_of(policy: &Policy, head: &RecordHead, client: crate::domain::ClientNo) -> AudienceNo {
    let shared = policy.default_audience(head.collection).filter(|a| policy.audience_has(*a, client));
    shared.unwrap_or(AudienceNo(client.0))
}
