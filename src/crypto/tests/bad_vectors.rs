//! Frozen bytes that must be refused, each with its reason, for every implementation that ever reads these formats.

use super::reference::{data_key, pad, record, wrap};
use super::support::{Counted, Row, head, keys, vault};
use super::vectors::{columns, frozen, frozen_keys, frozen_root, hex, row, unhex, verify};
use crate::crypto::{Keyring, KeyringError, NameKind, SecretKind};
use serde_json::{Value, json};

fn records() -> Vec<Value> {
    let keys = keys();
    let genuine = Row::sealed(&keys);
    let key = data_key(&keys, &genuine);
    let authentic = |padded: &[(u16, Vec<u8>)]| record(&keys, &head(), &key, padded);
    let case = |what: &str, refused: &str, edit: &dyn Fn(&mut Row)| {
        let mut bad = genuine.clone();
        edit(&mut bad);
        json!({ "what": what, "refused": refused, "columns": columns(&bad) })
    };
    let last = genuine.bytes.len() - 1;
    vec![
        case("nothing", "Malformed", &|r| r.bytes.clear()),
        case("suite 0", "Malformed", &|r| r.bytes[0] = 0),
        case("suite 2", "Malformed", &|r| r.bytes[0] = 2),
        case("one field more than there is", "Malformed", &|r| r.bytes[2] = 4),
        case("1025 fields", "Malformed", &|r| r.bytes[1..3].copy_from_slice(&1025_u16.to_be_bytes())),
        case("fields out of order", "Malformed", &|r| r.bytes[3..5].copy_from_slice(&[0, 9])),
        case("a field twice", "Malformed", &|r| r.bytes[9..11].copy_from_slice(&[0, 3])),
        case("a length no value pads to", "Malformed", &|r| r.bytes[8] += 1),
        case("a length beyond the cap", "Malformed", &|r| r.bytes[5] = 0xff),
        case("a byte too many", "Malformed", &|r| r.bytes.push(0)),
        case("a byte too few", "Malformed", &|r| r.bytes.truncate(last)),
        case("another field number", "Commitment", &|r| r.bytes[4] = 4),
        case("another commitment", "Commitment", &|r| r.bytes[21] ^= 1),
        case("another tag", "Commitment", &|r| r.bytes[last] ^= 1),
        case("another data key under the same head", "Commitment", &|r| wrap(&keys, r, &[9; 32])),
        case("another ciphertext", "Field", &|r| r.bytes[53] ^= 1),
        case("authentic, no padding marker", "Field", &|r| r.bytes = authentic(&[(3, vec![0; 16])])),
        case("authentic, padded too far", "Field", &|r| {
            r.bytes = authentic(&[(3, [pad(b"Ada"), vec![0; 16]].concat())]);
        }),
        case("authentic, all of it a value", "Field", &|r| r.bytes = authentic(&[(3, vec![b'x'; 16])])),
        case("another wrapped key", "Key", &|r| r.key.bytes[0] ^= 1),
        case("KEK version 2", "Key", &|r| r.key.kek = 2),
        case("KEK version 0", "Key", &|r| r.key.kek = 0),
        case("the pepper's KEK", "Key", &|r| r.key.kek |= 0x100),
        case("a KEK line that is none", "Key", &|r| r.key.kek |= 0x200),
        case("another seal", "RowSeal", &|r| r.seal.0[16] ^= 1),
        case("a blank seal", "RowSeal", &|r| r.seal.0 = [0; 17]),
        case("row key version 2", "RowSeal", &|r| r.seal.0[0] = 2),
    ]
}

fn keyrings() -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    let (root, file) = (dir.path().join("root.key"), dir.path().join("keyring"));
    let provider = crate::crypto::root::KeyFile::create(&root, &mut Counted::from(500)).unwrap();
    keys().write(&file, &provider, &mut Counted::from(600)).unwrap();
    let genuine = std::fs::read(&file).unwrap();
    let case = |what: &str, refused: &str, edit: &dyn Fn(&mut Vec<u8>)| {
        let mut bad = genuine.clone();
        edit(&mut bad);
        json!({ "what": what, "refused": refused, "file": hex(&bad) })
    };
    vec![
        case("nothing", "Malformed", &Vec::clear),
        case("another magic", "Malformed", &|f| f[0] ^= 1),
        case("format 2", "Malformed", &|f| f[4] = 2),
        case("development 2", "Malformed", &|f| f[6] = 2),
        case("a passphrase's", "OtherProvider", &|f| f[5] = 2),
        case("a development vault's", "Denied", &|f| f[6] = 1),
        case("another vault id", "Denied", &|f| f[7..23].copy_from_slice(&vault(8).0)),
        case("the next generation", "Denied", &|f| f[30] = 2),
        case("another carrier", "Denied", &|f| f[33] ^= 1),
        case("a carrier longer than the file", "Malformed", &|f| f[31] = 0xff),
        case("another root key", "Sealed", &|f| f[81] ^= 1),
        case("another body", "Sealed", &|f| f[200] ^= 1),
        case("a byte too few", "Sealed", &|f| f.truncate(genuine.len() - 1)),
    ]
}

fn words() -> Value {
    let good = super::vectors::names();
    let text = |name: &str| good[name].as_str().unwrap().to_owned();
    let token = text("token_of_a_field");
    let key = good["api_key"]["text"].as_str().unwrap().to_owned();
    let (subject, record) = (text("subject_1000"), text("record_1001"));
    json!({
        "tokens": {
            "a development prefix": token.replacen("srt_", "srx_", 1),
            "key version 2": token.replacen("srt_0", "srt_1", 1),
            "other case": token.to_lowercase(),
            "a digit too few": token[..46],
            "a digit too many": format!("{token}0"),
            "beyond 2^248": format!("srt_0{}", "z".repeat(42)),
            "all zeros": format!("srt_0{}", "0".repeat(42)),
        },
        "record_names": {
            "a subject's": subject,
            "a subject's under the prefix of records": subject.replacen("sub_", "rec_", 1),
            "lower case": record.to_lowercase(),
            "all zeros": format!("rec_{}", "0".repeat(26)),
            "beyond 128 bits": format!("rec_8{}", &record[5..]),
        },
        "api_keys": {
            "another tag": format!("{}{}", &key[..39], if key.ends_with('0') { '1' } else { '0' }),
            "a session's prefix": key.replacen("srk_", "srs_", 1),
            "no tag": key[..34],
            "all zeros": format!("srk_{}", "0".repeat(36)),
        },
    })
}

fn hashes() -> Value {
    let good = super::vectors::passwords()["phc"].as_str().unwrap().to_owned();
    json!({
        "another spelling of a number": good.replace("t=2", "t=+2"),
        "a leading zero": good.replace("m=19456", "m=019456"),
        "argon2i": good.replace("argon2id", "argon2i"),
        "another version": good.replace("v=19", "v=16"),
        "more memory than is ever given": good.replace("m=19456", "m=262145"),
        "two lanes": good.replace("p=1", "p=2"),
        "base64 padding": format!("{good}="),
        "a part too many": format!("{good}$"),
        "a line end": format!("{good}\n"),
    })
}

/// The file of everything that is refused.
pub(super) fn bad() -> Value {
    json!({
        "about": "Each must be refused; records under the head of records.json, keyrings under the root of keyring.json.",
        "records": records(),
        "keyrings": keyrings(),
        "words": words(),
        "hashes_of_the_right_password": hashes(),
    })
}

#[test]
fn every_bad_record_is_refused_for_its_reason() {
    let (keys, file) = (frozen_keys(), frozen("bad"));
    let cases = file["records"].as_array().unwrap();
    assert_eq!(cases.len(), 27);
    for case in cases {
        let refused = row(&case["columns"]).open_all(&keys).unwrap_err();
        assert_eq!(json!(format!("{refused:?}")), case["refused"], "{}", case["what"]);
    }
}

#[test]
fn every_bad_keyring_is_refused_for_its_reason() {
    let (root, file) = (frozen_root(), frozen("bad"));
    let cases = file["keyrings"].as_array().unwrap();
    assert_eq!(cases.len(), 13);
    for case in cases {
        let refused = match Keyring::open_file(&unhex(&case["file"]), &root).err().unwrap() {
            KeyringError::Root(root) => format!("{root:?}"),
            other => format!("{other:?}"),
        };
        assert_eq!(json!(refused), case["refused"], "{}", case["what"]);
    }
}

#[test]
fn every_bad_word_is_nobodys() {
    let (keys, file) = (frozen_keys(), frozen("bad"));
    let each = |kind: &str, known: &dyn Fn(&str) -> bool| {
        for (what, text) in file["words"][kind].as_object().unwrap() {
            assert!(!known(text.as_str().unwrap()), "{kind}: {what}");
        }
    };
    each("tokens", &|t| keys.open_token(t).is_some());
    each("record_names", &|t| keys.locate(NameKind::Record, t).is_some());
    each("api_keys", &|t| keys.digest_secret(SecretKind::ApiKey, t).is_some());
}

#[test]
fn every_bad_hash_is_refused_even_with_the_right_password() {
    for (what, phc) in frozen("bad")["hashes_of_the_right_password"].as_object().unwrap() {
        assert!(!verify(phc.as_str().unwrap()), "{what}");
    }
}
