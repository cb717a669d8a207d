//! I4: a row that decides is used only with the seal of that table, key, version and content. Absence is no seal.

use super::support::{flips, keys};
use crate::crypto::{Table, Unopenable};
use crate::domain::Version;
use crate::domain::record::RowSeal;

const TABLES: [Table; 6] =
    [Table::Subjects, Table::Records, Table::Grants, Table::ExternalRefs, Table::Controls, Table::Limits];
const COLUMNS: &[u8] = b"columns of a row, in canonical form";

#[test]
fn i4_a_seal_is_for_one_table_key_version_and_content() {
    let keys = keys();
    for table in TABLES {
        let seal = keys.seal_row(table, b"key", Version(7), COLUMNS);
        let check = |t, k: &[u8], v, c: &[u8]| keys.check_row(t, k, Version(v), c, &seal);
        assert_eq!(check(table, b"key", 7, COLUMNS), Ok(()));
        for other in TABLES.into_iter().filter(|o| *o != table) {
            assert_eq!(check(other, b"key", 7, COLUMNS), Err(Unopenable::RowSeal), "{table:?} as {other:?}");
        }
        for key in [&b"kez"[..], b"ke", b"key\0", b""] {
            assert_eq!(check(table, key, 7, COLUMNS), Err(Unopenable::RowSeal));
        }
        for version in [0, 6, 8, u32::MAX] {
            assert_eq!(check(table, b"key", version, COLUMNS), Err(Unopenable::RowSeal));
        }
    }
}

#[test]
fn i4_every_flipped_cut_or_added_column_byte_is_refused() {
    let keys = keys();
    let seal = keys.seal_row(Table::Controls, b"key", Version(1), COLUMNS);
    let check = |columns: &[u8]| keys.check_row(Table::Controls, b"key", Version(1), columns, &seal);
    for (at, bit) in flips(COLUMNS.len()) {
        let mut bad = COLUMNS.to_vec();
        bad[at] ^= bit;
        assert_eq!(check(&bad), Err(Unopenable::RowSeal));
    }
    for len in 0..COLUMNS.len() {
        assert_eq!(check(&COLUMNS[..len]), Err(Unopenable::RowSeal), "{len} bytes");
    }
    assert_eq!(check(&[COLUMNS, &[0]].concat()), Err(Unopenable::RowSeal));
}

#[test]
fn i4_bytes_cannot_move_between_key_version_and_columns() {
    let keys = keys();
    let seal = keys.seal_row(Table::Grants, b"ab", Version(0x6364_6566), b"gh");
    let moved =
        [(&b"a"[..], 0x6263_6465, &b"fgh"[..]), (b"abc", 0x6465_6667, b"h"), (b"", 0x6162_6364, b"efgh")];
    for (key, version, columns) in moved {
        let checked = keys.check_row(Table::Grants, key, Version(version), columns, &seal);
        assert_eq!(checked, Err(Unopenable::RowSeal));
    }
}

#[test]
fn i4_no_seal_is_a_blank_one_and_no_key_version_is_taken_on_trust() {
    let keys = keys();
    let check = |seal| keys.check_row(Table::Subjects, b"key", Version(1), COLUMNS, &seal);
    let genuine = keys.seal_row(Table::Subjects, b"key", Version(1), COLUMNS);
    assert_eq!(genuine.0[0], 1);
    for blank in [[0; 17], [0xff; 17]] {
        assert_eq!(check(RowSeal(blank)), Err(Unopenable::RowSeal));
    }
    for version in (0..=255).filter(|v| *v != 1) {
        let mut seal = genuine;
        seal.0[0] = version;
        assert_eq!(check(seal), Err(Unopenable::RowSeal), "key version {version}");
    }
}

#[test]
fn i4_a_head_sealed_as_a_row_of_another_table_is_no_head() {
    let (keys, head) = (keys(), super::support::head());
    let seal = keys.seal_head(&head);
    assert_eq!(keys.check_head(&head, &seal), Ok(()));
    let key = head.record.0.get().to_be_bytes();
    let empty = keys.seal_row(Table::Records, &key, head.head_version, b"");
    assert_eq!(keys.check_head(&head, &empty), Err(Unopenable::RowSeal));
}
