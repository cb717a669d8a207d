//! One request and its reply between the edge and a route: typed, sized, and without sockets.

use crate::domain::disclosure::LogHead;
use crate::domain::{Timestamp, duration};
use crate::http::capacity::Capacity;
use crate::http::edge;
use crate::http::json::{self, JsonFault};
use crate::http::problem::Problem;
use crate::vault::{Call, Caller, Done, Fault, Refusal, Vault};
use actix_web::web::Bytes;
use futures_util::stream::LocalBoxStream;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::sync::Arc;

/// What a route sees of a request.
pub struct Exchange<'a> {
    /// The vault.
    pub vault: &'a Arc<Vault>,
    /// Who asks.
    pub caller: &'a Arc<Caller>,
    /// What large requests may take.
    pub capacity: &'a Capacity,
    /// The client takes `application/x-ndjson`.
    pub streams: bool,
    /// Ids, times, sizes.
    pub call: &'a Call,
    /// Path parameters.
    pub params: Vec<(&'static str, String)>,
    /// Query parameters, checked against the route's list.
    pub query: edge::Query,
    /// The body.
    pub body: &'a [u8],
}

/// A reply before it is written.
pub struct Reply {
    /// Status.
    pub status: u16,
    /// JSON; wiped when dropped.
    pub body: Vec<u8>,
    /// What it cost.
    pub cost: u32,
    /// Head of the log after its event.
    pub head: LogHead,
    /// It repeats an earlier reply.
    pub replayed: bool,
    /// Lines instead of a body: made one part at a time, when the part before is on its way.
    pub lines: Option<Lines>,
}

/// NDJSON, in parts that zero themselves.
pub type Lines = LocalBoxStream<'static, Result<Bytes, Infallible>>;

/// Why a route did not reply.
pub enum Failure {
    /// Before any verb ran: the event is still to be written.
    Early(Box<Problem>),
    /// By a verb, which wrote its event.
    Refused(Refusal),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
impl From<JsonFault> for Failure {
    fn from(fault: JsonFault) -> Self {
        Self::Early(Box::new(fault.into()))
    }
}
impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Early(Box::new(Problem::from(&Refusal::InvalidRequest(vec![fault]))))
    }
}

impl Exchange<'_> {
    /// The body as a strict JSON document.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        Ok(json::parse(self.body)?)
    }
    /// A path parameter.
    pub fn path(&self, name: &str) -> &str {
        self.params.iter().find(|(n, _)| *n == name).map_or("", |(_, v)| v.as_str())
    }
    /// A query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name)
    }
    /// The subject of the path; unknown names answer like unknown rows.
    pub async fn subject(&self, act: crate::domain::event::Act) -> Result<crate::domain::SubjectId, Failure> {
        match self.vault.subject_named(self.path("sub")) {
            Some(subject) => Ok(subject),
            None => Err(self.vault.not_found(self.caller, self.call, act).await.into()),
        }
    }
    /// The record of the path; unknown names answer like unknown rows.
    pub async fn record(&self, act: crate::domain::event::Act) -> Result<crate::domain::RecordId, Failure> {
        match self.vault.record_named(self.path("rec")) {
            Some(record) => Ok(record),
            None => Err(self.vault.not_found(self.caller, self.call, act).await.into()),
        }
    }
}

impl Reply {
    /// A reply made from a committed answer.
    pub fn new<T>(status: u16, done: &Done<T>, body: Vec<u8>) -> Self {
        Self { status, body, cost: done.cost, head: done.receipt.head, replayed: done.replayed, lines: None }
    }
    /// A stream of lines, charged already, with the head of the log after its first part.
    pub fn lines(cost: u32, head: LogHead, lines: Lines) -> Self {
        Self { status: 200, body: Vec::new(), cost, head, replayed: false, lines: Some(lines) }
    }
    /// The same, serialised. Replies hold no values but in detokenize, which writes its own.
    pub fn json<T>(status: u16, done: &Done<T>, body: &impl Serialize) -> Self {
        // Large enough for most replies: a buffer that grows is copied and wiped each time.
        let mut out = Vec::with_capacity(1_024);
        if serde_json::to_writer(&mut out, body).is_err() {
            out.clear();
        }
        Self::new(status, done, out)
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.body);
    }
}

/// Reads an RFC 3339 instant, or names the fault.
pub fn instant(pointer: &str, text: &str) -> Result<Timestamp, Fault> {
    let detail = "Write an RFC 3339 instant such as 2026-11-24T08:30:00Z.";
    Timestamp::parse_rfc3339(text).ok_or_else(|| Fault::new(pointer, "not_an_instant", detail))
}

/// Reads a duration, or names the fault.
pub fn life(pointer: &str, text: &str) -> Result<std::time::Duration, Fault> {
    let detail = "Write a number and a unit: s, m, h, d, mo or y, such as 30d.";
    duration::parse(text).ok_or_else(|| Fault::new(pointer, "not_a_duration", detail))
}
