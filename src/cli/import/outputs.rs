//! What an import writes beside the vault: tokens (with the references of the mapping) and rejects (lines, pointers, codes; never
//! a value), each a file of its owner alone, one JSON object a line, and each known to the journal by its length.

use super::plan::LineFault;
use crate::cli::{Failed, private};
use serde::Serialize;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file of lines and its length.
struct Lines {
    file: File,
    path: PathBuf,
    length: u64,
}

/// The two files, as far as they are asked for.
pub(super) struct Outputs {
    tokens: Option<Lines>,
    rejects: Option<Lines>,
}

#[derive(Serialize)]
struct Reject<'a> {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a str>,
    pointer: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
}

impl Lines {
    fn open(path: &Path, resumed_at: Option<u64>) -> Result<Self, Failed> {
        let Some(length) = resumed_at else {
            return Ok(Self { file: private::create(path)?, path: path.to_owned(), length: 0 });
        };
        let mut file = private::reopen(path)?;
        let refused = |e: std::io::Error| unwritten(path, &e);
        if file.metadata().map_err(refused)?.len() < length {
            let why = "is shorter than the journal says: it was changed or has lost its end";
            return Err(Failed::new(format!("{} {why}; remove the journal to begin anew", path.display())));
        }
        file.set_len(length).map_err(refused)?;
        file.seek(SeekFrom::Start(length)).map_err(refused)?;
        Ok(Self { file, path: path.to_owned(), length })
    }
    fn write(&mut self, text: &[u8]) -> Result<(), Failed> {
        self.file.write_all(text).map_err(|e| unwritten(&self.path, &e))?;
        self.length += text.len() as u64;
        Ok(())
    }
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failed {
    Failed::new(format!("cannot write {}: {}", path.display(), crate::domain::io_words(error.kind())))
}

impl Outputs {
    /// Makes the files, or goes on with them at the lengths the journal knows.
    pub(super) fn open(
        tokens: Option<&Path>,
        rejects: Option<&Path>,
        resumed_at: Option<(u64, u64)>,
    ) -> Result<Self, Failed> {
        Ok(Self {
            tokens: tokens.map(|path| Lines::open(path, resumed_at.map(|at| at.0))).transpose()?,
            rejects: rejects.map(|path| Lines::open(path, resumed_at.map(|at| at.1))).transpose()?,
        })
    }
    /// Writes lines of tokens.
    pub(super) fn tokens(&mut self, text: &[u8]) -> Result<(), Failed> {
        match &mut self.tokens {
            Some(lines) if !text.is_empty() => lines.write(text),
            _ => Ok(()),
        }
    }
    /// Writes what of a line was rejected.
    pub(super) fn rejects(&mut self, line: u64, faults: &[LineFault]) -> Result<(), Failed> {
        let Some(lines) = &mut self.rejects else { return Ok(()) };
        let mut text = Vec::new();
        for fault in faults {
            let record = fault.record.as_deref();
            let shown = Reject {
                line,
                record,
                pointer: &fault.pointer,
                code: &fault.code,
                rule: fault.rule.as_deref(),
            };
            // Names and numbers into memory: writing them cannot fail.
            let _written = serde_json::to_writer(&mut text, &shown).is_ok();
            text.push(b'\n');
        }
        lines.write(&text)
    }
    /// Lengths for the journal.
    pub(super) fn lengths(&self) -> (u64, u64) {
        let length = |lines: &Option<Lines>| lines.as_ref().map_or(0, |l| l.length);
        (length(&self.tokens), length(&self.rejects))
    }
    /// Whether tokens are written.
    pub(super) fn wants_tokens(&self) -> bool {
        self.tokens.is_some()
    }
    /// Makes what was written durable.
    pub(super) fn sync(&self) -> Result<(), Failed> {
        for lines in [&self.tokens, &self.rejects].into_iter().flatten() {
            lines.file.sync_data().map_err(|e| unwritten(&lines.path, &e))?;
        }
        Ok(())
    }
}
