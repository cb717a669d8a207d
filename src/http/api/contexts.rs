//! `POST /v1/contexts`: what a client works on for a person, so that others may read within it.

use crate::domain::context::KINDS;
use crate::http::api::detokenize::name_fault;
use crate::http::exchange::{Exchange, Failure, Reply, life};
use crate::vault::{Fault, RegisterContext};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A context to register.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContext {
    /// `order`, `ticket` or `session`.
    pub kind: String,
    /// The client's own reference (≤ 64 of `[A-Za-z0-9._:-]`); kept only as keyed digest.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The subject it is about.
    pub subject: String,
    /// The person who is to read within it (≤ 64 of `[A-Za-z0-9._:-]`); kept only as keyed digest.
    pub assigned_to: Option<String>,
    /// Its life, at most 366d.
    pub expires_in: String,
}

/// A registered context.
#[derive(Serialize, ToSchema)]
pub struct ContextRegistered {
    /// `ctx_…`
    pub context: String,
    /// When it ends.
    pub expires_at: String,
}

/// `POST /v1/contexts`
pub async fn register(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let body: NewContext = x.json()?;
    if !KINDS.contains(&body.kind.as_str()) {
        return Err(Fault::new("/kind", "unknown_kind", "Write order, ticket or session.").into());
    }
    name_fault("/ref", Some(&body.reference))?;
    name_fault("/assigned_to", body.assigned_to.as_ref())?;
    let command = RegisterContext {
        kind: body.kind,
        reference: body.reference,
        subject: body.subject,
        assigned_to: body.assigned_to,
        expires_in: life("/expires_in", &body.expires_in)?,
    };
    let done = x.vault.register_context(x.caller, x.call, &command).await?;
    let shown = ContextRegistered {
        context: done.value.context.clone(),
        expires_at: done.value.expires_at.to_rfc3339(),
    };
    Ok(Reply::json(201, &done, &shown))
}
