//! Faults of a settings file: line, key, what to write instead. Never a value that was written: it may be a secret that
//! somebody put where its path belongs.

/// One fault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// 1-based line; 0: the file as a whole.
    pub line: usize,
    /// The key.
    pub key: String,
    /// What is wrong and what to write.
    pub message: String,
}

impl ConfigError {
    /// A fault.
    pub(in crate::config) fn new(line: usize, key: &str, message: String) -> Self {
        Self { line, key: key.to_owned(), message }
    }
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// A parser's fault in our words.
pub(in crate::config) fn describe(text: &str, error: &toml::de::Error) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start);
    let before = text.get(..at).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let message = error.message();
    if let Some((unknown, known)) = message.strip_prefix("unknown field `").and_then(|m| m.split_once('`')) {
        let key = printable(unknown);
        let advice = match nearest(&key, known) {
            Some(known) => format!("is not a setting; did you mean {known}?"),
            None => "is not a setting of this section; see config/strongroom.toml".to_owned(),
        };
        return ConfigError::new(line, &key, advice);
    }
    if let Some(missing) = message.strip_prefix("missing field `").and_then(|m| m.strip_suffix('`')) {
        let advice = match missing {
            "data_dir" => "is missing; write it at the top of the file",
            _ => "is missing; write it in this section",
        };
        return ConfigError::new(line, missing, advice.to_owned());
    }
    let advice = match message {
        "duplicate key" => "is written twice; keep one",
        _ => "has a value of another kind than this setting takes; see config/strongroom.toml",
    };
    ConfigError::new(line, &key_above(text, line), advice.to_owned())
}

/// The key or section that a line belongs to: the nearest at or above it, for a value may span lines.
fn key_above(text: &str, line: usize) -> String {
    let above: Vec<&str> = text.lines().take(line).collect();
    above.iter().rev().find_map(|line| key_of(line).or_else(|| section_of(line))).unwrap_or_default()
}

/// The key a line sets, when it is spelt as ours are: a line of a pasted secret is not.
fn key_of(line: &str) -> Option<String> {
    let key = line.split_once('=')?.0.trim();
    let ours = |c: char| c.is_ascii_lowercase() || matches!(c, '_' | '.');
    (!key.is_empty() && key.len() <= LONGEST && key.chars().all(ours)).then(|| key.to_owned())
}

/// The section a line begins.
fn section_of(line: &str) -> Option<String> {
    let name = line.trim().strip_prefix('[')?.split(']').next()?.trim_matches(['[', ' ']);
    (!name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')).then(|| name.to_owned())
}

/// Longer than any key of ours, shorter than a pasted secret.
const LONGEST: usize = 40;

/// What may be repeated of a key that is none of ours.
fn printable(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if key.len() <= LONGEST && key.chars().all(plain) { key.to_owned() } else { "a key".to_owned() }
}

/// The line of `section.key` (`networks[1].cidr`), else of its section, else 0.
pub(in crate::config) fn line_of(text: &str, path: &str) -> usize {
    let (section, key) = path.split_once('.').unwrap_or(("", path));
    let (section, nth) = match section.strip_suffix(']').and_then(|s| s.split_once('[')) {
        Some((name, nth)) => (name, nth.parse().unwrap_or(0)),
        None => (section, 0usize),
    };
    let (mut within, mut found, mut seen) = (section.is_empty(), 0, 0);
    for (at, line) in text.lines().enumerate() {
        if let Some(name) = section_of(line) {
            within = name == section && seen == nth;
            seen += usize::from(name == section);
            found = if within { at + 1 } else { found };
        }
        match key_of(line) {
            Some(here) if (within && here == key) || here == path => return at + 1,
            Some(here) if here == section => found = at + 1,
            _ => {}
        }
    }
    found
}

/// The key, of those the parser says it expected, that is closest in spelling.
fn nearest<'a>(key: &str, expected: &'a str) -> Option<&'a str> {
    let known = expected.split('`').skip(1).step_by(2);
    let (distance, best) = known.map(|known| (distance(key, known), known)).min()?;
    (distance <= 2.max(key.len() / 3)).then_some(best)
}

/// Edits between two short words.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut previous = i;
        let mut next = vec![i + 1];
        for (y, above) in b.bytes().zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or(0);
            next.push((previous + usize::from(x != y)).min(left + 1).min(above + 1));
            previous = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
