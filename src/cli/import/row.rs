//! One line of the input: columns by name. What a line does not have is empty.

use crate::domain::Sensitive;
use std::rc::Rc;

/// A line.
pub(in crate::cli) struct Row {
    /// Its number in the file, from 1.
    pub(in crate::cli) line: u64,
    columns: Rc<[String]>,
    values: Vec<Sensitive<String>>,
}

impl Row {
    /// A line of values in the order of its columns.
    pub(in crate::cli) fn new(line: u64, columns: Rc<[String]>, values: Vec<Sensitive<String>>) -> Self {
        Self { line, columns, values }
    }
    /// A column, trimmed; empty when the line does not have it.
    pub(in crate::cli) fn get(&self, name: &str) -> &str {
        let at = self.columns.iter().position(|column| column == name);
        let value = at.and_then(|at| self.values.get(at));
        // EXPOSE: read into the templates of the mapping, whose texts are sensitive again.
        value.map_or("", |value| value.expose().trim())
    }
    /// The names of its columns.
    pub(in crate::cli) fn columns(&self) -> &[String] {
        &self.columns
    }
    /// A line of a test.
    #[cfg(test)]
    pub(in crate::cli) fn of(line: u64, columns: &[(&str, &str)]) -> Self {
        let names: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        Self::new(line, names.into(), columns.iter().map(|(_, value)| Sensitive::text(value)).collect())
    }
}
