//! Strict decoding of stored columns: a number out of range or a blob of the wrong length is corruption, never a guess (I11).
//!
//! For the reader and the streams; nothing here repairs or skips a row.

use crate::domain::record::{RecordHead, RecordStatus, RowSeal, WrappedKey};
use crate::domain::*;
use crate::storage::errors::ReadError;
use crate::storage::rows::*;
use rusqlite::Row;
use rusqlite::types::ValueRef;

/// A position or counter as SQLite keeps it.
pub(super) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
pub(super) fn count(n: i64) -> Result<u64, ReadError> {
    u64::try_from(n).map_err(|_| ReadError::Corrupt)
}
pub(super) fn blob(value: ValueRef<'_>) -> Result<&[u8], ReadError> {
    value.as_blob().map_err(|_| ReadError::Corrupt)
}
pub(super) fn array<const N: usize>(value: ValueRef<'_>) -> Result<[u8; N], ReadError> {
    blob(value)?.try_into().map_err(|_| ReadError::Corrupt)
}
pub(super) fn locator(raw: i64) -> Result<Locator, ReadError> {
    Locator::from_raw(count(raw)?).ok_or(ReadError::Corrupt)
}
fn version(row: &Row<'_>, at: usize) -> Result<Version, ReadError> {
    match row.get::<_, u32>(at)? {
        0 => Err(ReadError::Corrupt),
        v => Ok(Version(v)),
    }
}

/// Columns `version, state, seal`.
pub(super) fn subject(row: &Row<'_>, id: SubjectId) -> Result<SubjectRow, ReadError> {
    Ok(SubjectRow {
        subject: id,
        version: version(row, 0)?,
        state: blob(row.get_ref(1)?)?.to_vec(),
        seal: RowSeal(array(row.get_ref(2)?)?),
    })
}

/// Columns `locator, subject, collection, version, head_version, status, created_us, expires_us, generations, seal`: a head
/// and its seal.
pub(super) fn head(row: &Row<'_>) -> Result<(RecordHead, RowSeal), ReadError> {
    let head = RecordHead {
        record: RecordId(locator(row.get(0)?)?),
        subject: SubjectId(locator(row.get(1)?)?),
        collection: CollectionNo(row.get(2)?),
        version: version(row, 3)?,
        head_version: version(row, 4)?,
        status: RecordStatus::from_u8(row.get(5)?).ok_or(ReadError::Corrupt)?,
        created_at: Timestamp(row.get(6)?),
        expires_at: row.get::<_, Option<i64>>(7)?.map(Timestamp),
        generations: RecordHead::parse_generations(blob(row.get_ref(8)?)?).ok_or(ReadError::Corrupt)?,
    };
    Ok((head, RowSeal(array(row.get_ref(9)?)?)))
}

/// Columns `kek, wrapped`.
pub(super) fn key(row: &Row<'_>) -> Result<WrappedKey, ReadError> {
    Ok(WrappedKey { kek: row.get(0)?, bytes: array(row.get_ref(1)?)? })
}

/// Columns `kek, wrapped` from `at` on, of a join that may have found none.
pub(super) fn joined_key(row: &Row<'_>, at: usize) -> Result<Option<WrappedKey>, ReadError> {
    let Some(kek) = row.get::<_, Option<_>>(at)? else { return Ok(None) };
    Ok(Some(WrappedKey { kek, bytes: array(row.get_ref(at + 1)?)? }))
}

/// Columns `record, version, body, expires_us, seal`.
pub(super) fn grant(row: &Row<'_>, id: GrantId) -> Result<GrantRow, ReadError> {
    Ok(GrantRow {
        grant: id,
        record: RecordId(locator(row.get(0)?)?),
        version: version(row, 1)?,
        body: blob(row.get_ref(2)?)?.to_vec(),
        expires_at: row.get::<_, Option<i64>>(3)?.map(Timestamp),
        seal: RowSeal(array(row.get_ref(4)?)?),
    })
}

/// Columns `id, version, body, seal`.
pub(super) fn control(row: &Row<'_>, kind: ControlKind) -> Result<ControlRow, ReadError> {
    Ok(ControlRow {
        kind,
        id: Id16(array(row.get_ref(0)?)?),
        version: version(row, 1)?,
        body: blob(row.get_ref(2)?)?.to_vec(),
        seal: RowSeal(array(row.get_ref(3)?)?),
    })
}

/// Columns `body, at_us, result`.
pub(super) fn idempotency(
    row: &Row<'_>,
    client: ClientNo,
    key: &[u8; 16],
) -> Result<IdempotencyRow, ReadError> {
    Ok(IdempotencyRow {
        client,
        key: *key,
        body: array(row.get_ref(0)?)?,
        at: Timestamp(row.get(1)?),
        result: blob(row.get_ref(2)?)?.to_vec(),
    })
}

/// The field numbers of a sealed record: `0x01 ‖ count 2 ‖ {field 2 ‖ length 4}* ‖ …`, strictly ascending.
pub(super) fn directory(sealed: &[u8]) -> Result<Vec<FieldNo>, ReadError> {
    let (suite, rest) = sealed.split_first().ok_or(ReadError::Corrupt)?;
    let (number, rest) = rest.split_first_chunk::<2>().ok_or(ReadError::Corrupt)?;
    let entries = usize::from(u16::from_be_bytes(*number));
    let listed = rest.get(..entries * 6).ok_or(ReadError::Corrupt)?;
    let (entries, _) = listed.as_chunks::<6>();
    let fields: Vec<_> = entries.iter().map(|[a, b, ..]| FieldNo(u16::from_be_bytes([*a, *b]))).collect();
    let ascending = fields.windows(2).all(|w| matches!(w, [x, y] if x < y));
    if *suite == 1 && ascending { Ok(fields) } else { Err(ReadError::Corrupt) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_directory_is_read_without_opening_the_record() {
        let sealed = [&[1, 0, 2, 0, 7, 0, 0, 0, 9, 1, 0, 0, 0, 0, 1][..], &[0xee; 40]].concat();
        assert_eq!(directory(&sealed).unwrap(), vec![FieldNo(7), FieldNo(256)]);
        assert_eq!(directory(&[1, 0, 0]).unwrap(), vec![]);
    }

    #[test]
    fn a_malformed_directory_is_corruption() {
        let bad: [&[u8]; 6] = [
            &[],
            &[1],
            &[1, 0],
            &[2, 0, 0],
            &[1, 0, 1, 0, 7, 0, 0, 0],
            &[1, 0, 2, 0, 7, 0, 0, 0, 9, 0, 7, 0, 0, 0, 1],
        ];
        for sealed in bad {
            assert!(matches!(directory(sealed), Err(ReadError::Corrupt)), "{sealed:?}");
        }
    }

    #[test]
    fn a_locator_without_a_counter_or_with_a_sign_is_corruption() {
        for raw in [0, 5, -1, i64::MIN] {
            assert!(locator(raw).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_directory_parser_fail_otherwise(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(fields) = directory(&bytes) {
                prop_assert!(fields.len() * 6 + 3 <= bytes.len());
            }
        }
    }
}
