//! Holds a settings file to the table of keys: unknown keys, values of another kind, numbers out of bounds, keys that are
//! missing; all of them at once, each with its line. What is at fault is taken out, so that what remains can be read.

use super::errors::{ConfigError, printable};
use super::keys::{KEYS, Key, SECTIONS, Standard};
use crate::domain::spelling;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Faults, and the line of each key and section that was written.
pub(in crate::config) struct Walk<'t> {
    text: &'t str,
    pub(in crate::config) faults: Vec<ConfigError>,
    lines: BTreeMap<String, usize>,
    /// Keys that were meant by misspelt ones.
    meant: Vec<String>,
}

impl<'t> Walk<'t> {
    pub(in crate::config) fn new(text: &'t str) -> Self {
        Self { text, faults: Vec::new(), lines: BTreeMap::new(), meant: Vec::new() }
    }

    /// The line of a key, else of its section, else 1.
    pub(in crate::config) fn line(&self, path: &str) -> usize {
        let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
        self.lines.get(path).or_else(|| self.lines.get(parent)).copied().unwrap_or(1)
    }

    /// The top of the file.
    pub(in crate::config) fn root(&mut self, table: &mut DeTable<'_>) {
        self.table(table, ("", ""), 1);
        // What is missing has been said; the rest is still to be judged.
        if !table.contains_key("data_dir") {
            table.insert(
                Spanned::new(0..0, "data_dir".into()),
                Spanned::new(0..0, DeValue::String("/".into())),
            );
        }
    }

    fn line_at(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or("").matches('\n').count() + 1
    }

    fn fault(&mut self, line: usize, key: &str, advice: impl Into<String>) {
        self.faults.push(ConfigError::new(line, key, advice.into()));
    }

    /// One section: `general` is its path in the table of keys (`networks[]`), `shown` as a reader counts (`networks[1]`).
    fn table(&mut self, table: &mut DeTable<'_>, (general, shown): (&str, &str), line: usize) {
        let names: Vec<(String, usize)> =
            table.keys().map(|name| (name.get_ref().to_string(), self.line_at(name.span().start))).collect();
        for (name, line) in names {
            let Some(value) = table.get_mut(name.as_str()) else { continue };
            let (path, told) = (join(general, &name), join(shown, &name));
            self.lines.insert(told.clone(), line);
            let whole = match KEYS.iter().find(|key| key.path == path) {
                Some(key) => {
                    let fault = key.kind.fault(value.get_ref());
                    let whole = fault.is_none();
                    fault.into_iter().for_each(|advice| self.fault(line, &told, advice));
                    whole
                }
                None => self.section(value, (&path, &told), line).unwrap_or_else(|| {
                    self.unknown((general, shown), &name, line);
                    false
                }),
            };
            if !whole {
                table.remove(name.as_str());
            }
        }
        for key in KEYS.iter().filter(|key| key.split().0 == general && key.standard == Standard::Needed) {
            let name = key.split().1;
            if !table.contains_key(name) && !self.said(&join(shown, name)) {
                let place = if general.is_empty() { "at the top of the file" } else { "in this section" };
                self.fault(line, &join(shown, name), format!("is missing; write it {place}"));
            }
        }
    }

    /// Whether a key was written, rightly or not, or meant by a misspelt one.
    pub(in crate::config) fn said(&self, path: &str) -> bool {
        self.lines.contains_key(path) || self.meant.iter().any(|meant| meant == path)
    }

    /// A section or a list of sections; `None`: neither is known by this name.
    fn section(
        &mut self,
        value: &mut Spanned<DeValue<'_>>,
        (general, shown): (&str, &str),
        line: usize,
    ) -> Option<bool> {
        let list = format!("{general}[]");
        let below = |of: &str| KEYS.iter().any(|key| key.path.starts_with(&format!("{of}.")));
        match value.get_mut() {
            DeValue::Table(table) if below(general) => {
                self.table(table, (general, shown), line);
                Some(true)
            }
            DeValue::Array(items) if below(&list) => {
                let mut whole = true;
                for (at, item) in items.iter_mut().enumerate() {
                    let line = self.line_at(item.span().start);
                    let shown = format!("{shown}[{at}]");
                    self.lines.insert(shown.clone(), line);
                    let before = self.faults.len();
                    match item.get_mut() {
                        DeValue::Table(table) => self.table(table, (&list, &shown), line),
                        _ => self.fault(
                            line,
                            &shown,
                            format!("is a section; write [[{general}]] and its keys below"),
                        ),
                    }
                    whole &= self.faults.len() == before;
                }
                Some(whole)
            }
            _ if below(general) => {
                self.fault(line, shown, format!("is a section; write [{general}] and its keys below"));
                Some(false)
            }
            _ if below(&list) => {
                self.fault(
                    line,
                    shown,
                    format!("is a list of sections; write [[{general}]] and its keys below"),
                );
                Some(false)
            }
            _ => None,
        }
    }

    /// A key that is none.
    fn unknown(&mut self, (section, shown): (&str, &str), name: &str, line: usize) {
        let siblings = siblings(section);
        let meant = spelling::nearest(name, siblings.iter().copied());
        let elsewhere = KEYS.iter().find(|key| key.split().1 == name).map(|key| key.split().0);
        let advice = match (meant, elsewhere) {
            (Some(near), _) => format!("is not a setting; did you mean {near}?"),
            (None, Some("")) => {
                "is not a setting of this section; write it at the top of the file".to_owned()
            }
            (None, Some(other)) => {
                format!("is not a setting of this section; it belongs to {}", header(other))
            }
            (None, None) if section.is_empty() => "is not a setting; see docs/configuration.md".to_owned(),
            (None, None) => "is not a setting of this section; see docs/configuration.md".to_owned(),
        };
        self.fault(line, &join(shown, &printable(name)), advice);
        self.meant.extend(meant.map(|near| join(shown, near)));
    }
}

/// Names of keys and of sections directly below a section.
fn siblings(section: &str) -> Vec<&'static str> {
    let below = |path: &'static str| {
        let rest = if section.is_empty() { path } else { path.strip_prefix(section)?.strip_prefix('.')? };
        rest.split(['.', '[']).next()
    };
    let mut names: Vec<&'static str> = KEYS.iter().map(|key: &Key| key.path).filter_map(below).collect();
    names.dedup();
    names
}

/// How a section is written in a file.
pub(in crate::config) fn header(section: &str) -> String {
    match section.strip_suffix("[]") {
        Some(list) => format!("[[{list}]]"),
        None => format!("[{section}]"),
    }
}

fn join(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

/// The reference of all settings: `docs/configuration.md`.
pub fn reference() -> String {
    let mut out = String::from(
        "# Settings\n\nGenerated from the code; do not edit.\n\nOne TOML file, named by `strongroom serve --config FILE`; \
         `strongroom config check FILE` reads it without serving and\nnames every fault with its line. Unknown keys are faults. \
         Secrets are files named by path, never values in the file or the\nenvironment. `config/strongroom.toml` is a commented \
         example. Changes take effect at the next start, but for `[limits]` (on SIGHUP) and\nthe \
         files that `[tls]` and `[public]` name (when they change, or on SIGHUP).\n",
    );
    for (section, purpose) in SECTIONS {
        let title = if section.is_empty() { "Top".to_owned() } else { format!("`{}`", header(section)) };
        out +=
            &format!("\n## {title}\n\n{purpose}\n\n| key | takes | default | meaning |\n|---|---|---|---|\n");
        for key in KEYS.iter().filter(|key| key.split().0 == *section) {
            let standard = match key.standard {
                Standard::Needed => "has to be written".to_owned(),
                Standard::Absent(words) => words.to_owned(),
                Standard::Of(value) => format!("`{value}`"),
            };
            out +=
                &format!("| `{}` | {} | {standard} | {} |\n", key.split().1, key.kind.words(), key.meaning);
        }
    }
    out
}
