//! What a vault costs as it grows: the same detokenize on a large vault and on one of ten thousand records, in turns.

use crate::inside::Inside;
use crate::server::Server;
use crate::table::{Row, median, verdict};
use crate::{Plan, scenarios, turn};
use std::io::Result;
use std::path::Path;

/// The size that larger ones are compared with.
const SMALL: u64 = 10_000;
/// Tokens the load generator chooses from.
const SAMPLE: u64 = 20_000;

/// A filled vault, served.
struct Grown {
    server: Server,
    tokens: Vec<String>,
    /// Bytes a record took.
    each: f64,
}

impl Grown {
    async fn new(data: &Path, records: u64) -> Result<Self> {
        let made = Server::vault(data)?;
        let credentials = made.credentials.clone();
        made.stop()?;
        let before = scenarios::disk(data);
        let inside = Inside::open(data, &credentials)?;
        let tokens = inside.fill(1, records, records.div_ceil(SAMPLE)).await?;
        drop(inside);
        let each = scenarios::disk(data).saturating_sub(before) as f64 / records as f64;
        Ok(Self { server: Server::vault(data)?, tokens, each })
    }

    fn load(&self) -> Result<crate::load::Make> {
        Ok(scenarios::single(&self.server.target, &self.server.key("billing")?, &self.tokens))
    }
}

/// The rows for a vault of that many records.
pub(crate) async fn rows(plan: &Plan, directory: &Path, records: u64) -> Result<Vec<Row>> {
    let small = Grown::new(&directory.join("small"), SMALL).await?;
    let large = Grown::new(&directory.join("large"), records).await?;
    let (few, many) = (small.load()?, large.load()?);
    let (mut rates, mut costs, mut faults) = (Vec::new(), Vec::new(), 0);
    for _ in 0..plan.rounds {
        let (a, a_cpu) = turn(&small.server, (plan, plan.connections), &few).await?;
        let (b, b_cpu) = turn(&large.server, (plan, plan.connections), &many).await?;
        rates.push(b.rate() / a.rate());
        costs.push((b_cpu / b.good.max(1) as f64) / (a_cpu / a.good.max(1) as f64));
        faults += a.bad.values().chain(b.bad.values()).sum::<u64>();
    }
    let (rate, cost) = (median(rates), median(costs));
    let (ready, memory) = (large.server.ready.as_secs_f64(), large.server.memory());
    let at = |what: &str| format!("{what}, {records} records");
    let row = |path, (must, heroic): (&str, &str), reached, verdict, notes| Row {
        path,
        must: must.to_owned(),
        heroic: heroic.to_owned(),
        reached,
        verdict,
        notes,
    };
    let stands = if faults > 0 { "refused" } else { verdict(rate, 0.8, 0.95, true) };
    let slower = format!("processor time × {cost:.2}; {faults} refused");
    let shrunk = format!("{:.0} B of {SMALL}", small.each);
    let on_start = format!("{:.2} s with {SMALL}", small.server.ready.as_secs_f64());
    Ok(vec![
        row(
            at("growth: rate over that of 10 000"),
            ("≥ 0.8", "≥ 0.95"),
            format!("{rate:.2}"),
            stands,
            slower,
        ),
        row(
            at("start to ready"),
            ("< 1 s", "< 0.2 s"),
            format!("{ready:.2} s"),
            verdict(ready, 1.0, 0.2, false),
            on_start,
        ),
        row(
            at("memory"),
            ("≤ 128 MiB", "≤ 64 MiB"),
            format!("{memory:.0} MiB"),
            verdict(memory, 128.0, 64.0, false),
            "resident, after the load".to_owned(),
        ),
        row(
            at("disk a record, its tenth of a person included"),
            ("≤ 900 B", "≤ 600 B"),
            format!("{:.0} B", large.each),
            verdict(large.each, 900.0, 600.0, false),
            shrunk,
        ),
    ])
}
