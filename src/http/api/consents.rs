//! `/v1/subjects/{sub}/consents`: what a person agreed to, and when that ended.

use crate::domain::event::Act;
use crate::http::api::subjects::Recorded;
use crate::http::exchange::{Exchange, Failure, Reply, instant};
use crate::vault::{ConsentCommand, RecordedConsent};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A consent or its withdrawal.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConsent {
    /// Given or withdrawn.
    pub granted: bool,
    /// How it can be shown.
    pub evidence: Evidence,
    /// When the person decided; absent: now.
    pub at: Option<String>,
}

/// Evidence of a decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// By which channel, 1–64 of `[a-z0-9_-]`.
    pub channel: String,
    /// SHA-256 of the text shown, lower-case hex.
    pub text_sha256: Option<String>,
    /// Notice shown.
    pub notice_version: Option<String>,
}

/// A recorded consent.
#[derive(Serialize, ToSchema)]
pub struct ConsentShown {
    /// Purpose.
    pub purpose: String,
    /// Recipient.
    pub recipient: Option<String>,
    /// Given or withdrawn.
    pub granted: bool,
    /// When the person decided.
    pub at: String,
    /// When it was recorded.
    pub recorded_at: String,
    /// Channel.
    pub channel: String,
    /// Notice shown.
    pub notice_version: Option<String>,
    /// SHA-256 of the text shown.
    pub text_sha256: Option<String>,
}

/// Consents of a subject.
#[derive(Serialize, ToSchema)]
pub struct ConsentsShown {
    /// The entry in force for each purpose and recipient.
    pub current: Vec<ConsentShown>,
    /// Every entry kept, newest first.
    pub history: Vec<ConsentShown>,
}

impl From<&RecordedConsent> for ConsentShown {
    fn from(r: &RecordedConsent) -> Self {
        Self {
            purpose: r.purpose.clone(),
            recipient: r.recipient.clone(),
            granted: r.consent.granted,
            at: r.consent.at.to_rfc3339(),
            recorded_at: r.consent.recorded_at.to_rfc3339(),
            channel: r.consent.channel.clone(),
            notice_version: r.consent.notice_version.clone(),
            text_sha256: r.consent.text_sha256.map(|d| data_encoding::HEXLOWER.encode(&d)),
        }
    }
}

/// `PUT …/consents/{purpose}` and `…/recipients/{name}`
pub async fn record(x: &Exchange<'_>, recipient: Option<&str>) -> Result<Reply, Failure> {
    let body: NewConsent = x.json()?;
    let at = body.at.as_deref().map(|at| instant("/at", at)).transpose()?;
    // The act is judged before it is said whether the person is there, so an unknown name is the verb's to refuse.
    let subject = x.vault.subject_named(x.path("sub"));
    let command = ConsentCommand {
        purpose: x.path("purpose").to_owned(),
        recipient: recipient.map(str::to_owned),
        granted: body.granted,
        channel: body.evidence.channel,
        text_sha256: body.evidence.text_sha256,
        notice_version: body.evidence.notice_version,
        at,
    };
    let done = x.vault.record_consent(x.caller, x.call, subject, &command).await?;
    Ok(Reply::json(200, &done, &Recorded { recorded: true }))
}

/// `GET …/consents`
pub async fn view(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let subject = x.subject(Act::ConsentView).await?;
    let done = x.vault.view_consents(x.caller, x.call, subject).await?;
    let shown = ConsentsShown {
        current: done.value.current.iter().map(ConsentShown::from).collect(),
        history: done.value.history.iter().map(ConsentShown::from).collect(),
    };
    Ok(Reply::json(200, &done, &shown))
}
