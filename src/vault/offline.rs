//! Questions that need no open vault: is this log whole, is this policy sound, which rule decides.

use crate::audit::{self, Checkpoint};
use crate::crypto::{Keyring, NameKind, RefKind};
use crate::domain::date::Date;
use crate::domain::field::Form;
use crate::domain::{ControlKind, FieldNo, Ref8, spelling};
use crate::policy::{
    Asker, ClientFacts, ContextState, FieldFacts, Numbering, Policy, PolicyDiff, PolicyError, Question, Wish,
};
use crate::storage::{ReadError, open_read_only_audit, read_only_controls, read_only_tail};
use crate::vault::govern;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// Verifies the log of a data directory or a copy; a sentence either way.
pub fn verify_log(dir: &Path, checkpoint: Option<&str>) -> Result<String, String> {
    let expected = match checkpoint {
        None => None,
        Some(text) => Some(text.parse::<Checkpoint>().map_err(|e| e.to_string())?),
    };
    let rows = open_read_only_audit(dir).map_err(|e| {
        format!("{}: {e}; name a data directory or a copy of one that holds vault.db", dir.display())
    })?;
    let summary = audit::verify(rows, expected).map_err(|e| e.to_string())?;
    let head = Checkpoint::from(summary.head);
    let boots = if summary.boots == 1 { "boot" } else { "boots" };
    Ok(format!("verified: {} events in {} {boots}, head {head}", summary.events, summary.boots))
}

/// Reads the log of a vault that is served by another process: its keyring names references, its sealed policy fields.
pub struct LogReader {
    dir: PathBuf,
    keys: Keyring,
    policy: Option<Policy>,
}

impl LogReader {
    /// Opens the log in a data directory. A policy that is missing or fails its seal leaves fields as numbers.
    pub fn open(dir: &Path, keys: Keyring) -> Result<Self, ReadError> {
        let heads = read_only_controls(dir, ControlKind::PolicyHead)?;
        let versions = read_only_controls(dir, ControlKind::Policy)?;
        let policy = govern::sealed_policy(&keys, &heads, &versions);
        Ok(Self { dir: dir.to_owned(), keys, policy })
    }

    /// The reference the log uses for a subject or record given by its public name.
    pub fn reference_of(&self, name: &str) -> Option<(Option<Ref8>, Option<Ref8>)> {
        let reference = |names: NameKind, kind: RefKind| {
            self.keys.locate(names, name).map(|l| self.keys.audit_ref(kind, &l.get().to_be_bytes()))
        };
        let subject = reference(NameKind::Subject, RefKind::Subject);
        let record = reference(NameKind::Record, RefKind::Record);
        (subject.is_some() || record.is_some()).then_some((subject, record))
    }

    /// The last events, newest first.
    pub fn tail(&self, count: usize) -> Result<Vec<audit::Row>, ReadError> {
        read_only_tail(&self.dir, count)
    }

    /// Events the query matches, newest first, found by a scan: the index is the serving process's.
    pub fn query(&self, query: &audit::Query) -> Result<Vec<audit::Row>, ReadError> {
        let limit = query.limit.clamp(1, 100_000);
        let mut found = VecDeque::new();
        for row in open_read_only_audit(&self.dir)? {
            let row = row?;
            if audit::decode(&row.body).is_ok_and(|body| query.matches(&body, row.at)) {
                if found.len() == limit {
                    found.pop_front();
                }
                found.push_back(row);
            }
        }
        Ok(found.into_iter().rev().collect())
    }

    /// Why a query can match nothing: a client or purpose that the governing policy does not declare. Names of the past may
    /// still stand in the log, so those that occur there are no mistake.
    pub fn unknown_name(&self, query: &audit::Query) -> Result<Option<String>, ReadError> {
        let Some(policy) = &self.policy else { return Ok(None) };
        let clients: Vec<&str> =
            policy.clients().map(|client| client.name.as_str()).chain(["vault"]).collect();
        let purposes = policy.purpose_names();
        for (what, name, known) in
            [("principal", &query.principal, &clients), ("purpose", &query.purpose, &purposes)]
        {
            let Some(name) = name.as_deref() else { continue };
            let bare = name.strip_prefix("client:").unwrap_or(name);
            if known.contains(&bare) || (what == "principal" && is_local(name)) {
                continue;
            }
            let alone = audit::Query {
                principal: (what == "principal").then(|| name.to_owned()),
                purpose: (what == "purpose").then(|| name.to_owned()),
                limit: 1,
                ..audit::Query::default()
            };
            if self.query(&alone)?.is_empty() {
                return Ok(Some(format!("no --{what} {}: {}", spoken(name), spelling::instead(name, known))));
            }
        }
        Ok(None)
    }

    /// One event as a JSON line.
    pub fn line(&self, row: &audit::Row) -> String {
        match audit::decode(&row.body) {
            Ok(body) => {
                let line = audit::to_json(&body, &row.link(), self);
                format!("{{\"position\":{},{}", row.pos, line.strip_prefix('{').unwrap_or(&line))
            }
            Err(_) => format!("{{\"position\":{},\"error\":\"malformed\"}}", row.pos),
        }
    }
}

/// `local:<uid>`
fn is_local(name: &str) -> bool {
    name.strip_prefix("local:").is_some_and(|uid| uid.parse::<u32>().is_ok())
}

impl audit::Names for LogReader {
    fn field(&self, field: FieldNo) -> Option<String> {
        self.policy.as_ref()?.field_facts(field).map(|f| f.full_name.clone())
    }
}

fn lines(errors: Vec<PolicyError>) -> Vec<String> {
    errors.iter().map(|e| format!("{}:{}: {}: {}", e.line, e.column, e.path, e.message)).collect()
}

/// Checks a policy text; a sentence that sums it up, or every fault as `line:column: path: message`.
pub fn check_policy(text: &str) -> Result<String, Vec<String>> {
    let policy = Policy::compile(text, &Numbering::default()).map_err(lines)?;
    let fields: usize = policy.collections().map(|(no, _)| policy.fields_of(no).count()).sum();
    Ok(format!(
        "Policy {} version {}: {} collections, {fields} fields, {} clients.",
        policy.name(),
        policy.version().0,
        policy.collections().count(),
        policy.clients().count()
    ))
}

/// The client and the field of a question, or which of its names the policy does not declare, and what was meant.
fn named<'p>(
    policy: &'p Policy,
    (client, purpose, field, recipient): (&str, &str, &str, Option<&str>),
) -> Result<(&'p ClientFacts, &'p FieldFacts), String> {
    let unknown = |what: &str, name: &str, known: &[&str]| {
        format!("the policy declares no {what} {}; {}", spoken(name), spelling::instead(name, known))
    };
    let clients: Vec<&str> = policy.clients().map(|client| client.name.as_str()).collect();
    let facts = policy.client(client).ok_or_else(|| unknown("client", client, &clients))?;
    if policy.purpose(purpose).is_none() {
        return Err(unknown("purpose", purpose, &policy.purpose_names()));
    }
    if let Some(recipient) = recipient.filter(|name| policy.recipient(name).is_none()) {
        let known: Vec<&str> = policy.recipients().map(|(_, name)| name).collect();
        return Err(unknown("recipient", recipient, &known));
    }
    let (collection, name) = field.split_once('.').unwrap_or((field, ""));
    let collections: Vec<&str> = policy.collections().map(|(_, name)| name).collect();
    let Some(no) = policy.collection(collection) else {
        return Err(format!("{}; write collection.field", unknown("collection", collection, &collections)));
    };
    let known: Vec<&str> =
        policy.fields_of(no).filter_map(|f| f.full_name.split_once('.').map(|(_, name)| name)).collect();
    let found = policy.field(no, name).ok_or_else(|| unknown("field", name, &known))?;
    Ok((facts, found))
}

/// A name as it may be repeated to who typed it: short and of plain characters, else not at all.
fn spoken(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.len() <= 64 && name.chars().all(plain) { format!("{name:?}") } else { "of this name".to_owned() }
}

/// The public notice of a policy text.
pub fn notice_of(text: &str) -> Result<crate::policy::Notice, Vec<String>> {
    Policy::compile(text, &Numbering::default()).map(|policy| policy.notice().clone()).map_err(lines)
}

/// Compares two policy texts; or every fault of the one that has any, and whether that is the new one.
pub fn diff_policies(old: &str, new: &str) -> Result<PolicyDiff, (bool, Vec<String>)> {
    PolicyDiff::between(old, new).map_err(|(is_new, faults)| (is_new, lines(faults)))
}

/// Says which rule decides on a read by (client, purpose, field, recipient).
pub fn explain_read(
    text: &str,
    (client, purpose, field, recipient): (&str, &str, &str, Option<&str>),
    form: Option<Form>,
    today: Date,
) -> Result<String, Vec<String>> {
    let policy = Policy::compile(text, &Numbering::default()).map_err(lines)?;
    let named = named(&policy, (client, purpose, field, recipient));
    let (facts, found) = named.map_err(|unknown| vec![format!("0:0: {unknown}")])?;
    let asker = Asker { client: facts.no, suspended: false, key_expired: false, network_allowed: true };
    let question = Question {
        asker,
        wish: Wish::Read(form),
        purpose: policy.purpose(purpose),
        recipient: recipient.map(|name| policy.recipient(name)),
        context: ContextState::Absent,
        today,
    };
    Ok(policy.explain(&question, found.no, None))
}
