//! The input, line after line: CSV (RFC 4180) or NDJSON. A line of more than 1 MiB, of another shape, or of no valid UTF-8 is
//! rejected by its number and never held as a whole (I10).

use super::csv_source::CsvSource;
use super::mapping::{Format, Mapping};
use super::ndjson_source::NdjsonSource;
use super::row::Row;
use crate::cli::Failed;
use crate::domain::io_words;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Longest line.
pub(super) const MAX_LINE: usize = 1 << 20;

/// What a line is.
pub(super) enum Next {
    /// Columns.
    Row(Row),
    /// A line that is none: its number and a stable code.
    Unfit(u64, &'static str),
}

/// An open input.
pub(super) enum Source {
    Csv(CsvSource),
    Ndjson(NdjsonSource),
}

impl Source {
    /// Opens a file as the mapping says, or as its name ends; checks that every column the mapping names is there.
    pub(super) fn open(path: &Path, mapping: &Mapping, map_file: &Path) -> Result<Self, Failed> {
        let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
        let format = match (mapping.format, ending.as_str()) {
            (Some(format), _) => format,
            (None, "csv" | "tsv" | "txt") => Format::Csv,
            (None, "ndjson" | "jsonl") => Format::Ndjson,
            (None, _) => {
                let hint = "its name ends in neither .csv nor .ndjson; write format = \"csv\" or \"ndjson\" in the mapping";
                return Err(Failed::new(format!("{}: {hint}", path.display())));
            }
        };
        let file = open(path)?;
        let (source, known) = match format {
            Format::Csv => {
                let source = CsvSource::new(file, mapping.delimiter).map_err(|why| told(path, &why))?;
                let known = source.columns().to_vec();
                (Self::Csv(source), known)
            }
            Format::Ndjson => {
                let known = super::ndjson_source::columns_of(open(path)?).map_err(|why| told(path, &why))?;
                (Self::Ndjson(NdjsonSource::new(file)), known)
            }
        };
        let missing = mapping.columns().into_iter().filter(|(name, _)| !known.iter().any(|k| k == name));
        let faults: Vec<String> = missing
            .map(|(name, line)| format!("{}:{line}: there is no column {name:?}", map_file.display()))
            .collect();
        if faults.is_empty() {
            return Ok(source);
        }
        let shown: Vec<&str> = known.iter().take(100).map(String::as_str).collect();
        Err(Failed::new(format!(
            "{}\n{} has the columns: {}",
            faults.join("\n"),
            path.display(),
            shown.join(", ")
        )))
    }

    /// The next line; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Next>, Failed> {
        match self {
            Self::Csv(source) => source.next(),
            Self::Ndjson(source) => source.next(),
        }
        .map_err(Failed)
    }

    /// Bytes read so far, for the progress bar.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Csv(source) => source.bytes(),
            Self::Ndjson(source) => source.bytes(),
        }
    }
}

fn told(path: &Path, why: &str) -> Failed {
    Failed::new(format!("{}: {why}", path.display()))
}

fn open(path: &Path) -> Result<File, Failed> {
    File::open(path)
        .map_err(|e| Failed::new(format!("cannot read {}: {}", path.display(), io_words(e.kind()))))
}

/// Length and SHA-256 of a file, read in pieces.
pub(super) fn fingerprint(path: &Path) -> Result<(u64, String), Failed> {
    let refused =
        |e: std::io::Error| Failed::new(format!("cannot read {}: {}", path.display(), io_words(e.kind())));
    let mut file = open(path)?;
    if !file.metadata().map_err(refused)?.is_file() {
        return Err(Failed::new(format!(
            "{}: an import reads a regular file, which --resume can read again",
            path.display()
        )));
    }
    let (mut hash, mut length) = (Sha256::new(), 0);
    let mut buffer = zeroize::Zeroizing::new(vec![0; 1 << 16]);
    loop {
        let n = file.read(&mut buffer).map_err(refused)?;
        let Some(read) = buffer.get(..n).filter(|read| !read.is_empty()) else { break };
        hash.update(read);
        length += n as u64;
    }
    Ok((length, data_encoding::HEXLOWER.encode(&hash.finalize())))
}
