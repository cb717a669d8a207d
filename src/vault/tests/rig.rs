//! A development vault in a temporary directory, with a clock that is moved by hand.

use crate::crypto::Keyring;
use crate::crypto::password::{PasswordParams, PasswordPool};
use crate::domain::clock::{ManualClock, Timestamp};
use crate::domain::entropy::{Entropy, OsEntropy};
use crate::domain::event::Principal;
use crate::domain::value::RawValue;
use crate::domain::{Clock, Id16, Sensitive, VaultId};
use crate::limits::{Limits, Settings};
use crate::policy::SAMPLE;
use crate::storage::{Options, Store};
use crate::vault::*;
use std::sync::Arc;

/// Runs a future to its end.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub(super) struct Rig {
    pub(super) vault: Vault,
    pub(super) clock: Arc<ManualClock>,
    pub(super) dir: tempfile::TempDir,
    pub(super) storefront: Caller,
    pub(super) billing: Caller,
    pub(super) mailer: Caller,
}

pub(super) fn parts(dir: &std::path::Path, keys: Keyring, clock: &Arc<ManualClock>, fresh: bool) -> Parts {
    let shared: Arc<dyn Clock> = clock.clone();
    let store = if fresh {
        Store::create(dir, keys.vault(), shared.clone()).unwrap()
    } else {
        Store::open(dir, Options::default(), shared.clone()).unwrap()
    };
    Parts {
        store,
        keys,
        networks: Networks::default(),
        limits: Limits::new(Settings::generous(), shared.clone()),
        passwords: PasswordPool::new(PasswordParams::default(), 1, 16),
        clock: shared,
    }
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with_policy(SAMPLE)
    }

    pub(super) fn with_policy(policy: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::parse_rfc3339("2026-11-24T09:00:00Z").unwrap()));
        let id = VaultId(OsEntropy.array().unwrap());
        let keys = Keyring::create(id, true, &mut OsEntropy).unwrap();
        let parts = parts(&dir.path().join("d"), keys, &clock, true);
        let facts = VaultFacts { single_operator: true };
        let vault = block_on(Vault::init(parts, policy, facts, Principal::Local(0))).unwrap();
        let [storefront, billing, mailer] = ["storefront", "billing", "mailer"].map(|n| caller(&vault, n));
        Self { vault, clock, dir, storefront, billing, mailer }
    }

    pub(super) fn call(&self) -> Call {
        self.call_with(None)
    }

    /// A call under an idempotency key; `body` stands for the request it is bound to.
    pub(super) fn keyed(&self, key: &str, body: &str) -> Call {
        let key = self.vault.idempotency_key(&Sensitive::text(key), "POST", "/test", body.as_bytes());
        self.call_with(Some(key))
    }

    fn call_with(&self, idempotency: Option<IdempotencyKey>) -> Call {
        let request = Id16(OsEntropy.array().unwrap());
        Call { request, received_at: self.vault.now(), ua_family: None, bytes: 0, idempotency }
    }

    pub(super) fn subject(&self) -> String {
        self.subject_as(None).unwrap().value.subject
    }

    pub(super) fn subject_as(&self, external_ref: Option<&str>) -> Result<Done<CreatedSubject>, Refusal> {
        let command = CreateSubject { external_ref: external_ref.map(Sensitive::text), ..adult("DE") };
        block_on(self.vault.create_subject(&self.storefront, &self.call(), &command))
    }

    pub(super) fn contact(&self, subject: &str) -> StoredTokens {
        let fields = [("name", "Ada Lovelace"), ("email", "ada@example.org"), ("phone", "+442079460018")];
        self.store(subject, "contact", &fields, TokenWish::default()).unwrap().value
    }

    pub(super) fn store(
        &self,
        subject: &str,
        collection: &str,
        fields: &[(&str, &str)],
        tokens: TokenWish,
    ) -> Result<Done<StoredTokens>, Refusal> {
        let command = record(subject, collection, fields, tokens);
        block_on(self.vault.create_record(&self.storefront, &self.call(), &command))
    }

    pub(super) fn read(
        &self,
        caller: &Caller,
        purpose: &str,
        tokens: &[&str],
    ) -> Result<Vec<String>, Refusal> {
        self.read_for(caller, purpose, tokens, None)
    }

    pub(super) fn read_for(
        &self,
        caller: &Caller,
        purpose: &str,
        tokens: &[&str],
        recipient: Option<&str>,
    ) -> Result<Vec<String>, Refusal> {
        let command = RevealCommand { recipient: recipient.map(str::to_owned), ..reveal(purpose, tokens) };
        let done = block_on(self.vault.reveal(caller, &self.call(), &command))?;
        Ok(done.value.iter().map(shown).collect())
    }

    pub(super) fn consent(&self, subject: &str, purpose: &str, recipient: Option<&str>, granted: bool) {
        let command = ConsentCommand {
            purpose: purpose.to_owned(),
            recipient: recipient.map(str::to_owned),
            granted,
            channel: "web-form".to_owned(),
            text_sha256: None,
            notice_version: None,
            at: None,
        };
        let id = self.vault.subject_named(subject).unwrap();
        block_on(self.vault.record_consent(&self.storefront, &self.call(), Some(id), &command)).unwrap();
    }

    /// A foreign connection to the database: what a malicious administrator has.
    pub(super) fn sql(&self, statement: &str) -> usize {
        let db = rusqlite::Connection::open(self.dir.path().join("d/vault.db")).unwrap();
        db.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
        let changed = db.execute(statement, []).unwrap();
        // Readers renew their snapshot after 50 ms.
        self.clock.advance_us(60_000);
        changed
    }
}

pub(super) fn caller(vault: &Vault, name: &str) -> Caller {
    block_on(async {
        vault.set_client(Principal::Local(0), name, false).await.unwrap();
        let life = std::time::Duration::from_secs(86_400);
        let (_, key, _) = vault.new_client_key(Principal::Local(0), name, life).await.unwrap();
        // EXPOSE: a test's own key.
        vault
            .authenticate(Some(key.expose()), "127.0.0.1".parse().unwrap())
            .unwrap_or_else(|r| panic!("{}", r.code()))
    })
}

pub(super) fn adult(region: &str) -> CreateSubject {
    CreateSubject {
        region: region.to_owned(),
        birth_date: None,
        age_attested: Some(true),
        external_ref: None,
        notice_version: None,
    }
}

pub(super) fn record(
    subject: &str,
    collection: &str,
    fields: &[(&str, &str)],
    tokens: TokenWish,
) -> CreateRecord {
    let fields = fields.iter().map(|(name, text)| FieldInput {
        name: (*name).to_owned(),
        value: Some(RawValue::Text(Sensitive::text(text))),
    });
    CreateRecord {
        subject: subject.to_owned(),
        collection: collection.to_owned(),
        purpose: "order_fulfilment".to_owned(),
        fields: fields.collect(),
        tokens,
    }
}

pub(super) fn reveal(purpose: &str, tokens: &[&str]) -> RevealCommand {
    RevealCommand {
        purpose: purpose.to_owned(),
        tokens: tokens.iter().map(|t| Sensitive::text(t)).collect(),
        recipient: None,
        on_behalf_of: None,
        context: None,
        form: None,
        atomic: false,
    }
}

/// An item in one word: its JSON, or its code and rule.
pub(super) fn shown(item: &Item<Sensitive<Vec<u8>>>) -> String {
    match item {
        // EXPOSE: a test's own value.
        Item::Shown { json, .. } => String::from_utf8(json.expose().clone()).unwrap(),
        Item::Refused(Refusal::Denied(rule)) => format!("denied {}", rule.0.name()),
        Item::Refused(refusal) => refusal.code().to_owned(),
    }
}

/// The token of a field.
pub(super) fn token<'a>(stored: &'a StoredTokens, field: &str) -> &'a str {
    &stored.tokens.iter().find(|(name, _)| name == field).unwrap().1
}
