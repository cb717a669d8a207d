//! AES-256 on one block (FIPS 197): a keyed permutation of 16 bytes, for names. Not encryption of data: equal blocks
//! give equal outputs.

use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

/// The permutation's key.
pub(crate) struct BlockKey(Aes256);

impl BlockKey {
    /// Prepares the key.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256::new(key.into()))
    }
    /// The permuted block.
    pub(crate) fn forward(&self, block: [u8; 16]) -> [u8; 16] {
        let mut block = block.into();
        self.0.encrypt_block(&mut block);
        block.into()
    }
    /// The block that [`BlockKey::forward`] maps here.
    pub(crate) fn backward(&self, block: [u8; 16]) -> [u8; 16] {
        let mut block = block.into();
        self.0.decrypt_block(&mut block);
        block.into()
    }
}
