//! A vault with one of everything that is stored, and everything that can be asked about it: what an attack on its files
//! is measured by. An observation is compared with the one made before the attack.

use crate::caller::{Client, Reply};
use crate::vault::{Vault, path, run};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What an answer said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Seen {
    /// It was refused.
    Refused,
    /// It showed this.
    Shown(String),
    /// It listed these.
    Listed(Vec<String>),
}

/// How an observation differs from an earlier one, the gravest difference last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Effect {
    /// In nothing.
    None,
    /// A list lacks something; nothing said so.
    Less,
    /// Something is refused.
    Refused,
    /// Something is said that is not so.
    Lie,
}

/// Compares two observations.
pub(super) fn effect(before: &[Seen], after: &[Seen]) -> Effect {
    assert_eq!(before.len(), after.len());
    let of = |pair: (&Seen, &Seen)| match pair {
        (a, b) if a == b => Effect::None,
        (_, Seen::Refused) => Effect::Refused,
        (Seen::Listed(a), Seen::Listed(b)) if b.iter().all(|item| a.contains(item)) => Effect::Less,
        _ => Effect::Lie,
    };
    before.iter().zip(after).map(of).max().unwrap()
}

/// A directory where a sync costs nothing, if there is one: thousands of vaults are made in it.
pub(super) fn quick_dir() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// The names of what an estate holds.
#[derive(Clone)]
pub(super) struct Deeds {
    pub(super) subjects: [String; 2],
    pub(super) records: Vec<Value>,
    pub(super) grants: [Value; 2],
    certificate: String,
    replayed: String,
}

pub(super) struct Estate {
    pub(super) vault: Vault,
    pub(super) deeds: Deeds,
    shop: Client,
    mailer: Client,
}

fn contact(number: usize) -> Value {
    json!({"name": format!("Ada Lovelace {number}"), "email": format!("ada{number}@example.org"), "phone": "+442079460018"})
}

fn replayed(subject: &str) -> String {
    json!({"subject": subject, "collection": "contact", "purpose": "order_fulfilment", "fields": {"name": "Once"}})
        .to_string()
}

const ONCE: (&str, &str) = ("Idempotency-Key", "once-1");

impl Estate {
    pub(super) fn new() -> Self {
        let vault = Vault::start_in(quick_dir(), &[]);
        let (mut shop, mailer) = (Client::of(&vault, "storefront"), Client::of(&vault, "mailer"));
        let known = json!({"region": "DE", "age_attested": true, "external_ref": "crm-17"});
        let first = shop.post("/v1/subjects", known).is(201).at("/subject");
        let second = shop.subject();
        let mut records =
            vec![shop.record(&first, "contact", contact(0)), shop.record(&second, "contact", contact(1))];
        let address =
            json!({"line1": "Analytical Row 1", "city": "London", "postcode": "98765", "country": "DE"});
        records.push(shop.record(&first, "shipping", json!({"name": "Ada", "address": address})));
        let mut grant = |wish: Value| {
            let mut body = wish;
            body["record"] = records[0]["record"].clone();
            body["fields"] = json!(["email"]);
            shop.post("/v1/tokens", body).is(201).json()["tokens"]["email"].clone()
        };
        let grants = [grant(json!({"expires_in": "30d"})), grant(json!({"uses": 9, "expires_in": "30d"}))];
        shop.consent(&first, "newsletter", true);
        shop.consent(&second, "newsletter", false);
        let order = json!({"kind": "order", "ref": "order-17", "subject": first, "expires_in": "30d"});
        shop.post("/v1/contexts", order).is(201);
        let doomed = shop.record(&second, "contact", json!({"name": "Gone"}));
        let erase = format!("/v1/records/{}", doomed["record"].as_str().unwrap());
        let certificate = shop.send(("DELETE", &erase), &[], None).is(200).at("/certificate");
        let once = replayed(&second);
        shop.send(("POST", "/v1/records"), &[ONCE], Some(&once)).is(201);
        let deeds = Deeds { subjects: [first, second], records, grants, certificate, replayed: once };
        let mut estate = Self { vault, deeds, shop, mailer };
        estate.look();
        estate
    }

    /// What another process says that serves these files.
    pub(super) fn reopened(dir: tempfile::TempDir, deeds: &Deeds) -> Self {
        let vault = Vault::start_in(dir, &[]);
        let (shop, mailer) = (Client::of(&vault, "storefront"), Client::of(&vault, "mailer"));
        Self { vault, deeds: deeds.clone(), shop, mailer }
    }

    /// Stops the process; a copy of its files may then be attacked.
    pub(super) fn rest(self) -> (tempfile::TempDir, Deeds) {
        (self.vault.stop(), self.deeds)
    }

    pub(super) fn shop(&mut self) -> &mut Client {
        &mut self.shop
    }

    /// An acknowledged change: every reader takes a new snapshot.
    pub(super) fn renew(&mut self) {
        let body = json!({"region": "DE", "age_attested": true}).to_string();
        self.shop.send(("POST", "/v1/subjects"), &[], Some(&body));
    }

    /// Asks everything.
    pub(super) fn look(&mut self) -> Vec<Seen> {
        self.renew();
        let deeds = self.deeds.clone();
        let mut seen = Vec::new();
        for subject in &deeds.subjects {
            let at = format!("/v1/subjects/{subject}");
            seen.extend(person(self.shop.send(("GET", &at), &[], None)));
            seen.push(whole(self.shop.send(("GET", &format!("{at}/consents")), &[], None)));
            let list = self.shop.send(("GET", &format!("{at}/records")), &[], None);
            seen.push(listed(&list, "items", "record"));
            let link = self.mailer.send(
                ("POST", &format!("{at}/unsubscribe-link")),
                &[],
                Some(r#"{"purpose":"newsletter"}"#),
            );
            seen.push(whole(link));
        }
        let mut tokens = vec![&deeds.grants[0]];
        for record in &deeds.records {
            seen.push(whole(self.shop.send(("GET", &crate::caller::at(record)), &[], None)));
            tokens.extend(record["tokens"].as_object().unwrap().values());
        }
        let reveal = json!({"purpose": "order_fulfilment", "tokens": tokens,
            "context": {"kind": "order", "ref": "order-17"}});
        seen.extend(items(
            &self.shop.send(("POST", "/v1/detokenize"), &[], Some(&reveal.to_string())),
            tokens.len(),
        ));
        let emails: Vec<&Value> = deeds.records[..2].iter().map(|r| &r["tokens"]["email"]).collect();
        let reveal = json!({"purpose": "newsletter", "tokens": emails});
        let shown = self.mailer.send(("POST", "/v1/detokenize"), &[], Some(&reveal.to_string()));
        seen.extend(items(&shown, 2));
        let inspect = json!({"tokens": deeds.grants});
        seen.extend(items(
            &self.shop.send(("POST", "/v1/tokens/inspect"), &[], Some(&inspect.to_string())),
            2,
        ));
        for number in 0..2 {
            let find = json!({"collection": "contact", "field": "email", "purpose": "order_fulfilment",
                "equals": format!("ada{number}@example.org")});
            let found = self.shop.send(("POST", "/v1/search"), &[], Some(&find.to_string()));
            seen.push(listed(&found, "records", "record"));
        }
        seen.push(whole(self.shop.send(
            ("GET", &format!("/v1/certificates/{}", deeds.certificate)),
            &[],
            None,
        )));
        seen.extend(self.known_things());
        seen
    }

    /// What is to be recognised: a person of an outside reference, a request that was answered before.
    fn known_things(&mut self) -> [Seen; 2] {
        let known = json!({"region": "DE", "age_attested": true, "external_ref": "crm-17"}).to_string();
        let person = self.shop.send(("POST", "/v1/subjects"), &[], Some(&known));
        let person = match person.status() {
            200 => Seen::Listed(vec![person.at("/subject")]),
            201 => Seen::Listed(vec![]),
            _ => Seen::Refused,
        };
        let once = self.shop.send(("POST", "/v1/records"), &[ONCE], Some(&self.deeds.replayed));
        let once = match (once.status(), once.header("idempotency-replayed")) {
            (201, Some("true")) => Seen::Listed(vec![once.at("/record")]),
            (201, _) => Seen::Listed(vec![]),
            _ => Seen::Refused,
        };
        [person, once]
    }

    /// Rows that failed their seals since the process began.
    pub(super) fn failures(&self) -> u64 {
        let text = self.vault.metrics();
        let line = text.lines().find_map(|l| l.strip_prefix("strongroom_integrity_failures_total "));
        line.unwrap().parse().unwrap()
    }
}

fn whole(reply: Reply) -> Seen {
    if reply.status() < 300 { Seen::Shown(without_port(&reply.text())) } else { Seen::Refused }
}

/// A process that serves the same files again listens elsewhere: the port is no part of what it says.
fn without_port(text: &str) -> String {
    let mut parts = text.split("127.0.0.1:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |said, part| said + "127.0.0.1" + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// A subject's view, and apart from it which records it counts: a count is a list without names.
fn person(reply: Reply) -> [Seen; 2] {
    if reply.status() >= 300 {
        return [Seen::Refused, Seen::Refused];
    }
    let mut view = reply.json();
    let counts = view.as_object_mut().unwrap().remove("collections").unwrap();
    let numbered = counts.as_object().unwrap().iter().flat_map(|(collection, count)| {
        (1..=count.as_u64().unwrap()).map(move |n| format!("{collection} {n}"))
    });
    [Seen::Shown(view.to_string()), Seen::Listed(numbered.collect())]
}

fn listed(reply: &Reply, list: &str, name: &str) -> Seen {
    if reply.status() >= 300 {
        return Seen::Refused;
    }
    let json = reply.json();
    Seen::Listed(
        json[list].as_array().unwrap().iter().map(|i| i[name].as_str().unwrap().to_owned()).collect(),
    )
}

fn items(reply: &Reply, count: usize) -> Vec<Seen> {
    if reply.status() >= 300 {
        return vec![Seen::Refused; count];
    }
    let json = reply.json();
    let item = |i: &Value| if i.get("error").is_some() { Seen::Refused } else { Seen::Shown(i.to_string()) };
    json["results"].as_array().unwrap().iter().map(item).collect()
}

/// Copies a data directory and all in it; sockets and locks stay behind.
pub(super) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, std::fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy(&entry.path(), &target),
            kind if kind.is_file() => drop(std::fs::copy(entry.path(), target).unwrap()),
            _ => {}
        }
    }
}

/// A copy of a stopped vault's whole directory, in a directory of its own.
pub(super) fn copied(from: &tempfile::TempDir) -> (tempfile::TempDir, PathBuf) {
    let to = quick_dir();
    copy(from.path(), to.path());
    let data = to.path().join("data");
    (to, data)
}

/// Runs statements on a database that nobody serves, as the user who owns the disk.
pub(super) fn sql(data: &Path, statements: &str) {
    let db = rusqlite::Connection::open(data.join("vault.db")).unwrap();
    db.execute_batch(statements).unwrap_or_else(|e| panic!("{e}: {statements}"));
}

/// Whether the files open, hold their seals and carry a whole log: what `client list`, `doctor` and `audit verify` say.
pub(super) fn offline_refuses(data: &Path) -> bool {
    let opens = run(&["client", "list", "--data-dir", path(data)]).0;
    !opens || !audit_holds(data) || doctor_fails(data)
}

pub(super) fn audit_holds(data: &Path) -> bool {
    run(&["audit", "verify", "--data-dir", path(data)]).0
}

/// Whether `doctor` finds something broken (what is merely weak does not count).
pub(super) fn doctor_fails(data: &Path) -> bool {
    let (_, report, err) = run(&["doctor", "--json", "--data-dir", path(data)]);
    let report: Value = serde_json::from_str(&report).unwrap_or_else(|e| panic!("{e}: {report} {err}"));
    report["failures"] != 0
}
