//! The vault without its server, in this process: fills a vault of any size in little time, and runs one kind of call again
//! and again for a profiler, which then sees nothing but the vault.

use crate::scenarios::tax_id;
use futures_util::future::join_all;
use serde_json::Value;
use std::io::{Error, Result};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use strongroom::crypto::password::{PasswordParams, PasswordPool};
use strongroom::crypto::{Keyring, root::KeyFile};
use strongroom::domain::clock::SystemClock;
use strongroom::domain::entropy::{Entropy, OsEntropy};
use strongroom::domain::value::RawValue;
use strongroom::domain::{Clock, Id16, Sensitive};
use strongroom::limits::{Limits, Settings};
use strongroom::storage::{Options, Store};
use strongroom::vault::{
    Call, Caller, CreateRecord, CreateSubject, FieldInput, Networks, Parts, RevealCommand, TokenWish, Vault,
};

/// Records of one call, and of one person.
const BATCH: u64 = 1_000;
const EACH: u64 = 10;

/// An open vault and one of its clients.
pub(crate) struct Inside {
    vault: Vault,
    billing: Caller,
    storefront: Caller,
}

fn wrong(what: impl std::fmt::Display) -> Error {
    Error::other(what.to_string())
}

impl Inside {
    /// Opens a development vault that nobody serves, with the keys its last start gave out.
    pub(crate) fn open(data: &Path, credentials: &Value) -> Result<Self> {
        let provider = KeyFile::open(&data.join("root.key")).map_err(wrong)?;
        let keys = Keyring::load(&data.join("keyring"), &provider).map_err(wrong)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let store = Store::open(data, Options::default(), clock.clone()).map_err(wrong)?;
        store.set_locator_ceiling(keys.ceiling());
        let parts = Parts {
            store,
            keys,
            networks: Networks::default(),
            limits: Limits::new(Settings::generous(), clock.clone()),
            passwords: PasswordPool::new(PasswordParams::default(), 1, 1),
            clock,
        };
        let vault = Vault::open(parts).map_err(wrong)?;
        let caller = |name: &str| {
            let key = credentials.pointer(&format!("/clients/{name}/key")).and_then(Value::as_str);
            let found = vault.authenticate(key, std::net::Ipv4Addr::LOCALHOST.into());
            found.map_err(|refusal| wrong(refusal.code()))
        };
        let (billing, storefront) = (caller("billing")?, caller("storefront")?);
        Ok(Self { billing, storefront, vault })
    }

    fn call(&self) -> Result<Call> {
        let request = Id16(OsEntropy.array().map_err(|_| wrong("no randomness"))?);
        Ok(Call { request, received_at: self.vault.now(), ua_family: None, bytes: 0, idempotency: None })
    }

    async fn person(&self) -> Result<String> {
        let command = CreateSubject {
            region: "DE".to_owned(),
            birth_date: None,
            age_attested: Some(true),
            external_ref: None,
            notice_version: None,
        };
        let made = self.vault.create_subject(&self.storefront, &self.call()?, &command).await;
        made.map(|done| done.value.subject).map_err(|refusal| wrong(refusal.code()))
    }

    /// A thousand records of a hundred people; their tokens of the field `name`.
    async fn thousand(&self, first: u64) -> Result<Vec<String>> {
        let people = join_all((0..BATCH / EACH).map(|_| self.person())).await;
        let people: Vec<String> = people.into_iter().collect::<Result<_>>()?;
        let records: Vec<CreateRecord> = (first..first + BATCH)
            .zip(people.iter().cycle())
            .map(|(number, subject)| record(subject, number))
            .collect();
        let done = self.vault.create_records(&self.billing, &self.call()?, &records, false).await;
        let stored = done.map_err(|refusal| wrong(refusal.code()))?.value;
        let name = |item: strongroom::vault::BatchItem| {
            let tokens = item.map_err(|refusal| wrong(refusal.code()))?.tokens;
            let found = tokens.into_iter().find(|(field, _)| field == "name");
            found.map(|(_, token)| token).ok_or_else(|| wrong("a record without its token"))
        };
        stored.into_iter().map(name).collect()
    }

    /// Stores `count` records from number `first` on, four thousands at a time, and keeps a token of every `every`th.
    pub(crate) async fn fill(&self, first: u64, count: u64, every: u64) -> Result<Vec<String>> {
        let begun = Instant::now();
        let mut tokens = Vec::new();
        let thousands: Vec<u64> = (0..count.div_ceil(BATCH)).collect();
        for four in thousands.chunks(4) {
            let made = join_all(four.iter().map(|n| self.thousand(first + n * BATCH))).await;
            for (n, made) in four.iter().zip(made) {
                let numbered = (n * BATCH..).zip(made?);
                tokens.extend(numbered.filter(|(at, _)| at.is_multiple_of(every)).map(|(_, token)| token));
            }
        }
        let rate = count as f64 / begun.elapsed().as_secs_f64().max(1e-9);
        eprintln!("{count} records filled in, {rate:.0} a second");
        Ok(tokens)
    }

    async fn reveal(&self, tokens: &[&String]) -> Result<()> {
        let command = RevealCommand {
            purpose: "billing".to_owned(),
            tokens: tokens.iter().map(|token| Sensitive::text(token)).collect(),
            recipient: None,
            on_behalf_of: None,
            context: None,
            form: None,
            atomic: false,
        };
        let done = self.vault.reveal(&self.billing, &self.call()?, &command).await;
        done.map(drop).map_err(|refusal| wrong(refusal.code()))
    }

    async fn store_one(&self, subject: &str, number: u64) -> Result<()> {
        let done = self.vault.create_record(&self.billing, &self.call()?, &record(subject, number)).await;
        done.map(drop).map_err(|refusal| wrong(refusal.code()))
    }

    /// Runs one kind of call `times` times, 32 under way at once, for a profiler.
    pub(crate) async fn repeat(&self, kind: &str, times: u64) -> Result<()> {
        let tokens = self.fill(1, 4_000, 1).await?;
        let person = self.person().await?;
        let token = |n: u64| tokens.get((n * 7_919 % tokens.len() as u64) as usize);
        let (before, begun) = (cpu(), Instant::now());
        for round in 0..times / 32 {
            let numbers = round * 32..(round + 1) * 32;
            let each = numbers.map(async |n| match kind {
                "one" => self.reveal(&token(n).into_iter().collect::<Vec<_>>()).await,
                "many" => self.reveal(&(0..1_000).filter_map(|i| token(n + i)).collect::<Vec<_>>()).await,
                "store" => self.store_one(&person, 100_000_000 + n).await,
                _ => self.thousand(200_000_000 + n * BATCH).await.map(drop),
            });
            join_all(each).await.into_iter().collect::<Result<()>>()?;
        }
        let (spent, took) = ((cpu() - before) * 1e6 / times as f64, begun.elapsed());
        eprintln!("{kind}: {spent:.1} µs of processor time a call, {took:.1?} in all");
        Ok(())
    }
}

/// Processor seconds of this process so far.
fn cpu() -> f64 {
    crate::server::cpu_of("self")
}

/// The record of the scenarios, five fields, two of them searchable.
fn record(subject: &str, number: u64) -> CreateRecord {
    let text = |name: &str, value: &str| FieldInput {
        name: name.to_owned(),
        value: Some(RawValue::Text(Sensitive::text(value))),
    };
    let parts = |name: &str, parts: &[(&str, &str)]| FieldInput {
        name: name.to_owned(),
        value: Some(RawValue::Parts(
            parts.iter().map(|(part, value)| ((*part).to_owned(), Sensitive::text(value))).collect(),
        )),
    };
    let address = [("line1", "Lindenstraße 12"), ("city", "Köln"), ("postcode", "50667"), ("country", "DE")];
    let payment = [
        ("processor", "payment-processor"),
        ("reference", "pm_bench"),
        ("brand", "visa"),
        ("last4", "4242"),
        ("expiry", "2030-03"),
    ];
    CreateRecord {
        subject: subject.to_owned(),
        collection: "billing".to_owned(),
        purpose: "billing".to_owned(),
        fields: vec![
            text("name", "Ada Lovelace"),
            parts("address", &address),
            text("tax_id", &tax_id(number)),
            text("iban", "DE89370400440532013000"),
            parts("processor_ref", &payment),
        ],
        tokens: TokenWish::default(),
    }
}
