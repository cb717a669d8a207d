//! A13: who may what, asked of the policy and of the document rather than written down a second time.

use crate::access::samples::{Operation, Things, operations, seen};
use crate::caller::Client;
use crate::vault::Vault;
use std::collections::BTreeSet;

/// The acts a client was granted, without what follows their colon where any will do.
fn acts(policy: &toml::Value, client: &str) -> BTreeSet<String> {
    let listed = policy["clients"][client].get("acts").and_then(toml::Value::as_array);
    listed.into_iter().flatten().map(|act| act.as_str().unwrap().to_owned()).collect()
}

/// Whether a client has the purpose of the samples, and whether it may verify.
fn granted(policy: &toml::Value, client: &str, asks: impl Fn(&toml::Value) -> bool) -> bool {
    policy["clients"][client]["grants"].as_array().unwrap().iter().any(asks)
}

/// What a permission in words means under the policy. A sentence that is not known here is a failure, not a pass.
fn may(policy: &toml::Value, client: &str, operation: &Operation) -> bool {
    let order = |grant: &toml::Value| grant["purpose"].as_str() == Some("order_fulfilment");
    match operation.permission.as_str() {
        "any client" | "member of the token's audience" => true,
        // A batch is answered item by item: its refusal is inside a 200.
        "grant write of each field" if operation.name == "CreateRecords" => true,
        "grant write of each field" => granted(policy, client, |g| order(g) && g.get("write").is_some()),
        "grant plain or masked of each field" => {
            granted(policy, client, |g| order(g) && g.get("plain").is_some())
        }
        "grant search of the field" => granted(policy, client, |g| order(g) && g.get("search").is_some()),
        "grant verify" => granted(policy, client, |g| g.get("verify").is_some()),
        "act record.delete, in a collection it writes" | "act record.delete, and the erasure was its own" => {
            acts(policy, client).contains("record.delete")
        }
        other => {
            let act = other.strip_prefix("act ").unwrap_or_else(|| panic!("{other}: not a known permission"));
            let act = act.replace("{purpose}", "newsletter").replace("{kind}", "order");
            acts(policy, client).contains(&act)
        }
    }
}

/// Shows the default of every route, deny: what the policy does not grant is refused with its rule, whatever the object.
#[test]
fn a13_each_operation_of_the_document_is_granted_by_the_policy_or_denied() {
    let vault = Vault::start();
    let policy: toml::Value = toml::from_str(include_str!("../../../config/policy.toml")).unwrap();
    let (mut allowed, mut refused) = (0, 0);
    for operation in operations(&vault) {
        for name in ["storefront", "billing", "mailer"] {
            let things = Things::real(&mut Client::of(&vault, "storefront"));
            let reply = operation.ask(&mut Client::of(&vault, name), &things);
            let said = format!("{name} on {}: {}", operation.name, reply.text());
            if may(&policy, name, &operation) {
                assert!((200..300).contains(&reply.status()), "{said}");
                allowed += 1;
                continue;
            }
            assert_eq!(reply.status(), 403, "{said}");
            let told = seen(&reply);
            assert!(reply.refused(403, "denied").json()["rule"].is_string());
            refused += 1;
            // What is not granted is told before anything is told of the object, and in the same words.
            let blind = operation.ask(&mut Client::of(&vault, name), &Things::never());
            assert_eq!(seen(&blind), told, "{name} on {} of nothing", operation.name);
        }
    }
    assert!(allowed > 24 && refused > 24, "{allowed} allowed, {refused} refused");
}

/// Lessons 6 and 23: no credential, no route; what the document does not list does not exist, under any method.
#[test]
fn a13_what_the_document_does_not_list_does_not_exist() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let things = Things::real(&mut shop);
    let listed = operations(&vault);
    let served: BTreeSet<_> =
        strongroom::http::api::ROUTES.iter().map(|r| (r.method.to_owned(), r.path.to_owned())).collect();
    let shown: BTreeSet<_> = listed.iter().map(|o| (o.method.clone(), o.path.clone())).collect();
    assert_eq!(served, shown, "the table and the document");
    for operation in &listed {
        let path = operation.at(&things);
        let stranger = vault.target.send(&operation.method, &path, None, None);
        assert_eq!(stranger.status, 401, "{}", operation.name);
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if listed.iter().any(|o| o.path == operation.path && o.method == method) {
                continue;
            }
            let reply = shop.send((method, &path), &[], (method != "GET").then_some("{}"));
            // `/v1/records/batch` is also a record's name to the routes of a record, and one of nothing.
            let other = listed.iter().any(|o| o.method == method && matches(&o.path, &path));
            assert!(reply.status() == 405 || (other && reply.status() == 404), "{method} {path}");
        }
        for wrong in [
            format!("{path}/"),
            format!("{path}/x"),
            format!("/admin{path}"),
            path.replacen("/v1", "/v2", 1),
            path.replacen("/v1", "/v1/v1", 1),
            path.replacen("/v1/", "/v1//", 1),
            path.replacen("/v1", "/V1", 1),
            format!("{path}.json"),
            format!("{path};x=1"),
            format!("{path}%2f"),
        ] {
            // A version of a notice is any text, also one with such an end.
            if operation.path.ends_with("{version}") && matches(&operation.path, &wrong) {
                continue;
            }
            let reply = shop.send((&operation.method, &wrong), &[], operation.has_body.then_some("{}"));
            assert!(
                [400, 404, 405].contains(&reply.status()),
                "{} {wrong}: {}",
                operation.method,
                reply.status()
            );
        }
    }
}

fn matches(template: &str, path: &str) -> bool {
    let (a, b): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    a.len() == b.len() && a.iter().zip(b).all(|(t, p)| t.starts_with('{') || *t == p)
}
