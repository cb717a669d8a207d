//! Deterministic simulation of the core (A65, P9): `cargo test --test sim -- [--seeds N] [--from S] [--seed S] [--seconds T]`.
//!
//! Store, writer and verbs run on a simulated clock, entropy and disk, stepped by one thread; a model of plain maps says
//! after every end of the process whether what was promised holds. `docs/simulation.md` says what is simulated and what
//! is not, and how to replay a failure.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test without a harness: it prints, panics when it is wrong itself, and measures wall time"
)]

mod model;
mod ops;
mod run;
mod sabotage;
mod world;

use run::Tally;
use sabotage::Sabotage;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// One in so many seeds runs twice, to show that its trace repeats.
const TWICE: u64 = 32;
/// How many run when nothing is said.
const SEEDS: u64 = 100;
/// Within how many seeds a lie must be found.
const FOUND_WITHIN: u64 = 400;

#[derive(Debug)]
struct Args {
    seeds: u64,
    first: u64,
    seconds: Option<u64>,
    sabotage: Option<String>,
    only: bool,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|w| w == "--list") {
        if !words.iter().any(|w| w == "--ignored") {
            println!("p9_simulated_seeds_hold: test");
        }
        return ExitCode::SUCCESS;
    }
    let args = match parse(&words) {
        Ok(args) => args,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    let root = root();
    let held = match &args.sabotage {
        Some(name) => sabotaged(&args, name, &root),
        None => p9_simulated_seeds_hold(&args, &root),
    };
    let _ = std::fs::remove_dir_all(&root);
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn parse(words: &[String]) -> Result<Args, String> {
    let mut args = Args { seeds: SEEDS, first: 1, seconds: None, sabotage: None, only: false };
    let mut seeds = None;
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let mut number = || {
            let text = words.next().ok_or(format!("{word} needs a number"))?;
            text.parse::<u64>().map_err(|_| format!("{word} needs a number, not {text}"))
        };
        match word.as_str() {
            "--seeds" => seeds = Some(number()?),
            "--from" => args.first = number()?,
            "--seconds" => {
                args.seconds = Some(number()?);
            }
            "--seed" => {
                args.first = number()?;
                args.only = true;
            }
            "--sabotage" => {
                args.sabotage = Some(words.next_if(|w| !w.starts_with("--")).cloned().unwrap_or_default())
            }
            // What a test runner says to every test.
            "--exact" | "--nocapture" | "--quiet" | "--ignored" | "p9_simulated_seeds_hold" => {}
            other => {
                return Err(format!(
                    "{other} is unknown: --seeds N, --from S, --seed S, --seconds T, --sabotage [NAME]"
                ));
            }
        }
    }
    // As many as asked for, as many as the time holds, or a hundred.
    let many = if args.seconds.is_some() { u64::MAX } else { SEEDS };
    args.seeds = if args.only { 1 } else { seeds.unwrap_or(many) };
    Ok(args)
}

/// Memory rather than a disk, if there is any.
fn root() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let base = if memory.is_dir() { memory } else { std::env::temp_dir() };
    base.join(format!("strongroom-sim-{}", std::process::id()))
}

/// Runs a seed on a thread of its own: what a thread keeps to itself begins anew with each.
fn seed(seed: u64, root: &std::path::Path, sabotage: Option<Sabotage>) -> Result<Tally, String> {
    let root = root.to_owned();
    let thread = std::thread::spawn(move || run::seed(seed, &root, sabotage));
    thread.join().unwrap_or_else(|_| Err(String::from("it panicked")))
}

fn p9_simulated_seeds_hold(args: &Args, root: &std::path::Path) -> bool {
    let start = Instant::now();
    let (mut ran, mut sum) = (0_u64, Tally::default());
    for number in args.first..args.first.saturating_add(args.seeds) {
        if ran > 0 && args.seconds.is_some_and(|most| start.elapsed() >= Duration::from_secs(most)) {
            break;
        }
        let tally = match seed(number, root, None) {
            Ok(tally) => tally,
            Err(why) => {
                println!("seed {number}: {why}\nreplay: cargo test --test sim -- --seed {number}");
                return false;
            }
        };
        if args.only || number.is_multiple_of(TWICE) {
            let again = seed(number, root, None);
            if again.as_ref() != Ok(&tally) {
                println!("seed {number} does not repeat: {tally:?}, then {again:?}");
                return false;
            }
        }
        ran += 1;
        sum.requests += tally.requests;
        sum.answers += tally.answers;
        sum.restarts += tally.restarts;
        sum.faults += tally.faults;
        sum.trace ^= tally.trace.rotate_left((number % 64) as u32);
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{ran} seeds in {seconds:.1} s ({:.1} a second): {} requests, {} answered, {} starts, {} faults; trace {:016x}",
        ran as f64 / seconds,
        sum.requests,
        sum.answers,
        sum.restarts,
        sum.faults,
        sum.trace
    );
    true
}

/// Each lie must be found.
fn sabotaged(args: &Args, name: &str, root: &std::path::Path) -> bool {
    let chosen: Vec<_> = Sabotage::ALL.iter().filter(|(n, _)| name.is_empty() || *n == name).collect();
    let mut all = !chosen.is_empty();
    for (name, sabotage) in chosen {
        let range = args.first..args.first + FOUND_WITHIN;
        let found =
            range.into_iter().find_map(|number| Some((number, seed(number, root, Some(*sabotage)).err()?)));
        match found {
            Some((number, why)) => println!("{name}: found at seed {number}: {why}"),
            None => {
                println!("{name}: NOT found in {FOUND_WITHIN} seeds");
                all = false;
            }
        }
    }
    all
}
