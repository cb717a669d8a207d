//! What is measured: the requests, and the records they run against.

use crate::load::{self, Make, Target, Until};
use serde_json::{Value, json};
use std::io::{Error, Result};
use std::path::Path;
use std::sync::Arc;

/// Logins with a password, for the verification row.
pub(crate) const PASSWORD: &str = "amber-cedar-fjord-nimbus";
const LOGIN: &str = "bench.ada";

/// A path under test: its name, its figures to reach, and its requests.
pub(crate) struct Scenario {
    /// For `--only`.
    pub(crate) name: &'static str,
    /// As printed.
    pub(crate) title: &'static str,
    /// Units a request counts for (1 000 in a batch).
    pub(crate) units: f64,
    /// Connections, where it is not as many as the others take.
    pub(crate) connections: Option<usize>,
    /// R that must be reached, R that would be heroic.
    pub(crate) rate: (f64, f64),
    /// C that must not be exceeded, if one is set.
    pub(crate) cost: Option<f64>,
    /// Its requests.
    pub(crate) make: Make,
}

/// What the vault was filled with.
pub(crate) struct Stock {
    subjects: Arc<Vec<String>>,
    tokens: Arc<Vec<String>>,
}

/// Writes a whole HTTP request.
fn request(out: &mut Vec<u8>, host: &str, path: &str, key: &str, body: &str) {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(body.as_bytes());
}

/// Requests to one path under one key, their bodies made by number.
fn post(
    target: &Target,
    path: &'static str,
    key: &str,
    body: impl Fn(u64) -> String + Send + Sync + 'static,
) -> Make {
    post_with(target, path, key, ("", body))
}

/// The same with further header lines.
fn post_with(
    target: &Target,
    path: &'static str,
    key: &str,
    (more, body): (&'static str, impl Fn(u64) -> String + Send + Sync + 'static),
) -> Make {
    let (host, key) = (target.host.clone(), format!("{key}\r\n{more}"));
    let key = key.trim_end().to_owned();
    Arc::new(move |number, out| request(out, &host, path, &key, &body(number)))
}

/// A request to the bare server of the same size, asking for a reply of the same size.
pub(crate) fn like(target: &Target, body_length: usize, reply_length: usize) -> Make {
    let (host, body) = (target.host.clone(), "x".repeat(body_length));
    let key = format!("srk_{}", "0".repeat(36));
    Arc::new(move |_, out| request(out, &host, &format!("/{reply_length}"), &key, &body))
}

/// Length of the body of a request made by [`post`].
pub(crate) fn body_length(make: &Make) -> usize {
    let mut out = Vec::new();
    make(0, &mut out);
    let end = out.windows(4).position(|w| w == b"\r\n\r\n").map_or(0, |p| p + 4);
    out.len() - end
}

pub(crate) fn tax_id(number: u64) -> String {
    format!("T{number:09}")
}

/// Five fields, the tax id searchable. Written out by hand so that the generator's own cost stays small.
fn record(subject: &str, number: u64) -> String {
    format!(
        "{{\"subject\":\"{subject}\",\"collection\":\"billing\",\"purpose\":\"billing\",\"fields\":{{\
         \"name\":\"Ada Lovelace\",\"address\":{{\"line1\":\"Lindenstraße 12\",\"city\":\"Köln\",\
         \"postcode\":\"50667\",\"country\":\"DE\"}},\"tax_id\":\"{}\",\"iban\":\"DE89370400440532013000\",\
         \"processor_ref\":{{\"processor\":\"payment-processor\",\"reference\":\"pm_bench\",\"brand\":\"visa\",\
         \"last4\":\"4242\",\"expiry\":\"2030-03\"}}}}}}",
        tax_id(number)
    )
}

/// Sends a fixed number of requests and wants every one answered with 2xx.
async fn all(target: &Target, connections: usize, count: u64, make: &Make) -> Result<Vec<Value>> {
    let outcome = load::run(target, connections, Until::Count(count), make).await?;
    if !outcome.bad.is_empty() {
        return Err(Error::other(format!("refused while filling: {:?} {}", outcome.bad, outcome.complaint)));
    }
    outcome.bodies.iter().map(|(_, body)| serde_json::from_slice(body).map_err(Error::other)).collect()
}

fn texts(replies: &[Value], pointer: &str) -> Result<Vec<String>> {
    let text = |reply: &Value| reply.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let found: Option<Vec<String>> = replies.iter().map(text).collect();
    found.ok_or_else(|| Error::other(format!("a reply lacks {pointer}")))
}

/// Bytes of all files below a directory.
pub(crate) fn disk(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(|e| if e.path().is_dir() { disk(&e.path()) } else { e.metadata().map_or(0, |m| m.len()) })
        .sum()
}

/// Takes in people, and one login.
pub(crate) async fn people(target: &Target, storefront: &str, count: u64) -> Result<Vec<String>> {
    let body =
        |n| json!({"region":"DE","birth_date":"1990-02-01","external_ref":format!("bench:{n}")}).to_string();
    let made = all(target, 64, count, &post(target, "/v1/subjects", storefront, body)).await?;
    let subjects = texts(&made, "/subject")?;
    let login = json!({"subject":subjects.first(),"collection":"credential","purpose":"order_fulfilment",
        "fields":{"login":LOGIN,"password":PASSWORD}});
    all(target, 1, 1, &post(target, "/v1/records", storefront, move |_| login.to_string())).await?;
    Ok(subjects)
}

/// Stores that many billing records for them.
pub(crate) async fn records(
    target: &Target,
    billing: &str,
    people: Vec<String>,
    count: u64,
) -> Result<Stock> {
    let subjects = Arc::new(people);
    let made = all(target, 64, count, &store(target, billing, &subjects)).await?;
    Ok(Stock { subjects, tokens: Arc::new(texts(&made, "/tokens/name")?) })
}

fn store(target: &Target, key: &str, subjects: &Arc<Vec<String>>) -> Make {
    let subjects = subjects.clone();
    post(target, "/v1/records", key, move |n| record(&subjects[n as usize % subjects.len()], n))
}

/// One verification of the login's password.
pub(crate) fn verify(target: &Target, key: &str) -> Make {
    post(target, "/v1/credentials/verify", key, |_| json!({"login":LOGIN,"secret":PASSWORD}).to_string())
}

/// Spreads numbers over the stock without a random generator in the loop.
fn scatter(number: u64, length: usize) -> usize {
    (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 17) as usize % length
}

/// One token a request, scattered over those given.
pub(crate) fn single(target: &Target, billing: &str, tokens: &[String]) -> Make {
    let tokens = tokens.to_vec();
    post(target, "/v1/detokenize", billing, move |n| {
        format!("{{\"purpose\":\"billing\",\"tokens\":[\"{}\"]}}", tokens[scatter(n, tokens.len())])
    })
}

/// The rows that are rates.
pub(crate) fn scenarios(target: &Target, billing: &str, stock: &Stock) -> Vec<Scenario> {
    let many = stock.tokens.clone();
    let count = stock.tokens.len();
    let batch = move |n: u64| {
        let from = scatter(n, many.len());
        let chosen: Vec<&str> = many.iter().cycle().skip(from).take(1_000).map(String::as_str).collect();
        format!("{{\"purpose\":\"billing\",\"tokens\":[\"{}\"]}}", chosen.join("\",\""))
    };
    let search = move |n: u64| {
        let wanted = tax_id(scatter(n, count) as u64);
        format!(
            "{{\"collection\":\"billing\",\"field\":\"tax_id\",\"equals\":\"{wanted}\",\"purpose\":\"billing\"}}"
        )
    };
    let row = |name, title, units, rate, cost, make| Scenario {
        name,
        title,
        units,
        connections: if units > 1_000.0 { Some(2) } else { None },
        rate,
        cost,
        make,
    };
    let detokenize = "/v1/detokenize";
    let one = single(target, billing, &stock.tokens);
    let thousand = post(target, detokenize, billing, batch);
    let searching = post(target, "/v1/search", billing, search);
    vec![
        row("detokenize-one", "detokenize one field", 1.0, (0.35, 0.50), Some(3.2), one),
        row("detokenize-many", "detokenize 1 000 a call (items)", 1_000.0, (3.0, 4.0), None, thousand),
        row(
            "detokenize-stream",
            "detokenize 100 000 as a stream (items)",
            100_000.0,
            (3.0, 4.0),
            None,
            stream(target, billing, &stock.tokens),
        ),
        row("search", "search by blind index", 1.0, (0.25, 0.40), None, searching),
        // Last, because it makes the vault grow.
        row(
            "store-one",
            "store one five-field record",
            1.0,
            (0.20, 0.40),
            None,
            store(target, billing, &stock.subjects),
        ),
        Scenario {
            name: "store-many",
            title: "store 1 000 a call (records)",
            units: 1_000.0,
            connections: Some(8),
            rate: (0.30, 1.0),
            cost: None,
            make: store_many(target, billing, &stock.subjects),
        },
    ]
}

/// A hundred thousand tokens a request; the body is made once, so that the generator's own cost stays small.
fn stream(target: &Target, key: &str, tokens: &[String]) -> Make {
    let chosen: Vec<&str> = tokens.iter().cycle().take(100_000).map(String::as_str).collect();
    let body = format!("{{\"purpose\":\"billing\",\"tokens\":[\"{}\"]}}", chosen.join("\",\""));
    post_with(target, "/v1/detokenize", key, ("accept: application/x-ndjson", move |_| body.clone()))
}

/// A thousand records a request, every one of another person and number.
fn store_many(target: &Target, key: &str, subjects: &Arc<Vec<String>>) -> Make {
    let subjects = subjects.clone();
    post(target, "/v1/records/batch", key, move |n| {
        let numbers = 0..1_000_u64;
        let each = numbers.map(|i| {
            let number = 500_000_000 + n * 1_000 + i;
            record(&subjects[number as usize % subjects.len()], number)
        });
        format!("{{\"records\":[{}]}}", each.collect::<Vec<_>>().join(","))
    })
}
