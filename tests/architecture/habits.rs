//! Habits a machine can hold us to: where danger may stand, how plaintext is shown, how SQL is written, how long files are.

use super::source::{Source, is_ident, item_end};
use std::collections::BTreeMap;

/// Where each `dangerous_*` function may be used besides the file that defines it.
const DANGEROUS: &[(&str, &[&str])] = &[
    ("dangerous_mint", &["src/storage/"]),
    ("dangerous_peek", &["src/vault/"]),
    ("dangerous_map", &["src/vault/"]),
    ("dangerous_new", &["src/vault/"]),
    ("dangerous_dummy", &["src/crypto/dummy.rs"]),
];

/// The only files that may say `unsafe`: the zeroing allocator and the locked key arena; and, outside the product, the
/// calls of the simulated disk (`docs/decisions/0010-a-simulated-disk-beneath-libc.md`).
const UNSAFE: &[&str] = &["src/alloc.rs", "src/crypto/arena.rs", "tests/simdisk/src/calls.rs"];

/// Most non-blank lines in a file.
pub(crate) const MAX_LINES: usize = 500;
/// Most non-blank lines in the middle file.
pub(crate) const MEDIAN_LINES: usize = 120;

fn words<'a>(line: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    line.split(|c: char| !c.is_ascii() || !is_ident(c as u8)).filter(move |word| word.starts_with(prefix))
}

/// `dangerous_*` used outside its place. A name that is not in the table stays in the room that defines it.
pub(crate) fn misplaced_danger(sources: &[Source]) -> Vec<String> {
    let mut homes: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for source in sources {
        for (_, line) in source.production().filter(|(_, line)| line.contains("fn dangerous_")) {
            for word in words(line, "dangerous_") {
                homes.entry(word).or_default().push(source);
            }
        }
    }
    let mut found = Vec::new();
    for source in sources {
        for (line, text) in source.production() {
            for word in words(text, "dangerous_") {
                let home = homes.get(word).into_iter().flatten();
                let listed = DANGEROUS.iter().find(|(name, _)| *name == word);
                let fine = match listed {
                    Some((_, places)) => {
                        places.iter().any(|place| source.path.starts_with(place))
                            || home.clone().any(|home| home.path == source.path)
                    }
                    None => home.clone().any(|home| home.room() == source.room()),
                };
                if !fine {
                    found.push(format!("{}:{line}: {word} is not allowed here", source.path));
                }
            }
        }
    }
    found
}

/// `unsafe` outside the two files that may hold it (test code included).
pub(crate) fn misplaced_unsafe(source: &Source) -> Vec<String> {
    if UNSAFE.contains(&source.path.as_str()) {
        return Vec::new();
    }
    let lines = source.code.lines().enumerate();
    lines
        .filter(|(_, line)| words(line, "unsafe").any(|word| word == "unsafe"))
        .map(|(n, _)| format!("{}:{}: unsafe belongs in {}", source.path, n + 1, UNSAFE.join(", ")))
        .collect()
}

/// Whether the line or one of the three before it carries the mark of a reason.
fn explained(source: &Source, line: usize, mark: &str) -> bool {
    let first = line.saturating_sub(4);
    source.text.lines().skip(first).take(line - first).any(|text| text.contains(mark))
}

/// Secrets shown without a reason: no `EXPOSE:` on the line or the three before it.
pub(crate) fn unexplained_exposure(source: &Source) -> Vec<String> {
    let calls = [".expose()", ".expose_mut()", ".expose_secret()"];
    source
        .production()
        .filter(|(line, text)| {
            calls.iter().any(|call| text.contains(call)) && !explained(source, *line, "EXPOSE:")
        })
        .map(|(line, _)| format!("{}:{line}: say why in an `// EXPOSE:` comment", source.path))
        .collect()
}

/// Types that hold a secret and derive `Debug` or `Serialize`.
pub(crate) fn printable_secrets(source: &Source) -> Vec<String> {
    let code = &source.code;
    let mut found = Vec::new();
    for (from, _) in code.match_indices("#[derive(") {
        let close = code[from..].find(']').map_or(code.len(), |p| from + p);
        let derives = &code[from..close];
        let item = &code[close..item_end(code, close)];
        let secret =
            ["Sensitive<", "SecretString", "SecretBox<", "Zeroizing<"].iter().any(|t| item.contains(t));
        if secret && ["Debug", "Serialize"].iter().any(|d| words(derives, d).any(|word| word == *d)) {
            let line = code[..from].matches('\n').count() + 1;
            found.push(format!(
                "{}:{line}: a type that holds a secret derives Debug or Serialize",
                source.path
            ));
        }
    }
    found
}

/// SQL put together with `format!`, unless a `// SQL:` comment says why every part is a constant (`PRAGMA` takes no
/// parameters).
pub(crate) fn formatted_sql(source: &Source) -> Vec<String> {
    let calls = ["execute", "execute_batch", "prepare", "prepare_cached", "query_row", "query"];
    source
        .production()
        .filter(|(_, text)| {
            let tight: String = text.split_whitespace().collect();
            calls.iter().any(|call| {
                tight.contains(&format!("{call}(&format!")) || tight.contains(&format!("{call}(format!"))
            })
        })
        .filter(|(line, _)| !explained(source, *line, "// SQL:"))
        .map(|(line, _)| format!("{}:{line}: SQL is a constant; values are parameters", source.path))
        .collect()
}

/// `#[instrument]` that could record arguments.
pub(crate) fn careless_instruments(source: &Source) -> Vec<String> {
    source
        .production()
        .filter(|(_, text)| text.contains("instrument") && text.trim_start().starts_with("#["))
        .filter(|(_, text)| !text.contains("skip_all") || text.contains("ret") || text.contains("err"))
        .map(|(line, _)| {
            format!("{}:{line}: #[instrument] needs skip_all and neither ret nor err", source.path)
        })
        .collect()
}

/// Non-blank lines of a file.
pub(crate) fn length(source: &Source) -> usize {
    source.text.lines().filter(|line| !line.trim().is_empty()).count()
}

/// Files over the limit, and the middle one if it is.
pub(crate) fn too_long(sources: &[Source]) -> Vec<String> {
    let over = sources.iter().filter(|source| length(source) > MAX_LINES);
    let mut found: Vec<String> =
        over.map(|s| format!("{}: {} lines, at most {MAX_LINES}", s.path, length(s))).collect();
    let mut lengths: Vec<usize> = sources.iter().map(length).collect();
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
    if median > MEDIAN_LINES {
        found.push(format!("the middle file has {median} lines, at most {MEDIAN_LINES}"));
    }
    found
}

/// Migration files whose numbers do not run 1, 2, 3 … (append-only: a number is never reused nor skipped).
pub(crate) fn misnumbered(names: &[String]) -> Vec<String> {
    let mut names: Vec<&String> = names.iter().filter(|name| name.ends_with(".sql")).collect();
    names.sort();
    let numbered = |name: &str| name.split('_').next().and_then(|digits| digits.parse::<usize>().ok());
    let each = names.iter().enumerate();
    each.filter(|(at, name)| numbered(name) != Some(at + 1))
        .map(|(at, name)| format!("{name}: expected migration number {}", at + 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str, text: &str) -> Source {
        Source::new(path, text)
    }

    #[test]
    fn danger_outside_its_place_is_caught() {
        let home =
            at("src/domain/d.rs", "impl R { pub(crate) fn dangerous_mint() {} fn dangerous_other() {} }");
        let uses =
            |path: &str, text: &str| misplaced_danger(&[at(&home.path, &home.text), at(path, text)]).len();
        assert_eq!(uses("src/vault/v.rs", "R::dangerous_mint()"), 1);
        assert_eq!(uses("src/storage/s.rs", "R::dangerous_mint()"), 0);
        assert_eq!(uses("src/vault/v.rs", "R::dangerous_other()"), 1);
        assert_eq!(uses("src/domain/e.rs", "R::dangerous_other()"), 0);
        assert_eq!(uses("src/crypto/c.rs", "#[cfg(test)]\nmod tests { fn f() { R::dangerous_mint() } }"), 0);
    }

    #[test]
    fn unsafe_outside_the_two_files_is_caught_even_in_tests() {
        assert_eq!(
            misplaced_unsafe(&at("src/vault/v.rs", "#[cfg(test)]\nmod tests { fn f() { unsafe {} } }")).len(),
            1
        );
        assert_eq!(misplaced_unsafe(&at("src/vault/v.rs", "#![deny(unsafe_code)] // unsafe")).len(), 0);
        assert_eq!(misplaced_unsafe(&at("src/alloc.rs", "unsafe impl GlobalAlloc for A {}")).len(), 0);
    }

    #[test]
    fn an_exposure_without_a_reason_is_caught() {
        let shown = |text: &str| unexplained_exposure(&at("src/vault/v.rs", text)).len();
        assert_eq!(shown("let a = s.expose();"), 1);
        assert_eq!(shown("// EXPOSE: compared here.\n\n\nlet a = s.expose();"), 0);
        assert_eq!(shown("// EXPOSE: too far up.\n\n\n\nlet a = s.expose();"), 1);
        assert_eq!(shown("let a = s.expose_mut(); // EXPOSE: masked in place."), 0);
    }

    #[test]
    fn a_secret_that_derives_debug_is_caught() {
        let printed = |text: &str| printable_secrets(&at("src/vault/v.rs", text)).len();
        assert_eq!(printed("#[derive(Clone, Debug)]\nstruct A { k: Sensitive<String> }\n"), 1);
        assert_eq!(printed("#[derive(Debug)]\nstruct A(SecretString);\n"), 1);
        assert_eq!(
            printed("#[derive(Clone)]\nstruct A { k: Sensitive<String> }\n#[derive(Debug)]\nstruct B;\n"),
            0
        );
    }

    #[test]
    fn sql_made_with_format_is_caught() {
        assert_eq!(formatted_sql(&at("src/storage/s.rs", "c.execute( &format!(\"x {y}\"), [])?;")).len(), 1);
        assert_eq!(
            formatted_sql(&at("src/storage/s.rs", "c.execute(SQL, [y])?; let m = format!(\"x\");")).len(),
            0
        );
    }

    #[test]
    fn an_instrument_that_records_arguments_is_caught() {
        assert_eq!(careless_instruments(&at("src/http/h.rs", "#[instrument]\nfn f() {}")).len(), 1);
        assert_eq!(careless_instruments(&at("src/http/h.rs", "#[instrument(skip_all)]\nfn f() {}")).len(), 0);
    }

    #[test]
    fn long_files_and_a_long_middle_file_are_caught() {
        let of = |lines: usize| at("src/vault/v.rs", &"x\n".repeat(lines));
        assert_eq!(too_long(&[of(501), of(1), of(1)]).len(), 1);
        assert_eq!(too_long(&[of(121), of(121), of(1)]).len(), 1);
        assert_eq!(too_long(&[of(500), of(120), of(1)]).len(), 0);
    }

    #[test]
    fn a_gap_or_a_reused_migration_number_is_caught() {
        let named =
            |names: &[&str]| misnumbered(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()).len();
        assert_eq!(named(&["0001_initial.sql", "0002_more.sql"]), 0);
        assert_eq!(named(&["0001_initial.sql", "0003_more.sql"]), 1);
        assert_eq!(named(&["0001_initial.sql", "0001_other.sql"]), 1);
    }
}
