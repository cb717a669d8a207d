//! What the sources write to the log: only events and fields of the closed lists in `src/telemetry/events.rs`, only texts and
//! numbers (`?` and `%` format whatever they are given), always by the full name `tracing::…!`, so that this finds them.

use super::source::Source;
use strongroom::telemetry::events::{EVENTS, FIELDS};

const LEVELS: [&str; 5] = ["error!(", "warn!(", "info!(", "debug!(", "trace!("];

/// One telling: where, its arguments with literals blanked, the same as written.
struct Telling {
    line: usize,
    arguments: String,
    written: String,
}

/// Every event name of the production code.
pub(crate) fn events(source: &Source) -> Vec<String> {
    tellings(source).iter().filter_map(|telling| event(&telling.written)).collect()
}

/// What is told beside the lists.
pub(crate) fn unlisted(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let mut fault = |line: usize, what: String| found.push(format!("{}:{line}: {what}", source.path));
    for (line, text) in source.production() {
        let others = ["event!(", "span!(", "_span!(", "log!("];
        if text.contains("tracing::") && others.iter().any(|other| text.contains(other)) {
            fault(line, "tell events by their level; spans are src/telemetry/traces".to_owned());
        }
        if text.contains("use tracing::") && !source.path.starts_with("src/telemetry/") {
            fault(line, "write tracing::…! in full".to_owned());
        }
    }
    for telling in tellings(source) {
        match event(&telling.written) {
            None => fault(telling.line, "begins with event = \"…\"".to_owned()),
            Some(event) if !EVENTS.iter().any(|(known, ..)| *known == event) => {
                fault(telling.line, format!("event {event} is not in src/telemetry/events.rs"));
            }
            Some(_) => {}
        }
        for argument in split(&telling.arguments) {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name.trim(), value.trim()),
                None if argument.starts_with('"') => continue,
                None => (argument.as_str(), ""),
            };
            if name.starts_with(['?', '%']) || value.starts_with(['?', '%']) {
                fault(telling.line, format!("{name} is formatted whole; give a text or a number of our own"));
            } else if !FIELDS.iter().any(|(known, _)| *known == name) {
                fault(telling.line, format!("field {name} is not in src/telemetry/events.rs"));
            }
        }
    }
    found
}

fn event(written: &str) -> Option<String> {
    let rest = written.trim_start().strip_prefix("event = \"")?;
    rest.split_once('"').map(|(name, _)| name.to_owned())
}

/// Arguments at the top level of a call.
fn split(arguments: &str) -> Vec<String> {
    let (mut all, mut depth) = (vec![String::new()], 0_i32);
    for c in arguments.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 {
            all.push(String::new());
        } else {
            all.last_mut().unwrap().push(c);
        }
    }
    all.into_iter().map(|a| a.trim().to_owned()).filter(|a| !a.is_empty()).collect()
}

fn tellings(source: &Source) -> Vec<Telling> {
    let code: Vec<&str> = source.code.lines().collect();
    let text: Vec<&str> = source.text.lines().collect();
    let mut found = Vec::new();
    for (line, here) in source.production() {
        for level in LEVELS {
            for (at, _) in here.match_indices(&format!("tracing::{level}")) {
                let from = at + "tracing::".len() + level.len();
                let ending = end(&code, line - 1, from);
                found.push(Telling {
                    line,
                    arguments: between(&code, (line - 1, from), ending),
                    written: between(&text, (line - 1, from), ending),
                });
            }
        }
    }
    found
}

/// Line and column of the parenthesis that closes the call.
fn end(code: &[&str], line: usize, from: usize) -> (usize, usize) {
    let mut depth = 1;
    for (n, text) in code.iter().enumerate().skip(line) {
        for (at, c) in text.char_indices().filter(|(at, _)| n > line || *at >= from) {
            depth += i32::from(c == '(') - i32::from(c == ')');
            if depth == 0 {
                return (n, at);
            }
        }
    }
    (line, from)
}

fn between(lines: &[&str], (first, from): (usize, usize), (last, to): (usize, usize)) -> String {
    let mut all = String::new();
    for (n, line) in lines.iter().enumerate().take(last + 1).skip(first) {
        let from = if n == first { from } else { 0 };
        let to = if n == last { to } else { line.len() };
        all.push_str(line.get(from..to).unwrap_or(""));
        all.push('\n');
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> usize {
        unlisted(&Source::new("src/vault/v.rs", &format!("fn f() {{ {text} }}"))).len()
    }

    #[test]
    fn a_field_or_an_event_that_is_not_listed_is_caught() {
        assert_eq!(
            told("tracing::info!(event = \"serving\", address = a.as_str(), \"a, sentence (of ours)\");"),
            0
        );
        assert_eq!(told("tracing::error!(event = \"panic\",\n file, line,\n \"a sentence\");"), 0);
        assert_eq!(told("tracing::info!(event = \"serving\", email = a, \"x\");"), 1);
        assert_eq!(told("tracing::info!(event = \"surprise\", \"x\");"), 1);
        assert_eq!(told("tracing::info!(\"x\");"), 1);
        assert_eq!(told("tracing::info!(event = \"serving\",\n    email,\n    \"x\");"), 1);
    }

    #[test]
    fn what_formats_whole_values_or_hides_from_this_reading_is_caught() {
        assert_eq!(told("tracing::info!(event = \"serving\", code = ?x, \"x\");"), 1);
        assert_eq!(told("tracing::info!(event = \"serving\", %code, \"x\");"), 1);
        assert_eq!(told("use tracing::info; "), 1);
        assert_eq!(told("tracing::span!(x);"), 1);
        assert_eq!(told("tracing::info_span!(x);"), 1);
    }
}
