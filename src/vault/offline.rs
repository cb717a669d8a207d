//! Questions that need no open vault: is this log whole, is this policy sound, which rule decides.

use crate::audit::{self, Checkpoint};
use crate::domain::date::Date;
use crate::domain::field::Form;
use crate::policy::{Asker, ContextState, Numbering, Policy, PolicyError, Question, Wish};
use crate::storage::open_read_only_audit;
use crate::vault::Vault;
use std::path::Path;

/// Verifies the log of a data directory or a copy; a sentence either way.
pub fn verify_log(dir: &Path, checkpoint: Option<&str>) -> Result<String, String> {
    let expected = match checkpoint {
        None => None,
        Some(text) => Some(text.parse::<Checkpoint>().map_err(|e| e.to_string())?),
    };
    let rows = open_read_only_audit(dir).map_err(|e| e.to_string())?;
    let summary = audit::verify(rows, expected).map_err(|e| e.to_string())?;
    let head = Checkpoint::from(summary.head);
    Ok(format!("verified: {} events in {} boots, head {head}", summary.events, summary.boots))
}

/// One event as a JSON line.
pub fn audit_line(vault: &Vault, row: &audit::Row) -> String {
    match audit::decode(&row.body) {
        Ok(body) => audit::to_json(&body, &row.link(), vault),
        Err(_) => format!("{{\"pos\":{},\"error\":\"malformed\"}}", row.pos),
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
