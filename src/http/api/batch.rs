//! `POST /v1/records/batch`: up to 1 000 records, one item each, in order.

use crate::http::api::records::NewRecord;
use crate::http::exchange::{Exchange, Failure, Reply};
use crate::http::problem::Problem;
use crate::vault::{BatchItem, CreateRecord, Fault, Refusal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Most records of a batch.
pub const MAX_RECORDS: usize = 1_000;

/// Records to store.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordBatch {
    /// 1 to 1 000 records.
    pub records: Vec<NewRecord>,
    /// The first failing record refuses all, and nothing is stored.
    pub atomic: Option<bool>,
}

/// What became of them.
#[derive(Serialize, ToSchema)]
pub struct BatchStored {
    /// In the order sent.
    pub results: Vec<BatchItemShown>,
}

/// One record: stored, or refused.
#[derive(Serialize, ToSchema)]
pub struct BatchItemShown {
    /// Position in the request.
    pub index: usize,
    /// `rec_…`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// Version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Tokens by field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<BTreeMap<String, String>>,
    /// Why it was not stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<BatchItemError>,
}

/// Why one record was not stored.
#[derive(Serialize, ToSchema)]
pub struct BatchItemError {
    /// Code.
    pub code: &'static str,
    /// Status it would have alone.
    pub status: u16,
    /// The rule that refused (`denied`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
    /// The first field at fault, as JSON pointer into the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong with it, and with others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub errors: Vec<crate::http::problem::FieldError>,
    /// Whether a retry may help.
    pub retryable: bool,
}

/// `POST /v1/records/batch`
pub async fn create(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let body: RecordBatch = x.json()?;
    if body.records.is_empty() || body.records.len() > MAX_RECORDS {
        return Err(Fault::new("/records", "out_of_range", "Send 1 to 1000 records.").into());
    }
    let read = |(n, record): (usize, NewRecord)| record.command(&format!("/records/{n}"));
    let commands: Vec<CreateRecord> =
        body.records.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
    let atomic = body.atomic.unwrap_or(false);
    let done = x.vault.create_records(x.caller, x.call, &commands, atomic).await.map_err(placed)?;
    let results = done.value.iter().enumerate().map(|(index, item)| shown(index, item)).collect();
    Ok(Reply::json(200, &done, &BatchStored { results }))
}

/// An atomic batch names its failing record: so do the pointers.
fn placed(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::At(index, inner) => Refusal::At(index, Box::new(inner.below(&format!("/records/{index}")))),
        Refusal::Replayed(inner) => Refusal::Replayed(Box::new(placed(*inner))),
        other => other,
    }
}

fn shown(index: usize, item: &BatchItem) -> BatchItemShown {
    match item {
        Ok(stored) => BatchItemShown {
            index,
            record: Some(stored.record.clone()),
            version: Some(stored.version),
            tokens: Some(stored.tokens.iter().cloned().collect()),
            error: None,
        },
        Err(refusal) => {
            let problem = Problem::from(&refusal.clone().below(&format!("/records/{index}")));
            let error = BatchItemError {
                code: problem.code.name(),
                status: problem.code.status(),
                rule: problem.rule.map(crate::domain::Rule::name),
                field: problem.errors.first().map(|e| e.pointer.clone()),
                errors: problem.errors,
                retryable: problem.code.retryable(),
            };
            BatchItemShown { index, record: None, version: None, tokens: None, error: Some(error) }
        }
    }
}
