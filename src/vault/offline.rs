//! Questions that need no open vault: is this log whole, is this policy sound, which rule decides.

use crate::audit::{self, Checkpoint};
use crate::crypto::{Keyring, NameKind, RefKind};
use crate::domain::date::Date;
use crate::domain::field::Form;
use crate::domain::{ControlKind, FieldNo, Ref8};
use crate::policy::{Asker, ContextState, Numbering, Policy, PolicyDiff, PolicyError, Question, Wish};
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

    /// One event as a JSON line.
    pub fn line(&self, row: &audit::Row) -> String {
        match audit::decode(&row.body) {
            Ok(body) => audit::to_json(&body, &row.link(), self),
            Err(_) => format!("{{\"pos\":{},\"error\":\"malformed\"}}", row.pos),
        }
    }
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
    let Some(facts) = policy.client(client) else {
        return Err(vec![format!("0:0: clients: the policy declares no client {client:?}")]);
    };
    let (collection, name) = field.split_once('.').unwrap_or((field, ""));
    let found = policy.collection(collection).and_then(|c| policy.field(c, name));
    let Some(found) = found else {
        return Err(vec![format!("0:0: collections: no field {field:?}; write collection.field")]);
    };
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
