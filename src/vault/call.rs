//! One request as the verbs see it: ids, times, sizes. No headers, no sockets, no values.

use crate::domain::event::{Act, EventBody, Principal};
use crate::domain::rule::RuleSet;
use crate::domain::{Id16, Timestamp};
use crate::vault::caller::Caller;
use crate::vault::refusal::Refusal;

/// What the edge knows of a request.
pub struct Call {
    /// Its id, also in the reply.
    pub request: Id16,
    /// When it arrived.
    pub received_at: Timestamp,
    /// Family of the user agent, from a closed list.
    pub ua_family: Option<&'static str>,
    /// Bytes of the body.
    pub bytes: u32,
    /// Idempotency, where the client asked for it.
    pub idempotency: Option<IdempotencyKey>,
}

/// The digests of an idempotency key and of what it is bound to (method, path, body); never the key itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// `HMAC(K_idem, key)`.
    pub key: [u8; 16],
    /// `HMAC(K_idem, method ‖ path ‖ body)`.
    pub body: [u8; 16],
}

/// An audit event being written: starts as `failed`, is completed as the verb learns more.
pub(in crate::vault) struct Draft {
    /// What will be written.
    pub(in crate::vault) body: EventBody,
}

impl Draft {
    /// A draft that names caller, key, network and act.
    pub(in crate::vault) fn new(caller: &Caller, call: &Call, act: Act) -> Self {
        let mut body =
            EventBody::new(call.request, call.received_at, Principal::Client(caller.name().to_owned()), act);
        body.key_id = caller.key_id();
        body.tls_client = caller.tls_client();
        body.network = Some(caller.network().clone());
        body.ua_family = call.ua_family.map(str::to_owned);
        body.policy = caller.policy().version();
        body.bytes = call.bytes;
        Self { body }
    }
    /// Writes down how it was refused, with every failing rule.
    pub(in crate::vault) fn refused(&mut self, refusal: &Refusal, rules: RuleSet) {
        self.body.outcome = refusal.outcome();
        self.body.code = Some(refusal.code().to_owned());
        self.body.rules = RuleSet(self.body.rules.0 | rules.0);
        if let Refusal::Denied(rule) = refusal {
            self.body.rules.insert(rule.0);
        }
    }
}
