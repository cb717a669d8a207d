//! A04 and A05: bodies that are no strict JSON, and values of a wrong type, at every place of every route that takes a body.

use super::contract::{Operation, World, operations, places, with};
use super::tools::{figure, is_sound, log_of};
use crate::caller::Reply;
use serde_json::{Value, json};

/// What never comes back, in any case or encoding that a log or an error may choose.
const MARK: &str = "CNRYq7";
/// The same as a number.
const NUMBER: u64 = 7_718_844_119_922;

/// Holds a refusal of a body to its one shape.
#[track_caller]
fn malformed(reply: &Reply, what: &str) {
    let json = reply.json();
    assert_eq!((reply.status(), json["code"].as_str()), (400, Some("malformed_json")), "{what}: {json}");
    assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{what}");
    quiet(&reply.text(), what);
}

#[track_caller]
fn quiet(text: &str, what: &str) {
    let lower = text.to_lowercase();
    assert!(!lower.contains(&MARK.to_lowercase()) && !text.contains(&NUMBER.to_string()), "{what}: {text}");
}

/// Text of a place in the body, with a raw piece of JSON instead.
fn spliced(body: &Value, at: &str, raw: &str) -> String {
    let hole = "\"the one place\"";
    let text = with(body, at, json!("the one place")).to_string();
    assert_eq!(text.matches(hole).count(), 1);
    text.replacen(hole, raw, 1)
}

/// The whole document spoilt.
fn spoilt_documents(body: &Value) -> Vec<(String, Vec<u8>)> {
    let text = body.to_string();
    let mut all: Vec<(&str, Vec<u8>)> = [
        ("empty", String::new()),
        ("null", "null".to_owned()),
        ("true", "true".to_owned()),
        ("a number", "0".to_owned()),
        ("a string", format!("\"{MARK}\"")),
        ("an array", format!("[{text}]")),
        ("an empty array", "[]".to_owned()),
        ("trailing data", format!("{text} {{}}")),
        ("a trailing comma", format!("{text},")),
        ("a trailing brace", format!("{text}}}")),
        ("trailing NUL", format!("{text}\0")),
        ("leading NUL", format!("\0{text}")),
        ("a byte-order mark", format!("\u{feff}{text}")),
        ("a form feed", format!("\u{c}{text}")),
        ("a no-break space", format!("\u{a0}{text}")),
        ("a comment", format!("/* {MARK} */{text}")),
        ("a line comment", format!("{text}// {MARK}")),
        ("single quotes", text.replace('"', "'")),
        ("bare keys", text.replacen('"', "", 2)),
        ("no braces", text.trim_matches(['{', '}']).to_owned()),
        ("an inner trailing comma", format!("{},}}", text.trim_end_matches('}'))),
        ("cut in the middle", text.split_at(text.len() / 2).0.to_owned()),
        ("depth of arrays", format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))),
        ("depth of objects", format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000))),
        ("an open depth", "[{\"\":".repeat(10_000)),
    ]
    .map(|(what, text)| (what, text.into_bytes()))
    .into();
    all.push(("UTF-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect()));
    all.push((
        "UTF-16 with its mark",
        [b"\xff\xfe".to_vec(), text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat(),
    ));
    all.into_iter().map(|(what, bytes)| (what.to_owned(), bytes)).collect()
}

/// Every object of the body spoilt: its keys.
fn spoilt_objects(body: &Value) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for at in places(body) {
        let Some(object) = body.pointer(&at).and_then(Value::as_object) else { continue };
        let inner = json!(object).to_string();
        let (key, value) = object.iter().next().unwrap();
        let rest = &inner[1..];
        let escaped: String = key.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
        let many: String = (0..75_000).map(|n| format!("\"k{n}\":0,")).collect();
        for (what, raw) in [
            ("a key twice", format!("{{\"{key}\":{value},{rest}")),
            ("a key twice, once escaped", format!("{{\"{escaped}\":{value},{rest}")),
            ("a key twice, first null", format!("{{\"{key}\":null,{rest}")),
            ("an unknown key twice", format!("{{\"{MARK}\":1,\"{MARK}\":2,{rest}")),
            ("an unknown key", format!("{{\"{MARK}\":\"{MARK}\",{rest}")),
            ("an empty key", format!("{{\"\":1,{rest}")),
            ("__proto__", format!("{{\"__proto__\":{{\"role\":\"admin\"}},{rest}")),
            ("a key with another case", format!("{{\"{}\":{value},{rest}", key.to_uppercase())),
            ("a long key", format!("{{\"{}\":1,{rest}", MARK.repeat(40))),
            ("a key with NUL", format!("{{\"{key}\\u0000\":1,{rest}")),
            ("a lone surrogate in a key", format!("{{\"{key}\\ud800\":1,{rest}")),
            ("very many keys", format!("{{{many}{rest}")),
            ("a missing colon", inner.replacen(':', " ", 1)),
        ] {
            let text = if at.is_empty() { raw } else { spliced(body, &at, &raw) };
            all.push((format!("{what} at {at:?}"), text.into_bytes()));
        }
    }
    all
}

/// Every value of the body spoilt: what is no text or number of ours.
fn spoilt_values(body: &Value) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for at in places(body).into_iter().filter(|at| !at.is_empty()) {
        let mut add = |what: &str, raw: &[u8]| {
            let hole = spliced(body, &at, "@HOLE@");
            let (before, after) = hole.split_once("@HOLE@").unwrap();
            let bytes = [before.as_bytes(), raw, after.as_bytes()].concat();
            all.push((format!("{what} at {at}"), bytes));
        };
        for number in [
            "1e400",
            "-1e400",
            "1.5",
            "1e2",
            "-0",
            "007",
            "+1",
            ".5",
            "1.",
            "0x10",
            "NaN",
            "Infinity",
            "-Infinity",
            "99999999999999999999999",
            "18446744073709551616",
            "-9223372036854775809",
        ] {
            add(number, number.as_bytes());
        }
        for text in [
            "\\ud800",
            "\\udc00",
            "\\ud800\\u0041",
            "\\udfff\\ud800",
            "\\u0000",
            "\\u0007",
            "\\u007f",
            "\\b",
            "\\x41",
            "\\'",
            "\\u12",
            "\\",
            "\0",
            "\n",
            "\t",
            "\u{7f}",
        ] {
            add(text, format!("\"a{MARK}{text}b\"").as_bytes());
        }
        for bytes in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\xc3"] {
            add("invalid UTF-8", &[b"\"a", bytes, b"b\""].concat());
        }
        for word in ["undefined", "True", "nul", "'a'", ",", "[1,]", "[,1]", "{\"a\"}", "{1:2}", "[", "{"] {
            add(word, word.as_bytes());
        }
        add("depth", format!("{}{}", "[".repeat(500), "]".repeat(500)).as_bytes());
    }
    all
}

/// The names of fields belong to the caller's policy, not to the contract: an unknown one is a fault of the request.
fn is_unknown_field(what: &str) -> bool {
    let names_field = what.ends_with("/fields\"");
    names_field
        && ["an unknown key at", "a key with another", "an empty key", "__proto__"]
            .iter()
            .any(|w| what.starts_with(w))
}

/// P10 on the wire: what has more than one meaning, or none, is refused whole.
#[test]
fn a04_what_is_no_strict_json_is_refused_at_every_place_of_every_route() {
    let world = World::new();
    let operations = operations();
    assert!(operations.len() >= 15);
    let mut count = 0;
    for operation in &operations {
        let good = world.good(operation);
        let mut client = world.client(good.client);
        let body = &good.body;
        for (what, bytes) in [spoilt_documents(body), spoilt_objects(body), spoilt_values(body)].concat() {
            let told = format!("{} {}: {what}", operation.method, operation.template);
            let reply = client.send_bytes((&operation.method, &good.path), &bytes);
            if is_unknown_field(&what) {
                assert!(matches!(reply.status(), 400 | 422), "{told}: {}", reply.text());
                quiet(&reply.text(), &told);
            } else {
                malformed(&reply, &told);
            }
            count += 1;
        }
    }
    quiet(&log_of(&world.vault), "the log");
    is_sound(&world.vault);
    figure(&format!("A04: {count} bodies of {} routes refused", operations.len()));
}

/// Wrong types for a value that is there now.
fn wrong_types(now: &Value) -> Vec<Value> {
    let (text, number) = (json!(MARK), json!(NUMBER));
    let all = [
        text.clone(),
        number.clone(),
        json!(true),
        Value::Null,
        json!([text, number]),
        json!({MARK: MARK}),
        json!([[{MARK: [NUMBER]}]]),
        json!({"country": MARK, MARK: NUMBER}),
        json!(format!("{MARK}\r\n{{\"level\":\"error\"}}")),
        json!(MARK.repeat(2_000)),
    ];
    all.into_iter()
        .filter(|other| std::mem::discriminant(other) != std::mem::discriminant(now) || now.is_string())
        .collect()
}

/// A reply or line that could tell something: everything but what a route hands back by its contract.
fn sent_wrong(world: &World, operation: &Operation, replies: &mut Vec<(String, String)>) -> usize {
    let good = world.good(operation);
    let mut client = world.client(good.client);
    let mut count = 0;
    for at in places(&good.body) {
        for wrong in wrong_types(good.body.pointer(&at).unwrap()) {
            let body = with(&good.body, &at, wrong).to_string();
            let reply = World::send(&mut client, operation, &good.path, &body);
            let told = format!("{} {} at {at:?}", operation.method, operation.template);
            assert!(reply.status() < 500, "{told}: {}", reply.text());
            replies.push((told, reply.text()));
            count += 1;
        }
    }
    for header in
        ["Idempotency-Key", "Strongroom-Checkpoint", "Accept", "Content-Type", "traceparent", "User-Agent"]
    {
        for value in [MARK.to_owned(), MARK.repeat(100), format!("{MARK} \u{e9}")] {
            let text = good.body.to_string();
            let reply = client.send((&operation.method, &good.path), &[(header, &value)], Some(&text));
            assert!(reply.status() < 500, "{header}: {}", reply.text());
            replies.push((format!("{} {header}", operation.template), reply.text()));
            count += 1;
        }
    }
    count
}

/// I6 and "reads logs, metrics or traces" in the table of attackers.
#[test]
fn a05_l02_a_value_of_a_wrong_type_is_never_repeated() {
    let world = World::new();
    let mut replies = Vec::new();
    let mut count = 0;
    for operation in operations() {
        count += sent_wrong(&world, &operation, &mut replies);
    }
    let mut client = world.client("storefront");
    for path in [
        format!("/v1/subjects/{MARK}"),
        format!("/v1/records/{MARK}"),
        format!("/v1/certificates/{MARK}"),
        format!("/v1/{MARK}"),
        format!("/{MARK}"),
        format!("/v1/whoami?{MARK}={MARK}"),
        format!("/v1/subjects/{}/records?limit={MARK}", world.subject),
        format!("/v1/subjects/{}/records?cursor={MARK}", world.subject),
        format!("/v1/subjects/{}/records?collection={MARK}", world.subject),
        format!("/v1/subjects/{}/records?{MARK}=1", world.subject),
        format!("/v1/subjects/{}/consents/{MARK}", world.subject),
    ] {
        for method in ["GET", "PUT", "DELETE", "PATCH", MARK] {
            let reply = client.send((method, &path), &[], None);
            assert!(reply.status() < 500);
            replies.push((format!("{method} {path}").replace(MARK, "…"), reply.text()));
            count += 1;
        }
    }
    for (what, text) in &replies {
        quiet(text, what);
    }
    let log = log_of(&world.vault);
    assert!(log.lines().count() > count, "every request is told on the log");
    quiet(&log, "the log");
    quiet(&world.vault.metrics(), "metrics");
    is_sound(&world.vault);
    figure(&format!("A05: {count} requests, nothing repeated"));
}
