//! `strongroom import` through the built binary: people like those of a record-linkage set, made by a seeded generator, go in and
//! come back column by column; what is refused is named by line; a killed import ends as an unbroken one.

use crate::canary::{files, hunt};
use crate::client::Session;
use crate::vault::{Vault, binary, path, run};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const MAPPING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/sample/import-people.toml");
const HEADER: &str = "rec_id, given_name, surname, street_number, address_1, address_2, suburb, postcode, state, date_of_birth, soc_sec_id";

/// One made-up person, column by column, trimmed.
#[derive(Clone)]
struct Person(Vec<String>);

impl Person {
    fn get(&self, column: &str) -> &str {
        let at = HEADER.split(',').position(|name| name.trim() == column).unwrap();
        &self.0[at]
    }
    fn joined(&self, columns: [&str; 2]) -> String {
        let words = columns.map(|c| self.get(c).to_owned());
        words.join(" ").trim().to_owned()
    }
    fn reference(&self) -> String {
        format!("people:{}", self.get("rec_id"))
    }
    fn line(&self) -> String {
        self.0.iter().map(|v| format!(" {v}")).collect::<Vec<_>>().join(",")
    }
}

/// A small generator, the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
    /// A word that occurs nowhere by chance.
    fn word(&mut self) -> String {
        let syllables = ["qua", "zor", "vek", "ymb", "dru", "oxi", "plu", "tse"];
        (0..4).map(|_| syllables[self.below(8) as usize]).collect()
    }
    /// Empty now and then, as in real files.
    fn sometimes(&mut self, value: String) -> String {
        if self.below(12) == 0 { String::new() } else { value }
    }
}

fn people(count: u64, seed: u64) -> Vec<Person> {
    let mut dice = Dice(seed);
    (0..count)
        .map(|n| {
            let date =
                format!("{:04}{:02}{:02}", 1900 + dice.below(100), 1 + dice.below(12), 1 + dice.below(28));
            let values = [
                format!("rec-{seed}-{n}-{}", dice.word()),
                dice.word(),
                dice.word(),
                (1 + dice.below(999)).to_string(),
                format!("{} street", dice.word()),
                dice.word(),
                format!("port {}", dice.word()),
                format!("{:04}", dice.below(10_000)),
                "nsw".to_owned(),
                date,
                (1_000_000 + seed * 10_000 + n).to_string(),
            ];
            let keep = [0, 7, 10];
            let each = values.into_iter().enumerate();
            Person(each.map(|(at, v)| if keep.contains(&at) { v } else { dice.sometimes(v) }).collect())
        })
        .collect()
}

fn csv(people: &[Person]) -> String {
    let lines = people.iter().map(Person::line);
    [HEADER.to_owned()].into_iter().chain(lines).map(|l| l + "\n").collect()
}

/// A directory with an input and what an import of it writes.
struct Desk {
    dir: tempfile::TempDir,
}

impl Desk {
    fn new(people: &[Person]) -> Self {
        let desk = Self { dir: tempfile::tempdir().unwrap() };
        std::fs::write(desk.file("people.csv"), csv(people)).unwrap();
        desk
    }
    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
    fn arguments(&self, reach: &[&str], more: &[&str]) -> Vec<String> {
        let (input, tokens, rejects) = (self.file("people.csv"), self.file("tokens"), self.file("rejects"));
        let fixed = ["import", path(&input), "--map", MAPPING, "--rejects", path(&rejects)];
        let tokens: &[&str] =
            if more.contains(&"--dry-run") { &[] } else { &["--tokens-out", path(&tokens)] };
        [&fixed[..], tokens, reach, more].concat().into_iter().map(str::to_owned).collect()
    }
    /// (exit code, standard output, standard error).
    fn import(&self, reach: &[&str], more: &[&str]) -> (i32, String, String) {
        let args = self.arguments(reach, more);
        let out = Command::new(binary()).args(&args).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (out.status.code().unwrap(), text(&out.stdout), text(&out.stderr))
    }
    fn lines(&self, name: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.file(name)).unwrap();
        text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }
    /// Tokens by reference and full field name; each is there once.
    fn tokens(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let mut all: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for line in self.lines("tokens") {
            let of = all.entry(line["external_ref"].as_str().unwrap().to_owned()).or_default();
            for (name, token) in line["tokens"].as_object().unwrap() {
                assert!(
                    of.insert(name.clone(), token.as_str().unwrap().to_owned()).is_none(),
                    "{name} twice: {line}"
                );
            }
        }
        all
    }
}

/// What a person's tokens must open to, by full field name.
fn expected(person: &Person) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    let name = person.joined(["given_name", "surname"]);
    if !name.is_empty() {
        all.insert("contact.name".to_owned(), json!(name));
        all.insert("shipping.name".to_owned(), json!(name));
    }
    let date = person.get("date_of_birth");
    if !date.is_empty() {
        all.insert(
            "identity.birth_date".to_owned(),
            json!(format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..])),
        );
    }
    let parts = [
        ("line1", person.joined(["street_number", "address_1"])),
        ("line2", person.get("address_2").to_owned()),
        ("city", person.get("suburb").to_owned()),
        ("postcode", person.get("postcode").to_owned()),
        ("state", person.get("state").to_owned()),
        ("country", "AU".to_owned()),
    ];
    let address: serde_json::Map<String, Value> =
        parts.into_iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| (k.to_owned(), json!(v))).collect();
    all.insert("shipping.address".to_owned(), Value::Object(address));
    all.insert("billing.tax_id".to_owned(), json!(person.get("soc_sec_id")));
    all
}

/// Every column of every person comes back by its token, and each tax id finds one record.
fn holds(vault: &Vault, people: &[Person], tokens: &BTreeMap<String, BTreeMap<String, String>>) {
    let (mut storefront, mut billing) = (vault.session("storefront"), vault.session("billing"));
    assert_eq!(tokens.len(), people.len());
    for person in people {
        let wanted = expected(person);
        let known = &tokens[&person.reference()];
        assert_eq!(known.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "{}", person.line());
        let (taxes, others): (Vec<_>, Vec<_>) =
            known.iter().partition(|(name, _)| name.starts_with("billing."));
        compare(&mut storefront, "order_fulfilment", &others, &wanted);
        compare(&mut billing, "billing", &taxes, &wanted);
        let search = json!({"collection": "billing", "field": "tax_id", "equals": person.get("soc_sec_id"), "purpose": "billing"});
        let found = billing.call("POST", "/v1/search", Some(&search.to_string())).json();
        assert_eq!(found["records"].as_array().unwrap().len(), 1, "{}: {found}", person.line());
    }
}

fn compare(
    session: &mut Session,
    purpose: &str,
    tokens: &[(&String, &String)],
    wanted: &BTreeMap<String, Value>,
) {
    let sent: Vec<&String> = tokens.iter().map(|(_, token)| *token).collect();
    let body = json!({"purpose": purpose, "tokens": sent}).to_string();
    let read = session.call("POST", "/v1/detokenize", Some(&body)).json();
    for ((name, _), item) in tokens.iter().zip(read["results"].as_array().unwrap()) {
        assert_eq!(item["value"], wanted[*name], "{name}: {item}");
    }
}

fn reach(data: &Path) -> Vec<String> {
    vec!["--data-dir".to_owned(), path(data).to_owned()]
}

fn texts(all: &[String]) -> Vec<&str> {
    all.iter().map(String::as_str).collect()
}

#[test]
fn people_imported_into_a_running_vault_come_back_column_by_column_and_stand_nowhere_else() {
    let people = people(300, 11);
    let (vault, desk) = (Vault::start(), Desk::new(&people));
    let reach = reach(&vault.data());
    let (code, out, err) = desk.import(&texts(&reach), &["--dry-run"]);
    assert!(code == 0 && out.contains("nothing was stored: 300 lines"), "{out}{err}");
    std::fs::remove_file(desk.file("rejects")).unwrap();
    let (code, out, err) = desk.import(&texts(&reach), &[]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("300 created, 0 found") && out.contains("rejected  0 lines"), "{out}");
    for name in ["tokens", "rejects", "people.csv.journal"] {
        assert_eq!(std::fs::metadata(desk.file(name)).unwrap().mode() & 0o777, 0o600, "{name}");
    }
    holds(&vault, &people, &desk.tokens());
    let (_, log, _) = run(&["audit", "tail", "--data-dir", path(&vault.data()), "-n", "5000"]);
    let metrics = vault.metrics();
    let kept = vault.stop();
    let mut places = BTreeMap::from([
        ("output".to_owned(), format!("{out}{err}").into_bytes()),
        ("audit".to_owned(), log.into_bytes()),
        ("metrics".to_owned(), metrics.into_bytes()),
        ("journal".to_owned(), std::fs::read(desk.file("people.csv.journal")).unwrap()),
        ("rejects".to_owned(), std::fs::read(desk.file("rejects")).unwrap()),
    ]);
    files(kept.path(), &mut places);
    let columns = ["rec_id", "given_name", "surname", "address_1", "address_2", "suburb"];
    let planted: BTreeSet<String> =
        people.iter().flat_map(|p| columns.map(|c| p.get(c).to_owned())).filter(|t| t.len() >= 12).collect();
    assert!(planted.len() > 1_500);
    hunt(&planted.into_iter().collect::<Vec<_>>(), &places);
}

#[test]
fn a_vault_that_nobody_serves_is_opened_for_the_import_and_its_events_name_the_clients() {
    let people = people(40, 12);
    let desk = Desk::new(&people);
    let data = desk.file("d");
    let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/config/policy.toml");
    assert!(run(&["init", "--data-dir", path(&data), "--policy", policy, "--single-operator"]).0);
    let reach = reach(&data);
    let (code, _, err) = desk.import(&texts(&reach), &[]);
    assert!(
        code == 1 && err.contains("client activate storefront") || err.contains("client activate billing"),
        "{err}"
    );
    assert!(!desk.file("people.csv.journal").exists() && !desk.file("tokens").exists(), "nothing is begun");
    for client in ["storefront", "billing"] {
        assert!(run(&["client", "add", "--data-dir", path(&data), client]).0);
    }
    let (code, out, err) = desk.import(&texts(&reach), &[]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(!data.join("admin.sock").exists(), "the socket goes with the command");
    let count = |principal: &str, act: &str| {
        let filter = ["--principal", principal, "--act", act, "--limit", "1000"];
        run(&[&["audit", "query", "--data-dir", path(&data)], &filter[..]].concat()).1
    };
    assert_eq!(count("storefront", "subject.create").lines().count(), 40);
    assert_eq!(count("billing", "record.create").lines().count(), 40);
    let uid = rustix::process::geteuid().as_raw();
    assert!(count("billing", "record.create").lines().all(|l| l.contains(&format!("local:{uid}"))));
}

#[test]
fn over_tls_an_import_needs_each_clients_key_from_a_file_of_its_owner() {
    let people = people(60, 13);
    let (vault, desk) = (Vault::start(), Desk::new(&people));
    let key = |client: &str, mode: u32| {
        let file = desk.file(client);
        std::fs::write(&file, format!("{}\n", vault.key(client))).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        format!("{client}={}", path(&file))
    };
    let base = vault.credentials["base_url"].as_str().unwrap();
    let ca = vault.credentials["ca_cert"].as_str().unwrap();
    let (storefront, billing) = (key("storefront", 0o600), key("billing", 0o644));
    let (code, _, err) =
        desk.import(&["--url", base, "--cacert", ca, "--key", &storefront, "--key", &billing], &[]);
    assert!(code == 1 && err.contains("chmod 600"), "{err}");
    let billing = key("billing", 0o600);
    let (code, _, err) = desk.import(&["--url", base, "--cacert", ca, "--key", &storefront], &[]);
    assert!(code == 1 && err.contains("--key billing=FILE"), "{err}");
    let (code, _, err) = desk.import(&["--url", "http://127.0.0.1:1", "--cacert", ca], &[]);
    assert!(code == 1 && err.contains("https://"), "{err}");
    let other = desk.file("tls");
    std::fs::create_dir(&other).unwrap();
    strongroom::http::tls::generate_development_certificate(&other).unwrap();
    let wrong = other.join("ca.pem");
    let keys = ["--key", &storefront, "--key", &billing];
    let (code, _, err) = desk.import(&[&["--url", base, "--cacert", path(&wrong)], &keys[..]].concat(), &[]);
    assert!(code == 1 && err.contains("no TLS connection"), "{err}");
    let (code, out, err) = desk.import(&[&["--url", base, "--cacert", ca], &keys[..]].concat(), &[]);
    assert_eq!(code, 0, "{out}{err}");
    holds(&vault, &people, &desk.tokens());
}

/// Good lines with one of each kind of bad ones among them, and what each must be rejected as.
fn spoilt() -> (Vec<Person>, Vec<(usize, &'static str)>) {
    let mut people = people(30, 14);
    let mut set = |at: usize, column: &str, value: &str| {
        let index = HEADER.split(',').position(|name| name.trim() == column).unwrap();
        people[at].0[index] = value.to_owned();
    };
    set(3, "date_of_birth", "20150101");
    set(7, "surname", "4111 1111 1111 1111");
    set(11, "date_of_birth", "19990231");
    set(15, "soc_sec_id", "no tax id!");
    set(19, "rec_id", "");
    (
        people,
        vec![
            (3, "minor_refused"),
            (7, "card_number_refused"),
            (11, "not_a_date"),
            (15, "not_tax_id"),
            (19, "empty"),
        ],
    )
}

#[test]
fn what_is_rejected_is_named_by_line_pointer_and_code_and_never_by_value() {
    let (people, bad) = spoilt();
    let (vault, desk) = (Vault::start(), Desk::new(&people));
    let mut text = std::fs::read_to_string(desk.file("people.csv")).unwrap();
    text.push_str("one, two\n");
    std::fs::write(desk.file("people.csv"), text).unwrap();
    let reach = reach(&vault.data());
    let codes = || {
        let mut all: Vec<(u64, String)> = desk
            .lines("rejects")
            .iter()
            .map(|r| (r["line"].as_u64().unwrap(), r["code"].as_str().unwrap().to_owned()))
            .collect();
        all.sort();
        all.dedup();
        all
    };
    let mut wanted: Vec<(u64, String)> =
        bad.iter().map(|(at, code)| (*at as u64 + 2, (*code).to_owned())).collect();
    wanted.push((32, "ragged_line".to_owned()));
    let (code, out, err) = desk.import(&texts(&reach), &["--dry-run"]);
    assert!(code == 3 && out.contains("rejected  6 lines"), "{out}{err}");
    assert_eq!(codes(), wanted, "what the dry run finds");
    std::fs::remove_file(desk.file("rejects")).unwrap();
    let (code, out, err) = desk.import(&texts(&reach), &[]);
    assert!(code == 3 && out.contains("rejected  6 lines"), "{out}{err}");
    assert_eq!(codes(), wanted, "is what the vault refuses");
    for reject in desk.lines("rejects") {
        let keys: Vec<&String> = reject.as_object().unwrap().keys().collect();
        assert!(
            keys.iter().all(|k| ["line", "record", "pointer", "code", "rule"].contains(&k.as_str())),
            "{reject}"
        );
    }
    let of = |line: u64| desk.lines("rejects").into_iter().find(|r| r["line"] == line).unwrap();
    assert_eq!(of(13), json!({"line": 13, "pointer": "/birth_date", "code": "not_a_date"}));
    assert_eq!(
        of(17),
        json!({"line": 17, "record": "billing", "pointer": "/fields/tax_id", "code": "not_tax_id"})
    );
    let written = std::fs::read_to_string(desk.file("rejects")).unwrap();
    for value in ["4111", "20150101", "19990231", "no tax"] {
        assert!(!written.contains(value), "{written}");
    }
    let good: Vec<Person> = people
        .iter()
        .enumerate()
        .filter(|(at, _)| !bad.iter().any(|(b, _)| b == at))
        .map(|(_, p)| p.clone())
        .collect();
    let mut tokens = desk.tokens();
    tokens.retain(|reference, _| good.iter().any(|p| p.reference() == *reference));
    holds(&vault, &good, &tokens);
    let minor = run(&["audit", "query", "--data-dir", path(&vault.data()), "--outcome", "refused"]).1;
    assert!(
        minor.contains("minor_refused") && minor.contains("card_number_refused"),
        "the vault refused, not the command: {minor}"
    );
}

#[test]
fn an_unknown_region_and_an_ungranted_field_are_told_before_or_by_line() {
    let people = people(3, 15);
    let (vault, desk) = (Vault::start(), Desk::new(&people));
    let map = desk.file("map.toml");
    let import = |text: &str, more: &[&str]| {
        std::fs::write(&map, text).unwrap();
        let input = desk.file("people.csv");
        let _ = std::fs::remove_file(desk.file("people.csv.journal"));
        let data = vault.data();
        let args = ["import", path(&input), "--map", path(&map), "--data-dir", path(&data)];
        let out = Command::new(binary()).args(args).args(more).output().unwrap();
        (
            out.status.code().unwrap(),
            String::from_utf8(out.stderr).unwrap() + &String::from_utf8(out.stdout).unwrap(),
        )
    };
    let good = std::fs::read_to_string(MAPPING).unwrap();
    let (code, told) = import(&good.replace("region = \"AU\"", "region = \"NZ\""), &[]);
    assert!(code == 3 && told.contains("rejected  3 lines"), "{told}");
    let (code, told) = import(&good.replace("region = \"AU\"", "region = \"NZ\""), &["--dry-run"]);
    assert!(code == 3 && told.contains("rejected  3 lines"), "{told}");
    let (code, told) = import(&good.replace("client = \"billing\"", "client = \"storefront\""), &[]);
    let line = good.lines().position(|l| l.contains("client = \"billing\"")).unwrap();
    assert!(
        code == 1
            && told.contains("write no field billing.tax_id")
            && told.contains(&format!("map.toml:{line}:")),
        "{told}"
    );
    let (code, told) = import(&good.replace("{surname}", "{surnme}"), &[]);
    assert!(
        code == 1 && told.contains("no column \"surnme\"") && told.contains("given_name, surname"),
        "{told}"
    );
    let (code, told) = import(&good.replace("purpose = \"billing\"", "porpose = \"billing\""), &[]);
    assert!(code == 1 && told.contains("porpose"), "{told}");
    let (_, log, _) = run(&["audit", "query", "--data-dir", path(&vault.data()), "--act", "record.create"]);
    assert_eq!(log, "", "nothing was stored by any of these");
}

/// Kills the import once so many lines are done, `times` over; then lets it end.
fn broken(desk: &Desk, reach: &[&str], times: usize) -> (i32, String) {
    let journal = desk.file("people.csv.journal");
    for time in 1..=times {
        let more: &[&str] = if time == 1 { &[] } else { &["--resume"] };
        let args = desk.arguments(reach, &[more, &["--at-once", "8"]].concat());
        let mut child =
            Command::new(binary()).args(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(120);
        let done = || std::fs::read_to_string(&journal).map_or(0, |t| t.matches("\"done\"").count());
        while done() < time * 40 {
            assert!(
                Instant::now() < deadline && child.try_wait().unwrap().is_none(),
                "it ended or stands still: {}",
                done()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (code, out, err) = desk.import(reach, &["--resume"]);
    (code, format!("{out}{err}"))
}

#[test]
fn an_import_killed_again_and_again_ends_as_an_unbroken_one() {
    let people = people(300, 16);
    let (vault, desk) = (Vault::start(), Desk::new(&people));
    let reach = reach(&vault.data());
    let (code, told) = broken(&desk, &texts(&reach), 4);
    assert!(code == 0 && told.contains("300 created, 0 found") && told.contains("earlier"), "{told}");
    let records: usize = people
        .iter()
        .map(|p| expected(p).keys().map(|k| k.split('.').next()).collect::<BTreeSet<_>>().len())
        .sum();
    assert_eq!(desk.lines("tokens").len(), records, "a line a record, none twice, none lost");
    holds(&vault, &people, &desk.tokens());
    let (code, _, err) = desk.import(&texts(&reach), &["--resume"]);
    assert!(code == 1 && err.contains("come to its end"), "{err}");
}

#[test]
fn a_vault_killed_with_its_import_opens_again_and_the_import_goes_on() {
    let people = people(120, 17);
    let vault = Vault::start();
    assert_eq!(vault.get("storefront", "/v1/whoami").status, 200, "it serves, and so listens to signals");
    let dir = vault.stop();
    let desk = Desk::new(&people);
    let reach = reach(&dir.path().join("data"));
    let (code, told) = broken(&desk, &texts(&reach), 2);
    assert!(code == 0 && told.contains("120 created, 0 found"), "{told}");
    let vault = Vault::start_in(dir, &[]);
    holds(&vault, &people, &desk.tokens());
}

#[test]
fn a_person_who_is_there_already_is_left_changed_or_rejected_as_the_mapping_says() {
    let mut people = people(20, 18);
    let vault = Vault::start();
    let reach = reach(&vault.data());
    let first = Desk::new(&people);
    assert_eq!(first.import(&texts(&reach), &[]).0, 0);
    let again = |people: &[Person], on_duplicate: &str| {
        let desk = Desk::new(people);
        let text = std::fs::read_to_string(MAPPING).unwrap();
        std::fs::write(desk.file("map"), text.replace("\"skip\"", &format!("{on_duplicate:?}"))).unwrap();
        let (input, map, tokens) = (desk.file("people.csv"), desk.file("map"), desk.file("tokens"));
        let fixed = ["import", path(&input), "--map", path(&map), "--tokens-out", path(&tokens)];
        let out = Command::new(binary()).args(fixed).args(&reach).output().unwrap();
        (out.status.code().unwrap(), String::from_utf8(out.stdout).unwrap(), desk)
    };
    let surname = HEADER.split(',').position(|n| n.trim() == "surname").unwrap();
    for person in &mut people {
        person.0[surname] = format!("{} changed", person.get("surname")).trim().to_owned();
    }
    let (code, out, _) = again(&people, "fail");
    assert!(code == 3 && out.contains("0 created, 20 found") && out.contains("rejected  20 lines"), "{out}");
    let (code, out, desk) = again(&people, "skip");
    assert!(code == 0 && out.contains("0 created, 20 found") && out.contains("0 updated"), "{out}");
    assert!(
        desk.tokens().values().all(|t| !t.contains_key("shipping.address")),
        "nothing of a collection that is there"
    );
    let (code, out, desk) = again(&people, "update");
    assert!(code == 0 && out.contains("20 found") && out.contains("0 stored, 0 skipped"), "{out}");
    holds(&vault, &people, &desk.tokens());
}

#[test]
fn a_line_begun_and_not_done_is_still_a_duplicate_when_it_is_resumed() {
    let people = people(10, 22);
    let vault = Vault::start();
    let reach = reach(&vault.data());
    assert_eq!(Desk::new(&people).import(&texts(&reach), &[]).0, 0);
    let desk = Desk::new(&people);
    let text = std::fs::read_to_string(MAPPING).unwrap();
    std::fs::write(desk.file("map"), text.replace("\"skip\"", "\"fail\"")).unwrap();
    let (input, map, rejects) = (desk.file("people.csv"), desk.file("map"), desk.file("rejects"));
    let import = |more: &[&str]| {
        let fixed = ["import", path(&input), "--map", path(&map), "--rejects", path(&rejects)];
        Command::new(binary()).args(fixed).args(&reach).args(more).output().unwrap().status.code()
    };
    assert_eq!(import(&[]), Some(3));
    let once = std::fs::read(&rejects).unwrap();
    // As a kill right after the first requests would have left it.
    let journal = desk.file("people.csv.journal");
    let written = std::fs::read_to_string(&journal).unwrap();
    let beginnings = written.lines().filter(|l| !l.contains("\"done\"") && !l.contains("finished"));
    std::fs::write(&journal, beginnings.map(|l| format!("{l}\n")).collect::<String>()).unwrap();
    assert_eq!(import(&["--resume"]), Some(3));
    let sorted = |bytes: &[u8]| {
        String::from_utf8(bytes.to_vec()).unwrap().lines().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    assert_eq!(sorted(&std::fs::read(&rejects).unwrap()), sorted(&once));
    let (_, log, _) = run(&[
        "audit",
        "query",
        "--data-dir",
        path(&vault.data()),
        "--act",
        "record.create",
        "--limit",
        "1000",
    ]);
    let kinds = |p: &Person| expected(p).keys().map(|k| k.split('.').next()).collect::<BTreeSet<_>>().len();
    let stored: usize = people.iter().map(kinds).sum();
    assert_eq!(log.lines().count(), stored, "the second import stored nothing");
}

#[test]
fn the_same_person_twice_in_one_file_is_one_person() {
    let mut people = people(25, 19);
    people.push(people[0].clone());
    people.insert(1, people[0].clone());
    let (vault, desk) = (Vault::start(), Desk::new(&people));
    let (code, out, err) = desk.import(&texts(&reach(&vault.data())), &[]);
    assert!(code == 0 && out.contains("25 created, 2 found"), "{out}{err}");
    people.remove(1);
    people.pop();
    holds(&vault, &people, &desk.tokens());
}

#[test]
fn a_limit_of_the_policy_that_does_not_end_soon_ends_the_import_and_it_goes_on_from_there() {
    let people = people(12, 23);
    let desk = Desk::new(&people);
    let (data, policy) = (desk.file("d"), desk.file("policy.toml"));
    let sample = include_str!("../../config/policy.toml");
    std::fs::write(&policy, sample.replace("reads_per_hour = 10000", "reads_per_hour = 5")).unwrap();
    assert!(run(&["init", "--data-dir", path(&data), "--policy", path(&policy), "--single-operator"]).0);
    for client in ["storefront", "billing"] {
        assert!(run(&["client", "add", "--data-dir", path(&data), client]).0);
    }
    let reach = reach(&data);
    let (code, _, err) = desk.import(&texts(&reach), &["--at-once", "1"]);
    assert!(code == 1 && err.contains("a limit of the vault") && err.contains("--resume"), "{err}");
    let stored = || {
        let filter = ["--principal", "billing", "--outcome", "allowed", "--act", "record.create"];
        run(&[&["audit", "query", "--data-dir", path(&data)], &filter[..]].concat()).1.lines().count()
    };
    let before = stored();
    assert!((1..12).contains(&before), "{before}");
    let (code, _, err) = desk.import(&texts(&reach), &["--resume", "--at-once", "1"]);
    // Limits last from one process to the next: what comes back with time may be stored, and no person twice.
    assert!(code == 1, "{err}");
    assert!((before..=before + 1).contains(&stored()), "{before} and {}", stored());
    let references = desk.tokens();
    assert!(references.len() >= before, "each record's tokens are there once: {}", references.len());
}

#[test]
fn what_an_import_writes_never_takes_the_place_of_another_file() {
    let people = people(3, 20);
    let (vault, desk) = (Vault::start(), Desk::new(&people));
    std::fs::write(desk.file("tokens"), "precious").unwrap();
    let (code, _, err) = desk.import(&texts(&reach(&vault.data())), &[]);
    assert!(code == 1 && err.contains("there already"), "{err}");
    assert_eq!(std::fs::read_to_string(desk.file("tokens")).unwrap(), "precious");
    let (code, _, err) = desk.import(&texts(&reach(&vault.data())), &["--resume"]);
    assert!(code == 1 && err.contains("no journal"), "{err}");
}

#[test]
fn ndjson_lines_are_people_too() {
    let people = people(15, 21);
    let (vault, desk) = (Vault::start(), Desk::new(&people));
    let names: Vec<&str> = HEADER.split(',').map(str::trim).collect();
    let line = |p: &Person| {
        let columns = names.iter().zip(&p.0).filter(|(_, v)| !v.is_empty());
        json!(columns.map(|(n, v)| ((*n).to_owned(), json!(v))).collect::<serde_json::Map<_, _>>())
            .to_string()
    };
    let mut text: String = people.iter().map(|p| line(p) + "\n").collect();
    text.push_str("{\"rec_id\":\"a\",\"rec_id\":\"b\"}\n");
    let input = desk.file("people.ndjson");
    std::fs::write(&input, text).unwrap();
    let (tokens, rejects) = (desk.file("tokens"), desk.file("rejects"));
    let fixed = [
        "import",
        path(&input),
        "--map",
        MAPPING,
        "--tokens-out",
        path(&tokens),
        "--rejects",
        path(&rejects),
    ];
    let out = Command::new(binary()).args(fixed).args(reach(&vault.data())).output().unwrap();
    assert_eq!(out.status.code(), Some(3));
    assert_eq!(desk.lines("rejects"), [json!({"line": 16, "pointer": "", "code": "malformed_json"})]);
    holds(&vault, &people, &desk.tokens());
}

#[test]
fn an_import_that_a_signal_stops_says_how_to_go_on_and_ends_as_an_unbroken_one() {
    use rustix::process::{Pid, Signal, kill_process};
    for signal in [Signal::INT, Signal::TERM] {
        let people = people(200, 31);
        let (vault, desk) = (Vault::start(), Desk::new(&people));
        let to = reach(&vault.data());
        let args = desk.arguments(&texts(&to), &["--at-once", "2"]);
        let child =
            Command::new(binary()).args(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (journal, deadline) =
            (desk.file("people.csv.journal"), Instant::now() + Duration::from_secs(120));
        while std::fs::read_to_string(&journal).map_or(0, |t| t.matches("\"done\"").count()) < 20 {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(2));
        }
        kill_process(Pid::from_child(&child), signal).unwrap();
        let ended = child.wait_with_output().unwrap();
        let told = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(130), "{told}");
        assert!(told.contains("nothing is lost") && told.contains("--resume"), "{told}");
        let (code, _, err) = desk.import(&texts(&to), &["--resume"]);
        assert_eq!(code, 0, "{err}");
        holds(&vault, &people, &desk.tokens());
    }
}

#[test]
fn an_import_that_is_refused_for_its_outputs_leaves_the_finished_journal_where_it_was() {
    let people = people(3, 32);
    let (vault, desk) = (Vault::start(), Desk::new(&people));
    let to = reach(&vault.data());
    assert_eq!(desk.import(&texts(&to), &[]).0, 0);
    let (code, _, err) = desk.import(&texts(&to), &[]);
    assert!(code == 1 && err.contains("there already"), "{err}");
    let (code, _, err) = desk.import(&texts(&to), &["--resume"]);
    assert!(code == 1 && err.contains("come to its end already"), "{err}");
}
