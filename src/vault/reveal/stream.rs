//! A detokenize of up to 100 000 tokens in parts of 1 000: a unit each is charged for the whole, then each part judged, charged
//! for the fields that are there, audited and released for itself, and only when the one before was taken. A stream that is cut has audited no more than the part that was being
//! sent. Each part is read anew: a consent withdrawn, a client suspended or a key withdrawn meanwhile ends what follows.

use super::{RevealCommand, ShownItem};
use crate::domain::disclosure::LogHead;
use crate::domain::event::MAX_ITEMS;
use crate::domain::rule::{Rule, RuleSet};
use crate::domain::token::Pointer;
use crate::vault::Vault;
use crate::vault::call::Call;
use crate::vault::caller::Caller;
use crate::vault::refusal::{Refusal, RuleName};
use std::sync::Arc;

/// Most tokens of one stream.
pub const MAX_STREAMED: usize = 100_000;

/// A stream that has been charged.
pub struct RevealStream {
    vault: Arc<Vault>,
    caller: Arc<Caller>,
    call: Call,
    command: RevealCommand,
    pointers: Vec<Option<Pointer>>,
    taken: usize,
    cost: u32,
}

/// One part, released.
pub struct RevealedChunk {
    /// Index of its first token.
    pub first: usize,
    /// Its items, in order.
    pub items: Vec<ShownItem>,
    /// The log after its event.
    pub head: LogHead,
}

impl RevealStream {
    /// Charges a unit a token for the whole of it; nothing is read yet.
    pub async fn begin(
        vault: Arc<Vault>,
        caller: Arc<Caller>,
        call: &Call,
        command: RevealCommand,
    ) -> Result<Self, Refusal> {
        let mut draft = vault.reveal_draft(&caller, call, &command);
        let units = u32::try_from(command.tokens.len()).unwrap_or(u32::MAX);
        if let Err(refusal) = vault.charge(&caller, &mut draft, units) {
            return Err(vault.refuse(&caller, None, draft, refusal, RuleSet::default()).await);
        }
        let mut pointers = Vec::with_capacity(command.tokens.len());
        for some in command.tokens.chunks(MAX_ITEMS) {
            pointers.extend(some.iter().map(|token| vault.open_token(token)));
            // Others on this worker are served meanwhile.
            tokio::task::yield_now().await;
        }
        let call = Call { ..*call };
        Ok(Self { vault, caller, call, command, pointers, taken: 0, cost: draft.body.cost })
    }

    /// What was charged so far: a unit for each token of the whole, and what the fields found so far cost beyond it.
    pub fn cost(&self) -> u32 {
        self.cost
    }

    /// The tokens, to be repeated beside what they opened.
    pub fn tokens(&self) -> &[crate::domain::Sensitive<String>] {
        &self.command.tokens
    }

    /// The next part; `None`: all were given.
    pub async fn next(&mut self) -> Option<Result<RevealedChunk, Refusal>> {
        let first = self.taken;
        let rest = self.pointers.get(first..).unwrap_or_default();
        let some = rest.get(..rest.len().min(MAX_ITEMS)).filter(|some| !some.is_empty())?;
        self.taken += some.len();
        let (vault, caller) = (&self.vault, &self.caller);
        let bytes = if first == 0 { self.call.bytes } else { 0 };
        let call = Call { bytes, ..self.call };
        let mut draft = vault.reveal_draft(caller, &call, &self.command);
        let number = |n: usize| u32::try_from(n.div_ceil(MAX_ITEMS)).unwrap_or(u32::MAX);
        draft.body.part = (number(self.taken), number(self.pointers.len()));
        draft.body.cost = u32::try_from(some.len()).unwrap_or(u32::MAX);
        if let Err(rule) = vault.still_stands(caller) {
            let refusal = Refusal::Denied(RuleName(rule));
            return Some(Err(vault.refuse(caller, None, draft, refusal, RuleSet::default()).await));
        }
        let done = vault.reveal_part(caller, &call, &self.command, (some, draft)).await;
        if let Ok(done) = &done {
            let units = u32::try_from(some.len()).unwrap_or(u32::MAX);
            self.cost = self.cost.saturating_add(done.cost.saturating_sub(units));
        }
        Some(done.map(|done| RevealedChunk { first, items: done.value, head: done.receipt.head }))
    }
}

impl Vault {
    /// Whether a caller that was authenticated a while ago would be now.
    fn still_stands(&self, caller: &Caller) -> Result<(), Rule> {
        let clients = self.clients();
        if clients.is_suspended(caller.name()) {
            return Err(Rule::ClientSuspended);
        }
        match caller.key_id() {
            Some(id) if !clients.key_stands(id, self.now()) => Err(Rule::KeyExpired),
            _ => Ok(()),
        }
    }
}
