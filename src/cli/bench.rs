//! `strongroom bench`: how fast a development vault stores, detokenizes and searches on this machine, through the admin socket. Made-up
//! people only; a vault for real ones is refused. For comparing machines and settings, not a proof of anything.

use crate::cli::Failed;
use crate::cli::remote::{Ask, Link, Told};
use crate::domain::crockford;
use crate::domain::entropy::{Entropy, OsEntropy};
use clap::Args;
use futures_util::StreamExt;
use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;

/// `strongroom bench`
#[derive(Args, Debug)]
pub struct BenchArgs {
    /// A development vault, served or not; without it one is made for the purpose and removed again.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// How many made-up people.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub people: u32,
    /// Requests under way at once.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=128))]
    pub at_once: u16,
}

#[derive(Deserialize)]
struct About {
    development: bool,
}

#[derive(Deserialize)]
struct Subject {
    subject: String,
}

#[derive(Deserialize)]
struct Stored {
    tokens: std::collections::BTreeMap<String, String>,
}

/// One made-up person, stored.
struct Person {
    email: String,
    token: String,
}

/// Measures over a link to the admin socket.
pub async fn run(link: &Link, args: &BenchArgs, out: &mut dyn Write) -> Result<(), Failed> {
    let about: About = link.local("GET", "/local/about", None).await?;
    if !about.development {
        return Err(Failed::new(
            "this vault is for real people; measure a development vault, or none: leave --data-dir out",
        ));
    }
    // Told apart from the people of an earlier run.
    let run = crockford::encode("", &OsEntropy.array().map_err(|e| Failed::new(e.to_string()))?);
    let at_once = usize::from(args.at_once);
    writeln!(out, "{:<12} {:>8} {:>10} {:>9} {:>9}", "what", "requests", "per second", "p50 ms", "p99 ms")?;
    let numbers = 0..args.people;
    let stored = measured(numbers.map(|n| store(link, &run, n)), at_once).await?;
    report("store", 2, &stored, out)?;
    let people: Vec<Person> = stored.results;
    let read = measured(people.iter().map(|p| detokenize(link, p)), at_once).await?;
    report("detokenize", 1, &read, out)?;
    let found = measured(people.iter().map(|p| search(link, p)), at_once).await?;
    report("search", 1, &found, out)
}

struct Measured<T> {
    results: Vec<T>,
    times: Vec<Duration>,
    whole: Duration,
}

async fn measured<T>(
    work: impl Iterator<Item = impl Future<Output = Result<T, Failed>>>,
    at_once: usize,
) -> Result<Measured<T>, Failed> {
    let started = Instant::now();
    let timed = work.map(|one| async move {
        let from = Instant::now();
        one.await.map(|result| (result, from.elapsed()))
    });
    let mut under_way = std::pin::pin!(futures_util::stream::iter(timed).buffer_unordered(at_once));
    let mut all = Measured { results: Vec::new(), times: Vec::new(), whole: Duration::ZERO };
    while let Some(ended) = under_way.next().await {
        let (result, time) = ended?;
        all.results.push(result);
        all.times.push(time);
    }
    all.whole = started.elapsed();
    all.times.sort_unstable();
    Ok(all)
}

/// `each` requests make one measured piece of work.
fn report<T>(what: &str, each: usize, all: &Measured<T>, out: &mut dyn Write) -> Result<(), Failed> {
    let requests = all.times.len() * each;
    let rate = requests as f64 / all.whole.as_secs_f64().max(0.001);
    let (half, most) = (share(&all.times, 50), share(&all.times, 99));
    let milliseconds = |d: Duration| d.as_secs_f64() * 1_000.0;
    writeln!(
        out,
        "{what:<12} {requests:>8} {rate:>10.0} {:>9.2} {:>9.2}",
        milliseconds(half),
        milliseconds(most)
    )?;
    Ok(())
}

/// The time that so many of a hundred stay within.
fn share(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}

async fn send(link: &Link, path: &str, body: serde_json::Value) -> Result<Told, Failed> {
    let body = Some(Bytes::from(body.to_string()));
    let ask =
        Ask { client: Some("storefront"), method: "POST", path: path.to_owned(), idempotency: None, body };
    let told = link.ask(&ask).await?;
    if told.is_ok() { Ok(told) } else { Err(told.failure()) }
}

async fn store(link: &Link, run: &str, n: u32) -> Result<Person, Failed> {
    let body = json!({ "region": "DE", "age_attested": true, "external_ref": format!("bench:{run}:{n}") });
    let subject: Subject = send(link, "/v1/subjects", body).await?.json()?;
    let email = format!("{n}.{run}@bench.example");
    let body = json!({ "subject": subject.subject, "collection": "contact", "purpose": "order_fulfilment",
        "fields": { "name": format!("Made Up {n}"), "email": email } });
    let stored: Stored = send(link, "/v1/records", body).await?.json()?;
    let token = stored.tokens.get("email").cloned().unwrap_or_default();
    Ok(Person { email, token })
}

async fn detokenize(link: &Link, person: &Person) -> Result<(), Failed> {
    let body = json!({ "purpose": "order_fulfilment", "tokens": [person.token], "atomic": true });
    send(link, "/v1/detokenize", body).await.map(drop)
}

async fn search(link: &Link, person: &Person) -> Result<(), Failed> {
    let body = json!({ "collection": "contact", "field": "email", "equals": person.email, "purpose": "order_fulfilment" });
    send(link, "/v1/search", body).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_the_time_that_so_many_stay_within() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(share(&times, 50), Duration::from_millis(100));
        assert_eq!(share(&times, 99), Duration::from_millis(198));
        assert_eq!(share(&[Duration::from_millis(7)], 99), Duration::from_millis(7));
        assert_eq!(share(&[], 99), Duration::ZERO);
    }
}
