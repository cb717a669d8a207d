//! Data tokens: sealed pointers. Not looked up but opened, so that a forged one is told apart without I/O, and a stolen
//! database holds none. One spelling per token; the same pointer gives the same token under one key version.

use super::Keyring;
use super::base62::{self, DIGITS};
use super::hazmat::aead::TAG;
use crate::domain::token::{Pointer, PointerKind};
use crate::domain::{AudienceNo, FieldNo, Generation, Locator};

/// Length of a pointer: kind 1 ‖ locator 8 ‖ field 2 ‖ generation 2 ‖ audience 2.
const POINTER: usize = 15;
/// Prefixes of live and development tokens.
const LIVE: &str = "srt_";
const DEVELOPMENT: &str = "srx_";

/// The character of a key version: `0-9A-Za-z` for 1 ..= 62.
fn version_char(version: u8) -> u8 {
    let at = version.saturating_sub(1) % 62;
    match at {
        0..=9 => b'0' + at,
        10..=35 => b'A' + at - 10,
        _ => b'a' + at - 36,
    }
}

impl Keyring {
    fn prefix(&self) -> &'static str {
        if self.is_development() { DEVELOPMENT } else { LIVE }
    }

    /// `vault 16 ‖ prefix 4 ‖ version character 1`
    fn token_aad(&self, version: u8) -> [u8; 21] {
        let mut aad = [0; 21];
        let parts: [&[u8]; 3] = [&self.vault.0, self.prefix().as_bytes(), &[version_char(version)]];
        aad.iter_mut().zip(parts.into_iter().flatten()).for_each(|(slot, byte)| *slot = *byte);
        aad
    }

    /// A data token for a pointer; the same pointer always gives the same token under one key version.
    pub fn mint_token(&self, pointer: &Pointer) -> String {
        let (version, key) = self.token.active();
        let mut sealed = [0; POINTER + TAG];
        let mut text = encode(pointer);
        // Sealing 15 bytes cannot fail; if it ever did, the token would open nothing.
        let tag = key.seal(&self.token_aad(version), &mut text).unwrap_or([0; TAG]);
        sealed.iter_mut().zip(text.into_iter().chain(tag)).for_each(|(slot, byte)| *slot = byte);
        let mut token = String::with_capacity(5 + DIGITS);
        token.push_str(self.prefix());
        token.push(char::from(version_char(version)));
        base62::encode(&sealed, &mut token);
        token
    }

    /// Opens a data token; `None`: forged or malformed. No I/O.
    pub fn open_token(&self, token: &str) -> Option<Pointer> {
        let (character, digits) = token.strip_prefix(self.prefix())?.as_bytes().split_first()?;
        let version = self.token.versions().find(|v| version_char(*v) == *character)?;
        let sealed = base62::decode(digits.try_into().ok()?)?;
        let (text, tag) = sealed.split_first_chunk::<POINTER>()?;
        let mut text = *text;
        self.token.get(version)?.open(&self.token_aad(version), &mut text, tag.try_into().ok()?).ok()?;
        decode(&text)
    }
}

fn encode(pointer: &Pointer) -> [u8; POINTER] {
    let mut out = [0; POINTER];
    let parts: [&[u8]; 5] = [
        &[pointer.kind as u8],
        &pointer.locator.get().to_be_bytes(),
        &pointer.field.0.to_be_bytes(),
        &pointer.generation.0.to_be_bytes(),
        &pointer.audience.0.to_be_bytes(),
    ];
    out.iter_mut().zip(parts.into_iter().flatten()).for_each(|(slot, byte)| *slot = *byte);
    out
}

fn decode(bytes: &[u8; POINTER]) -> Option<Pointer> {
    let [kind, l0, l1, l2, l3, l4, l5, l6, l7, f0, f1, g0, g1, a0, a1] = *bytes;
    Some(Pointer {
        kind: match kind {
            1 => PointerKind::Record,
            2 => PointerKind::Grant,
            _ => return None,
        },
        locator: Locator::from_raw(u64::from_be_bytes([l0, l1, l2, l3, l4, l5, l6, l7]))?,
        field: FieldNo(u16::from_be_bytes([f0, f1])),
        generation: Generation(u16::from_be_bytes([g0, g1])),
        audience: AudienceNo(u16::from_be_bytes([a0, a1])),
    })
}
