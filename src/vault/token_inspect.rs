//! `POST /v1/tokens/inspect`: the state of tokens, for members of their audience. Never a value.

use crate::crypto::RefKind;
use crate::domain::event::{Act, EventItem};
use crate::domain::rule::RuleSet;
use crate::domain::token::{Pointer, PointerKind};
use crate::domain::{FieldNo, GrantId, RecordId, Ref8, Sensitive, Timestamp};
use crate::storage::Reader;
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::commit::{Done, Plan, Stop};
use crate::vault::refusal::{Refusal, RuleName};
use crate::vault::subject_view::fresh;

/// How a token stands. Revoked and foreign tokens are not told apart from unknown ones: they are absent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenState {
    /// It opens.
    Live,
    /// It has no use left.
    Spent,
    /// Its time is over.
    Expired,
}

/// What is shown of a token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenView {
    /// How it stands.
    pub state: TokenState,
    /// Full name of its field.
    pub field: String,
    /// Name of its collection.
    pub collection: String,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Uses left.
    pub uses_left: Option<u32>,
    /// Name of its audience.
    pub audience: String,
}

impl Vault {
    /// Inspects tokens; `None` for each that is not found.
    pub async fn inspect_tokens(
        &self,
        caller: &Caller,
        call: &Call,
        tokens: &[Sensitive<String>],
    ) -> Result<Done<Vec<Option<TokenView>>>, Refusal> {
        let mut draft = Draft::new(caller, call, Act::TokenInspect);
        if let Err(denial) = caller.policy().judge_asker(&caller.asker()) {
            let refusal = Refusal::Denied(RuleName(denial.rule));
            return Err(self.refuse(caller, None, draft, refusal, denial.all).await);
        }
        if let Err(refusal) = self.charge(caller, &mut draft, u32::try_from(tokens.len()).unwrap_or(u32::MAX))
        {
            return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await);
        }
        // EXPOSE: opened in place, without I/O.
        let pointers: Vec<_> = tokens.iter().map(|t| self.keys().open_token(t.expose())).collect();
        let concluded = self
            .run(caller, call, draft, |desk| {
                let mut views = Vec::with_capacity(pointers.len());
                for pointer in &pointers {
                    let Some(pointer) = pointer else {
                        desk.event.tokens.forged += 1;
                        self.rehearse(desk.reader, None, false)?;
                        views.push(None);
                        continue;
                    };
                    let found = self.token_view(desk.reader, caller, pointer)?;
                    if found.is_none() {
                        desk.event.tokens.revoked += 1;
                        let mine = caller.policy().audience_has(pointer.audience, caller.client());
                        let grant_seen = mine && pointer.kind == PointerKind::Grant;
                        self.rehearse(desk.reader, Some(pointer), grant_seen)?;
                    }
                    let record = found.as_ref().map_or(Ref8([0; 8]), |(record, _)| {
                        self.reference(RefKind::Record, &record.0.get().to_be_bytes())
                    });
                    let outcome = if found.is_some() { 0 } else { 2 };
                    desk.event.items.push(EventItem { record, field: pointer.field, outcome });
                    views.push(found.map(|(_, view)| view));
                }
                Ok(Plan::answer(views))
            })
            .await?;
        fresh(concluded)
    }

    fn token_view(
        &self,
        reader: &mut Reader<'_>,
        caller: &Caller,
        pointer: &Pointer,
    ) -> Result<Option<(RecordId, TokenView)>, Stop> {
        let policy = caller.policy();
        if !policy.audience_has(pointer.audience, caller.client()) {
            return Ok(None);
        }
        let (record, expires_at, uses_left) = match pointer.kind {
            PointerKind::Record => (RecordId(pointer.locator), None, None),
            PointerKind::Grant => match self.load_grant(reader, GrantId(pointer.locator))? {
                Some((_, g)) if g.generation == pointer.generation && g.fields.contains(&pointer.field) => {
                    (g.record, g.expires_at, g.uses_left)
                }
                _ => return Ok(None),
            },
        };
        let Some(loaded) = self.load_record(reader, record)? else { return Ok(None) };
        let head = &loaded.row.head;
        let direct = pointer.kind == PointerKind::Record;
        let current = !direct || head.generation(pointer.field) == Some(pointer.generation);
        let present = self.fields_of(&loaded).unwrap_or_default().contains(&pointer.field);
        if !current || !present || self.load_subject(reader, head.subject)?.is_none() {
            return Ok(None);
        }
        let state = match (expires_at, uses_left) {
            (Some(end), _) if self.now() >= end => TokenState::Expired,
            (_, Some(0)) => TokenState::Spent,
            _ => TokenState::Live,
        };
        let name = |f: FieldNo| policy.field_facts(f).map(|f| f.full_name.clone()).unwrap_or_default();
        let view = TokenView {
            state,
            field: name(pointer.field),
            collection: policy.collection_name(head.collection).unwrap_or_default().to_owned(),
            expires_at,
            uses_left,
            audience: policy.audience_name(pointer.audience).unwrap_or_default().to_owned(),
        };
        Ok(Some((record, view)))
    }
}
