//! A33, A66: whatever bytes come, nothing panics, and nothing made up opens.

use super::support::{Counted, Row, keys};
use crate::crypto::root::{KeyFile, Passphrase, RootProvider};
use crate::crypto::{Keyring, NameKind, SecretKind};
use crate::domain::{Sensitive, record};
use proptest::prelude::*;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::LazyLock;

static KEYS: LazyLock<Keyring> = LazyLock::new(keys);
static ROW: LazyLock<Row> = LazyLock::new(|| Row::sealed(&KEYS));

/// Bytes that begin like the real ones, so that the deeper checks are reached.
fn near(real: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let edits = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6);
    (edits, any::<prop::sample::Index>()).prop_map(move |(edits, end)| {
        let mut bytes = real.clone();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(end.index(real.len() * 2).max(1));
        bytes
    })
}

proptest! {
    #[test]
    fn a33_arbitrary_bytes_are_no_record(bytes in proptest::collection::vec(any::<u8>(), 0..200), suite: bool) {
        let mut row = ROW.clone();
        row.bytes = bytes;
        if suite && !row.bytes.is_empty() {
            row.bytes[0] = 1;
        }
        let _ = Keyring::directory(&row.bytes);
        prop_assert!(row.open_all(&KEYS).is_err());
    }

    #[test]
    fn a33_nearly_a_record_is_no_record(bytes in near(ROW.bytes.clone())) {
        prop_assume!(bytes != ROW.bytes);
        let row = Row { bytes, ..ROW.clone() };
        let _ = Keyring::directory(&row.bytes);
        prop_assert!(row.open_all(&KEYS).is_err());
    }

    #[test]
    fn a33_arbitrary_wrapped_keys_and_seals_open_nothing(kek: u16, key: [u8; 32], seal: [u8; 17]) {
        let mut bytes = [0; 48];
        bytes[..32].copy_from_slice(&key);
        let wrapped = Row { key: record::WrappedKey { kek, bytes }, ..ROW.clone() };
        prop_assert!(wrapped.open_all(&KEYS).is_err());
        let sealed = Row { seal: record::RowSeal(seal), ..ROW.clone() };
        prop_assert!(sealed.open_all(&KEYS).is_err());
    }

    #[test]
    fn a33_made_up_tokens_names_and_secrets_open_nothing(
        text in "\\PC{0,60}",
        digits in "[0-9A-Za-z]{42}",
        name in "[0-7][0-9A-HJKMNP-TV-Z]{25}",
        secret in "[0-9A-Za-z]{36}",
    ) {
        for token in [text.clone(), format!("srt_{text}"), format!("srt_0{digits}"), format!("srt_0{text}")] {
            prop_assert!(KEYS.open_token(&token).is_none());
        }
        for kind in [NameKind::Subject, NameKind::Record] {
            for name in [text.clone(), format!("sub_{name}"), format!("rec_{name}"), format!("rec_{text}")] {
                prop_assert!(KEYS.locate(kind, &name).is_none());
            }
        }
        for kind in [SecretKind::ApiKey, SecretKind::Session, SecretKind::Unsubscribe] {
            for secret in [text.clone(), format!("srk_{text}"), format!("srk_{secret}"), format!("srs_{secret}")] {
                prop_assert!(KEYS.digest_secret(kind, &secret).is_none());
            }
        }
    }
}

#[test]
fn a66_nearly_a_keyring_file_is_no_keyring() {
    let dir = tempfile::tempdir().unwrap();
    let root = KeyFile::create(&dir.path().join("root.key"), &mut Counted::from(500)).unwrap();
    let path = dir.path().join("keyring");
    KEYS.write(&path, &root, &mut Counted::from(600)).unwrap();
    let real = std::fs::read(&path).unwrap();
    proptest!(|(edited in near(real.clone()), bytes: Vec<u8>)| {
        prop_assume!(edited != real);
        prop_assert!(Keyring::open_file(&edited, &root).is_err());
        prop_assert!(Keyring::open_file(&bytes, &root).is_err());
        prop_assert!(Keyring::open_file(&[b"SRKR\x01\x01\x00", &bytes[..]].concat(), &root).is_err());
        prop_assert!(root.unwrap(&bytes, b"context").is_err());
    });
}

#[test]
fn a66_arbitrary_contents_are_no_key_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("root.key");
    let write = |bytes: &[u8]| {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
        file.write_all(bytes).unwrap();
    };
    proptest!(|(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in "[A-Za-z0-9_=+/-]{0,60}")| {
        write(&bytes);
        prop_assert!(KeyFile::open(&path).is_err());
        write(format!("strongroom-root-key-1:{text}\n").as_bytes());
        // 43 characters whose last two bits are zero are a key; of other shapes none is.
        prop_assert!(KeyFile::open(&path).is_err() || text.len() == 43);
    });
}

#[test]
fn a66_arbitrary_wraps_are_refused_by_a_passphrase_without_asking_for_memory() {
    let passphrase = Passphrase::new(Sensitive::text("eleven oak desks"));
    proptest!(|(bytes in proptest::collection::vec(any::<u8>(), 0..120))| {
        // 72 bytes with costs within bounds would be stretched; everything else ends before.
        prop_assume!(bytes.len() != 72);
        prop_assert!(passphrase.unwrap(&bytes, b"context").is_err());
    });
}
