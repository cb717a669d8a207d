//! The log beside and after the process: verified by two programs, queried by name, found out when edited.

use crate::vault::{Vault, path, run};
use serde_json::{Value, json};
use std::process::Command;

fn events(args: &[&str]) -> Vec<Value> {
    let (ok, out, err) = run(args);
    assert!(ok, "{err}");
    out.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[test]
fn every_access_is_on_the_log_by_name_and_the_log_is_whole() {
    let vault = Vault::start();
    let subject = vault.subject();
    let contact = vault.contact(&subject);
    let (name, phone) = (&contact["tokens"]["name"], &contact["tokens"]["phone"]);
    let read = |client, purpose, tokens: Value| {
        vault.post(client, "/v1/detokenize", &json!({"purpose": purpose, "tokens": tokens}))
    };
    assert_eq!(read("billing", "billing", json!([name, phone, "srx_forged"])).status, 200);
    assert_eq!(read("billing", "newsletter", json!([name])).status, 403);
    let data = vault.data();
    let dir = path(&data);
    // Beside the process that serves it.
    let about = events(&["audit", "query", "--data-dir", dir, "--subject", &subject, "--act", "detokenize"]);
    assert_eq!(about.len(), 1, "the refused purpose never came to the person");
    let event = &about[0];
    assert_eq!((&event["principal"], &event["purpose"]), (&json!("client:billing"), &json!("billing")));
    assert_eq!(event["tokens"]["forged"], 1);
    let items = event["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["field"]), (3, &json!("contact.name")));
    let denied =
        events(&["audit", "query", "--data-dir", dir, "--outcome", "denied", "--principal", "billing"]);
    assert_eq!(denied[0]["rules"], json!(["purpose_not_granted"]));
    let record = contact["record"].as_str().unwrap();
    assert_eq!(
        events(&["audit", "query", "--data-dir", dir, "--record", record]).len(),
        2,
        "stored and read"
    );
    assert!(events(&["audit", "query", "--data-dir", dir, "--since", "2999-01-01T00:00:00Z"]).is_empty());
    let checkpoint =
        vault.get("storefront", "/v1/whoami").header("Strongroom-Checkpoint").unwrap().to_owned();
    let stopped = vault.stop();
    let data = stopped.path().join("data");
    let dir = path(&data);
    let tail = events(&["audit", "tail", "--data-dir", dir, "-n", "1"]);
    assert_eq!(tail[0]["act"], "shutdown");
    let (ok, out, _) = run(&["audit", "verify", "--data-dir", dir, "--checkpoint", &checkpoint]);
    assert!(ok && out.starts_with("verified: "), "{out}");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/verify_audit.py");
    let other = Command::new("python3").arg(script).arg(data.join("vault.db")).output().unwrap();
    assert!(other.status.success(), "{}", String::from_utf8_lossy(&other.stdout));
    let lost = Command::new("python3").arg(script).arg(&data).output().unwrap();
    let said = String::from_utf8_lossy(&lost.stderr);
    assert!(
        lost.status.code() == Some(2) && said.contains("vault.db"),
        "a directory is told what to name: {said}"
    );
    edited_is_found(&data, &checkpoint);
}

fn edited_is_found(data: &std::path::Path, checkpoint: &str) {
    let db = rusqlite::Connection::open(data.join("vault.db")).unwrap();
    db.execute("DELETE FROM audit WHERE pos > 5", []).unwrap();
    let dir = path(data);
    assert!(run(&["audit", "verify", "--data-dir", dir]).0, "a cut tail cannot be seen from inside");
    let (ok, _, err) = run(&["audit", "verify", "--data-dir", dir, "--checkpoint", checkpoint]);
    assert!(!ok && err.contains("truncated"), "{err}");
    db.execute("UPDATE audit SET at_us = at_us + 1 WHERE pos = 3", []).unwrap();
    let (ok, _, err) = run(&["audit", "verify", "--data-dir", dir]);
    assert!(!ok && err.contains("position 3"), "{err}");
}

#[test]
fn a37_one_event_for_every_authenticated_request_and_sums_for_strangers() {
    let vault = Vault::start();
    let before = vault.get("storefront", "/v1/whoami").header("Strongroom-Checkpoint").unwrap().to_owned();
    let mut sent = 0;
    for (method, route, body) in [
        ("GET", "/v1/whoami", None),
        ("POST", "/v1/subjects", Some("{")),
        ("POST", "/v1/subjects", Some("{\"region\":\"DE\"}")),
        ("GET", "/v1/subjects/sub_x", None),
        ("GET", "/v1/nothing", None),
        ("PUT", "/v1/whoami", None),
        (
            "POST",
            "/v1/search",
            Some(
                "{\"collection\":\"contact\",\"purpose\":\"survey\",\"field\":\"email\",\"equals\":\"a@b.c\"}",
            ),
        ),
        ("GET", "/v1/whoami?x=1", None),
    ] {
        for _ in 0..3 {
            vault.target.send(method, route, Some(vault.key("storefront")), body);
            vault.target.send(method, route, Some("srk_stranger"), body);
            sent += 1;
        }
    }
    let after = vault.get("storefront", "/v1/whoami").header("Strongroom-Checkpoint").unwrap().to_owned();
    let size = |checkpoint: &str| checkpoint.split_once(':').unwrap().0.parse::<u64>().unwrap();
    assert_eq!(size(&after) - size(&before), sent + 1);
    let stopped = vault.stop();
    let sums =
        events(&["audit", "query", "--data-dir", path(&stopped.path().join("data")), "--act", "refusal.sum"]);
    let counted: u64 = sums.iter().map(|e| e["count"].as_u64().unwrap()).sum();
    assert_eq!(counted, sent, "every stranger is counted, none is a line of his own");
    assert_eq!(sums.len(), 1);
}
