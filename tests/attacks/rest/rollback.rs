//! A25, A55: old states put back. One row, a row with its key, the database, the database with its keyring, and a database
//! from before an erasure. What holds in this release is shown here; what does not is said in `SECURITY.md`.

use super::estate::{Estate, audit_holds, copied, doctor_fails, quick_dir, sql};
use crate::caller::{Client, at};
use crate::vault::{Vault, path, run};
use serde_json::{Value, json};
use std::path::Path;

/// Puts rows of an older copy of the database over those of the present one.
fn put_back(data: &Path, older: &Path, tables: &[&str]) {
    let old = older.join("vault.db");
    let mut all = format!("ATTACH '{}' AS old;", old.display());
    for table in tables {
        all += &format!("INSERT OR REPLACE INTO main.{table} SELECT * FROM old.{table};");
    }
    sql(data, &all);
}

fn doctor_names(data: &Path, what: &str) -> bool {
    let (_, report, _) = run(&["doctor", "--json", "--data-dir", path(data)]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let rows = report["findings"].as_array().unwrap().iter().find(|f| f["measure"] == "rows and log");
    let rows = rows.unwrap();
    rows["standing"] == "fail" && rows["detail"].as_str().unwrap().contains(what)
}

struct Person {
    subject: String,
    stored: Value,
}

/// A vault, an older copy of it, and what was changed since: a phone number taken out, a consent withdrawn, a grant used up.
fn changed_since() -> (tempfile::TempDir, tempfile::TempDir, Person, Value) {
    let vault = Vault::start_in(quick_dir(), &[]);
    let mut shop = Client::of(&vault, "storefront");
    let (subject, stored) = shop.ada();
    shop.consent(&subject, "newsletter", true);
    let grant = json!({"record": stored["record"], "fields": ["email"], "uses": 1});
    let grant = shop.post("/v1/tokens", grant).is(201).json()["tokens"]["email"].clone();
    let dir = vault.stop();
    let (old, _) = copied(&dir);
    let vault = Vault::start_in(dir, &[]);
    let mut shop = Client::of(&vault, "storefront");
    shop.patch(&at(&stored), json!({"purpose": "order_fulfilment", "fields": {"phone": null}})).is(200);
    shop.consent(&subject, "newsletter", false);
    assert_eq!(shop.swap("order_fulfilment", &[&grant])[0]["value"], "ada@example.org");
    (vault.stop(), old, Person { subject, stored }, grant)
}

/// P2: an old row without its key opens nothing, at once; with its key `doctor` names it, as it does an old consent or a
/// spent use.
#[test]
fn a25_old_rows_are_refused_at_use_or_named_by_doctor() {
    let (dir, old, person, grant) = changed_since();
    let old = old.path().join("data");
    let phone = &person.stored["tokens"]["phone"];
    assert!(!doctor_fails(&dir.path().join("data")));
    // The row alone: its data key was destroyed with the version.
    let (copy, data) = copied(&dir);
    put_back(&data, &old, &["records"]);
    assert!(doctor_names(&data, person.stored["record"].as_str().unwrap()));
    let vault = Vault::start_in(copy, &[]);
    let mut shop = Client::of(&vault, "storefront");
    assert_eq!(shop.swap("order_fulfilment", &[phone])[0]["error"]["code"], "not_found");
    let metrics = vault.metrics();
    assert!(metrics.contains("\nstrongroom_integrity_failures_total 1\n"), "it was met, and told");
    // With its key, as with any row whose seal is an old but genuine one, only the log knows better.
    for (tables, named) in [
        (&["records", "keys"][..], person.stored["record"].as_str().unwrap()),
        (&["subjects"][..], &person.subject[..]),
        (&["grants"][..], "a grant of record"),
        (&["controls"][..], "a client's key"),
    ] {
        let (_copy, data) = copied(&dir);
        put_back(&data, &old, tables);
        assert!(doctor_names(&data, named), "{tables:?}");
        assert!(doctor_names(&data, "older than event"), "{tables:?}");
        assert!(audit_holds(&data), "the log itself is untouched");
    }
    let _ = grant;
}

/// P2: `doctor` names them also beside the process that serves them, and finds nothing in a vault that is only busy.
#[test]
fn a25_doctor_names_old_rows_under_a_running_vault_and_nothing_in_a_busy_one() {
    let estate = Estate::new();
    let data = estate.vault.data();
    let busy = std::sync::atomic::AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut shop = Client::of(&estate.vault, "storefront");
            let (_, stored) = shop.ada();
            for n in 0.. {
                if !busy.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                let name = json!({"purpose": "order_fulfilment", "fields": {"name": format!("Ada {n}")}});
                shop.patch(&at(&stored), name).is(200);
            }
        });
        for _ in 0..10 {
            let fails = doctor_fails(&data);
            if fails {
                busy.store(false, std::sync::atomic::Ordering::Relaxed);
            }
            assert!(!fails, "{}", run(&["doctor", "--data-dir", path(&data)]).1);
        }
        busy.store(false, std::sync::atomic::Ordering::Relaxed);
    });
    let mut shop = Client::of(&estate.vault, "storefront");
    let (subject, _) = shop.ada();
    let db = rusqlite::Connection::open(data.join("vault.db")).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    db.execute_batch("CREATE TEMP TABLE old AS SELECT * FROM subjects").unwrap();
    shop.consent(&subject, "newsletter", true);
    db.execute_batch("INSERT OR REPLACE INTO subjects SELECT * FROM old").unwrap();
    assert!(doctor_names(&data, &subject));
}

/// P3, as far as it holds: an older database, also with the keyring of its time, is found by the checkpoint that a client
/// kept, offline and from the first request on; without one it is not (SECURITY.md says so).
#[test]
fn a25_an_older_database_is_found_by_the_checkpoint_a_client_kept() {
    let vault = Vault::start_in(quick_dir(), &[]);
    let mut shop = Client::of(&vault, "storefront");
    shop.ada();
    let dir = vault.stop();
    let (old, _) = copied(&dir);
    let vault = Vault::start_in(dir, &[]);
    let mut shop = Client::of(&vault, "storefront");
    shop.ada();
    let kept = shop.get("/v1/whoami").header("strongroom-checkpoint").unwrap().to_owned();
    drop(vault.stop());
    let data = old.path().join("data");
    assert!(audit_holds(&data) && !doctor_fails(&data), "an old vault is a whole vault");
    let (ok, _, err) = run(&["audit", "verify", "--data-dir", path(&data), "--checkpoint", &kept]);
    assert!(!ok && err.contains("truncated"), "{err}");
    let vault = Vault::start_in(old, &[]);
    let mut shop = Client::of(&vault, "storefront");
    // The old log goes on and becomes longer than the one that was kept; it still is another.
    for _ in 0..40 {
        let seen = shop.send(("GET", "/v1/whoami"), &[("Strongroom-Checkpoint", &kept)], None);
        seen.refused(503, "rollback_suspected");
    }
}

/// P3: half of a vault put back is refused by the other half.
#[test]
fn a25_a_keyring_or_database_of_another_time_does_not_lose_what_was_written_since() {
    let (dir, old, person, _) = changed_since();
    let old = old.path().join("data");
    // The old keyring over the new database: its keys are the same; nothing is given out twice, what was stored opens.
    let (copy, data) = copied(&dir);
    std::fs::copy(old.join("keyring"), data.join("keyring")).unwrap();
    let vault = Vault::start_in(copy, &[]);
    let mut shop = Client::of(&vault, "storefront");
    assert_eq!(
        shop.swap("order_fulfilment", &[&person.stored["tokens"]["name"]])[0]["value"],
        "Ada Lovelace"
    );
    let (_, fresh) = shop.ada();
    assert_ne!(fresh["record"], person.stored["record"]);
}

/// P18: a database from before an erasure, put back: with the ledger in its place the record is erased again before
/// anything is served; without it nothing is served.
#[test]
fn a55_an_older_database_does_not_bring_an_erased_person_back() {
    let vault = Vault::start_in(quick_dir(), &[]);
    let mut shop = Client::of(&vault, "storefront");
    let (subject, first) = shop.ada();
    let doomed = shop.record(&subject, "contact", json!({"name": "Gone", "email": "gone@example.org"}));
    let erase = |shop: &mut Client, what: &Value| drop(shop.send(("DELETE", &at(what)), &[], None).is(200));
    // One erasure lies before the copy, so that the old database knows of a ledger.
    erase(&mut shop, &first);
    let dir = vault.stop();
    let (old, _) = copied(&dir);
    let vault = Vault::start_in(dir, &[]);
    erase(&mut Client::of(&vault, "storefront"), &doomed);
    let dir = vault.stop();
    let (data, old) = (dir.path().join("data"), old.path().join("data"));
    for part in ["vault.db", "keyring", "index.db"] {
        std::fs::copy(old.join(part), data.join(part)).unwrap();
    }
    // Without its ledger: refused until it is back.
    let aside = dir.path().join("aside");
    std::fs::rename(data.join("erasures.log"), &aside).unwrap();
    let list = ["client", "list", "--data-dir", path(&data)];
    let (ok, _, err) = run(&list);
    assert!(!ok && err.contains("erasures.log"), "{err}");
    // A ledger with a line of somebody's own, or one cut out of the middle, is no ledger of this vault's.
    let whole = std::fs::read_to_string(&aside).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let forged = lines[0].replace("erase", "void ");
    for bad in [
        format!("{whole}{forged}\n"),
        format!("{}\n{}x\n", lines[0], lines[1]),
        format!("{}\n", &lines[1][1..]),
    ] {
        std::fs::write(data.join("erasures.log"), bad).unwrap();
        assert!(!run(&list).0);
    }
    std::fs::write(data.join("erasures.log"), &whole).unwrap();
    let vault = Vault::start_in(dir, &[]);
    let mut shop = Client::of(&vault, "storefront");
    for record in [&first, &doomed] {
        shop.get(&at(record)).refused(404, "not_found");
        assert_eq!(
            shop.swap("order_fulfilment", &[&record["tokens"]["name"]])[0]["error"]["code"],
            "not_found"
        );
    }
    let find = json!({"collection": "contact", "field": "email", "equals": "gone@example.org", "purpose": "order_fulfilment"});
    assert_eq!(shop.post("/v1/search", find).is(200).json()["records"], json!([]));
    let dir = vault.stop();
    let data = dir.path().join("data");
    assert!(!doctor_fails(&data), "{}", run(&["doctor", "--data-dir", path(&data)]).1);
    let db = rusqlite::Connection::open(data.join("vault.db")).unwrap();
    let keys: i64 = db.query_row("SELECT count(*) FROM keys", [], |row| row.get(0)).unwrap();
    assert_eq!(keys, 0, "the keys are gone again");
}

/// P2, P18: a mark of counters that was set back gives out no name again, neither of what is there nor of what was erased,
/// though the ledger was long settled.
#[test]
fn a25_a_mark_of_counters_set_back_gives_no_name_twice() {
    let vault = Vault::start_in(quick_dir(), &[]);
    let mut shop = Client::of(&vault, "storefront");
    let (subject, first) = shop.ada();
    let mut known = vec![first["record"].clone()];
    let mut dir = vault.stop();
    for erased in [false, true, true] {
        let vault = Vault::start_in(dir, &[]);
        let mut shop = Client::of(&vault, "storefront");
        let last = shop.record(&subject, "contact", json!({"name": "Ada Lovelace"}));
        assert!(!known.contains(&last["record"]), "{last} is another's name");
        known.push(last["record"].clone());
        if erased {
            shop.send(("DELETE", &at(&last)), &[], None).is(200);
        }
        // Once more, so that what the ledger says is settled.
        dir = Vault::start_in(vault.stop(), &[]).stop();
        let mark = rusqlite::Connection::open(dir.path().join("data/vault.db")).unwrap();
        let counter: i64 = mark
            .query_row("SELECT max(locator) >> 12 FROM records", [], |row| row.get(0))
            .map(|counter: i64| counter + i64::from(erased))
            .unwrap();
        let back = counter.to_be_bytes().to_vec();
        mark.execute("UPDATE meta SET v = ?1 WHERE k = 'locator_mark'", [back]).unwrap();
    }
    let vault = Vault::start_in(dir, &[]);
    let last = Client::of(&vault, "storefront").record(&subject, "contact", json!({"name": "Ada Lovelace"}));
    assert!(!known.contains(&last["record"]), "{last} is another's name");
}
