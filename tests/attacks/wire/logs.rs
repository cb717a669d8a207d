//! A38, and rows 1 to 3 of what others were hurt by: nothing that is sent becomes a line, or part of one.

use super::contract::World;
use super::tools::{figure, is_sound, log_of};
use crate::vault::{path, run};
use base64::Engine;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The only fields a line may have: the table of `docs/logs.md`.
fn known_fields() -> BTreeSet<String> {
    let page = include_str!("../../../docs/logs.md");
    let rows = page.lines().filter_map(|l| l.strip_prefix("| `")?.split('`').next());
    rows.map(str::to_owned).collect()
}

/// Texts that end a line, colour it, turn it round, or pretend to be one.
fn injections(mark: &str) -> Vec<String> {
    vec![
        format!("{mark}\n{{\"level\":\"error\",\"event\":\"f0rgedline\"}}"),
        format!("{mark}\r\n{{\"level\":\"error\",\"event\":\"f0rgedline\"}}\r\n"),
        format!("{mark}\",\"event\":\"f0rgedline\",\"x\":\""),
        format!("\u{1b}[31m{mark}\u{1b}[0m\u{1b}]0;{mark}\u{7}"),
        format!("\u{9b}31m{mark}"),
        format!("\u{202e}{mark}\u{2066}\u{200f}"),
        format!("{mark}\u{2028}\u{2029}\u{85}f0rgedline"),
        format!("{mark}\u{0}f0rgedline"),
        format!("{mark}%0d%0af0rgedline"),
        format!("${{jndi:ldap://{mark}}}{{{{{mark}}}}}%n%s"),
        format!("<script>{mark}</script>"),
        format!("{mark}{}", "\u{1f4a9}A".repeat(2_000)),
    ]
}

/// What may stand in a header at all.
fn as_header(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0') && *c != '\u{7f}').take(3_000).collect()
}

fn plant(world: &World, text: &str) -> usize {
    let mut shop = world.client("storefront");
    let header = as_header(text);
    let mut count = 0;
    let mut sent = |request: (&str, &str), headers: &[(&str, &str)], body: Option<String>| {
        let reply = shop.send(request, headers, body.as_deref());
        assert!(reply.status() < 500, "{request:?}: {}", reply.text());
        // What the parser or the guard turned away is summed, not told one by one.
        count += usize::from(reply.header("ratelimit").is_some());
    };
    for name in [
        "User-Agent",
        "traceparent",
        "tracestate",
        "X-Request-Id",
        "X-Forwarded-For",
        "Forwarded",
        "Referer",
        "Origin",
        "Cookie",
        "Accept",
        "Accept-Language",
        "Idempotency-Key",
        "Strongroom-Checkpoint",
        "X-Correlation-Id",
        "From",
    ] {
        sent(("GET", "/v1/whoami"), &[(name, &header)], None);
    }
    let segment: String = text.bytes().take(300).map(|b| format!("%{b:02x}")).collect();
    sent(("GET", &format!("/v1/{segment}")), &[], None);
    sent(("GET", &format!("/v1/whoami?{segment}={segment}")), &[], None);
    sent(("GET", &format!("/v1/subjects/{}/records?cursor={segment}", world.subject)), &[], None);
    let subject = &world.subject;
    for body in [
        json!({"subject": subject, "collection": text, "purpose": text, "fields": {"name": text}}),
        json!({"subject": text, "collection": "contact", "purpose": "order_fulfilment", "fields": {"name": text}}),
        json!({"subject": subject, "collection": "contact", "purpose": "order_fulfilment", "fields": {"name": text}}),
        json!({text: text}),
    ] {
        sent(("POST", "/v1/records"), &[], Some(body.to_string()));
    }
    sent(
        ("POST", "/v1/detokenize"),
        &[],
        Some(json!({"purpose": text, "tokens": [text], "recipient": text}).to_string()),
    );
    sent(
        ("POST", "/v1/search"),
        &[],
        Some(
            json!({"collection": "contact", "purpose": "order_fulfilment", "field": "email", "equals": text})
                .to_string(),
        ),
    );
    sent(
        ("POST", "/v1/credentials/verify"),
        &[],
        Some(json!({"login": text, "secret": text, "source": text}).to_string()),
    );
    sent(("POST", "/v1/subjects"), &[], Some(text.to_owned()));
    let stranger = world.vault.target.send("GET", "/v1/whoami", Some(&as_header(text)), None);
    assert!(matches!(stranger.status, 400 | 401), "{}", stranger.status);
    count
}

/// Spellings in which a text is looked for.
fn spellings(mark: &str) -> Vec<Vec<u8>> {
    let mut all = vec![
        mark.to_lowercase().into_bytes(),
        data_encoding::HEXLOWER.encode(mark.as_bytes()).into_bytes(),
        mark.to_lowercase().encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ];
    for shift in 0..3 {
        let padded = [vec![0; shift], mark.as_bytes().to_vec()].concat();
        let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&padded);
        all.push(encoded[4..encoded.len() - 4].to_lowercase().into_bytes());
    }
    all
}

fn holds(place: &[u8], needles: &[Vec<u8>]) -> bool {
    let lower = place.to_ascii_lowercase();
    needles.iter().any(|needle| lower.windows(needle.len()).any(|w| w == needle))
}

/// P1's log and the operators' lines say what happened and repeat nothing of what was sent.
#[test]
fn a38_l01_what_is_sent_never_becomes_a_line_or_part_of_one() {
    let world = World::new();
    let mark = "CNRYinjected7718";
    let count: usize = injections(mark).iter().map(|text| plant(&world, text)).sum();
    assert!(count > 200, "{count}");
    is_sound(&world.vault);
    let (log, metrics) = (log_of(&world.vault), world.vault.metrics());
    let alerts = world.vault.on_metrics("/alerts");
    let known = known_fields();
    assert!(known.len() > 12 && known.contains("request_id"), "{known:?}");
    let mut requests = 0;
    for line in log.lines().filter(|l| !l.starts_with("serving https://") && !l.starts_with("public pages")) {
        assert!(line.bytes().all(|b| (0x20..0x7f).contains(&b)), "printable ASCII: {line:?}");
        let json: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        for (name, value) in json.as_object().unwrap() {
            assert!(known.contains(name) && value.is_string(), "{name} in {line}");
        }
        assert_ne!(json["event"], "f0rgedline");
        requests += usize::from(json["event"] == "request");
    }
    assert!(requests >= count, "one line a request: {requests} of {count}");
    let dir = world.vault.stop();
    let data = dir.path().join("data");
    let (ok, audit, err) = run(&["audit", "query", "--data-dir", path(&data), "--limit", "10000"]);
    assert!(ok, "{err}");
    for line in audit.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert!(event.is_object() && line.bytes().all(|b| (0x20..0x7f).contains(&b)), "{line:?}");
    }
    assert!(audit.lines().count() >= count, "one event a request");
    let needles = spellings(mark);
    for (what, place) in
        [("the log", log), ("metrics", metrics), ("alerts", alerts), ("the audit log", audit)]
    {
        assert!(!holds(place.as_bytes(), &needles) && !place.contains("f0rgedline"), "in {what}");
    }
    for file in ["vault.db", "vault.db-wal", "index.db", "keyring"] {
        let bytes = std::fs::read(data.join(file)).unwrap_or_default();
        assert!(!holds(&bytes, &needles), "in {file}");
    }
    figure(&format!("A38: {count} requests with {} injections, {requests} lines", injections(mark).len()));
}

/// Row 3: no credential is told at provisioning or on the way of any error of a command.
#[test]
fn l03_commands_tell_no_key_on_any_way_that_fails() {
    let world = World::new();
    let keys: Vec<String> =
        ["storefront", "billing", "mailer"].iter().map(|name| world.vault.key(name).to_owned()).collect();
    let secret = "CNRYsecret-passphrase-7718";
    let dir = tempfile::tempdir().unwrap();
    let bad = dir.path().join("bad.toml");
    std::fs::write(
        &bad,
        format!(
            "data_dir = \"{secret}\"
[log]
level = \"{secret}\"
[root]
provider = \"{secret}\"
"
        ),
    )
    .unwrap();
    let root = dir.path().join("root");
    std::fs::write(&root, secret).unwrap();
    let data = world.vault.data();
    let elsewhere = dir.path().join("none");
    for args in [
        vec!["config", "check", path(&bad)],
        vec!["policy", "check", path(&bad)],
        vec!["serve", "--config", path(&bad)],
        vec!["init", "--data-dir", path(&data), "--policy", path(&bad), "--single-operator"],
        vec!["init", "--data-dir", path(&elsewhere), "--policy", path(&bad), "--single-operator"],
        vec!["doctor", "--data-dir", path(&elsewhere), "--root-key-file", path(&root)],
        vec!["doctor", "--data-dir", path(&data), "--root-passphrase-file", path(&root)],
        vec!["audit", "verify", "--data-dir", path(&elsewhere)],
        vec!["client", "key", "--data-dir", path(&elsewhere), "storefront"],
        vec!["client", "key", "--data-dir", path(&data), secret],
    ] {
        let (ok, out, err) = run(&args);
        assert!(!ok, "{args:?} succeeded");
        let said = format!("{out}{err}");
        // A name the caller typed as an argument may be told to him; what stands in a file may not.
        let typed = args.contains(&secret);
        assert!(typed || !said.contains(secret), "{args:?}: {said}");
        assert!(keys.iter().all(|key| !said.contains(key.as_str())), "{args:?}");
    }
    let log = log_of(&world.vault);
    assert!(keys.iter().all(|key| !log.contains(key.as_str())) && !log.contains("srk_"), "{log}");
}
