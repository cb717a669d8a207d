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
    let line = text.get(..at).unwrap_or("").matches('\n').count() + 1;
    let advice = if is_duplicate(error) {
        "is written twice; keep one"
    } else {
        "cannot be read as TOML; write key = value, with texts in quotes"
    };
    ConfigError::new(line, &key_above(text, line), advice.to_owned())
}

/// The one fault of a parser after which the rest of the file is still understood.
pub(in crate::config) fn is_duplicate(error: &toml::de::Error) -> bool {
    error.message() == "duplicate key"
}

/// The key or section that a line belongs to: the nearest at or above it, for a value may span lines.
fn key_above(text: &str, line: usize) -> String {
    let above: Vec<&str> = text.lines().take(line).collect();
    let nearest =
        above.iter().enumerate().rev().find(|(_, l)| key_of(l).is_some() || section_of(l).is_some());
    let Some((at, found)) = nearest else { return String::new() };
    let section = above.iter().take(at + 1).rev().find_map(|line| section_of(line));
    match (section, key_of(found)) {
        (Some(section), Some(key)) => format!("{section}.{key}"),
        (section, key) => key.or(section).unwrap_or_default(),
    }
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
    (!name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '_' | '.')))
        .then(|| name.to_owned())
}

/// Longer than any key of ours, shorter than a pasted secret.
const LONGEST: usize = 40;

/// What may be repeated of a key that is none of ours.
pub(in crate::config) fn printable(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if key.len() <= LONGEST && key.chars().all(plain) { key.to_owned() } else { "a key".to_owned() }
}
