//! From a line to what is sent: the subject's facts and the records that have something to say. Pure; a line whose mapping fails
//! is refused as a whole before anything of it is sent.

use super::mapping::{Attested, DateMap, FieldMap, Mapping, RecordMap};
use super::row::Row;
use crate::domain::Sensitive;
use crate::domain::value::RawValue;
use hyper::body::Bytes;
use zeroize::Zeroizing;

/// A fault of a line: which record if one, where, what. Never a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct LineFault {
    /// The record's label.
    pub(super) record: Option<String>,
    /// JSON pointer.
    pub(super) pointer: String,
    /// Code.
    pub(super) code: String,
    /// Rule.
    pub(super) rule: Option<String>,
}

/// What a line becomes.
pub(super) struct Planned<'m> {
    pub(super) line: u64,
    pub(super) external_ref: Sensitive<String>,
    pub(super) region: String,
    pub(super) birth_date: Option<Sensitive<String>>,
    pub(super) attested: bool,
    pub(super) notice_version: Option<Sensitive<String>>,
    pub(super) records: Vec<PlannedRecord<'m>>,
}

/// One record of a line.
pub(super) struct PlannedRecord<'m> {
    pub(super) map: &'m RecordMap,
    pub(super) fields: Vec<(&'m str, RawValue)>,
}

impl LineFault {
    pub(super) fn new(record: Option<&str>, pointer: impl Into<String>, code: &str) -> Self {
        Self { record: record.map(str::to_owned), pointer: pointer.into(), code: code.to_owned(), rule: None }
    }
}

/// Fills the mapping from a line; every fault at once.
pub(super) fn plan<'m>(mapping: &'m Mapping, row: &Row) -> Result<Planned<'m>, Vec<LineFault>> {
    let mut faults = Vec::new();
    let subject = &mapping.subject;
    let external_ref = subject.external_ref.fill(row);
    if external_ref.is_none() {
        faults.push(LineFault::new(None, "/external_ref", "empty"));
    }
    let region = subject.region.fill(row);
    if region.is_none() {
        faults.push(LineFault::new(None, "/region", "empty"));
    }
    let birth_date = subject.birth_date.as_ref().and_then(|map| match date(map, row) {
        Ok(date) => date,
        Err(()) => {
            faults.push(LineFault::new(None, "/birth_date", "not_a_date"));
            None
        }
    });
    let attested = match subject.age_attested {
        Attested::Never => false,
        Attested::Always => true,
        Attested::WhenAbsent => birth_date.is_none(),
    };
    let mut records = Vec::new();
    for map in &mapping.records {
        match fields(map, row) {
            Ok(Some(fields)) => records.push(PlannedRecord { map, fields }),
            Ok(None) => {}
            Err(mut found) => faults.append(&mut found),
        }
    }
    match (external_ref, region, faults.is_empty()) {
        (Some(external_ref), Some(region), true) => Ok(Planned {
            line: row.line,
            external_ref,
            // EXPOSE: a country code, kept in clear by the vault too.
            region: region.expose().clone(),
            birth_date,
            attested,
            notice_version: subject.notice_version.as_ref().and_then(|t| t.fill(row)),
            records,
        }),
        _ => Err(faults),
    }
}

/// A record's fields; `None` when every column it is made of is empty.
#[expect(
    clippy::type_complexity,
    reason = "a list of named values, or none, or faults: names would say no more"
)]
fn fields<'m>(map: &'m RecordMap, row: &Row) -> Result<Option<Vec<(&'m str, RawValue)>>, Vec<LineFault>> {
    let (mut fields, mut faults, mut says_something) = (Vec::new(), Vec::new(), false);
    let all_constant = map.fields.iter().all(|(_, field)| is_constant(field));
    for (name, field) in &map.fields {
        let value = match field {
            FieldMap::Text(template) => template.fill(row).map(RawValue::Text),
            FieldMap::Date(map_date) => match date(map_date, row) {
                Ok(date) => date.map(RawValue::Text),
                Err(()) => {
                    faults.push(LineFault::new(Some(&map.label), format!("/fields/{name}"), "not_a_date"));
                    None
                }
            },
            FieldMap::Parts(parts) => {
                let filled: Vec<(&str, bool, Sensitive<String>)> = parts
                    .iter()
                    .filter_map(|(part, t)| Some((part.as_str(), t.is_constant(), t.fill(row)?)))
                    .collect();
                // A country alone, the same for every line, is no address.
                let says = is_constant(field) || filled.iter().any(|(_, constant, _)| !constant);
                let parts = filled.into_iter().map(|(part, _, text)| (part.to_owned(), text)).collect();
                says.then_some(RawValue::Parts(parts))
            }
        };
        if let Some(value) = value {
            says_something |= all_constant || !is_constant(field);
            fields.push((name.as_str(), value));
        }
    }
    if faults.is_empty() { Ok(says_something.then_some(fields)) } else { Err(faults) }
}

fn is_constant(field: &FieldMap) -> bool {
    match field {
        FieldMap::Text(template) => template.is_constant(),
        FieldMap::Date(_) => false,
        FieldMap::Parts(parts) => parts.iter().all(|(_, t)| t.is_constant()),
    }
}

/// The date of a column: absent when the column is empty, a fault when it follows another format.
fn date(map: &DateMap, row: &Row) -> Result<Option<Sensitive<String>>, ()> {
    let text = row.get(&map.column);
    if text.is_empty() {
        return Ok(None);
    }
    map.format.read(text).map(|date| Some(Sensitive::new(date.to_string()))).ok_or(())
}

impl Planned<'_> {
    /// The body of `POST /v1/subjects`.
    pub(super) fn subject_body(&self) -> Bytes {
        let mut out = Body::open();
        out.member("region", &self.region);
        // EXPOSE: sent to the vault; the buffer wipes itself.
        out.member("external_ref", self.external_ref.expose());
        if let Some(date) = &self.birth_date {
            // EXPOSE: as above.
            out.member("birth_date", date.expose());
        }
        if let Some(version) = &self.notice_version {
            // EXPOSE: a version's name.
            out.member("notice_version", version.expose());
        }
        if self.attested {
            out.raw("age_attested", "true");
        }
        out.close()
    }
}

impl PlannedRecord<'_> {
    /// The body of `POST /v1/records`.
    pub(super) fn body(&self, subject: &str) -> Bytes {
        let mut out = Body::open();
        out.member("subject", subject);
        out.member("collection", &self.map.collection);
        self.finish(out)
    }
    /// The body of `PATCH /v1/records/{rec}`.
    pub(super) fn change(&self) -> Bytes {
        self.finish(Body::open())
    }
    fn finish(&self, mut out: Body) -> Bytes {
        out.member("purpose", &self.map.purpose);
        out.key("fields");
        out.0.push(b'{');
        out.1 = true;
        for (name, value) in &self.fields {
            match value {
                // EXPOSE: sent to the vault; the buffer wipes itself.
                RawValue::Text(text) => out.member(name, text.expose()),
                RawValue::Parts(parts) => {
                    out.key(name);
                    out.0.push(b'{');
                    out.1 = true;
                    for (part, text) in parts {
                        // EXPOSE: as above.
                        out.member(part, text.expose());
                    }
                    out.0.push(b'}');
                    out.1 = false;
                }
            }
        }
        out.0.push(b'}');
        out.1 = false;
        out.close()
    }
}

/// A JSON object being written into a buffer that wipes itself; whether the next member is its object's first.
struct Body(Zeroizing<Vec<u8>>, bool);

impl Body {
    fn open() -> Self {
        // Large enough for most lines; a buffer left behind by growing is wiped by the allocator.
        let mut bytes = Zeroizing::new(Vec::with_capacity(1_024));
        bytes.push(b'{');
        Self(bytes, true)
    }
    fn key(&mut self, name: &str) {
        if !std::mem::take(&mut self.1) {
            self.0.push(b',');
        }
        self.text(name);
        self.0.push(b':');
    }
    fn member(&mut self, name: &str, text: &str) {
        self.key(name);
        self.text(text);
    }
    fn raw(&mut self, name: &str, json: &str) {
        self.key(name);
        self.0.extend_from_slice(json.as_bytes());
    }
    fn text(&mut self, text: &str) {
        // A text in memory is always a JSON string: writing it cannot fail.
        let _written = serde_json::to_writer(&mut *self.0, text).is_ok();
    }
    fn close(mut self) -> Bytes {
        self.0.push(b'}');
        Bytes::from_owner(self.0)
    }
}
