//! The database under a running vault: deleted under load (kubernetes#111208), held open by a long reader, rid of what was
//! erased (`secure_delete` does not reach the write-ahead log); and the library past the race of that log with its reset
//! (SQLite 3.7.0 to 3.51.2). Also imports that would not end (OpenBao's CVE-2026-39396: unpacked before it was checked).

use super::estate::{quick_dir, sql};
use crate::caller::{Client, at};
use crate::client::Session;
use crate::served::Plan;
use crate::vault::{Vault, binary, path, run};
use serde_json::json;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn until(what: &str, within: Duration, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + within;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// P1, P10: a log (it lies in the database) that is deleted or replaced under load is missed at once: no write is
/// acknowledged and no value is shown any more, and the alert is up within seconds.
#[test]
fn l35_a_log_deleted_under_load_stops_every_answer_and_raises_the_alert() {
    for (file, replaced) in [("vault.db", false), ("vault.db-wal", false), ("vault.db", true)] {
        let vault = Vault::start_in(quick_dir(), &[]);
        let mut shop = Client::of(&vault, "storefront");
        let (_, stored) = shop.ada();
        let reveal = json!({"purpose": "order_fulfilment", "tokens": [stored["tokens"]["name"]]}).to_string();
        let gone = AtomicBool::new(false);
        let after: Vec<(u16, bool)> = std::thread::scope(|scope| {
            let load: Vec<_> = (0..4)
                .map(|n| {
                    let (vault, gone, reveal) = (&vault, &gone, &reveal);
                    scope.spawn(move || {
                        let mut session = Session::new(&vault.target, vault.key("storefront"));
                        let mut answers = Vec::new();
                        let deadline = Instant::now() + Duration::from_secs(20);
                        while answers.len() < 50 && Instant::now() < deadline {
                            // Only what was asked after the file was gone counts.
                            let counts = gone.load(Ordering::SeqCst);
                            let asked = if n % 2 == 0 {
                                session.try_call("POST", "/v1/detokenize", Some(reveal))
                            } else {
                                let body = r#"{"region":"DE","age_attested":true}"#;
                                session.try_call("POST", "/v1/subjects", Some(body))
                            };
                            let Ok(answer) = asked else {
                                session = Session::new(&vault.target, vault.key("storefront"));
                                continue;
                            };
                            if counts {
                                let value = String::from_utf8_lossy(&answer.body).contains("Ada");
                                answers.push((answer.status, value));
                            }
                        }
                        answers
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(300));
            let (file, copy) = (vault.data().join(file), vault.data().join("copy"));
            if replaced {
                std::fs::copy(&file, &copy).unwrap();
                std::fs::rename(&copy, &file).unwrap();
            } else {
                std::fs::remove_file(&file).unwrap();
            }
            gone.store(true, Ordering::SeqCst);
            load.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(after.len(), 200, "{file}: it answered");
        assert!(after.iter().all(|(status, value)| *status == 503 && !value), "{file}: {after:?}");
        until("the alert", Duration::from_secs(10), || {
            vault.metrics().lines().any(|l| l == "strongroom_alert{alert=\"store_replaced\"} 1")
        });
        let ready = vault.target.send("GET", "/ready", None, None);
        assert_eq!((ready.status, ready.json()["state"].as_str()), (503, Some("store_replaced")));
    }
}

/// P7: the library is one whose write-ahead log does not lose commits, whatever the system has installed.
#[test]
fn s2_the_linked_sqlite_is_past_the_race_of_the_write_ahead_log() {
    assert!(rusqlite::version_number() >= 3_053_000, "{}", rusqlite::version());
    let vault = Vault::start_in(quick_dir(), &[]);
    let (_, report, _) = run(&["doctor", "--json", "--data-dir", path(&vault.data())]);
    let version = report.split("SQLite ").nth(1).unwrap().split(',').next().unwrap();
    let parts: Vec<u32> = version.split('.').map(|p| p.parse().unwrap()).collect();
    assert!(parts[0] == 3 && parts[1] >= 53, "{version}");
    let db = rusqlite::Connection::open(vault.data().join("vault.db")).unwrap();
    let mode: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    drop(db);
    // Set back to a journal that leaves copies behind by another hand: the next start puts it right.
    let dir = vault.stop();
    let data = dir.path().join("data");
    sql(&data, "PRAGMA journal_mode = DELETE");
    let vault = Vault::start_in(dir, &[]);
    let db = rusqlite::Connection::open(vault.data().join("vault.db")).unwrap();
    let mode: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

/// P10: a schema with anything in it that runs by itself, or points elsewhere, is not opened.
#[test]
fn s2_a_planted_trigger_view_index_or_column_is_refused() {
    let dir = Vault::start_in(quick_dir(), &[]).stop();
    for planted in [
        "CREATE TRIGGER t AFTER INSERT ON audit BEGIN DELETE FROM keys; END",
        "CREATE VIEW v AS SELECT * FROM keys",
        "CREATE INDEX i ON keys(kek)",
        "CREATE TABLE more(x)",
        "ALTER TABLE keys ADD COLUMN more BLOB",
        "DROP INDEX records_subject",
        "DROP TABLE limits",
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'seal BLOB NOT NULL', 'seal BLOB') WHERE name = 'subjects'",
    ] {
        let (_copy, data) = super::estate::copied(&dir);
        sql(&data, planted);
        let (ok, _, err) = run(&["client", "list", "--data-dir", path(&data)]);
        assert!(!ok && !err.contains("panicked"), "{planted}: {err}");
    }
}

/// P18: what was erased is in no file of the vault once the answer has left, though the process dies at once.
#[test]
fn s2_an_erased_record_is_in_no_file_also_after_a_kill() {
    let vault = Vault::start_in(quick_dir(), &[]);
    let mut shop = Client::of(&vault, "storefront");
    let subject = shop.subject();
    let stored =
        shop.record(&subject, "contact", json!({"name": "Ada Lovelace", "email": "gone@example.org"}));
    shop.ada();
    let wanted: Vec<Vec<u8>> = {
        let db = rusqlite::Connection::open(vault.data().join("vault.db")).unwrap();
        let one = |sql: &str| db.query_row(sql, [], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        // The wrapped key, and the tail of the sealed fields, which no other row repeats.
        let sealed = one("SELECT sealed FROM records ORDER BY locator LIMIT 1");
        vec![one("SELECT wrapped FROM keys ORDER BY locator LIMIT 1"), sealed[sealed.len() - 48..].to_vec()]
    };
    let holds = |data: &std::path::Path| {
        let names = ["vault.db", "vault.db-wal", "vault.db-shm", "index.db", "index.db-wal", "erasures.log"];
        let all = names.map(|name| std::fs::read(data.join(name)).unwrap_or_default());
        wanted
            .iter()
            .filter(|w| all.iter().any(|file| file.windows(w.len()).any(|part| part == &w[..])))
            .count()
    };
    assert_eq!(holds(&vault.data()), 2, "they are there before");
    shop.send(("DELETE", &at(&stored)), &[], None).is(200);
    let dir = vault.kill();
    assert_eq!(holds(&dir.path().join("data")), 0, "the key or the ciphertext is still there");
}

/// P10: the write-ahead log stays small under load; a foreign reader that holds it open is told of, and it shrinks again
/// when that one leaves. The vault serves all the while.
#[test]
fn s2_the_write_ahead_log_is_bounded_and_its_growth_is_told() {
    let mut plan = Plan::new();
    plan.more = "[alerts]\nmax_wal_mb = 8\nmin_free_mb = 1\n".to_owned();
    let served = plan.serve();
    let wal = served.dir.path().join("d/vault.db-wal");
    let size = || std::fs::metadata(&wal).map_or(0, |facts| facts.len());
    let mut shop = Client::new(served.target.clone(), served.key("storefront"));
    // New rows only: a change destroys a key, and is not answered while a reader still holds it in the log.
    let write = |shop: &mut Client, count: usize| {
        let (subject, _) = shop.ada();
        for n in 0..count {
            shop.record(&subject, "contact", json!({"name": format!("Ada {n}")}));
        }
    };
    write(&mut shop, 600);
    let most = size();
    assert!(most < 24 << 20, "{most} bytes with no reader but the vault's own");
    let db = rusqlite::Connection::open(served.dir.path().join("d/vault.db")).unwrap();
    db.execute_batch("BEGIN").unwrap();
    let count =
        |db: &rusqlite::Connection| db.query_row("SELECT count(*) FROM audit", [], |r| r.get::<_, i64>(0));
    let seen = count(&db).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while size() < 9 << 20 {
        write(&mut shop, 50);
        assert!(Instant::now() < deadline, "the log does not grow: {} bytes", size());
    }
    served.until("the growth is told", Duration::from_secs(15), || {
        served.metrics().lines().any(|l| l == "strongroom_alert{alert=\"wal_growth\"} 1")
    });
    assert_eq!(count(&db).unwrap(), seen, "the reader still holds its moment");
    db.execute_batch("COMMIT").unwrap();
    drop(db);
    // A change destroys a key, and so empties the log.
    let (_, stored) = shop.ada();
    let name = json!({"purpose": "order_fulfilment", "fields": {"name": "Ada King"}});
    shop.patch(&at(&stored), name).is(200);
    served.until("the log shrinks", Duration::from_secs(30), || size() < 8 << 20);
    served.until("the alert is taken back", Duration::from_secs(15), || {
        served.metrics().lines().any(|l| l == "strongroom_alert{alert=\"wal_growth\"} 0")
    });
}

/// P10: a file to be imported that never ends in a line, or hides a whale behind a small one, stops at the cap: in bounded
/// memory and time, with the line named, before anything of it is stored.
#[test]
fn l09_an_import_of_a_bomb_stops_at_the_cap() {
    const MAPPING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/sample/import-people.toml");
    let vault = Vault::start_in(quick_dir(), &[]);
    let data = vault.data();
    let header = "rec_id, given_name, surname, street_number, address_1, address_2, suburb, postcode, state, date_of_birth, soc_sec_id\n";
    let bombs: [(&str, Vec<u8>, u64); 4] = [
        ("zeros.csv", header.as_bytes().to_vec(), 4 << 30),
        ("header.csv", b"a".repeat(2 << 20), 4 << 30),
        ("quote.csv", [header.as_bytes(), b"1,\"", &b"x".repeat(8 << 20)].concat(), 4 << 30),
        ("columns.csv", b"c,".repeat(200_000), 0),
    ];
    for (name, start, length) in bombs {
        let file = vault.dir.path().join(name);
        std::fs::write(&file, start).unwrap();
        if length > 0 {
            // A sparse file: gigabytes of zeros that take no room.
            std::fs::File::options().write(true).open(&file).unwrap().set_len(length).unwrap();
        }
        let begun = Instant::now();
        let (rejects, tokens) = (
            vault.dir.path().join(format!("{name}.rejects")),
            vault.dir.path().join(format!("{name}.tokens")),
        );
        let child = Command::new("sh")
            .args(["-c", "ulimit -v 4194304; exec \"$@\"", "sh"])
            .arg(binary())
            .args([
                "import",
                path(&file),
                "--map",
                MAPPING,
                "--data-dir",
                path(&data),
                "--rejects",
                path(&rejects),
                "--tokens-out",
                path(&tokens),
            ])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let told =
            format!("{}{}", String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
        assert!(!child.status.success() && child.status.code().is_some(), "{name}: {told}");
        assert!(!told.contains("panicked") && !told.contains("memory allocation"), "{name}: {told}");
        assert!(begun.elapsed() < Duration::from_secs(60), "{name}: {:?}", begun.elapsed());
        assert!(told.len() < 65_536, "{name}: it tells {} bytes", told.len());
        for made in [rejects, tokens] {
            assert!(
                std::fs::metadata(made).map_or(0, |facts| facts.len()) < 16 << 20,
                "{name}: outputs are bounded"
            );
        }
        let _ = std::fs::remove_file(&file);
    }
    let db = rusqlite::Connection::open(data.join("vault.db")).unwrap();
    let records: i64 = db.query_row("SELECT count(*) FROM records", [], |row| row.get(0)).unwrap();
    assert_eq!(records, 0);
}

/// P10: nothing a caller sends can name a file, a socket, a command or an address of the machine: no request of the API has
/// a place for one.
#[test]
fn l27_no_request_has_a_place_for_a_path_or_a_command() {
    let (ok, text, err) = run(&["openapi"]);
    assert!(ok, "{err}");
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut names = Vec::new();
    let methods =
        document["paths"].as_object().unwrap().values().flat_map(|p| p.as_object().unwrap().values());
    for operation in methods {
        properties(&document, &operation["requestBody"], &mut names);
        let places = operation["parameters"].as_array().into_iter().flatten();
        names.extend(places.filter_map(|place| Some(place["name"].as_str()?.to_owned())));
    }
    assert!(names.len() > 40, "{names:?}");
    let forbidden = [
        "path",
        "file",
        "dir",
        "directory",
        "command",
        "socket",
        "url",
        "uri",
        "host",
        "address_of",
        "listen",
        "plugin",
        "module",
    ];
    for name in &names {
        assert!(!forbidden.contains(&name.as_str()), "a request has a member {name}");
    }
    let vault = Vault::start_in(quick_dir(), &[]);
    let mut shop = Client::of(&vault, "storefront");
    let (subject, _) = shop.ada();
    for extra in ["data_dir", "path", "file", "command", "$ref"] {
        let mut body = json!({"subject": subject, "collection": "contact", "purpose": "order_fulfilment", "fields": {"name": "x"}});
        body[extra] = json!("/etc/passwd");
        shop.post("/v1/records", body).is(400);
    }
}

/// Names of all members of objects below a schema and what it refers to.
fn properties(document: &serde_json::Value, schema: &serde_json::Value, names: &mut Vec<String>) {
    match schema {
        serde_json::Value::Object(map) => {
            if let Some(at) = map.get("$ref").and_then(|at| at.as_str()) {
                let referred = document.pointer(at.trim_start_matches('#'));
                properties(document, referred.unwrap_or_else(|| panic!("{at} leads nowhere")), names);
            }
            if let Some(serde_json::Value::Object(members)) = map.get("properties") {
                names.extend(members.keys().cloned());
            }
            map.values().for_each(|value| properties(document, value, names));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|value| properties(document, value, names)),
        _ => {}
    }
}
