//! The command as an operator types it: what works, and what a mistake is told.

use crate::client::Target;
use crate::vault::{Vault, binary, path, run};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn policy() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/config/policy.toml")
}

#[test]
fn init_says_what_it_needs_and_never_touches_a_directory_that_is_not_empty() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("d");
    let (ok, _, err) = run(&["init", "--data-dir", path(&data), "--policy", policy()]);
    assert!(!ok && err.contains("--single-operator"), "{err}");
    let (ok, out, err) = run(&["init", "--data-dir", path(&data), "--policy", policy(), "--single-operator"]);
    assert!(ok && out.contains("vault created"), "{err}");
    let (ok, _, err) = run(&["init", "--data-dir", path(&data), "--policy", policy(), "--single-operator"]);
    assert!(!ok && err.contains("not empty"), "{err}");
    let (ok, _, err) = run(&[
        "init",
        "--data-dir",
        path(&dir.path().join("e")),
        "--policy",
        "/nonexistent",
        "--single-operator",
    ]);
    assert!(!ok && err.contains("cannot read"), "{err}");
    assert!(!dir.path().join("e").exists(), "nothing is left behind");
}

#[test]
fn a_passphrase_opens_its_vault_and_no_other_does() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("d");
    let secret = |name: &str, text: &str, mode: u32| {
        let file = dir.path().join(name);
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        file
    };
    let right = secret("right", "a passphrase of some length\n", 0o600);
    let wrong = secret("wrong", "another passphrase of length", 0o600);
    let short = secret("short", "too short", 0o600);
    let open = secret("open", "a passphrase of some length", 0o644);
    let init = |file: &std::path::Path| {
        run(&[
            "init",
            "--data-dir",
            path(&data),
            "--policy",
            policy(),
            "--single-operator",
            "--root-passphrase-file",
            path(file),
        ])
    };
    assert!(init(&short).2.contains("at least 15"));
    assert!(init(&open).2.contains("chmod 600"));
    std::fs::remove_dir_all(&data).ok();
    assert!(init(&right).0);
    let list = |file: &std::path::Path| {
        run(&["client", "list", "--data-dir", path(&data), "--root-passphrase-file", path(file)])
    };
    assert!(list(&right).1.contains("storefront"));
    let (ok, _, err) = list(&wrong);
    assert!(!ok && err.contains("does not open") && !err.contains("another passphrase"), "{err}");
    let (ok, _, err) = run(&["client", "list", "--data-dir", path(&data)]);
    assert!(!ok && !err.is_empty(), "no key file was ever made: {err}");
}

#[test]
fn a_served_vault_obeys_what_its_operator_says_about_clients() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("d");
    let policy_text = std::fs::read_to_string(policy()).unwrap();
    let local = opened_to_loopback(&policy_text);
    let policy_file = dir.path().join("policy.toml");
    std::fs::write(&policy_file, local).unwrap();
    let (ok, _, err) =
        run(&["init", "--data-dir", path(&data), "--policy", path(&policy_file), "--single-operator"]);
    assert!(ok, "{err}");
    let client = |what: &str, more: &[&str]| {
        let mut args = vec!["client", what, "--data-dir", path(&data), "storefront"];
        args.extend(more);
        run(&args)
    };
    assert!(client("key", &[]).2.contains("activate"), "a key needs an active client");
    assert!(client("activate", &[]).0);
    let key_of =
        |out: &str, label: &str| out.lines().find_map(|l| l.strip_prefix(label)).unwrap().trim().to_owned();
    let (_, out, _) = client("key", &["--expires-in", "30d"]);
    let (key, id) = (key_of(&out, "key"), key_of(&out, "id"));
    assert!(client("key", &[]).0, "two may overlap");
    assert!(client("key", &[]).2.contains("two keys"), "a third may not");
    assert!(client("key", &["--expires-in", "91d"]).2.contains("90 days"));
    assert!(client("key", &["--expires-in", "soon"]).2.contains("30d"));
    let status = |expected: u16, rule: Option<&str>| {
        let (child, target) = serve(dir.path(), &data);
        let answer = target.send("GET", "/v1/whoami", Some(&key), None);
        assert_eq!(answer.status, expected);
        if let Some(rule) = rule {
            assert_eq!(answer.json()["rule"], rule);
        }
        stop(child);
    };
    status(200, None);
    assert!(client("suspend", &[]).0);
    status(403, Some("client_suspended"));
    assert!(client("resume", &[]).0);
    status(200, None);
    assert!(client("revoke-key", &[&id]).0);
    status(403, Some("key_expired"));
    let (_, listed, _) = run(&["client", "list", "--data-dir", path(&data)]);
    assert!(listed.contains("withdrawn") && !listed.contains(&key), "{listed}");
}

/// The sample policy with every client allowed from loopback.
fn opened_to_loopback(text: &str) -> String {
    let lines = text
        .lines()
        .map(|l| if l.trim_start().starts_with("networks = ") { "networks = [\"127.0.0.0/8\"]" } else { l });
    lines.collect::<Vec<_>>().join("\n")
}

/// A production vault with default limits, served; and how to stop it.
pub(crate) fn served(dir: &tempfile::TempDir) -> (Target, impl FnOnce()) {
    let data = dir.path().join("d");
    let policy_file = dir.path().join("policy.toml");
    std::fs::write(&policy_file, opened_to_loopback(&std::fs::read_to_string(policy()).unwrap())).unwrap();
    let (ok, _, err) =
        run(&["init", "--data-dir", path(&data), "--policy", path(&policy_file), "--single-operator"]);
    assert!(ok, "{err}");
    let (child, target) = serve(dir.path(), &data);
    (target, move || stop(child))
}

/// A production vault whose policy was changed, served, with a key for each of these clients; ends when dropped.
pub(crate) struct Served {
    pub(crate) target: Target,
    keys: Vec<(String, String)>,
    child: Option<std::process::Child>,
}

impl Served {
    pub(crate) fn key(&self, client: &str) -> &str {
        &self.keys.iter().find(|(name, _)| name == client).unwrap().1
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) fn served_with(dir: &tempfile::TempDir, change: fn(&str) -> String, clients: &[&str]) -> Served {
    let data = dir.path().join("d");
    let policy_file = dir.path().join("policy.toml");
    let text = opened_to_loopback(&std::fs::read_to_string(policy()).unwrap());
    std::fs::write(&policy_file, change(&text)).unwrap();
    let (ok, _, err) =
        run(&["init", "--data-dir", path(&data), "--policy", path(&policy_file), "--single-operator"]);
    assert!(ok, "{err}");
    let key_of = |name: &&str| {
        assert!(run(&["client", "activate", "--data-dir", path(&data), name]).0);
        let (_, out, _) = run(&["client", "key", "--data-dir", path(&data), name]);
        ((*name).to_owned(), out.lines().find_map(|l| l.strip_prefix("key")).unwrap().trim().to_owned())
    };
    let keys = clients.iter().map(key_of).collect();
    let (child, target) = serve(dir.path(), &data);
    Served { target, keys, child: Some(child) }
}

fn serve(dir: &std::path::Path, data: &std::path::Path) -> (std::process::Child, Target) {
    let tls = dir.join("tls");
    if !tls.exists() {
        std::fs::create_dir(&tls).unwrap();
        strongroom::http::tls::generate_development_certificate(&tls).unwrap();
    }
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (api, metrics, public) = (free(), free(), free());
    std::fs::write(dir.join("public-address"), format!("https://{public}")).unwrap();
    let config = dir.join("strongroom.toml");
    let text = format!(
        "data_dir = {data:?}\n[listen]\naddress = \"{api}\"\n[tls]\ncertificate = {:?}\nkey = {:?}\n[metrics]\naddress = \"{metrics}\"\n[public]\naddress = \"{public}\"\nurl = \"https://mail.example.org/\"\n",
        tls.join("cert.pem"),
        tls.join("key.pem"),
    );
    std::fs::write(&config, text).unwrap();
    let child = Command::new(binary())
        .args(["serve", "--config"])
        .arg(&config)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while std::net::TcpStream::connect(api).is_err() {
        assert!(Instant::now() < deadline, "it does not serve");
        std::thread::sleep(Duration::from_millis(20));
    }
    (child, Target::new(&format!("https://{api}"), &tls.join("ca.pem")))
}

fn stop(mut child: std::process::Child) {
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_policy_is_checked_with_line_numbers_and_explained() {
    let dir = tempfile::tempdir().unwrap();
    let broken = dir.path().join("policy.toml");
    let text = std::fs::read_to_string(policy()).unwrap().replace("minimum_age", "minimum_agee");
    std::fs::write(&broken, &text).unwrap();
    let line = text.lines().position(|l| l.contains("minimum_agee")).unwrap() + 1;
    let (ok, _, err) = run(&["policy", "check", path(&broken)]);
    assert!(!ok && err.contains(&format!(":{line}:")) && err.contains("minimum_age"), "{err}");
    assert!(run(&["policy", "check", policy()]).1.contains("no fault found"));
    let explain = |field: &str| {
        run(&["policy", "explain", policy(), "--client", "billing", "--purpose", "billing", "--field", field])
            .1
    };
    assert!(explain("contact.email").contains("masked"));
    assert!(explain("contact.phone").contains("field_not_granted"));
}

#[test]
fn a_vault_that_is_open_without_its_socket_is_told_apart() {
    let vault = Vault::start();
    std::fs::remove_file(vault.data().join("admin.sock")).unwrap();
    let (ok, _, err) = run(&["client", "list", "--data-dir", path(&vault.data())]);
    assert!(!ok && err.contains("another process"), "{err}");
}

#[test]
fn what_is_generated_is_there() {
    assert!(run(&["completions", "bash"]).1.contains("strongroom"));
    assert!(run(&["man"]).1.contains(".TH"));
    let document: serde_json::Value = serde_json::from_str(&run(&["openapi"]).1).unwrap();
    for route in strongroom::http::api::ROUTES {
        let method = route.method.to_ascii_lowercase();
        assert!(document["paths"][route.path][method]["x-permission"].is_string(), "{}", route.path);
    }
    let (ok, _, err) =
        run(&["dev", "--data-dir", "/nonexistent/x", "--listen", "0.0.0.0:1", "--credentials-out", "/tmp/x"]);
    assert!(!ok && err.contains("loopback"), "{err}");
}

#[test]
fn what_is_missing_or_forbidden_is_told_apart_and_init_names_the_root_key() {
    let dir = tempfile::tempdir().unwrap();
    let (data, key) = (dir.path().join("d"), dir.path().join("keys/root.key"));
    let init = [
        "init",
        "--data-dir",
        path(&data),
        "--policy",
        policy(),
        "--single-operator",
        "--root-key-file",
        path(&key),
    ];
    let (ok, _, err) = run(&init);
    assert!(!ok && err.contains(path(&key)) && err.contains("make the directory"), "{err}");
    assert!(!err.contains("name it with"), "it was named: {err}");
    std::fs::create_dir(dir.path().join("keys")).unwrap();
    let (ok, out, err) = run(&init);
    assert!(ok && out.contains("root.key was made") && out.contains("keep a copy"), "{out}{err}");
    std::fs::rename(&data, dir.path().join("first")).unwrap();
    let (ok, out, err) = run(&init);
    assert!(ok && out.contains("was there and is used"), "{out}{err}");
    // Beside a database a missing keyring is lost, not to be made.
    std::fs::rename(data.join("keyring"), data.join("elsewhere")).unwrap();
    let list = ["client", "list", "--data-dir", path(&data), "--root-key-file", path(&key)];
    let (ok, _, err) = run(&list);
    assert!(!ok && err.contains("missing beside vault.db") && !err.contains("init"), "{err}");
    // What cannot be looked at is not absent; a name that is too long stands for it, as root may look everywhere.
    let long = dir.path().join("x".repeat(300));
    let (ok, _, err) = run(&["client", "list", "--data-dir", path(&long)]);
    assert!(!ok && !err.contains("no keyring here"), "{err}");
}

#[test]
fn a_key_for_a_client_that_is_taken_by_certificate_alone_is_said_to_be_of_no_use() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("d"), dir.path().join("policy.toml"));
    let text = std::fs::read_to_string(policy()).unwrap();
    std::fs::write(&file, text.replace("[\"key\"]", "[\"mtls\"]")).unwrap();
    let (ok, _, err) =
        run(&["init", "--data-dir", path(&data), "--policy", path(&file), "--single-operator"]);
    assert!(ok, "{err}");
    let (ok, _, err) = run(&["client", "activate", "--data-dir", path(&data), "storefront"]);
    assert!(ok, "{err}");
    let (ok, out, err) = run(&["client", "key", "--data-dir", path(&data), "storefront"]);
    assert!(ok && out.contains("note ") && out.contains("certificate alone"), "{out}{err}");
}

#[test]
fn settings_without_a_certificate_are_a_fault_that_check_finds() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("strongroom.toml");
    std::fs::write(&file, "data_dir = \"x\"\n").unwrap();
    let (ok, _, err) = run(&["config", "check", path(&file)]);
    assert!(!ok && err.contains("[tls]"), "{err}");
}

#[test]
fn a_reader_that_goes_away_is_no_defect() {
    let mut child = Command::new(binary())
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
}
