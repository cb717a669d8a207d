//! Root key in a file: 0600, one line `strongroom-root-key-1:` and 43 characters of base64url. The weakest provider: who
//! has the disk with this file and the keyring has the vault.

use super::{Carrier, RootError, RootProvider};
use crate::crypto::hazmat::Key32;
use crate::crypto::hazmat::aead::SivKey;
use crate::crypto::private_file::{self, Fault};
use crate::domain::Entropy;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::path::Path;
use zeroize::Zeroizing;

const LABEL: &str = "strongroom-root-key-1:";

/// A root key read from its file.
pub struct KeyFile(SivKey);

impl KeyFile {
    /// Makes a new key file; an existing one is never overwritten.
    pub fn create(path: &Path, entropy: &mut dyn Entropy) -> Result<Self, RootError> {
        let mut key = Key32::new([0; 32]);
        // EXPOSE: filled in place, written to its file, prepared; all copies are wiped.
        entropy.fill(key.expose_mut()).map_err(|_| RootError::Entropy)?;
        let text =
            Zeroizing::new(format!("{LABEL}{}\n", *Zeroizing::new(URL_SAFE_NO_PAD.encode(key.expose()))));
        private_file::create(path, text.as_bytes())
            .and_then(|()| private_file::sync_parent(path))
            .map_err(|e| RootError::Io(e.kind()))?;
        // EXPOSE: as above.
        Ok(Self(SivKey::new(key.expose())))
    }

    /// Reads a key file.
    pub fn open(path: &Path) -> Result<Self, RootError> {
        let bytes = Zeroizing::new(private_file::read(path, 256).map_err(|fault| match fault {
            Fault::Io(kind) => RootError::Io(kind),
            Fault::Unfit(why) => RootError::File(why),
        })?);
        let form =
            RootError::File("it holds no root key; expected one line that begins strongroom-root-key-1:");
        let text = std::str::from_utf8(&bytes).map_err(|_| form)?;
        let encoded = text.strip_prefix(LABEL).map(|t| t.strip_suffix('\n').unwrap_or(t)).ok_or(form)?;
        let decoded = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).map_err(|_| form)?);
        let key: &[u8; 32] = decoded.as_slice().try_into().map_err(|_| form)?;
        if key.iter().all(|b| *b == 0) {
            return Err(RootError::File("its key is all zeros; make a new one"));
        }
        Ok(Self(SivKey::new(key)))
    }
}

fn aad(context: &[u8]) -> Vec<u8> {
    [b"SR1 carrier ", context].concat()
}

impl RootProvider for KeyFile {
    fn kind(&self) -> u8 {
        1
    }
    fn describe(&self) -> &'static str {
        "key_file"
    }
    fn wrap(&self, carrier: &Carrier, context: &[u8], _: &mut dyn Entropy) -> Result<Vec<u8>, RootError> {
        // EXPOSE: wrapped here; leaves only as ciphertext.
        self.0.wrap(&aad(context), carrier.expose()).map(|w| w.to_vec()).map_err(|_| RootError::Denied)
    }
    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<Carrier, RootError> {
        let wrapped: &[u8; 48] = wrapped.try_into().map_err(|_| RootError::Denied)?;
        self.0.unwrap(&aad(context), wrapped).map_err(|_| RootError::Denied)
    }
}
