//! Public names of subjects and records: one AES-256 block over `kind 1 ‖ 0⁷ ‖ locator 8`. No index, no I/O: a made-up name
//! shows wrong zeros but for one in 2⁶⁴, and names nothing then.

use super::{Keyring, NameKind};
use crate::domain::{Locator, crockford};

fn prefix(kind: NameKind) -> &'static str {
    match kind {
        NameKind::Subject => "sub_",
        NameKind::Record => "rec_",
    }
}

impl Keyring {
    /// The public name of a subject or record (`sub_…`, `rec_…`).
    pub fn name(&self, kind: NameKind, locator: Locator) -> String {
        let block = (u128::from(kind as u8) << 120) | u128::from(locator.get());
        crockford::encode(prefix(kind), &self.name.forward(block.to_be_bytes()))
    }

    /// The locator behind a public name; `None`: not ours.
    pub fn locate(&self, kind: NameKind, name: &str) -> Option<Locator> {
        let block = u128::from_be_bytes(self.name.backward(crockford::decode(prefix(kind), name)?));
        let locator = u64::try_from(block & u128::from(u64::MAX)).ok()?;
        ((block >> 64) == u128::from(kind as u8) << 56).then(|| Locator::from_raw(locator)).flatten()
    }
}
