//! The mapping file: which columns become which person and which records, as which client, for which purpose.
//!
//! Strict TOML: a key that is not documented is a fault with its line, because a misspelt one would silently leave data out.
//! It names columns and holds no value of a person.

use super::dates::DateFormat;
use super::template::Template;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// Longest mapping file.
pub(in crate::cli) const MAX_MAPPING: u64 = 1 << 20;
/// Most records a line becomes.
const MAX_RECORDS: usize = 64;

/// A mapping.
#[derive(Debug)]
pub(in crate::cli) struct Mapping {
    /// What becomes of a line whose person is there already.
    pub(in crate::cli) on_duplicate: OnDuplicate,
    /// How the file is written, where its name does not say.
    pub(in crate::cli) format: Option<Format>,
    /// What parts the columns of a CSV file.
    pub(in crate::cli) delimiter: u8,
    /// The person.
    pub(in crate::cli) subject: SubjectMap,
    /// The person's records, in order.
    pub(in crate::cli) records: Vec<RecordMap>,
}

/// What becomes of a line whose `external_ref` names a person who is there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum OnDuplicate {
    /// A collection the person has records of is left as it is; any other is stored.
    Skip,
    /// The one record of a collection is changed; where there is none or several, one is stored.
    Update,
    /// The line is rejected.
    Fail,
}

/// How a file is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum Format {
    /// RFC 4180, with a line of column names.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

/// `subject = { … }`
#[derive(Debug)]
pub(in crate::cli) struct SubjectMap {
    pub(in crate::cli) line: usize,
    pub(in crate::cli) client: String,
    pub(in crate::cli) external_ref: Template,
    pub(in crate::cli) region: Template,
    pub(in crate::cli) birth_date: Option<DateMap>,
    pub(in crate::cli) age_attested: Attested,
    pub(in crate::cli) notice_version: Option<Template>,
}

/// When the importing client attests majority.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::cli) enum Attested {
    Never,
    Always,
    WhenAbsent,
}

/// `{ column = "…", format = "…" }`
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::cli) struct DateMap {
    pub(in crate::cli) column: String,
    pub(in crate::cli) format: DateFormat,
}

/// `[[record]]`
#[derive(Debug)]
pub(in crate::cli) struct RecordMap {
    pub(in crate::cli) line: usize,
    /// The collection's name, with `#2` and so on where a line has several records of it.
    pub(in crate::cli) label: String,
    pub(in crate::cli) client: String,
    pub(in crate::cli) purpose: String,
    pub(in crate::cli) collection: String,
    pub(in crate::cli) fields: Vec<(String, FieldMap)>,
}

/// What a field is made of.
#[derive(Debug)]
pub(in crate::cli) enum FieldMap {
    Text(Template),
    Date(DateMap),
    Parts(Vec<(String, Template)>),
}

/// A fault and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::cli) struct MappingFault {
    /// Line, from 1.
    pub(in crate::cli) line: usize,
    /// What is wrong and what to write instead.
    pub(in crate::cli) text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    on_duplicate: OnDuplicate,
    format: Option<Format>,
    delimiter: Option<Spanned<String>>,
    subject: Spanned<SubjectSource>,
    record: Vec<Spanned<RecordSource>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectSource {
    client: Option<String>,
    external_ref: Spanned<String>,
    region: Spanned<String>,
    birth_date: Option<Spanned<DateSource>>,
    age_attested: Option<Spanned<toml::Value>>,
    notice_version: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DateSource {
    column: String,
    format: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordSource {
    client: String,
    purpose: String,
    collection: String,
    fields: BTreeMap<Spanned<String>, Spanned<toml::Value>>,
}

impl Mapping {
    /// Reads a mapping, or names every fault that can be seen at once.
    pub(in crate::cli) fn parse(text: &str) -> Result<Self, Vec<MappingFault>> {
        let mut reading = Reading { text, faults: Vec::new() };
        let source: Source = match toml::from_str(text) {
            Ok(source) => source,
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                reading.fault(at, error.message().trim().replace('\n', "; "));
                return Err(reading.faults);
            }
        };
        let mapping = reading.mapping(source);
        if reading.faults.is_empty() { Ok(mapping) } else { Err(reading.faults) }
    }

    /// Every column the mapping names, and the line that names it.
    pub(in crate::cli) fn columns(&self) -> Vec<(&str, usize)> {
        let subject = self.subject.line;
        let mut all: Vec<(&str, usize)> = Vec::new();
        all.extend(self.subject.external_ref.columns().map(|c| (c, subject)));
        all.extend(self.subject.region.columns().map(|c| (c, subject)));
        all.extend(self.subject.notice_version.iter().flat_map(Template::columns).map(|c| (c, subject)));
        all.extend(self.subject.birth_date.iter().map(|d| (d.column.as_str(), subject)));
        for record in &self.records {
            for (_, field) in &record.fields {
                match field {
                    FieldMap::Text(template) => all.extend(template.columns().map(|c| (c, record.line))),
                    FieldMap::Date(date) => all.push((date.column.as_str(), record.line)),
                    FieldMap::Parts(parts) => {
                        all.extend(parts.iter().flat_map(|(_, t)| t.columns()).map(|c| (c, record.line)));
                    }
                }
            }
        }
        all
    }

    /// Every client the mapping names, once.
    pub(in crate::cli) fn clients(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.records.iter().map(|r| r.client.as_str()).collect();
        all.push(&self.subject.client);
        all.sort_unstable();
        all.dedup();
        all
    }
}

struct Reading<'t> {
    text: &'t str,
    faults: Vec<MappingFault>,
}

impl Reading<'_> {
    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
    }
    fn fault(&mut self, at: usize, text: impl Into<String>) {
        let line = self.line(at);
        self.faults.push(MappingFault { line, text: text.into() });
    }

    fn mapping(&mut self, source: Source) -> Mapping {
        let delimiter = source.delimiter.map_or(b',', |d| self.delimiter(&d));
        if source.record.is_empty() || source.record.len() > MAX_RECORDS {
            self.fault(0, format!("write between one and {MAX_RECORDS} [[record]] entries"));
        }
        let first = source.record.first().map(|r| r.get_ref().client.clone()).unwrap_or_default();
        let subject = self.subject(source.subject, first);
        let mut records: Vec<RecordMap> = Vec::new();
        for record in source.record {
            let earlier = records.iter().filter(|r| r.collection == record.get_ref().collection).count();
            if earlier > 0 && source.on_duplicate == OnDuplicate::Update {
                let text = "\"update\" cannot tell several records of one collection apart; write on_duplicate = \"skip\" or \"fail\"";
                self.fault(record.span().start, text);
            }
            let made = self.record(record, earlier);
            records.push(made);
        }
        Mapping { on_duplicate: source.on_duplicate, format: source.format, delimiter, subject, records }
    }

    fn delimiter(&mut self, text: &Spanned<String>) -> u8 {
        match text.get_ref().as_bytes() {
            [one] if one.is_ascii() && !matches!(one, b'"' | b'\n' | b'\r') => *one,
            _ => {
                self.fault(text.span().start, "delimiter is one ASCII character, such as \";\" or \"\\t\"");
                b','
            }
        }
    }

    fn subject(&mut self, source: Spanned<SubjectSource>, first: String) -> SubjectMap {
        let line = self.line(source.span().start);
        let source = source.into_inner();
        let external_ref = self.template(&source.external_ref);
        if external_ref.is_constant() {
            let text =
                "external_ref names no column; write one that tells people apart, such as \"shop:{id}\"";
            self.fault(source.external_ref.span().start, text);
        }
        let birth_date = source.birth_date.and_then(|date| self.date(date));
        let age_attested =
            source.age_attested.map_or(Attested::Never, |value| self.attested(&value, birth_date.is_some()));
        SubjectMap {
            line,
            client: source.client.unwrap_or(first),
            external_ref,
            region: self.template(&source.region),
            birth_date,
            age_attested,
            notice_version: source.notice_version.map(|text| self.template(&text)),
        }
    }

    fn attested(&mut self, value: &Spanned<toml::Value>, has_date: bool) -> Attested {
        match value.get_ref() {
            toml::Value::String(text) if text == "when_absent" && has_date => Attested::WhenAbsent,
            toml::Value::Boolean(true) if !has_date => Attested::Always,
            toml::Value::Boolean(false) => Attested::Never,
            _ => {
                let text = "age_attested is \"when_absent\" beside a birth_date, or true without one";
                self.fault(value.span().start, text);
                Attested::Never
            }
        }
    }

    fn record(&mut self, source: Spanned<RecordSource>, earlier: usize) -> RecordMap {
        let start = source.span().start;
        let line = self.line(start);
        let source = source.into_inner();
        if source.fields.is_empty() {
            self.fault(start, "a [[record]] has at least one field; write fields.name = \"{column}\"");
        }
        let label = match earlier {
            0 => source.collection.clone(),
            n => format!("{}#{}", source.collection, n + 1),
        };
        let fields = source.fields.into_iter();
        let fields =
            fields.filter_map(|(name, value)| Some((name.into_inner(), self.field(value)?))).collect();
        let (client, purpose, collection) = (source.client, source.purpose, source.collection);
        RecordMap { line, label, client, purpose, collection, fields }
    }

    fn field(&mut self, value: Spanned<toml::Value>) -> Option<FieldMap> {
        let start = value.span().start;
        match value.into_inner() {
            toml::Value::String(text) => {
                Some(FieldMap::Text(self.template(&Spanned::new(start..start, text))))
            }
            toml::Value::Table(table) if table.contains_key("column") || table.contains_key("format") => {
                match DateSource::deserialize(toml::Value::Table(table)) {
                    Ok(date) => self.date(Spanned::new(start..start, date)).map(FieldMap::Date),
                    Err(error) => {
                        self.fault(
                            start,
                            format!(
                                "{}; write {{ column = \"…\", format = \"%Y%m%d\" }}",
                                error.message().trim()
                            ),
                        );
                        None
                    }
                }
            }
            toml::Value::Table(table) => {
                let mut parts = Vec::new();
                for (name, value) in table {
                    let toml::Value::String(text) = value else {
                        self.fault(
                            start,
                            format!("the part {name} is a template; write {name} = \"{{column}}\""),
                        );
                        continue;
                    };
                    parts.push((name, self.template(&Spanned::new(start..start, text))));
                }
                Some(FieldMap::Parts(parts))
            }
            _ => {
                let text =
                    "a field is a template \"{column}\", a date { column, format }, or a table of parts";
                self.fault(start, text);
                None
            }
        }
    }

    fn date(&mut self, source: Spanned<DateSource>) -> Option<DateMap> {
        let start = source.span().start;
        let source = source.into_inner();
        match DateFormat::parse(&source.format) {
            Ok(format) => Some(DateMap { column: source.column.trim().to_owned(), format }),
            Err(text) => {
                self.fault(start, text);
                None
            }
        }
    }

    fn template(&mut self, text: &Spanned<String>) -> Template {
        match Template::parse(text.get_ref()) {
            Ok(template) => template,
            Err(fault) => {
                self.fault(text.span().start, fault);
                Template::nothing()
            }
        }
    }
}
