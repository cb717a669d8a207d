//! The routes as `docs/openapi.json` lists them, and a good request of each: what attacks start from. A route that is added
//! to the contract without a good request here fails `every_route_of_the_contract_has_a_good_request`.

use crate::caller::{Client, Reply};
use crate::vault::Vault;
use serde_json::{Value, json};

/// A route that takes a body.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) method: String,
    pub(super) template: String,
}

/// A request that succeeds.
pub(super) struct Good {
    pub(super) client: &'static str,
    pub(super) path: String,
    pub(super) body: Value,
}

/// The document.
pub(super) fn document() -> Value {
    serde_json::from_str(include_str!("../../../docs/openapi.json")).unwrap()
}

/// Every route, with or without a body.
pub(super) fn routes() -> Vec<(String, String, bool)> {
    let document = document();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            all.push((method.to_uppercase(), path.clone(), operation.get("requestBody").is_some()));
        }
    }
    all
}

/// Every route that takes a body.
pub(super) fn operations() -> Vec<Operation> {
    let with_body = routes().into_iter().filter(|(_, _, body)| *body);
    with_body.map(|(method, template, _)| Operation { method, template }).collect()
}

/// A vault in which every route has something to work on.
pub(super) struct World {
    pub(super) vault: Vault,
    pub(super) subject: String,
    pub(super) record: String,
    pub(super) token: String,
    next: std::sync::atomic::AtomicU32,
}

const SECRET: &str = "correct horse battery";

impl World {
    pub(super) fn new() -> Self {
        // Every line that can be told is told.
        let vault = Vault::start_in(tempfile::tempdir().unwrap(), &["--log-level", "debug"]);
        let mut shop = Client::of(&vault, "storefront");
        let (subject, stored) = shop.ada();
        shop.record(&subject, "credential", json!({"login": "ada", "password": SECRET}));
        shop.consent(&subject, "newsletter", true);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (record, token) = (text(&stored["record"]), text(&stored["tokens"]["name"]));
        Self { vault, subject, record, token, next: std::sync::atomic::AtomicU32::new(0) }
    }

    /// A number of its own, for what must be new each time.
    pub(super) fn fresh(&self) -> u32 {
        self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1
    }

    fn new_record(&self) -> Value {
        json!({"subject": self.subject, "collection": "contact", "purpose": "order_fulfilment",
            "fields": {"name": "Ada", "email": "ada@example.org"},
            "tokens": {"expires_in": "30d", "uses": 9, "audience": "shop"}})
    }

    fn body(&self, operation: &Operation) -> Value {
        let short = operation.template.strip_prefix("/v1/").unwrap();
        match (operation.method.as_str(), short) {
            ("POST", "contexts") => json!({"kind": "order", "ref": format!("A-{}", self.fresh()),
                "subject": self.subject, "assigned_to": "agent-1", "expires_in": "1d"}),
            ("POST", "credentials/verify") => {
                json!({"login": "ada", "secret": SECRET, "source": "203.0.113.9"})
            }
            ("POST", "detokenize") => json!({"purpose": "order_fulfilment", "tokens": [self.token],
                "recipient": "parcel-carrier", "recipient_ref": "P-1", "context": {"kind": "order", "ref": "A-1"},
                "on_behalf_of": "agent-1", "format": "masked", "atomic": false}),
            ("POST", "records") => self.new_record(),
            ("POST", "records/batch") => json!({"records": [self.new_record()], "atomic": true}),
            ("PATCH", "records/{rec}") => {
                json!({"purpose": "order_fulfilment", "fields": {"name": "Ada L.", "phone": null}, "if_version": 1})
            }
            ("POST", "search") => {
                json!({"collection": "contact", "purpose": "order_fulfilment", "field": "email",
                "equals": "ada@example.org", "context": {"kind": "order", "ref": "A-1"}, "on_behalf_of": "agent-1"})
            }
            ("POST", "subjects") => json!({"region": "DE", "birth_date": "1990-02-01", "age_attested": true,
                "external_ref": format!("shop:{}", self.fresh()), "notice_version": "2026-11"}),
            ("PATCH", "subjects/{sub}") => {
                json!({"region": "DE", "birth_date": "1990-02-01", "flags": ["vip"]})
            }
            ("POST", "subjects/{sub}/anchors") => {
                json!({"event": "account_closed", "at": "2026-01-02T03:04:05Z"})
            }
            ("PUT", path) if path.contains("/consents/") => {
                json!({"granted": true, "at": "2026-01-02T03:04:05Z",
                "evidence": {"channel": "web-form", "text_sha256": "ab".repeat(32), "notice_version": "2026-11"}})
            }
            ("POST", "subjects/{sub}/unsubscribe-link") => json!({"purpose": "newsletter"}),
            ("POST", "tokens") => json!({"record": self.record, "fields": ["email"], "audience": "shop",
                "expires_in": "1h", "uses": 1}),
            ("POST", "tokens/inspect" | "tokens/revoke") => json!({"tokens": [self.token]}),
            other => panic!("{other:?} is in the contract and not here: write a good request of it"),
        }
    }

    /// A request of the route that succeeds, with every key that the route knows.
    pub(super) fn good(&self, operation: &Operation) -> Good {
        let client = if operation.template.ends_with("unsubscribe-link") { "mailer" } else { "storefront" };
        Good { client, path: self.path(&operation.template), body: self.body(operation) }
    }

    /// The path with names that exist.
    pub(super) fn path(&self, template: &str) -> String {
        let record = if template.contains("{rec}") {
            let mut shop = self.client("storefront");
            let stored =
                shop.record(&self.subject, "contact", json!({"name": "Ada", "phone": "+4915123456789"}));
            stored["record"].as_str().unwrap().to_owned()
        } else {
            String::new()
        };
        let purpose = if template.contains("{name}") { "partner_marketing" } else { "newsletter" };
        template
            .replace("{sub}", &self.subject)
            .replace("{rec}", &record)
            .replace("{purpose}", purpose)
            .replace("{name}", "partner-x")
            .replace("{version}", "2026-11")
            .replace("{crt}", "crt_0000000000000000000000000a")
    }

    pub(super) fn client(&self, name: &str) -> Client {
        Client::of(&self.vault, name)
    }

    /// Sends this text as the body of a route.
    pub(super) fn send(client: &mut Client, operation: &Operation, path: &str, body: &str) -> Reply {
        client.send((&operation.method, path), &[], Some(body))
    }
}

/// Every place in a body, as JSON pointers, containers before what is in them.
pub(super) fn places(body: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, out: &mut Vec<String>) {
        out.push(at.to_owned());
        match value {
            Value::Object(parts) => parts.iter().for_each(|(key, v)| walk(v, &format!("{at}/{key}"), out)),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(n, v)| walk(v, &format!("{at}/{n}"), out));
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    walk(body, "", &mut all);
    all
}

/// The body with something else in one place.
pub(super) fn with(body: &Value, at: &str, other: Value) -> Value {
    let mut changed = body.clone();
    *changed.pointer_mut(at).unwrap() = other;
    changed
}

/// Everything else in this file rests on it.
#[test]
fn every_route_of_the_contract_has_a_good_request() {
    let world = World::new();
    for operation in operations() {
        let good = world.good(&operation);
        let mut client = world.client(good.client);
        let reply = World::send(&mut client, &operation, &good.path, &good.body.to_string());
        assert!(reply.status() < 300, "{operation:?}: {}", reply.text());
        let items = reply.json();
        assert!(items.pointer("/results/0/error").is_none(), "{operation:?}: {items}");
        // What it left behind must not spoil the next.
        if operation.template.ends_with("/revoke") {
            return;
        }
    }
}
