//! The stored form of a hash: `$argon2id$v=19$m=…,t=…,p=1$salt$hash`, read strictly and within bounds.

use super::{MAX_ITERATIONS, MAX_KIB, PasswordParams};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// A hash with its salt and costs.
pub(super) struct Phc {
    pub(super) params: PasswordParams,
    pub(super) salt: [u8; 16],
    pub(super) hash: [u8; 32],
}

impl Phc {
    pub(super) fn to_text(&self) -> String {
        let PasswordParams { memory_kib, iterations, lanes } = self.params;
        let (salt, hash) = (STANDARD_NO_PAD.encode(self.salt), STANDARD_NO_PAD.encode(self.hash));
        format!("$argon2id$v=19$m={memory_kib},t={iterations},p={lanes}${salt}${hash}")
    }

    /// Bounds are checked here, before anybody allocates for them.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
        let (costs, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let mut costs = costs.split(',');
        let mut cost = |label: &str| costs.next()?.strip_prefix(label)?.parse::<u32>().ok();
        let params = PasswordParams { memory_kib: cost("m=")?, iterations: cost("t=")?, lanes: cost("p=")? };
        let bounded = (8..=MAX_KIB).contains(&params.memory_kib)
            && (1..=MAX_ITERATIONS).contains(&params.iterations)
            && params.lanes == 1;
        let whole = parts.next().is_none() && costs.next().is_none();
        let salt = STANDARD_NO_PAD.decode(salt).ok()?.try_into().ok()?;
        let hash = STANDARD_NO_PAD.decode(hash).ok()?.try_into().ok()?;
        let read = Self { params, salt, hash };
        // Numbers have several spellings (`+2`, `02`); a hash has one.
        (bounded && whole && read.to_text() == text).then_some(read)
    }
}
