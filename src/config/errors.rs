//! Faults of a settings file: line, key, what to write instead. Never what was written.

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
        match (self.line, self.key.as_str()) {
            (0, "") => f.write_str(&self.message),
            (0, key) => write!(f, "{key}: {}", self.message),
            (line, key) => write!(f, "line {line}: {key}: {}", self.message),
        }
    }
}

/// Every key of the file, for suggestions.
const KEYS: &[&str] = &[
    "data_dir",
    "listen",
    "address",
    "workers",
    "hosts",
    "tls",
    "certificate",
    "key",
    "root",
    "provider",
    "path",
    "metrics",
    "log",
    "level",
    "http",
    "body_timeout_s",
    "min_body_rate",
    "header_timeout_s",
    "max_connections",
    "keep_alive_s",
    "limits",
    "network_requests_per_second",
    "network_burst",
    "failed_auth_per_ten_minutes",
    "client_bytes_per_second",
    "subject_reads_per_hour",
    "verify_per_subject_per_minute",
    "verify_per_source_per_minute",
    "max_keys",
    "networks",
    "cidr",
    "label",
    "asn",
    "country",
    "passwords",
    "memory_kib",
    "iterations",
    "threads",
    "queue",
];

/// A parser's fault in our words.
pub(in crate::config) fn describe(text: &str, error: &toml::de::Error) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start);
    let before = text.get(..at).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let source = text.lines().nth(line - 1).unwrap_or("");
    let key = source
        .split(['=', ']'])
        .next()
        .unwrap_or("")
        .trim_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let message = error.message();
    let advice = if message.starts_with("unknown field") {
        match nearest(key) {
            Some(known) => format!("is not a setting; did you mean {known}?"),
            None => "is not a setting of this section; see config/strongroom.toml".to_owned(),
        }
    } else if message.starts_with("missing field") {
        format!("{}; write it at the top of the file", message.replace('`', ""))
    } else if message.starts_with("duplicate key") {
        "is written twice; keep one".to_owned()
    } else {
        "has a value of another kind than this setting takes; see config/strongroom.toml".to_owned()
    };
    ConfigError::new(line, key, advice)
}

fn nearest(key: &str) -> Option<&'static str> {
    let best = KEYS.iter().map(|known| (distance(key, known), *known)).min()?;
    (best.0 <= 2.max(key.len() / 3)).then_some(best.1)
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
