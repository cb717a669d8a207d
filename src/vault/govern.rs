//! The policy that governs: a sealed version in the store, never the file that seeded it (C30, governance).

use crate::crypto::{Keyring, Table};
use crate::domain::codec;
use crate::domain::{ControlKind, Id16, PolicyVersion, Version};
use crate::policy::{Numbering, Policy, PolicyError};
use crate::storage::{Change, ControlRow, ReadError, Reader};
use crate::vault::Vault;
use crate::vault::rows::control_key;

/// Form version of the stored rows below.
const FORM: u8 = 1;
/// The one id of the head row.
const HEAD: Id16 = Id16([0; 16]);

/// A policy version as it is sealed: number, numbering, text.
pub(in crate::vault) struct StoredPolicy {
    pub(in crate::vault) version: PolicyVersion,
    pub(in crate::vault) numbering: Numbering,
    pub(in crate::vault) text: String,
}

/// Compiles a policy text, opened to loopback in a development vault.
pub fn compile(text: &str, previous: &Numbering, development: bool) -> Result<Policy, Vec<PolicyError>> {
    if development {
        Policy::compile_for_development(text, previous)
    } else {
        Policy::compile(text, previous)
    }
}

fn policy_id(version: PolicyVersion) -> Id16 {
    Id16(u128::from(version.0).to_be_bytes())
}

impl StoredPolicy {
    fn encode(&self) -> Vec<u8> {
        let mut w = codec::Writer::new(FORM);
        w.u32(self.version.0);
        w.u32(u32::try_from(self.numbering.to_bytes().len()).unwrap_or(u32::MAX));
        w.fixed(&self.numbering.to_bytes());
        w.fixed(self.text.as_bytes());
        w.finish()
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (form, rest) = bytes.split_first()?;
        let (version, rest) = rest.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (numbering, text) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        (*form == FORM).then_some(())?;
        Some(Self {
            version: PolicyVersion(u32::from_be_bytes(*version)),
            numbering: Numbering::from_bytes(numbering)?,
            text: String::from_utf8(text.to_vec()).ok()?,
        })
    }
}

/// Why the governing policy could not be read.
#[derive(Debug, thiserror::Error)]
pub enum GovernError {
    /// The store.
    #[error("the store cannot be read: {0}")]
    Read(#[from] ReadError),
    /// No head, no version, a seal that fails, bytes that do not decode: absence never permits (I4).
    #[error("the sealed policy is missing or fails its seal; restore the vault from a backup")]
    Missing,
    /// The stored text no longer compiles (an older program).
    #[error("the sealed policy does not compile with this version of strongroom: {0}")]
    Compile(String),
}

impl Vault {
    /// The rows that seal a policy version and make it govern.
    pub(in crate::vault) fn policy_changes(
        &self,
        policy: &Policy,
        text: &str,
        head_was: Option<Version>,
    ) -> Vec<Change> {
        let version = policy.version();
        let stored = StoredPolicy { version, numbering: policy.numbering().clone(), text: text.to_owned() };
        vec![
            self.put_control(ControlKind::Policy, policy_id(version), stored.encode(), None),
            self.put_control(ControlKind::PolicyHead, HEAD, policy_id(version).0.to_vec(), head_was),
        ]
    }

    /// The sealed text and numbering that govern.
    pub(in crate::vault) fn governing(
        &self,
        reader: &mut Reader<'_>,
    ) -> Result<Option<StoredPolicy>, ReadError> {
        let Some(head) = reader.control(ControlKind::PolicyHead, HEAD)?.filter(|row| self.control_holds(row))
        else {
            return Ok(None);
        };
        let Ok(id) = <[u8; 16]>::try_from(head.body.as_slice()) else { return Ok(None) };
        let row = reader.control(ControlKind::Policy, Id16(id))?.filter(|row| self.control_holds(row));
        Ok(row.and_then(|row| StoredPolicy::decode(&row.body)))
    }

    /// Reads and compiles the governing policy.
    pub(in crate::vault) fn compiled(&self) -> Result<Policy, GovernError> {
        let stored = self.store().read(|reader| self.governing(reader))?.ok_or(GovernError::Missing)?;
        let policy = compile(&stored.text, &stored.numbering, self.keys().is_development());
        let policy = policy.map_err(|errors| {
            GovernError::Compile(
                errors.first().map(|e| format!("line {}: {}", e.line, e.message)).unwrap_or_default(),
            )
        })?;
        if policy.version() == stored.version { Ok(policy) } else { Err(GovernError::Missing) }
    }

    /// The text of the governing policy, to compare with a file.
    pub fn policy_text(&self) -> Result<String, GovernError> {
        Ok(self.store().read(|reader| self.governing(reader))?.ok_or(GovernError::Missing)?.text)
    }
}

/// The governing policy from rows read beside the serving process; `None` unless every seal holds.
pub(in crate::vault) fn sealed_policy(
    keys: &Keyring,
    heads: &[ControlRow],
    versions: &[ControlRow],
) -> Option<Policy> {
    let stored = sealed(keys, heads, versions)?;
    compile(&stored.text, &stored.numbering, keys.is_development()).ok()
}

/// The same, not compiled.
pub(in crate::vault) fn sealed(
    keys: &Keyring,
    heads: &[ControlRow],
    versions: &[ControlRow],
) -> Option<StoredPolicy> {
    let holds = |row: &&ControlRow| {
        let key = control_key(row.kind, row.id);
        keys.check_row(Table::Controls, &key, row.version, &row.body, &row.seal).is_ok()
    };
    let head = heads.iter().filter(holds).find(|row| row.id == HEAD)?;
    let id = Id16(head.body.as_slice().try_into().ok()?);
    let row = versions.iter().filter(holds).find(|row| row.id == id)?;
    StoredPolicy::decode(&row.body)
}
