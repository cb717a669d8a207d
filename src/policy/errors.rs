//! Faults of a policy file: where each is, what is wrong, and what to write instead.
//!
//! A fault quotes names of the policy, which are no personal data; nothing else ever enters it.

use std::ops::Range;

/// One fault of a policy file: where, what, and what to write instead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyError {
    /// 1-based line, 0 when the file as a whole is meant.
    pub line: usize,
    /// 1-based column.
    pub column: usize,
    /// Dotted path, e.g. `clients.storefront.grants[0].plain`.
    pub path: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl std::fmt::Display for PolicyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{} {}: {}", self.line, self.column, self.path, self.message)
    }
}

/// Collects the faults of one file.
pub(super) struct Faults<'t> {
    text: &'t str,
    found: Vec<PolicyError>,
}

impl<'t> Faults<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, found: Vec::new() }
    }
    /// A fault at a place of the text.
    pub(super) fn at(&mut self, span: Range<usize>, path: &str, message: String) {
        let (line, column) = position(self.text, span.start);
        self.found.push(PolicyError { line, column, path: path.to_owned(), message });
    }
    /// A fault of the file as a whole: something is missing.
    pub(super) fn whole(&mut self, path: &str, message: String) {
        self.found.push(PolicyError { line: 0, column: 0, path: path.to_owned(), message });
    }
    /// A name that is not in its list.
    pub(super) fn unknown<S: AsRef<str>>(
        &mut self,
        (span, path): (Range<usize>, &str),
        name: &str,
        known: &[S],
        what: &str,
    ) {
        let message = format!("unknown {what} `{name}`; {}", instead(name, known));
        let path = if path.is_empty() { name } else { path };
        self.at(span, path, message);
    }
    /// A fault of the TOML itself.
    pub(super) fn toml(&mut self, path: &str, error: &toml::de::Error) {
        self.toml_at(error.span().unwrap_or(0..0), path, error.message());
    }
    /// A fault that serde reports: unknown keys get a suggestion, missing ones say what to add.
    pub(super) fn toml_at(&mut self, span: Range<usize>, path: &str, message: &str) {
        let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let message = match quoted.split_first() {
            Some((name, known)) if message.starts_with("unknown field") => {
                format!("unknown key `{name}`; {}", instead(name, known))
            }
            Some((name, _)) if message.starts_with("missing field") => {
                format!("`{name}` is missing; add it.")
            }
            _ => message.trim_end().replace('\n', "; "),
        };
        self.at(span, path, message);
    }
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
    /// All of them, in the order of the file.
    pub(super) fn into_sorted(mut self) -> Vec<PolicyError> {
        self.found.sort_by(|a, b| (a.line, a.column, &a.path).cmp(&(b.line, b.column, &b.path)));
        self.found.dedup();
        self.found
    }
}

/// 1-based line and column (in characters) of a byte offset.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before.get(line_start..).map_or(0, |line| line.chars().count());
    (before.matches('\n').count() + 1, column + 1)
}

/// "did you mean `x`?" when a name is near, the closed list otherwise.
fn instead<S: AsRef<str>>(name: &str, known: &[S]) -> String {
    let near = known.iter().map(|k| (distance(name, k.as_ref()), k.as_ref())).min();
    let list = known.iter().map(|k| format!("`{}`", k.as_ref())).collect::<Vec<_>>().join(", ");
    match near {
        None => String::from("none is declared; declare one or leave this out."),
        Some((far, best)) if far <= 1 + name.len() / 4 => format!("did you mean `{best}`? One of {list}."),
        Some(_) => format!("write one of {list}."),
    }
}

/// Edits between two names (Levenshtein, one row).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let cost = diagonal + usize::from(x != *y);
            diagonal = *cell;
            left = cost.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        for (a, b, n) in
            [("", "", 0), ("abc", "abc", 0), ("", "abc", 3), ("emial", "email", 2), ("kitten", "sitting", 3)]
        {
            assert_eq!((distance(a, b), distance(b, a)), (n, n), "{a} {b}");
        }
    }

    #[test]
    fn positions_count_characters_from_one() {
        assert_eq!(position("ä\nöü = 1", 0), (1, 1));
        assert_eq!(position("ä\nöü = 1", 7), (2, 3));
        assert_eq!(position("a", 99), (1, 2));
    }
}
