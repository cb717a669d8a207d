//! A36 and A43 (P1, P7, P10): a disk that is full, read-only or broken, for the database, the ledger and the rest apart.
//! What cannot be recorded does not happen: not a byte of plaintext leaves while the log cannot be written.

use super::disk::under;
use super::script::{Script, roomy, verifies};
use crate::served::Served;
use serde_json::json;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;

/// A vault over the layer, and the file that puts its disk in trouble.
struct Troubled {
    served: Served,
    script: Script,
    switch: PathBuf,
}

impl Troubled {
    fn new() -> Self {
        let mut served = roomy().serve();
        served.kill();
        let switch = served.dir.path().join("trouble");
        std::fs::write(&switch, "").unwrap();
        let mut troubled =
            Self { script: Script::new(&served.target, served.key("storefront"), None), served, switch };
        troubled.restart();
        assert!(troubled.script.begin());
        for _ in 0..6 {
            troubled.script.step().unwrap();
        }
        troubled
    }
    fn restart(&mut self) {
        let mut env = under(&self.served.data(), None, None);
        env.push(("STRONGROOM_DISK_TROUBLE".to_owned(), self.switch.to_str().unwrap().to_owned()));
        self.served.again(&env);
        self.script.reconnect();
    }
    fn begins(&self, errno: i32, part: &str) {
        std::fs::write(&self.switch, format!("{errno} {part}")).unwrap();
    }
    fn ends(&self) {
        std::fs::write(&self.switch, "").unwrap();
    }
    /// What is answered to reads, searches and writes while the disk is in trouble: status, or 0 for none.
    fn tries(&mut self) -> Vec<u16> {
        let token = self.script.stories[0].token.clone();
        let record = json!({"subject": self.script.subject(), "collection": "contact", "purpose": "order_fulfilment",
            "fields": {"name": "Never Stored", "email": "never@example.org"}});
        let read = json!({"purpose": "order_fulfilment", "tokens": [token]});
        let find = json!({"collection": "contact", "field": "email", "equals": "p1@example.org", "purpose": "order_fulfilment"});
        let mut statuses = Vec::new();
        for (path, body) in [("/v1/detokenize", read), ("/v1/records", record), ("/v1/search", find)] {
            let answer = self.script.ask("POST", path, Some(&body));
            if let Some(answer) = &answer {
                let text = String::from_utf8_lossy(&answer.body);
                assert!(!text.contains("Name number"), "plaintext without a record of it: {text}");
                assert!(!text.contains("srt_"), "a token without a record of it: {text}");
            }
            statuses.push(answer.map_or(0, |a| a.status));
        }
        statuses
    }
    /// Serves again: at once, soon, or after a restart that only a stopped vault needs.
    fn recovers(&mut self) {
        let began = Instant::now();
        while !self.served.has_ended() {
            let token = self.script.stories[0].token.clone();
            if self.script.value(&token).is_ok() {
                return;
            }
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "it neither serves nor ends: {}",
                self.served.log()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        self.restart();
    }
    fn whole(mut self, what: &str) {
        let wrong = self.script.wrong(u64::MAX);
        assert!(wrong.is_empty(), "{what}: {wrong:#?}");
        let body = json!({"collection": "contact", "field": "email", "equals": "never@example.org", "purpose": "order_fulfilment"});
        let found = self.script.ask("POST", "/v1/search", Some(&body)).unwrap();
        assert_eq!(found.json()["records"], json!([]), "{what}: stored without an acknowledgement");
        assert!(self.script.step().is_some(), "{what}: it stores again");
        self.served.kill();
        verifies(&self.served, what);
    }
}

#[test]
fn a43_p1_on_a_full_disk_reads_and_writes_are_refused_and_go_on_when_there_is_room() {
    let mut vault = Troubled::new();
    vault.begins(ENOSPC, "/vault.db");
    for _ in 0..3 {
        let statuses = vault.tries();
        assert!(statuses.iter().all(|s| *s == 507), "{statuses:?}: {}", vault.served.log());
    }
    vault.ends();
    assert!(!vault.served.has_ended(), "a full disk is no reason to end: {}", vault.served.log());
    vault.recovers();
    assert!(!vault.served.has_ended());
    vault.whole("a full disk");
}

#[test]
fn a36_p1_nothing_leaves_while_the_log_cannot_be_written() {
    for errno in [EROFS, EIO] {
        let mut vault = Troubled::new();
        vault.begins(errno, "/vault.db");
        for _ in 0..3 {
            let statuses = vault.tries();
            assert!(statuses.iter().all(|s| [0, 503].contains(s)), "errno {errno}: {statuses:?}");
        }
        vault.ends();
        vault.recovers();
        vault.whole("a log that could not be written");
    }
}

#[test]
fn a43_p18_without_room_for_its_ledger_nothing_is_erased_and_the_rest_goes_on() {
    for errno in [ENOSPC, EROFS] {
        let mut vault = Troubled::new();
        let (n, record) = vault.script.last_living();
        vault.begins(errno, "/erasures.log");
        let answer = vault.script.ask("DELETE", &format!("/v1/records/{record}"), None).unwrap();
        assert!([503, 507].contains(&answer.status), "{} {}", answer.status, answer.json());
        let token = vault.script.stories[n].token.clone();
        assert!(vault.script.value(&token).unwrap().is_some(), "neither erased nor there");
        vault.ends();
        if errno == EROFS {
            // Half a line that could not be taken back closes the ledger until the next start.
            vault.served.kill();
            vault.restart();
        }
        let erased = vault.script.ask("DELETE", &format!("/v1/records/{record}"), None).unwrap();
        assert_eq!(erased.status, 200, "{}", erased.json());
        assert_eq!(vault.script.value(&token).unwrap(), None);
        vault.script.stories.remove(n);
        vault.whole("a ledger without room");
    }
}

#[test]
fn a43_p10_a_projection_or_temporary_files_without_room_stop_nothing() {
    let mut vault = Troubled::new();
    vault.begins(ENOSPC, "/index.db");
    for n in 0..6 {
        assert!(vault.script.step().is_some(), "change {n}: {}", vault.served.log());
    }
    vault.ends();
    vault.served.kill();
    let mut env = under(&vault.served.data(), None, None);
    env.extend(["TMPDIR", "SQLITE_TMPDIR"].map(|name| (name.to_owned(), "/nonexistent".to_owned())));
    vault.served.again(&env);
    vault.script.reconnect();
    for _ in 0..6 {
        vault.script.step().unwrap();
    }
    vault.whole("no temporary files");
}

#[test]
fn a44_p7_a_foreign_lock_holds_nothing_for_ever() {
    let held = Duration::from_secs(if std::env::var_os("STRONGROOM_LONG").is_some() { 60 } else { 4 });
    let mut vault = Troubled::new();
    let foreign = rusqlite::Connection::open(vault.served.data().join("vault.db")).unwrap();
    foreign.execute_batch("BEGIN IMMEDIATE").unwrap();
    let until = Instant::now() + held;
    while Instant::now() < until {
        let began = Instant::now();
        let statuses = vault.tries();
        assert!(statuses.iter().all(|s| *s == 503), "{statuses:?}: {}", vault.served.log());
        assert!(began.elapsed() < Duration::from_secs(30), "three answers took {:?}", began.elapsed());
    }
    foreign.execute_batch("ROLLBACK").unwrap();
    drop(foreign);
    assert!(!vault.served.has_ended());
    vault.recovers();
    vault.whole("a foreign lock");
}
