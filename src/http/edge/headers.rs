//! Headers of data replies, and the trace context that is taken from requests.

use crate::domain::disclosure::LogHead;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use base64::Engine;
use std::fmt::Write;

/// One quota as the RateLimit fields tell it (draft-ietf-httpapi-ratelimit-headers).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    /// `cost` or `subjects`.
    pub name: &'static str,
    /// Units in a window.
    pub quota: u64,
    /// Length of the window in seconds.
    pub window_seconds: u64,
    /// Units left.
    pub remaining: u64,
    /// Seconds until the quota is whole again.
    pub reset_seconds: u64,
}

/// Writes `RateLimit-Policy` and `RateLimit`, one item a quota.
pub fn rate_limit_headers(headers: &mut HeaderMap, quotas: &[Quota]) {
    if quotas.is_empty() {
        return;
    }
    // Room for two quotas of any size: no growth, which would copy and wipe.
    let (mut policy, mut state) = (String::with_capacity(96), String::with_capacity(96));
    for quota in quotas {
        let comma = if policy.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(policy, "{comma}\"{}\";q={};w={}", quota.name, quota.quota, quota.window_seconds);
        let _ = write!(state, "{comma}\"{}\";r={};t={}", quota.name, quota.remaining, quota.reset_seconds);
    }
    set(headers, "ratelimit-policy", policy);
    set(headers, "ratelimit", state);
}

/// Writes `Strongroom-Cost`: what this request was charged.
pub fn cost_header(headers: &mut HeaderMap, cost: u64) {
    headers.insert(HeaderName::from_static("strongroom-cost"), HeaderValue::from(cost));
}

/// Writes `Strongroom-Checkpoint: <size>:<base64url of 12 bytes>`.
pub fn checkpoint_header(headers: &mut HeaderMap, head: &LogHead) {
    // Twenty digits, a colon, sixteen characters.
    let mut text = String::with_capacity(37);
    // Writing to a string cannot fail.
    let _ = write!(text, "{}:", head.size);
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode_string(head.hash12, &mut text);
    set(headers, "strongroom-checkpoint", text);
}

/// Writes a header made for this reply; its text is taken over, not copied.
pub(super) fn set(headers: &mut HeaderMap, name: &'static str, value: String) {
    if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(value)) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// Writes a header that is the same in every reply.
pub(super) fn set_fixed(headers: &mut HeaderMap, name: &'static str, value: &'static str) {
    headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
}

/// A W3C trace context of version 00; kept as the caller's name for a trace and used for nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceParent {
    /// The trace.
    pub trace: [u8; 16],
    /// The caller's span.
    pub parent: [u8; 8],
    /// Whether the caller records.
    pub sampled: bool,
}

impl TraceParent {
    /// Reads `00-<32 hex>-<16 hex>-<2 hex>`, lower case, ids not all zero; anything else is as good as absent.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = &data_encoding::HEXLOWER;
        let mut parts = text.split('-');
        let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if version != "00" || parts.next().is_some() {
            return None;
        }
        let trace: [u8; 16] = hex.decode(trace.as_bytes()).ok()?.try_into().ok()?;
        let parent: [u8; 8] = hex.decode(parent.as_bytes()).ok()?.try_into().ok()?;
        let [flags]: [u8; 1] = hex.decode(flags.as_bytes()).ok()?.try_into().ok()?;
        (trace != [0; 16] && parent != [0; 8]).then_some(Self { trace, parent, sampled: flags & 1 == 1 })
    }
}
