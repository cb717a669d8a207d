//! Seals of rows that decide something (I4): `key version 1 ‖ HMAC-SHA-256(K_row, …)[..16]` over table, primary key,
//! row version and canonical columns. A seal that fails is refused, never repaired; absence is the caller's refusal.

use super::hazmat::mac::MacKey;
use super::{Keyring, Table, Unopenable};
use crate::domain::Version;
use crate::domain::record::{RecordHead, RowSeal};
use smallvec::SmallVec;

/// What a row's seal covers besides the key version in front of it.
struct Row<'a> {
    table: Table,
    key: &'a [u8],
    version: Version,
    columns: &'a [u8],
}

impl Row<'_> {
    /// Hands the sealed message over in parts: `"SR1 row" ‖ table 1 ‖ key length 2 ‖ key ‖ version 4 ‖ columns`.
    fn with_parts<T>(&self, f: impl FnOnce(&[&[u8]]) -> T) -> T {
        let key_len = u16::try_from(self.key.len()).unwrap_or(u16::MAX).to_be_bytes();
        let version = self.version.0.to_be_bytes();
        f(&[b"SR1 row", &[self.table as u8], &key_len, self.key, &version, self.columns])
    }
    fn seal(&self, key_version: u8, key: &MacKey) -> RowSeal {
        let tag: [u8; 16] = self.with_parts(|parts| key.mac_truncated(parts));
        let mut out = [key_version; 17];
        out.iter_mut().skip(1).zip(tag).for_each(|(o, t)| *o = t);
        RowSeal(out)
    }
    fn check(&self, keyring: &Keyring, seal: &RowSeal) -> Result<(), Unopenable> {
        let [key_version, tag @ ..] = &seal.0;
        let key = keyring.row.get(*key_version).ok_or(Unopenable::RowSeal)?;
        if self.with_parts(|parts| key.verify(parts, tag)) { Ok(()) } else { Err(Unopenable::RowSeal) }
    }
}

/// Canonical columns of a record head: `subject 8 ‖ collection 2 ‖ version 4 ‖ status 1 ‖ created 8 ‖ expires 1+8 ‖
/// {field 2 ‖ generation 2}*`. Fixed width but for the last.
fn head_columns(head: &RecordHead) -> SmallVec<[u8; 96]> {
    let mut fixed = [0; 32];
    let parts: [&[u8]; 7] = [
        &head.subject.0.get().to_be_bytes(),
        &head.collection.0.to_be_bytes(),
        &head.version.0.to_be_bytes(),
        &[head.status as u8],
        &head.created_at.0.to_be_bytes(),
        &[u8::from(head.expires_at.is_some())],
        &head.expires_at.map_or(0, |at| at.0).to_be_bytes(),
    ];
    fixed.iter_mut().zip(parts.into_iter().flatten()).for_each(|(slot, byte)| *slot = *byte);
    let mut out = SmallVec::from_slice(&fixed);
    for (field, generation) in &head.generations {
        let ([f0, f1], [g0, g1]) = (field.0.to_be_bytes(), generation.0.to_be_bytes());
        out.extend([f0, f1, g0, g1]);
    }
    out
}

impl Keyring {
    /// Seals a row (I4): table, primary key, row version, canonical columns.
    pub fn seal_row(&self, table: Table, key: &[u8], version: Version, columns: &[u8]) -> RowSeal {
        let (key_version, row_key) = self.row.active();
        Row { table, key, version, columns }.seal(key_version, row_key)
    }
    /// Checks a row's seal in constant time, under the key version it names.
    pub fn check_row(
        &self,
        table: Table,
        key: &[u8],
        version: Version,
        columns: &[u8],
        seal: &RowSeal,
    ) -> Result<(), Unopenable> {
        Row { table, key, version, columns }.check(self, seal)
    }
    /// Seal of a record head (the columns of `records` but `seal`, `sealed`).
    pub fn seal_head(&self, head: &RecordHead) -> RowSeal {
        let key = head.record.0.get().to_be_bytes();
        self.seal_row(Table::Records, &key, head.head_version, &head_columns(head))
    }
    /// Checks a head.
    pub fn check_head(&self, head: &RecordHead, seal: &RowSeal) -> Result<(), Unopenable> {
        let key = head.record.0.get().to_be_bytes();
        self.check_row(Table::Records, &key, head.head_version, &head_columns(head), seal)
    }
}
