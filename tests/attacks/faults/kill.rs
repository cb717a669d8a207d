//! A40 (P7, P1, P18): killed at random moments under mixed load. Every acknowledged change is there, every unanswered one
//! is there whole or not at all, everything disclosed is on the log, what was erased stays erased, and the log verifies.

use super::journal::Journal;
use super::load::{Dice, Load};
use crate::caller::Client;
use crate::served::{Plan, Served};
use crate::vault::{path, run};
use std::collections::HashSet;
use std::time::{Duration, Instant, SystemTime};

const CLIENTS: usize = 3;
const LIMITS: &str = "limits = { requests_per_second = 100000, reads_per_hour = 100000000, reads_per_day = 1000000000, subjects_per_day = 10000000 }";

/// Rounds of one campaign: `STRONGROOM_ROUNDS`, or few, or many with `STRONGROOM_LONG`.
fn rounds() -> usize {
    let asked = std::env::var("STRONGROOM_ROUNDS").ok().and_then(|n| n.parse().ok());
    asked.unwrap_or(if std::env::var_os("STRONGROOM_LONG").is_some() { 500 } else { 100 })
}

fn seed(more: u64) -> u64 {
    let clock = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let asked = std::env::var("STRONGROOM_SEED").ok().and_then(|n| n.parse().ok());
    asked.unwrap_or_else(clock).wrapping_add(more)
}

fn verifies(served: &Served) {
    let (whole, out, err) = run(&["audit", "verify", "--data-dir", path(&served.data())]);
    assert!(whole, "{out}{err}");
}

/// The requests the log knows.
fn on_log(served: &Served) -> HashSet<String> {
    let (ok, out, err) = run(&["audit", "tail", "--data-dir", path(&served.data()), "-n", "100000000"]);
    assert!(ok, "{err}");
    let request = |line: &str| -> Option<String> {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["request"].as_str().map(str::to_owned)
    };
    out.lines().filter_map(request).collect()
}

fn campaign(more: u64) {
    let seed = seed(more);
    println!("STRONGROOM_SEED={} with {} rounds", seed.wrapping_sub(more), rounds());
    let mut dice = Dice(seed | 1);
    let more =
        "[limits]\nsubject_reads_per_hour = 1000000000\nnetwork_requests_per_second = 100000\n".to_owned();
    let mut served = Plan { limits: Some(LIMITS), more, ..Plan::new() }.serve();
    let mut journals: Vec<Journal> = (0..CLIENTS).map(|_| Journal::default()).collect();
    let (rounds, began) = (rounds(), Instant::now());
    for round in 0..rounds {
        let moment = Duration::from_micros(10_000 + dice.roll(450_000));
        let seeds: Vec<u64> = (0..CLIENTS).map(|_| dice.roll(u64::MAX)).collect();
        let (target, key) = (served.target.clone(), served.key("storefront").to_owned());
        std::thread::scope(|scope| {
            for (journal, seed) in journals.iter_mut().zip(seeds) {
                let (target, key) = (&target, key.as_str());
                scope.spawn(move || Load::new(target, key, journal, seed).run(usize::MAX));
            }
            std::thread::sleep(moment);
            served.kill();
        });
        if round % 20 == 19 {
            verifies(&served);
        }
        served.again(&[]);
        let everything = round % 20 == 19 || round + 1 == rounds;
        for journal in &mut journals {
            let mut client = Client::new(served.target.clone(), served.key("storefront"));
            journal.check(&mut client, everything);
        }
    }
    served.kill();
    verifies(&served);
    let log = on_log(&served);
    let disclosed: Vec<&String> = journals.iter().flat_map(|j| &j.disclosed).collect();
    let missing = disclosed.iter().filter(|id| !log.contains(**id)).count();
    assert_eq!(missing, 0, "of {} disclosures are on no log", disclosed.len());
    let answers: usize = journals.iter().map(|j| j.answers).sum();
    let kept: usize = journals.iter().map(|j| j.kept.len()).sum();
    println!(
        "{rounds} kills in {:?}: {answers} answers, {kept} records, {} disclosures, {} events",
        began.elapsed(),
        disclosed.len(),
        log.len()
    );
    assert!(answers > rounds * 10 && disclosed.len() > rounds, "too little happened between the kills");
}

#[test]
fn a40_p7_killed_at_any_moment_it_keeps_what_it_said() {
    campaign(0);
}

#[test]
fn a40_p7_killed_at_any_moment_it_keeps_what_it_said_a_second_vault() {
    campaign(0x9E37_79B9_7F4A_7C15);
}
