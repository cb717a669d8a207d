//! Unsubscribe links and the digests of contexts: texts and ids that are derived, not drawn, so that they are found again.
//!
//! A link is derived from person and purpose under a sub-key of `K_secret`: as many mails as are sent, one link and one row.
//! It has the form of every other secret (prefix, 30 characters, keyed tag), is as hard to guess, and is stored only as
//! keyed digest. Never use a derived text for anything that can do more than one harmless thing.

use super::hazmat::kdf;
use super::hazmat::mac::MacKey;
use super::secret::{RANDOM, prefix, tag_of};
use super::{Keyring, SecretKind, base62};
use crate::domain::{PurposeNo, Sensitive, SubjectId};
use zeroize::Zeroizing;

/// Blocks of 32 bytes that are drawn from at most: 30 characters need fewer than two but once in a world.
const MAX_BLOCKS: u8 = 16;

impl Keyring {
    /// The link of a person and purpose under the active key version, with what is stored of it. The same every time.
    pub fn unsubscribe_link(
        &self,
        subject: SubjectId,
        purpose: PurposeNo,
    ) -> Option<(Sensitive<String>, u8, [u8; 32])> {
        let (version, keys) = self.secret.active();
        let prefix = prefix(SecretKind::Unsubscribe);
        let mut text = Zeroizing::new(String::with_capacity(prefix.len() + RANDOM + super::secret::TAG));
        text.push_str(prefix);
        for block in 0..MAX_BLOCKS {
            let parts = [&subject.0.get().to_be_bytes()[..], &purpose.0.to_be_bytes(), &[block]];
            let bytes = Zeroizing::new(keys.unsubscribe.mac(&parts));
            let missing = prefix.len() + RANDOM - text.len();
            text.extend(bytes.iter().filter_map(|b| base62::random_digit(*b)).take(missing));
        }
        if text.len() != prefix.len() + RANDOM {
            return None;
        }
        let tag = tag_of(&keys.tag, &text);
        text.push_str(&tag);
        let digest = keys.digest.mac(&[text.as_bytes()]);
        Some((Sensitive::new(std::mem::take(&mut *text)), version, digest))
    }

    /// The digest that a text which is no link of this vault is looked for under: it takes the same time and finds nothing.
    pub fn dummy_link_digest(&self, text: &str) -> (u8, [u8; 32]) {
        let (_, keys) = self.secret.active();
        (0, keys.unsubscribe.mac(&[b"nothing", text.as_bytes()]))
    }

    /// Digest of a context and its parts, under a sub-key of `K_idem`; each part is preceded by its length.
    pub fn context_digest(&self, parts: &[&[u8]]) -> [u8; 16] {
        let key = kdf::derive_key(&self.idem, [b"SR1 context"]);
        let lengths: Vec<[u8; 8]> = parts.iter().map(|p| (p.len() as u64).to_be_bytes()).collect();
        let message: Vec<&[u8]> =
            lengths.iter().zip(parts).flat_map(|(length, part)| [length.as_slice(), *part]).collect();
        // EXPOSE: prepared as MAC key and wiped.
        MacKey::new(key.expose()).mac_truncated(&message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entropy::{Entropy, OsEntropy};
    use crate::domain::{Locator, VaultId};

    fn keyring() -> Keyring {
        Keyring::create(VaultId(OsEntropy.array().unwrap()), true, &mut OsEntropy).unwrap()
    }
    fn subject(counter: u64) -> SubjectId {
        SubjectId(Locator::from_raw(counter << 12).unwrap())
    }
    fn text(keys: &Keyring, counter: u64, purpose: u16) -> String {
        keys.unsubscribe_link(subject(counter), PurposeNo(purpose)).unwrap().0.expose().clone()
    }

    #[test]
    fn a_link_is_the_same_every_time_and_another_for_every_person_purpose_and_vault() {
        let (keys, other) = (keyring(), keyring());
        assert_eq!(text(&keys, 1, 1), text(&keys, 1, 1));
        let mut all: Vec<String> =
            (1..40).flat_map(|s| (1..10).map(move |p| (s, p))).map(|(s, p)| text(&keys, s, p)).collect();
        all.push(text(&other, 1, 1));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn a_link_has_the_form_of_every_secret_and_is_read_back_by_its_digest_only() {
        let keys = keyring();
        let (link, version, digest) = keys.unsubscribe_link(subject(3), PurposeNo(4)).unwrap();
        let link = link.expose().clone();
        assert_eq!((link.len(), &link[..4]), (40, "sru_"));
        assert_eq!(keys.digest_secret(SecretKind::Unsubscribe, &link), Some((version, digest)));
        assert_eq!(keys.digest_secret(SecretKind::ApiKey, &link), None);
        for at in 4..link.len() {
            let mut other = link.clone().into_bytes();
            other[at] = if other[at] == b'x' { b'y' } else { b'x' };
            let other = String::from_utf8(other).unwrap();
            assert_eq!(keys.digest_secret(SecretKind::Unsubscribe, &other), None, "{at}");
        }
    }

    #[test]
    fn a_link_outlives_a_rotation_and_ends_with_its_key() {
        let keys = keyring();
        let (link, _, digest) = keys.unsubscribe_link(subject(3), PurposeNo(4)).unwrap();
        let rotated = keys.rotated(true, &mut OsEntropy);
        assert_eq!(rotated.digest_secret(SecretKind::Unsubscribe, link.expose()).unwrap().1, digest);
        assert_ne!(text(&rotated, 3, 4), *link.expose());
        let ended = keys.rotated(false, &mut OsEntropy);
        assert_eq!(ended.digest_secret(SecretKind::Unsubscribe, link.expose()), None);
    }

    #[test]
    fn a_contexts_digest_keeps_its_parts_apart_and_outlives_a_rotation() {
        let keys = keyring();
        let digest = keys.context_digest(&[b"order", b"A-1"]);
        assert_ne!(digest, keys.context_digest(&[b"orderA", b"-1"]));
        assert_ne!(digest, keyring().context_digest(&[b"order", b"A-1"]));
        assert_ne!(digest, keys.idempotency_digest(&[b"order", b"A-1"]));
        assert_eq!(digest, keys.rotated(true, &mut OsEntropy).context_digest(&[b"order", b"A-1"]));
    }
}
