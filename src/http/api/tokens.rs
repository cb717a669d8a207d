//! `/v1/tokens`: minted for others, inspected, revoked.

use crate::domain::Sensitive;
use crate::http::api::records::{RecordStored, TokenWishes};
use crate::http::exchange::{Exchange, Failure, Reply};
use crate::vault::{Fault, MintCommand, TokenState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Most tokens a call takes.
pub const MAX_TOKENS: usize = 1_000;

/// A wish for further tokens.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTokens {
    /// `rec_…`
    pub record: String,
    /// Fields.
    pub fields: Vec<String>,
    /// A client or declared group; absent: the collection's default.
    pub audience: Option<String>,
    /// Life, such as `1h`.
    pub expires_in: Option<String>,
    /// Uses of each token.
    pub uses: Option<u32>,
}

/// Minted tokens.
#[derive(Serialize, ToSchema)]
pub struct TokensMinted {
    /// Tokens by field.
    pub tokens: BTreeMap<String, String>,
}

/// A list of tokens.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenList {
    /// 1 to 1 000 tokens.
    #[schema(value_type = Vec<String>)]
    pub tokens: Vec<Sensitive<String>>,
}

/// One item's fault.
#[derive(Serialize, ToSchema)]
pub struct ItemError {
    /// Code.
    pub code: &'static str,
    /// Status it would have alone.
    pub status: u16,
    /// Whether a retry may help.
    pub retryable: bool,
}

/// The uniform answer for every token that is not there for the caller (I5).
pub const NOT_FOUND: ItemError = ItemError { code: "not_found", status: 404, retryable: false };

/// One inspected token.
#[derive(Serialize, ToSchema)]
pub struct TokenInspected {
    /// Position in the request.
    pub index: usize,
    /// `live`, `spent`, `expired`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
    /// Full field name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Uses left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses_left: Option<u32>,
    /// Audience.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ItemError>,
}

/// Inspected tokens.
#[derive(Serialize, ToSchema)]
pub struct TokensInspected {
    /// In the order asked.
    pub results: Vec<TokenInspected>,
}

/// One revoked token.
#[derive(Serialize, ToSchema)]
pub struct TokenRevoked {
    /// Position in the request.
    pub index: usize,
    /// Revoked by this call (or an earlier one under the same idempotency key).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked: Option<bool>,
    /// Fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ItemError>,
}

/// Revoked tokens.
#[derive(Serialize, ToSchema)]
pub struct TokensRevoked {
    /// In the order asked.
    pub results: Vec<TokenRevoked>,
}

/// Refuses an empty or too long list.
pub fn check_count(count: usize) -> Result<(), Fault> {
    if (1..=MAX_TOKENS).contains(&count) {
        return Ok(());
    }
    Err(Fault::new(
        "/tokens",
        "bad_count",
        "Send 1 to 1000 tokens a call; detokenize takes up to 100000 as a stream (Accept: application/x-ndjson).",
    ))
}

/// `POST /v1/tokens`
pub async fn mint(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let body: NewTokens = x.json()?;
    let wishes = TokenWishes { expires_in: body.expires_in, uses: body.uses, audience: body.audience };
    let command = MintCommand { record: body.record, fields: body.fields, tokens: wishes.read("")? };
    let done = x.vault.mint_tokens(x.caller, x.call, &command).await?;
    let stored = RecordStored::from(&done.value);
    Ok(Reply::json(201, &done, &TokensMinted { tokens: stored.tokens }))
}

/// `POST /v1/tokens/inspect`
pub async fn inspect(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let body: TokenList = x.json()?;
    check_count(body.tokens.len())?;
    let done = x.vault.inspect_tokens(x.caller, x.call, &body.tokens).await?;
    let shown = done.value.iter().enumerate().map(|(index, view)| TokenInspected {
        index,
        state: view.as_ref().map(|v| match v.state {
            TokenState::Live => "live",
            TokenState::Spent => "spent",
            TokenState::Expired => "expired",
        }),
        field: view.as_ref().map(|v| v.field.clone()),
        collection: view.as_ref().map(|v| v.collection.clone()),
        expires_at: view.as_ref().and_then(|v| v.expires_at).map(|at| at.to_rfc3339()),
        uses_left: view.as_ref().and_then(|v| v.uses_left),
        audience: view.as_ref().map(|v| v.audience.clone()),
        error: view.is_none().then_some(NOT_FOUND),
    });
    let results = shown.collect();
    Ok(Reply::json(200, &done, &TokensInspected { results }))
}

/// `POST /v1/tokens/revoke`
pub async fn revoke(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let body: TokenList = x.json()?;
    check_count(body.tokens.len())?;
    let done = x.vault.revoke_tokens(x.caller, x.call, &body.tokens).await?;
    let shown = done.value.iter().enumerate().map(|(index, revoked)| TokenRevoked {
        index,
        revoked: revoked.then_some(true),
        error: (!revoked).then_some(NOT_FOUND),
    });
    let results = shown.collect();
    Ok(Reply::json(200, &done, &TokensRevoked { results }))
}
