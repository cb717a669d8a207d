//! Acting as a client over the admin socket: the owner of the data directory names a client and is judged as that client.
//!
//! The second maker of a [`Caller`]. It must never make one for a client that is undeclared or not activated, and grants
//! nothing of its own: policy, limits, refusals and events are the client's (I2, I4). The client's networks and its kind of
//! credential are not asked: they say from where its secret may be used, and here no secret is used and nothing came over a
//! network; the system itself said who is at the other end of the socket. The event says so: prefix `local:<uid>`, no key.

use crate::domain::event::NetworkFacts;
use crate::policy::Asker;
use crate::vault::Vault;
use crate::vault::caller::Caller;
use crate::vault::refusal::Refusal;
use std::sync::Arc;

impl Vault {
    /// The named client, acted for by the local user `uid`. A suspended one is made, and refused by the judge with its
    /// rule; one that the policy does not declare, or that was never activated, is as unknown as a wrong key.
    pub fn act_as(&self, client: &str, uid: u32) -> Result<Caller, Refusal> {
        let policy = self.policy();
        let facts = policy.client(client).ok_or(Refusal::Unauthenticated)?;
        let clients = self.clients();
        if !clients.is_active(client) {
            return Err(Refusal::Unauthenticated);
        }
        let asker = Asker {
            client: facts.no,
            suspended: clients.is_suspended(client),
            key_expired: false,
            network_allowed: true,
        };
        let network = NetworkFacts { prefix: format!("local:{uid}"), ..NetworkFacts::default() };
        Ok(Caller::local(Arc::from(client), asker, (facts.limits, network), policy.clone()))
    }
}
