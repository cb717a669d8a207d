//! One HTTP/1.1 connection, driven by a task of its own. Replies are bounded in size and time (I10).

use super::{Ask, LinkError, Told};
use crate::domain::Sensitive;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

/// Largest reply.
const MAX_REPLY: usize = 16 << 20;
/// Longest time for one request and its reply.
const DEADLINE: Duration = Duration::from_secs(60);

/// A connection that takes one request at a time.
pub struct Sender(SendRequest<Full<Bytes>>);

impl Sender {
    /// Starts HTTP/1.1 over a stream.
    pub(super) async fn over<S>(stream: S) -> Result<Self, LinkError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|_| LinkError::Broken)?;
        // A fault of the connection reaches whoever waits for its reply.
        tokio::spawn(async move { connection.await.is_ok() });
        Ok(Self(sender))
    }

    /// Whether it still takes a request.
    pub(super) async fn is_usable(&mut self) -> bool {
        !self.0.is_closed() && self.0.ready().await.is_ok()
    }

    /// One request and its whole reply.
    pub(super) async fn send(
        &mut self,
        host: &str,
        ask: &Ask<'_>,
        credential: Option<(HeaderName, HeaderValue)>,
    ) -> Result<Told, LinkError> {
        let mut request = hyper::Request::builder()
            .method(ask.method)
            .uri(&ask.path)
            .header(header::HOST, host)
            .header(header::USER_AGENT, concat!("strongroom/", env!("CARGO_PKG_VERSION")));
        if let Some((name, value)) = credential {
            request = request.header(name, value);
        }
        if let Some(key) = &ask.idempotency {
            request = request.header("idempotency-key", key);
        }
        if ask.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = Full::new(ask.body.clone().unwrap_or_default());
        let request = request.body(body).map_err(|_| LinkError::Broken)?;
        timeout(DEADLINE, self.exchange(request)).await.map_err(|_| LinkError::Broken)?
    }

    async fn exchange(&mut self, request: hyper::Request<Full<Bytes>>) -> Result<Told, LinkError> {
        let reply = self.0.send_request(request).await.map_err(|_| LinkError::Broken)?;
        let status = reply.status().as_u16();
        let retry_after = reply.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
        let body =
            Limited::new(reply.into_body(), MAX_REPLY).collect().await.map_err(|_| LinkError::Broken)?;
        Ok(Told { status, retry_after, body: Sensitive::new(body.to_bytes().to_vec()) })
    }
}
