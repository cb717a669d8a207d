//! `strongroom doctor`: what it finds, what it ends with, that it changes nothing, and that an attack on a vault's files shows.

use crate::vault::{Vault, binary, path, run};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/policy.toml");

struct Place {
    _dir: tempfile::TempDir,
    data: PathBuf,
    key: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (data, key) = (dir.path().join("d"), dir.path().join("root.key"));
        let args = [
            "init",
            "--data-dir",
            path(&data),
            "--policy",
            POLICY,
            "--single-operator",
            "--root-key-file",
            path(&key),
        ];
        let (ok, _, err) = run(&args);
        assert!(ok, "{err}");
        Self { _dir: dir, data, key }
    }

    fn doctor(&self, more: &[&str]) -> Report {
        let mut args =
            vec!["doctor", "--json", "--data-dir", path(&self.data), "--root-key-file", path(&self.key)];
        args.extend(more);
        report(&args)
    }
}

struct Report {
    code: i32,
    json: Value,
}

fn report(args: &[&str]) -> Report {
    let out = Command::new(binary()).args(args).output().unwrap();
    let json = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {out:?}"));
    Report { code: out.status.code().unwrap(), json }
}

impl Report {
    /// Standing and detail of a measure, of the gravest if it is told of more than once.
    fn of(&self, measure: &str) -> (&str, &str) {
        let all = self.json["findings"].as_array().unwrap();
        let grave = |f: &&Value| ["absent", "ok", "warn", "fail"].iter().position(|s| f["standing"] == *s);
        let found = all
            .iter()
            .filter(|f| f["measure"] == measure)
            .max_by_key(grave)
            .unwrap_or_else(|| panic!("{measure}: {all:?}"));
        (found["standing"].as_str().unwrap(), found["detail"].as_str().unwrap())
    }
}

#[test]
fn a_sound_vault_ends_with_two_for_what_is_weak_and_nothing_is_broken() {
    let place = Place::new();
    let report = place.doctor(&["--policy", POLICY]);
    assert_eq!((report.code, &report.json["failures"]), (2, &Value::from(0)));
    for measure in [
        "cipher self-test",
        "core dumps",
        "process memory",
        "freed memory",
        "data directory",
        "keyring file",
        "database file",
        "root key",
        "free space",
        "audit log",
        "vault",
        "store",
        "sealed rows",
        "clock",
        "policy file",
        "clients",
    ] {
        assert_eq!(report.of(measure).0, "ok", "{measure}: {}", report.of(measure).1);
    }
    assert_eq!(report.of("operators").0, "warn", "single-operator is visible, for good");
    for measure in ["locked key memory", "sandbox", "witnessed checkpoints", "backup"] {
        assert_eq!(report.of(measure).0, "absent");
    }
}

#[test]
fn beside_a_served_vault_it_sees_the_same_and_changes_nothing() {
    let vault = Vault::start();
    vault.contact(&vault.subject());
    let data = vault.data();
    let look = || report(&["doctor", "--json", "--data-dir", path(&data)]);
    let (first, second) = (look(), look());
    assert_eq!(first.code, 2);
    assert_eq!(first.of("audit log").1, second.of("audit log").1, "looking is no event");
    for measure in ["vault", "store", "sealed rows", "clock"] {
        assert_eq!(first.of(measure).0, "ok", "{measure}");
    }
    assert_eq!(first.of("kind").0, "warn", "a development vault");
    assert_eq!(first.of("root key").0, "warn", "beside the data");
    assert_eq!(vault.get("storefront", "/v1/whoami").status, 200);
    let (ok, text, _) = run(&["doctor", "--data-dir", path(&data)]);
    assert!(!ok && text.lines().any(|l| l.starts_with("warn  operators")), "{text}");
}

#[test]
fn files_that_others_may_read_or_that_are_not_a_pair_are_broken() {
    let place = Place::new();
    let mode = |file: &Path, mode: u32| {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for (file, measure) in [
        (place.data.clone(), "data directory"),
        (place.data.join("keyring"), "keyring file"),
        (place.data.join("vault.db"), "database file"),
        (place.data.join("index.db"), "other files"),
        (place.key.clone(), "root key"),
    ] {
        let before = std::fs::metadata(&file).unwrap().permissions().mode();
        mode(&file, before | 0o040);
        let report = place.doctor(&[]);
        assert_eq!((report.code, report.of(measure).0), (1, "fail"), "{measure}");
        mode(&file, before);
    }
    let other = Place::new();
    std::fs::copy(other.data.join("vault.db"), place.data.join("vault.db")).unwrap();
    let report = place.doctor(&[]);
    assert_eq!((report.code, report.of("vault").0), (1, "fail"), "{:?}", report.of("vault"));
    assert!(report.of("vault").1.contains("another vault"));
    std::fs::copy(&other.key, &place.key).unwrap();
    assert!(place.doctor(&[]).of("vault").1.contains("does not open"));
}

#[test]
fn a_ledger_of_erasures_that_is_missing_open_or_older_is_broken() {
    let place = Place::new();
    let ledger = place.data.join("erasures.log");
    assert_eq!(place.doctor(&[]).of("erasure ledger").0, "ok");
    std::fs::set_permissions(&ledger, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(place.doctor(&[]).of("erasure ledger").1.contains("chmod"));
    std::fs::remove_file(&ledger).unwrap();
    let report = place.doctor(&[]);
    assert_eq!((report.code, report.of("erasure ledger").0), (1, "fail"));
    assert!(report.of("erasure ledger").1.contains("missing"));
}

#[test]
fn i4_an_edited_row_shows_though_the_vault_is_never_opened() {
    let place = Place::new();
    let database = rusqlite::Connection::open(place.data.join("vault.db")).unwrap();
    // SQL: a test's own.
    let changed = database
        .execute("UPDATE controls SET body = CAST(body || x'00' AS BLOB) WHERE kind = 5", [])
        .unwrap();
    assert_eq!(changed, 1);
    drop(database);
    let report = place.doctor(&[]);
    assert_eq!((report.code, report.of("sealed rows").0, report.of("operators").0), (1, "fail", "fail"));
}

#[test]
fn a_policy_file_that_differs_is_told_and_one_that_is_not_there_is_an_error() {
    let place = Place::new();
    let other = place.data.join("../other.toml");
    std::fs::write(&other, "# another\n").unwrap();
    assert_eq!(place.doctor(&["--policy", path(&other)]).of("policy file").0, "warn");
    assert_eq!(place.doctor(&["--policy", "/nonexistent"]).of("policy file").0, "fail");
}

#[test]
fn settings_are_read_as_an_attacker_would() {
    let place = Place::new();
    let file = place.data.join("../strongroom.toml");
    let write = |more: &str| {
        let text = format!("data_dir = {:?}\nroot.path = {:?}\n{more}", place.data, place.key);
        std::fs::write(&file, text).unwrap();
        report(&["doctor", "--json", "--config", path(&file)])
    };
    let bare = write("");
    assert_eq!((bare.code, bare.of("TLS").0), (1, "fail"));
    assert_eq!((bare.of("traces").1, bare.of("limits").0, bare.of("root key").0), ("off", "ok", "ok"));
    let risky = write(
        "tls = { certificate = \"/nonexistent/c.pem\", key = \"/nonexistent/k.pem\" }\nlisten.address = \"0.0.0.0:8443\"\n\
         limits.failed_auth_per_ten_minutes = 1000000\nhttp.max_connections = 1048576\nlog.level = \"debug\"\n\
         [telemetry.traces]\nendpoint = \"http://127.0.0.1:4318/v1/traces\"",
    );
    for measure in ["host names", "limits", "file descriptors", "log level"] {
        assert_eq!(risky.of(measure).0, "warn", "{measure}");
    }
    assert!(risky.of("limits").1.contains("limits.failed_auth_per_ten_minutes"));
    assert!(risky.of("traces").1.contains("127.0.0.1:4318"));
    assert!(risky.of("TLS").1.contains("no such file"), "{}", risky.of("TLS").1);
    std::fs::write(&file, "data_dirr = 1\n[log]\nlevel = 1").unwrap();
    for args in [["config", "check", path(&file)], ["doctor", "--config", path(&file)]] {
        let (ok, _, err) = run(&args);
        assert!(!ok && err.contains("line 1: data_dirr: is not a setting; did you mean data_dir?"), "{err}");
        assert!(
            err.contains("line 3: log.level: write error, warn, info or debug"),
            "all faults at once: {err}"
        );
    }
    let (ok, out, _) =
        run(&["config", "check", concat!(env!("CARGO_MANIFEST_DIR"), "/config/strongroom.toml")]);
    assert!(ok && out.contains("no fault found"));
}

#[test]
fn a_name_that_is_none_is_an_error_that_says_what_was_meant() {
    let place = Place::new();
    let at = ["--data-dir", path(&place.data), "--root-key-file", path(&place.key)];
    let query = |more: &[&str]| run(&[&["audit", "query"], &at[..], more].concat());
    for (more, meant) in [
        (["--principal", "storefornt"], "did you mean storefront?"),
        (["--purpose", "biling"], "did you mean billing?"),
        (["--act", "detokenise"], "did you mean detokenize?"),
        (["--outcome", "denid"], "did you mean denied?"),
    ] {
        let (ok, out, err) = query(&more);
        assert!(!ok && out.is_empty() && err.contains(meant), "{more:?}: {err}");
    }
    for more in [
        ["--principal", "storefront"],
        ["--purpose", "billing"],
        ["--principal", "local:0"],
        ["--principal", "vault"],
    ] {
        assert!(query(&more).0, "{more:?}: a known name that did nothing yet is no error");
    }
    let (ok, _, err) = run(&[&["client", "activate"], &at[..], &["storefornt"]].concat());
    assert!(!ok && err.contains("did you mean storefront?"), "{err}");
    let explain = |client: &str, purpose: &str, field: &str| {
        run(&["policy", "explain", POLICY, "--client", client, "--purpose", purpose, "--field", field])
    };
    for (asked, meant) in [
        (explain("biling", "billing", "contact.email"), "did you mean billing?"),
        (explain("billing", "biling", "contact.email"), "did you mean billing?"),
        (explain("billing", "billing", "contct.email"), "did you mean contact?"),
        (explain("billing", "billing", "contact.emial"), "did you mean email?"),
        (explain("billing", "billing", "contact"), "write one of"),
    ] {
        assert!(!asked.0 && asked.2.contains(meant), "{}", asked.2);
    }
    assert!(explain("billing", "billing", "contact.email").0);
}
