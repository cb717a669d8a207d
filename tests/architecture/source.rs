//! Reads Rust sources as text: blanks comments and literals, tells test code from production code, expands paths.
//!
//! Deliberately not a parser. It knows just enough of the language to be hard to fool by accident; whoever wants to
//! fool it on purpose has a reviewer to face.

use std::path::Path;

/// One source file, in three views that agree line by line.
pub(crate) struct Source {
    /// Path from the repository's root, with `/`.
    pub(crate) path: String,
    /// As written.
    pub(crate) text: String,
    /// With comments and the contents of literals blanked.
    pub(crate) code: String,
    /// For each line, whether it is test code.
    pub(crate) is_test: Vec<bool>,
}

impl Source {
    /// Makes the views of one file.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = blank(text);
        let whole = is_test_path(path);
        let mut is_test = vec![whole; text.lines().count()];
        for (from, to) in test_items(&code) {
            for line in line_of(&code, from)..=line_of(&code, to) {
                if let Some(mark) = is_test.get_mut(line) {
                    *mark = true;
                }
            }
        }
        Self { path: path.to_owned(), text: text.to_owned(), code, is_test }
    }

    /// The room: the first component below `src/`, without `.rs`.
    pub(crate) fn room(&self) -> &str {
        let below = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let first = below.split('/').next().unwrap_or(below);
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The module path of the file below the crate root.
    pub(crate) fn module(&self) -> Vec<&str> {
        let below = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let below = below.strip_suffix(".rs").unwrap_or(below);
        below.split('/').filter(|part| !matches!(*part, "mod" | "lib" | "main")).collect()
    }

    /// Lines of the code view outside test code, numbered from 1.
    pub(crate) fn production(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code
            .lines()
            .zip(&self.is_test)
            .enumerate()
            .filter(|(_, (_, test))| !**test)
            .map(|(n, (l, _))| (n + 1, l))
    }

    /// Lines that are neither blank nor comment only: (production, test).
    pub(crate) fn counts(&self) -> (usize, usize) {
        let full = self.code.lines().zip(&self.is_test).filter(|(line, _)| !line.trim().is_empty());
        full.fold(
            (0, 0),
            |(prod, test), (_, is_test)| if *is_test { (prod, test + 1) } else { (prod + 1, test) },
        )
    }

    /// Every path that starts at the crate root or climbs to it: (line from 1, in test code, segments below the root).
    pub(crate) fn root_paths(&self) -> Vec<(usize, bool, Vec<String>)> {
        let mut found = Vec::new();
        for (at, start) in path_starts(&self.code) {
            let line = line_of(&self.code, at);
            let depth = inline_depth(&self.code, at);
            for path in expand(self.code.get(at..).unwrap_or(""), &[]) {
                if let Some(below_root) = self.below_root(&path, depth, start) {
                    found.push((line + 1, self.is_test.get(line).copied().unwrap_or(false), below_root));
                }
            }
        }
        found
    }

    fn below_root(&self, path: &[String], depth: usize, start: &str) -> Option<Vec<String>> {
        if start != "super" {
            return Some(path.iter().skip(1).cloned().collect());
        }
        let climbs = path.iter().take_while(|part| *part == "super").count();
        let here = self.module().len() + depth;
        (climbs >= here).then(|| path.iter().skip(climbs).cloned().collect())
    }
}

/// All `.rs` files below a directory of the repository, sorted.
pub(crate) fn read_tree(root: &Path, below: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut waiting = vec![root.join(below)];
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                found.push(Source::new(&name, &std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn is_test_path(path: &str) -> bool {
    path.starts_with("tests/")
        || path.split('/').any(|part| {
            let stem = part.strip_suffix(".rs").unwrap_or(part);
            matches!(stem, "tests" | "testing" | "test_support") || stem.ends_with("_tests")
        })
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|b| *b == b'\n').count()
}

/// Whether a byte can be part of an identifier.
pub(crate) fn is_ident(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Replaces comments and the contents of string and character literals by spaces, keeping every line break.
pub(crate) fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(bytes, at);
        if end > at {
            for byte in out.get_mut(at..end.min(bytes.len())).into_iter().flatten() {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
            at = end;
        } else {
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The end of the comment or literal that starts at `at`, or `at` when none does.
fn literal_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let find = |from: usize, needle: &[u8]| {
        rest.get(from..)
            .and_then(|r| r.windows(needle.len()).position(|w| w == needle))
            .map_or(bytes.len(), |p| at + from + p)
    };
    let after_ident = at > 0 && is_ident(bytes[at - 1]);
    match rest {
        [b'/', b'/', ..] => find(2, b"\n"),
        [b'/', b'*', ..] => find(2, b"*/") + 2,
        [b'r', b'"' | b'#', ..] | [b'b', b'r', ..] if !after_ident => raw_end(rest, at, &find),
        [b'"', ..] => at + 1 + quoted_len(&rest[1..]),
        [b'\'', b'\\', ..] => find(3, b"'") + 1,
        [b'\'', c, ..] if *c < 0x80 && rest.get(2) == Some(&b'\'') => at + 3,
        [b'\'', c, ..] if *c >= 0x80 => find(1, b"'") + 1,
        _ => at,
    }
}

fn raw_end(rest: &[u8], at: usize, find: &dyn Fn(usize, &[u8]) -> usize) -> usize {
    let mark = rest.iter().position(|b| *b == b'r').unwrap_or(0) + 1;
    let hashes = rest[mark..].iter().take_while(|b| **b == b'#').count();
    if rest.get(mark + hashes) != Some(&b'"') {
        return at;
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    find(mark + hashes + 1, &close) + close.len()
}

fn quoted_len(rest: &[u8]) -> usize {
    let mut at = 0;
    while at < rest.len() && rest[at] != b'"' {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// Byte ranges of the items under `#[cfg(test)]`.
fn test_items(code: &str) -> Vec<(usize, usize)> {
    let mut items = Vec::new();
    for mark in ["#[cfg(test)]", "#[cfg(all(test"] {
        for (from, _) in code.match_indices(mark) {
            items.push((from, item_end(code, from + mark.len())));
        }
    }
    items
}

/// The end of the item that follows: its `;`, or the brace that closes its first one.
pub(crate) fn item_end(code: &str, from: usize) -> usize {
    let mut depth = 0_i32;
    for (offset, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return offset,
            b'}' => depth -= 1,
            b';' if depth == 0 => return offset,
            _ => {}
        }
    }
    code.len()
}

/// Where paths begin that start at `crate`, at this crate's name, or climb with `super`.
fn path_starts(code: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    for start in ["crate", "strongroom", "super"] {
        for (at, _) in code.match_indices(&format!("{start}::")) {
            let before = code[..at].bytes().next_back();
            let inside_path = before.is_some_and(|b| is_ident(b) || b == b':');
            if !inside_path {
                found.push((at, start));
            }
        }
    }
    found
}

/// How many inline modules enclose a position.
fn inline_depth(code: &str, at: usize) -> usize {
    let opens = code[..at].match_indices("mod ");
    opens
        .filter(|(from, _)| code[*from..].find(['{', ';']).is_some_and(|p| code.as_bytes()[from + p] == b'{'))
        .filter(|(from, _)| *from == 0 || !is_ident(code.as_bytes()[from - 1]))
        .filter(|(from, _)| item_end(code, *from) > at)
        .count()
}

/// Expands the path or use tree at the start of `text` into whole paths.
fn expand(text: &str, prefix: &[String]) -> Vec<Vec<String>> {
    let text = text.trim_start();
    let len = text.bytes().take_while(|b| is_ident(*b)).count();
    let mut path = prefix.to_vec();
    if len == 0 {
        return match text.bytes().next() {
            Some(b'{') => branches(text).iter().flat_map(|branch| expand(branch, prefix)).collect(),
            Some(b'*') => {
                path.push("*".to_owned());
                vec![path]
            }
            _ => vec![path],
        };
    }
    path.push(text[..len].to_owned());
    match text[len..].trim_start().strip_prefix("::") {
        Some(rest) => expand(rest, &path),
        None => vec![path],
    }
}

/// The comma-separated branches of a use tree that starts with `{`.
fn branches(text: &str) -> Vec<&str> {
    let (mut depth, mut from, mut found) = (0, 1, Vec::new());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b',' if depth == 1 => {
                found.push(&text[from..at]);
                from = at + 1;
            }
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    found.push(&text[from..at]);
                    break;
                }
            }
            _ => {}
        }
    }
    found.into_iter().filter(|branch| !branch.trim().is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(path: &str, text: &str) -> Vec<String> {
        Source::new(path, text).root_paths().iter().map(|(_, _, p)| p.join("::")).collect()
    }

    #[test]
    fn comments_and_literals_are_blanked_and_lines_kept() {
        let code = blank(
            "let a = \"x // y\\\"\"; // crate::vault\n/* unsafe */ 'c' '\\'' r#\"un\"safe\"# &'static str",
        );
        assert!(!code.contains("crate") && !code.contains("unsafe") && code.contains("&'static str"));
        assert_eq!(code.lines().count(), 2);
    }

    #[test]
    fn use_trees_are_expanded_and_super_is_followed_to_the_root() {
        let tree = "use crate::{domain::{ids::*, Clock}, policy::Permit};";
        assert_eq!(paths("src/crypto/a.rs", tree), ["domain::ids::*", "domain::Clock", "policy::Permit"]);
        assert_eq!(paths("src/crypto/a.rs", "use super::super::vault::Verb;"), ["vault::Verb"]);
        assert_eq!(paths("src/crypto/mod.rs", "use super::vault::Verb;"), ["vault::Verb"]);
        assert!(paths("src/crypto/a.rs", "use super::keyring::Keyring;").is_empty());
        assert!(paths("src/crypto/mod.rs", "mod tests { use super::*; }").is_empty());
    }

    #[test]
    fn test_items_are_told_from_production() {
        let source =
            Source::new("src/a/b.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nfn c() {}\n");
        assert_eq!(source.is_test, [false, true, true, true, true, false]);
        assert_eq!(source.counts(), (2, 4));
        assert!(Source::new("src/a/tests.rs", "fn b() {}\n").is_test[0]);
    }
}
