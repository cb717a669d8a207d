//! A client of the vault as most tests want one: a kept connection, JSON in and out, refusals held to their one shape.

use crate::client::{Answer, Target, Tls, read_answer, request};
use crate::vault::Vault;
use serde_json::{Value, json};
use std::io::Write;

/// A reply.
pub(crate) struct Reply(pub(crate) Answer);

impl Reply {
    pub(crate) fn status(&self) -> u16 {
        self.0.status
    }
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.0.header(name)
    }
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        self.0.json()
    }
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.body).into_owned()
    }
    /// A text of the body.
    #[track_caller]
    pub(crate) fn at(&self, pointer: &str) -> String {
        let found = self.json().pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        found.unwrap_or_else(|| panic!("no text at {pointer}: {} {}", self.status(), self.text()))
    }
    /// Holds the status to what is expected, and shows the body when it is not.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status(), status, "{}", self.text());
        self
    }
    /// Holds a refusal to its one shape, its status and its code.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        let reply = self.is(status);
        let json = reply.json();
        assert_eq!(json["code"], code, "{json}");
        assert_eq!(json["status"], status);
        assert_eq!(json["type"], format!("urn:strongroom:error:{code}"));
        assert!(json["title"].is_string() && json["detail"].is_string() && json["retryable"].is_boolean());
        assert_eq!(json["request_id"].as_str(), reply.header("x-request-id"));
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        reply
    }
    /// Holds a denial to its rule.
    #[track_caller]
    pub(crate) fn denied(self, rule: &str) -> Self {
        let reply = self.refused(403, "denied");
        assert_eq!(reply.json()["rule"], rule);
        reply
    }
    /// The faults of a body as (pointer, code), sorted.
    #[track_caller]
    pub(crate) fn faults(&self) -> Vec<(String, String)> {
        let json = self.json();
        let text = |v: &Value, key: &str| v[key].as_str().unwrap().to_owned();
        let all = json["errors"].as_array().into_iter().flatten();
        let mut faults: Vec<_> = all.map(|e| (text(e, "field"), text(e, "code"))).collect();
        faults.sort();
        faults
    }
    /// The pointers of those faults.
    #[track_caller]
    pub(crate) fn pointers(&self) -> Vec<String> {
        self.faults().into_iter().map(|(pointer, _)| pointer).collect()
    }
}

/// A caller on one connection, opened when needed and kept while the server keeps it.
pub(crate) struct Client {
    target: Target,
    key: String,
    stream: Option<Tls>,
}

impl Client {
    pub(crate) fn of(vault: &Vault, name: &str) -> Self {
        Self { target: vault.target.clone(), key: vault.key(name).to_owned(), stream: None }
    }
    /// A caller with this key.
    pub(crate) fn new(target: Target, key: &str) -> Self {
        Self { target, key: key.to_owned(), stream: None }
    }
    /// Another connection of the same caller.
    pub(crate) fn again(&self) -> Self {
        Self { target: self.target.clone(), key: self.key.clone(), stream: None }
    }

    #[track_caller]
    pub(crate) fn send(
        &mut self,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Reply {
        self.sent(&request(method, path, Some(&self.key), body, headers))
    }
    /// The same with a body of any bytes.
    #[track_caller]
    pub(crate) fn send_bytes(&mut self, (method, path): (&str, &str), body: &[u8]) -> Reply {
        let length = body.len().to_string();
        let headers = [("Content-Type", "application/json"), ("Content-Length", &length)];
        let head = request(method, path, Some(&self.key), None, &headers);
        self.sent(&[&head, body].concat())
    }
    #[track_caller]
    fn sent(&mut self, bytes: &[u8]) -> Reply {
        let mut stream = self.stream.take().unwrap_or_else(|| self.target.connect());
        stream.write_all(bytes).unwrap();
        let answer = read_answer(&mut stream).unwrap();
        if answer.header("connection") != Some("close") {
            self.stream = Some(stream);
        }
        Reply(answer)
    }
    #[track_caller]
    pub(crate) fn get(&mut self, path: &str) -> Reply {
        self.send(("GET", path), &[], None)
    }
    #[track_caller]
    pub(crate) fn post(&mut self, path: &str, body: Value) -> Reply {
        self.send(("POST", path), &[], Some(&body.to_string()))
    }
    #[track_caller]
    pub(crate) fn patch(&mut self, path: &str, body: Value) -> Reply {
        self.send(("PATCH", path), &[], Some(&body.to_string()))
    }
    #[track_caller]
    pub(crate) fn put(&mut self, path: &str, body: Value) -> Reply {
        self.send(("PUT", path), &[], Some(&body.to_string()))
    }

    /// A new subject of Germany whose majority was attested.
    #[track_caller]
    pub(crate) fn subject(&mut self) -> String {
        let body = json!({"region": "DE", "age_attested": true});
        self.post("/v1/subjects", body).is(201).at("/subject")
    }
    /// Stores a record for the client's own purpose.
    #[track_caller]
    pub(crate) fn store(&mut self, subject: &str, collection: &str, fields: Value) -> Reply {
        let purpose = if collection == "billing" { "billing" } else { "order_fulfilment" };
        let body =
            json!({"subject": subject, "collection": collection, "purpose": purpose, "fields": fields});
        self.post("/v1/records", body)
    }
    /// The same, taken.
    #[track_caller]
    pub(crate) fn record(&mut self, subject: &str, collection: &str, fields: Value) -> Value {
        self.store(subject, collection, fields).is(201).json()
    }
    /// Ada's contact record: the subject and the reply.
    #[track_caller]
    pub(crate) fn ada(&mut self) -> (String, Value) {
        let subject = self.subject();
        let fields = json!({"name": "Ada Lovelace", "email": "ada@example.org", "phone": "+44 20 7946 0018"});
        let stored = self.record(&subject, "contact", fields);
        (subject, stored)
    }
    /// Swaps tokens for a purpose and hands back the items.
    #[track_caller]
    pub(crate) fn swap(&mut self, purpose: &str, tokens: &[&Value]) -> Vec<Value> {
        let reply = self.post("/v1/detokenize", json!({"purpose": purpose, "tokens": tokens})).is(200);
        reply.json()["results"].as_array().unwrap().clone()
    }
    /// Records a consent or its withdrawal.
    #[track_caller]
    pub(crate) fn consent(&mut self, subject: &str, what: &str, granted: bool) {
        let body = json!({"granted": granted, "evidence": {"channel": "web-form"}});
        self.put(&format!("/v1/subjects/{subject}/consents/{what}"), body).is(200);
    }
}

/// The path of a record that was stored.
pub(crate) fn at(stored: &Value) -> String {
    format!("/v1/records/{}", stored["record"].as_str().unwrap())
}

/// The one item of everything that is not there for the caller (I5).
pub(crate) fn not_found(index: usize) -> Value {
    json!({"index": index, "error": {"code": "not_found", "status": 404, "retryable": false}})
}

/// An item that a rule refused.
pub(crate) fn denied(index: usize, rule: &str) -> Value {
    json!({"index": index, "error": {"code": "denied", "status": 403, "rule": rule, "retryable": false}})
}
