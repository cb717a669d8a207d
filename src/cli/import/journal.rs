//! The journal beside an import: which lines are under way and which are done, so that a killed import goes on where it was.
//!
//! Lines are begun in the order of the file, and each is written down before anything of it is sent: a line at or below the
//! last one begun is done unless it stands open. Requests carry idempotency keys made of the import's id and the line, so an
//! open line sent again changes nothing twice. The journal holds numbers and ids, never a value.

use crate::cli::{Failed, private};
use crate::domain::crockford;
use crate::domain::entropy::{Entropy, OsEntropy};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, Write};
use std::path::{Path, PathBuf};

/// Longest line of a journal.
const MAX_ENTRY: u64 = 1 << 16;

/// What an import is about; a resumed one must be the same.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    /// Form of the journal.
    pub(super) strongroom_import: u8,
    /// The import's id.
    pub(super) id: String,
    /// SHA-256 of the input.
    pub(super) file_sha256: String,
    /// SHA-256 of the mapping.
    pub(super) mapping_sha256: String,
    /// It writes tokens.
    pub(super) tokens_out: bool,
    /// It writes rejects.
    pub(super) rejects: bool,
}

/// How many of what.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counts {
    /// Lines.
    #[serde(default)]
    pub(super) lines: u64,
    /// Subjects created.
    #[serde(default)]
    pub(super) created: u64,
    /// Subjects that were there.
    #[serde(default)]
    pub(super) found: u64,
    /// Records stored.
    #[serde(default)]
    pub(super) stored: u64,
    /// Records left as they are.
    #[serde(default)]
    pub(super) skipped: u64,
    /// Records changed.
    #[serde(default)]
    pub(super) updated: u64,
    /// Lines of which something was rejected.
    #[serde(default)]
    pub(super) rejected: u64,
}

/// What is to become of each record of a line whose person was there before.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Decision {
    Create,
    Skip,
    Update(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum Entry {
    Begin(u64),
    Created(u64),
    Decided(u64, Vec<Decision>),
    Done {
        line: u64,
        counts: Counts,
        /// Length of the tokens file and of the rejects file after this line.
        at: (u64, u64),
    },
    Finished(bool),
}

/// What is known of a line that is begun and not done.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Open {
    /// Its person was created by this import.
    pub(super) created: bool,
    /// What was decided for its records.
    pub(super) decided: Option<Vec<Decision>>,
}

/// Where an import stands.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct State {
    /// The last line begun.
    pub(super) reached: u64,
    /// Lines begun and not done.
    pub(super) open: BTreeMap<u64, Open>,
    /// Sums over the lines done.
    pub(super) counts: Counts,
    /// Lengths of the tokens file and the rejects file after the last line done.
    pub(super) at: (u64, u64),
    /// It came to its end.
    pub(super) finished: bool,
}

/// A journal being written.
pub(super) struct Journal {
    file: File,
    path: PathBuf,
    /// What it is about.
    pub(super) header: Header,
}

impl Counts {
    pub(super) fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.created += other.created;
        self.found += other.found;
        self.stored += other.stored;
        self.skipped += other.skipped;
        self.updated += other.updated;
        self.rejected += other.rejected;
    }
}

impl State {
    /// Whether a line needs nothing any more.
    pub(super) fn is_done(&self, line: u64) -> bool {
        line <= self.reached && !self.open.contains_key(&line)
    }
    fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Begin(line) => {
                self.reached = self.reached.max(line);
                self.open.entry(line).or_default();
            }
            Entry::Created(line) => self.open.entry(line).or_default().created = true,
            Entry::Decided(line, decisions) => self.open.entry(line).or_default().decided = Some(decisions),
            Entry::Done { line, counts, at } => {
                self.reached = self.reached.max(line);
                self.open.remove(&line);
                self.counts.add(&counts);
                self.at = at;
            }
            Entry::Finished(_) => self.finished = true,
        }
    }
}

impl Journal {
    /// Removes the journal of an import that came to its end.
    pub(super) fn make_room(path: &Path) -> Result<(), Failed> {
        if Self::room(path)? { Ok(()) } else { std::fs::remove_file(path).map_err(|e| refused(path, &e)) }
    }

    /// Whether there is none; that of an import which did not come to its end is its reader's to decide about.
    pub(super) fn room(path: &Path) -> Result<bool, Failed> {
        if !path.exists() {
            return Ok(true);
        }
        if read(path)?.1.finished {
            return Ok(false);
        }
        let hint = "an import of this file did not come to its end: add --resume, or remove this journal to begin anew";
        Err(Failed::new(format!("{}: {hint}", path.display())))
    }

    /// Starts a journal where there is none.
    pub(super) fn start(path: &Path, mut header: Header) -> Result<Self, Failed> {
        let random = OsEntropy.array().map_err(|e| Failed::new(e.to_string()))?;
        header.id = crockford::encode("imp_", &random);
        let mut journal = Self { file: private::create(path)?, path: path.to_owned(), header };
        journal.lock()?;
        let first = serde_json::to_string(&journal.header)
            .map_err(|_| Failed::new("the journal cannot be written"))?;
        journal.line(&first)?;
        journal.sync()?;
        Ok(journal)
    }

    /// Goes on with a journal; the input, the mapping and what is written must be the same.
    pub(super) fn resume(path: &Path, header: &Header) -> Result<(Self, State), Failed> {
        if !path.exists() {
            return Err(Failed::new(format!(
                "{}: there is no journal to go on with; leave --resume out",
                path.display()
            )));
        }
        let mut journal =
            Self { file: private::reopen(path)?, path: path.to_owned(), header: header.clone() };
        journal.lock()?;
        let (found, state) = read(path)?;
        let wanted = Header { id: found.id.clone(), ..header.clone() };
        if found != wanted {
            let why = if found.file_sha256 != wanted.file_sha256 {
                "the input is another one than the import began with"
            } else if found.mapping_sha256 != wanted.mapping_sha256 {
                "the mapping is another one than the import began with"
            } else {
                "the import began with other --tokens-out or --rejects options"
            };
            return Err(Failed::new(format!("{}: {why}", path.display())));
        }
        journal.header = found;
        // A last line torn by a kill says nothing; it is cut away, so that the next one is whole.
        let whole = whole_length(path)?;
        journal.file.set_len(whole).map_err(|e| refused(path, &e))?;
        journal.file.seek(std::io::SeekFrom::End(0)).map_err(|e| refused(path, &e))?;
        Ok((journal, state))
    }

    /// A line is about to be sent.
    pub(super) fn begin(&mut self, line: u64) -> Result<(), Failed> {
        self.entry(&Entry::Begin(line))
    }
    /// A line's person was created by this import: no later run takes it for one who was there before.
    pub(super) fn created(&mut self, line: u64) -> Result<(), Failed> {
        self.entry(&Entry::Created(line))
    }
    /// What becomes of the records of a line.
    pub(super) fn decided(&mut self, line: u64, decisions: &[Decision]) -> Result<(), Failed> {
        self.entry(&Entry::Decided(line, decisions.to_vec()))
    }
    /// A line is done and its tokens and rejects are written.
    pub(super) fn done(&mut self, line: u64, counts: Counts, at: (u64, u64)) -> Result<(), Failed> {
        self.entry(&Entry::Done { line, counts, at })
    }
    /// The import came to its end.
    pub(super) fn finish(&mut self) -> Result<(), Failed> {
        self.entry(&Entry::Finished(true))?;
        self.sync()
    }
    /// Makes what was written durable.
    pub(super) fn sync(&self) -> Result<(), Failed> {
        self.file.sync_data().map_err(|e| refused(&self.path, &e))
    }

    fn entry(&mut self, entry: &Entry) -> Result<(), Failed> {
        let text = serde_json::to_string(entry).map_err(|_| Failed::new("the journal cannot be written"))?;
        self.line(&text)
    }
    /// In one write, so that a kill leaves it whole or torn at its end.
    fn line(&mut self, text: &str) -> Result<(), Failed> {
        self.file.write_all(format!("{text}\n").as_bytes()).map_err(|e| refused(&self.path, &e))
    }
    fn lock(&self) -> Result<(), Failed> {
        let once = rustix::fs::FlockOperation::NonBlockingLockExclusive;
        rustix::fs::flock(&self.file, once).map_err(|_| {
            Failed::new(format!("{}: another import is using this journal", self.path.display()))
        })
    }
}

fn refused(path: &Path, error: &std::io::Error) -> Failed {
    Failed::new(format!("{}: {}", path.display(), crate::domain::io_words(error.kind())))
}

/// Length up to the last line that ended.
fn whole_length(path: &Path) -> Result<u64, Failed> {
    let (mut whole, mut reader) = (0, lines(path)?);
    let mut line = Vec::new();
    while next_line(path, &mut reader, &mut line)? {
        whole += if line.ends_with(b"\n") { line.len() as u64 } else { 0 };
    }
    Ok(whole)
}

fn lines(path: &Path) -> Result<BufReader<File>, Failed> {
    Ok(BufReader::new(File::open(path).map_err(|e| refused(path, &e))?))
}

fn next_line(path: &Path, reader: &mut BufReader<File>, line: &mut Vec<u8>) -> Result<bool, Failed> {
    use std::io::Read;
    line.clear();
    Ok(reader.take(MAX_ENTRY).read_until(b'\n', line).map_err(|e| refused(path, &e))? > 0)
}

fn read(path: &Path) -> Result<(Header, State), Failed> {
    let unfit = || Failed::new(format!("{}: this is no journal of an import", path.display()));
    let (mut reader, mut line) = (lines(path)?, Vec::new());
    next_line(path, &mut reader, &mut line)?;
    let header: Header = serde_json::from_slice(&line).map_err(|_| unfit())?;
    if header.strongroom_import != 1 {
        return Err(unfit());
    }
    let mut state = State::default();
    while next_line(path, &mut reader, &mut line)? {
        match serde_json::from_slice(&line) {
            Ok(entry) => state.apply(entry),
            Err(_) if !line.ends_with(b"\n") => break,
            Err(_) => return Err(unfit()),
        }
    }
    Ok((header, state))
}
