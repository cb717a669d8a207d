//! Well-formed requests for every operation of the OpenAPI document the vault serves. An operation without a sample here
//! fails the tests that walk the document: nothing is added unattacked.

use crate::caller::{Client, Reply};
use crate::vault::Vault;
use serde_json::{Value, json};

/// An id that was never given out.
pub(crate) const NEVER: &str = "0123456789ABCDEFGHJKMNPQRS";

/// One operation of the document.
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) permission: String,
    pub(crate) has_body: bool,
}

/// Every operation that takes a credential, as the served document lists them.
pub(crate) fn operations(vault: &Vault) -> Vec<Operation> {
    let document = vault.target.send("GET", "/openapi.json", None, None).json();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, shown) in methods.as_object().unwrap() {
            if shown["security"].as_array().unwrap().is_empty() {
                assert!(["/live", "/ready", "/openapi.json"].contains(&path.as_str()), "{path} is open");
                continue;
            }
            let text = |key: &str| shown[key].as_str().unwrap_or_default().to_owned();
            all.push(Operation {
                name: text("operationId"),
                method: method.to_uppercase(),
                path: path.clone(),
                permission: text("x-permission"),
                has_body: shown["requestBody"].is_object(),
            });
        }
    }
    assert!(all.len() >= 24, "{}", all.len());
    all
}

/// What requests name.
#[derive(Clone)]
pub(crate) struct Things {
    pub(crate) subject: String,
    pub(crate) record: String,
    pub(crate) token: String,
    pub(crate) certificate: String,
}

impl Things {
    /// Names of nothing at all.
    pub(crate) fn never() -> Self {
        let of = |prefix: &str| format!("{prefix}{NEVER}");
        Self { subject: of("sub_"), record: of("rec_"), token: "srx_x".to_owned(), certificate: of("crt_") }
    }
    /// A person with a record, of the storefront.
    pub(crate) fn real(shop: &mut Client) -> Self {
        let (subject, stored) = shop.ada();
        let doomed = shop.record(&subject, "contact", json!({"name": "Grace Hopper"}));
        let gone = shop.send(("DELETE", &crate::caller::at(&doomed)), &[], None).is(200);
        Self {
            subject,
            record: stored["record"].as_str().unwrap().to_owned(),
            token: stored["tokens"]["name"].as_str().unwrap().to_owned(),
            certificate: gone.at("/certificate"),
        }
    }
}

impl Operation {
    pub(crate) fn at(&self, things: &Things) -> String {
        let names = [
            ("{sub}", things.subject.as_str()),
            ("{rec}", &things.record),
            ("{crt}", &things.certificate),
            ("{purpose}", "newsletter"),
            ("{name}", "partner-x"),
            ("{version}", "2026-11"),
        ];
        let path = names.iter().fold(self.path.clone(), |path, (name, value)| path.replace(name, value));
        assert!(!path.contains('{'), "{path} has a parameter no sample knows");
        path
    }
    pub(crate) fn body(&self, things: &Things) -> Option<Value> {
        let record = json!({"subject": things.subject, "collection": "contact", "purpose": "order_fulfilment",
            "fields": {"name": "Grace Hopper"}});
        let body = match self.name.as_str() {
            "CreateSubject" => json!({"region": "DE", "age_attested": true}),
            "UpdateSubject" => json!({"flags": ["vip"]}),
            "RecordAnchor" => json!({"event": "account_closed", "at": "2026-01-01T00:00:00Z"}),
            "RecordConsent" | "RecordRecipientConsent" => {
                json!({"granted": true, "evidence": {"channel": "web-form"}})
            }
            "CreateRecord" => record,
            "CreateRecords" => json!({"records": [record]}),
            "UpdateRecord" => json!({"purpose": "order_fulfilment", "fields": {"name": "Grace Hopper"}}),
            "MintTokens" => json!({"record": things.record, "fields": ["name"]}),
            "InspectTokens" | "RevokeTokens" => json!({"tokens": [things.token]}),
            "Detokenize" => json!({"purpose": "order_fulfilment", "tokens": [things.token]}),
            "Search" => json!({"collection": "contact", "field": "email", "equals": "a@example.org",
                "purpose": "order_fulfilment"}),
            "VerifyCredential" => json!({"login": "nobody", "secret": "nothing at all"}),
            "RegisterContext" => json!({"kind": "order", "ref": "A-1009", "subject": things.subject,
                "expires_in": "30d"}),
            "UnsubscribeLink" => json!({"purpose": "newsletter"}),
            name => {
                assert!(!self.has_body, "{name} takes a body of which there is no sample");
                return None;
            }
        };
        assert!(self.has_body, "{} is said to take no body", self.name);
        Some(body)
    }
    #[track_caller]
    pub(crate) fn ask(&self, client: &mut Client, things: &Things) -> Reply {
        self.ask_with(client, things, self.body(things))
    }
    #[track_caller]
    pub(crate) fn ask_with(&self, client: &mut Client, things: &Things, body: Option<Value>) -> Reply {
        let text = body.map(|body| body.to_string());
        client.send((&self.method, &self.at(things)), &[], text.as_deref())
    }
}

/// Everything a client sees of a reply but what differs from reply to reply by design: its id and the head of the log.
pub(crate) fn seen(reply: &Reply) -> (u16, String) {
    (reply.status(), reply.text().replace(reply.header("x-request-id").unwrap(), "req_"))
}
