//! Bodies: bounded in size before and while reading, bounded in time, kept in a buffer that zeroes itself.
//!
//! The framework times only the request head (fact F4), so a body that trickles or stalls is cut here: it must keep a minimum
//! rate after a grace period and end by a deadline.

use crate::domain::Sensitive;
use crate::http::problem::{Code, Problem};
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, error::PayloadError};
use futures_util::{Stream, StreamExt};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroize;

/// What a route takes at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BodyLimits {
    /// Largest body in bytes.
    pub max_bytes: usize,
    /// Longest time for the whole body.
    pub deadline: Duration,
    /// Time before the minimum rate counts.
    pub grace: Duration,
    /// Bytes per second that must arrive after the grace.
    pub min_rate: u32,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            max_bytes: 1 << 20,
            deadline: Duration::from_secs(10),
            grace: Duration::from_secs(2),
            min_rate: 500,
        }
    }
}

impl BodyLimits {
    /// The same times with another size, for `/records/batch` and streams.
    pub fn with_max_bytes(self, max_bytes: usize) -> Self {
        Self { max_bytes, ..self }
    }
}

/// Reads a JSON body: `Content-Type: application/json`, no `Content-Encoding`, within the limits.
pub async fn json_body(
    request: &HttpRequest,
    payload: &mut Payload,
    limits: &BodyLimits,
) -> Result<Sensitive<Vec<u8>>, Problem> {
    let headers = request.headers();
    if headers.contains_key(header::CONTENT_ENCODING) || !is_json(headers) {
        return Err(Code::UnsupportedMediaType.into());
    }
    read_body(headers, payload, limits).await
}

/// Reads a body of any type within the limits (`408` too slow, `413` too large, `400` broken off).
pub async fn read_body<S>(
    headers: &HeaderMap,
    mut chunks: S,
    limits: &BodyLimits,
) -> Result<Sensitive<Vec<u8>>, Problem>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    let declared = declared_length(headers)?;
    if declared.is_some_and(|length| length > limits.max_bytes as u64) {
        return Err(Code::TooLarge.into());
    }
    let expected = declared.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let mut buffer = Sensitive::new(Vec::with_capacity(expected));
    let start = Instant::now();
    loop {
        // EXPOSE: the length and the end of the buffer that is being filled.
        let received = buffer.expose().len();
        let earned = Duration::from_secs_f64(received as f64 / f64::from(limits.min_rate.max(1)));
        let until = start + limits.deadline.min(limits.grace.saturating_add(earned));
        let next = timeout_at(until, chunks.next()).await.map_err(|_| Problem::new(Code::RequestTimeout))?;
        match next {
            None => return Ok(buffer),
            Some(Ok(chunk)) if chunk.len() > limits.max_bytes - received => return Err(Code::TooLarge.into()),
            Some(Ok(chunk)) => append(buffer.expose_mut(), &chunk), // EXPOSE: filling the buffer.
            Some(Err(PayloadError::Overflow)) => return Err(Code::TooLarge.into()),
            Some(Err(_)) => return Err(Code::InvalidRequest.into()),
        }
    }
}

/// Appends; when the buffer must grow (chunked bodies only) the old one is zeroed, which `Vec` would not do.
fn append(buffer: &mut Vec<u8>, chunk: &[u8]) {
    let needed = buffer.len().saturating_add(chunk.len());
    if needed > buffer.capacity() {
        let mut larger = Vec::with_capacity(needed.max(buffer.capacity().saturating_mul(2)));
        larger.extend_from_slice(buffer);
        buffer.zeroize();
        *buffer = larger;
    }
    buffer.extend_from_slice(chunk);
}

fn declared_length(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(header::CONTENT_LENGTH) else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    // A length that does not fit 64 bits is too large whatever the limit.
    digits
        .ok_or(Problem::new(Code::InvalidRequest))
        .and_then(|d| d.parse().map(Some).map_err(|_| Code::TooLarge.into()))
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE);
    let (Some(value), None) = (values.next().and_then(|v| v.to_str().ok()), values.next()) else {
        return false;
    };
    let (kind, parameters) = value.split_once(';').unwrap_or((value, ""));
    let parameters = parameters.trim();
    let utf8 = parameters.is_empty()
        || parameters.eq_ignore_ascii_case("charset=utf-8")
        || parameters.eq_ignore_ascii_case("charset=\"utf-8\"");
    kind.trim().eq_ignore_ascii_case("application/json") && utf8
}
