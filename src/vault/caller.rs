//! Authentication: a [`Caller`] is the only door to the verbs, and only authentication and `act_as` make one.
//!
//! A key is looked up by its keyed digest after its form and tag passed; unknown and malformed answer alike. A genuine
//! key that is suspended or expired makes a `Caller` that the judge refuses with the rule, since its holder proved the
//! secret.

use crate::crypto::SecretKind;
use crate::domain::event::NetworkFacts;
use crate::domain::{ClientNo, Id16, Timestamp};
use crate::policy::{Asker, ClientFacts, ClientLimits, Policy};
use crate::vault::Vault;
use crate::vault::refusal::Refusal;
use std::net::IpAddr;
use std::sync::Arc;

/// An authenticated client. Private fields: only [`Vault::authenticate`] and [`Vault::act_as`] make one.
pub struct Caller {
    name: Arc<str>,
    key: Option<(Id16, Timestamp)>,
    asker: Asker,
    limits: ClientLimits,
    network: NetworkFacts,
    policy: Arc<Policy>,
}

impl Caller {
    /// A client that the local owner acts as: no key, no network.
    pub(in crate::vault) fn local(
        name: Arc<str>,
        asker: Asker,
        (limits, network): (ClientLimits, NetworkFacts),
        policy: Arc<Policy>,
    ) -> Self {
        Self { name, key: None, asker, limits, network, policy }
    }
    /// The client's number.
    pub fn client(&self) -> ClientNo {
        self.asker.client
    }
    /// The client's name in the policy.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The id of the key it proved, if it proved one.
    pub fn key_id(&self) -> Option<Id16> {
        self.key.map(|(id, _)| id)
    }
    /// When that key ends.
    pub fn key_expires_at(&self) -> Option<Timestamp> {
        self.key.map(|(_, end)| end)
    }
    /// The facts the judge asks for.
    pub fn asker(&self) -> Asker {
        self.asker
    }
    /// Its declared limits.
    pub fn limits(&self) -> ClientLimits {
        self.limits
    }
    /// Where it called from.
    pub fn network(&self) -> &NetworkFacts {
        &self.network
    }
    /// The policy that governs this request from beginning to end.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }
}

impl Vault {
    /// Who presents this API key from this address. The text is wiped by its owner.
    pub fn authenticate(&self, key: Option<&str>, peer: IpAddr) -> Result<Caller, Refusal> {
        let presented = key.unwrap_or("");
        let digest = self.keys().digest_secret(SecretKind::ApiKey, presented);
        let clients = self.clients();
        let Some(entry) = digest.and_then(|(version, digest)| clients.by_digest(version, &digest)) else {
            return Err(Refusal::Unauthenticated);
        };
        let policy = self.policy();
        // A key whose client the policy no longer declares opens nothing: absence never permits (I4).
        let facts: &ClientFacts = policy.client(&entry.client).ok_or(Refusal::Unauthenticated)?;
        let asker = Asker {
            client: facts.no,
            suspended: clients.is_suspended(&entry.client),
            key_expired: entry.revoked || self.now() >= entry.expires_at,
            network_allowed: facts.accepts_key && facts.networks.iter().any(|n| n.contains(peer)),
        };
        Ok(Caller {
            name: entry.client.clone(),
            key: Some((entry.id, entry.expires_at)),
            asker,
            limits: facts.limits,
            network: self.networks().describe(peer),
            policy: policy.clone(),
        })
    }
}
