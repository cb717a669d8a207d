//! A06: other spellings of methods, paths and types. None leads to a route that the plain spelling would not, and none
//! changes what the caller may do there.

use super::contract::{World, routes};
use super::tools::{figure, is_sound};
use crate::client::{Target, read_answer, request};
use std::io::Write;

const METHODS: [&str; 14] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get",
    "Post", "QUERY", "M-SEARCH",
];

fn status(target: &Target, method: &str, path: &str, key: Option<&str>, headers: &[(&str, &str)]) -> u16 {
    let mut stream = target.connect();
    let _ = stream.write_all(&request(method, path, key, None, headers));
    if method == "HEAD" {
        // Its answer announces a body that does not come.
        let line = crate::client::read_line(&mut stream).unwrap();
        return line.split(' ').nth(1).unwrap().parse().unwrap();
    }
    read_answer(&mut stream).map_or(0, |answer| answer.status)
}

/// P10 on the wire; and "deny by default": what is not in the contract does not exist.
#[test]
fn a06_every_other_method_of_every_route_is_refused() {
    let world = World::new();
    let all = routes();
    let mut paths: Vec<&String> = all.iter().map(|(_, path, _)| path).collect();
    paths.sort();
    paths.dedup();
    let target = &world.vault.target;
    let key = Some(world.vault.key("storefront"));
    let mut count = 0;
    for template in paths {
        let path = world.path(template);
        let known: Vec<&str> =
            all.iter().filter(|(_, p, _)| p == template).map(|(method, ..)| method.as_str()).collect();
        for method in METHODS.iter().filter(|method| !known.contains(method)) {
            let said = status(target, method, &path, key, &[]);
            // CONNECT names no path; the parser takes no such method.
            let allowed: &[u16] = if *method == "CONNECT" { &[400, 405] } else { &[405] };
            assert!(allowed.contains(&said), "{method} {template}: {said}");
            if template.starts_with("/v1/") {
                let stranger = status(target, method, &path, None, &[]);
                assert!(matches!(stranger, 401 | 400), "{method} {template} without credential: {stranger}");
            }
            count += 1;
        }
        if !known.contains(&"TRACE") && !known.contains(&"HEAD") {
            let answer = target.send("TRACE", &path, key, None);
            let allow = answer.header("allow").unwrap().to_owned();
            let mut told: Vec<_> = allow.split(", ").collect();
            told.sort_unstable();
            let mut wanted = known.clone();
            wanted.sort_unstable();
            assert_eq!(told, wanted, "{template}");
            assert!(!String::from_utf8_lossy(&answer.body).contains("Bearer"), "TRACE repeats nothing");
        }
    }
    is_sound(&world.vault);
    figure(&format!("A06: {count} methods that routes do not have"));
}

/// Other spellings of a path that some server in front, or a careless router, would read as the path itself.
fn spellings(path: &str) -> Vec<String> {
    let (front, last) = path.rsplit_once('/').unwrap();
    let first = last.as_bytes()[0];
    vec![
        format!("/{path}"),
        format!("//{}", path.trim_start_matches('/')),
        format!("{front}//{last}"),
        format!("{front}/./{last}"),
        format!("{front}/x/../{last}"),
        format!("{front}/%2e/{last}"),
        format!("{front}/x/%2e%2e/{last}"),
        format!("{front}/%2E%2e/{last}"),
        format!("{front}/%{first:02x}{}", &last[1..]),
        format!("{front}/%25{first:02x}{}", &last[1..]),
        format!("{front}%2f{last}"),
        format!("{front}%5c{last}"),
        format!("{front}\\{last}"),
        format!("{path}/"),
        format!("{path}/."),
        format!("{path}//"),
        format!("{path};x=1"),
        format!("{front};x=1/{last}"),
        format!("{path}%00"),
        format!("{path}%0d%0aX:y"),
        format!("{path}%20"),
        format!("{path}."),
        format!("{path}.json"),
        format!("{path}*"),
        format!("{path}~"),
        format!("{path}:x"),
        format!("{path}@x"),
        format!("{path},"),
        format!("{path}$"),
        path.to_uppercase(),
        path.replace("/v1/", "/V1/"),
        path.replace("/v1/", "/v1/v1/"),
        path.replace("/v1/", "/v2/"),
        path.replace("/v1/", "/"),
        path.replace("/v1/", "/admin/v1/"),
        path.replace("/v1/", "/v1/../v1/"),
        path.replace("/v1/", "/v1%ef%bc%8f"),
        format!("{front}/\u{ff0f}{last}"),
        format!("{path}#x"),
        format!("{path}%"),
        format!("{path}%zz"),
    ]
}

/// A guard that sees another path than the router was the hole of others; here no other spelling leads anywhere.
#[test]
fn a06_no_other_spelling_of_a_path_leads_to_its_route() {
    let world = World::new();
    let target = &world.vault.target;
    let mut count = 0;
    for (method, template, _) in routes().iter().filter(|(_, template, _)| template.starts_with("/v1/")) {
        let path = world.path(template);
        for spelling in spellings(&path) {
            // Another name of a record, say, not another spelling of the route.
            let named = spelling.strip_suffix('.').is_some_and(|p| p == path) || spelling.ends_with(".json");
            for (key, who) in [(Some(world.vault.key("storefront")), "storefront"), (None, "nobody")] {
                let said = status(target, method, &spelling, key, &[]);
                let right = matches!(said, 400 | 404) || (said == 401 && key.is_none());
                let other_name = named && said < 500;
                assert!(right || other_name, "{method} {spelling:?} as {who}: {said}");
                count += 1;
            }
        }
    }
    is_sound(&world.vault);
    figure(&format!("A06: {count} requests by other spellings of paths"));
}

/// Headers by which something in front may be told another method or path.
#[test]
fn a06_headers_that_name_another_method_path_or_caller_change_nothing() {
    let world = World::new();
    let target = &world.vault.target;
    let (shop, mailer) = (world.vault.key("storefront"), world.vault.key("mailer"));
    let view = format!("/v1/records/{}", world.record);
    let overriding = [
        ("X-HTTP-Method-Override", "DELETE"),
        ("X-HTTP-Method", "DELETE"),
        ("X-Method-Override", "DELETE"),
        ("X-Original-URL", "/v1/whoami"),
        ("X-Rewrite-URL", "/v1/whoami"),
        ("X-Original-Method", "DELETE"),
        ("X-Forwarded-Prefix", "/v1/whoami"),
        ("X-Forwarded-Uri", "/v1/whoami"),
        ("X-Forwarded-User", "storefront"),
        ("X-Remote-User", "storefront"),
        ("Strongroom-Act-As", "storefront"),
        ("X-Client-Cert", "storefront"),
        ("X-SSL-Client-Verify", "SUCCESS"),
        ("Cookie", "session=admin"),
        ("Proxy-Authorization", "Bearer srk_other"),
        ("Content-Location", "/v1/whoami"),
        ("Destination", "/v1/whoami"),
    ];
    for header in overriding {
        assert_eq!(status(target, "GET", &view, Some(shop), &[header]), 200, "{header:?}");
        assert_eq!(
            status(target, "GET", &view, Some(mailer), &[header]),
            403,
            "{header:?}: authority of its own"
        );
        assert_eq!(status(target, "GET", "/v1/whoami", None, &[header]), 401, "{header:?} is no credential");
        assert_eq!(status(target, "GET", "/v1/nothing", Some(shop), &[header]), 404, "{header:?}");
    }
    assert_eq!(status(target, "GET", &format!("{view}?_method=DELETE"), Some(shop), &[]), 400);
    assert_eq!(status(target, "GET", &view, Some(shop), &[]), 200, "the record is still there");
    is_sound(&world.vault);
}

/// A type that is not the contract's is refused before the body means anything.
#[test]
fn a06_every_route_with_a_body_takes_one_type_only() {
    let world = World::new();
    let target = &world.vault.target;
    for operation in super::contract::operations() {
        let good = world.good(&operation);
        let key = world.vault.key(good.client);
        let body = good.body.to_string();
        for kind in [
            "text/plain",
            "text/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/xml",
            "application/json; charset=utf-16",
            "application/json; charset=utf-8; x=y",
            "application/jsonp",
            "application/json5",
            "application/json, text/plain",
            "application/problem+json",
            "application/*",
            "*/*",
            "",
            "application/json;",
            "json",
        ] {
            let answer = target.send_with(
                &operation.method,
                &good.path,
                Some(key),
                Some(&body),
                &[("Content-Type", kind)],
            );
            // An empty parameter says nothing else.
            let allowed =
                if kind == "application/json;" { answer.status < 300 } else { answer.status == 415 };
            assert!(allowed, "{} {} as {kind:?}: {}", operation.method, operation.template, answer.status);
        }
        let twice = [("Content-Type", "application/json"), ("Content-Type", "text/plain")];
        assert_eq!(
            target.send_with(&operation.method, &good.path, Some(key), Some(&body), &twice).status,
            415
        );
        for coding in ["gzip", "deflate", "br", "zstd", "identity", "chunked", ""] {
            let coded = [("Content-Encoding", coding)];
            let answer = target.send_with(&operation.method, &good.path, Some(key), Some(&body), &coded);
            assert_eq!(answer.status, 415, "{} as {coding:?}", operation.template);
        }
    }
    is_sound(&world.vault);
}
