//! `POST /v1/credentials/verify`: a password is checked and never returned.

use crate::domain::Sensitive;
use crate::http::exchange::{Exchange, Failure, Reply};
use crate::vault::{Fault, VerifyBy, VerifyCommand};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A check.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// The password's token.
    #[schema(value_type = Option<String>)]
    pub token: Option<Sensitive<String>>,
    /// Or the login.
    #[schema(value_type = Option<String>)]
    pub login: Option<Sensitive<String>>,
    /// The secret.
    #[schema(value_type = String)]
    pub secret: Sensitive<String>,
    /// Where the login came from; kept only as keyed /24 or /48.
    pub source: Option<String>,
}

/// The verdict.
#[derive(Serialize, ToSchema)]
pub struct Verdict {
    /// Valid.
    pub valid: bool,
    /// `sub_…`, by login and valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// `rec_…`, by login and valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
}

/// `POST /v1/credentials/verify`
pub async fn verify(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let body: Verify = x.json()?;
    let by = match (body.token, body.login) {
        (Some(token), None) => VerifyBy::Token(token),
        (None, Some(login)) => VerifyBy::Login(login),
        _ => return Err(Fault::new("", "bad_request", "Give token or login, not both.").into()),
    };
    let source = match body.source.as_deref().map(str::parse) {
        None => None,
        Some(Ok(ip)) => Some(ip),
        Some(Err(_)) => return Err(Fault::new("/source", "not_ip", "Write an IPv4 or IPv6 address.").into()),
    };
    let done = x
        .vault
        .verify_credential(x.caller, x.call, &VerifyCommand { by, secret: body.secret, source })
        .await?;
    let (subject, record) = done.value.owner.clone().unzip();
    Ok(Reply::json(200, &done, &Verdict { valid: done.value.valid, subject, record }))
}
