//! Wycheproof vectors through our own wrappers (P6, A32), and the answers the standards print.

mod wycheproof;

use super::aead::{Refused, SivKey};
use super::{block::BlockKey, hash, mac::MacKey, sign};

pub(super) fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).unwrap()
}

#[test]
fn sha_256_of_abc_is_what_fips_180_prints() {
    let expected = hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(hash::sha256(&[b"a", b"", b"bc"]).to_vec(), expected);
}

#[test]
fn aes_256_of_one_block_is_what_fips_197_prints() {
    let key: [u8; 32] = core::array::from_fn(|i| i as u8);
    let plain: [u8; 16] = core::array::from_fn(|i| (i * 0x11) as u8);
    let sealed = BlockKey::new(&key).forward(plain);
    assert_eq!(sealed.to_vec(), hex("8ea2b7ca516745bfeafc49904b496089"));
    assert_eq!(BlockKey::new(&key).backward(sealed), plain);
}

#[test]
fn gcm_siv_is_what_rfc_8452_prints() {
    // RFC 8452 C.2, plaintext of 8 bytes.
    let mut key = [0; 32];
    key[0] = 1;
    let mut nonce = [0; 12];
    nonce[0] = 3;
    let mut text = hex("0100000000000000");
    let tag = SivKey::new(&key).seal_with_nonce(&nonce, b"", &mut text).unwrap();
    assert_eq!([text, tag.to_vec()].concat(), hex("c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"));
}

#[test]
fn a_siv_refusal_leaves_no_plaintext_behind() {
    let key = SivKey::new(&[7; 32]);
    let mut text = *b"a secret of no consequence";
    let mut tag = key.seal(b"here", &mut text).unwrap();
    tag[0] ^= 1;
    assert_eq!(key.open(b"here", &mut text, &tag), Err(Refused));
    assert_eq!(text, [0; 26]);
}

#[test]
fn a_mac_shorter_than_16_bytes_is_never_accepted() {
    let key = MacKey::new(&[1; 32]);
    let tag = key.mac(&[b"m"]);
    assert!(key.verify(&[b"m"], &tag) && key.verify(&[b"m"], &tag[..16]));
    assert!(!key.verify(&[b"m"], &tag[..15]) && !key.verify(&[b"m"], b"") && !key.verify(&[b"m"], &[0; 33]));
}

#[test]
fn a_signature_verifies_under_its_own_key_and_message_only() {
    let key = sign::SignKey::new(&[5; 32]);
    let signature = key.sign(b"head");
    assert!(sign::verify(&key.public(), b"head", &signature));
    assert!(!sign::verify(&key.public(), b"Head", &signature));
    assert!(!sign::verify(&sign::SignKey::new(&[6; 32]).public(), b"head", &signature));
}
