//! CSV: RFC 4180 with a line of column names, LF or CRLF, with or without a byte order mark. The `csv` crate reads it; what is
//! added here are the bounds and the refusal of lines that have another number of columns than the first.

use super::row::Row;
use super::source::{MAX_LINE, Next};
use crate::domain::Sensitive;
use csv::{ByteRecord, Reader, ReaderBuilder};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::rc::Rc;

/// Most columns.
const MAX_COLUMNS: usize = 1_000;
/// What the reader may have read ahead of a line.
const AHEAD: u64 = 1 << 16;

/// An open CSV file.
pub(in crate::cli) struct CsvSource<R = File> {
    reader: Reader<Bounded<R>>,
    columns: Rc<[String]>,
    limit: Rc<Cell<u64>>,
    starts: Rc<RefCell<Starts>>,
    record: ByteRecord,
}

impl<R: Read> CsvSource<R> {
    /// Reads the line of column names.
    pub(in crate::cli) fn new(file: R, delimiter: u8) -> Result<Self, String> {
        let limit = Rc::new(Cell::new(MAX_LINE as u64 + AHEAD));
        let starts = Rc::new(RefCell::new(Starts::new()));
        let bounded = Bounded { inner: file, read: 0, limit: limit.clone(), starts: starts.clone() };
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .buffer_capacity(1 << 14)
            .from_reader(bounded);
        let names = reader.byte_headers().map_err(|e| why(&e, 1))?.clone();
        let mut columns: Vec<String> = Vec::new();
        for name in &names {
            let name =
                std::str::from_utf8(name).map_err(|_| "the line of column names is not UTF-8".to_owned())?;
            let name = name.trim();
            if columns.iter().any(|known| known == name) {
                return Err(format!("the column {name:?} is there twice; give each a name of its own"));
            }
            columns.push(name.to_owned());
        }
        if columns.is_empty() || columns.len() > MAX_COLUMNS {
            return Err(format!("the first line names the columns, between one and {MAX_COLUMNS} of them"));
        }
        Ok(Self { reader, columns: columns.into(), limit, starts, record: ByteRecord::new() })
    }
    /// The names of the columns.
    pub(in crate::cli) fn columns(&self) -> &[String] {
        &self.columns
    }
    /// Bytes of the lines given so far.
    pub(in crate::cli) fn bytes(&self) -> u64 {
        self.reader.position().byte()
    }
    /// The next line.
    pub(in crate::cli) fn next(&mut self) -> Result<Option<Next>, String> {
        let from = self.reader.position().byte();
        self.limit.set(from + MAX_LINE as u64 + AHEAD);
        if !self.reader.read_byte_record(&mut self.record).map_err(|e| {
            let line = self.starts.borrow_mut().line_from(from).unwrap_or(0);
            why(&e, line)
        })? {
            return Ok(None);
        }
        let line =
            self.starts.borrow_mut().line_from(from).ok_or("has a line whose beginning cannot be found")?;
        if self.record.as_slice().len() > MAX_LINE {
            return Ok(Some(Next::Unfit(line, "line_too_long")));
        }
        if self.record.len() != self.columns.len() {
            return Ok(Some(Next::Unfit(line, "ragged_line")));
        }
        let values: Result<Vec<_>, _> =
            self.record.iter().map(|value| std::str::from_utf8(value).map(Sensitive::text)).collect();
        Ok(Some(match values {
            Ok(values) => Next::Row(Row::new(line, self.columns.clone(), values)),
            Err(_) => Next::Unfit(line, "not_utf8"),
        }))
    }
}

fn why(error: &csv::Error, line: u64) -> String {
    match error.kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            format!("line {line} is longer than 1 MiB; is a quotation mark not closed there?")
        }
        csv::ErrorKind::Io(error) => format!("cannot be read: {}", crate::domain::io_words(error.kind())),
        _ => format!("line {line} is not CSV"),
    }
}

/// Where lines begin that are not empty, from the last one asked for on: the numbers people see in an editor.
struct Starts {
    lines: VecDeque<(u64, u64)>,
    line: u64,
    at_start: bool,
    after_cr: bool,
}

impl Starts {
    fn new() -> Self {
        Self { lines: VecDeque::new(), line: 1, at_start: true, after_cr: false }
    }
    /// Notes the lines that begin in these bytes. CR, LF and CRLF each end a line, as for the reader.
    fn note(&mut self, from: u64, bytes: &[u8]) {
        for (at, byte) in (from..).zip(bytes) {
            let second_half = *byte == b'\n' && self.after_cr;
            self.after_cr = *byte == b'\r';
            match byte {
                b'\n' if second_half => {}
                b'\n' | b'\r' => {
                    self.line += 1;
                    self.at_start = true;
                }
                _ if self.at_start => {
                    self.lines.push_back((at, self.line));
                    self.at_start = false;
                }
                _ => {}
            }
        }
    }
    /// The number of the first line that begins at or after an offset.
    fn line_from(&mut self, offset: u64) -> Option<u64> {
        while self.lines.front().is_some_and(|(at, _)| *at < offset) {
            self.lines.pop_front();
        }
        self.lines.front().map(|(_, line)| *line)
    }
}

/// A reader that stops where a line would become too long: an open quotation mark must not swallow the file.
struct Bounded<R> {
    inner: R,
    read: u64,
    limit: Rc<Cell<u64>>,
    starts: Rc<RefCell<Starts>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read > self.limit.get() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let n = self.inner.read(buffer)?;
        self.starts.borrow_mut().note(self.read, buffer.get(..n).unwrap_or_default());
        self.read += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &[u8]) -> Result<CsvSource, String> {
        use std::io::{Seek, Write};
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        file.rewind().unwrap();
        CsvSource::new(file, b',')
    }

    fn all(text: &[u8]) -> Vec<String> {
        let mut source = source(text).unwrap();
        let mut seen = Vec::new();
        while let Some(next) = source.next().unwrap() {
            seen.push(match next {
                Next::Row(row) => format!("{}:{}|{}", row.line, row.get("a"), row.get("b")),
                Next::Unfit(line, code) => format!("{line}:{code}"),
            });
        }
        seen
    }

    #[test]
    fn lines_are_read_whatever_their_ends_marks_and_quotes() {
        assert_eq!(
            all(b"\xef\xbb\xbfa, b\r\n1, x \r\n\r\n2,\"y, \"\"z\"\"\nline\"\r\n3,\r\n"),
            ["2:1|x", "4:2|y, \"z\"\nline", "6:3|"]
        );
        assert_eq!(all(b"a,b\r1,2\r\r3,4\r"), ["2:1|2", "4:3|4"]);
        assert_eq!(all(b"a,b\n"), Vec::<String>::new());
        assert_eq!(all(b"a,b\n1,2"), ["2:1|2"]);
    }

    #[test]
    fn a_line_of_another_shape_is_rejected_and_the_next_one_read() {
        assert_eq!(
            all(b"a,b\n1\n1,2,3\n\xff,2\n4,5\n"),
            ["2:ragged_line", "3:ragged_line", "4:not_utf8", "5:4|5"]
        );
        let long = [b"a,b\n".as_slice(), &vec![b'x'; MAX_LINE], b",2\n3,4\n"].concat();
        assert_eq!(all(&long), ["2:line_too_long", "3:3|4"]);
    }

    #[test]
    fn a_quotation_mark_that_is_not_closed_does_not_swallow_the_file() {
        let mut text = b"a,b\n1,2\n\"open,3\n".to_vec();
        text.extend(b"x,y\n".repeat(1 << 20));
        let mut source = source(&text).unwrap();
        assert!(matches!(source.next(), Ok(Some(Next::Row(_)))));
        let error = source.next().err().unwrap();
        assert!(error.contains("line 3") && error.contains("quotation"), "{error}");
    }

    #[test]
    fn columns_have_names_of_their_own() {
        assert!(source(b"a,b, a\n").err().unwrap().contains("twice"));
        assert!(source(b"a,\xff\n").err().unwrap().contains("UTF-8"));
        assert!(source(b"").is_err());
    }
}
