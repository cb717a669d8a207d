//! NDJSON: one JSON object a line. A key twice, a value that is no text, number or truth, or anything after the object rejects
//! the line. An object inside is flattened: `{"address":{"city":"Bonn"}}` has the column `address.city`.

use super::row::Row;
use super::source::{MAX_LINE, Next};
use crate::domain::{Sensitive, io_words};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};

/// Most columns of a line, and of a file together.
const MAX_COLUMNS: usize = 1_000;
/// Deepest object.
const MAX_DEPTH: usize = 8;

/// An open NDJSON file.
pub(in crate::cli) struct NdjsonSource<R = File> {
    reader: BufReader<R>,
    line: u64,
    bytes: u64,
    buffer: zeroize::Zeroizing<Vec<u8>>,
}

impl<R: Read> NdjsonSource<R> {
    pub(in crate::cli) fn new(file: R) -> Self {
        Self { reader: BufReader::new(file), line: 0, bytes: 0, buffer: zeroize::Zeroizing::new(Vec::new()) }
    }
    /// Bytes read so far.
    pub(in crate::cli) fn bytes(&self) -> u64 {
        self.bytes
    }
    /// The next line that is not blank.
    pub(in crate::cli) fn next(&mut self) -> Result<Option<Next>, String> {
        loop {
            self.buffer.clear();
            let most = MAX_LINE as u64 + 1;
            let read = (&mut self.reader).take(most).read_until(b'\n', &mut self.buffer).map_err(unread)?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            self.bytes += read as u64;
            if read as u64 == most && self.buffer.last() != Some(&b'\n') {
                self.bytes += skip_line(&mut self.reader).map_err(unread)?;
                return Ok(Some(Next::Unfit(self.line, "line_too_long")));
            }
            let bytes = match self.line {
                1 => self.buffer.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.buffer),
                _ => &self.buffer,
            };
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let Ok(text) = std::str::from_utf8(bytes) else {
                return Ok(Some(Next::Unfit(self.line, "not_utf8")));
            };
            return Ok(Some(match parse(text) {
                Some((columns, values)) => Next::Row(Row::new(self.line, columns.into(), values)),
                None => Next::Unfit(self.line, "malformed_json"),
            }));
        }
    }
}

/// Every column any line of the file has.
pub(super) fn columns_of(file: impl Read) -> Result<Vec<String>, String> {
    let mut source = NdjsonSource::new(file);
    let mut columns = BTreeSet::new();
    while let Some(next) = source.next()? {
        let Next::Row(row) = next else { continue };
        columns.extend(row.columns().iter().filter(|c| !columns.contains(*c)).cloned().collect::<Vec<_>>());
        if columns.len() > MAX_COLUMNS {
            return Err(format!("has more than {MAX_COLUMNS} different keys"));
        }
    }
    Ok(columns.into_iter().collect())
}

fn unread(error: std::io::Error) -> String {
    format!("cannot be read: {}", io_words(error.kind()))
}

fn skip_line(reader: &mut impl BufRead) -> std::io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(skipped);
        }
        let (used, ended) = match buffer.iter().position(|b| *b == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), false),
        };
        reader.consume(used);
        skipped += used as u64;
        if ended {
            return Ok(skipped);
        }
    }
}

type Columns = (Vec<String>, Vec<Sensitive<String>>);

fn parse(text: &str) -> Option<Columns> {
    let mut out = (Vec::new(), Vec::new());
    let mut reader = serde_json::Deserializer::from_str(text);
    Member { name: String::new(), depth: 0, out: &mut out }.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    Some(out)
}

/// Reads one value under a name: an object's members, or a value of its own.
struct Member<'o> {
    name: String,
    depth: usize,
    out: &'o mut Columns,
}

impl Member<'_> {
    fn put<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        if self.depth == 0 || self.out.0.len() >= MAX_COLUMNS || self.out.0.contains(&self.name) {
            return Err(E::custom("a line is one object, and each key is there once"));
        }
        self.out.0.push(self.name);
        self.out.1.push(Sensitive::text(value));
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts, numbers and truths")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        use serde::de::Error;
        if self.depth >= MAX_DEPTH {
            return Err(A::Error::custom("too deep"));
        }
        // Objects too: readers of JSON disagree about what `{"a":{…},"a":{…}}` says.
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom("a key is there twice"));
            }
            let name = if self.name.is_empty() { key } else { format!("{}.{key}", self.name) };
            map.next_value_seed(Member { name, depth: self.depth + 1, out: &mut *self.out })?;
        }
        Ok(())
    }
    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.put(value)
    }
    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.put(&value.to_string())
    }
    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.put(&value.to_string())
    }
    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.put(if value { "true" } else { "false" })
    }
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.put("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<String> {
        let mut source = NdjsonSource::new(text);
        let mut seen = Vec::new();
        while let Some(next) = source.next().unwrap() {
            seen.push(match next {
                Next::Row(row) => {
                    let shown: Vec<String> =
                        row.columns().iter().map(|c| format!("{c}={}", row.get(c))).collect();
                    format!("{}:{}", row.line, shown.join(","))
                }
                Next::Unfit(line, code) => format!("{line}:{code}"),
            });
        }
        seen
    }

    #[test]
    fn objects_become_columns() {
        let text = b"\xef\xbb\xbf{\"a\":\" x \",\"n\":7,\"t\":true,\"none\":null}\r\n\n{\"a\":{\"b\":{\"c\":\"deep\"}}}\n{}";
        assert_eq!(all(text), ["1:a=x,n=7,t=true,none=", "3:a.b.c=deep", "4:"]);
        assert_eq!(columns_of(&text[..]).unwrap(), ["a", "a.b.c", "n", "none", "t"]);
    }

    #[test]
    fn a_line_that_is_no_flat_truth_is_rejected() {
        for bad in [
            "[1]",
            "\"a\"",
            "1",
            "null",
            "{\"a\":1,\"a\":2}",
            "{\"a\":{\"x\":1},\"a\":{\"y\":2}}",
            "{\"a\":{},\"a\":{}}",
            "{\"a\":[1]}",
            "{\"a\":1.5}",
            "{\"a\":1} x",
            "{\"a\":",
            "{a:1}",
            "{\"a\":{\"b\":1},\"a.b\":2}",
            "{\"a\":1,\"\\u0061\":2}",
            "{\"a\":\"\\ud800\"}",
        ] {
            assert_eq!(all(bad.as_bytes()), ["1:malformed_json"], "{bad}");
        }
        let deep = format!("{}1{}", "{\"a\":".repeat(9), "}".repeat(9));
        assert_eq!(all(deep.as_bytes()), ["1:malformed_json"]);
        assert_eq!(all(b"{\"a\":\"\xff\"}\n{\"a\":1}"), ["1:not_utf8", "2:a=1"]);
    }

    #[test]
    fn a_line_beyond_the_limit_is_skipped_without_being_kept() {
        let mut text = b"{\"a\":\"".to_vec();
        text.extend(vec![b'x'; 3 * MAX_LINE]);
        text.extend(b"\"}\n{\"a\":1}\n");
        assert_eq!(all(&text), ["1:line_too_long", "2:a=1"]);
    }
}
