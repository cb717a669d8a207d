//! Commands as clients of a vault: over its admin socket, where the owner acts as a client, or over TLS with client keys.
//!
//! One [`Link`] for both, so that a command cannot tell them apart. Requests wait when the vault says so (`Retry-After`), and
//! are repeated when a connection breaks; both are safe because every request that changes something carries an idempotency
//! key. A reply may hold tokens or values: it is kept in a buffer that wipes itself and is never logged (I6).

mod admin;
mod keys;
mod sender;
#[cfg(test)]
mod tests;
mod tls;

pub use admin::AdminSocket;
pub use keys::ClientKeys;
pub use tls::Tls;

use crate::cli::Failed;
use crate::domain::Sensitive;
use futures_util::future::LocalBoxFuture;
use hyper::header::{HeaderName, HeaderValue};
use sender::Sender;
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::time::Duration;

/// Longest a request waits for the vault in all.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often a connection is tried again before the vault counts as gone.
const ATTEMPTS: u32 = 7;
/// Most idle connections kept.
const MAX_IDLE: usize = 128;

/// One request.
#[derive(Clone)]
pub struct Ask<'a> {
    /// The client it is asked as; `None` for the admin socket's own routes.
    pub client: Option<&'a str>,
    /// Method.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// The idempotency key of a change.
    pub idempotency: Option<String>,
    /// A JSON body.
    pub body: Option<hyper::body::Bytes>,
}

/// One reply.
pub struct Told {
    /// Status.
    pub status: u16,
    /// Seconds the vault asks to wait.
    pub retry_after: Option<u64>,
    /// Body.
    pub body: Sensitive<Vec<u8>>,
}

/// Why there was no reply to judge.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LinkError {
    /// Nobody answers.
    #[error("the vault does not answer: {0}; is it being served?")]
    Unreachable(String),
    /// The certificate is not one the CA signed, or another TLS fault.
    #[error(
        "no TLS connection to the vault: its certificate does not fit --url and --cacert, or it speaks no TLS"
    )]
    Tls,
    /// The connection broke or the reply is not HTTP.
    #[error("the connection to the vault broke")]
    Broken,
    /// Over a limit that does not end soon.
    #[error("a limit of the vault is reached and ends in {0} s; run the command again then")]
    Limited(u64),
    /// No key for this client.
    #[error("there is no key for the client {0}; add --key {0}=FILE")]
    NoKey(String),
    /// The admin socket's routes are asked over the network.
    #[error("this needs the vault's data directory; use --data-dir instead of --url")]
    LocalOnly,
}

impl From<LinkError> for Failed {
    fn from(error: LinkError) -> Self {
        Self::new(error.to_string())
    }
}

/// How connections are made and how a request says as whom it is asked.
pub trait Transport {
    /// A new connection.
    fn connect(&self) -> LocalBoxFuture<'_, Result<Sender, LinkError>>;
    /// The header that names the client, or proves it.
    fn credential(&self, client: Option<&str>) -> Result<Option<(HeaderName, HeaderValue)>, LinkError>;
    /// The value of the Host header.
    fn host(&self) -> &str;
    /// Whether the admin socket's own routes are there.
    fn is_local(&self) -> bool;
}

/// Connections to one vault.
pub struct Link {
    transport: Box<dyn Transport>,
    idle: RefCell<Vec<Sender>>,
}

impl Told {
    /// Whether it is a success.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }
    /// The body as a document of a known shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failed> {
        // EXPOSE: parsed into the shape its reader asked for.
        serde_json::from_slice(self.body.expose()).map_err(|_| {
            Failed::new("the vault's reply has another shape than this command knows; use the same version")
        })
    }
    /// The refusal, as a failure of the command: code, rule and sentence are the vault's own names.
    pub fn failure(&self) -> Failed {
        let problem: Problem = self.json().unwrap_or_default();
        let rule = problem.rule.map(|r| format!(" ({r})")).unwrap_or_default();
        Failed::new(format!("refused as {}{rule}: {}", problem.code, problem.detail))
    }
}

/// A refusal's body, as far as commands look at it.
#[derive(Clone, Default, Debug, serde::Deserialize)]
pub struct Problem {
    /// Code.
    #[serde(default)]
    pub code: String,
    /// What to do.
    #[serde(default)]
    pub detail: String,
    /// Rule.
    pub rule: Option<String>,
    /// Whether the same may succeed later.
    #[serde(default)]
    pub retryable: bool,
    /// Faults of the body.
    #[serde(default)]
    pub errors: Vec<FieldFault>,
}

/// A fault of a body.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct FieldFault {
    /// JSON pointer.
    pub field: String,
    /// Code.
    pub code: String,
}

impl Link {
    /// A link over a transport; nothing is connected yet.
    pub fn new(transport: impl Transport + 'static) -> Self {
        Self { transport: Box::new(transport), idle: RefCell::new(Vec::new()) }
    }
    /// Whether the admin socket's own routes are there.
    pub fn is_local(&self) -> bool {
        self.transport.is_local()
    }

    /// Asks, waits as the vault says, and repeats what a broken connection left open.
    pub async fn ask(&self, ask: &Ask<'_>) -> Result<Told, LinkError> {
        let (mut failures, mut waited) = (0, Duration::ZERO);
        loop {
            match self.once(ask).await {
                Ok(told) => {
                    let Some(wait) = wait_of(&told) else { return Ok(told) };
                    let wait = Duration::from_secs(wait);
                    if waited + wait > PATIENCE {
                        return if told.status == 429 {
                            Err(LinkError::Limited(wait.as_secs()))
                        } else {
                            Ok(told)
                        };
                    }
                    waited += wait;
                    tokio::time::sleep(wait).await;
                }
                Err(error) if failures + 1 < ATTEMPTS && may_repeat(ask, &error) => {
                    failures += 1;
                    tracing::debug!(
                        event = "link_again",
                        state = error_name(&error),
                        "a connection is tried again"
                    );
                    tokio::time::sleep(Duration::from_millis(50 << failures)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Asks a route of the admin socket.
    pub async fn local<T: DeserializeOwned>(
        &self,
        method: &'static str,
        path: impl Into<String>,
        body: Option<String>,
    ) -> Result<T, Failed> {
        let body = body.map(hyper::body::Bytes::from);
        let ask = Ask { client: None, method, path: path.into(), idempotency: None, body };
        let told = self.ask(&ask).await?;
        if told.is_ok() { told.json() } else { Err(told.local_failure()) }
    }

    async fn once(&self, ask: &Ask<'_>) -> Result<Told, LinkError> {
        let credential = self.transport.credential(ask.client)?;
        let kept = self.idle.borrow_mut().pop();
        if let Some(mut sender) = kept
            && sender.is_usable().await
        {
            match sender.send(self.transport.host(), ask, credential.clone()).await {
                Ok(told) => {
                    self.keep(sender);
                    return Ok(told);
                }
                Err(error) if !may_repeat(ask, &error) => return Err(error),
                Err(_) => {}
            }
        }
        // Never used, or closed meanwhile: a fresh connection decides.
        let mut sender = self.transport.connect().await?;
        let told = sender.send(self.transport.host(), ask, credential).await?;
        self.keep(sender);
        Ok(told)
    }

    fn keep(&self, sender: Sender) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() < MAX_IDLE {
            idle.push(sender);
        }
    }
}

impl Told {
    /// The admin socket's own sentences say all.
    fn local_failure(&self) -> Failed {
        let problem: Problem = self.json().unwrap_or_default();
        match problem.code.as_str() {
            "unauthenticated" => Failed::new(
                "the vault is served by another user; run the command as the owner of its data directory",
            ),
            "" => Failed::new("the vault refused without a reason this command knows; use the same version"),
            _ => Failed::new(problem.detail),
        }
    }
}

/// Seconds to wait before the same request may succeed.
fn wait_of(told: &Told) -> Option<u64> {
    if !matches!(told.status, 429 | 503) {
        return None;
    }
    let retryable = told.json::<Problem>().is_ok_and(|p| p.retryable);
    retryable.then(|| told.retry_after.unwrap_or(1).max(1))
}

/// A request that never left may be sent again; one that may have been carried out only when that changes nothing.
fn may_repeat(ask: &Ask<'_>, error: &LinkError) -> bool {
    match error {
        LinkError::Unreachable(_) => true,
        LinkError::Broken => ask.method == "GET" || ask.idempotency.is_some(),
        _ => false,
    }
}

fn error_name(error: &LinkError) -> &'static str {
    match error {
        LinkError::Unreachable(_) => "unreachable",
        _ => "broken",
    }
}
