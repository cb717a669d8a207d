//! `POST /v1/subjects/{sub}/unsubscribe-link`: what a mail carries so that its reader can stop it with one click (RFC 8058).

use crate::domain::event::Act;
use crate::http::exchange::{Exchange, Failure, Reply};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// For which purpose.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    /// A purpose that rests on consent or may be opted out of.
    pub purpose: String,
}

/// A link.
#[derive(Serialize, ToSchema)]
pub struct LinkMade<'a> {
    /// Opens the page with one button; the same for every mail of this person and purpose.
    pub url: &'a str,
    /// Headers of the mail.
    pub headers: LinkHeaders<'a>,
}

/// Headers of a mail, as RFC 8058 wants them. Both belong under the mail's DKIM signature.
#[derive(Serialize, ToSchema)]
pub struct LinkHeaders<'a> {
    /// The link in angle brackets.
    #[serde(rename = "List-Unsubscribe")]
    pub link: &'a str,
    /// `List-Unsubscribe=One-Click`
    #[serde(rename = "List-Unsubscribe-Post")]
    pub post: &'static str,
}

/// `POST …/unsubscribe-link`
pub async fn link(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let body: NewLink = x.json()?;
    let subject = x.subject(Act::UnsubscribeLink).await?;
    let done = x.vault.unsubscribe_link(x.caller, x.call, subject, &body.purpose).await?;
    let base = x.vault.public_url().unwrap_or_default();
    // EXPOSE: the link goes to the client that asked for it, and nowhere else.
    let url = zeroize::Zeroizing::new(format!("{base}/u/{}", done.value.expose()));
    let bracketed = zeroize::Zeroizing::new(format!("<{}>", *url));
    let headers = LinkHeaders { link: &bracketed, post: "List-Unsubscribe=One-Click" };
    Ok(Reply::json(200, &done, &LinkMade { url: &url, headers }))
}
