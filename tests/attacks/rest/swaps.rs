//! A24, A26, A27, A28: stored things exchanged between their places, rows deleted, inserted and doubled, rows that decide
//! edited, and old or unknown versions written over the present ones. The owner of the disk does it at rest; then the vault
//! is served and asked everything.

use super::estate::{Deeds, Effect, Estate, Seen, copied, doctor_fails, effect, offline_refuses, sql};
use crate::vault::{path, run};

/// An estate at rest, what it answers, and copies of it to attack.
pub(super) struct Target {
    dir: tempfile::TempDir,
    pub(super) deeds: Deeds,
    before: Vec<Seen>,
}

impl Target {
    pub(super) fn new() -> Self {
        let mut estate = Estate::new();
        let before = estate.look();
        let (dir, deeds) = estate.rest();
        let (_copy, data) = copied(&dir);
        assert!(!offline_refuses(&data), "a copy of a sound vault is sound");
        Self { dir, deeds, before }
    }

    /// Attacks a copy with SQL and serves it: nothing untrue is said, and the attack is refused at use or named by
    /// `doctor`, which never changes what it looks at.
    #[track_caller]
    pub(super) fn is_noticed(&self, attack: &str) {
        let (copy, data) = copied(&self.dir);
        sql(&data, attack);
        let named = doctor_fails(&data);
        assert!(named, "doctor names nothing after: {attack}");
        if !run(&["client", "list", "--data-dir", path(&data)]).0 {
            return;
        }
        let mut served = Estate::reopened(copy, &self.deeds);
        let effect = effect(&self.before, &served.look());
        assert!(effect != Effect::Lie, "a lie after: {attack}");
    }

    /// The same, and the vault refuses something by itself, while it is served.
    #[track_caller]
    pub(super) fn is_refused_at_use(&self, attack: &str) {
        let (copy, data) = copied(&self.dir);
        sql(&data, attack);
        let mut served = Estate::reopened(copy, &self.deeds);
        let after = served.look();
        let seen = effect(&self.before, &after);
        assert_eq!(seen, Effect::Refused, "{attack}: {after:#?}");
        assert!(served.failures() > 0, "no alarm after: {attack}");
    }

    #[track_caller]
    pub(super) fn does_not_open(&self, attack: &str) {
        let (_copy, data) = copied(&self.dir);
        sql(&data, attack);
        assert!(offline_refuses(&data), "it opens after: {attack}");
        let (ok, _, err) = run(&["client", "list", "--data-dir", path(&data)]);
        assert!(!ok, "it opens after: {attack}");
        assert!(!err.contains("panicked"), "{err}");
    }
}

/// P2, P5: ciphertext, wrapped keys, heads and seals exchanged between records, subjects and collections open for nobody.
#[test]
fn a24_things_exchanged_between_their_places_open_for_nobody() {
    let target = Target::new();
    let other = |table: &str, column: &str, key: &str| {
        format!(
            "CREATE TEMP TABLE kept AS SELECT * FROM {table};
             UPDATE {table} SET {column} = (SELECT k.{column} FROM kept k WHERE k.{key} <> {table}.{key} LIMIT 1);"
        )
    };
    for attack in [
        // Two contact records of two people; then a contact and a shipping record of one.
        other("records", "sealed", "subject"),
        other("records", "sealed", "collection"),
        other("keys", "wrapped", "locator"),
        other("records", "seal", "subject"),
        other("subjects", "seal", "locator"),
        other("subjects", "state", "locator"),
        other("records", "generations", "subject"),
    ] {
        target.is_refused_at_use(&attack);
    }
    // Head, key and ciphertext together, from the place of one person to that of another.
    let whole = "CREATE TEMP TABLE r AS SELECT * FROM records; CREATE TEMP TABLE k AS SELECT * FROM keys;
         UPDATE records SET (subject, collection, version, head_version, status, created_us, expires_us, generations, seal, sealed)
           = (SELECT subject, collection, version, head_version, status, created_us, expires_us, generations, seal, sealed FROM r
              WHERE r.subject <> records.subject AND r.collection = records.collection LIMIT 1)
           WHERE EXISTS (SELECT 1 FROM r WHERE r.subject <> records.subject AND r.collection = records.collection);
         UPDATE keys SET (kek, wrapped) = (SELECT k.kek, k.wrapped FROM r JOIN r AS own JOIN k ON k.locator = r.locator
              WHERE own.locator = keys.locator AND r.subject <> own.subject AND r.collection = own.collection LIMIT 1)
           WHERE EXISTS (SELECT 1 FROM r JOIN r AS own
              WHERE own.locator = keys.locator AND r.subject <> own.subject AND r.collection = own.collection);";
    target.is_refused_at_use(whole);
    // The fields of one record exchanged inside its own ciphertext: the name's and the phone's lie behind the commitment.
    target.is_refused_at_use(
        "UPDATE records SET sealed = CAST(substr(sealed, 1, 53) || substr(sealed, 86, 32) || substr(sealed, 54, 32) || substr(sealed, 118) AS BLOB)",
    );
}

/// P2: a row that is gone refuses, one that was added or doubled is not believed; each is named by `doctor`.
#[test]
fn a26_deleted_inserted_and_doubled_rows_are_named() {
    let target = Target::new();
    for attack in [
        "DELETE FROM subjects WHERE locator = (SELECT min(subject) FROM records)",
        "DELETE FROM records WHERE locator = (SELECT min(locator) FROM records)",
        "DELETE FROM keys WHERE locator = (SELECT min(locator) FROM records)",
        "DELETE FROM external_refs",
    ] {
        target.is_noticed(attack);
    }
    for (table, number, rest) in [
        ("subjects", "locator", "version, state, seal"),
        (
            "records",
            "locator",
            "subject, collection, version, head_version, status, created_us, expires_us, generations, seal, sealed",
        ),
        ("grants", "locator", "record, version, body, expires_us, seal"),
    ] {
        target.is_noticed(&format!(
            "INSERT INTO {table}({number}, {rest}) SELECT {number} + 4096000, {rest} FROM {table} LIMIT 1"
        ));
    }
    target.is_noticed(
        "INSERT INTO controls SELECT kind, randomblob(16), version, body, seal FROM controls WHERE kind = 6",
    );
    target.is_noticed("INSERT INTO controls SELECT 1, randomblob(16), version, body, seal FROM controls WHERE kind = 1 LIMIT 1");
    target.is_noticed("INSERT INTO external_refs SELECT randomblob(16), subject, seal FROM external_refs");
    for kind in [6, 7, 8] {
        target.is_noticed(&format!("DELETE FROM controls WHERE kind = {kind}"));
    }
}

/// P2, P10: whoever edits a row that decides gets a refusal, never what he wrote.
#[test]
fn a27_edited_consents_clients_grants_and_policies_are_refused_at_use() {
    let target = Target::new();
    let edit = |table: &str, column: &str, at: u32| {
        format!(
            "UPDATE {table} SET {column} = CAST(substr({column}, 1, {at}) || x'02' || substr({column}, {}) AS BLOB)",
            at + 2
        )
    };
    for attack in [
        // A consent of another person over one's own; a state made longer; a status made another.
        "UPDATE subjects SET state = (SELECT s.state FROM subjects s WHERE s.locator <> subjects.locator LIMIT 1)".to_owned(),
        "UPDATE subjects SET state = CAST(state || x'00' AS BLOB)".to_owned(),
        edit("subjects", "state", 1),
        "UPDATE records SET subject = (SELECT min(r.subject) FROM records r) WHERE subject <> (SELECT min(r.subject) FROM records r)".to_owned(),
        "UPDATE records SET expires_us = 9000000000000000".to_owned(),
        "UPDATE records SET status = 2".to_owned(),
        // A grant that points to the other record, lives longer, or has more uses.
        "UPDATE grants SET record = (SELECT max(locator) FROM records)".to_owned(),
        "UPDATE grants SET expires_us = expires_us + 1000000".to_owned(),
        edit("grants", "body", 20),
        "UPDATE external_refs SET subject = (SELECT max(locator) FROM subjects)".to_owned(),
        "UPDATE controls SET body = CAST(body || x'00' AS BLOB) WHERE kind IN (6, 7, 8)".to_owned(),
    ] {
        target.is_refused_at_use(&attack);
    }
    // What governs is read at the start: a vault whose policy or facts do not hold does not open, a client's row is as none.
    for kind in [3, 4] {
        target.does_not_open(&format!(
            "UPDATE controls SET body = CAST(body || x'20' AS BLOB) WHERE kind = {kind}"
        ));
        target.does_not_open(&format!("DELETE FROM controls WHERE kind = {kind}"));
    }
    let (_copy, data) = copied(&target.dir);
    sql(
        &data,
        "UPDATE controls SET body = CAST(replace(body, 'mailer', 'mailxx') AS BLOB), version = version + 1 WHERE kind IN (1, 2)",
    );
    let (_, list, _) = run(&["client", "list", "--data-dir", path(&data)]);
    assert!(!list.contains("active"), "no client is active: {list}");
    assert!(doctor_fails(&data));
}

/// P2, P5: suites, key generations and versions of layouts that are old, zero or unknown are refused, never guessed at.
#[test]
fn a28_old_zero_and_unknown_suites_keys_and_layouts_are_refused() {
    let target = Target::new();
    let mut attacks = Vec::new();
    for byte in ["00", "02", "7f", "ff"] {
        attacks.push(format!("UPDATE records SET sealed = CAST(x'{byte}' || substr(sealed, 2) AS BLOB)"));
        for table in ["subjects", "records", "external_refs", "grants"] {
            attacks.push(format!("UPDATE {table} SET seal = CAST(x'{byte}' || substr(seal, 2) AS BLOB)"));
        }
        attacks.push(format!("UPDATE subjects SET state = CAST(x'{byte}' || substr(state, 2) AS BLOB)"));
        attacks.push(format!("UPDATE grants SET body = CAST(x'{byte}' || substr(body, 2) AS BLOB)"));
    }
    for kek in [0, 2, 257, 65_535] {
        attacks.push(format!("UPDATE keys SET kek = {kek}"));
    }
    for (column, to) in [("version", 2), ("head_version", 2)] {
        attacks.push(format!("UPDATE records SET {column} = {to}"));
    }
    attacks.push("UPDATE subjects SET version = version + 1".to_owned());
    for attack in &attacks {
        target.is_refused_at_use(attack);
    }
    for to in [0, 2, i64::from(u32::MAX)] {
        target.does_not_open(&format!("UPDATE migrations SET number = {to}"));
    }
    target.does_not_open("DELETE FROM migrations");
    target.does_not_open("INSERT INTO migrations VALUES(2, zeroblob(32), 0)");
    target.does_not_open("UPDATE migrations SET sha256 = zeroblob(32)");
}
