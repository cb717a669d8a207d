//! What can be learnt of a vault from its files and its keyring alone, beside whoever serves it: facts, policy, clients. For
//! `doctor`; it changes nothing, opens no record, and leaves out every row whose seal fails, counting it.

use crate::crypto::{Keyring, Table};
use crate::domain::client::{ClientKeyRow, ClientRow};
use crate::domain::{ControlKind, Timestamp};
use crate::policy::{ClientLimits, Policy};
use crate::storage::{ControlRow, ReadError, inspect, read_only_controls, read_only_tail};
use crate::vault::clients::ClientSummary;
use crate::vault::erase::mark;
use crate::vault::govern::{self, compile};
use crate::vault::rows::control_key;
use crate::vault::setup::VaultFacts;
use std::collections::BTreeSet;
use std::path::Path;

pub use crate::storage::Inspection;

/// What was found.
pub struct Survey {
    /// Of the database file.
    pub store: Inspection,
    /// Whether keyring and database are a pair.
    pub same_vault: bool,
    /// Vault-wide facts; `None`: missing or not intact.
    pub facts: Option<VaultFacts>,
    /// The sealed policy that governs; `None`: missing or not intact.
    pub policy: Option<GoverningPolicy>,
    /// Declared clients with their keys.
    pub clients: Vec<ClientSummary>,
    /// Rows whose seal fails.
    pub broken_rows: usize,
    /// How long the ledger of erasures must be.
    pub ledger_reached: u64,
    /// When the last event was committed.
    pub last_event: Option<Timestamp>,
}

/// The governing policy, looked through.
pub struct GoverningPolicy {
    /// Its text.
    pub text: String,
    /// Fields that no client may read for any purpose.
    pub unread: Vec<String>,
    /// Clients that it asks for certificates.
    pub certificates: Vec<String>,
    /// Limits by client.
    pub limits: Vec<(String, ClientLimits)>,
}

/// Looks a vault over.
pub fn survey(dir: &Path, keys: &Keyring) -> Result<Survey, ReadError> {
    let mut broken_rows = 0;
    let mut sealed = |kind| -> Result<Vec<ControlRow>, ReadError> {
        let rows = read_only_controls(dir, kind)?;
        let all = rows.len();
        let whole: Vec<_> = rows.into_iter().filter(|row| holds(keys, row)).collect();
        broken_rows += all - whole.len();
        Ok(whole)
    };
    let facts = sealed(ControlKind::VaultFacts)?.iter().find_map(|row| VaultFacts::decode(&row.body));
    let (heads, versions) = (sealed(ControlKind::PolicyHead)?, sealed(ControlKind::Policy)?);
    let stored = govern::sealed(keys, &heads, &versions);
    let policy = stored.and_then(|stored| {
        let compiled = compile(&stored.text, &stored.numbering, keys.is_development()).ok()?;
        Some((stored.text, compiled))
    });
    let (rows, key_rows) = (sealed(ControlKind::Client)?, sealed(ControlKind::ClientKey)?);
    let clients = policy.as_ref().map_or_else(Vec::new, |(_, policy)| clients(policy, &rows, &key_rows));
    let ledger_reached = mark::reached(&sealed(ControlKind::LedgerMark)?);
    let store = inspect(dir)?;
    Ok(Survey {
        same_vault: store.vault == keys.vault(),
        store,
        facts,
        policy: policy.map(|(text, policy)| looked_through(text, &policy)),
        clients,
        broken_rows,
        ledger_reached,
        last_event: read_only_tail(dir, 1)?.first().map(|row| row.at),
    })
}

fn holds(keys: &Keyring, row: &ControlRow) -> bool {
    let key = control_key(row.kind, row.id);
    keys.check_row(Table::Controls, &key, row.version, &row.body, &row.seal).is_ok()
}

fn clients(policy: &Policy, rows: &[ControlRow], keys: &[ControlRow]) -> Vec<ClientSummary> {
    let rows: Vec<ClientRow> = rows.iter().filter_map(|row| ClientRow::decode(&row.body)).collect();
    let keys: Vec<ClientKeyRow> = keys.iter().filter_map(|row| ClientKeyRow::decode(&row.body)).collect();
    let summary = |name: &str| ClientSummary {
        name: name.to_owned(),
        suspended: rows.iter().find(|row| row.name == name).map(|row| row.suspended),
        keys: keys.iter().filter(|key| key.client == name).map(|k| (k.id, k.expires_at, k.revoked)).collect(),
    };
    let mut all: Vec<ClientSummary> = policy.clients().map(|client| summary(&client.name)).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn looked_through(text: String, policy: &Policy) -> GoverningPolicy {
    let read: BTreeSet<_> =
        policy.clients().flat_map(|client| policy.grants_of(client.no)).map(|(_, field, _)| field).collect();
    let fields = policy.collections().flat_map(|(no, _)| policy.fields_of(no));
    let mut unread: Vec<String> =
        fields.filter(|field| !read.contains(&field.no)).map(|field| field.full_name.clone()).collect();
    unread.sort_unstable();
    let limits = policy.clients().map(|client| (client.name.clone(), client.limits)).collect();
    let asked = policy.clients().filter(|client| client.accepts_mtls);
    let mut certificates: Vec<String> = asked.map(|client| client.name.clone()).collect();
    certificates.sort_unstable();
    GoverningPolicy { text, unread, certificates, limits }
}
