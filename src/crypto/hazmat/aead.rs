//! AES-256-GCM for a key that encrypts one message ever, AES-256-GCM-SIV (RFC 8452) for a key that encrypts many
//! short ones. Both with the zero nonce: no nonce is stored, none can run out, none can be chosen wrongly.

use aes::Aes256Enc;
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::consts::U12;
use aes_gcm::{AesGcm, KeyInit};
use aes_gcm_siv::AesGcmSiv;

/// Both modes only ever encrypt blocks: the schedule for decrypting them is neither computed nor kept.
type Gcm = AesGcm<Aes256Enc, U12>;
type GcmSiv = AesGcmSiv<Aes256Enc>;

const ZERO: [u8; 12] = [0; 12];

/// Length of an authentication tag.
pub(crate) const TAG: usize = 16;

/// Authentication failed, or the input has an impossible length.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused;

/// An AES-256-GCM key for one message.
pub(crate) struct OneMessageKey(Gcm);

impl OneMessageKey {
    /// Prepares the key.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Gcm::new(key.into()))
    }
    /// Encrypts the one message in place and returns its tag. Consumes the key: a second message does not compile (I7).
    pub(crate) fn seal(self, aad: &[u8], buffer: &mut [u8]) -> Result<[u8; TAG], Refused> {
        self.seal_with_nonce(&ZERO, aad, buffer)
    }
    /// Checks the tag, then decrypts in place; on refusal the buffer is still ciphertext.
    pub(crate) fn open(&self, aad: &[u8], buffer: &mut [u8], tag: &[u8; TAG]) -> Result<(), Refused> {
        self.open_with_nonce(&ZERO, aad, buffer, tag)
    }
    pub(super) fn seal_with_nonce(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; TAG], Refused> {
        self.0.encrypt_inout_detached(nonce.into(), aad, buffer.into()).map(Into::into).map_err(|_| Refused)
    }
    pub(super) fn open_with_nonce(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), Refused> {
        self.0.decrypt_inout_detached(nonce.into(), aad, buffer.into(), tag.into()).map_err(|_| Refused)
    }
}

/// An AES-256-GCM-SIV key: deterministic authenticated encryption; equal inputs give equal outputs, no more.
pub(crate) struct SivKey(GcmSiv);

impl SivKey {
    /// Prepares the key.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(GcmSiv::new(key.into()))
    }
    /// Encrypts in place and returns the tag.
    pub(crate) fn seal(&self, aad: &[u8], buffer: &mut [u8]) -> Result<[u8; TAG], Refused> {
        self.seal_with_nonce(&ZERO, aad, buffer)
    }
    /// Decrypts in place and checks the tag; on refusal the buffer is zeroed.
    pub(crate) fn open(&self, aad: &[u8], buffer: &mut [u8], tag: &[u8; TAG]) -> Result<(), Refused> {
        let opened = self.0.decrypt_inout_detached((&ZERO).into(), aad, (&mut *buffer).into(), tag.into());
        if opened.is_err() {
            // SIV decrypts before it can check: what it wrote is not authentic and must not be seen.
            zeroize::Zeroize::zeroize(buffer);
            return Err(Refused);
        }
        Ok(())
    }
    pub(super) fn seal_with_nonce(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; TAG], Refused> {
        self.0.encrypt_inout_detached(nonce.into(), aad, buffer.into()).map(Into::into).map_err(|_| Refused)
    }
    /// Encrypts 32 bytes to 48: ciphertext ‖ tag.
    pub(crate) fn wrap(&self, aad: &[u8], key: &[u8; 32]) -> Result<[u8; 48], Refused> {
        let mut out = [0; 48];
        let (body, tail) = out.split_at_mut(32);
        body.copy_from_slice(key);
        match self.seal(aad, body) {
            Ok(tag) => tail.copy_from_slice(&tag),
            Err(refused) => {
                zeroize::Zeroize::zeroize(body);
                return Err(refused);
            }
        }
        Ok(out)
    }
    /// Opens what [`SivKey::wrap`] made.
    pub(crate) fn unwrap(&self, aad: &[u8], wrapped: &[u8; 48]) -> Result<super::Key32, Refused> {
        let (body, tag) = wrapped.split_first_chunk::<32>().ok_or(Refused)?;
        let tag: &[u8; TAG] = tag.try_into().map_err(|_| Refused)?;
        let mut key = super::Key32::new(*body);
        // EXPOSE: decrypted in place, so that the key is never anywhere else.
        self.open(aad, key.expose_mut(), tag)?;
        Ok(key)
    }
}
