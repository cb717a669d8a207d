//! Root key from a passphrase: argon2id (64 MiB, 3 passes) over a random salt. The parameters lie with the wrapped carrier
//! and are bounded before anything is allocated.

use super::{Carrier, RootError, RootProvider};
use crate::crypto::hazmat::Key32;
use crate::crypto::hazmat::aead::SivKey;
use crate::crypto::private_file::{self, Fault};
use crate::domain::{Entropy, Sensitive};
use argon2::{Algorithm, Argon2, Params, Version};
use std::path::Path;
use zeroize::Zeroizing;

const MEMORY_KIB: u32 = 64 * 1024;
const ITERATIONS: u32 = 3;
const MAX_MEMORY_KIB: u32 = 1024 * 1024;
const MAX_ITERATIONS: u32 = 10;
/// The shortest passphrase, in characters (NIST SP 800-63B-4).
const SHORTEST: usize = 15;

/// A root passphrase.
pub struct Passphrase(Sensitive<String>);

impl Passphrase {
    /// Takes the passphrase over.
    pub fn new(passphrase: Sensitive<String>) -> Self {
        Self(passphrase)
    }

    /// Reads it from a plain file that only its owner may read; a line break at the end does not belong to it.
    pub fn open(path: &Path) -> Result<Self, RootError> {
        let bytes = Zeroizing::new(private_file::read(path, 4_096).map_err(|fault| match fault {
            Fault::Io(kind) => RootError::Io(kind),
            Fault::Unfit(why) => RootError::File(why),
        })?);
        let text = std::str::from_utf8(&bytes).map_err(|_| RootError::File("it is not UTF-8 text"))?;
        let text = text.trim_end_matches(['\n', '\r']);
        if text.chars().count() < SHORTEST {
            return Err(RootError::File("a root passphrase has at least 15 characters"));
        }
        Ok(Self(Sensitive::text(text)))
    }

    fn key(&self, salt: &[u8; 16], memory: u32, iterations: u32) -> Result<SivKey, RootError> {
        let bounded = (8..=MAX_MEMORY_KIB).contains(&memory) && (1..=MAX_ITERATIONS).contains(&iterations);
        let params = Params::new(memory, iterations, 1, Some(32))
            .ok()
            .filter(|_| bounded)
            .ok_or(RootError::Parameters)?;
        let mut key = Key32::new([0; 32]);
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        // EXPOSE: stretched in place; the key is prepared and wiped.
        let made = argon.hash_password_into(self.0.expose().as_bytes(), salt, key.expose_mut());
        made.map_err(|_| RootError::Parameters)?;
        Ok(SivKey::new(key.expose()))
    }
}

fn aad(context: &[u8], header: &[u8]) -> Vec<u8> {
    [b"SR1 carrier ", context, header].concat()
}

impl RootProvider for Passphrase {
    fn kind(&self) -> u8 {
        2
    }
    fn describe(&self) -> &'static str {
        "passphrase"
    }
    /// `salt 16 ‖ memory KiB 4 ‖ iterations 4 ‖ wrapped 48`
    fn wrap(
        &self,
        carrier: &Carrier,
        context: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, RootError> {
        let mut salt = [0; 16];
        entropy.fill(&mut salt).map_err(|_| RootError::Entropy)?;
        let mut out = [&salt[..], &MEMORY_KIB.to_be_bytes(), &ITERATIONS.to_be_bytes()].concat();
        let key = self.key(&salt, MEMORY_KIB, ITERATIONS)?;
        // EXPOSE: wrapped here; leaves only as ciphertext.
        let wrapped = key.wrap(&aad(context, &out), carrier.expose()).map_err(|_| RootError::Denied)?;
        out.extend_from_slice(&wrapped);
        Ok(out)
    }
    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<Carrier, RootError> {
        let (header, sealed) = wrapped.split_at_checked(24).ok_or(RootError::Denied)?;
        let (salt, rest) = header.split_first_chunk::<16>().ok_or(RootError::Denied)?;
        let (memory, iterations) = rest.split_first_chunk::<4>().ok_or(RootError::Denied)?;
        let iterations: &[u8; 4] = iterations.try_into().map_err(|_| RootError::Denied)?;
        let sealed: &[u8; 48] = sealed.try_into().map_err(|_| RootError::Denied)?;
        let key = self.key(salt, u32::from_be_bytes(*memory), u32::from_be_bytes(*iterations))?;
        key.unwrap(&aad(context, header), sealed).map_err(|_| RootError::Denied)
    }
}
