//! Rows compared with the log: every event names the rows it changed, with version and seal; so an old row put back with
//! its own key and seal, one that was added, and one that is gone are found by whoever holds the keyring (I4, A25, A26).
//!
//! For `doctor`: at rest or beside the process that serves. It opens no record, changes nothing, and says so when the log is
//! too long to be held in memory. A log cut together with its rows is for checkpoints to notice.

use crate::audit;
use crate::crypto::{Keyring, NameKind, RefKind, Table};
use crate::domain::event::ChangedRow;
use crate::domain::record::{RecordStatus, RowSeal};
use crate::domain::token::TokenGrant;
use crate::domain::{ControlKind, Locator, Ref8, Version};
use crate::storage::{ReadError, SealedRow, Snapshot};
use crate::vault::rows::control_key;
use std::collections::HashMap;
use std::path::Path;

/// Most rows that are compared: what the log knows of them is held in memory, some 80 bytes each. Reads change none.
const MOST_ROWS: usize = 16_000_000;
/// Rows named in a report; more are counted.
const NAMED: usize = 10;
/// The seal by which the log says that a row is gone.
const TOMBSTONE: [u8; 17] = [0; 17];

/// What a comparison found.
#[derive(Default, Debug)]
pub struct Comparison {
    /// The log knows too many rows; nothing was compared.
    pub too_long: bool,
    /// Rows compared.
    pub rows: u64,
    /// Rows that are not what the log says.
    pub faults: u64,
    /// The first of them: which row, and what is wrong.
    pub named: Vec<String>,
}

/// What the log says last of a row.
struct Said {
    version: Version,
    seal: [u8; 17],
    position: u64,
    met: bool,
}

/// A row as the comparison needs it.
struct Met {
    kind: RefKind,
    reference: Ref8,
    name: String,
    version: Version,
    seal: RowSeal,
    sound: bool,
}

/// Compares a data directory's rows with its log.
pub fn compare_rows(dir: &Path, keys: &Keyring) -> Result<Comparison, ReadError> {
    let snapshot = Snapshot::open(dir)?;
    let mut said = HashMap::new();
    // An event that does not decode is the verifier's to tell; the rows it changed are then found here.
    snapshot.events(|row| {
        for changed in audit::decode(&row.body).map(|body| body.changed).unwrap_or_default() {
            if said.len() > MOST_ROWS {
                return;
            }
            let ChangedRow { reference, kind, version, seal } = changed;
            said.insert((kind, reference.0), Said { version, seal, position: row.pos, met: false });
        }
    })?;
    if said.len() > MOST_ROWS {
        return Ok(Comparison { too_long: true, ..Comparison::default() });
    }
    let mut found = Comparison::default();
    snapshot.rows(|row| {
        found.rows += 1;
        match met(keys, row) {
            Ok(met) => found.row(&met, &mut said),
            Err(table) => found.fault(format!("a row of {table}: malformed")),
        }
    })?;
    found.absent(&said);
    Ok(found)
}

impl Comparison {
    fn fault(&mut self, what: String) {
        self.faults += 1;
        if self.named.len() < NAMED {
            self.named.push(what);
        }
    }

    fn row(&mut self, met: &Met, said: &mut HashMap<(u8, [u8; 8]), Said>) {
        let name = &met.name;
        let Some(said) = said.get_mut(&(met.kind as u8, met.reference.0)) else {
            return self.fault(format!("{name}: the log knows no such row"));
        };
        said.met = true;
        let at = said.position;
        if said.seal == TOMBSTONE {
            self.fault(format!("{name}: erased by event {at}, and there again"));
        } else if met.version < said.version {
            self.fault(format!("{name}: older than event {at} made it"));
        } else if met.seal.0 != said.seal || met.version != said.version {
            self.fault(format!("{name}: not as event {at} made it"));
        } else if !met.sound {
            self.fault(format!("{name}: its seal fails, or its key is missing"));
        }
    }

    /// Rows that the log knows and that are not there. Grants go with their record; all others leave a word.
    fn absent(&mut self, said: &HashMap<(u8, [u8; 8]), Said>) {
        let gone = |(key, said): (&(u8, [u8; 8]), &Said)| {
            let lost = !said.met && said.seal != TOMBSTONE && key.0 != RefKind::Grant as u8;
            lost.then_some(said.position)
        };
        let mut lost: Vec<u64> = said.iter().filter_map(gone).collect();
        lost.sort_unstable();
        for at in lost {
            self.fault(format!("a row that event {at} made: missing"));
        }
    }
}

/// A row's place in the log, its name and whether its own seal holds; or the table of a malformed one.
fn met(keys: &Keyring, row: SealedRow) -> Result<Met, &'static str> {
    let number = |locator: Locator| locator.get().to_be_bytes();
    let met = |kind, key: &[u8], name, version, seal, sound| Met {
        kind,
        reference: keys.audit_ref(kind, key),
        name,
        version,
        seal,
        sound,
    };
    Ok(match row {
        SealedRow::Damaged(table) => return Err(table),
        SealedRow::Subject(row) => {
            let key = number(row.subject.0);
            let sound = keys.check_row(Table::Subjects, &key, row.version, &row.state, &row.seal).is_ok();
            let name = format!("subject {}", keys.name(NameKind::Subject, row.subject.0));
            met(RefKind::Subject, &key, name, row.version, row.seal, sound)
        }
        SealedRow::Record(head, seal, has_key) => {
            let has_key = has_key || head.status != RecordStatus::Live;
            let sound = has_key && keys.check_head(&head, &seal).is_ok();
            let name = format!("record {}", keys.name(NameKind::Record, head.record.0));
            met(RefKind::Record, &number(head.record.0), name, head.head_version, seal, sound)
        }
        SealedRow::Grant(row) => {
            let key = number(row.grant.0);
            let sealed = keys.check_row(Table::Grants, &key, row.version, &row.body, &row.seal).is_ok();
            let alike = |g: TokenGrant| g.record == row.record && g.expires_at == row.expires_at;
            let sound = sealed && TokenGrant::decode(&row.body).is_some_and(alike);
            let name = format!("a grant of record {}", keys.name(NameKind::Record, row.record.0));
            met(RefKind::Grant, &key, name, row.version, row.seal, sound)
        }
        SealedRow::Control(row) => {
            let key = control_key(row.kind, row.id);
            let sound = keys.check_row(Table::Controls, &key, row.version, &row.body, &row.seal).is_ok();
            met(RefKind::Control, &key, control_name(row.kind), row.version, row.seal, sound)
        }
        SealedRow::ExternalRef(row) => {
            let columns = number(row.subject.0);
            let sound = keys.check_row(Table::ExternalRefs, &row.h, Version(1), &columns, &row.seal).is_ok();
            let name =
                format!("an external reference of subject {}", keys.name(NameKind::Subject, row.subject.0));
            met(RefKind::ExternalRef, &row.h, name, Version(1), row.seal, sound)
        }
    })
}

fn control_name(kind: ControlKind) -> String {
    let what = match kind {
        ControlKind::Client => "client",
        ControlKind::ClientKey => "client's key",
        ControlKind::Policy => "policy version",
        ControlKind::PolicyHead => "word on which policy governs",
        ControlKind::VaultFacts => "row of the vault's facts",
        ControlKind::Context => "context",
        ControlKind::Unsubscribe => "unsubscribe link",
        ControlKind::Certificate => "certificate",
        ControlKind::LedgerMark => "mark of the ledger",
    };
    format!("a {what}")
}
