//! A23: bytes of every column of every table flipped, and of the files beside the database. Each flip is noticed, or its
//! column stands in `harmless.txt` with the reason why it does no harm; no flip ever makes the vault say what is not so.
//!
//! Rows that are read for every request are flipped under a running vault, which is then asked everything; what is read
//! once, at the start, is flipped at rest and the commands of the binary judge it. `STRONGROOM_LONG=1` flips every byte,
//! otherwise a few of each column.

use super::cells::{Cell, cells, tables};
use super::estate::{Effect, Estate, Seen, audit_holds, copied, doctor_fails, effect};
use crate::vault::{path, run};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

const HARMLESS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/attacks/rest/harmless.txt");
/// Kinds of control rows that are read when they are asked for: contexts, unsubscribe links, certificates.
const LIVE_KINDS: [&str; 3] = ["[6]", "[7]", "[8]"];
const LIVE_TABLES: [&str; 7] =
    ["subjects", "external_refs", "records", "keys", "blind", "grants", "idempotency"];

/// Tables of which no byte may change unnoticed (P2).
const DECIDING: [&str; 7] = ["subjects", "external_refs", "records", "keys", "grants", "controls", "audit"];

pub(super) fn long() -> bool {
    std::env::var_os("STRONGROOM_LONG").is_some()
}

fn is_live(name: &str) -> bool {
    let table = name.split('.').next().unwrap();
    LIVE_TABLES.contains(&table)
        || (table == "controls" && LIVE_KINDS.iter().any(|kind| name.ends_with(kind)))
}

/// All cells by the name of their column.
fn by_column(db: &Connection, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, Vec<Cell>> {
    let mut all: BTreeMap<String, Vec<Cell>> = BTreeMap::new();
    for table in tables(db) {
        for cell in cells(db, &table) {
            if wanted(&cell.name()) {
                all.entry(cell.name()).or_default().push(cell);
            }
        }
    }
    all
}

/// Which bytes of a column are flipped: all, or about so many, spread over its rows.
fn chosen(cells: &[Cell], about: usize) -> Vec<(&Cell, usize, u8)> {
    let bytes = cells.iter().flat_map(|c| (0..c.len()).map(move |b| (c, b)));
    let all: Vec<_> = bytes.enumerate().map(|(n, (c, b))| (c, b, (n * 5 + b) as u8 % 8)).collect();
    // A step that has no factor in common with the width of a number meets its every byte.
    let step = if long() { 1 } else { (all.len() / about).max(1) | 1 };
    let mut some: Vec<_> = all.iter().copied().step_by(step).collect();
    // The last byte of each column is always among them: the lowest of a number.
    some.extend(all.last().copied());
    some
}

/// Columns and reasons of the list that is kept.
fn kept(text: &str) -> BTreeMap<&str, Option<&str>> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut all = BTreeMap::new();
    for line in lines {
        let (column, reason) = line.split_once(char::is_whitespace).unwrap_or_else(|| panic!("{line}"));
        let reason = reason.trim();
        assert!(
            all.insert(column, (reason != "detected").then_some(reason)).is_none(),
            "{column} stands twice"
        );
    }
    all
}

/// Holds what was found to the list: silent columns have a reason, those with a reason were silent, none is missing.
fn judge(columns: &BTreeSet<String>, silent: &BTreeMap<String, String>, wanted: impl Fn(&str) -> bool) {
    let text = std::fs::read_to_string(HARMLESS).unwrap();
    let kept = kept(&text);
    let mut faults = Vec::new();
    let excused = kept.iter().filter(|(_, reason)| reason.is_some());
    let deciding = excused.filter(|(column, _)| DECIDING.contains(&column.split('.').next().unwrap()));
    faults
        .extend(deciding.map(|(column, _)| format!("{column} decides or is disclosed: nothing excuses it")));
    for column in columns {
        match (kept.get(column.as_str()), silent.get(column)) {
            (None, _) => faults.push(format!("{column} is not listed")),
            (Some(None), Some(how)) => faults.push(format!("{column} was flipped unnoticed: {how}")),
            (Some(Some(_)), None) => faults.push(format!("{column} is listed as harmless, but was noticed")),
            _ => {}
        }
    }
    let gone = kept.keys().filter(|c| wanted(c) && !columns.contains(**c));
    faults.extend(gone.map(|c| format!("{c} is listed, but there is no such column")));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A running vault, a second connection to its database, and what it answers.
struct Live {
    estate: Estate,
    db: Connection,
    before: Vec<Seen>,
}

impl Live {
    fn new() -> Self {
        let mut estate = Estate::new();
        let db = Connection::open(estate.vault.data().join("vault.db")).unwrap();
        db.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        let before = estate.look();
        assert_eq!(effect(&before, &estate.look()), Effect::None, "the vault answers alike");
        let live = Self { estate, db, before };
        assert!(!live.doctor_fails() && live.estate.failures() == 0);
        live
    }
    fn doctor_fails(&self) -> bool {
        doctor_fails(&self.estate.vault.data())
    }

    /// Flips one bit, asks everything, puts it back: what was seen, and whether anybody noticed.
    fn flip(&mut self, cell: &Cell, byte: usize, bit: u8) -> Option<(Effect, bool)> {
        let failures = self.estate.failures();
        let back = cell.flip(&mut self.db, byte, bit)?;
        let after = self.estate.look();
        let seen = effect(&self.before, &after);
        assert!(seen != Effect::Lie, "{}, byte {byte}, bit {bit}: {after:#?}", cell.name());
        let noticed = seen == Effect::Refused || self.estate.failures() > failures || self.doctor_fails();
        back.put(&mut self.db);
        Some((seen, noticed))
    }
}

/// P2, P5, P10: whatever byte of a row is flipped under a running vault, it says nothing that is not so, and notices.
#[test]
fn a23_a_flipped_byte_under_a_running_vault_is_noticed_or_does_no_harm() {
    let mut live = Live::new();
    let names: BTreeSet<String> = by_column(&live.db, is_live).into_keys().collect();
    let mut silent = BTreeMap::new();
    let (mut flips, mut noticed) = (0, 0);
    for name in &names {
        for number in 0.. {
            let column = by_column(&live.db, |column| column == name);
            let flips_of_it = chosen(&column[name], 8);
            let Some((cell, byte, bit)) = flips_of_it.get(number) else { break };
            let Some((seen, by_anybody)) = live.flip(cell, *byte, *bit) else { continue };
            flips += 1;
            if by_anybody {
                noticed += 1;
            } else {
                silent.insert(name.clone(), format!("byte {byte}, bit {bit}: {seen:?}"));
            }
            // A vault that no longer knew somebody or something has made it again: the log says so, for good.
            if seen != Effect::None && seen != Effect::Refused || live.estate.look() != live.before {
                live = Live::new();
            }
        }
    }
    println!("{noticed} of {flips} flips noticed, silent columns: {silent:#?}");
    judge(&names, &silent, is_live);
}

/// P2, P10: what is read once, at the start (facts, policy, clients, keys, counters, schema): the vault does not open, or
/// the commands that look at it say what is wrong.
#[test]
fn a23_a_flipped_byte_of_what_is_read_at_the_start_is_noticed_or_does_no_harm() {
    let mut estate = Estate::new();
    let before = estate.look();
    let (dir, deeds) = estate.rest();
    assert!(!doctor_fails(&copied(&dir).1), "a copy of a sound vault is sound");
    let at_rest = |name: &str| !is_live(name) && !name.starts_with("audit.");
    let columns = by_column(&Connection::open(dir.path().join("data/vault.db")).unwrap(), at_rest);
    let mut silent = BTreeMap::new();
    let (mut flips, mut noticed) = (0, 0);
    for (name, cells) in &columns {
        for (cell, byte, bit) in chosen(cells, 3) {
            let (copy, data) = copied(&dir);
            let mut db = Connection::open(data.join("vault.db")).unwrap();
            let Some(_back) = cell.flip(&mut db, byte, bit) else { continue };
            drop(db);
            flips += 1;
            if doctor_fails(&data) || !run(&["client", "list", "--data-dir", path(&data)]).0 {
                noticed += 1;
                continue;
            }
            let after = Estate::reopened(copy, &deeds).look();
            let seen = effect(&before, &after);
            assert!(seen != Effect::Lie, "{name}, byte {byte}, bit {bit}: {after:#?}");
            if seen == Effect::Refused {
                noticed += 1;
            } else {
                silent.insert(name.clone(), format!("byte {byte}, bit {bit}: {seen:?}"));
            }
        }
    }
    println!("{noticed} of {flips} flips noticed, silent columns: {silent:#?}");
    judge(&columns.keys().cloned().collect(), &silent, at_rest);
}

/// P2, P11: every column of the log, by the verifier; the binary's own verdict on one of each.
#[test]
fn a23_a_flipped_byte_of_the_log_is_noticed() {
    let (dir, _) = Estate::new().rest();
    let data = dir.path().join("data");
    let mut db = Connection::open(data.join("vault.db")).unwrap();
    assert!(audit_holds(&data));
    let of_log = |name: &str| name.starts_with("audit.");
    let columns = by_column(&db, of_log);
    let (mut flips, mut silent) = (0, BTreeMap::new());
    for (name, cells) in &columns {
        for (cell, byte, bit) in chosen(cells, 200) {
            let Some(back) = cell.flip(&mut db, byte, bit) else { continue };
            flips += 1;
            if strongroom::vault::verify_log(&data, None).is_ok() {
                silent.insert(name.clone(), format!("byte {byte}, bit {bit}"));
            }
            back.put(&mut db);
        }
        let (cell, byte, bit) = chosen(cells, 1)[0];
        let back = cell.flip(&mut db, byte, bit).unwrap();
        assert!(!audit_holds(&data), "{name}");
        back.put(&mut db);
    }
    assert!(audit_holds(&data), "it is as it was");
    println!("{flips} flips, silent columns: {silent:#?}");
    judge(&columns.keys().cloned().collect(), &silent, of_log);
}

/// P2, P18: every byte of the keyring and of the ledger of erasures.
#[test]
fn a23_a_flipped_byte_of_the_keyring_or_the_ledger_keeps_the_vault_closed() {
    let (dir, _) = Estate::new().rest();
    let data = dir.path().join("data");
    let root = strongroom::crypto::root::KeyFile::open(&data.join("root.key")).unwrap();
    let keyring = std::fs::read(data.join("keyring")).unwrap();
    let ledger = std::fs::read(data.join("erasures.log")).unwrap();
    assert!(strongroom::crypto::Keyring::open_file(&keyring, &root).is_ok() && !ledger.is_empty());
    assert!(!doctor_fails(&copied(&dir).1), "a copy of a sound vault is sound");
    let flipped = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1 << ((at * 5 + 3) % 8);
        bytes
    };
    for at in 0..keyring.len() {
        let opened = strongroom::crypto::Keyring::open_file(&flipped(&keyring, at), &root);
        assert!(opened.is_err(), "byte {at} of the keyring");
    }
    let about = if long() { 1 } else { keyring.len() / 8 };
    for at in (0..keyring.len()).step_by(about) {
        let (_copy, data) = copied(&dir);
        std::fs::write(data.join("keyring"), flipped(&keyring, at)).unwrap();
        assert!(!run(&["client", "list", "--data-dir", path(&data)]).0, "byte {at} of the keyring");
    }
    let about = if long() { 1 } else { ledger.len() / 8 };
    for at in (0..ledger.len()).step_by(about).chain([ledger.len() - 1]) {
        let (_copy, data) = copied(&dir);
        std::fs::write(data.join("erasures.log"), flipped(&ledger, at)).unwrap();
        assert!(doctor_fails(&data), "byte {at} of the ledger");
    }
}
