//! A subject's metadata: region, state, consents, holds, collections held. Never a value.

use crate::crypto::NameKind;
use crate::domain::event::Act;
use crate::domain::rule::RuleSet;
use crate::domain::subject::SubjectState;
use crate::domain::{CollectionNo, Object, RecordId, SubjectId};
use crate::storage::{ReadError, Reader};
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::commit::{Concluded, Done, Plan};
use crate::vault::load::LoadedRecord;
use crate::vault::record_view::RecordView;
use crate::vault::refusal::{Refusal, RuleName};
use std::collections::BTreeMap;

/// What `GET /v1/subjects/{sub}` shows.
pub struct SubjectView {
    /// `sub_…`
    pub subject: String,
    /// Its state.
    pub state: SubjectState,
    /// Records held, by collection.
    pub collections: Vec<(String, u64)>,
}

impl Vault {
    /// The subject behind a public name; `None`: not one of ours.
    pub fn subject_named(&self, name: &str) -> Option<SubjectId> {
        self.keys().locate(NameKind::Subject, name).map(SubjectId)
    }

    /// Shows a subject.
    pub async fn view_subject(
        &self,
        caller: &Caller,
        call: &Call,
        subject: SubjectId,
    ) -> Result<Done<SubjectView>, Refusal> {
        let policy = caller.policy().clone();
        let mut draft = Draft::new(caller, call, Act::SubjectView);
        if let Err(denial) = policy.judge_act(&caller.asker(), "subject.view") {
            let refusal = Refusal::Denied(RuleName(denial.rule));
            return Err(self.refuse(caller, None, draft, refusal, denial.all).await);
        }
        if let Err(refusal) = self.charge(caller, &mut draft, 1) {
            return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await);
        }
        let concluded = self
            .run(caller, call, draft, |desk| {
                let loaded = self.load_subject(desk.reader, subject)?.ok_or(Refusal::NotFound)?;
                desk.event.subjects.push(self.subject_ref(subject));
                let held = self.collections_of(desk.reader, subject)?;
                let named =
                    held.into_iter().filter_map(|(c, n)| Some((policy.collection_name(c)?.to_owned(), n)));
                let name = self.keys().name(NameKind::Subject, subject.0);
                let view = SubjectView { subject: name, state: loaded.state, collections: named.collect() };
                let mut plan = Plan::answer(view);
                plan.relied_on.push(Object::Subject(subject.0));
                Ok(plan)
            })
            .await?;
        fresh(concluded)
    }

    /// Metadata of a subject's records, newest first, below `before`.
    pub async fn list_records(
        &self,
        caller: &Caller,
        call: &Call,
        subject: SubjectId,
        page: RecordPage,
    ) -> Result<Done<(Vec<RecordView>, Option<RecordId>)>, Refusal> {
        let policy = caller.policy().clone();
        let mut draft = Draft::new(caller, call, Act::SubjectView);
        if let Err(denial) = policy.judge_act(&caller.asker(), "subject.view") {
            let refusal = Refusal::Denied(RuleName(denial.rule));
            return Err(self.refuse(caller, None, draft, refusal, denial.all).await);
        }
        if let Err(refusal) = self.charge(caller, &mut draft, page_cost(page.limit)) {
            return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await);
        }
        let concluded = self
            .run(caller, call, draft, |desk| {
                self.load_subject(desk.reader, subject)?.ok_or(Refusal::NotFound)?;
                desk.event.subjects.push(self.subject_ref(subject));
                let rows = desk.reader.records_of(subject, page.collection, page.before, page.limit + 1)?;
                let more = rows.len() > page.limit;
                let kept: Vec<_> = rows.into_iter().take(page.limit).collect();
                let next = kept.last().filter(|_| more).map(|row| row.head.record);
                let mut views = Vec::with_capacity(kept.len());
                for row in kept {
                    let Some(key) = desk.reader.key(row.head.record, row.head.version)? else {
                        self.integrity_failed();
                        continue;
                    };
                    let loaded = LoadedRecord { row, key };
                    let fields = self.fields_of(&loaded);
                    views.extend(
                        fields.map(|fields| self.describe_record(&policy, &loaded.row.head, &fields)),
                    );
                }
                let mut plan = Plan::answer((views, next));
                plan.relied_on.push(Object::Subject(subject.0));
                Ok(plan)
            })
            .await?;
        fresh(concluded)
    }
}

/// Heads read at a time while records are counted.
const COUNTED: usize = 1_000;

impl Vault {
    /// Records of a subject by collection, counted by heads whose seals hold: the columns beside a seal prove nothing.
    fn collections_of(
        &self,
        reader: &mut Reader<'_>,
        subject: SubjectId,
    ) -> Result<BTreeMap<CollectionNo, u64>, ReadError> {
        let (mut counts, mut before) = (BTreeMap::new(), None);
        loop {
            let heads = reader.heads_of(subject, before, COUNTED)?;
            for (head, _) in heads.iter().filter(|(head, seal)| self.head_holds(head, seal)) {
                *counts.entry(head.collection).or_insert(0) += 1;
            }
            match heads.last() {
                Some((last, _)) if heads.len() == COUNTED => before = Some(last.record),
                _ => return Ok(counts),
            }
        }
    }
}

/// Which page of a subject's records.
#[derive(Clone, Copy)]
pub struct RecordPage {
    /// Only this collection.
    pub collection: Option<CollectionNo>,
    /// Below this record.
    pub before: Option<RecordId>,
    /// At most so many.
    pub limit: usize,
}

/// A list costs a unit for every ten rows it may hold: metadata is cheaper than values, but not free.
fn page_cost(limit: usize) -> u32 {
    u32::try_from(limit.div_ceil(10)).unwrap_or(u32::MAX).max(1)
}

/// Reads are never remembered, so a replay cannot be.
pub(in crate::vault) fn fresh<T>(concluded: Concluded<T>) -> Result<Done<T>, Refusal> {
    match concluded {
        Concluded::Fresh(done) => Ok(done),
        Concluded::Replay(_) => Err(Refusal::IdempotencyMismatch),
    }
}
