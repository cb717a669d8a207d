//! Authentication: a [`Caller`] is the only door to the verbs, and only authentication and `act_as` make one.
//!
//! What counts as proof is the policy's: a key, a client certificate, or both of one client, and nothing else than what it
//! names. A key is looked up by its keyed digest after its form and tag passed; unknown and malformed answer alike. A genuine
//! key that is suspended or expired makes a `Caller` that the judge refuses with the rule, since its holder proved the
//! secret.

use crate::crypto::SecretKind;
use crate::crypto::hash::Hasher;
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
    tls_client: Option<Id16>,
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
        Self { name, key: None, tls_client: None, asker, limits, network, policy }
    }
    /// Whether the local owner acts as the client: nothing was proven but who owns the data directory.
    pub(in crate::vault) fn is_local(&self) -> bool {
        self.key.is_none() && self.tls_client.is_none()
    }
    /// The client's number.
    pub fn client(&self) -> ClientNo {
        self.asker.client
    }
    /// The client's name in the policy.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The same, to be kept beyond the request.
    pub fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }
    /// The id of the key it proved, if it proved one.
    pub fn key_id(&self) -> Option<Id16> {
        self.key.map(|(id, _)| id)
    }
    /// When that key ends.
    pub fn key_expires_at(&self) -> Option<Timestamp> {
        self.key.map(|(_, end)| end)
    }
    /// The id of the client certificate of its connection, if there was one.
    pub fn tls_client(&self) -> Option<Id16> {
        self.tls_client
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

/// A client certificate that the connection proved and that still stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Certificate {
    /// The client its one name names.
    pub client: String,
    /// The id under which the log knows it.
    pub id: Id16,
}

impl Certificate {
    /// The certificate of a client, from its DER.
    pub fn new(client: &str, der: &[u8]) -> Self {
        let mut hasher = Hasher::default();
        hasher.update(der);
        let id = hasher.finish().first_chunk::<16>().copied().unwrap_or_default();
        Self { client: client.to_owned(), id: Id16(id) }
    }
}

/// What a request brought to prove who asks. A key that is there but unreadable is there: `Some("")`.
#[derive(Clone, Copy, Default)]
pub struct Proof<'a> {
    /// The API key presented; wiped by its owner.
    pub key: Option<&'a str>,
    /// The certificate of the connection.
    pub certificate: Option<&'a Certificate>,
}

impl Vault {
    /// Who presents this API key, and nothing else, from this address.
    pub fn authenticate(&self, key: Option<&str>, peer: IpAddr) -> Result<Caller, Refusal> {
        self.authenticate_by(Proof { key, certificate: None }, peer)
    }

    /// Who proves itself from this address, by exactly what the policy asks of it. Whatever was presented must stand: an
    /// unknown key is refused whatever the certificate says, and two that name different clients name none. A network of
    /// too many failed keys is answered `rate_limited`, whatever key it presents, but for keys that are established there.
    pub fn authenticate_by(&self, proof: Proof<'_>, peer: IpAddr) -> Result<Caller, Refusal> {
        let locked = self.may_authenticate(peer).err();
        // Digested also when there is none, so that no answer comes sooner than another.
        let digest = self.keys().digest_secret(SecretKind::ApiKey, proof.key.unwrap_or(""));
        let clients = self.clients();
        let entry = digest.and_then(|(version, digest)| clients.by_digest(version, &digest));
        // A certificate without a key is no guess.
        let guess = proof.key.is_some() || proof.certificate.is_none();
        if let Some(locked) = locked
            && guess
            && !entry.is_some_and(|entry| entry.established.lately(peer, self.clock().as_ref()))
        {
            return Err(locked);
        }
        let name: Arc<str> = match (proof.key, entry, proof.certificate) {
            (Some(_), Some(key), None) => key.client.clone(),
            (Some(_), Some(key), Some(certificate)) if *key.client == *certificate.client => {
                key.client.clone()
            }
            (None, _, Some(certificate)) if clients.is_active(&certificate.client) => {
                Arc::from(certificate.client.as_str())
            }
            _ => return Err(Refusal::Unauthenticated),
        };
        let key = entry.filter(|_| proof.key.is_some());
        let policy = self.policy();
        // Who the policy no longer declares proves nothing: absence never permits (I4).
        let facts: &ClientFacts = policy.client(&name).ok_or(Refusal::Unauthenticated)?;
        if !proves(facts, key.is_some(), proof.certificate.is_some()) {
            return Err(Refusal::Unauthenticated);
        }
        let asker = Asker {
            client: facts.no,
            suspended: clients.is_suspended(&name),
            key_expired: key.is_some_and(|key| key.revoked || self.now() >= key.expires_at),
            network_allowed: facts.networks.iter().any(|n| n.contains(peer)),
        };
        if let Some(key) = key {
            key.established.note(peer, self.clock().as_ref());
        }
        Ok(Caller {
            key: key.map(|key| (key.id, key.expires_at)),
            tls_client: proof.certificate.map(|certificate| certificate.id),
            asker,
            limits: facts.limits,
            network: self.networks().describe(peer),
            policy: policy.clone(),
            name,
        })
    }
}

/// Whether key and certificate are what the policy asks of the client: `["key"]` a key, whatever the connection brought;
/// `["mtls"]` a certificate and no key; `["mtls","key"]` both.
fn proves(facts: &ClientFacts, key: bool, certificate: bool) -> bool {
    match (facts.accepts_key, facts.accepts_mtls) {
        (true, true) => key && certificate,
        (true, false) => key,
        (false, true) => certificate && !key,
        (false, false) => false,
    }
}
