//! Suite 1 written a second time, from its description alone: what the attacks below craft with, and a
//! check that the code does what is written down.

use super::support::{Row, fields, head, keys};
use crate::crypto::hazmat::aead::OneMessageKey;
use crate::crypto::hazmat::hash::sha256;
use crate::crypto::hazmat::mac::MacKey;
use crate::crypto::{Keyring, Unopenable};
use crate::domain::record::RecordHead;

/// `vault 16 ‖ locator 8 ‖ subject 8 ‖ collection 2 ‖ version 4`
pub(super) fn context(keys: &Keyring, head: &RecordHead) -> Vec<u8> {
    [
        &keys.vault().0[..],
        &head.record.0.get().to_be_bytes(),
        &head.subject.0.get().to_be_bytes(),
        &head.collection.0.to_be_bytes(),
        &head.version.0.to_be_bytes(),
    ]
    .concat()
}

pub(super) fn field_aad(keys: &Keyring, head: &RecordHead, field: u16) -> Vec<u8> {
    [b"SR1f", &context(keys, head)[..], &field.to_be_bytes()].concat()
}

/// HKDF-Expand to one block.
fn expand(key: &[u8; 32], info: &[&[u8]]) -> [u8; 32] {
    let message = [&info.concat()[..], &[1]].concat();
    MacKey::new(key).mac(&[&message])
}

pub(super) fn field_key(data_key: &[u8; 32], aad: &[u8]) -> OneMessageKey {
    OneMessageKey::new(&expand(data_key, &[b"SR1 field", aad]))
}

/// A padded value sealed for a field: ciphertext ‖ tag.
pub(super) fn seal_padded(
    keys: &Keyring,
    head: &RecordHead,
    data_key: &[u8; 32],
    (field, padded): (u16, &[u8]),
) -> Vec<u8> {
    let aad = field_aad(keys, head, field);
    let mut text = padded.to_vec();
    let tag = field_key(data_key, &aad).seal(&aad, &mut text).unwrap();
    [text, tag.to_vec()].concat()
}

pub(super) fn pad(value: &[u8]) -> Vec<u8> {
    let mut out = [value, &[0x80]].concat();
    let to = [16, 32, 64, 128, 256, 512, 1024].into_iter().find(|l| *l >= out.len());
    out.resize(to.unwrap_or_else(|| out.len().next_multiple_of(1024)), 0);
    out
}

/// A record of padded values, with the commitment it ought to have.
pub(super) fn record(
    keys: &Keyring,
    head: &RecordHead,
    data_key: &[u8; 32],
    padded: &[(u16, Vec<u8>)],
) -> Vec<u8> {
    let sealed: Vec<_> =
        padded.iter().map(|(f, p)| (*f, seal_padded(keys, head, data_key, (*f, p)))).collect();
    assemble(keys, head, data_key, &sealed)
}

/// A record of sealed fields, with the commitment it ought to have.
pub(super) fn assemble(
    keys: &Keyring,
    head: &RecordHead,
    data_key: &[u8; 32],
    sealed: &[(u16, Vec<u8>)],
) -> Vec<u8> {
    let mut directory = (sealed.len() as u16).to_be_bytes().to_vec();
    for (field, bytes) in sealed {
        directory.extend(field.to_be_bytes());
        directory.extend((bytes.len() as u32).to_be_bytes());
    }
    let tags: Vec<u8> = sealed.iter().flat_map(|(_, s)| s[s.len() - 16..].to_vec()).collect();
    let digest = sha256(&[&context(keys, head), &directory, &tags]);
    let commit = expand(data_key, &[b"SR1 commit", &digest]);
    let body: Vec<u8> = sealed.iter().flat_map(|(_, s)| s.clone()).collect();
    [&[1][..], &directory, &commit, &body].concat()
}

fn wrap_aad(keys: &Keyring, row: &Row) -> Vec<u8> {
    [
        b"SR1k",
        &keys.vault().0[..],
        &row.key.kek.to_be_bytes(),
        &row.head.record.0.get().to_be_bytes(),
        &row.head.version.0.to_be_bytes(),
        &row.seal.0,
    ]
    .concat()
}

/// The data key of a row, as one who holds the KEK gets at it.
pub(super) fn data_key(keys: &Keyring, row: &Row) -> [u8; 32] {
    let (_, kek) = keys.kek_data.active();
    *kek.unwrap(&wrap_aad(keys, row), &row.key.bytes).unwrap().expose()
}

/// Puts a data key of the attacker's choice under the row's head.
pub(super) fn wrap(keys: &Keyring, row: &mut Row, data_key: &[u8; 32]) {
    let (_, kek) = keys.kek_data.active();
    row.key.bytes = kek.wrap(&wrap_aad(keys, row), data_key).unwrap();
}

#[test]
fn a_sealed_record_is_byte_for_byte_what_the_format_says() {
    let keys = keys();
    let row = Row::sealed(&keys);
    let padded: Vec<_> = fields().0.iter().map(|(f, v)| (*f, pad(v))).collect();
    assert_eq!(row.bytes, record(&keys, &head(), &data_key(&keys, &row), &padded));
}

#[test]
fn the_data_key_is_the_hedged_one() {
    let keys = keys();
    let row = Row::sealed(&keys);
    // digest of the values: the directory, then each padded value in its place with the room for its tag still zero
    let (padded, mut body) = (fields().0, Vec::new());
    for (_, value) in &padded {
        body.extend(pad(value));
        body.extend([0; 16]);
    }
    let digest = sha256(&[&row.bytes[1..3 + 6 * 3], &body]);
    let random = sha256(&[b"strongroom vectors", &900_u64.to_be_bytes()]);
    let (place, version) = (row.head.record.0.get().to_be_bytes(), row.head.version.0.to_be_bytes());
    let message = [b"SR1 dk", &random[..], &keys.vault().0, &place, &version, &digest].concat();
    assert_eq!(data_key(&keys, &row), keys.hedge.mac(&[&message]));
}

#[test]
fn padding_that_is_not_the_canonical_one_is_refused_although_it_is_authentic() {
    let keys = keys();
    let mut row = Row::sealed(&keys);
    let data_key = data_key(&keys, &row);
    let zeros = vec![0; 16];
    let beyond = [b"ab\x80".to_vec(), vec![0; 29]].concat();
    let other = [b"value of 15 byt".to_vec(), vec![0x81]].concat();
    for padded in [zeros, beyond, other] {
        row.bytes = record(&keys, &row.head, &data_key, &[(3, padded)]);
        assert_eq!(row.open(&keys, &[3]), Err(Unopenable::Field));
    }
    row.bytes = record(&keys, &row.head, &data_key, &[(3, pad(b"ab"))]);
    assert_eq!(row.open(&keys, &[3]).unwrap(), [(3, b"ab".to_vec())]);
}
