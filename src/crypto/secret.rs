//! API keys and their like: prefix, 30 random base62 characters (178 bits), 6 characters of keyed tag. Stored only as keyed
//! digest. Form and tag are checked before the digest is looked for, in constant time.

use super::{Keyring, SecretKind, Unopenable, base62};
use crate::domain::{Entropy, Sensitive};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub(super) const RANDOM: usize = 30;
pub(super) const TAG: usize = 6;

pub(super) fn prefix(kind: SecretKind) -> &'static str {
    match kind {
        SecretKind::ApiKey => "srk_",
        SecretKind::Session => "srs_",
        SecretKind::Unsubscribe => "sru_",
    }
}

impl Keyring {
    /// A fresh secret and the digest to store.
    pub fn new_secret(
        &self,
        kind: SecretKind,
        entropy: &mut dyn Entropy,
    ) -> Result<(Sensitive<String>, u8, [u8; 32]), Unopenable> {
        let prefix = prefix(kind);
        let mut text = Zeroizing::new(String::with_capacity(prefix.len() + RANDOM + TAG));
        text.push_str(prefix);
        // Bytes of 248 and more are drawn again; a generator that gives nothing else is broken.
        for _ in 0..1_000 {
            let mut bytes = Zeroizing::new([0; 32]);
            entropy.fill(&mut *bytes).map_err(|_| Unopenable::Entropy)?;
            let missing = prefix.len() + RANDOM - text.len();
            text.extend(bytes.iter().filter_map(|b| base62::random_digit(*b)).take(missing));
            if text.len() == prefix.len() + RANDOM {
                let (version, keys) = self.secret.active();
                let tag = tag_of(&keys.tag, &text);
                text.push_str(&tag);
                let digest = keys.digest.mac(&[text.as_bytes()]);
                return Ok((Sensitive::new(std::mem::take(&mut *text)), version, digest));
            }
        }
        Err(Unopenable::Entropy)
    }

    /// Digest of a presented secret after its form and tag passed; (key version, digest). `None`: never issued by this vault.
    pub fn digest_secret(&self, kind: SecretKind, text: &str) -> Option<(u8, [u8; 32])> {
        let digits = text.strip_prefix(prefix(kind))?.as_bytes();
        if digits.len() != RANDOM + TAG || !digits.iter().all(|b| base62::is_digit(*b)) {
            return None;
        }
        let (stem, tag) = text.split_at_checked(text.len() - TAG)?;
        self.secret.versions().find_map(|version| {
            let keys = self.secret.get(version)?;
            let expected = tag_of(&keys.tag, stem);
            let genuine: bool = expected.as_bytes().ct_eq(tag.as_bytes()).into();
            genuine.then(|| (version, keys.digest.mac(&[text.as_bytes()])))
        })
    }
}

/// Six base62 characters of the tag (35 bits): enough to tell typing errors and guesses apart without I/O.
pub(super) fn tag_of(key: &super::hazmat::mac::MacKey, stem: &str) -> String {
    let mut number = u64::from_be_bytes(key.mac_truncated::<8>(&[stem.as_bytes()]));
    let mut tag = String::with_capacity(TAG);
    for _ in 0..TAG {
        tag.extend(base62::random_digit(u8::try_from(number % 62).unwrap_or(0)));
        number /= 62;
    }
    tag
}
