//! Lies that the simulation must find out: each stands in the simulated disk or driver, none in the product.

use rusqlite::Connection;
use rusqlite::types::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// A lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sabotage {
    /// No sync makes anything durable.
    SyncsLie,
    /// Syncs of the write-ahead log make nothing durable.
    LogLies,
    /// Syncs of the ledger of erasures make nothing durable.
    LedgerLies,
    /// Writes are acknowledged before the store took them.
    AnswerEarly,
    /// A start finds the locator mark of the first start.
    MarkForgotten,
    /// A start finds remembered outcomes forgotten.
    KeysForgotten,
    /// A start finds every subject's row as it was first written.
    ConsentsRolledBack,
    /// A start finds the newest event gone.
    EventCut,
    /// A start finds erased records put back, and the ledger empty.
    ErasedPutBack,
    /// The wall clock jumps an hour with every end of the process, which gives units back that were used.
    HourPasses,
}

impl Sabotage {
    pub(crate) const ALL: [(&'static str, Self); 10] = [
        ("syncs-lie", Self::SyncsLie),
        ("log-lies", Self::LogLies),
        ("ledger-lies", Self::LedgerLies),
        ("answer-early", Self::AnswerEarly),
        ("mark-forgotten", Self::MarkForgotten),
        ("keys-forgotten", Self::KeysForgotten),
        ("consents-rolled-back", Self::ConsentsRolledBack),
        ("event-cut", Self::EventCut),
        ("erased-put-back", Self::ErasedPutBack),
        ("hour-passes", Self::HourPasses),
    ];

    /// What the disk is told.
    pub(crate) fn begin(self) {
        simdisk::with(|disk| match self {
            Self::SyncsLie => disk.faults.syncs_lie = true,
            Self::LogLies => disk.faults.lies_about = Some("vault.db-wal"),
            Self::LedgerLies => disk.faults.lies_about = Some("erasures.log"),
            _ => {}
        });
    }

    /// Whether files are changed between two starts.
    pub(crate) fn tampers(self) -> bool {
        !matches!(
            self,
            Self::SyncsLie | Self::LogLies | Self::LedgerLies | Self::AnswerEarly | Self::HourPasses
        )
    }
}

/// Rows as they were once.
#[derive(Default)]
pub(crate) struct Kept {
    subjects: BTreeMap<i64, Vec<Value>>,
    records: BTreeMap<i64, Vec<Value>>,
    keys: BTreeMap<i64, Vec<Value>>,
}

impl Kept {
    /// What is done to the files between two starts, with a foreign connection.
    pub(crate) fn tamper(&mut self, sabotage: Sabotage, dir: &Path) -> rusqlite::Result<()> {
        let db = Connection::open(dir.join("vault.db"))?;
        db.execute_batch("PRAGMA busy_timeout = 0")?;
        match sabotage {
            Sabotage::MarkForgotten => {
                db.execute("UPDATE meta SET v = x'0000000000000001' WHERE k = 'locator_mark'", [])?;
            }
            Sabotage::KeysForgotten => {
                db.execute("DELETE FROM idempotency", [])?;
            }
            Sabotage::EventCut => {
                db.execute("DELETE FROM audit WHERE pos = (SELECT max(pos) FROM audit)", [])?;
            }
            Sabotage::ConsentsRolledBack => {
                note(&db, "SELECT locator, version, state, seal FROM subjects", 4, &mut self.subjects)?;
                for row in self.subjects.values() {
                    let sql = "UPDATE subjects SET version = ?2, state = ?3, seal = ?4 WHERE locator = ?1";
                    db.execute(sql, rusqlite::params_from_iter(row))?;
                }
            }
            Sabotage::ErasedPutBack => {
                note(&db, "SELECT * FROM records", 11, &mut self.records)?;
                note(&db, "SELECT * FROM keys", 4, &mut self.keys)?;
                for row in self.records.values() {
                    let sql = "INSERT OR IGNORE INTO records VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)";
                    db.execute(sql, rusqlite::params_from_iter(row))?;
                }
                for row in self.keys.values() {
                    db.execute(
                        "INSERT OR IGNORE INTO keys VALUES(?1,?2,?3,?4)",
                        rusqlite::params_from_iter(row),
                    )?;
                }
                db.execute("DELETE FROM controls WHERE kind = 9", [])?;
                let _ = std::fs::OpenOptions::new().write(true).truncate(true).open(dir.join("erasures.log"));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Remembers rows that are seen for the first time.
fn note(
    db: &Connection,
    sql: &str,
    columns: usize,
    into: &mut BTreeMap<i64, Vec<Value>>,
) -> rusqlite::Result<()> {
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let values = (0..columns).map(|n| row.get(n)).collect::<Result<Vec<Value>, _>>()?;
        into.entry(row.get(0)?).or_insert(values);
    }
    Ok(())
}
