//! A46: a key file or keyring file that is not as it must be is refused; the message shows no byte of a key and says what
//! to do.

use super::support::{Counted, keys, vault};
use crate::crypto::root::{KeyFile, Passphrase, RootError};
use crate::crypto::{Keyring, KeyringError};
use crate::domain::Sensitive;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

struct Place {
    dir: tempfile::TempDir,
    root: PathBuf,
    keyring: PathBuf,
    key_text: String,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let (root, keyring) = (dir.path().join("root.key"), dir.path().join("keyring"));
    let provider = KeyFile::create(&root, &mut Counted::from(500)).unwrap();
    keys().write(&keyring, &provider, &mut Counted::from(600)).unwrap();
    let key_text = std::fs::read_to_string(&root).unwrap();
    Place { dir, root, keyring, key_text }
}

impl Place {
    /// The message is fit to be shown: an instruction, and nothing of the key.
    fn fit(&self, message: &str) {
        let says = ["; ", "expected ", "restore", "check "].iter().any(|word| message.contains(word));
        assert!(says, "what to do? {message}");
        let key = &self.key_text["strongroom-root-key-1:".len()..];
        let shown = key.as_bytes().windows(6).any(|w| message.as_bytes().windows(6).any(|m| m == w));
        assert!(!shown, "key bytes: {message}");
    }
    fn refuses_key(&self, path: &Path) -> RootError {
        let error = KeyFile::open(path).err().unwrap();
        self.fit(&error.to_string());
        error
    }
    fn refuses_keyring(&self, path: &Path) -> KeyringError {
        let provider = KeyFile::open(&self.root).unwrap();
        let error = Keyring::load(path, &provider).err().unwrap();
        self.fit(&error.to_string());
        error
    }
    fn put(&self, name: &str, bytes: &[u8], mode: u32) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }
    fn fifo(&self) -> PathBuf {
        let path = self.dir.path().join("fifo");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        path
    }
}

#[test]
fn the_genuine_pair_opens_and_is_private() {
    let place = place();
    let keyring = Keyring::load(&place.keyring, &KeyFile::open(&place.root).unwrap()).unwrap();
    assert_eq!((keyring.vault(), keyring.generation(), keyring.is_development()), (vault(7), 1, false));
    for path in [&place.root, &place.keyring] {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let again = KeyFile::create(&place.root, &mut Counted::from(1)).err().unwrap();
    assert_eq!(again, RootError::Io(std::io::ErrorKind::AlreadyExists), "never overwritten");
}

#[test]
fn a46_a_file_that_is_no_private_plain_file_is_refused_without_waiting() {
    let place = place();
    let link = place.dir.path().join("link");
    symlink(&place.root, &link).unwrap();
    let dangling = place.dir.path().join("dangling");
    symlink(place.dir.path().join("nowhere"), &dangling).unwrap();
    let missing = place.dir.path().join("missing");
    let below_a_file = place.root.join("below");
    for path in [&link, &dangling, &missing, &below_a_file, &place.fifo(), &place.dir.path().to_owned()] {
        place.refuses_key(path);
        place.refuses_keyring(path);
    }
    assert!(matches!(place.refuses_key(&link), RootError::File(why) if why.contains("symbolic link")));
    for mode in [0o644, 0o640, 0o604, 0o620, 0o602, 0o601] {
        let key = place.put("loose.key", place.key_text.as_bytes(), mode);
        assert!(matches!(place.refuses_key(&key), RootError::File(why) if why.contains("chmod 600")));
        let keyring = place.put("loose", &std::fs::read(&place.keyring).unwrap(), mode);
        assert!(matches!(place.refuses_keyring(&keyring), KeyringError::File(_)));
    }
}

#[test]
fn a46_a_key_file_of_another_length_form_or_of_zeros_is_refused() {
    let place = place();
    let text = &place.key_text;
    let zeros = format!("strongroom-root-key-1:{}\n", "A".repeat(43));
    let bad = [
        String::new(),
        "\n".to_owned(),
        text[..text.len() - 2].to_owned(),
        text[22..].to_owned(),
        text.replace("key-1:", "key-2:"),
        format!("{text}\n"),
        format!(" {text}"),
        format!("{text}{text}"),
        text.replace('\n', "=\n"),
        text.replace('\n', "A\n"),
        text.replace('\n', "\r\n"),
        "x".repeat(256),
        "x".repeat(100_000),
        zeros,
    ];
    for contents in bad {
        let path = place.put("bad.key", contents.as_bytes(), 0o600);
        place.refuses_key(&path);
    }
    assert!(KeyFile::open(&place.put("no-newline.key", text.trim_end().as_bytes(), 0o600)).is_ok());
}

#[test]
fn a46_a_keyring_file_too_long_or_cut_short_is_refused() {
    let place = place();
    let bytes = std::fs::read(&place.keyring).unwrap();
    for contents in [&[][..], &bytes[..20], &bytes[..bytes.len() - 1], &[0; 65_537], b"SRKR"] {
        place.refuses_keyring(&place.put("bad", contents, 0o600));
    }
    assert!(matches!(
        place.refuses_keyring(&place.put("no", &vec![0; 70_000], 0o600)),
        KeyringError::File(_)
    ));
}

#[test]
fn a29_another_roots_keyring_another_provider_and_an_exchanged_carrier_are_refused() {
    let place = place();
    let other = KeyFile::create(&place.dir.path().join("other.key"), &mut Counted::from(9)).unwrap();
    let error = Keyring::load(&place.keyring, &other).err().unwrap();
    assert!(matches!(error, KeyringError::Root(RootError::Denied)));
    place.fit(&error.to_string());
    let passphrase = Passphrase::new(Sensitive::text("eleven oak desks"));
    let error = Keyring::load(&place.keyring, &passphrase).err().unwrap();
    assert!(matches!(error, KeyringError::Root(RootError::OtherProvider)));
    place.fit(&error.to_string());
    // A second keyring of the same vault, generation and root: its parts do not fit either.
    let provider = KeyFile::open(&place.root).unwrap();
    let second = place.dir.path().join("second");
    keys().write(&second, &provider, &mut Counted::from(650)).unwrap();
    let (one, two) = (std::fs::read(&place.keyring).unwrap(), std::fs::read(&second).unwrap());
    for (from, to) in [(33, 81), (81, 129), (129, one.len())] {
        let mut mixed = one.clone();
        mixed[from..to].copy_from_slice(&two[from..to]);
        assert!(matches!(Keyring::open_file(&mixed, &provider), Err(KeyringError::Sealed)), "{from}..{to}");
    }
}

#[test]
fn a_keyring_is_written_past_what_stands_in_its_way_and_stays_private() {
    let place = place();
    let provider = KeyFile::open(&place.root).unwrap();
    let staged = place.keyring.with_extension("new");
    let victim = place.put("victim", b"keep me", 0o644);
    let write = || keys().write(&place.keyring, &provider, &mut Counted::from(700));
    symlink(&victim, &staged).unwrap();
    write().unwrap();
    assert_eq!(std::fs::read(&victim).unwrap(), b"keep me", "a planted link is not followed");
    std::fs::write(&staged, b"left over").unwrap();
    std::fs::set_permissions(&staged, Permissions::from_mode(0o644)).unwrap();
    write().unwrap();
    std::fs::rename(place.fifo(), &staged).unwrap();
    write().unwrap();
    assert!(Keyring::load(&place.keyring, &provider).is_ok(), "its mode is 0600, or it would not load");
    assert!(!staged.exists());
}

#[test]
fn every_refusal_of_a_root_or_keyring_says_what_to_do() {
    let place = place();
    let kind = std::io::ErrorKind::PermissionDenied;
    let roots = [
        RootError::Io(kind),
        RootError::Denied,
        RootError::OtherProvider,
        RootError::Parameters,
        RootError::Entropy,
    ];
    roots.iter().for_each(|error| place.fit(&error.to_string()));
    let own = [
        KeyringError::Entropy,
        KeyringError::Io(kind),
        KeyringError::Malformed,
        KeyringError::Sealed,
        KeyringError::Incomplete,
    ];
    own.iter().for_each(|error| place.fit(&error.to_string()));
}
