//! A29, A46: keys that are not this vault's, and key files that are not as they must be. The vault stays closed, says what to
//! do, ends with a code other than 0, and never repeats a byte of a key.

use super::estate::{Estate, copied, quick_dir, sql};
use crate::vault::{Vault, binary, path, run};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Runs a command that must end by itself, badly, soon.
#[track_caller]
pub(super) fn refused(args: &[&str]) -> String {
    let mut child = Command::new(binary())
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("{args:?} neither ends nor refuses");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let out = child.wait_with_output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(!out.status.success(), "{args:?}: {said}");
    assert!(out.status.code().is_some(), "ended by a signal: {said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// Everything that opens a vault or its log refuses this one.
#[track_caller]
fn stays_closed(data: &Path) -> String {
    opens_nothing(data) + &refused(&["audit", "tail", "--data-dir", path(data)])
}

/// Everything that opens a vault refuses this one.
#[track_caller]
fn opens_nothing(data: &Path) -> String {
    let credentials = data.with_extension("credentials");
    let _ = std::fs::remove_file(&credentials);
    let dir = path(data);
    let mut said = refused(&["client", "list", "--data-dir", dir]);
    said += &refused(&[
        "dev",
        "--data-dir",
        dir,
        "--listen",
        "127.0.0.1:0",
        "--credentials-out",
        path(&credentials),
    ]);
    let (_, report, _) = run(&["doctor", "--json", "--data-dir", dir]);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_ne!(report["failures"], 0);
    assert!(!credentials.exists(), "no key was made for a vault that does not open");
    said + &report.to_string()
}

/// P2, P10: another vault's keyring, an old one of a lost root, another root key: sealed, and nothing is changed.
#[test]
fn a29_a_key_that_was_put_in_anothers_place_opens_nothing() {
    let [(ours, _), (other, _)] = [(); 2].map(|()| Estate::new().rest());
    for parts in [&["keyring"][..], &["root.key"][..], &["keyring", "root.key"][..]] {
        let (_copy, data) = copied(&ours);
        for part in parts {
            std::fs::copy(other.path().join("data").join(part), data.join(part)).unwrap();
        }
        let before = std::fs::read(data.join("vault.db")).unwrap();
        stays_closed(&data);
        assert!(std::fs::read(data.join("vault.db")).unwrap() == before, "nothing was written: {parts:?}");
    }
    // Our keys over another vault's database, also when it was made to say that it is ours.
    let (_copy, data) = copied(&ours);
    for part in ["vault.db", "index.db", "erasures.log"] {
        std::fs::copy(other.path().join("data").join(part), data.join(part)).unwrap();
    }
    stays_closed(&data);
    let mine = ours.path().join("data/vault.db");
    sql(
        &data,
        &format!(
            "ATTACH '{}' AS mine; UPDATE meta SET v = (SELECT m.v FROM mine.meta m WHERE m.k = 'vault_id') WHERE k = 'vault_id'",
            mine.display()
        ),
    );
    // The log is no secret under any key, and its chain is whole: it may be looked at.
    opens_nothing(&data);
    // The sealed key of one record over another's is among the swaps (A24).
}

/// Every file a vault rests on; SQLite makes its shared memory anew for whoever only looks.
fn contents(data: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = std::fs::read_dir(data)
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .filter(|(name, _)| name != "vault.db-shm")
        .collect();
    all.sort();
    all
}

/// P2, P10: a write-ahead log of another vault or of another time beside the database, or another vault's keys over a log
/// that was not yet carried over: refused, and every file is left byte for byte as it was.
#[test]
fn a29_a_refusal_leaves_every_file_as_it_was() {
    let [(ours, killed), (_, other)] = [(); 2].map(|()| {
        let vault = Vault::start_in(quick_dir(), &[]);
        vault.contact(&vault.subject());
        let dir = vault.kill();
        let (copy, data) = copied(&dir);
        assert!(
            std::fs::metadata(data.join("vault.db-wal")).unwrap().len() > 0,
            "it has a log to carry over"
        );
        (Vault::start_in(dir, &[]).stop(), copy)
    });
    type Spoil<'a> = (&'a str, &'a TempDir, &'a TempDir, &'a [&'a str]);
    let cases: [Spoil<'_>; 4] = [
        ("another vault's log", &ours, &other, &["vault.db-wal"]),
        ("an older log of its own", &ours, &killed, &["vault.db-wal"]),
        ("another vault's keys over a log", &killed, &other, &["keyring", "root.key"]),
        ("another vault's database under a log", &killed, &other, &["vault.db"]),
    ];
    for (what, base, from, parts) in cases {
        let (_copy, data) = copied(base);
        for part in parts {
            std::fs::copy(from.path().join("data").join(part), data.join(part)).unwrap();
        }
        let before = contents(&data);
        let said = stays_closed(&data);
        let after = contents(&data);
        let changed: Vec<_> = before.iter().zip(&after).filter(|(a, b)| a != b).map(|(a, _)| &a.0).collect();
        assert!(before == after, "{what}: {changed:?} {said}");
    }
}

/// P10: a root key or keyring that is missing, empty, short, long, open to others, a link, a pipe or a directory.
#[test]
fn a46_a_key_file_that_is_not_as_it_must_be_is_refused_and_none_of_it_is_told() {
    let (dir, _) = Estate::new().rest();
    let key = std::fs::read_to_string(dir.path().join("data/root.key")).unwrap();
    let (label, secret) = key.trim_end().split_once(':').unwrap();
    type Spoil = Box<dyn Fn(&Path)>;
    let write = |text: String| -> Spoil { Box::new(move |at| std::fs::write(at, &text).unwrap()) };
    let mode = |bits: u32| -> Spoil {
        Box::new(move |at| std::fs::set_permissions(at, std::fs::Permissions::from_mode(bits)).unwrap())
    };
    let replace = |make: fn(&Path, &Path)| -> Spoil {
        Box::new(move |at| {
            let aside = at.with_extension("aside");
            std::fs::rename(at, &aside).unwrap();
            make(at, &aside);
        })
    };
    let both: Vec<(&str, Spoil)> = vec![
        ("missing", replace(|_, _| {})),
        ("a link", replace(|at, aside| std::os::unix::fs::symlink(aside, at).unwrap())),
        (
            "a pipe",
            replace(|at, _| assert!(Command::new("mkfifo").arg("-m600").arg(at).status().unwrap().success())),
        ),
        ("a directory", replace(|at, _| std::fs::create_dir(at).unwrap())),
        ("a device", replace(|at, _| std::os::unix::fs::symlink("/dev/zero", at).unwrap())),
        ("empty", write(String::new())),
        ("long", write("A".repeat(1 << 20))),
        ("readable by all", mode(0o644)),
        ("readable by the group", mode(0o640)),
        ("writable by others", mode(0o602)),
    ];
    let root: Vec<(&str, Spoil)> = vec![
        ("short", write(format!("{label}:{}\n", &secret[..42]))),
        ("longer by one", write(format!("{label}:{secret}A\n"))),
        ("without its label", write(format!("{secret}\n"))),
        ("all zeros", write(format!("{label}:{}\n", "A".repeat(43)))),
        ("twice", write(format!("{label}:{secret}\n{label}:{secret}\n"))),
    ];
    let cases = both.iter().flat_map(|case| [("root.key", case), ("keyring", case)]);
    for (file, (how, spoil)) in cases.chain(root.iter().map(|case| ("root.key", case))) {
        let (_copy, data) = copied(&dir);
        let at = data.join(file);
        spoil(&at);
        // A keyring that is missing beside a database is no reason for `dev` to make a new vault.
        let said = stays_closed(&data);
        assert!(said.contains(file) || said.contains("keyring"), "{file} {how}: it says which file: {said}");
        for part in 0..secret.len() - 8 {
            assert!(
                !said.contains(&secret[part..part + 8]),
                "{file} {how}: a part of the key is told: {said}"
            );
        }
    }
    assert!(run(&["client", "list", "--data-dir", path(&dir.path().join("data"))]).0, "the whole one opens");
}

/// P10: there is no default key and no default password: a served vault needs its own, and a wrong passphrase opens nothing.
#[test]
fn a46_there_is_no_key_but_the_vaults_own() {
    let dir = quick_dir();
    let phrase = dir.path().join("phrase");
    std::fs::write(&phrase, "correct horse battery staple of ours\n").unwrap();
    std::fs::set_permissions(&phrase, std::fs::Permissions::from_mode(0o600)).unwrap();
    let data = dir.path().join("d");
    let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/config/policy.toml");
    let base = ["--data-dir", path(&data), "--root-passphrase-file", path(&phrase)];
    let (ok, _, err) = run(&[&["init"], &base[..], &["--policy", policy, "--single-operator"]].concat());
    assert!(ok, "{err}");
    assert!(run(&[&["client", "list"], &base[..]].concat()).0);
    for wrong in ["correct horse battery staple of theirs", "", "strongroom", "admin", "changeme"] {
        std::fs::write(&phrase, format!("{wrong}\n")).unwrap();
        let said = refused(&[&["client", "list"], &base[..]].concat());
        assert!(wrong.is_empty() || wrong == "strongroom" || !said.contains(wrong), "{said}");
    }
    refused(&["client", "list", "--data-dir", path(&data)]);
}
