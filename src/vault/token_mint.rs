//! `POST /v1/tokens`: further tokens for a stored record: another audience, an expiry, a number of uses.

use crate::crypto::RefKind;
use crate::domain::event::{Act, EventItem};
use crate::domain::rule::RuleSet;
use crate::domain::{AudienceNo, FieldNo, GrantId, Object, RecordId, Version};
use crate::policy::Policy;
use crate::storage::Change;
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::commit::{Desk, Done, Plan, Stop};
use crate::vault::record_create::{Stored, StoredTokens, TokenWish};
use crate::vault::record_rules::{grant_terms, new_grant, resolve_audience};
use crate::vault::refusal::{Fault, Refusal, RuleName};
use crate::vault::remember::{Remembered, RememberedRecord};

/// What `POST /v1/tokens` says.
pub struct MintCommand {
    /// `rec_…`
    pub record: String,
    /// Short field names.
    pub fields: Vec<String>,
    /// Audience, expiry, uses.
    pub tokens: TokenWish,
}

impl Vault {
    /// Mints tokens. A client may only hand out what it could read or write itself in some form.
    pub async fn mint_tokens(
        &self,
        caller: &Caller,
        call: &Call,
        command: &MintCommand,
    ) -> Result<Done<StoredTokens>, Refusal> {
        let policy = caller.policy().clone();
        let mut draft = Draft::new(caller, call, Act::TokenMint);
        if let Err(denial) = policy.judge_act(&caller.asker(), "token.mint") {
            let refusal = Refusal::Denied(RuleName(denial.rule));
            return Err(self.refuse(caller, Some(call), draft, refusal, denial.all).await);
        }
        if let Err(refusal) =
            self.charge(caller, &mut draft, u32::try_from(command.fields.len()).unwrap_or(u32::MAX).max(1))
        {
            return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await);
        }
        let prepared = self.prepare_mint(command).await;
        let (record, grants) = match prepared {
            Ok(ready) => ready,
            Err(refusal) => {
                return Err(self.refuse(caller, Some(call), draft, refusal, RuleSet::default()).await);
            }
        };
        let ask = Ask { record, grants: &grants, command };
        let concluded = self.run(caller, call, draft, |desk| self.plan_mint(desk, caller, &ask)).await?;
        self.hand_tokens(caller, call, Act::TokenMint, concluded).await
    }

    async fn prepare_mint(&self, command: &MintCommand) -> Result<(RecordId, Vec<GrantId>), Refusal> {
        let record = self.record_named(&command.record).ok_or(Refusal::NotFound)?;
        let mut names = command.fields.clone();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() || names.len() != command.fields.len() || names.len() > 64 {
            let detail = "Name 1 to 64 different fields of the record.";
            return Err(Refusal::InvalidRequest(vec![Fault::new("/fields", "bad_list", detail)]));
        }
        let mut grants = Vec::new();
        if command.tokens.expires_in.is_some() || command.tokens.uses.is_some() {
            for _ in &command.fields {
                grants.push(GrantId(self.next_locator(record.0).await?));
            }
        }
        Ok((record, grants))
    }

    fn plan_mint(
        &self,
        desk: &mut Desk<'_, '_>,
        caller: &Caller,
        ask: &Ask<'_>,
    ) -> Result<Plan<Stored>, Stop> {
        let policy = caller.policy();
        let loaded = self.load_record(desk.reader, ask.record)?.ok_or(Refusal::NotFound)?;
        let head = &loaded.row.head;
        self.load_subject(desk.reader, head.subject)?.ok_or(Refusal::NotFound)?;
        desk.event.subjects.push(self.subject_ref(head.subject));
        let present = self.fields_of(&loaded).ok_or(Refusal::NotFound)?;
        let fields = resolve_fields(policy, caller, &present, (head.collection, &ask.command.fields))?;
        let audience = resolve_audience(policy, head.collection, &ask.command.tokens)?;
        let terms = grant_terms(ask.record, audience, &ask.command.tokens, self.now())?;
        let reference = self.reference(RefKind::Record, &ask.record.0.get().to_be_bytes());
        desk.event.items =
            fields.iter().map(|f| EventItem { record: reference, field: *f, outcome: 0 }).collect();
        let mut plan = Plan::answer(Stored { head: head.clone(), tokens: Vec::new() });
        plan.relied_on.extend([Object::Record(ask.record.0), Object::Subject(head.subject.0)]);
        let mut remembered = Vec::new();
        for (at, field) in fields.iter().enumerate() {
            let (token, grant) = match (terms, ask.grants.get(at)) {
                (Some(terms), Some(id)) => {
                    let grant = new_grant(*id, &[*field], terms)?;
                    plan.changes
                        .push(Change::PutGrant { row: self.grant_row(&grant, Version(1)), was: None });
                    (self.grant_token(&grant, *field), (id.0.get(), grant.generation.0))
                }
                _ => {
                    let generation = head.generation(*field).ok_or(Refusal::Integrity)?;
                    (self.record_token(head, *field, audience).ok_or(Refusal::Integrity)?, (0, generation.0))
                }
            };
            plan.output.tokens.push((*field, token));
            remembered.push((field.0, grant.0, grant.1));
        }
        plan.remember = Some(remembered_tokens(ask.record, head.version, remembered, audience));
        Ok(plan)
    }
}

struct Ask<'a> {
    record: RecordId,
    grants: &'a [GrantId],
    command: &'a MintCommand,
}

fn remembered_tokens(
    record: RecordId,
    version: Version,
    tokens: Vec<(u16, u64, u16)>,
    audience: AudienceNo,
) -> Remembered {
    let (record, version, audience) = (record.0.get(), version.0, audience.0);
    Remembered::Record(RememberedRecord { record, version, tokens, audience })
}

/// The named fields, present in the record and granted to the caller in some way; unknown and absent ones are one fault,
/// ungranted ones a denial.
fn resolve_fields(
    policy: &Policy,
    caller: &Caller,
    present: &[FieldNo],
    (collection, names): (crate::domain::CollectionNo, &[String]),
) -> Result<Vec<FieldNo>, Stop> {
    let granted = policy.grants_of(caller.client());
    let mut fields = Vec::with_capacity(names.len());
    for name in names {
        let found = policy.field(collection, name).map(|f| f.no).filter(|no| present.contains(no));
        let Some(no) = found else {
            let detail = "A field is not in this record; GET /v1/records/{rec} names those that are.";
            return Err(Refusal::InvalidRequest(vec![Fault::new("/fields", "unknown_field", detail)]).into());
        };
        if !granted.iter().any(|(_, f, _)| *f == no) {
            return Err(Refusal::Denied(RuleName(crate::domain::Rule::FieldNotGranted)).into());
        }
        fields.push(no);
    }
    Ok(fields)
}
