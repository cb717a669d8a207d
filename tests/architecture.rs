//! Reads the sources and fails on whatever breaks the plan of the house (`ARCHITECTURE.md`).
//!
//! Each rule lives in `architecture/` beside a test that shows it bite on a small wrong snippet.

#[cfg(test)]
#[path = "architecture/habits.rs"]
mod habits;
#[cfg(test)]
#[path = "architecture/rooms.rs"]
mod rooms;
#[cfg(test)]
#[path = "architecture/source.rs"]
mod source;
#[cfg(test)]
#[path = "architecture/tellings.rs"]
mod tellings;

use source::{Source, read_tree};
use std::path::Path;

/// Lines of tests per hundred lines of production code that are held already. The aim is 100: raise it with every change
/// that reaches more, never lower it.
const HELD: usize = 60;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let sources = read_tree(root(), "src");
    assert!(sources.len() > 10, "the sources were not found");
    sources
}

fn each(rule: fn(&Source) -> Vec<String>) -> Vec<String> {
    sources().iter().flat_map(rule).collect()
}

#[track_caller]
fn none(found: Vec<String>) {
    assert!(found.is_empty(), "{} found:\n{}", found.len(), found.join("\n"));
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    none(each(rooms::forbidden));
}

#[test]
fn ciphers_sql_and_http_are_named_only_in_their_rooms() {
    none(each(rooms::misplaced_crates));
}

#[test]
fn i1_i2_danger_is_a_place() {
    none(habits::misplaced_danger(&sources()));
}

#[test]
fn unsafe_stands_in_two_files_only() {
    let mut found = each(habits::misplaced_unsafe);
    found.extend(read_tree(root(), "tests").iter().flat_map(habits::misplaced_unsafe));
    found.extend(read_tree(root(), "benches").iter().flat_map(habits::misplaced_unsafe));
    none(found);
}

#[test]
fn i6_every_exposure_says_why() {
    none(each(habits::unexplained_exposure));
}

#[test]
fn i6_no_secret_can_be_printed() {
    none(each(habits::printable_secrets));
}

#[test]
fn i6_no_span_records_its_arguments() {
    none(each(habits::careless_instruments));
}

#[test]
fn i6_only_listed_events_and_fields_are_told_and_every_listed_event_is() {
    none(each(tellings::unlisted));
    let told: Vec<String> = sources().iter().flat_map(tellings::events).collect();
    let listed = strongroom::telemetry::events::EVENTS.iter().map(|(event, ..)| (*event).to_owned());
    none(
        listed
            .filter(|event| !told.contains(event))
            .map(|event| format!("{event} is listed, but never told"))
            .collect(),
    );
}

#[test]
fn sql_is_never_put_together_with_format() {
    none(each(habits::formatted_sql));
}

#[test]
fn files_stay_short() {
    none(habits::too_long(&sources()));
}

#[test]
fn main_stays_a_doorway() {
    let main = std::fs::read_to_string(root().join("src/main.rs")).unwrap();
    assert!(main.lines().count() <= 40, "main.rs has {} lines, at most 40", main.lines().count());
}

#[test]
fn migrations_are_numbered_without_gaps_and_alike_for_every_store() {
    let names = |store: &str| -> Vec<String> {
        let dir = std::fs::read_dir(root().join("migrations").join(store));
        dir.into_iter().flatten().flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect()
    };
    let (sqlite, postgres) = (names("sqlite"), names("postgres"));
    none(habits::misnumbered(&sqlite));
    none(habits::misnumbered(&postgres));
    assert!(
        postgres.is_empty() || postgres.len() == sqlite.len(),
        "one store has migrations the other lacks"
    );
}

/// The words between backticks of a text.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_promise_in_force_names_tests_that_exist() {
    let text = std::fs::read_to_string(root().join("SECURITY.md")).unwrap_or_default();
    let below = read_tree(root(), "tests");
    let all = sources();
    let code: Vec<&str> = all.iter().chain(&below).map(|source| source.code.as_str()).collect();
    // A tree without its verbs is still being put together: then the promises are only counted.
    let whole = root().join("src/vault").is_dir();
    let mut found = Vec::new();
    for number in 1..=21 {
        let row = text.lines().find(|line| line.starts_with(&format!("| P{number} |"))).unwrap_or_default();
        let cells: Vec<&str> = row.split('|').collect();
        let (state, tests) = (cells.get(3).unwrap_or(&""), quoted(cells.get(4).unwrap_or(&"")));
        if state.trim_start().starts_with("not yet in force") {
            continue;
        }
        if !state.trim_start().starts_with("in force") || tests.is_empty() {
            found.push(format!("P{number} is neither in force with a test nor not yet in force"));
        }
        for name in tests.into_iter().filter(|_| whole) {
            let wanted =
                name.strip_suffix('…').map_or(format!("fn {name}("), |prefix| format!("fn {prefix}"));
            if !code.iter().any(|text| text.contains(&wanted)) {
                found.push(format!("P{number} names the test {name}, which does not exist"));
            }
        }
    }
    none(found);
}

#[test]
fn every_direct_dependency_is_explained() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap_or_default();
    let (manifest, reasons) = (read("Cargo.toml"), read("docs/dependencies.md"));
    let explained = quoted(&reasons);
    let named = manifest.lines().skip_while(|line| *line != "[dependencies]").take_while(|line| {
        *line == "[dependencies]" || *line == "[dev-dependencies]" || !line.starts_with('[')
    });
    let names: Vec<&str> = named.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect();
    assert!(names.len() > 30, "the dependencies were not found");
    none(
        names
            .iter()
            .filter(|name| !explained.contains(name))
            .map(|name| format!("{name} has no reason"))
            .collect(),
    );
}

#[test]
fn the_tests_grow_with_the_code() {
    let below = read_tree(root(), "tests");
    let (production, test) =
        sources().iter().chain(&below).map(Source::counts).fold((0, 0), |(p, t), (a, b)| (p + a, t + b));
    println!("{production} lines of production code, {test} of tests");
    assert!(
        test * 100 >= production * HELD,
        "{test} lines of tests for {production} of production code; {HELD} of 100 were held before"
    );
}

/// Links of the documents, and paths they put in backticks, name what is there.
#[test]
fn documents_name_only_files_that_exist() {
    let mut documents: Vec<std::path::PathBuf> = Vec::new();
    for dir in [root().to_owned(), root().join("docs"), root().join("docs/decisions")] {
        let entries = std::fs::read_dir(&dir).into_iter().flatten().flatten();
        documents.extend(entries.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "md")));
    }
    assert!(documents.len() >= 10, "{documents:?}");
    let mut found = Vec::new();
    for document in &documents {
        let text = std::fs::read_to_string(document).unwrap_or_default();
        let beside = document.parent().unwrap_or(root());
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let links = links
            .filter(|l| !l.contains("://") && !l.starts_with('#'))
            .map(|l| l.split('#').next().unwrap_or(l));
        let rooms = ["src/", "tests/", "docs/", "config/", "scripts/", "migrations/", "benches/", "fuzz/"];
        let plain = |p: &&str| {
            rooms.iter().any(|r| p.starts_with(r))
                && p.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b))
        };
        let quoted = quoted(&text);
        let missing = |path: &str| !beside.join(path).exists() && !root().join(path).exists();
        let paths = links.chain(quoted.iter().map(|q| &**q).filter(plain));
        found.extend(paths.filter(|p| missing(p)).map(|p| format!("{}: {p}", document.display())));
    }
    none(found);
}
