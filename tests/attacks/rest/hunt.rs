//! A49: planted values, tokens and keys hunted in everything that lies on the disk or leaves by another way than the reply
//! they belong to: the database and its log as a power failure leaves them, index, ledger, keyring, what is logged,
//! measured, audited and exported.

use super::estate::quick_dir;
use crate::caller::{Client, at};
use crate::vault::{Vault, path, run};
use base64::Engine;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Every spelling of a text: as it is, folded, in hex, in UTF-16, and in base64 at each of its three shifts.
fn spellings(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let lower = text.to_lowercase();
    let mut all = vec![
        ("raw", lower.clone().into_bytes()),
        ("hex", data_encoding::HEXLOWER.encode(text.as_bytes()).into_bytes()),
        ("utf-16le", lower.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("utf-16be", lower.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    ];
    for shift in 0..3 {
        let padded = [vec![0; shift], text.as_bytes().to_vec()].concat();
        let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(padded);
        let inner = &encoded[4..encoded.len() - 4];
        all.push(("base64", inner.to_lowercase().into_bytes()));
        all.push(("base64url", inner.replace('+', "-").replace('/', "_").to_lowercase().into_bytes()));
    }
    all
}

fn files(dir: &Path, out: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let at = entry.path();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => files(&at, out),
            // The one file that is for the caller, and holds its keys.
            kind if kind.is_file() && !at.ends_with("credentials.json") => {
                out.insert(at.display().to_string(), std::fs::read(&at).unwrap());
            }
            _ => {}
        }
    }
}

/// What lies packed in a place: everything that begins like gzip, unpacked.
fn unpacked(bytes: &[u8]) -> Vec<Vec<u8>> {
    let starts = bytes.windows(3).enumerate().filter(|(_, w)| w == b"\x1f\x8b\x08").map(|(at, _)| at);
    let unpack = |at: usize| {
        let dir = quick_dir();
        let file = dir.path().join("part.gz");
        std::fs::write(&file, &bytes[at..]).unwrap();
        std::process::Command::new("gzip").arg("-dc").arg(&file).output().unwrap().stdout
    };
    starts.map(unpack).collect()
}

/// Where a planted text was found.
fn found(planted: &[String], places: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let mut hits = Vec::new();
    for (place, bytes) in places {
        let mut layers = vec![bytes.clone()];
        layers.extend(unpacked(bytes));
        for layer in layers {
            let folded = layer.to_ascii_lowercase();
            let mut starts = std::collections::HashMap::<[u8; 6], Vec<usize>>::new();
            for (at, window) in folded.windows(6).enumerate() {
                starts.entry(window.try_into().unwrap()).or_default().push(at);
            }
            for text in planted {
                for (how, needle) in spellings(text) {
                    let Some(first) = needle.first_chunk::<6>() else { continue };
                    let places = starts.get(first).into_iter().flatten();
                    if places.into_iter().any(|at| folded[*at..].starts_with(&needle)) {
                        hits.push(format!("{how} in {place}"));
                    }
                }
            }
        }
    }
    hits
}

/// P1, P18: nothing of a person, no token and no key is anywhere but in the reply it belongs to; the hunt itself finds what
/// is planted for it.
#[test]
fn a49_nothing_planted_is_found_at_rest_or_in_what_leaves() {
    let vault = Vault::start_in(quick_dir(), &["--log-level", "debug"]);
    let (mut shop, mut billing) = (Client::of(&vault, "storefront"), Client::of(&vault, "billing"));
    let values = ["Cnryname Quixotefield-7718", "cnrymail.qx7718@example.org", "+4915123477189"];
    let outside = "cnry-crm-ref-771823";
    let known = json!({"region": "DE", "age_attested": true, "external_ref": outside});
    let subject = shop.post("/v1/subjects", known).is(201).at("/subject");
    let fields = json!({"name": values[0], "email": values[1], "phone": values[2]});
    let stored = shop.record(&subject, "contact", fields.clone());
    let again = shop.record(&subject, "contact", fields);
    let grant = json!({"record": stored["record"], "fields": ["email"], "uses": 3});
    let grant = shop.post("/v1/tokens", grant).is(201).json()["tokens"]["email"].clone();
    let tokens: Vec<&Value> = stored["tokens"].as_object().unwrap().values().chain([&grant]).collect();
    assert_eq!(shop.swap("order_fulfilment", &tokens)[3]["value"], values[1]);
    billing.swap("billing", &tokens);
    let find = json!({"collection": "contact", "field": "email", "equals": values[1], "purpose": "order_fulfilment"});
    shop.post("/v1/search", find).is(200);
    shop.patch(
        &at(&stored),
        json!({"purpose": "order_fulfilment", "fields": {"name": "Cnrysecond Otherfield-99"}}),
    )
    .is(200);
    shop.send(("DELETE", &at(&again)), &[], None).is(200);
    // Refusals of every kind, with a value where it does not belong.
    shop.post("/v1/records", json!({"subject": subject, "collection": "contact", "purpose": "order_fulfilment", "fields": {"name": 7, "email": values[0], "phone": values[0]}})).is(400);
    shop.post("/v1/detokenize", json!({"purpose": values[0], "tokens": [values[1]]}));
    shop.send(
        ("POST", "/v1/subjects"),
        &[("Idempotency-Key", "cnry-idempotency-8817")],
        Some(&format!("{{\"{}\": ", values[0])),
    );
    shop.get(&format!("/v1/subjects/{}", values[1]));
    let mut planted: Vec<String> = values.iter().map(|v| (*v).to_owned()).collect();
    planted.extend([
        "Cnrysecond Otherfield-99".to_owned(),
        outside.to_owned(),
        "cnry-idempotency-8817".to_owned(),
    ]);
    planted.extend(tokens.iter().map(|t| t.as_str().unwrap().to_owned()));
    planted.extend(["storefront", "billing", "mailer"].map(|client| vault.key(client).to_owned()));
    let mut places = BTreeMap::new();
    places.insert("metrics".to_owned(), vault.metrics().into_bytes());
    places.insert("alerts".to_owned(), vault.on_metrics("/alerts").into_bytes());
    let data = vault.data();
    let (ok, events, _) = run(&["audit", "query", "--data-dir", path(&data)]);
    assert!(ok);
    places.insert("audit query".to_owned(), events.into_bytes());
    let (_, report, _) = run(&["doctor", "--json", "--data-dir", path(&data)]);
    places.insert("doctor".to_owned(), report.into_bytes());
    // As a power failure leaves it, write-ahead log and shared memory included; then after an orderly end.
    let dir = vault.kill();
    let mut killed = BTreeMap::new();
    files(dir.path(), &mut killed);
    assert!(killed.keys().any(|name| name.ends_with("vault.db-wal")), "{:?}", killed.keys());
    places.extend(killed.into_iter().map(|(name, bytes)| (format!("killed {name}"), bytes)));
    let dir = Vault::start_in(dir, &["--log-level", "debug"]).stop();
    files(dir.path(), &mut places);
    assert_eq!(found(&planted, &places), Vec::<String>::new());
    // The hunter is no fool: it finds each spelling it looks for, also packed.
    for (n, (how, needle)) in spellings(&planted[0]).into_iter().enumerate() {
        let hay = BTreeMap::from([(how.to_owned(), [vec![b'#'; n], needle, vec![b'#'; 9]].concat())]);
        assert!(!found(&planted[..1], &hay).is_empty(), "{how} is not found");
    }
    let file = dir.path().join("packed");
    std::fs::write(&file, format!("some text, {} and more", planted[0])).unwrap();
    assert!(std::process::Command::new("gzip").arg(&file).status().unwrap().success());
    let packed = std::fs::read(dir.path().join("packed.gz")).unwrap();
    assert!(!found(&planted[..1], &BTreeMap::from([("gzip".to_owned(), packed)])).is_empty(), "packed");
}
