//! Limits that last: a vault that ends in any way, and a snapshot or a log that somebody has edited.

use super::rig::*;
use crate::crypto::Keyring;
use crate::crypto::root::KeyFile;
use crate::domain::clock::{ManualClock, Timestamp};
use crate::domain::entropy::{Entropy, OsEntropy};
use crate::domain::event::Principal;
use crate::domain::{Id16, VaultId};
use crate::policy::SAMPLE;
use crate::vault::*;
use std::sync::Arc;

/// A production vault whose storefront may spend 200 an hour and read 3 people a day.
struct House {
    dir: tempfile::TempDir,
    root: KeyFile,
    clock: Arc<ManualClock>,
    vault: Option<Vault>,
    key: String,
    tokens: Vec<String>,
}

fn policy() -> String {
    let local = SAMPLE.replace("10.1.0.0/16", "127.0.0.0/8");
    let limits = "limits = { requests_per_second = 500, reads_per_hour = 200, reads_per_day = 1000, subjects_per_day = 3 }";
    local.replace(
        "limits = { requests_per_second = 500, reads_per_hour = 40000, subjects_per_day = 20000 }",
        limits,
    )
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::parse_rfc3339("2026-11-24T09:00:00Z").unwrap()));
        let keys = Keyring::create(VaultId(OsEntropy.array().unwrap()), false, &mut OsEntropy).unwrap();
        let root = KeyFile::create(&dir.path().join("root"), &mut OsEntropy).unwrap();
        keys.write(&dir.path().join("keyring"), &root, &mut OsEntropy).unwrap();
        let parts = parts(&dir.path().join("d"), keys, &clock, true);
        let facts = VaultFacts { single_operator: true };
        let vault = block_on(Vault::init(parts, &policy(), facts, Principal::Local(0))).unwrap();
        let life = std::time::Duration::from_secs(90 * 86_400);
        block_on(vault.set_client(Principal::Local(0), "storefront", false)).unwrap();
        let (_, key, _) = block_on(vault.new_client_key(Principal::Local(0), "storefront", life)).unwrap();
        // EXPOSE: a test's own key.
        let key = key.expose().clone();
        let mut house = Self { dir, root, clock, vault: Some(vault), key, tokens: Vec::new() };
        let shop = house.shop();
        for n in 0..6 {
            let subject = block_on(house.vault().create_subject(&shop, &house.call(), &adult("DE"))).unwrap();
            let name = format!("Person {n}");
            let new = record(&subject.value.subject, "contact", &[("name", &name)], TokenWish::default());
            let stored = block_on(house.vault().create_record(&shop, &house.call(), &new)).unwrap();
            house.tokens.push(token(&stored.value, "name").to_owned());
        }
        house
    }
    fn vault(&self) -> &Vault {
        self.vault.as_ref().unwrap()
    }
    fn call(&self) -> Call {
        let request = Id16(OsEntropy.array().unwrap());
        Call { request, received_at: self.vault().now(), ua_family: None, bytes: 0, idempotency: None }
    }
    fn shop(&self) -> Caller {
        let caller = self.vault().authenticate(Some(&self.key), "127.0.0.1".parse().unwrap());
        caller.unwrap_or_else(|r| panic!("{}", r.code()))
    }
    fn read(&self, people: &[usize]) -> Result<usize, String> {
        let tokens: Vec<&str> = people.iter().map(|n| self.tokens[*n].as_str()).collect();
        let command = reveal("order_fulfilment", &tokens);
        let done = block_on(self.vault().reveal(&self.shop(), &self.call(), &command));
        done.map(|d| d.value.len()).map_err(|r| match r {
            Refusal::BudgetExhausted(name, _) => name,
            other => other.code().to_owned(),
        })
    }
    /// (cost left, subjects left).
    fn left(&self) -> (u64, u64) {
        let quotas = self.vault().quotas(&self.shop());
        (quotas.cost.remaining, quotas.subjects.remaining)
    }
    fn keep(&self) {
        assert!(block_on(self.vault().keep_limits()));
    }
    /// Another process on the same directory; what was not kept is lost with the first.
    fn restart(&mut self) {
        self.restart_after("SELECT 1");
    }
    fn restart_after(&mut self, edit: &str) {
        self.vault = None;
        let db = rusqlite::Connection::open(self.dir.path().join("d/vault.db")).unwrap();
        db.execute_batch(edit).unwrap();
        drop(db);
        let keys = Keyring::load(&self.dir.path().join("keyring"), &self.root).unwrap();
        let opened = Vault::open(parts(&self.dir.path().join("d"), keys, &self.clock, false));
        self.vault = Some(opened.unwrap_or_else(|e| panic!("{e}")));
    }
    fn rows(&self) -> u32 {
        let db = rusqlite::Connection::open(self.dir.path().join("d/vault.db")).unwrap();
        db.query_row("SELECT count(*) FROM limits", [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn budgets_survive_a_crash_with_and_without_a_snapshot_and_in_between() {
    for kept_after in [0, 1, 2, 3] {
        let mut house = House::new();
        for n in 0..3 {
            if n == kept_after {
                house.keep();
            }
            assert_eq!(house.read(&[n]), Ok(1));
        }
        let left = house.left();
        assert_eq!(left.1, 0);
        house.restart();
        assert_eq!(house.left(), left, "kept after {kept_after} reads");
        assert_eq!(house.vault().integrity_failures(), 0);
        assert_eq!(house.read(&[3]), Err("subjects_per_day".to_owned()));
        assert_eq!(house.read(&[0, 1, 2]), Ok(3), "people of today are free");
    }
}

#[test]
fn cost_survives_and_drains_over_the_time_between_processes() {
    let mut house = House::new();
    house.keep();
    for _ in 0..30 {
        assert_eq!(house.read(&[0, 1, 2]), Ok(3));
    }
    let before = house.left().0;
    assert!(before < 20, "{before}");
    house.restart();
    assert_eq!(house.left().0, before);
    assert_eq!(house.read(&[0; 20]), Err("reads_per_hour".to_owned()));
    house.vault = None;
    house.clock.advance_us(1_800_000_000);
    house.restart();
    assert_eq!(house.left().0, before + 100, "half an hour gives half of what an hour holds");
}

#[test]
fn a_refused_read_names_nobody_who_was_not_counted() {
    let mut house = House::new();
    assert_eq!(house.read(&[0, 1]), Ok(2));
    // The third person fits, the fourth does not: the whole request is refused, and the third is counted.
    assert_eq!(house.read(&[2, 3]), Err("subjects_per_day".to_owned()));
    assert_eq!(house.left().1, 0);
    for n in 3..6 {
        assert_eq!(house.read(&[n]), Err("subjects_per_day".to_owned()));
    }
    let left = house.left();
    house.restart();
    assert_eq!(house.left(), left, "a start counts what the vault counted");
}

#[test]
fn a27_an_edited_snapshot_gives_nothing_back_and_is_told() {
    let used = |house: &House| {
        assert_eq!(house.read(&[0, 1, 2]), Ok(3));
        house.keep();
        house.left()
    };
    // Whatever is done to the head, the log of two days says the same.
    for edit in [
        "DELETE FROM limits",
        "DELETE FROM limits WHERE rule = 0",
        "UPDATE limits SET state = zeroblob(length(state)) WHERE rule = 0",
        "UPDATE limits SET state = zeroblob(3) WHERE rule = 0",
        "UPDATE limits SET audit_pos = audit_pos + 1000 WHERE rule = 0",
        "UPDATE limits SET audit_pos = -1 WHERE rule = 0",
        "UPDATE limits SET client = 70000 WHERE rule <> 0",
        "UPDATE limits SET rule = 0, client = 0, day = 0 WHERE rule <> 0 AND (SELECT count(*) FROM limits WHERE rule = 0) = 0",
    ] {
        let mut house = House::new();
        let left = used(&house);
        house.restart_after(edit);
        assert_eq!(house.left(), left, "{edit}");
        assert_eq!(house.read(&[3]), Err("subjects_per_day".to_owned()), "{edit}");
    }
    // What the head names and is not there, or not as it was, counts as used up.
    for edit in [
        "DELETE FROM limits WHERE rule <> 0",
        "UPDATE limits SET day = day + 1 WHERE rule <> 0",
        "UPDATE limits SET rule = rule + 1 WHERE rule <> 0",
        "UPDATE limits SET client = client + 1 WHERE rule <> 0",
        "UPDATE limits SET audit_pos = 1 WHERE rule <> 0",
        "UPDATE limits SET state = substr(state, 1, length(state) - 8) WHERE rule <> 0",
    ] {
        let mut house = House::new();
        used(&house);
        house.restart_after(edit);
        assert_eq!(house.left(), (0, 0), "{edit}");
        assert!(house.vault().integrity_failures() > 0, "{edit}");
        assert_eq!(house.read(&[0]), Err("reads_per_day".to_owned()), "{edit}");
        house.keep();
        house.restart();
        assert_eq!(house.left(), (0, 0), "another start does not help: {edit}");
    }
}

#[test]
fn an_older_snapshot_put_back_changes_nothing() {
    let mut house = House::new();
    assert_eq!(house.read(&[0]), Ok(1));
    house.keep();
    let aside = format!("ATTACH '{}' AS aside; ", house.dir.path().join("aside").display());
    house.restart_after(&format!("{aside} CREATE TABLE aside.older AS SELECT * FROM main.limits"));
    assert_eq!(house.read(&[1, 2]), Ok(2));
    house.keep();
    let left = house.left();
    house.restart_after(&format!(
        "{aside} DELETE FROM main.limits; INSERT INTO main.limits SELECT * FROM aside.older"
    ));
    assert_eq!(house.left(), left);
    assert_eq!(house.vault().integrity_failures(), 0);
}

#[test]
fn a_log_that_was_cut_or_edited_after_the_snapshot_leaves_nothing() {
    for edit in [
        "DELETE FROM audit WHERE pos >= (SELECT max(pos) FROM audit)",
        "DELETE FROM audit WHERE pos = (SELECT max(pos) - 1 FROM audit)",
        "DELETE FROM audit WHERE pos >= (SELECT audit_pos FROM limits WHERE rule = 0)",
        "UPDATE audit SET body = zeroblob(40) WHERE pos = (SELECT max(pos) FROM audit)",
        "UPDATE audit SET hash = zeroblob(32) WHERE pos = (SELECT audit_pos FROM limits WHERE rule = 0)",
    ] {
        let mut house = House::new();
        assert_eq!(house.read(&[0]), Ok(1));
        house.keep();
        assert_eq!(house.read(&[1]), Ok(1));
        assert_eq!(house.read(&[2]), Ok(1));
        house.restart_after(edit);
        let cut_clean = edit.starts_with("DELETE FROM audit WHERE pos >= (SELECT max");
        if cut_clean {
            // The end of a log that is merely shorter is for checkpoints to notice; it gives back one read, no more.
            assert_eq!(house.left().1, 1);
        } else {
            assert_eq!(house.left(), (0, 0), "{edit}");
            assert!(house.vault().integrity_failures() > 0);
        }
    }
}

#[test]
fn an_idle_vault_writes_nothing_and_days_that_are_over_leave_the_table() {
    let house = House::new();
    house.keep();
    let head = house.vault().log_head();
    house.keep();
    assert_eq!(house.vault().log_head(), head, "no event");
    assert_eq!(house.rows(), 1, "the head alone: nobody was read");
    for _ in 0..3 {
        assert_eq!(house.read(&[0]), Ok(1));
        house.keep();
        assert_eq!(house.rows(), 2);
        house.clock.advance_us(86_400_000_000 / 2);
        assert_eq!(house.read(&[1]), Ok(1));
        house.clock.advance_us(86_400_000_000 / 2);
    }
}

#[test]
fn a_repeated_request_costs_nothing_now_or_after_a_restart() {
    let mut house = House::new();
    let shop = house.shop();
    let subject = block_on(house.vault().create_subject(&shop, &house.call(), &adult("DE"))).unwrap();
    let new = record(
        &subject.value.subject,
        "contact",
        &[("name", "Ada"), ("phone", "+442079460018")],
        TokenWish::default(),
    );
    let key = house.vault().idempotency_key(
        &crate::domain::Sensitive::text("order-17"),
        "POST",
        "/v1/records",
        b"",
    );
    let create = |house: &House| {
        let call = Call { idempotency: Some(key), ..house.call() };
        let done = block_on(house.vault().create_record(&house.shop(), &call, &new)).unwrap();
        (done.replayed, done.cost)
    };
    assert_eq!(create(&house), (false, 2));
    let left = house.left();
    for _ in 0..5 {
        assert_eq!(create(&house), (true, 0));
        assert_eq!(house.left(), left);
    }
    house.restart();
    assert_eq!(house.left(), left, "the log says so too");
    drop(shop);
}
