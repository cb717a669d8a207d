//! A record's metadata: collection, version, field names, times. Never a value.

use crate::crypto::{NameKind, RefKind};
use crate::domain::event::{Act, EventItem};
use crate::domain::record::RecordHead;
use crate::domain::rule::RuleSet;
use crate::domain::{FieldNo, Object, RecordId, Timestamp};
use crate::policy::Policy;
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::commit::{Done, Plan};
use crate::vault::refusal::{Refusal, RuleName};
use crate::vault::subject_view::fresh;

/// What `GET /v1/records/{rec}` shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordView {
    /// `rec_…`
    pub record: String,
    /// `sub_…`
    pub subject: String,
    /// Name of its collection.
    pub collection: String,
    /// Version.
    pub version: u32,
    /// Short names of the fields present.
    pub fields: Vec<String>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

impl Vault {
    /// The record behind a public name; `None`: not one of ours.
    pub fn record_named(&self, name: &str) -> Option<RecordId> {
        self.keys().locate(NameKind::Record, name).map(RecordId)
    }

    pub(in crate::vault) fn describe_record(
        &self,
        policy: &Policy,
        head: &RecordHead,
        fields: &[FieldNo],
    ) -> RecordView {
        RecordView {
            record: self.keys().name(NameKind::Record, head.record.0),
            subject: self.keys().name(NameKind::Subject, head.subject.0),
            collection: policy.collection_name(head.collection).unwrap_or("?").to_owned(),
            version: head.version.0,
            fields: fields.iter().filter_map(|f| policy.field_facts(*f)).map(|f| f.name.clone()).collect(),
            created_at: head.created_at,
            expires_at: head.expires_at,
        }
    }

    /// Shows a record's metadata to a client that may view records.
    pub async fn view_record(
        &self,
        caller: &Caller,
        call: &Call,
        record: RecordId,
    ) -> Result<Done<RecordView>, Refusal> {
        let policy = caller.policy().clone();
        let mut draft = Draft::new(caller, call, Act::RecordView);
        if let Err(denial) = policy.judge_act(&caller.asker(), "record.view") {
            let refusal = Refusal::Denied(RuleName(denial.rule));
            return Err(self.refuse(caller, None, draft, refusal, denial.all).await);
        }
        if let Err(refusal) = self.charge(caller, &mut draft, 1) {
            return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await);
        }
        let concluded = self
            .run(caller, call, draft, |desk| {
                let loaded = self.load_record(desk.reader, record)?.ok_or(Refusal::NotFound)?;
                let head = &loaded.row.head;
                self.load_subject(desk.reader, head.subject)?.ok_or(Refusal::NotFound)?;
                let fields = self.fields_of(&loaded).ok_or(Refusal::NotFound)?;
                desk.event.subjects.push(self.subject_ref(head.subject));
                let reference = self.reference(RefKind::Record, &record.0.get().to_be_bytes());
                desk.event.items.push(EventItem { record: reference, field: FieldNo(0), outcome: 0 });
                let mut plan = Plan::answer(self.describe_record(&policy, head, &fields));
                plan.relied_on.extend([Object::Record(record.0), Object::Subject(head.subject.0)]);
                Ok(plan)
            })
            .await?;
        fresh(concluded)
    }
}
