//! The admin socket: who may use it, what it does as a client, and that nothing of it is reachable over the network.

use crate::client::{Answer, read_answer, request};
use crate::vault::{Vault, binary, path, run};
use serde_json::{Value, json};
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

/// One request over a data directory's admin socket.
pub(crate) fn local(
    data: &Path,
    method: &str,
    target: &str,
    act_as: Option<&str>,
    body: Option<&Value>,
) -> Answer {
    let headers: Vec<(&str, &str)> = act_as.map(|client| ("Strongroom-Act-As", client)).into_iter().collect();
    let body = body.map(Value::to_string);
    sent(data, &request(method, target, None, body.as_deref(), &headers))
}

fn sent(data: &Path, bytes: &[u8]) -> Answer {
    let mut stream = UnixStream::connect(data.join("admin.sock")).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    stream.write_all(bytes).unwrap();
    read_answer(&mut stream).unwrap()
}

#[test]
fn the_socket_is_its_owners_alone_and_goes_with_the_server() {
    let vault = Vault::start();
    let socket = vault.data().join("admin.sock");
    let facts = std::fs::symlink_metadata(&socket).unwrap();
    assert!(facts.file_type().is_socket());
    assert_eq!(facts.mode() & 0o777, 0o600);
    assert_eq!(vault.get("storefront", "/v1/whoami").status, 200, "it serves, and so listens to signals");
    let dir = vault.stop();
    assert!(!dir.path().join("data/admin.sock").exists());
    let killed = Vault::start_in(dir, &[]).kill();
    assert!(killed.path().join("data/admin.sock").exists(), "a killed server leaves it");
    let vault = Vault::start_in(killed, &[]);
    assert_eq!(
        local(&vault.data(), "GET", "/local/about", None, None).status,
        200,
        "and the next one replaces it"
    );
}

#[test]
fn another_user_is_refused_whatever_the_modes_let_through() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can call the socket as another user");
        return;
    }
    let vault = Vault::start();
    let open = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap()
    };
    open(vault.dir.path(), 0o755);
    open(&vault.data(), 0o755);
    open(&vault.data().join("admin.sock"), 0o666);
    let copy = vault.dir.path().join("strongroom");
    std::fs::copy(binary(), &copy).unwrap();
    open(&copy, 0o755);
    let as_nobody = |args: &[&str]| {
        let out = Command::new("setpriv")
            .args(["--reuid=65534", "--clear-groups"])
            .arg(&copy)
            .args(args)
            .output()
            .unwrap();
        (
            out.status.success(),
            String::from_utf8(out.stderr).unwrap() + &String::from_utf8(out.stdout).unwrap(),
        )
    };
    let data = vault.data();
    for args in [
        &["client", "list", "--data-dir", path(&data)][..],
        &["client", "suspend", "--data-dir", path(&data), "storefront"],
        &["export", "tokens", "--data-dir", path(&data), "--client", "storefront", "--out", "/tmp/never"],
    ] {
        let (ok, told) = as_nobody(args);
        assert!(!ok && told.contains("another user"), "{args:?}: {told}");
    }
    assert!(run(&["client", "list", "--data-dir", path(&data)]).1.contains("storefront           active"));
}

#[test]
fn the_network_knows_neither_acting_as_a_client_nor_the_local_routes() {
    let vault = Vault::start();
    let act_as = [("Strongroom-Act-As", "storefront")];
    let answer = vault.target.send_with("GET", "/v1/whoami", None, None, &act_as);
    assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"));
    for route in ["/local/clients", "/local/tokens?client=billing", "/local/about"] {
        assert_eq!(vault.target.send_with("GET", route, None, None, &act_as).status, 401, "{route}");
        assert_eq!(vault.get("storefront", route).status, 404, "{route}");
    }
    let own = vault.target.send_with("GET", "/v1/whoami", Some(vault.key("billing")), None, &act_as);
    assert_eq!(own.json()["client"], "billing", "a key speaks for its own client only");
}

#[test]
fn the_owner_acts_as_an_active_client_with_its_grants_and_nothing_more() {
    let vault = Vault::start();
    let data = vault.data();
    let me = local(&data, "GET", "/v1/whoami", Some("billing"), None);
    assert_eq!((me.status, &me.json()["client"], &me.json()["key"]), (200, &json!("billing"), &Value::Null));
    let write = |client: &str, collection: &str, fields: Value| {
        let subject = json!({"region": "DE", "age_attested": true});
        let made = local(&data, "POST", "/v1/subjects", Some("storefront"), Some(&subject)).json();
        let body = json!({"subject": made["subject"], "collection": collection, "purpose": "billing", "fields": fields});
        local(&data, "POST", "/v1/records", Some(client), Some(&body))
    };
    assert_eq!(write("billing", "billing", json!({"tax_id": "1234567"})).status, 201);
    let denied = write("storefront", "billing", json!({"tax_id": "1234567"}));
    assert_eq!((denied.status, &denied.json()["rule"]), (403, &json!("purpose_not_granted")));
    for nobody in ["nobody", "", "STOREFRONT", "storefront "] {
        let answer = local(&data, "GET", "/v1/whoami", Some(nobody), None);
        // White space around a header's value is no part of it.
        let wanted = if nobody.trim() == "storefront" { 200 } else { 401 };
        assert_eq!(answer.status, wanted, "{nobody:?}");
    }
    assert_eq!(local(&data, "GET", "/v1/whoami", None, None).status, 400, "no client is named");
    let both = [("Strongroom-Act-As", "storefront")];
    let with_key = request("GET", "/v1/whoami", Some(vault.key("storefront")), None, &both);
    assert_eq!(sent(&data, &with_key).status, 400, "a key has no business here");
    assert!(run(&["client", "suspend", "--data-dir", path(&data), "billing"]).0);
    let suspended = local(&data, "GET", "/v1/whoami", Some("billing"), None);
    assert_eq!((suspended.status, &suspended.json()["rule"]), (403, &json!("client_suspended")));
    let uid = rustix::process::geteuid().as_raw();
    let (_, log, _) = run(&[
        "audit",
        "query",
        "--data-dir",
        path(&data),
        "--principal",
        "billing",
        "--act",
        "record.create",
    ]);
    let event: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&event["principal"], &event["outcome"]),
        (&json!("client:billing"), &json!("allowed")),
        "{event}"
    );
    assert!(event.to_string().contains(&format!("local:{uid}")), "{event}");
    assert!(event.get("key_id").is_none() && event.get("key").is_none(), "{event}");
}

#[test]
fn clients_are_managed_while_the_vault_is_served() {
    let vault = Vault::start();
    let data = vault.data();
    let client = |args: &[&str]| {
        let (verb, rest) = args.split_first().unwrap();
        let out = run(&[&["client", verb, "--data-dir", path(&data)], rest].concat());
        assert!(out.0, "{args:?}: {}", out.2);
        out.1
    };
    client(&["add", "mailer"]);
    let made = client(&["key", "mailer", "--expires-in", "1d"]);
    let of = |label: &str| made.lines().find_map(|l| l.strip_prefix(label)).unwrap().trim().to_owned();
    let (key, id) = (of("key"), of("id"));
    let status = || vault.target.send("GET", "/v1/whoami", Some(&key), None).status;
    assert_eq!(status(), 200, "at once");
    client(&["suspend", "mailer"]);
    assert_eq!(status(), 403);
    client(&["resume", "mailer"]);
    assert_eq!(status(), 200);
    assert!(client(&["list"]).contains(&id));
    client(&["revoke-key", "mailer", &id]);
    assert_eq!(status(), 403);
    let (ok, _, err) = run(&["client", "add", "--data-dir", path(&data), "nobody"]);
    assert!(!ok && err.contains("declares no such client"), "{err}");
    let (ok, _, err) = run(&["client", "key", "--data-dir", path(&data), "mailer", "--expires-in", "91d"]);
    assert!(!ok && err.contains("90 days"), "{err}");
    let (_, log, _) = run(&["audit", "query", "--data-dir", path(&data), "--act", "client.change"]);
    let uid = rustix::process::geteuid().as_raw();
    assert!(log.contains(&format!("\"principal\":\"local:{uid}\"")), "{log}");
}

#[test]
fn a_running_vault_is_looked_into_and_its_policy_compared() {
    let vault = Vault::start();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/config/policy.toml");
    let (_, out, _) = run(&["doctor", "--data-dir", path(&vault.data()), "--policy", sample]);
    assert!(out.contains("ok    policy file"), "{out}");
    let (ok, out, _) = run(&["policy", "diff", sample, "--data-dir", path(&vault.data())]);
    assert!(ok && out.contains("say the same"), "{out}");
    let other = vault.dir.path().join("new.toml");
    let text = std::fs::read_to_string(sample).unwrap();
    std::fs::write(
        &other,
        text.replace("acts = [\"token.mint\"]", "acts = [\"token.mint\", \"token.revoke\"]"),
    )
    .unwrap();
    let (ok, out, _) = run(&["policy", "diff", path(&other), "--data-dir", path(&vault.data()), "--json"]);
    let diff: Value = serde_json::from_str(&out).unwrap();
    assert!(ok && diff["widens"] == true, "{out}");
    assert_eq!(diff["differences"].as_array().unwrap().len(), 1);
    assert_eq!(diff["differences"][0]["what"], "act token.revoke");
    let (ok, out, _) = run(&["policy", "diff", path(&other), sample]);
    assert!(ok && out.contains("- act token.revoke") && out.contains("widens nothing"), "{out}");
    let (ok, _, err) = run(&["policy", "diff", sample]);
    assert!(!ok && err.contains("two policy files"), "{err}");
}

#[test]
fn tokens_are_exported_for_the_client_that_may_have_them_and_each_page_is_an_event() {
    let vault = Vault::start();
    let mut contacts = Vec::new();
    for _ in 0..3 {
        contacts.push(vault.contact(&vault.subject()));
    }
    let out = vault.dir.path().join("tokens.ndjson");
    let export = |client: &str, more: &[&str]| {
        let data = vault.data();
        let fixed = ["export", "tokens", "--data-dir", path(&data), "--client", client, "--out", path(&out)];
        let told = run(&[&fixed[..], more].concat());
        let text = std::fs::read_to_string(&out).unwrap_or_default();
        let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        (told, lines)
    };
    let ((ok, _, err), lines) = export("billing", &[]);
    assert!(ok && lines.len() == 3, "{err}");
    assert_eq!(std::fs::metadata(&out).unwrap().mode() & 0o777, 0o600);
    for line in &lines {
        let names: Vec<&String> = line["tokens"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["contact.email", "contact.name"], "what billing is granted, and no phone");
        let record = contacts.iter().find(|c| c["record"] == line["record"]).unwrap();
        assert_eq!(line["tokens"]["contact.name"], record["tokens"]["name"], "the same tokens as at first");
        let read = json!({"purpose": "billing", "tokens": [line["tokens"]["contact.name"]]});
        assert_eq!(
            vault.post("billing", "/v1/detokenize", &read).json()["results"][0]["value"],
            "Ada Lovelace"
        );
    }
    let ((ok, _, err), _) = export("billing", &[]);
    assert!(!ok && err.contains("there already"), "{err}");
    std::fs::remove_file(&out).unwrap();
    let ((ok, _, _), lines) = export("storefront", &["--collection", "shipping"]);
    assert!(ok && lines.is_empty());
    std::fs::remove_file(&out).unwrap();
    for (client, more) in [("nobody", &[][..]), ("billing", &["--collection", "nothing"]), ("a&b", &[])] {
        let ((ok, _, err), _) = export(client, more);
        assert!(!ok && err.contains("no such c") && !out.exists(), "{err}");
    }
    let (_, log, _) = run(&["audit", "query", "--data-dir", path(&vault.data()), "--act", "token.export"]);
    assert_eq!(log.lines().count(), 2, "{log}");
    assert!(
        log.contains("\"principal\":\"local:") && log.contains("contact.email") && !log.contains("srx_"),
        "{log}"
    );
}

#[test]
fn a_long_export_is_paged_and_names_each_record_once() {
    let vault = Vault::start();
    let data = vault.data();
    let (ok, _, err) = run(&["bench", "--data-dir", path(&data), "--people", "450"]);
    assert!(ok, "a development vault that is being served may be measured: {err}");
    let out = vault.dir.path().join("tokens.ndjson");
    let args = ["export", "tokens", "--data-dir", path(&data), "--client", "storefront", "--out", path(&out)];
    let (ok, told, err) = run(&args);
    assert!(ok && told.contains("900 tokens of 450 records"), "{told}{err}");
    let text = std::fs::read_to_string(&out).unwrap();
    let records: std::collections::BTreeSet<String> = text
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap()["record"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((text.lines().count(), records.len()), (450, 450));
    let (_, log, _) = run(&["audit", "query", "--data-dir", path(&data), "--act", "token.export"]);
    let counts: Vec<u64> =
        log.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()["count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [50, 200, 200], "one event a page, the newest first");
    let elsewhere = local(
        &data,
        "GET",
        "/local/tokens?client=storefront&after=rec_00000000000000000000000000",
        None,
        None,
    );
    assert_eq!(elsewhere.status, 400);
    assert_eq!(local(&data, "GET", "/local/tokens?client=storefront&other=1", None, None).status, 400);
}

#[test]
fn the_benchmark_runs_in_a_vault_of_its_own_and_refuses_a_real_one() {
    let (ok, out, err) = run(&["bench", "--people", "20"]);
    assert!(ok, "{err}");
    for what in ["store", "detokenize", "search"] {
        assert!(out.lines().any(|l| l.starts_with(what)), "{out}");
    }
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("d");
    let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/config/policy.toml");
    assert!(run(&["init", "--data-dir", path(&data), "--policy", policy, "--single-operator"]).0);
    let (ok, _, err) = run(&["bench", "--data-dir", path(&data)]);
    assert!(!ok && err.contains("real people"), "{err}");
    assert!(!data.join("admin.sock").exists(), "a command that served it takes it away again");
}

#[test]
fn the_owner_of_a_production_vault_brings_data_in_and_is_shown_none_of_it() {
    let served = crate::served::Plan::new().serve();
    let data = served.dir.path().join("d");
    let ask = |method: &str, target: &str, body: &Value| {
        local(&data, method, target, Some("storefront"), Some(body))
    };
    let subject =
        ask("POST", "/v1/subjects", &json!({"region": "DE", "age_attested": true})).json()["subject"].clone();
    let stored = ask(
        "POST",
        "/v1/records",
        &json!({"subject": subject, "collection": "contact", "purpose": "order_fulfilment",
            "fields": {"email": "ada@example.org"}}),
    );
    assert_eq!(stored.status, 201);
    let token = stored.json()["tokens"]["email"].clone();
    let reads = [
        ("/v1/detokenize", json!({"purpose": "order_fulfilment", "tokens": [token]})),
        (
            "/v1/search",
            json!({"collection": "contact", "field": "email", "equals": "ada@example.org", "purpose": "order_fulfilment"}),
        ),
        ("/v1/credentials/verify", json!({"login": "ada", "secret": "correct horse"})),
    ];
    for (path, body) in reads {
        let refused = ask("POST", path, &body);
        assert_eq!((refused.status, &refused.json()["rule"]), (403, &json!("act_not_granted")), "{path}");
    }
    // With the client's own key the same is shown.
    let body = json!({"purpose": "order_fulfilment", "tokens": [token]}).to_string();
    let shown = served.target.send("POST", "/v1/detokenize", Some(served.key("storefront")), Some(&body));
    assert_eq!(shown.json()["results"][0]["value"], "ada@example.org");
    let (_, log, _) =
        run(&["audit", "query", "--data-dir", path(&data), "--act", "detokenize", "--outcome", "denied"]);
    assert!(log.contains("local:") && log.lines().count() == 1, "{log}");
}
