//! A30: AES-GCM alone does not commit to its key. A record that opens under another key than it was sealed under is
//! refused by the commitment, before GCM is asked.

use super::reference::{assemble, data_key, field_aad, field_key, pad, seal_padded, wrap};
use super::support::{Row, keys};
use crate::crypto::Unopenable;

/// The fields of a row sealed again, rightly, under another data key; the row's commitment kept.
fn resealed(keys: &crate::crypto::Keyring, row: &Row, other: &[u8; 32]) -> Row {
    let values = [(3, pad(b"Eve")), (8, pad(b"Elsewhere")), (300, pad(&[b'y'; 200]))];
    let sealed: Vec<_> =
        values.iter().map(|(f, v)| (*f, seal_padded(keys, &row.head, other, (*f, v)))).collect();
    let mut crafted = row.clone();
    crafted.bytes = assemble(keys, &row.head, other, &sealed);
    crafted.bytes[21..53].copy_from_slice(&row.bytes[21..53]);
    crafted
}

#[test]
fn a30_fields_genuine_under_another_key_are_refused_by_the_commitment_though_gcm_would_take_them() {
    let keys = keys();
    let row = Row::sealed(&keys);
    let other = [0x33; 32];
    let mut crafted = resealed(&keys, &row, &other);
    wrap(&keys, &mut crafted, &other);
    assert_eq!(crafted.open_all(&keys).unwrap_err(), Unopenable::Commitment);

    let aad = field_aad(&keys, &row.head, 3);
    let (text, tag) = crafted.bytes[53..85].split_at(16);
    let mut text = text.to_vec();
    assert_eq!(field_key(&other, &aad).open(&aad, &mut text, tag.try_into().unwrap()), Ok(()));
    assert_eq!(text, pad(b"Eve"), "GCM alone would have accepted it");
}

#[test]
fn a30_the_old_commitment_does_not_carry_over_to_another_key_with_the_old_fields() {
    let keys = keys();
    let mut row = Row::sealed(&keys);
    let mut other = data_key(&keys, &row);
    other[0] ^= 1;
    wrap(&keys, &mut row, &other);
    assert_eq!(row.open_all(&keys).unwrap_err(), Unopenable::Commitment);
}

#[test]
fn a30_nothing_is_decrypted_when_only_the_commitment_is_wrong() {
    // A field that nobody asked for is under the commitment too.
    let keys = keys();
    let row = Row::sealed(&keys);
    let mut bad = row.clone();
    let last_tag = bad.bytes.len() - 1;
    bad.bytes[last_tag] ^= 1;
    assert_eq!(bad.open(&keys, &[3]).unwrap_err(), Unopenable::Commitment);
}

#[test]
fn a30_a_row_seal_does_not_help_one_who_has_the_kek_but_not_the_row_key() {
    let keys = keys();
    let row = Row::sealed(&keys);
    let mut crafted = row.clone();
    crafted.head.expires_at = None;
    let key = data_key(&keys, &row);
    wrap(&keys, &mut crafted, &key);
    assert_eq!(crafted.open_all(&keys).unwrap_err(), Unopenable::RowSeal);
}
