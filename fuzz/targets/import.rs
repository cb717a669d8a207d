//! Imports. A file is read as the plain reader of its format reads it, line by line, with ascending numbers; a line that JSON
//! readers disagree about is rejected; what a line becomes depends on nothing but the line; a mapping does no harm.

use super::csv_source::CsvSource;
use super::mapping::Mapping;
use super::ndjson_source::NdjsonSource;
use super::plan::plan;
use super::row::Row;
use super::source::Next;
use std::sync::LazyLock;

const MAPPING: &str = r#"
on_duplicate = "skip"
[subject]
external_ref = "shop:{id}"
region = "{country}"
birth_date = { column = "born", format = "%d.%m.%Y" }
age_attested = "when_absent"
[[record]]
client = "storefront"
purpose = "order_fulfilment"
collection = "contact"
fields.name = "{given} {sur}"
fields.email = "{mail}"
[[record]]
client = "storefront"
purpose = "order_fulfilment"
collection = "shipping"
fields.address = { line1 = "{street}", city = "{address.city}", country = "DE" }
"#;

static MAP: LazyLock<Mapping> =
    LazyLock::new(|| Mapping::parse(MAPPING).unwrap_or_else(|_| unreachable!("it is a good mapping")));

/// The values of a row, in the order of its columns.
fn values(row: &Row) -> Vec<String> {
    row.columns().iter().map(|column| row.get(column).to_owned()).collect()
}

fn planned(row: &Row) {
    match plan(&MAP, row) {
        Ok(planned) => {
            assert!(planned.line == row.line && !planned.region.is_empty());
            // EXPOSE: a test's text.
            assert!(planned.external_ref.expose().starts_with("shop:"));
            assert!(planned.records.len() <= MAP.records.len());
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in faults {
                assert!(["empty", "not_a_date"].contains(&fault.code.as_str()), "a fault tells a value");
            }
        }
    }
}

fn csv(delimiter: u8, file: &[u8]) {
    let Ok(mut source) = CsvSource::new(file, delimiter) else { return };
    let mut builder = csv::ReaderBuilder::new();
    let mut plain = builder.delimiter(delimiter).flexible(true).from_reader(file);
    let width = source.columns().len();
    assert!(width > 0 && plain.byte_headers().is_ok_and(|names| names.len() == width));
    let mut records = plain.byte_records();
    let mut last = 0;
    loop {
        let next = match source.next() {
            Ok(Some(next)) => next,
            Ok(None) => break,
            // Only a line that is too long ends a file early, and inputs here are shorter.
            Err(why) => unreachable!("{why}"),
        };
        let Some(Ok(record)) = records.next() else { unreachable!("a line that is not there") };
        let line = match next {
            Next::Row(row) => {
                let read: Vec<String> =
                    record.iter().map(|value| String::from_utf8_lossy(value).trim().to_owned()).collect();
                assert!(row.columns().len() == width && read.len() == width);
                assert_eq!(values(&row), read, "a line is read otherwise");
                planned(&row);
                row.line
            }
            Next::Unfit(line, code) => {
                let utf8 = record.iter().all(|value| std::str::from_utf8(value).is_ok());
                assert!((code == "ragged_line") == (record.len() != width) && (code != "not_utf8" || !utf8));
                line
            }
        };
        assert!(line > last && line <= 1 + file.len() as u64, "lines are out of order");
        last = line;
    }
    assert!(records.next().is_none(), "a line was passed over");
    assert!(source.bytes() <= file.len() as u64);
}

fn ndjson(file: &[u8]) {
    let mut source = NdjsonSource::new(file);
    let lines: Vec<&[u8]> = file.split(|byte| *byte == b'\n').collect();
    let mut last = 0;
    while let Ok(Some(next)) = source.next() {
        let line = match &next {
            Next::Row(row) => row.line,
            Next::Unfit(line, _) => *line,
        };
        assert!(line > last && line <= lines.len() as u64, "lines are out of order");
        last = line;
        let Next::Row(row) = next else { continue };
        let text = usize::try_from(line - 1).ok().and_then(|at| lines.get(at)).copied().unwrap_or_default();
        let text = if line == 1 { text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text) } else { text };
        let read: serde_json::Value = match serde_json::from_slice(text) {
            Ok(read) => read,
            Err(error) => unreachable!("a line is read that is no JSON: {error}"),
        };
        assert!(read.is_object(), "a line is read that is no object");
        assert!(!crate::fuzzing::json::a_key_twice(text), "a line is read that has a key twice");
        let mut names = row.columns().to_vec();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), row.columns().len(), "a key is there twice");
        for column in row.columns() {
            // A flat text is what it is in JSON.
            if let Some(serde_json::Value::String(text)) = read.get(column) {
                assert_eq!(row.get(column), text.trim());
            }
        }
        planned(&row);
    }
    assert_eq!(source.bytes(), file.len() as u64);
}

fn mapping(file: &[u8]) {
    let Ok(text) = std::str::from_utf8(file) else { return };
    match Mapping::parse(text) {
        Ok(map) => {
            assert!(!map.records.is_empty() && !map.columns().is_empty() && !map.clients().is_empty());
            let _ = plan(
                &map,
                &Row::new(1, map.columns().iter().map(|(name, _)| (*name).to_owned()).collect(), Vec::new()),
            );
        }
        Err(faults) => {
            let lines = text.lines().count().max(1) + 1;
            assert!(
                faults.iter().all(|fault| fault.line >= 1 && fault.line <= lines && !fault.text.is_empty())
            );
        }
    }
}

/// The target.
pub(crate) fn run(data: &[u8]) {
    let Some((how, file)) = data.split_first() else { return };
    match how % 4 {
        0 => csv(b',', file),
        1 => csv(b';', file),
        2 => ndjson(file),
        _ => mapping(file),
    }
}
