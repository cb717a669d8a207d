//! I6, A05, A49: planted values, tokens and keys are found nowhere but in the reply they belong to.

use crate::collector::Collector;
use crate::vault::Vault;
use base64::Engine;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Every spelling in which a planted text is hunted.
fn spellings(text: &str) -> Vec<(String, Vec<u8>)> {
    let mut all = vec![
        ("raw".to_owned(), text.as_bytes().to_vec()),
        ("lower".to_owned(), text.to_lowercase().into_bytes()),
        ("upper".to_owned(), text.to_uppercase().into_bytes()),
        ("hex".to_owned(), data_encoding::HEXLOWER.encode(text.as_bytes()).into_bytes()),
        ("HEX".to_owned(), data_encoding::HEXUPPER.encode(text.as_bytes()).into_bytes()),
        ("utf-16le".to_owned(), text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("utf-16be".to_owned(), text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    ];
    for shift in 0..3 {
        let padded = [vec![0; shift], text.as_bytes().to_vec()].concat();
        let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&padded);
        let inner: String = encoded.chars().skip(4).take(encoded.len().saturating_sub(8)).collect();
        all.push((format!("base64 {shift}"), inner.into_bytes()));
    }
    all
}

pub(crate) fn files(dir: &Path, out: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, out);
        } else if path.is_file() && path.file_name().unwrap() != "credentials.json" {
            out.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
}

/// Looks for every spelling of every text in every place, in one pass over each: by the first eight bytes.
pub(crate) fn hunt(planted: &[String], places: &BTreeMap<String, Vec<u8>>) {
    let mut by_start: HashMap<[u8; 8], Vec<(Vec<u8>, String)>> = HashMap::new();
    for text in planted {
        for (how, needle) in spellings(text) {
            // The middle of a short text's base64 is too common to mean anything; its other spellings are hunted.
            let Some(start) = needle.first_chunk::<8>().copied() else {
                assert!(how.starts_with("base64"), "{text} as {how} is too short to hunt");
                continue;
            };
            by_start.entry(start).or_default().push((needle, how));
        }
    }
    for (place, bytes) in places {
        for (at, window) in bytes.windows(8).enumerate() {
            let Some(needles) = by_start.get(window) else { continue };
            for (needle, how) in needles {
                assert!(!bytes[at..].starts_with(needle), "a planted text was found as {how} in {place}");
            }
        }
    }
}

/// Valid values of every type, each with a mark of its own.
fn people() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        (
            "storefront",
            "contact",
            json!({"name": "Cnryname Quixotefield", "email": "cnrymail.qx7@example.org", "phone": "+4915123456789"}),
        ),
        (
            "storefront",
            "shipping",
            json!({"name": "Cnryship Zanzibarovna", "company": "Cnrycompany Holdings",
            "address": {"line1": "Cnrystreet Boulevard 77", "city": "Cnrytownville", "postcode": "98765", "country": "DE"}}),
        ),
        (
            "storefront",
            "credential",
            json!({"login": "cnrylogin-user", "password": "Cnrypassword-Horse-Battery"}),
        ),
        (
            "storefront",
            "transaction",
            json!({"kind": "cnrykind-purchase", "reference": "CNRYREF-77218", "text": "cnrytext with words",
            "amount": {"amount": "81723.55", "currency": "EUR"}}),
        ),
        ("storefront", "identity", json!({"birth_date": "1961-07-23"})),
        (
            "billing",
            "billing",
            json!({"name": "Cnrybill Montgomery", "tax_id": "CNRY7718QZ", "iban": "DE89370400440532013000",
            "address": {"line1": "Cnrybilling Alley 9", "city": "Cnrybillcity", "country": "DE"},
            "processor_ref": {"processor": "stripe", "reference": "cnry_processor_ref_1"}}),
        ),
    ]
}

fn texts(value: &Value, out: &mut Vec<String>) {
    match value {
        // Short and common words (countries, postcodes, currencies) are not marks of anybody.
        Value::String(text) if text.len() >= 10 => out.push(text.clone()),
        Value::Object(parts) => parts.values().for_each(|v| texts(v, out)),
        Value::Array(items) => items.iter().for_each(|v| texts(v, out)),
        _ => {}
    }
}

/// Every place where something could be left: replies that were errors, metrics, spans, and all files after the end.
fn everywhere(
    vault: Vault,
    collector: &Collector,
    errors: BTreeMap<String, Vec<u8>>,
) -> BTreeMap<String, Vec<u8>> {
    let mut places = errors;
    places.insert("metrics".to_owned(), vault.metrics().into_bytes());
    places.insert("alerts".to_owned(), vault.on_metrics("/alerts").into_bytes());
    files(vault.stop().path(), &mut places);
    assert!(collector.spans().len() > 100, "an end delivers what waits");
    places.insert("spans".to_owned(), collector.bytes());
    places
}

const AGENT: &str = "cnry-agent-118-qx";
const ORDER: &str = "CNRYORDER-5512-QX";

/// Asks the public pages for a text in every place where one fits.
fn open_pages(vault: &Vault, text: &str, body: Option<&str>, errors: &mut BTreeMap<String, Vec<u8>>) {
    let pages = crate::public::pages(vault);
    for method in ["GET", "POST", "PUT"] {
        let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("User-Agent", text)];
        let answer = pages.send_with(method, &format!("/u/{text}?q={text}"), None, body, &headers);
        errors.insert(format!("page {method} {text} {}", body.map_or(0, str::len)), answer.body);
    }
}

/// Sends a text as path, query, key and headers.
fn name_everywhere(vault: &Vault, client: &str, mark: &str, errors: &mut BTreeMap<String, Vec<u8>>) {
    let path = format!("/v1/subjects/{mark}?q={mark}");
    let answer = vault.target.send("GET", &path, Some(vault.key(client)), None);
    errors.insert(format!("path {mark}"), answer.body);
    open_pages(vault, mark, Some(mark), errors);
    let headers = [("X-Forwarded-For", mark), ("User-Agent", mark), ("traceparent", mark)];
    vault.target.send_with("GET", "/v1/whoami", Some(mark), None, &headers);
}

/// A context, a person it is for, and an unsubscribe link that was followed.
fn named_and_linked(vault: &Vault, subject: &str, errors: &mut BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let body =
        json!({"kind": "order", "ref": ORDER, "subject": subject, "assigned_to": AGENT, "expires_in": "1d"});
    assert_eq!(vault.post("storefront", "/v1/contexts", &body).status, 201);
    let path = format!("/v1/subjects/{subject}/unsubscribe-link");
    let made = vault.post("mailer", &path, &json!({"purpose": "newsletter"})).json();
    let link = made["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    for body in [None, Some("List-Unsubscribe=One-Click"), Some(link.as_str())] {
        open_pages(vault, &link, body, errors);
    }
    vec![AGENT.to_owned(), ORDER.to_owned(), link]
}

#[test]
fn i6_planted_values_tokens_and_keys_are_found_nowhere() {
    // Everything that may be told is told: lines of every level, a span of every request.
    let collector = Collector::start();
    let more = ["--log-level", "debug", "--traces", &collector.url];
    let vault = Vault::start_in(tempfile::tempdir().unwrap(), &more);
    let mut planted: Vec<String> = Vec::new();
    let mut errors = BTreeMap::new();
    let body = json!({"region": "DE", "age_attested": true, "external_ref": "cnryref:customer-8812"});
    let subject =
        vault.post("storefront", "/v1/subjects", &body).json()["subject"].as_str().unwrap().to_owned();
    planted.push("cnryref:customer-8812".to_owned());
    planted.extend(named_and_linked(&vault, &subject, &mut errors));
    for (client, collection, fields) in people() {
        let purpose = if client == "billing" { "billing" } else { "order_fulfilment" };
        let body =
            json!({"subject": subject, "collection": collection, "purpose": purpose, "fields": fields});
        let stored = vault.post(client, "/v1/records", &body);
        assert_eq!(stored.status, 201, "{collection}: {}", stored.json());
        texts(&fields, &mut planted);
        let tokens: Vec<Value> = stored.json()["tokens"].as_object().unwrap().values().cloned().collect();
        tokens.iter().for_each(|t| texts(t, &mut planted));
        let read = vault.post(
            client,
            "/v1/detokenize",
            &json!({"purpose": purpose, "tokens": tokens,
            "on_behalf_of": AGENT, "context": {"kind": "order", "ref": ORDER}}),
        );
        assert_eq!(read.status, 200);
        in_bulk(&vault, (client, purpose), (&subject, collection, &fields), &mut planted);
        // The same values in every wrong place: types, names, routes, headers, queries, broken documents.
        let text = fields.to_string();
        for (at, wrong) in [
            json!({"subject": fields, "collection": collection, "purpose": purpose, "fields": {}}).to_string(),
            json!({"subject": subject, "collection": text, "purpose": purpose, "fields": fields}).to_string(),
            json!({"subject": subject, "collection": collection, "purpose": text, "fields": fields}).to_string(),
            json!({"subject": subject, "collection": collection, "purpose": purpose, "fields": {"iban": text, "email": text, "amount": fields}}).to_string(),
            json!({"subject": subject, "collection": "contact", "purpose": purpose, "fields": fields}).to_string(),
            format!("{{\"fields\":{text}"),
            text.clone(),
        ]
        .iter()
        .enumerate()
        {
            let batch = format!("{{\"records\":[{wrong}],\"atomic\":false}}");
            let answer = vault.target.send("POST", "/v1/records/batch", Some(vault.key(client)), Some(&batch));
            let stored = answer.status == 200 && !String::from_utf8_lossy(&answer.body).contains("\"error\"");
            if !stored {
                errors.insert(format!("batch {collection} {at}"), answer.body);
            }
            for route in ["/v1/records", "/v1/records/batch", "/v1/detokenize", "/v1/search", "/v1/credentials/verify", "/v1/tokens", "/v1/tokens/revoke", "/v1/contexts"] {
                let answer = vault.target.send("POST", route, Some(vault.key(client)), Some(wrong));
                if answer.status >= 400 {
                    errors.insert(format!("{route} {collection} {at}"), answer.body);
                }
            }
        }
        for mark in
            planted.iter().filter(|p| p.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'))
        {
            name_everywhere(&vault, client, mark, &mut errors);
        }
    }
    for client in ["storefront", "billing", "mailer"] {
        planted.push(vault.key(client).to_owned());
    }
    planted.sort_unstable();
    planted.dedup();
    let places = everywhere(vault, &collector, errors);
    assert!(planted.len() > 40 && places.len() > 50, "{} texts, {} places", planted.len(), places.len());
    hunt(&planted, &places);
}

/// The same through a batch, a stream, and an erasure with its certificate.
fn in_bulk(
    vault: &Vault,
    (client, purpose): (&str, &str),
    (subject, collection, fields): (&str, &str, &Value),
    planted: &mut Vec<String>,
) {
    let mut fields = fields.clone();
    if let Some(login) = fields.get_mut("login") {
        *login = json!("cnrylogin-of-a-batch");
        planted.push("cnrylogin-of-a-batch".to_owned());
    }
    let record = json!({"subject": subject, "collection": collection, "purpose": purpose, "fields": fields});
    let stored = vault.post(client, "/v1/records/batch", &json!({"records": [record]}));
    assert_eq!(stored.status, 200);
    let item = stored.json()["results"][0].clone();
    assert!(item["error"].is_null(), "{item}");
    let tokens: Vec<Value> = item["tokens"].as_object().unwrap().values().cloned().collect();
    tokens.iter().for_each(|t| texts(t, planted));
    let body = json!({"purpose": purpose, "tokens": tokens}).to_string();
    let lines = [("Accept", "application/x-ndjson")];
    let key = Some(vault.key(client));
    let read = vault.target.send_with("POST", "/v1/detokenize", key, Some(&body), &lines);
    assert!(read.status == 200 && read.body.ends_with(b"}\n"));
    if client == "storefront" {
        let record = item["record"].as_str().unwrap();
        let erased = vault.target.send("DELETE", &format!("/v1/records/{record}"), key, None);
        let certificate = erased.json()["certificate"].as_str().unwrap().to_owned();
        assert_eq!(vault.get(client, &format!("/v1/certificates/{certificate}")).status, 200);
    }
}

#[test]
fn the_hunt_finds_what_is_there() {
    let place = |bytes: &[u8]| BTreeMap::from([("here".to_owned(), bytes.to_vec())]);
    for (how, needle) in spellings("Cnryname Quixotefield") {
        let found = std::panic::catch_unwind(|| hunt(&["Cnryname Quixotefield".to_owned()], &place(&needle)));
        assert!(found.is_err(), "{how}");
    }
}
