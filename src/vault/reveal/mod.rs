//! Detokenize: tokens in, fields out, for a stated purpose. The order is fixed: limits, tokens opened without I/O, the
//! static half of the judge, rows, the subject half, seals opened under the event's ticket, commit, release (I1, I2, I5).

mod beyond;
mod group;
mod plan;
mod release;
mod stream;

pub use stream::{MAX_STREAMED, RevealStream, RevealedChunk};

use crate::crypto::RefKind;
use crate::domain::disclosure::Undisclosed;
use crate::domain::event::Act;
use crate::domain::field::Form;
use crate::domain::token::Pointer;
use crate::domain::{RecordId, Sensitive};
use crate::policy::{ContextState, FieldLeave, Question, Wish};
use crate::storage::GrantRow;
use crate::vault::Vault;
use crate::vault::call::{Call, Draft, IdempotencyKey};
use crate::vault::caller::Caller;
use crate::vault::commit::{Concluded, Done};
use crate::vault::context::NamedContext;
use crate::vault::refusal::Refusal;
use beyond::Beyond;
use plan::Ask;
use zeroize::Zeroize;

/// What `POST /v1/detokenize` asks for.
pub struct RevealCommand {
    /// Purpose, by name.
    pub purpose: String,
    /// The tokens, 1 ..= 1 000.
    pub tokens: Vec<Sensitive<String>>,
    /// For whom, by name.
    pub recipient: Option<String>,
    /// The end user acted for (≤ 64 of [A-Za-z0-9._:-]).
    pub on_behalf_of: Option<String>,
    /// Kind and reference of a context.
    pub context: Option<(String, String)>,
    /// The wanted form; `None`: plain where granted, else masked.
    pub form: Option<Form>,
    /// The first failing item refuses all.
    pub atomic: bool,
}

/// One item of the answer.
pub enum Item<T> {
    /// The token at this index opened.
    Shown {
        /// Full name of the field.
        field: String,
        /// In which form.
        form: Form,
        /// The value as JSON, rendered inside the vault.
        json: T,
    },
    /// It did not, or was refused.
    Refused(Refusal),
}

/// An item with its value, released.
pub type ShownItem = Item<Sensitive<Vec<u8>>>;

/// Rendered values of one record: (index of the item, JSON). Zeroed on drop.
#[derive(Zeroize)]
pub(in crate::vault) struct Rendered(Vec<(usize, Vec<u8>)>);

struct Want {
    index: usize,
    pointer: Pointer,
    record: RecordId,
    leave: FieldLeave,
    /// The grant row with one use less; written only if the item is shown.
    spend: Option<GrantRow>,
}

/// Judged items before the commit.
struct Prepared {
    items: Vec<Item<()>>,
    held: Vec<Undisclosed<Rendered>>,
}

impl Vault {
    /// Swaps tokens for fields.
    pub async fn reveal(
        &self,
        caller: &Caller,
        call: &Call,
        command: &RevealCommand,
    ) -> Result<Done<Vec<ShownItem>>, Refusal> {
        let mut draft = self.reveal_draft(caller, call, command);
        let pointers = match self.reveal_charged(caller, command, &mut draft) {
            Ok(pointers) => pointers,
            Err(refusal) => return Err(self.refuse(caller, None, draft, refusal, Default::default()).await),
        };
        self.reveal_part(caller, call, command, (&pointers, draft)).await
    }

    /// An event that names purpose, recipient, end user and context.
    fn reveal_draft(&self, caller: &Caller, call: &Call, command: &RevealCommand) -> Draft {
        let policy = caller.policy();
        let mut draft = Draft::new(caller, call, Act::Detokenize);
        let purpose = policy.purpose(&command.purpose);
        draft.body.purpose = purpose.and_then(|p| policy.purpose_name(p)).map(str::to_owned);
        let recipient = command.recipient.as_deref().map(|name| policy.recipient(name));
        draft.body.recipient = recipient.flatten().and_then(|r| policy.recipient_name(r)).map(str::to_owned);
        draft.body.on_behalf_of =
            command.on_behalf_of.as_ref().map(|name| self.reference(RefKind::OnBehalfOf, name.as_bytes()));
        draft.body.context = command.context.as_ref().map(|(kind, reference)| {
            (kind.clone(), self.reference(RefKind::Context, reference.as_bytes()), None)
        });
        draft
    }

    /// Charges a unit a token, then opens the tokens: what their fields cost beyond it is charged for what is there.
    fn reveal_charged(
        &self,
        caller: &Caller,
        command: &RevealCommand,
        draft: &mut Draft,
    ) -> Result<Vec<Option<Pointer>>, Refusal> {
        let units = u32::try_from(command.tokens.len()).unwrap_or(u32::MAX);
        self.charge(caller, draft, units)?;
        Ok(command.tokens.iter().map(|t| self.open_token(t)).collect())
    }

    /// Judges, opens, commits and releases tokens that were charged.
    async fn reveal_part(
        &self,
        caller: &Caller,
        call: &Call,
        command: &RevealCommand,
        (pointers, draft): (&[Option<Pointer>], Draft),
    ) -> Result<Done<Vec<ShownItem>>, Refusal> {
        let policy = caller.policy().clone();
        let recipient = command.recipient.as_deref().map(|name| policy.recipient(name));
        let question = Question {
            asker: caller.asker(),
            wish: Wish::Read(command.form),
            purpose: policy.purpose(&command.purpose),
            recipient,
            context: if command.context.is_some() { ContextState::Unverified } else { ContextState::Absent },
            today: self.today(),
        };
        // A read changes nothing but a spent use, and that remembers its key itself: no row in the store of replies.
        let spending = call.idempotency.map(|key| {
            let client = caller.client().0.to_be_bytes();
            // A retry is the same request of the same client, not merely the same key.
            let retry = self.keys().idempotency_digest(&[b"use", &client, &key.key, &key.body]);
            IdempotencyKey { key: retry, ..key }
        });
        let context = NamedContext::of(command.context.as_ref(), command.on_behalf_of.as_ref());
        let reading = Call { idempotency: None, ..*call };
        let beyond = Beyond::default();
        let concluded = self
            .run(caller, &reading, draft, |desk| {
                beyond.plan_anew();
                let leave = policy.judge_request(&question)?;
                let (atomic, context) = (command.atomic, context.as_ref());
                let ask = Ask { pointers, atomic, spending, context, beyond: &beyond };
                self.plan_reveal(desk, caller, &leave, ask)
            })
            .await;
        self.settle_beyond(caller, &beyond, concluded.as_ref().err());
        let Concluded::Fresh(done) = concluded? else { return Err(Refusal::Conflict) };
        self.disclose(done)
    }

    fn open_token(&self, token: &Sensitive<String>) -> Option<Pointer> {
        // EXPOSE: opened in place, without I/O; a forged one is counted, and takes the time of one that finds nothing.
        self.keys().open_token(token.expose())
    }
}
