//! Every format, frozen: what these files hold opens for ever, and what is made today from the same randomness is what
//! they hold. `cargo test --lib write_vectors -- --ignored` writes them; a difference is a new format and needs a number
//! of its own.

use super::pointers::pointer;
use super::support::{Counted, Row, fields, head, keys, locator, seal, write_permit};
use crate::crypto::password::{PasswordParams, PasswordPool};
use crate::crypto::root::KeyFile;
use crate::crypto::{FieldAtIndex, Fields, Keyring, NameKind, RefKind, SecretKind, Table};
use crate::domain::token::{Pointer, PointerKind};
use crate::domain::*;
use serde_json::{Value, json};
use std::path::PathBuf;

pub(super) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

pub(super) fn unhex(value: &Value) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap()
}

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/vectors/formats", &format!("{name}.json")].iter().collect()
}

/// A file as it is committed.
pub(super) fn frozen(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path(name)).unwrap()).unwrap()
}

/// The root of the frozen keyring.
pub(super) fn frozen_root() -> KeyFile {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("root.key");
    std::fs::write(&path, frozen("keyring")["root_key_file"].as_str().unwrap()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    KeyFile::open(&path).unwrap()
}

/// The keys everything below was sealed under, read from their frozen file.
pub(super) fn frozen_keys() -> Keyring {
    Keyring::open_file(&unhex(&frozen("keyring")["file"]), &frozen_root()).unwrap()
}

fn keyring() -> Value {
    let dir = tempfile::tempdir().unwrap();
    let (root, file) = (dir.path().join("root.key"), dir.path().join("keyring"));
    let provider = KeyFile::create(&root, &mut Counted::from(500)).unwrap();
    keys().write(&file, &provider, &mut Counted::from(600)).unwrap();
    json!({
        "about": "A keyring under a root key file. The key is public: it has no use but this test.",
        "root_key_file": std::fs::read_to_string(root).unwrap(),
        "file": hex(&std::fs::read(file).unwrap()),
        "vault": hex(&keys().vault().0),
        "generation": 1,
        "ceiling": keys().ceiling(),
        "development": false,
        "signing_key": hex(&keys().signing_key()),
        "signature_of_a_checkpoint": hex(&keys().sign(b"a checkpoint")),
    })
}

/// The stored columns of a row, next to its head.
pub(super) fn columns(row: &Row) -> Value {
    json!({ "sealed": hex(&row.bytes), "seal": hex(&row.seal.0), "kek": row.key.kek, "wrapped": hex(&row.key.bytes) })
}

/// A row of the vectors' head with these columns.
pub(super) fn row(columns: &Value) -> Row {
    Row {
        head: head(),
        bytes: unhex(&columns["sealed"]),
        seal: record::RowSeal(unhex(&columns["seal"]).try_into().unwrap()),
        key: record::WrappedKey {
            kek: columns["kek"].as_u64().unwrap().try_into().unwrap(),
            bytes: unhex(&columns["wrapped"]).try_into().unwrap(),
        },
    }
}

fn records() -> Value {
    let keys = keys();
    let values: Vec<_> = fields().0.iter().map(|(f, v)| json!([f, hex(v)])).collect();
    let credential = keys.seal(&write_permit(), &head(), &fields(), true, &mut Counted::from(930)).unwrap();
    let empty = seal(&keys, &head(), &Fields(Vec::new()));
    json!({
        "about": "Sealed records of one head; `seal` is the head's row seal.",
        "head": {
            "record": head().record.0.get(), "subject": head().subject.0.get(), "collection": 5, "version": 2,
            "head_version": 3, "status": 1, "created_at": head().created_at.0,
            "expires_at": head().expires_at.unwrap().0, "generations": [[3, 11], [8, 12], [300, 13]],
        },
        "values": values,
        "data": columns(&Row::sealed(&keys)),
        "credential": columns(&Row::of(head(), credential)),
        "no_fields": columns(&Row::of(head(), empty)),
    })
}

const TABLES: [Table; 5] =
    [Table::Subjects, Table::Records, Table::Grants, Table::ExternalRefs, Table::Controls];

fn rows() -> Value {
    let seals: Vec<_> = TABLES
        .map(|t| json!({ "table": t as u8, "seal": hex(&keys().seal_row(t, b"key", Version(7), b"columns").0) }))
        .into();
    let mut unending = head();
    unending.expires_at = None;
    json!({
        "about": "Seals of the row with key `key`, version 7 and columns `columns` in each table, and of heads.",
        "rows": seals,
        "head": hex(&keys().seal_head(&head()).0),
        "head_without_expiry": hex(&keys().seal_head(&unending).0),
    })
}

fn grant() -> Pointer {
    Pointer { kind: PointerKind::Grant, locator: locator(MAX_COUNTER), ..pointer() }
}

pub(super) fn names() -> Value {
    let secret = |kind, start| {
        let (text, version, digest) = keys().new_secret(kind, &mut Counted::from(start)).unwrap();
        json!({ "text": text.expose(), "key_version": version, "digest": hex(&digest) })
    };
    json!({
        "about": "What leaves the vault as a word: tokens, public names, secrets with their stored digests.",
        "token_of_a_field": keys().mint_token(&pointer()),
        "token_of_a_grant": keys().mint_token(&grant()),
        "subject_1000": keys().name(NameKind::Subject, locator(1000)),
        "record_1001": keys().name(NameKind::Record, locator(1001)),
        "api_key": secret(SecretKind::ApiKey, 700),
        "session": secret(SecretKind::Session, 710),
        "unsubscribe": secret(SecretKind::Unsubscribe, 720),
    })
}

fn digests() -> Value {
    let (keys, blind) = (keys(), |bits| {
        let at = FieldAtIndex { collection: CollectionNo(5), field: FieldNo(3), normaliser: 1, bits };
        hex(&super::support::keys().blind(1, at, b"ada@example.org"))
    });
    json!({
        "about": "Keyed digests: blind values of `ada@example.org` for collection 5, field 3, normaliser 1, and others.",
        "blind_128": blind(128),
        "blind_24": blind(24),
        "external_ref_customer_1": hex(&keys.blind_external_ref("customer-1")),
        "idempotency_of_key_and_body": hex(&keys.idempotency_digest(&[b"key", b"body"])),
        "audit_ref_subject_s": hex(&keys.audit_ref(RefKind::Subject, b"s").0),
        "audit_ref_record_s": hex(&keys.audit_ref(RefKind::Record, b"s").0),
    })
}

const PASSWORD: &str = "correct horse battery staple";

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(super) fn verify(phc: &str) -> bool {
    let pool = PasswordPool::new(PasswordParams::default(), 1, 1);
    block_on(pool.verify(Some(phc), Sensitive::text(PASSWORD))).unwrap().valid
}

pub(super) fn passwords() -> Value {
    let pool = PasswordPool::new(PasswordParams::default(), 1, 1);
    let phc = block_on(pool.hash(Sensitive::text(PASSWORD), &mut Counted::from(800))).unwrap();
    json!({ "about": "The stored form of a password's hash.", "password": PASSWORD, "phc": phc })
}

type Made = (&'static str, fn() -> Value);

const FILES: [Made; 7] = [
    ("keyring", keyring),
    ("records", records),
    ("rows", rows),
    ("names", names),
    ("digests", digests),
    ("passwords", passwords),
    ("bad", super::bad_vectors::bad),
];

#[test]
#[ignore = "writes the frozen files"]
fn write_vectors() {
    for (name, make) in FILES {
        let text = format!("{}\n", serde_json::to_string_pretty(&make()).unwrap());
        std::fs::create_dir_all(path(name).parent().unwrap()).unwrap();
        std::fs::write(path(name), text).unwrap();
    }
}

#[test]
fn what_is_made_today_is_what_was_frozen() {
    for (name, make) in FILES {
        assert_eq!(make(), frozen(name), "{name}: a format changed");
    }
}

#[test]
fn the_frozen_keyring_opens_for_ever() {
    let (keys, file) = (frozen_keys(), frozen("keyring"));
    assert_eq!(hex(&keys.vault().0), file["vault"]);
    assert_eq!((keys.generation(), keys.is_development(), keys.ceiling()), (1, false, 1 << 32));
    assert_eq!(hex(&keys.signing_key()), file["signing_key"]);
    let signature = unhex(&file["signature_of_a_checkpoint"]).try_into().unwrap();
    assert!(keys.signed(b"a checkpoint", &signature));
}

#[test]
fn the_frozen_records_open_for_ever() {
    let (keys, file) = (frozen_keys(), frozen("records"));
    let values: Vec<(u16, Vec<u8>)> = file["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| (v[0].as_u64().unwrap().try_into().unwrap(), unhex(&v[1])))
        .collect();
    assert_eq!(row(&file["data"]).open_all(&keys).unwrap(), values);
    assert_eq!(row(&file["credential"]).open_all(&keys).unwrap(), values);
    assert_eq!(row(&file["no_fields"]).open_all(&keys).unwrap(), []);
    assert_eq!(file["head"]["record"], head().record.0.get());
}

#[test]
fn the_frozen_seals_hold_for_ever() {
    let (keys, file) = (frozen_keys(), frozen("rows"));
    let seal = |value: &Value| record::RowSeal(unhex(value).try_into().unwrap());
    for (table, row) in TABLES.into_iter().zip(file["rows"].as_array().unwrap()) {
        assert_eq!(keys.check_row(table, b"key", Version(7), b"columns", &seal(&row["seal"])), Ok(()));
    }
    assert_eq!(keys.check_head(&head(), &seal(&file["head"])), Ok(()));
    assert!(keys.check_head(&head(), &seal(&file["head_without_expiry"])).is_err());
}

#[test]
fn the_frozen_tokens_names_and_secrets_are_known_for_ever() {
    let (keys, file) = (frozen_keys(), frozen("names"));
    let text = |name: &str| file[name].as_str().unwrap().to_owned();
    assert_eq!(keys.open_token(&text("token_of_a_field")), Some(pointer()));
    assert_eq!(keys.open_token(&text("token_of_a_grant")), Some(grant()));
    assert_eq!(keys.locate(NameKind::Subject, &text("subject_1000")), Some(locator(1000)));
    assert_eq!(keys.locate(NameKind::Record, &text("record_1001")), Some(locator(1001)));
    let kinds = [
        ("api_key", SecretKind::ApiKey),
        ("session", SecretKind::Session),
        ("unsubscribe", SecretKind::Unsubscribe),
    ];
    for (name, kind) in kinds {
        let (version, digest) = keys.digest_secret(kind, file[name]["text"].as_str().unwrap()).unwrap();
        assert_eq!(
            (json!(version), json!(hex(&digest))),
            (file[name]["key_version"].clone(), file[name]["digest"].clone())
        );
    }
}

#[test]
fn the_frozen_hash_still_takes_its_password() {
    assert!(verify(frozen("passwords")["phc"].as_str().unwrap()));
}
