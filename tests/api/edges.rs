//! What holds for every route of the table, whatever the next one may be: methods, headers, ids, events, traces.

use crate::caller::Client;
use crate::canary::{files, hunt};
use crate::client::{Answer, request};
use crate::vault::{Vault, path, run};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use strongroom::http::api::{ROUTES, Route};

const UNKNOWN: &str = "0123456789ABCDEFGHJKMNPQRS";

fn filled(route: &Route, sub: &str, rec: &str) -> String {
    let names = [("{sub}", sub), ("{rec}", rec), ("{purpose}", "newsletter"), ("{name}", "partner-x")];
    let path = names.iter().fold(route.path.to_owned(), |path, (name, value)| path.replace(name, value));
    path.replace("{version}", "2026-11").replace("{crt}", &format!("crt_{UNKNOWN}"))
}

/// The head of the answer to a request that may have none but a head.
fn head(vault: &Vault, method: &str, path: &str, key: Option<&str>) -> Answer {
    let mut stream = vault.target.connect();
    stream.write_all(&request(method, path, key, None, &[("Connection", "close")])).unwrap();
    let mut text = Vec::new();
    // An end without a farewell of TLS is an end as well.
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut lines = text.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers =
        lines.map_while(|l| l.split_once(": ")).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    Answer { status, headers, body: Vec::new() }
}

#[test]
fn a06_every_path_says_which_methods_it_has_to_those_who_may_ask() {
    let vault = Vault::start();
    let key = Some(vault.key("storefront"));
    let mut paths: Vec<&str> = ROUTES.iter().map(|r| r.path).collect();
    paths.sort_unstable();
    paths.dedup();
    for template in paths {
        let same: Vec<&Route> = ROUTES.iter().filter(|r| r.path == template).collect();
        let mut real: Vec<&str> = same.iter().map(|r| r.method).collect();
        real.sort_unstable();
        let concrete = filled(same[0], &format!("sub_{UNKNOWN}"), &format!("rec_{UNKNOWN}"));
        for method in ["HEAD", "OPTIONS", "DELETE", "TRACE", "GET", "POST", "PUT", "PATCH", "BREW"] {
            if real.contains(&method) {
                continue;
            }
            let answer = head(&vault, method, &concrete, key);
            assert_eq!(answer.status, 405, "{method} {template}");
            let mut allowed: Vec<&str> = answer.header("allow").unwrap().split(", ").collect();
            allowed.sort_unstable();
            assert_eq!(allowed, real, "{method} {template}");
            assert!(!answer.headers.iter().any(|(n, _)| n.starts_with("access-control")), "no CORS");
        }
        let stranger = head(&vault, "DELETE", &concrete, None);
        assert_eq!((stranger.status, stranger.header("allow")), (401, None), "a stranger learns no methods");
    }
}

#[test]
fn every_reply_has_an_id_of_its_own_and_is_never_stored_by_those_between() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let open = |path: &str| vault.target.send("GET", path, None, None);
    let mut answers: Vec<Answer> =
        ["/live", "/ready", "/openapi.json", "/v1/whoami", "/none"].map(open).into();
    assert_eq!(answers.iter().map(|a| a.status).collect::<Vec<_>>(), [200, 200, 200, 401, 401]);
    let refused = [
        shop.get("/v1/none"),
        shop.post("/v1/subjects", json!({})),
        shop.get("/v1/subjects/sub_none"),
        shop.get("/v1/whoami?x=1"),
        shop.get("/v1/whoami"),
    ];
    for reply in &refused {
        assert!(reply.header("ratelimit").is_some() && reply.header("ratelimit-policy").is_some());
        assert_ne!(reply.header("connection"), Some("close"), "a refusal costs no connection");
    }
    answers.extend(refused.map(|reply| reply.0));
    let mut ids = std::collections::HashSet::new();
    for answer in &answers {
        let id = answer.header("x-request-id").unwrap();
        assert!(id.starts_with("req_") && id.len() == 30 && ids.insert(id), "{id}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("server"), None);
    }
}

#[test]
fn a14_an_id_inside_a_body_is_answered_like_one_that_never_was() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (subject, stored) = shop.ada();
    let record = stored["record"].as_str().unwrap().to_owned();
    let token = stored["tokens"]["name"].as_str().unwrap().to_owned();
    let (never_sub, never_rec) = (format!("sub_{UNKNOWN}"), format!("rec_{UNKNOWN}"));
    let mut bytes = |path: &str, body: Value| {
        let reply = shop.post(path, body).refused(404, "not_found");
        reply.text().replace(reply.header("x-request-id").unwrap(), "")
    };
    let mut seen = Vec::new();
    for id in [&never_sub, &never_rec, &record, &token, &subject.to_lowercase(), &String::new()] {
        let body = json!({"subject": id, "collection": "contact", "purpose": "order_fulfilment",
            "fields": {"name": "Ada"}});
        seen.push(bytes("/v1/records", body));
    }
    for id in [&never_rec, &never_sub, &subject, &token, &record.to_lowercase(), &String::new()] {
        seen.push(bytes("/v1/tokens", json!({"record": id, "fields": ["name"]})));
    }
    assert!(seen.iter().all(|text| *text == seen[0]), "{seen:#?}");
}

fn size(vault: &Vault, client: &str) -> u64 {
    let answer = vault.get(client, "/v1/whoami");
    answer.header("Strongroom-Checkpoint").unwrap().split_once(':').unwrap().0.parse().unwrap()
}

#[test]
fn a37_each_route_writes_one_event_however_it_ends_and_names_its_act() {
    let vault = Vault::start();
    let subject = vault.subject();
    let record = vault.contact(&subject)["record"].as_str().unwrap().to_owned();
    for client in ["storefront", "billing"] {
        let key = Some(vault.key(client));
        for route in ROUTES {
            let place = filled(route, &subject, &record);
            let gone = filled(route, &format!("sub_{UNKNOWN}"), "rec_x");
            let body = route.has_body.then_some("{}");
            let encoded = [("Content-Encoding", "gzip")];
            let before = size(&vault, client);
            let answers = [
                vault.target.send(route.method, &place, key, body),
                vault.target.send(route.method, &gone, key, body),
                vault.target.send(route.method, &place, key, Some("{\"a\":")),
                vault.target.send(route.method, &format!("{place}?surprise=1"), key, body),
                vault.target.send_with(route.method, &place, key, body, &encoded),
                vault.target.send_with(route.method, &place, key, body, &[("Idempotency-Key", "a b")]),
            ];
            let after = size(&vault, client);
            assert_eq!(after - before, answers.len() as u64 + 1, "{client} on {route:?}");
        }
    }
    let stopped = vault.stop();
    let data = stopped.path().join("data");
    let dir = path(&data);
    assert!(run(&["audit", "verify", "--data-dir", dir]).0);
    for route in ROUTES {
        for principal in ["storefront", "billing"] {
            let act =
                ["audit", "query", "--data-dir", dir, "--principal", principal, "--act", route.act.name()];
            let (ok, out, err) = run(&act);
            let refused = out.lines().filter(|line| !line.contains("\"outcome\":\"allowed\"")).count();
            assert!(ok && refused >= 3, "{principal} on {route:?}: {refused} {err}");
        }
    }
}

#[test]
fn the_log_is_asked_by_purpose_and_a_wrong_question_is_told_how_to_ask() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (_, stored) = shop.ada();
    shop.swap("order_fulfilment", &[&stored["tokens"]["name"]]);
    let data = vault.data();
    let ask = |more: &[&str]| run(&[&["audit", "query", "--data-dir", path(&data)], more].concat());
    let (ok, out, err) = ask(&["--purpose", "order_fulfilment"]);
    assert!(ok && out.lines().count() == 2, "stored and read: {out}{err}");
    assert_eq!(ask(&["--purpose", "order_fulfilment", "--limit", "1"]).1.lines().count(), 1);
    assert!(!out.contains("Ada") && !out.contains("srx_") && !out.contains("example.org"));
    for (wrong, told) in [
        (["--act", "steal"], "detokenize"),
        (["--outcome", "fine"], "allowed"),
        (["--since", "yesterday"], "RFC 3339"),
        (["--subject", "sub_x"], "copy it"),
        (["--record", "srx_x"], "copy it"),
    ] {
        let (ok, _, err) = ask(&wrong);
        assert!(!ok && err.contains(told), "{wrong:?}: {err}");
    }
}

#[test]
fn i6_what_a_client_writes_beside_the_values_leaves_no_trace_either() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let mut planted: Vec<String> = Vec::new();
    let mut mark = |what: &str| {
        planted.push(format!("cnry-{what}-{:08x}", 0x9e37_79b9_u32.wrapping_mul(planted.len() as u32 + 7)));
        planted.last().unwrap().clone()
    };
    let mut replies = BTreeMap::new();
    let (subject, stored) = shop.ada();
    let technical = json!({"search_term": mark("search-term"), "user_agent": mark("user-agent"),
        "ip_address": "203.0.113.9"});
    shop.record(&subject, "technical", technical);
    let login = json!({"login": mark("login"), "password": mark("password")});
    shop.record(&subject, "credential", login);
    let mut note = |what: &str, reply: crate::caller::Reply| {
        replies.insert(what.to_owned(), reply.0.body);
    };
    let secret = json!({"login": mark("other-login"), "secret": mark("secret"), "source": "198.51.100.77"});
    note("verify", shop.post("/v1/credentials/verify", secret));
    let (agent, order) = (mark("agent"), mark("order"));
    let read = json!({"purpose": "order_fulfilment", "tokens": [mark("token")], "on_behalf_of": agent,
        "recipient": "parcel-carrier", "recipient_ref": mark("recipient"),
        "context": {"kind": "order", "ref": order}});
    note("read", shop.post("/v1/detokenize", read));
    let search = json!({"collection": "contact", "field": "email", "purpose": "order_fulfilment",
        "equals": format!("{}@example.org", mark("mail"))});
    note("search", shop.post("/v1/search", search));
    let key = mark("idempotency");
    let new = json!({"region": "DE", "age_attested": true, "external_ref": mark("reference")}).to_string();
    let headers = [("Idempotency-Key", key.as_str())];
    shop.send(("POST", "/v1/subjects"), &headers, Some(&new)).is(201);
    note("mismatch", shop.send(("POST", "/v1/subjects"), &headers, Some("{}")));
    for (what, header) in [
        ("checkpoint", "Strongroom-Checkpoint"),
        ("trace", "traceparent"),
        ("agent", "User-Agent"),
        ("forwarded", "X-Forwarded-For"),
        ("cookie", "Cookie"),
    ] {
        let value = mark(what);
        note(what, shop.send(("GET", "/v1/none"), &[(header, value.as_str())], None));
        note(&format!("{what} known"), shop.send(("GET", "/v1/whoami"), &[(header, value.as_str())], None));
    }
    let records = format!("/v1/subjects/{subject}/records");
    for query in ["cursor", "collection", "limit", "other"] {
        note(query, shop.get(&format!("{records}?{query}={}", mark(query))));
    }
    let wish = json!({"record": mark("record"), "fields": [mark("field")], "audience": mark("audience"),
        "expires_in": mark("life")});
    note("mint", shop.post("/v1/tokens", wish));
    let wish = json!({"record": stored["record"], "fields": [mark("field")], "audience": mark("audience")});
    note("mint known", shop.post("/v1/tokens", wish));
    for route in ROUTES.iter().filter(|r| r.has_body) {
        let place = filled(route, &subject, stored["record"].as_str().unwrap());
        let wrong = json!({mark("key"): mark("value"), "purpose": [mark("purpose")]}).to_string();
        note(route.path, shop.send((route.method, &place), &[], Some(&wrong)));
        let broken = format!("{{\"purpose\":\"{}", mark("broken"));
        note(&format!("{} broken", route.path), shop.send((route.method, &place), &[], Some(&broken)));
        let place = place.replace("newsletter", &mark("purpose-in-path")).replace("partner-x", &mark("name"));
        let place =
            place.replace(&subject, &mark("sub")).replace(stored["record"].as_str().unwrap(), &mark("rec"));
        note(&format!("{} path", route.path), shop.send((route.method, &place), &[], Some("{}")));
    }
    replies.insert("metrics".to_owned(), vault.metrics().into_bytes());
    let stopped = vault.stop();
    files(stopped.path(), &mut replies);
    assert!(planted.len() > 80 && replies.len() > 60, "{} {}", planted.len(), replies.len());
    hunt(&planted, &replies);
}
