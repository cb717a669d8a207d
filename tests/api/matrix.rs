//! Who may what: every route of the table, with no key, a wrong one, and each client's.

use crate::vault::Vault;
use serde_json::json;
use strongroom::http::api::{Operation, ROUTES, Route};

/// What each client gets from a well-formed request on a subject and record that exist: a status.
fn expected(operation: Operation) -> [u16; 3] {
    // storefront, billing, mailer
    match operation {
        Operation::Whoami => [200, 200, 200],
        Operation::CreateSubject => [201, 403, 403],
        Operation::UpdateSubject
        | Operation::ViewSubject
        | Operation::ListRecords
        | Operation::RecordAnchor
        | Operation::RecordNotice
        | Operation::ViewConsents
        | Operation::RecordConsent
        | Operation::RecordRecipientConsent
        | Operation::ViewRecord
        | Operation::RevokeTokens
        | Operation::VerifyCredential
        | Operation::UpdateRecord
        | Operation::DeleteRecord
        | Operation::Search => [200, 403, 403],
        // Each record is judged for itself.
        Operation::CreateRecords => [200, 200, 200],
        Operation::CreateRecord | Operation::RegisterContext => [201, 403, 403],
        Operation::ViewCertificate => [404, 403, 403],
        Operation::MintTokens => [201, 201, 201],
        Operation::InspectTokens => [200, 200, 200],
        Operation::UnsubscribeLink => [200, 403, 200],
        Operation::Detokenize => [200, 403, 403],
    }
}

struct Things {
    subject: String,
    record: String,
    doomed: String,
    token: String,
}

fn path(route: &Route, things: &Things) -> String {
    let record = if route.operation == Operation::DeleteRecord { &things.doomed } else { &things.record };
    route
        .path
        .replace("{sub}", &things.subject)
        .replace("{rec}", record)
        .replace("{crt}", "crt_0123456789ABCDEFGHJKMNPQRS")
        .replace("{purpose}", "newsletter")
        .replace("{name}", "partner-x")
        .replace("{version}", "2026-11")
}

fn body(operation: Operation, things: &Things) -> Option<String> {
    let consent = json!({"granted": true, "evidence": {"channel": "web-form"}});
    let value = match operation {
        Operation::CreateSubject => json!({"region": "DE", "age_attested": true}),
        Operation::UpdateSubject => json!({"flags": ["vip"]}),
        Operation::RecordAnchor => json!({"event": "account_closed", "at": "2026-01-01T00:00:00Z"}),
        Operation::RecordConsent | Operation::RecordRecipientConsent => consent,
        Operation::CreateRecord => json!({"subject": things.subject, "collection": "contact",
            "purpose": "order_fulfilment", "fields": {"name": "Grace Hopper"}}),
        Operation::CreateRecords => json!({"records": [{"subject": things.subject, "collection": "contact",
            "purpose": "order_fulfilment", "fields": {"name": "Grace Hopper"}}]}),
        Operation::UpdateRecord => json!({"purpose": "order_fulfilment", "fields": {"name": "Grace Hopper"}}),
        Operation::MintTokens => json!({"record": things.record, "fields": ["name"]}),
        Operation::InspectTokens => json!({"tokens": [things.token]}),
        Operation::RevokeTokens => json!({"tokens": ["srx_nothing"]}),
        Operation::Detokenize => json!({"purpose": "order_fulfilment", "tokens": [things.token]}),
        Operation::Search => json!({"collection": "contact", "field": "email", "equals": "a@example.org",
            "purpose": "order_fulfilment"}),
        Operation::UnsubscribeLink => json!({"purpose": "newsletter"}),
        Operation::RegisterContext => json!({"kind": "order", "ref": "A-1009", "subject": things.subject,
            "expires_in": "30d"}),
        Operation::VerifyCredential => json!({"login": "nobody", "secret": "nothing at all"}),
        _ => return None,
    };
    Some(value.to_string())
}

#[test]
fn a13_every_route_answers_each_caller_as_the_matrix_says() {
    let vault = Vault::start();
    let subject = vault.subject();
    let contact = vault.contact(&subject);
    let things = Things {
        subject: subject.clone(),
        record: contact["record"].as_str().unwrap().to_owned(),
        doomed: vault.contact(&subject)["record"].as_str().unwrap().to_owned(),
        token: contact["tokens"]["name"].as_str().unwrap().to_owned(),
    };
    let genuine = vault.key("storefront");
    let mut guessed = genuine.to_owned();
    guessed.replace_range(5..6, if &guessed[5..6] == "x" { "y" } else { "x" });
    let strangers =
        [None, Some(guessed.as_str()), Some("srk_"), Some("x"), Some(&genuine[..genuine.len() - 1])];
    for route in ROUTES {
        let (path, body) = (path(route, &things), body(route.operation, &things));
        for key in strangers {
            let answer = vault.target.send(route.method, &path, key, body.as_deref());
            assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"), "{route:?}");
            assert!(answer.header("WWW-Authenticate").is_some());
        }
        for (client, status) in ["storefront", "billing", "mailer"].into_iter().zip(expected(route.operation))
        {
            let answer = vault.target.send(route.method, &path, Some(vault.key(client)), body.as_deref());
            assert_eq!(
                answer.status,
                status,
                "{client} on {route:?}: {}",
                String::from_utf8_lossy(&answer.body)
            );
            if status == 403 {
                assert_eq!(answer.code(), "denied");
                assert!(answer.json()["rule"].is_string());
            }
        }
    }
}

#[test]
fn a14_an_id_of_another_thing_is_answered_like_one_that_never_was() {
    let vault = Vault::start();
    let subject = vault.subject();
    let contact = vault.contact(&subject);
    let record = contact["record"].as_str().unwrap();
    let unknown = |prefix: &str| format!("{prefix}{}", "0123456789ABCDEFGHJKMNPQRS");
    let shape = |answer: crate::client::Answer| {
        let mut problem = answer.json();
        problem["request_id"] = json!("");
        (answer.status, problem)
    };
    for route in ROUTES.iter().filter(|r| r.path.contains("{sub}") || r.path.contains("{rec}")) {
        let with = |sub: &str, rec: &str| Things {
            subject: sub.to_owned(),
            record: rec.to_owned(),
            doomed: rec.to_owned(),
            token: String::new(),
        };
        let ask = |things: Things| {
            let body = body(route.operation, &things);
            shape(vault.target.send(
                route.method,
                &path(route, &things),
                Some(vault.key("storefront")),
                body.as_deref(),
            ))
        };
        let never = ask(with(&unknown("sub_"), &unknown("rec_")));
        assert_eq!((never.0, &never.1["code"]), (404, &json!("not_found")), "{route:?}");
        for other in [
            with(record, &subject),
            with("sub_", "rec_"),
            with("x", "y"),
            with(&subject.to_lowercase(), &record.to_lowercase()),
        ] {
            assert_eq!(ask(other), never, "{route:?}");
        }
    }
}

#[test]
fn methods_and_paths_that_do_not_exist_say_what_does() {
    let vault = Vault::start();
    let key = Some(vault.key("storefront"));
    for (method, path, allow) in [
        ("GET", "/v1/records", "POST"),
        ("DELETE", "/v1/detokenize", "POST"),
        ("OPTIONS", "/v1/whoami", "GET"),
        ("POST", "/v1/whoami", "GET"),
        ("PUT", "/live", "GET"),
        ("TRACE", "/v1/search", "POST"),
    ] {
        let answer = vault.target.send(method, path, key, None);
        assert_eq!((answer.status, answer.header("Allow")), (405, Some(allow)), "{method} {path}");
    }
    for path in [
        "/",
        "/v1",
        "/v2/whoami",
        "/v1/whoami/",
        "/V1/whoami",
        "//v1/whoami",
        "/v1/%77hoami",
        "/v1/../v1/whoami",
        "/metrics",
    ] {
        assert_eq!(vault.target.send("GET", path, key, None).status, 404, "{path}");
    }
    assert_eq!(
        vault.target.send("GET", "/v1/nothing", None, None).status,
        401,
        "a stranger learns no routes"
    );
}
