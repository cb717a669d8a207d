//! `POST /v1/records`: one record stored, sealed under a key of its own, and its tokens handed back.

use crate::crypto::NameKind;
use crate::domain::entropy::OsEntropy;
use crate::domain::event::{Act, EventItem};
use crate::domain::field::FieldType;
use crate::domain::record::{RecordHead, RecordStatus};
use crate::domain::rule::RuleSet;
use crate::domain::value::RawValue;
use crate::domain::{
    AudienceNo, CollectionNo, FieldNo, Generation, GrantId, Locator, Object, RecordId, SubjectId, Version,
};
use crate::policy::{Policy, Question};
use crate::storage::{BlindRow, Change, RecordRow};
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::commit::{Concluded, Desk, Done, Plan, Stop};
use crate::vault::record_rows::{Checked, GrantTerms};
use crate::vault::record_rules::{
    grant_terms, has_password, missing_fields, new_grant, plain_fields, resolve_audience, unknown_collection,
    unsealable, write_question,
};
use crate::vault::refusal::{Fault, Refusal, RuleName};
use crate::vault::remember::{Remembered, RememberedRecord, record_id};
use std::time::Duration;

/// A field as it was sent: `None` is JSON null (PATCH: remove).
pub struct FieldInput {
    /// Short name.
    pub name: String,
    /// Value.
    pub value: Option<RawValue>,
}

/// Wishes about tokens: who may open them, how long, how often.
#[derive(Clone, Default)]
pub struct TokenWish {
    /// Life of the tokens.
    pub expires_in: Option<Duration>,
    /// Number of uses of each token.
    pub uses: Option<u32>,
    /// Audience, by name; `None`: the collection's default.
    pub audience: Option<String>,
}

/// What `POST /v1/records` says.
pub struct CreateRecord {
    /// The subject, by public name.
    pub subject: String,
    /// Collection, by name.
    pub collection: String,
    /// Purpose, by name.
    pub purpose: String,
    /// Fields, at least one.
    pub fields: Vec<FieldInput>,
    /// Wishes about tokens.
    pub tokens: TokenWish,
}

/// A stored record and its tokens by short field name.
pub struct StoredTokens {
    /// `rec_…`
    pub record: String,
    /// Version.
    pub version: u32,
    /// Tokens.
    pub tokens: Vec<(String, String)>,
}

/// A plan's output before names are minted.
pub(in crate::vault) struct Stored {
    pub(in crate::vault) head: RecordHead,
    pub(in crate::vault) tokens: Vec<(FieldNo, String)>,
}

/// What was resolved before anything is read.
pub(in crate::vault) struct Ready {
    pub(in crate::vault) subject: SubjectId,
    collection: CollectionNo,
    question: Question,
    audience: AudienceNo,
    pub(in crate::vault) record: RecordId,
    grants: Vec<GrantId>,
    fields: Checked,
    terms: Option<GrantTerms>,
}

/// A record that may be stored: rows and tokens.
pub(in crate::vault) struct NewRecord {
    pub(in crate::vault) stored: Stored,
    pub(in crate::vault) changes: Vec<Change>,
    pub(in crate::vault) remembered: RememberedRecord,
    /// Logins it takes.
    pub(in crate::vault) logins: Vec<BlindRow>,
}

/// Units a record costs: its fields.
pub(in crate::vault) fn units(command: &CreateRecord) -> u32 {
    u32::try_from(command.fields.len()).unwrap_or(u32::MAX).max(1)
}

/// What an event says of a stored record: each field.
pub(in crate::vault) fn items_of(record: crate::domain::Ref8, stored: &Stored) -> Vec<EventItem> {
    stored.tokens.iter().map(|(field, _)| EventItem { record, field: *field, outcome: 0 }).collect()
}

/// Blind entries of logins.
fn logins(policy: &Policy, collection: CollectionNo, blind: &[BlindRow]) -> Vec<BlindRow> {
    let is_login = |row: &&BlindRow| {
        policy
            .field_facts(row.field)
            .is_some_and(|f| f.kind == FieldType::Login && f.collection == collection)
    };
    blind.iter().filter(is_login).copied().collect()
}

impl Vault {
    /// Stores a record.
    pub async fn create_record(
        &self,
        caller: &Caller,
        call: &Call,
        command: &CreateRecord,
    ) -> Result<Done<StoredTokens>, Refusal> {
        let policy = caller.policy().clone();
        let mut draft = Draft::new(caller, call, Act::RecordCreate);
        draft.body.purpose =
            policy.purpose(&command.purpose).and_then(|p| policy.purpose_name(p)).map(str::to_owned);
        if let Err(refusal) = self.charge(caller, &mut draft, units(command)) {
            return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await);
        }
        let ready = match self.ready_record(caller, command).await {
            Ok(ready) => ready,
            Err((refusal, rules)) => {
                return Err(self.refuse(caller, Some(call), draft, refusal, rules).await);
            }
        };
        let concluded = self.run(caller, call, draft, |desk| self.plan_record(desk, &policy, &ready)).await?;
        self.hand_tokens(caller, call, Act::RecordCreate, concluded).await
    }

    pub(in crate::vault) async fn ready_record(
        &self,
        caller: &Caller,
        command: &CreateRecord,
    ) -> Result<Ready, (Refusal, RuleSet)> {
        let policy = caller.policy();
        let plain = |refusal: Refusal| (refusal, RuleSet::default());
        let question = write_question(caller, policy.purpose(&command.purpose), self.today());
        let collection = policy.collection(&command.collection).ok_or_else(|| plain(unknown_collection()))?;
        if let Err(denial) = policy.judge_request(&question) {
            return Err((Refusal::Denied(RuleName(denial.rule)), denial.all));
        }
        let subject = self.subject_named(&command.subject).ok_or_else(|| plain(Refusal::NotFound))?;
        // In a record, wishes about tokens stand below `tokens`.
        let wished = |refusal: Refusal| plain(refusal.below("/tokens"));
        let audience = resolve_audience(policy, collection, &command.tokens).map_err(wished)?;
        // C08 before the values: a field that no granted purpose needs is refused unread.
        let unneeded = command
            .fields
            .iter()
            .filter_map(|f| policy.field(collection, &f.name))
            .find_map(|facts| policy.judge_write_field(&question, facts.no).err());
        if let Some(denial) = unneeded {
            return Err((Refusal::Denied(RuleName(denial.rule)), denial.all));
        }
        let fields = self.check_fields(policy, collection, &command.fields).await.map_err(plain)?;
        missing_fields(policy, collection, &fields).map_err(plain)?;
        self.check_birth_date(policy, &fields).map_err(plain)?;
        let locator = self.next_locator(subject.0).await.map_err(plain)?;
        let record = RecordId(locator);
        let terms = grant_terms(record, audience, &command.tokens, self.now()).map_err(wished)?;
        let mut grants = Vec::new();
        for _ in fields.iter().filter(|_| terms.is_some()) {
            grants.push(GrantId(self.next_locator(subject.0).await.map_err(plain)?));
        }
        Ok(Ready { subject, collection, question, audience, record, grants, fields, terms })
    }

    pub(in crate::vault) async fn next_locator(&self, beside: Locator) -> Result<Locator, Refusal> {
        Ok(self.locators.next(self.store(), beside.part()).await?)
    }

    pub(in crate::vault) fn check_birth_date(
        &self,
        policy: &Policy,
        fields: &Checked,
    ) -> Result<(), Refusal> {
        for (no, value) in fields {
            let is_date = policy.field_facts(*no).is_some_and(|f| f.kind == FieldType::BirthDate);
            let (true, Some(value)) = (is_date, value) else { continue };
            // EXPOSE: compared with today; C10 asks for the lowest majority any served region has.
            let text = std::str::from_utf8(value.expose()).unwrap_or("");
            let age = crate::domain::date::Date::parse(text).and_then(|d| d.age_on(self.today()));
            match age {
                None => {
                    let fault = Fault::new(
                        "/fields/birth_date",
                        "not_a_date",
                        "Write a date of the past as YYYY-MM-DD.",
                    );
                    return Err(Refusal::InvalidField(vec![fault]));
                }
                Some(age) if age < policy.lowest_minimum_age() => return Err(Refusal::Minor),
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn plan_record(
        &self,
        desk: &mut Desk<'_, '_>,
        policy: &Policy,
        ready: &Ready,
    ) -> Result<Plan<Stored>, Stop> {
        let new = self.plan_new(desk, policy, ready)?;
        let reference = self.record_ref(ready.record);
        desk.event.items = items_of(reference, &new.stored);
        let mut plan = Plan::answer(new.stored);
        plan.relied_on.push(Object::Subject(ready.subject.0));
        plan.changes = new.changes;
        plan.remember = Some(Remembered::Record(new.remembered));
        Ok(plan)
    }

    /// One new record judged, sealed and given its tokens; what the event says of it is the caller's to write.
    pub(in crate::vault) fn plan_new(
        &self,
        desk: &mut Desk<'_, '_>,
        policy: &Policy,
        ready: &Ready,
    ) -> Result<NewRecord, Stop> {
        let subject = self.load_subject(desk.reader, ready.subject)?.ok_or(Refusal::NotFound)?;
        desk.event.subjects.push(self.subject_ref(ready.subject));
        let numbers: Vec<FieldNo> = ready.fields.iter().map(|(f, _)| *f).collect();
        let permit = policy.judge_write(&ready.question, ready.collection, &numbers, &subject.state)?;
        let head = RecordHead {
            record: ready.record,
            subject: ready.subject,
            collection: ready.collection,
            version: Version(1),
            head_version: Version(1),
            status: RecordStatus::Live,
            created_at: self.now(),
            expires_at: None,
            generations: self.generations(&[], numbers.iter().copied())?,
        };
        let fields = plain_fields(&ready.fields);
        let credential = has_password(policy, &numbers);
        let sealed =
            self.keys().seal(&permit, &head, &fields, credential, &mut OsEntropy).map_err(unsealable)?;
        let blind = self.blind_rows(policy, ready.collection, &fields);
        self.refuse_taken_login(desk, policy, ready.collection, &blind)?;
        let mut new = NewRecord {
            logins: logins(policy, ready.collection, &blind),
            stored: Stored { head: head.clone(), tokens: Vec::new() },
            changes: Vec::with_capacity(1 + ready.grants.len()),
            remembered: RememberedRecord {
                record: ready.record.0.get(),
                version: 1,
                tokens: Vec::with_capacity(numbers.len()),
                audience: ready.audience.0,
            },
        };
        let row = RecordRow { head: head.clone(), seal: sealed.seal, sealed: sealed.bytes };
        new.changes.push(Change::PutRecord { row, key: sealed.key, blind, was: None });
        for (at, field) in numbers.iter().enumerate() {
            let token = match (ready.terms, ready.grants.get(at)) {
                (Some(terms), Some(id)) => {
                    let grant = new_grant(*id, &[*field], terms)?;
                    new.changes.push(Change::PutGrant { row: self.grant_row(&grant, Version(1)), was: None });
                    new.remembered.tokens.push((field.0, id.0.get(), grant.generation.0));
                    self.grant_token(&grant, *field)
                }
                _ => {
                    let generation = head.generation(*field).ok_or(Refusal::Integrity)?;
                    new.remembered.tokens.push((field.0, 0, generation.0));
                    self.record_token(&head, *field, ready.audience).ok_or(Refusal::Integrity)?
                }
            };
            new.stored.tokens.push((*field, token));
        }
        Ok(new)
    }

    /// A login names one credential: a second one with the same login is refused.
    pub(in crate::vault) fn refuse_taken_login(
        &self,
        desk: &mut Desk<'_, '_>,
        policy: &Policy,
        collection: CollectionNo,
        blind: &[BlindRow],
    ) -> Result<(), Stop> {
        for row in logins(policy, collection, blind) {
            if !desk.reader.blind(&row, 1)?.is_empty() {
                return Err(Refusal::AlreadyExists.into());
            }
        }
        Ok(())
    }

    /// The reply of a verb that hands tokens back: of what was committed now, or minted again for a retry.
    pub(in crate::vault) async fn hand_tokens(
        &self,
        caller: &Caller,
        call: &Call,
        act: Act,
        concluded: Concluded<Stored>,
    ) -> Result<Done<StoredTokens>, Refusal> {
        match concluded {
            Concluded::Fresh(done) => Ok(Done {
                value: self.named_tokens(caller.policy(), &done.value),
                receipt: done.receipt,
                cost: done.cost,
                replayed: false,
            }),
            Concluded::Replay(remembered) => self.replay_record(caller, call, act, remembered).await,
        }
    }

    pub(in crate::vault) fn named_tokens(&self, policy: &Policy, stored: &Stored) -> StoredTokens {
        let name = |no: FieldNo| policy.field_facts(no).map_or_else(|| "?".to_owned(), |f| f.name.clone());
        StoredTokens {
            record: self.keys().name(NameKind::Record, stored.head.record.0),
            version: stored.head.version.0,
            tokens: stored.tokens.iter().map(|(f, t)| (name(*f), t.clone())).collect(),
        }
    }

    /// Mints a remembered reply again; 404 once the record is gone.
    async fn replay_record(
        &self,
        caller: &Caller,
        call: &Call,
        act: Act,
        remembered: Remembered,
    ) -> Result<Done<StoredTokens>, Refusal> {
        let draft = Draft::new(caller, call, act);
        let Remembered::Record(remembered) = remembered else {
            return Err(self
                .refuse(caller, None, draft, Refusal::IdempotencyMismatch, RuleSet::default())
                .await);
        };
        self.replay(caller, draft, |desk| self.mint_again(desk, caller.policy(), &remembered)).await
    }

    /// The tokens of a remembered reply; not found once the record is gone, and none that was revoked since.
    pub(in crate::vault) fn mint_again(
        &self,
        desk: &mut Desk<'_, '_>,
        policy: &Policy,
        remembered: &RememberedRecord,
    ) -> Result<StoredTokens, Stop> {
        let id = record_id(remembered.record).ok_or(Refusal::Integrity)?;
        let loaded = self.load_record(desk.reader, id)?.ok_or(Refusal::NotFound)?;
        desk.event.subjects.push(self.subject_ref(loaded.row.head.subject));
        let mut stored = Stored { head: loaded.row.head.clone(), tokens: Vec::new() };
        stored.head.version = Version(remembered.version);
        for (field, grant, generation) in &remembered.tokens {
            let (field, generation) = (FieldNo(*field), Generation(*generation));
            let token = match Locator::from_raw(*grant) {
                None if loaded.row.head.generation(field) != Some(generation) => None,
                None => self.record_token(&loaded.row.head, field, AudienceNo(remembered.audience)),
                Some(at) => self
                    .load_grant(desk.reader, GrantId(at))?
                    .filter(|(_, g)| g.generation == generation)
                    .map(|(_, g)| self.grant_token(&g, field)),
            };
            stored.tokens.extend(token.map(|t| (field, t)));
        }
        Ok(self.named_tokens(policy, &stored))
    }
}
