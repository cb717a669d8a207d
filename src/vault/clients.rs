//! Clients and their keys, in memory: loaded from sealed control rows at the start and after every change.

use crate::crypto::SecretKind;
use crate::domain::client::{ClientKeyRow, ClientRow, MAX_KEY_LIFE};
use crate::domain::disclosure::EventTicket;
use crate::domain::entropy::{Entropy, OsEntropy};
use crate::domain::event::{Act, Event, EventBody, Outcome, Principal};
use crate::domain::{ControlKind, Id16, Object, Sensitive, Timestamp, Version};
use crate::storage::{Change, ChangeSet, ReadError};
use crate::vault::Vault;
use crate::vault::established::Established;
use crate::vault::refusal::Refusal;
use crate::vault::rows::control_key;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// A key as authentication needs it.
pub(in crate::vault) struct KeyEntry {
    /// Its id.
    pub(in crate::vault) id: Id16,
    /// Its client.
    pub(in crate::vault) client: Arc<str>,
    /// Its end.
    pub(in crate::vault) expires_at: Timestamp,
    /// Withdrawn.
    pub(in crate::vault) revoked: bool,
    /// Where it has proved itself.
    pub(in crate::vault) established: Established,
    row: ClientKeyRow,
    row_version: Version,
}

/// All activated clients and their keys.
#[derive(Default)]
pub(in crate::vault) struct Clients {
    keys: HashMap<(u8, [u8; 32]), KeyEntry>,
    clients: HashMap<String, (Version, ClientRow)>,
}

impl Clients {
    /// The key with this digest.
    pub(in crate::vault) fn by_digest(&self, version: u8, digest: &[u8; 32]) -> Option<&KeyEntry> {
        self.keys.get(&(version, *digest))
    }
    /// Whether a key is still good: known, not withdrawn, not at its end.
    pub(in crate::vault) fn key_stands(&self, id: Id16, now: Timestamp) -> bool {
        self.keys.values().any(|k| k.id == id && !k.revoked && now < k.expires_at)
    }
    /// Activated, suspended or not.
    pub(in crate::vault) fn is_active(&self, client: &str) -> bool {
        self.clients.contains_key(client)
    }
    /// Suspended, or never activated: absence never permits (I4).
    pub(in crate::vault) fn is_suspended(&self, client: &str) -> bool {
        self.clients.get(client).is_none_or(|(_, row)| row.suspended)
    }
}

/// A client and its keys, for lists: no digest, no secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientSummary {
    /// Its name.
    pub name: String,
    /// Activated (has a row), and if so suspended?
    pub suspended: Option<bool>,
    /// Key ids with their ends; revoked ones are marked.
    pub keys: Vec<(Id16, Timestamp, bool)>,
}

/// Why a change of clients was refused.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The policy does not declare it.
    #[error("the policy declares no such client; add it under [clients] in the policy first")]
    Undeclared,
    /// Not activated yet.
    #[error("the client is not activated; run `strongroom client activate NAME` first")]
    NotActive,
    /// No such key.
    #[error("the client has no key with this id; `strongroom client list` shows them")]
    NoSuchKey,
    /// Two keys live already.
    #[error("two keys of this client are live; withdraw one with `strongroom client revoke-key` first")]
    TwoKeys,
    /// A life of zero or beyond 90 days.
    #[error("a key lives between one second and 90 days; choose --expires-in accordingly")]
    Life,
    /// The change could not be committed.
    #[error("the change could not be committed: {0}")]
    Commit(&'static str),
}

impl Vault {
    /// Reads clients and keys from their sealed rows; a row whose seal fails is left out, which refuses.
    pub(in crate::vault) fn reload_clients(&self) -> Result<(), ReadError> {
        let mut loaded = Clients::default();
        let (clients, keys) = self.store().read(|reader| {
            Ok((reader.controls(ControlKind::Client)?, reader.controls(ControlKind::ClientKey)?))
        })?;
        for row in clients.iter().filter(|row| self.control_holds(row)) {
            if let Some(client) = ClientRow::decode(&row.body) {
                loaded.clients.insert(client.name.clone(), (row.version, client));
            }
        }
        for row in keys.iter().filter(|row| self.control_holds(row)) {
            if let Some(key) = ClientKeyRow::decode(&row.body) {
                let entry = KeyEntry {
                    id: key.id,
                    client: Arc::from(key.client.as_str()),
                    expires_at: key.expires_at,
                    revoked: key.revoked,
                    established: Established::default(),
                    row_version: row.version,
                    row: key,
                };
                loaded.keys.insert((entry.row.key_version, entry.row.digest), entry);
            }
        }
        self.clients.store(Arc::new(loaded));
        Ok(())
    }

    /// Every declared client with its state and keys.
    pub fn list_clients(&self) -> Vec<ClientSummary> {
        let known = self.clients();
        let policy = self.policy();
        let mut all: Vec<ClientSummary> = policy
            .clients()
            .map(|facts| {
                let mut keys: Vec<_> = known
                    .keys
                    .values()
                    .filter(|k| *k.client == *facts.name)
                    .map(|k| (k.id, k.expires_at, k.revoked))
                    .collect();
                keys.sort_by_key(|k| k.1);
                let suspended = known.clients.get(&facts.name).map(|(_, row)| row.suspended);
                ClientSummary { name: facts.name.clone(), suspended, keys }
            })
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Activates a declared client, suspends or resumes an activated one.
    pub async fn set_client(&self, by: Principal, name: &str, suspended: bool) -> Result<(), ClientError> {
        if self.policy().client(name).is_none() {
            return Err(ClientError::Undeclared);
        }
        let present = self.clients().clients.get(name).cloned();
        let was = present.as_ref().map(|(version, _)| *version);
        let activated_at = present.map_or_else(|| self.now(), |(_, row)| row.activated_at);
        let row = ClientRow { name: name.to_owned(), suspended, activated_at };
        let change = self.put_control(ControlKind::Client, self.client_id(name), row.encode(), was);
        self.commit_control(by, Act::ClientChange, vec![change]).await
    }

    /// Makes a key; shown once, stored only as keyed digest.
    pub async fn new_client_key(
        &self,
        by: Principal,
        name: &str,
        life: Duration,
    ) -> Result<(Id16, Sensitive<String>, Timestamp), ClientError> {
        if life.is_zero() || life > MAX_KEY_LIFE {
            return Err(ClientError::Life);
        }
        if !self.clients().clients.contains_key(name) {
            return Err(ClientError::NotActive);
        }
        let now = self.now();
        let live = |k: &&KeyEntry| *k.client == *name && !k.revoked && now < k.expires_at;
        if self.clients().keys.values().filter(live).count() >= 2 {
            return Err(ClientError::TwoKeys);
        }
        let mut entropy = OsEntropy;
        let random = |_| ClientError::Commit("the system gave no random bytes");
        let (secret, key_version, digest) = self
            .keys()
            .new_secret(SecretKind::ApiKey, &mut entropy)
            .map_err(|_| ClientError::Commit("the system gave no random bytes"))?;
        let id = Id16(entropy.array().map_err(random)?);
        let created_at = self.now();
        let expires_at = created_at.plus(life);
        let row = ClientKeyRow {
            id,
            client: name.to_owned(),
            key_version,
            digest,
            created_at,
            expires_at,
            revoked: false,
        };
        let change = self.put_control(ControlKind::ClientKey, id, row.encode(), None);
        self.commit_control(by, Act::ClientKeyChange, vec![change]).await?;
        Ok((id, secret, expires_at))
    }

    /// Withdraws a key at once.
    pub async fn revoke_client_key(&self, by: Principal, name: &str, id: Id16) -> Result<(), ClientError> {
        let found = self
            .clients()
            .keys
            .values()
            .find(|k| k.id == id && *k.client == *name)
            .map(|k| (k.row_version, k.row.clone()));
        let (version, mut row) = found.ok_or(ClientError::NoSuchKey)?;
        row.revoked = true;
        let change = self.put_control(ControlKind::ClientKey, id, row.encode(), Some(version));
        self.commit_control(by, Act::ClientKeyChange, vec![change]).await
    }

    fn client_id(&self, name: &str) -> Id16 {
        let kind = control_key(ControlKind::Client, Id16([0; 16]));
        Id16(self.keys().idempotency_digest(&[b"client id", &kind, name.as_bytes()]))
    }

    async fn commit_control(&self, by: Principal, act: Act, changes: Vec<Change>) -> Result<(), ClientError> {
        let request =
            OsEntropy.array().map_err(|_| ClientError::Commit("the system gave no random bytes"))?;
        let mut body = EventBody::new(Id16(request), self.now(), by, act);
        body.outcome = Outcome::Allowed;
        body.policy = self.policy().version();
        body.changed = changes.iter().filter_map(|c| self.changed_row(c)).collect();
        let objects = changes.iter().filter_map(|c| match c {
            Change::PutControl { row, .. } => Some(Object::Control(row.kind, row.id)),
            _ => None,
        });
        let read_at = self
            .store()
            .read(|r| Ok(r.read_at()))
            .map_err(|_| ClientError::Commit("the store cannot be read"))?;
        let mut set = ChangeSet::observed(
            Event { ticket: EventTicket::next(), body },
            read_at,
            objects.collect::<Vec<_>>(),
        );
        for change in changes {
            set = set.with(change);
        }
        self.store().commit(set).await.map_err(|error| ClientError::Commit(Refusal::from(error).code()))?;
        self.reload_clients().map_err(|_| ClientError::Commit("the store cannot be read"))
    }
}
