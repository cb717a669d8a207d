//! What several targets need: fixed keys, and a way to take numbers off an input.

use crate::crypto::Keyring;
use crate::domain::entropy::EntropyFailed;
use crate::domain::{Entropy, VaultId};
use sha2::{Digest, Sha256};

/// SHA-256 over a counter: the same bytes with every run, no two blocks alike.
pub(super) struct Counted(pub(super) u64);

impl Entropy for Counted {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyFailed> {
        for chunk in out.chunks_mut(32) {
            let block = Sha256::digest(self.0.to_be_bytes());
            chunk.iter_mut().zip(block).for_each(|(slot, byte)| *slot = byte);
            self.0 += 1;
        }
        Ok(())
    }
}

/// Keys of a vault; the same for the same number.
pub(super) fn keys(vault: u8) -> Keyring {
    let made = Keyring::create(VaultId([vault; 16]), false, &mut Counted(u64::from(vault) << 32));
    made.unwrap_or_else(|error| unreachable!("{error}"))
}

/// Takes numbers off the front of an input; zeros once it is used up.
pub(super) struct Taken<'d>(pub(super) &'d [u8]);

impl Taken<'_> {
    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        let (here, rest) = self.0.split_at(self.0.len().min(N));
        out.iter_mut().zip(here).for_each(|(slot, byte)| *slot = *byte);
        self.0 = rest;
        out
    }
    pub(super) fn byte(&mut self) -> u8 {
        u8::from_be_bytes(self.bytes())
    }
    pub(super) fn short(&mut self) -> u16 {
        u16::from_be_bytes(self.bytes())
    }
    pub(super) fn long(&mut self) -> u64 {
        u64::from_be_bytes(self.bytes())
    }
}
