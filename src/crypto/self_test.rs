//! Known answers at every start: a cipher that computes something else must not touch a vault.

use super::hazmat::aead::{OneMessageKey, SivKey};
use super::hazmat::{hash, mac::MacKey};

/// A primitive does not compute its known answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} does not compute its known answer on this machine; do not serve from it")]
pub struct SelfTestFailed(&'static str);

/// Checks SHA-256, HMAC-SHA-256 and AES-256-GCM against published answers, and that AES-256-GCM-SIV opens what it sealed.
pub fn self_test() -> Result<(), SelfTestFailed> {
    // FIPS 180-4 "abc"; RFC 4231 test case 2; the GCM specification's test case 14 (zero key, nonce and block).
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    check("SHA-256", hex(&hash::sha256(&[b"abc"])) == abc)?;
    let jefe = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    let mut key = [0; 32];
    key.iter_mut().zip(b"Jefe").for_each(|(k, b)| *k = *b);
    check("HMAC-SHA-256", hex(&MacKey::new(&key).mac(&[b"what do ya want ", b"for nothing?"])) == jefe)?;
    let mut block = [0; 16];
    let tag = OneMessageKey::new(&[0; 32]).seal(&[], &mut block).map(|tag| hex(&tag));
    let text_holds = hex(&block) == "cea7403d4d606b6e074ec5d3baf39d18";
    check("AES-256-GCM", text_holds && tag.as_deref() == Ok("d0d1c8a799996bf0265b98b5d48ab919"))?;
    let siv = SivKey::new(&[0; 32]);
    let mut text = [7; 32];
    let tag = siv.seal(b"aad", &mut text).map_err(|_| SelfTestFailed("AES-256-GCM-SIV"))?;
    let altered = text != [7; 32];
    let opened = siv.open(b"aad", &mut text, &tag).is_ok() && text == [7; 32];
    check("AES-256-GCM-SIV", altered && opened)
}

fn check(name: &'static str, holds: bool) -> Result<(), SelfTestFailed> {
    if holds { Ok(()) } else { Err(SelfTestFailed(name)) }
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// Whether AES and carry-less multiplication run in hardware.
pub fn hardware_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("pclmulqdq");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes")
        && std::arch::is_aarch64_feature_detected!("pmull");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_machine_computes_the_known_answers() {
        assert_eq!(super::self_test(), Ok(()));
    }
}
