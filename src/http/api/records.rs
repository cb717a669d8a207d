//! `/v1/records`: values go in, tokens and metadata come out. Never a value.

use crate::domain::event::Act;
use crate::http::api::subjects::RecordShown;
use crate::http::exchange::{Exchange, Failure, Reply, life};
use crate::http::json::FieldMap;
use crate::vault::{
    CreateRecord, Fault, FieldInput, MAX_TOKEN_LIFE, StoredTokens, TokenWish, UpdateRecord, token_life_fault,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A new record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecord {
    /// `sub_…`
    pub subject: String,
    /// Collection.
    pub collection: String,
    /// Purpose.
    pub purpose: String,
    /// Fields: strings, or objects of strings for composite types.
    #[schema(value_type = Object)]
    pub fields: FieldMap,
    /// Wishes about the tokens.
    pub tokens: Option<TokenWishes>,
}

/// Wishes about tokens.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenWishes {
    /// Life, such as `30d`.
    pub expires_in: Option<String>,
    /// Number of uses of each token.
    pub uses: Option<u32>,
    /// A client or declared group.
    pub audience: Option<String>,
}

impl TokenWishes {
    /// Reads durations; names faults below `base`.
    pub fn read(self, base: &str) -> Result<TokenWish, Fault> {
        let expires_in =
            self.expires_in.as_deref().map(|t| life(&format!("{base}/expires_in"), t)).transpose()?;
        if expires_in.is_some_and(|life| life > MAX_TOKEN_LIFE) {
            return Err(token_life_fault(format!("{base}/expires_in")));
        }
        Ok(TokenWish { expires_in, uses: self.uses, audience: self.audience })
    }
}

/// Changes of a record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordPatch {
    /// Purpose.
    pub purpose: String,
    /// Fields to change; null removes one.
    #[schema(value_type = Object)]
    pub fields: FieldMap,
    /// Only if the record still has this version.
    pub if_version: Option<u32>,
}

/// A stored record.
#[derive(Serialize, ToSchema)]
pub struct RecordStored {
    /// `rec_…`
    pub record: String,
    /// Version.
    pub version: u32,
    /// Tokens by field.
    pub tokens: BTreeMap<String, String>,
}

impl From<&StoredTokens> for RecordStored {
    fn from(stored: &StoredTokens) -> Self {
        Self {
            record: stored.record.clone(),
            version: stored.version,
            tokens: stored.tokens.iter().cloned().collect(),
        }
    }
}

fn inputs(fields: FieldMap) -> Vec<FieldInput> {
    fields.0.into_iter().map(|(name, raw)| FieldInput { name, value: raw.into_value() }).collect()
}

impl NewRecord {
    /// What it asks for; names faults of its own texts below `base`.
    pub fn command(self, base: &str) -> Result<CreateRecord, Fault> {
        let tokens = self.tokens.map(|t| t.read(&format!("{base}/tokens"))).transpose()?;
        Ok(CreateRecord {
            subject: self.subject,
            collection: self.collection,
            purpose: self.purpose,
            fields: inputs(self.fields),
            tokens: tokens.unwrap_or_default(),
        })
    }
}

/// `POST /v1/records`
pub async fn create(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let body: NewRecord = x.json()?;
    let command = body.command("")?;
    let done = x.vault.create_record(x.caller, x.call, &command).await?;
    Ok(Reply::json(201, &done, &RecordStored::from(&done.value)))
}

/// `PATCH /v1/records/{rec}`
pub async fn update(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let body: RecordPatch = x.json()?;
    // The grant is judged before it is said whether the record is there, so an unknown name is the verb's to refuse.
    let record = x.vault.record_named(x.path("rec"));
    let command =
        UpdateRecord { purpose: body.purpose, fields: inputs(body.fields), if_version: body.if_version };
    let done = x.vault.update_record(x.caller, x.call, record, &command).await?;
    Ok(Reply::json(200, &done, &RecordStored::from(&done.value)))
}

/// An erased record.
#[derive(Serialize, ToSchema)]
pub struct RecordErased {
    /// `crt_…`
    pub certificate: String,
}

/// `DELETE /v1/records/{rec}`
pub async fn delete(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let record = x.record(Act::RecordDelete).await?;
    let done = x.vault.delete_record(x.caller, x.call, record).await?;
    Ok(Reply::json(200, &done, &RecordErased { certificate: done.value.clone() }))
}

/// `GET /v1/records/{rec}`
pub async fn view(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let record = x.record(Act::RecordView).await?;
    let done = x.vault.view_record(x.caller, x.call, record).await?;
    Ok(Reply::json(200, &done, &RecordShown::from(done.value.clone())))
}
