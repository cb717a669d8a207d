//! A48: a vault that is being made, or whose schema is being brought up, killed at each of its steps; and databases of other
//! releases. What is there afterwards is a whole vault or none.

use super::estate::{copied, doctor_fails, quick_dir, sql};
use crate::vault::{Vault, binary, path, run};
use std::path::Path;
use std::process::Command;

const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/policy.toml");

fn init(data: &Path) -> Vec<String> {
    ["init", "--data-dir", path(data), "--policy", POLICY, "--single-operator"].map(str::to_owned).into()
}

/// The steps that change what lies on the disk, by system call.
const STEPS: [&str; 5] = ["fdatasync", "fsync", "rename", "ftruncate", "pwrite64"];

/// P7: killed at the k-th write, sync or rename of `init`: what is left opens as a whole vault, or `init` can be run again
/// once what it says is in the way is moved; never a half-made one.
#[test]
fn a48_a_vault_killed_at_each_step_of_its_making_is_whole_or_none() {
    if !Path::new("/usr/bin/strace").exists() {
        println!("no strace here");
        return;
    }
    let (mut killed, mut whole) = (0, 0);
    for step in STEPS {
        let most = if super::flips::long() { 200 } else { 6 };
        // Writes are many: they are met at every fifth, or each in the long form.
        let stride = if step == "pwrite64" && !super::flips::long() { 7 } else { 1 };
        for k in (0..most).map(|n| 1 + n * stride) {
            let dir = quick_dir();
            let data = dir.path().join("d");
            let inject = format!("inject={step}:signal=KILL:when={k}");
            let mut command = Command::new("strace");
            command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={step}"), "-e", &inject]);
            let status = command.arg(binary()).args(init(&data)).output().unwrap().status;
            if status.success() {
                break;
            }
            killed += 1;
            let list = ["client", "list", "--data-dir", path(&data)];
            let (opens, _, err) = run(&list);
            assert!(!err.contains("panicked"), "{step} {k}: {err}");
            if opens {
                whole += 1;
                assert!(
                    !doctor_fails(&data),
                    "{step} {k}: {}",
                    run(&["doctor", "--data-dir", path(&data)]).1
                );
                continue;
            }
            // Not there: nothing serves it, and making it again succeeds, at once or after the leavings are moved away.
            let args = init(&data);
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let (made, _, err) = run(&args);
            if !made {
                assert!(!err.contains("panicked") && err.len() > 10, "{step} {k}: {err}");
                std::fs::rename(&data, dir.path().join("aside")).unwrap();
                assert!(run(&args).0, "{step} {k}");
            }
            assert!(run(&list).0, "{step} {k}: the new one opens");
        }
    }
    println!("killed at {killed} steps, {whole} of them left a whole vault");
    assert!(killed > 10, "{killed}");
}

/// P7: the same for the start of a vault that is there: what was acknowledged stays, whatever the start was doing.
#[test]
fn a48_a_start_killed_at_each_step_loses_nothing() {
    if !Path::new("/usr/bin/strace").exists() {
        println!("no strace here");
        return;
    }
    let vault = Vault::start_in(quick_dir(), &[]);
    let subject = vault.subject();
    vault.contact(&subject);
    let dir = vault.kill();
    let mut killed = 0;
    for step in STEPS {
        for k in 1..=(if super::flips::long() { 40 } else { 4 }) {
            let (_copy, data) = copied(&dir);
            let inject = format!("inject={step}:signal=KILL:when={k}");
            let mut command = Command::new("strace");
            command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={step}"), "-e", &inject]);
            let activate = ["client", "suspend", "--data-dir", path(&data), "mailer"];
            if command.arg(binary()).args(activate).output().unwrap().status.success() {
                break;
            }
            killed += 1;
            assert!(run(&["client", "list", "--data-dir", path(&data)]).0, "{step} {k}: it opens");
            assert!(!doctor_fails(&data), "{step} {k}: {}", run(&["doctor", "--data-dir", path(&data)]).1);
            let db = rusqlite::Connection::open(data.join("vault.db")).unwrap();
            let count: i64 = db.query_row("SELECT count(*) FROM records", [], |row| row.get(0)).unwrap();
            assert_eq!(count, 1, "{step} {k}");
        }
    }
    assert!(killed > 5, "{killed}");
}

/// P10: a database of a newer release, of none, or of another program is not touched.
#[test]
fn a48_a_database_of_another_release_is_refused_and_left_as_it_is() {
    let dir = Vault::start_in(quick_dir(), &[]).stop();
    type Spoil<'a> = (&'a str, Box<dyn Fn(&Path)>);
    let by = |statements: &'static str| -> Box<dyn Fn(&Path)> { Box::new(move |data| sql(data, statements)) };
    let write = |bytes: Vec<u8>| -> Box<dyn Fn(&Path)> {
        Box::new(move |data| std::fs::write(data.join("vault.db"), &bytes).unwrap())
    };
    let spoils: [Spoil<'_>; 6] = [
        ("a newer schema", by("INSERT INTO migrations VALUES(2, zeroblob(32), 0); CREATE TABLE newer(x)")),
        ("an altered migration", by("UPDATE migrations SET sha256 = zeroblob(32)")),
        ("half of a migration", by("DROP TABLE idempotency")),
        ("without its list", by("DROP TABLE migrations")),
        ("empty", write(Vec::new())),
        ("no database", write(b"this is no database, but long enough to be read as one".repeat(100))),
    ];
    for (what, spoil) in spoils {
        let (_copy, data) = copied(&dir);
        spoil(&data);
        let tables = |data: &Path| {
            let db = rusqlite::Connection::open(data.join("vault.db")).unwrap();
            db.query_row("SELECT count(*) FROM records", [], |row| row.get::<_, i64>(0)).ok()
        };
        let before = tables(&data);
        for _ in 0..2 {
            let (ok, _, err) = run(&["client", "list", "--data-dir", path(&data)]);
            assert!(!ok && !err.contains("panicked"), "{what}: {err}");
        }
        assert!(before.is_none() || tables(&data) == before, "{what}");
    }
}
