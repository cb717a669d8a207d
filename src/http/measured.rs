//! What is told of a request to those who measure: names of our own, numbers, ids. Never a path, a query, a header or a
//! value (I6): the types here have no place for one.

use crate::domain::Timestamp;
use crate::http::edge::{RequestId, TraceParent};
use actix_web::{HttpMessage, HttpRequest};
use std::sync::Arc;

/// Measures the composition root brings (this room may not know them).
pub trait Meter: Send + Sync {
    /// A request ended.
    fn request(&self, seen: &Seen);
    /// A request of an open route ended: counted, not told.
    fn probe(&self, route: &'static str, status: u16, micros: u64);
    /// A request was refused with this code.
    fn refusal(&self, code: &'static str);
    /// A panic was contained.
    fn panicked(&self);
    /// The Prometheus text, with the vault's gauges.
    fn render(&self, gauges: crate::vault::Gauges) -> String;
    /// The state and the raised alerts, as JSON.
    fn alerts(&self, state: &str) -> String;
}

/// One request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// Route template, or `other`.
    pub route: &'static str,
    /// Method of the route, or `other`.
    pub method: &'static str,
    /// Act of its audit event.
    pub act: &'static str,
    /// Outcome by its status.
    pub outcome: &'static str,
    /// Status.
    pub status: u16,
    /// When it began.
    pub started: Timestamp,
    /// How long it took.
    pub micros: u64,
    /// Its id.
    pub id: RequestId,
    /// The caller's trace.
    pub trace: Option<TraceParent>,
    /// What was learnt on the way.
    pub noted: Noted,
}

/// What is learnt of a request while it is answered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Noted {
    /// The client, once it proved its key.
    pub client: Option<Arc<str>>,
    /// What it was charged.
    pub cost: u32,
    /// Why it was refused.
    pub code: Option<&'static str>,
}

/// Notes something of a request.
pub(in crate::http) fn note(req: &HttpRequest, with: impl FnOnce(&mut Noted)) {
    let mut extensions = req.extensions_mut();
    if let Some(noted) = extensions.get_mut::<Noted>() {
        return with(noted);
    }
    let mut noted = Noted::default();
    with(&mut noted);
    extensions.insert(noted);
}

/// What was noted, and the trace the caller named.
pub(in crate::http) fn noted(req: &HttpRequest) -> (Noted, Option<TraceParent>) {
    let extensions = req.extensions();
    (extensions.get::<Noted>().cloned().unwrap_or_default(), extensions.get::<TraceParent>().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_add_up_and_a_request_without_any_has_none() {
        let req = actix_web::test::TestRequest::default().to_http_request();
        assert_eq!(noted(&req), (Noted::default(), None));
        note(&req, |noted| noted.cost = 3);
        note(&req, |noted| noted.code = Some("denied"));
        assert_eq!(noted(&req).0, Noted { client: None, cost: 3, code: Some("denied") });
    }
}
