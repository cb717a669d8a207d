//! How a vault comes to be (`init`) and comes back (`open`): what it cannot be sure of it refuses (I11).

use crate::crypto::password::PasswordPool;
use crate::crypto::{Dummy, Keyring};
use crate::domain::codec;
use crate::domain::disclosure::EventTicket;
use crate::domain::entropy::{Entropy, OsEntropy};
use crate::domain::event::{Act, Event, EventBody, Outcome, Principal};
use crate::domain::{Clock, ControlKind, Id16, Object};
use crate::limits::Limits;
use crate::policy::{Numbering, Policy, PolicyError};
use crate::storage::{Change, ChangeSet, CommitError, ReadError, Store};
use crate::vault::Vault;
use crate::vault::govern::{GovernError, compile};
use crate::vault::networks::Networks;
use arc_swap::ArcSwap;
use std::sync::Arc;

/// What a vault is put together from.
pub struct Parts {
    /// The store, open.
    pub store: Store,
    /// The keyring, unlocked.
    pub keys: Keyring,
    /// Configured network labels.
    pub networks: Networks,
    /// Limiters.
    pub limits: Limits,
    /// The argon2id pool.
    pub passwords: PasswordPool,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// Vault-wide facts, sealed at `init`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VaultFacts {
    /// The two-person rule is off, for good and visibly.
    pub single_operator: bool,
}

const FACTS: Id16 = Id16([0; 16]);

impl VaultFacts {
    fn encode(self) -> Vec<u8> {
        let mut w = codec::Writer::new(1);
        w.bool(self.single_operator);
        w.finish()
    }
    pub(in crate::vault) fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [1, single @ (0 | 1)] => Some(Self { single_operator: *single == 1 }),
            _ => None,
        }
    }
}

/// Why `init` did not make a vault.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// Faults of the policy file.
    #[error("the policy has {} fault(s)", .0.len())]
    Policy(Vec<PolicyError>),
    /// The first commit failed.
    #[error("the first commit failed: {0}")]
    Commit(#[from] CommitError),
    /// No randomness.
    #[error("the operating system gave no random bytes")]
    Entropy,
    /// What was written cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Why a vault did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The governing policy.
    #[error(transparent)]
    Policy(#[from] GovernError),
    /// The store.
    #[error("the store cannot be read: {0}")]
    Read(#[from] ReadError),
    /// The keys refuse to work.
    #[error("the keyring cannot seal and open a test record")]
    SelfTest,
}

impl Vault {
    /// Makes a new vault: seals facts and policy under its first event.
    pub async fn init(
        parts: Parts,
        policy_text: &str,
        facts: VaultFacts,
        by: Principal,
    ) -> Result<Self, InitError> {
        let policy = compile(policy_text, &Numbering::default(), parts.keys.is_development())
            .map_err(InitError::Policy)?;
        let vault = Self::assemble(parts, policy)?;
        let mut changes = vault.policy_changes(&vault.policy(), policy_text, None);
        changes.push(vault.put_control(ControlKind::VaultFacts, FACTS, facts.encode(), None));
        let request = Id16(OsEntropy.array().map_err(|_| InitError::Entropy)?);
        let mut body = EventBody::new(request, vault.now(), by, Act::Init);
        body.outcome = Outcome::Allowed;
        body.policy = vault.policy().version();
        body.changed = changes.iter().filter_map(|c| vault.changed_row(c)).collect();
        let read_at = vault.store().read(|r| Ok(r.read_at())).map_err(OpenError::Read)?;
        let objects: Vec<_> = changes.iter().filter_map(control_of).collect();
        let mut set = ChangeSet::observed(Event { ticket: EventTicket::next(), body }, read_at, objects);
        for change in changes {
            set = set.with(change);
        }
        vault.store().commit(set).await?;
        Ok(vault)
    }

    /// Opens an existing vault: its sealed policy and clients, nothing of a file.
    pub fn open(parts: Parts) -> Result<Self, OpenError> {
        let placeholder = Policy::nothing();
        let vault = Self::assemble(parts, placeholder)?;
        let policy = vault.compiled()?;
        vault.policy.store(Arc::new(policy));
        vault.reload_clients()?;
        vault.restore_limits()?;
        Ok(vault)
    }

    fn assemble(parts: Parts, policy: Policy) -> Result<Self, OpenError> {
        let Parts { store, keys, networks, limits, passwords, clock } = parts;
        let dummy = Dummy::new(&keys, &mut OsEntropy).map_err(|_| OpenError::SelfTest)?;
        Ok(Self {
            store,
            keys,
            dummy,
            policy: ArcSwap::from_pointee(policy),
            clients: ArcSwap::default(),
            networks,
            limits,
            passwords,
            clock,
            locators: super::locators::Locators::default(),
            integrity_failures: std::sync::atomic::AtomicU64::new(0),
            forged_tokens: std::sync::atomic::AtomicU64::new(0),
            sums: super::sums::Sums::default(),
            unsettled: super::erase::Unsettled::default(),
            kept: super::keep::Kept::default(),
            public_url: std::sync::OnceLock::new(),
        })
    }

    /// Vault-wide facts; `None`: missing or not intact.
    pub fn facts(&self) -> Option<VaultFacts> {
        let row = self.store().read(|r| r.control(ControlKind::VaultFacts, FACTS)).ok()??;
        self.control_holds(&row).then(|| VaultFacts::decode(&row.body)).flatten()
    }
}

fn control_of(change: &Change) -> Option<Object> {
    match change {
        Change::PutControl { row, .. } => Some(Object::Control(row.kind, row.id)),
        _ => None,
    }
}
