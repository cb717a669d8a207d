//! The vectors of Project Wycheproof that our fixed sizes cover; the number run is asserted, so that a changed file or
//! a filter gone wrong cannot pass by running nothing.

use super::hex;
use crate::crypto::hazmat::{aead::OneMessageKey, kdf, mac::MacKey, sign};
use serde_json::Value;

const AES_GCM: &str = include_str!("../../../../tests/vectors/wycheproof/aes_gcm_test.json");
const HKDF: &str = include_str!("../../../../tests/vectors/wycheproof/hkdf_sha256_test.json");
const HMAC: &str = include_str!("../../../../tests/vectors/wycheproof/hmac_sha256_test.json");
const ED25519: &str = include_str!("../../../../tests/vectors/wycheproof/ed25519_test.json");

/// Runs every vector of the groups `wanted` keeps; `passes` says whether our wrapper accepted it. Returns how many ran.
fn run(
    file: &str,
    wanted: impl Fn(&Value) -> bool,
    mut passes: impl FnMut(&Value, &Value) -> Option<bool>,
) -> usize {
    let file: Value = serde_json::from_str(file).unwrap();
    let mut count = 0;
    for group in file["testGroups"].as_array().unwrap().iter().filter(|g| wanted(g)) {
        for test in group["tests"].as_array().unwrap() {
            let Some(accepted) = passes(group, test) else { continue };
            assert_eq!(accepted, test["result"] == "valid", "tcId {}", test["tcId"]);
            count += 1;
        }
    }
    count
}

fn bytes(value: &Value, name: &str) -> Vec<u8> {
    hex(value[name].as_str().unwrap())
}

#[test]
fn a32_aes_256_gcm_agrees_with_wycheproof() {
    let ours = |g: &Value| g["keySize"] == 256 && g["ivSize"] == 96 && g["tagSize"] == 128;
    let count = run(AES_GCM, ours, |_, test| {
        let key = OneMessageKey::new(&bytes(test, "key").try_into().unwrap());
        let iv = bytes(test, "iv").try_into().unwrap();
        let (aad, message, sealed) = (bytes(test, "aad"), bytes(test, "msg"), bytes(test, "ct"));
        let tag: [u8; 16] = bytes(test, "tag").try_into().unwrap();
        let (mut out, mut back) = (message.clone(), sealed.clone());
        let made = key.seal_with_nonce(&iv, &aad, &mut out).unwrap();
        let opened = key.open_with_nonce(&iv, &aad, &mut back, &tag).is_ok();
        assert!(opened || back == sealed, "nothing may be decrypted on refusal");
        Some(opened && made == tag && out == sealed && back == message)
    });
    assert_eq!(count, 66);
}

#[test]
fn a32_hmac_sha_256_agrees_with_wycheproof_full_and_truncated() {
    let count = run(
        HMAC,
        |_| true,
        |_, test| {
            let (key, message, tag) = (bytes(test, "key"), bytes(test, "msg"), bytes(test, "tag"));
            let verified = MacKey::of_any_length(&key).verify(&[&message], &tag);
            if let Ok(fixed) = <&[u8; 32]>::try_from(key.as_slice()) {
                assert_eq!(MacKey::new(fixed).verify(&[&message], &tag), verified);
            }
            Some(verified)
        },
    );
    assert_eq!(count, 174);
}

#[test]
fn a32_hkdf_sha_256_agrees_with_wycheproof_in_its_first_block() {
    // Extract is HMAC(salt, ikm); an empty salt is 32 zero bytes, which HMAC pads the same way.
    let count = run(
        HKDF,
        |_| true,
        |_, test| {
            if test["result"] != "valid" {
                return None; // sizes beyond 255 blocks: our wrapper cannot be asked for more than one
            }
            let prk = MacKey::of_any_length(&bytes(test, "salt")).mac(&[&bytes(test, "ikm")]);
            let made = kdf::expand(&MacKey::new(&prk), [&bytes(test, "info")]);
            let expected = bytes(test, "okm");
            let shared = expected.len().min(32);
            Some(made[..shared] == expected[..shared])
        },
    );
    assert_eq!(count, 83);
}

#[test]
fn a32_ed25519_agrees_with_wycheproof() {
    let count = run(
        ED25519,
        |_| true,
        |group, test| {
            let public: [u8; 32] = bytes(&group["publicKey"], "pk").try_into().unwrap();
            let signature: Result<[u8; 64], _> = bytes(test, "sig").try_into();
            Some(signature.is_ok_and(|s| sign::verify(&public, &bytes(test, "msg"), &s)))
        },
    );
    assert_eq!(count, 151);
}
