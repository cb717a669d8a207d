//! Every figure as a ratio to a bare server on the same machine in the same minute.
//!
//! R is our rate over the bare server's, C our processor time a request over its. Both servers run as processes of
//! their own, take turns (A B A B …), and get the same number of requests in flight with bodies and replies of the same
//! size; the median of the rounds counts. Nothing here asserts: absolute figures of a shared machine mean little.
//!
//! `cargo bench --bench ratio -- [--quick] [--records N] [--rounds N] [--seconds S] [--connections N] [--only ROW]`,
//! `-- --growth RECORDS` for what a vault costs as it grows, or `-- inside one|many|store|stores TIMES` for a profiler.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and measures wall time"
)]

mod bare;
mod growth;
mod handshakes;
mod inside;
mod load;
mod scenarios;
mod server;
mod table;

use load::{Outcome, Until};
use scenarios::{Scenario, Stock};
use server::Server;
use std::io::Result;
use std::path::Path;
use std::time::{Duration, Instant};
use table::{Row, median, verdict};

/// Request body and reply body of the unit that batches are measured in.
const UNIT: (usize, usize) = (195, 256);

struct Plan {
    records: u64,
    rounds: usize,
    seconds: f64,
    connections: usize,
    only: Option<String>,
    /// Measure growth to this many records, and nothing else.
    growth: Option<u64>,
}

impl Plan {
    fn from_arguments(arguments: &[String]) -> Self {
        let after =
            |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1));
        let number = |name: &str, usual: f64| after(name).and_then(|text| text.parse().ok()).unwrap_or(usual);
        let quick = arguments.iter().any(|a| a == "--quick");
        Self {
            records: number("--records", if quick { 2_000.0 } else { 20_000.0 }) as u64,
            rounds: number("--rounds", 5.0) as usize,
            seconds: number("--seconds", if quick { 1.5 } else { 8.0 }),
            connections: number("--connections", 64.0) as usize,
            only: after("--only").cloned(),
            growth: after("--growth").and_then(|text| text.parse().ok()),
        }
    }

    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == name)
    }
}

fn main() -> Result<()> {
    // A second call in the same process (there is none) would be refused, harmlessly.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [role, directory, workers, clients @ ..] = arguments.as_slice()
        && role == "bare"
    {
        return bare::serve(
            Path::new(directory),
            workers.parse().unwrap_or(2),
            clients.first().map(Path::new),
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let directory = tempfile::tempdir()?;
    if let [role, kind, times] = arguments.as_slice()
        && role == "inside"
    {
        return repeat(&directory.path().join("vault"), kind, times.parse().unwrap_or(3_200));
    }
    let plan = Plan::from_arguments(&arguments);
    let rows = runtime.block_on(measure(&plan, directory.path()))?;
    println!("\n{}", table::machine());
    let Plan { records, rounds, seconds, connections, .. } = plan;
    println!("{records} records, {connections} connections, median of {rounds} rounds of {seconds} s each\n");
    table::print(&rows);
    println!(
        "\nR: rate over the bare server's; C: processor time a request over its. Not measured yet: re-wrap,"
    );
    println!("erasure of a subject, sweep (they come with their features).");
    Ok(())
}

/// One kind of call in this process, on one thread beside the store's own: what a profiler is pointed at.
fn repeat(data: &Path, kind: &str, times: u64) -> Result<()> {
    let vault = Server::vault(data)?;
    let credentials = vault.credentials.clone();
    vault.stop()?;
    let inside = inside::Inside::open(data, &credentials)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(inside.repeat(kind, times))
}

async fn measure(plan: &Plan, directory: &Path) -> Result<Vec<Row>> {
    if let Some(records) = plan.growth {
        return growth::rows(plan, directory, records).await;
    }
    let data = directory.join("vault");
    let (stock, bytes) = fill(plan, &data).await?;
    let vault = Server::vault(&data)?;
    let bare = Server::bare(directory, 2, None)?;
    let (storefront, billing) = (vault.key("storefront")?, vault.key("billing")?);
    let mut rows = Vec::new();
    for scenario in scenarios::scenarios(&vault.target, &billing, &stock) {
        if plan.wants(scenario.name) {
            eprintln!("{} …", scenario.title);
            rows.push(compare(plan, &bare, &vault, &scenario).await?);
        }
    }
    if plan.wants("verify") {
        eprintln!("verify a credential …");
        rows.push(verify(&vault, &storefront).await?);
    }
    rows.extend(sizes(&vault, bytes));
    vault.stop()?;
    if plan.wants("handshakes") {
        eprintln!("full handshakes with a client certificate …");
        rows.push(handshakes::row(directory, plan.rounds, plan.seconds).await?);
    }
    Ok(rows)
}

/// Fills a new vault and says what a record cost on disk. The vault is stopped before each look, so that the
/// write-ahead log is in the database and counted once.
async fn fill(plan: &Plan, data: &Path) -> Result<(Stock, f64)> {
    eprintln!("filling the vault with {} records …", plan.records);
    let begun = Instant::now();
    let vault = Server::vault(data)?;
    let people =
        scenarios::people(&vault.target, &vault.key("storefront")?, (plan.records / 10).max(10)).await?;
    vault.stop()?;
    let before = scenarios::disk(data);
    let vault = Server::vault(data)?;
    let stock = scenarios::records(&vault.target, &vault.key("billing")?, people, plan.records).await?;
    vault.stop()?;
    let grown = scenarios::disk(data).saturating_sub(before);
    eprintln!("filled in {:.1} s", begun.elapsed().as_secs_f64());
    Ok((stock, grown as f64 / plan.records as f64))
}

/// One server's turn: what came back, and the processor seconds it took.
async fn turn(
    server: &Server,
    (plan, connections): (&Plan, usize),
    make: &load::Make,
) -> Result<(Outcome, f64)> {
    let before = server.cpu();
    let time = Until::Elapsed(Duration::from_secs_f64(plan.seconds));
    let outcome = load::run(&server.target, connections, time, make).await?;
    let spent = server.cpu() - before;
    Ok((outcome, spent))
}

async fn compare(plan: &Plan, bare: &Server, vault: &Server, scenario: &Scenario) -> Result<Row> {
    let probe = load::run(&vault.target, 1, Until::Count(1), &scenario.make).await?;
    let sizes = if scenario.units > 1.0 {
        UNIT
    } else {
        (scenarios::body_length(&scenario.make), probe.reply_length)
    };
    let yardstick = scenarios::like(&bare.target, sizes.0, sizes.1);
    let (mut rates, mut costs, mut tails, mut faults) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let mut complaint = probe.complaint;
    let connections = scenario.connections.unwrap_or(plan.connections);
    let memory = vault.memory();
    for _ in 0..plan.rounds {
        let (theirs, their_cpu) = turn(bare, (plan, plan.connections), &yardstick).await?;
        let (ours, our_cpu) = turn(vault, (plan, connections), &scenario.make).await?;
        rates.push(ours.rate() * scenario.units / theirs.rate());
        let each = |cpu: f64, outcome: &Outcome, units: f64| cpu / (outcome.good.max(1) as f64 * units);
        costs.push(each(our_cpu, &ours, scenario.units) / each(their_cpu, &theirs, 1.0));
        tails.push(ours.quantile(0.99));
        faults += ours.bad.values().sum::<u64>();
        complaint = if complaint.is_empty() { ours.complaint } else { complaint };
    }
    let (rate, cost) = (median(rates), median(costs));
    let slow = scenario.cost.is_some_and(|most| cost > most);
    let (must, heroic) = scenario.rate;
    let more = scenario.cost.map_or(String::new(), |most| format!(", C ≤ {most}"));
    let standing = verdict(rate, must, heroic, true);
    let wrong = if faults > 0 { format!("; {faults} refused: {complaint}") } else { String::new() };
    Ok(Row {
        path: scenario.title.to_owned(),
        must: format!("R ≥ {must}{more}"),
        heroic: format!("R ≥ {heroic}"),
        reached: format!("R {rate:.2}, C {cost:.2}"),
        verdict: if faults > 0 {
            "refused"
        } else if slow {
            "missed"
        } else {
            standing
        },
        notes: format!("p99 {:.1} ms, memory +{:.0} MiB{wrong}", median(tails), vault.memory() - memory),
    })
}

/// The processor time of a verification against argon2's own, one at a time.
async fn verify(vault: &Server, key: &str) -> Result<Row> {
    const TIMES: u64 = 10;
    let make = scenarios::verify(&vault.target, key);
    let before = vault.cpu();
    let outcome = load::run(&vault.target, 1, Until::Count(TIMES), &make).await?;
    let ours = (vault.cpu() - before) / outcome.good.max(1) as f64;
    let begun = Instant::now();
    for _ in 0..TIMES {
        let mut out = [0_u8; 32];
        let hashed = argon2::Argon2::default().hash_password_into(
            scenarios::PASSWORD.as_bytes(),
            b"sixteen byte salt",
            &mut out,
        );
        std::hint::black_box((out, hashed.is_ok()));
    }
    let own = begun.elapsed().as_secs_f64() / TIMES as f64;
    let ratio = ours / own;
    Ok(Row {
        path: "verify a credential".to_owned(),
        must: "1.05 × argon2".to_owned(),
        heroic: String::new(),
        reached: format!("{ratio:.2} × argon2"),
        verdict: if outcome.bad.is_empty() { verdict(ratio, 1.05, 0.0, false) } else { "refused" },
        notes: format!(
            "{:.0} ms against {:.0} ms at 19 MiB, t = 2 {}",
            ours * 1e3,
            own * 1e3,
            outcome.complaint
        ),
    })
}

/// What it takes in memory, on disk, and to start on the filled vault.
fn sizes(vault: &Server, bytes: f64) -> [Row; 3] {
    let (memory, seconds) = (vault.memory(), vault.ready.as_secs_f64());
    let row = |path: &str, targets: [&str; 2], reached: String, verdict, notes: &str| Row {
        path: path.to_owned(),
        must: targets[0].to_owned(),
        heroic: targets[1].to_owned(),
        reached,
        verdict,
        notes: notes.to_owned(),
    };
    let stands = |figure, must, heroic| verdict(figure, must, heroic, false);
    [
        row(
            "memory",
            ["≤ 128 MiB", "≤ 64 MiB"],
            format!("{memory:.0} MiB"),
            stands(memory, 128.0, 64.0),
            "resident, argon2's included",
        ),
        row(
            "disk a five-field record",
            ["≤ 900 B", "≤ 600 B"],
            format!("{bytes:.0} B"),
            stands(bytes, 900.0, 600.0),
            "all files of the data directory",
        ),
        row(
            "start to ready",
            ["< 1 s", "< 0.2 s"],
            format!("{seconds:.2} s"),
            stands(seconds, 1.0, 0.2),
            "on the filled vault",
        ),
    ]
}
