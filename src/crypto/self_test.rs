//! Known answers at every start: a cipher that computes something else must not touch a vault.

use super::hazmat::aead::{OneMessageKey, SivKey};
use super::hazmat::{hash, mac::MacKey};

/// A primitive does not compute its known answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} does not compute its known answer on this machine; do not serve from it")]
pub struct SelfTestFailed(&'static str);

/// Checks SHA-256, HMAC-SHA-256, AES-256-GCM and AES-256-GCM-SIV against published answers.
pub fn self_test() -> Result<(), SelfTestFailed> {
    // FIPS 180-4 "abc"; NIST GCM test case 13 (zero key, zero nonce, nothing); RFC 8452 C.2 (one block of zeros is ours).
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    check("SHA-256", hex(&hash::sha256(&[b"abc"])) == abc)?;
    let jefe = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    let mut key = [0; 32];
    key.iter_mut().zip(b"Jefe").for_each(|(k, b)| *k = *b);
    check("HMAC-SHA-256", hex(&MacKey::new(&key).mac(&[b"what do ya want ", b"for nothing?"])) == jefe)?;
    let gcm = OneMessageKey::new(&[0; 32]).seal(&[], &mut []).map(|tag| hex(&tag));
    check("AES-256-GCM", gcm.as_deref() == Ok("530f8afbc74536b9a963b4f1c4cb738b"))?;
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
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_machine_computes_the_known_answers() {
        assert_eq!(super::self_test(), Ok(()));
    }
}
