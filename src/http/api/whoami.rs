//! `GET /v1/whoami`: what the caller may do, and what is left of its limits.

use crate::domain::crockford;
use crate::http::exchange::{Exchange, Failure, Reply};
use serde::Serialize;
use utoipa::ToSchema;

/// The caller.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// Client.
    pub client: String,
    /// `key_…`; null for a caller that proved no key.
    pub key: Option<String>,
    /// When the key ends.
    pub expires_at: Option<String>,
    /// What is granted, by purpose.
    pub grants: Vec<Granted>,
    /// Acts granted.
    pub acts: Vec<String>,
    /// What is left.
    pub limits: Limits,
}

/// One granted field.
#[derive(Serialize, ToSchema)]
pub struct Granted {
    /// Purpose.
    pub purpose: String,
    /// Full field name.
    pub field: String,
    /// `plain`, `masked`, `write`, `search`, `verify`.
    pub form: &'static str,
}

/// Quotas.
#[derive(Serialize, ToSchema)]
pub struct Limits {
    /// Cost units, in the window with the fewest left.
    pub cost: Quota,
    /// Distinct subjects, of the day or the hour, whichever has fewer left.
    pub subjects: Quota,
    /// Every window, by the name of its setting in the policy: the name that a refusal gives as `scope`.
    pub windows: Vec<WindowLeft>,
}

/// One window.
#[derive(Serialize, ToSchema)]
pub struct WindowLeft {
    /// `requests_per_second`, `reads_per_hour`, `subjects_per_day` …
    pub name: &'static str,
    /// In all, at this hour.
    pub quota: u64,
    /// Its length.
    pub window_seconds: u64,
    /// Left.
    pub remaining: u64,
    /// Seconds until it is whole again.
    pub reset_seconds: u64,
}

impl From<(&'static str, crate::vault::QuotaState)> for WindowLeft {
    fn from((name, s): (&'static str, crate::vault::QuotaState)) -> Self {
        Self {
            name,
            quota: s.quota,
            window_seconds: s.window_seconds,
            remaining: s.remaining,
            reset_seconds: s.reset_seconds,
        }
    }
}

/// One quota.
#[derive(Serialize, ToSchema)]
pub struct Quota {
    /// In all.
    pub quota: u64,
    /// Left.
    pub remaining: u64,
    /// Seconds until it is whole again.
    pub reset_seconds: u64,
}

impl From<crate::vault::QuotaState> for Quota {
    fn from(s: crate::vault::QuotaState) -> Self {
        Self { quota: s.quota, remaining: s.remaining, reset_seconds: s.reset_seconds }
    }
}

/// `GET /v1/whoami`
pub async fn show(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let done = x.vault.whoami(x.caller, x.call).await?;
    let quotas = x.vault.quotas(x.caller);
    let windows = x.vault.windows(x.caller).into_iter().map(WindowLeft::from);
    let grants = done.value.grants.iter().map(|(purpose, field, form)| Granted {
        purpose: purpose.clone(),
        field: field.clone(),
        form,
    });
    let me = Me {
        client: done.value.client.clone(),
        key: done.value.key.map(|id| crockford::encode("key_", &id.0)),
        expires_at: done.value.expires_at.map(|end| end.to_rfc3339()),
        grants: grants.collect(),
        acts: done.value.acts.clone(),
        limits: Limits {
            cost: quotas.cost.into(),
            subjects: quotas.subjects.into(),
            windows: windows.collect(),
        },
    };
    Ok(Reply::json(200, &done, &me))
}
