//! The keyring. A file opens as what was written; altered anywhere, or made up, it opens never and does no harm. What is
//! sealed inside is read canonically: what is read is written again as the same bytes, and no keyring is made of it unless
//! every purpose has exactly one active key.

use super::material::Material;
use super::{Keyring, KeyringError};
use crate::crypto::root::{Carrier, KeyFile, RootError, RootProvider};
use crate::domain::entropy::EntropyFailed;
use crate::domain::{Entropy, VaultId};
use std::sync::LazyLock;

struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyFailed> {
        self.0 = self.0.wrapping_add(1);
        out.iter_mut().zip(0_u8..).for_each(|(slot, at)| *slot = self.0.wrapping_mul(31).wrapping_add(at));
        Ok(())
    }
}

/// A provider that hands the carrier out for anything: what stands behind it must then hold on its own.
struct Open;

impl RootProvider for Open {
    fn kind(&self) -> u8 {
        1
    }
    fn describe(&self) -> &'static str {
        "open"
    }
    fn wrap(&self, carrier: &Carrier, _: &[u8], _: &mut dyn Entropy) -> Result<Vec<u8>, RootError> {
        // EXPOSE: a test's key.
        Ok(carrier.expose().to_vec())
    }
    fn unwrap(&self, wrapped: &[u8], _: &[u8]) -> Result<Carrier, RootError> {
        wrapped.try_into().map(Carrier::new).map_err(|_| RootError::Denied)
    }
}

/// A keyring file and the provider it was written under.
struct Written {
    provider: Box<dyn RootProvider>,
    bytes: Vec<u8>,
}

fn written(provider: impl RootProvider + 'static, dir: &std::path::Path) -> Option<Written> {
    let keys = Keyring::create(VaultId([9; 16]), false, &mut Counting(1)).ok()?;
    let path = dir.join("keyring");
    keys.write(&path, &provider, &mut Counting(90)).ok()?;
    Some(Written { provider: Box::new(provider), bytes: std::fs::read(&path).ok()? })
}

/// One under a real key file, one under a provider that denies nothing.
static WRITTEN: LazyLock<[Written; 2]> = LazyLock::new(|| {
    let made = || {
        let dir = std::env::temp_dir().join(format!("strongroom-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&dir).ok()?;
        let real = KeyFile::create(&dir.join("root.key"), &mut Counting(60)).ok()?;
        let both = [written(real, &dir)?, written(Open, &dir)?];
        std::fs::remove_dir_all(&dir).ok()?;
        Some(both)
    };
    made().unwrap_or_else(|| unreachable!("a keyring can be written"))
});

fn file(which: u8) -> &'static Written {
    let [real, open] = &*WRITTEN;
    if which & 1 == 0 { real } else { open }
}

fn load(of: &Written, bytes: &[u8]) -> Result<Keyring, KeyringError> {
    Keyring::open_file(bytes, of.provider.as_ref())
}

fn altered(original: &[u8], mut edits: &[u8]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    while let Some(([how, high, low, with], rest)) = edits.split_first_chunk::<4>() {
        let at = usize::from(u16::from_be_bytes([*high, *low])) % (bytes.len() + 1);
        match how % 8 {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, *with),
            2 => drop(bytes.splice(at..(at + usize::from(*with)).min(bytes.len()), [])),
            _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= with),
        }
        edits = rest;
    }
    bytes
}

fn material(bytes: &[u8]) {
    let Some(read) = Material::decode(bytes) else { return };
    assert_eq!(*read.encode(), *bytes, "keys are read that are written otherwise");
    let made = Keyring::assemble(VaultId([1; 16]), false, 0, read);
    // 11 purposes, each with exactly one active key.
    let active: Vec<u8> = bytes
        .get(10..)
        .unwrap_or_default()
        .as_chunks::<35>()
        .0
        .iter()
        .filter_map(|[purpose, _, state, ..]| (*state == 1).then_some(*purpose))
        .collect();
    assert_eq!(made.is_some(), (1..=11).eq(active), "a keyring of other keys than it needs");
    if let Some(keys) = made {
        let signature = keys.sign(b"fuzz");
        assert!(keys.signed(b"fuzz", &signature) && !keys.signed(b"other", &signature));
    }
}

/// The target.
pub(crate) fn run(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    let of = file(how >> 2);
    match how % 3 {
        0 => assert!(rest == of.bytes || load(of, rest).is_err(), "a made-up keyring opened"),
        1 => {
            let bytes = altered(&of.bytes, rest);
            assert_eq!(load(of, &bytes).is_ok(), bytes == of.bytes, "an altered keyring opened");
        }
        _ => material(rest),
    }
}
