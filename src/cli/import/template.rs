//! Templates of the mapping: text with `{column}` in it. `{{` and `}}` are the braces themselves.
//!
//! Columns are trimmed. A template whose columns are all empty says nothing, whatever text stands around them: then its
//! field is absent, which is not the same as empty (C28).

use super::row::Row;
use crate::domain::Sensitive;

/// A parsed template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::cli) struct Template(Vec<Piece>);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Text(String),
    Column(String),
}

impl Template {
    /// Reads a template, or says what is wrong with it.
    pub(in crate::cli) fn parse(text: &str) -> Result<Self, String> {
        let (mut pieces, mut plain) = (Vec::new(), String::new());
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '{' if rest.next_if_eq(&'{').is_some() => plain.push('{'),
                '}' if rest.next_if_eq(&'}').is_some() => plain.push('}'),
                '}' => return Err("a } stands alone; write }} for the brace itself".to_owned()),
                '{' => {
                    let mut column = String::new();
                    loop {
                        match rest.next() {
                            Some('}') => break,
                            Some('{') | None => {
                                return Err("a { is not closed; write {column}, or {{ for the brace itself"
                                    .to_owned());
                            }
                            Some(c) => column.push(c),
                        }
                    }
                    if column.trim().is_empty() {
                        return Err("{} names no column; write {column}".to_owned());
                    }
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(Piece::Column(column.trim().to_owned()));
                }
                c => plain.push(c),
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self(pieces))
    }

    /// The template of an empty text.
    pub(in crate::cli) fn nothing() -> Self {
        Self(Vec::new())
    }

    /// The columns it names.
    pub(in crate::cli) fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Column(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// Whether it names no column: the same text for every line.
    pub(in crate::cli) fn is_constant(&self) -> bool {
        self.columns().next().is_none()
    }

    /// The text of a row, trimmed; `None` when all its columns are empty.
    pub(in crate::cli) fn fill(&self, row: &Row) -> Option<Sensitive<String>> {
        if !self.is_constant() && self.columns().all(|name| row.get(name).is_empty()) {
            return None;
        }
        let size = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Column(name) => row.get(name).len(),
        });
        // Of its full size from the start, so that growing leaves no copy behind.
        let mut text = zeroize::Zeroizing::new(String::with_capacity(size.sum()));
        for piece in &self.0 {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Column(name) => text.push_str(row.get(name)),
            }
        }
        let trimmed = text.trim();
        (!trimmed.is_empty()).then(|| Sensitive::text(trimmed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, columns: &[(&str, &str)]) -> Option<String> {
        let row = Row::of(1, columns);
        // EXPOSE: a test's own value.
        Template::parse(template).unwrap().fill(&row).map(|text| text.expose().clone())
    }

    #[test]
    fn a_template_joins_columns_and_drops_what_is_empty_around_them() {
        let row = [("given", " Ada "), ("sur", "Lovelace"), ("none", "  "), ("id", "7")];
        for (template, wanted) in [
            ("{given} {sur}", Some("Ada Lovelace")),
            ("{ given }", Some("Ada")),
            ("{none} {sur}", Some("Lovelace")),
            ("{given} {none}", Some("Ada")),
            ("{none}", None),
            ("ref:{none}", None),
            ("ref:{id}", Some("ref:7")),
            ("AU", Some("AU")),
            ("", None),
            ("{{{id}}}", Some("{7}")),
        ] {
            assert_eq!(filled(template, &row).as_deref(), wanted, "{template}");
        }
    }

    #[test]
    fn a_template_that_is_not_one_says_what_to_write() {
        for (bad, word) in [
            ("{a", "closed"),
            ("{a{b}}", "closed"),
            ("a}", "}}"),
            ("{}", "names no column"),
            ("{ }", "no column"),
        ] {
            assert!(Template::parse(bad).unwrap_err().contains(word), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_a_template_panic_and_columns_come_back_as_they_are(text: String, value in "[a-z]{1,20}") {
            if let Ok(template) = Template::parse(&text) {
                let _ = template.fill(&Row::of(1, &[]));
            }
            proptest::prop_assert_eq!(filled("{a}", &[("a", &value)]), Some(value));
        }
    }
}
