//! Problems: the one shape of every error (RFC 9457), made of fixed sentences and numbers of our own.
//!
//! It must never hold a byte that a client sent (I6, fact F6, test A05): every text is `'static`, but for JSON pointers, which
//! are made of names of our own (see [`crate::http::json`]).

mod code;
mod docs;

pub use code::Code;
pub use docs::docs_errors;

use crate::domain::Rule;
use crate::http::edge::RequestId;
use crate::http::json::JsonFault;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use std::borrow::Cow;

/// The media type of every error.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// One fault of a body: where, what, what to do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FieldError {
    /// JSON pointer made of names of our own, e.g. `/fields/phone`.
    #[serde(rename = "field")]
    pub pointer: String,
    /// A stable code, e.g. `not_e164`.
    pub code: Cow<'static, str>,
    /// A fixed sentence.
    pub detail: Cow<'static, str>,
}

/// An error on its way out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// What happened.
    pub code: Code,
    /// The rule that refused (`denied`).
    pub rule: Option<Rule>,
    /// Which item of an atomic batch failed.
    pub index: Option<u32>,
    /// All faults of the body at once.
    pub errors: Vec<FieldError>,
    /// Seconds until a retry makes sense; a 429 always has at least 1.
    pub retry_after: Option<u64>,
    /// The limit that was reached, or whose counter it is (`subject`, `source`).
    pub scope: Option<Cow<'static, str>>,
    /// The current version (`version_conflict`).
    pub current_version: Option<u32>,
    /// Methods for the Allow header of a 405.
    pub allow: Option<Cow<'static, str>>,
    /// It repeats an earlier answer (`Idempotency-Replayed`).
    pub replayed: bool,
}

impl Problem {
    /// A problem with nothing but its code.
    pub fn new(code: Code) -> Self {
        let retry_after = match code {
            Code::RateLimited | Code::BudgetExhausted | Code::IdempotencyInProgress | Code::Overloaded => {
                Some(1)
            }
            _ => None,
        };
        Self {
            code,
            rule: None,
            index: None,
            errors: Vec::new(),
            retry_after,
            scope: None,
            current_version: None,
            allow: None,
            replayed: false,
        }
    }
    /// A refusal by a rule.
    pub fn denied(rule: Rule) -> Self {
        Self { rule: Some(rule), ..Self::new(Code::Denied) }
    }
    /// A version conflict.
    pub fn version_conflict(current: u32) -> Self {
        Self { current_version: Some(current), ..Self::new(Code::VersionConflict) }
    }
    /// A reached limit, by name; `seconds` below 1 count as 1.
    pub fn limited(code: Code, scope: impl Into<Cow<'static, str>>, seconds: u64) -> Self {
        Self { scope: Some(scope.into()), retry_after: Some(seconds.max(1)), ..Self::new(code) }
    }
    /// A method the route does not have; `allow` is the value of the Allow header.
    pub fn method_not_allowed(allow: impl Into<Cow<'static, str>>) -> Self {
        Self { allow: Some(allow.into()), ..Self::new(Code::MethodNotAllowed) }
    }
    /// Names the failing item of an atomic batch.
    pub fn at_index(mut self, index: u32) -> Self {
        self.index = Some(index);
        self
    }
    /// Adds a fault of the body.
    pub fn with_error(mut self, error: FieldError) -> Self {
        self.errors.push(error);
        self
    }
    /// Sets when to retry.
    pub fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds.max(1));
        self
    }

    /// The reply, with the request's id.
    pub fn to_response(&self, request_id: RequestId) -> HttpResponse {
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut reply = HttpResponse::build(status);
        reply.insert_header((header::CONTENT_TYPE, MEDIA_TYPE));
        reply.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(seconds) = self.retry_after {
            reply.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.code == Code::Unauthenticated {
            reply.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"strongroom\""));
        }
        if let Some(allow) = &self.allow {
            reply.insert_header((header::ALLOW, allow.as_ref()));
        }
        if self.replayed {
            reply.insert_header(("idempotency-replayed", "true"));
        }
        if self.closes_connection() {
            reply.force_close();
        }
        reply.body(self.to_json(request_id))
    }

    /// Whether part of the request may still be under way, so that the connection cannot be used again.
    fn closes_connection(&self) -> bool {
        matches!(
            self.code,
            Code::RequestTimeout
                | Code::TooLarge
                | Code::UnsupportedMediaType
                | Code::UriTooLong
                | Code::HeadersTooLarge
        )
    }

    fn to_json(&self, request_id: RequestId) -> String {
        let id = request_id.to_string();
        let wire = Wire {
            kind: format!("urn:strongroom:error:{}", self.code.name()),
            title: self.code.title(),
            status: self.code.status(),
            code: self.code.name(),
            detail: self.code.detail(),
            request_id: &id,
            retryable: self.code.retryable(),
            rule: self.rule.map(Rule::name),
            index: self.index,
            scope: self.scope.as_deref(),
            current_version: self.current_version,
            errors: &self.errors,
        };
        // Only texts and numbers: serialising them cannot fail; an empty body would still carry the status.
        serde_json::to_string(&wire).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: &'static str,
    request_id: &'a str,
    retryable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_version: Option<u32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl From<JsonFault> for Problem {
    fn from(fault: JsonFault) -> Self {
        Self::new(Code::MalformedJson).with_error(FieldError {
            pointer: fault.pointer,
            code: Cow::Borrowed(fault.reason.code()),
            detail: Cow::Borrowed(fault.reason.sentence()),
        })
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code.name())
    }
}

/// Handlers may return a `Problem` as their error; the edge then writes it with the id of the request.
impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
    fn error_response(&self) -> HttpResponse {
        let mut reply = self.to_response(RequestId::UNKNOWN);
        reply.extensions_mut().insert(self.clone());
        reply
    }
}

#[cfg(test)]
mod tests;
