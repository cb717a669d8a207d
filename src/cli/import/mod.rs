//! `strongroom import`: people and their records from a CSV or NDJSON file, as the clients a mapping names.
//!
//! It is a client like any other: the same verbs, grants, limits, refusals and events, through the admin socket or over TLS with
//! client keys; it has no door of its own into the vault. No value reaches its journal, its rejects or its messages (I6), and a
//! file of any length is read in bounded memory (I10).

mod csv_source;
mod dates;
mod dry_run;
mod engine;
#[cfg(any(test, feature = "fuzzing"))]
#[path = "../../../fuzz/targets/import.rs"]
pub(crate) mod fuzzing;
mod interrupt;
mod journal;
mod line;
mod mapping;
mod ndjson_source;
mod outputs;
mod plan;
mod preflight;
mod progress;
mod row;
mod source;
mod template;
#[cfg(test)]
mod tests;

use crate::cli::remote::Link;
use crate::cli::{Failed, Reach, SOME_REJECTED};
use crate::domain::date::Date;
use crate::domain::io_words;
use clap::Args;
use dry_run::Declared;
use engine::Engine;
use journal::{Counts, Header, Journal, State};
use mapping::{MAX_MAPPING, Mapping, MappingFault};
use outputs::Outputs;
use plan::{LineFault, plan};
use progress::Progress;
use source::{Next, Source, fingerprint};
use std::cell::RefCell;
use std::io::Write;
use std::path::{Path, PathBuf};
use tokio::time::Instant;

/// `strongroom import`
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// The file: CSV with a line of column names, or NDJSON.
    pub file: PathBuf,
    /// The mapping: which columns become which fields, as which client (docs/import.md).
    #[arg(long = "map", value_name = "FILE")]
    pub map: PathBuf,
    /// Where the vault is.
    #[command(flatten)]
    pub reach: Reach,
    /// Check every line against the mapping and the policy; store nothing.
    #[arg(long, conflicts_with_all = ["resume", "tokens_out"])]
    pub dry_run: bool,
    /// Go on with an import that did not come to its end.
    #[arg(long)]
    pub resume: bool,
    /// The journal (default: the input's name with .journal behind it).
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Write each record's tokens here (0600, one JSON object a line).
    #[arg(long, value_name = "FILE")]
    pub tokens_out: Option<PathBuf>,
    /// Write what was rejected here (0600): line, pointer, code; no value.
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Show no progress.
    #[arg(long)]
    pub quiet: bool,
    /// Lines under way at once.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=128))]
    pub at_once: u16,
}

/// Runs an import over a link. `today` is for the ages of a dry run.
pub async fn run(link: &Link, args: &ImportArgs, today: Date, out: &mut dyn Write) -> Result<(), Failed> {
    let text = read_mapping(&args.map)?;
    let mapping = Mapping::parse(&text).map_err(|faults| told(&args.map, &faults))?;
    let mut source = Source::open(&args.file, &mapping, &args.map)?;
    let faults = preflight::check(link, &mapping).await?;
    if !faults.is_empty() {
        return Err(told(&args.map, &faults));
    }
    let (length, file_sha256) = fingerprint(&args.file)?;
    let progress = Progress::new(length, args.quiet);
    let started = Instant::now();
    if args.dry_run {
        let declared = Declared::of(link).await?;
        let counts = try_out((&mapping, declared.as_ref(), today), &mut source, args, progress)?;
        let how = if declared.is_some() { "mapping and the policy's types" } else { "mapping alone" };
        writeln!(out, "dry run, nothing was stored: {} lines checked against the {how}", counts.lines)?;
        writeln!(out, "  rejected  {} lines", counts.rejected)?;
        return end(args, counts);
    }
    let header = Header {
        strongroom_import: 1,
        id: String::new(),
        file_sha256,
        mapping_sha256: fingerprint(&args.map)?.1,
        tokens_out: args.tokens_out.is_some(),
        rejects: args.rejects.is_some(),
    };
    let (journal, state, outputs) = begin(args, header)?;
    let before = state.counts;
    let journal = RefCell::new(journal);
    let at_once = usize::from(args.at_once);
    let engine = Engine { link, mapping: &mapping, journal: &journal, outputs, state, progress, at_once };
    let counts = engine.run(&mut source).await?;
    summary(args, (&counts, &before), started.elapsed().as_secs_f64(), out)?;
    end(args, counts)
}

fn begin(args: &ImportArgs, header: Header) -> Result<(Journal, State, Outputs), Failed> {
    let path = args.journal.clone().unwrap_or_else(|| beside(&args.file));
    let (tokens, rejects) = (args.tokens_out.as_deref(), args.rejects.as_deref());
    if !args.resume {
        Journal::room(&path)?;
        let outputs = Outputs::open(tokens, rejects, None)?;
        // Only now: what is refused above leaves the finished journal where it was.
        Journal::make_room(&path)?;
        return Ok((Journal::start(&path, header)?, State::default(), outputs));
    }
    let (journal, state) = Journal::resume(&path, &header)?;
    if state.finished {
        return Err(Failed::new(format!("{}: this import has come to its end already", path.display())));
    }
    let outputs = Outputs::open(tokens, rejects, Some(state.at))?;
    Ok((journal, state, outputs))
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".journal");
    name.into()
}

/// Every line through the mapping, and through what the vault declares where it tells.
fn try_out(
    (mapping, declared, today): (&Mapping, Option<&Declared>, Date),
    source: &mut Source,
    args: &ImportArgs,
    mut progress: Progress,
) -> Result<Counts, Failed> {
    let mut outputs = Outputs::open(None, args.rejects.as_deref(), None)?;
    let mut counts = Counts::default();
    while let Some(next) = source.next()? {
        let (line, faults) = match next {
            Next::Unfit(line, code) => (line, vec![LineFault::new(None, "", code)]),
            Next::Row(row) => match plan(mapping, &row) {
                Ok(planned) => (row.line, declared.map_or_else(Vec::new, |d| d.check(&planned, today))),
                Err(faults) => (row.line, faults),
            },
        };
        counts.lines += 1;
        counts.rejected += u64::from(!faults.is_empty());
        outputs.rejects(line, &faults)?;
        progress.at(source.bytes(), &counts);
    }
    progress.end();
    outputs.sync()?;
    Ok(counts)
}

fn summary(
    args: &ImportArgs,
    (counts, before): (&Counts, &Counts),
    seconds: f64,
    out: &mut dyn Write,
) -> Result<(), Failed> {
    let now = counts.lines.saturating_sub(before.lines);
    let rate = now as f64 / seconds.max(0.001);
    let resumed =
        if before.lines > 0 { format!(", {} of them earlier", before.lines) } else { String::new() };
    writeln!(
        out,
        "{}: {} lines{resumed}; {seconds:.1} s, {rate:.0} lines a second",
        args.file.display(),
        counts.lines
    )?;
    writeln!(out, "  subjects  {} created, {} found", counts.created, counts.found)?;
    writeln!(
        out,
        "  records   {} stored, {} skipped, {} updated",
        counts.stored, counts.skipped, counts.updated
    )?;
    writeln!(out, "  rejected  {} lines", counts.rejected)?;
    Ok(())
}

fn end(args: &ImportArgs, counts: Counts) -> Result<(), Failed> {
    let hint = match (&args.rejects, args.dry_run) {
        _ if counts.rejected == 0 => return Ok(()),
        (Some(file), _) => format!("; {} says line, field and code", file.display()),
        (None, true) => "; add --rejects FILE to see line, field and code".to_owned(),
        (None, false) => "; --dry-run with --rejects FILE shows line, field and code".to_owned(),
    };
    Err(Failed::new(format!("{SOME_REJECTED}{hint}")))
}

fn read_mapping(path: &Path) -> Result<String, Failed> {
    let refused = |why: &str| Failed::new(format!("cannot read {}: {why}", path.display()));
    let size = std::fs::metadata(path).map_err(|e| refused(&io_words(e.kind())))?.len();
    if size > MAX_MAPPING {
        return Err(refused("a mapping is at most 1 MiB"));
    }
    std::fs::read_to_string(path).map_err(|e| refused(&io_words(e.kind())))
}

fn told(path: &Path, faults: &[MappingFault]) -> Failed {
    let lines: Vec<String> =
        faults.iter().map(|f| format!("{}:{}: {}", path.display(), f.line, f.text)).collect();
    Failed::new(lines.join("\n"))
}
