//! Tokens, names, secrets, digests: one spelling, one vault, one kind.

use super::support::{Counted, keys, locator, vault};
use crate::crypto::{FieldAtIndex, Keyring, NameKind, RefKind, SecretKind};
use crate::domain::token::{Pointer, PointerKind};
use crate::domain::*;
use std::collections::HashSet;

pub(super) fn pointer() -> Pointer {
    Pointer {
        kind: PointerKind::Record,
        locator: locator(1001),
        field: FieldNo(3),
        generation: Generation(11),
        audience: AudienceNo(2),
    }
}

#[test]
fn a_token_opens_to_its_pointer_and_is_minted_the_same_again() {
    let keys = keys();
    let edits: [fn(&mut Pointer); 6] = [
        |_| (),
        |p| p.kind = PointerKind::Grant,
        |p| p.locator = locator(MAX_COUNTER),
        |p| p.field = FieldNo(u16::MAX),
        |p| p.generation = Generation(u16::MAX),
        |p| p.audience = AudienceNo(0),
    ];
    let mut seen = HashSet::new();
    for edit in edits {
        let mut pointer = pointer();
        edit(&mut pointer);
        let token = keys.mint_token(&pointer);
        assert_eq!((token.len(), keys.mint_token(&pointer)), (47, token.clone()));
        assert_eq!(keys.open_token(&token), Some(pointer));
        assert!(seen.insert(token));
    }
}

#[test]
fn a_token_has_one_spelling() {
    let keys = keys();
    let token = keys.mint_token(&pointer());
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] ^= 0x20;
        let other = String::from_utf8(bytes).unwrap();
        assert_eq!(keys.open_token(&other), None, "{other}");
    }
    for other in [token.to_uppercase(), token.to_lowercase(), format!("{token}="), format!("\u{feff}{token}")]
    {
        assert_eq!(keys.open_token(&other), None);
    }
    assert_eq!(keys.open_token(&format!("srt_0{}", "z".repeat(42))), None, "beyond 2^248");
}

#[test]
fn a_development_token_is_no_live_token_and_the_reverse() {
    let live = keys();
    let development = Keyring::create(vault(7), true, &mut Counted::from(0)).unwrap();
    let (srt, srx) = (live.mint_token(&pointer()), development.mint_token(&pointer()));
    assert!(srt.starts_with("srt_") && srx.starts_with("srx_"));
    assert_eq!(development.open_token(&srx), Some(pointer()));
    assert_eq!((live.open_token(&srx), development.open_token(&srt)), (None, None));
    let (as_live, as_development) = (srx.replacen("srx_", "srt_", 1), srt.replacen("srt_", "srx_", 1));
    assert_eq!((live.open_token(&as_live), development.open_token(&as_development)), (None, None));
}

#[test]
fn another_vaults_tokens_names_and_secrets_are_nobodys() {
    let (ours, other) = (keys(), Keyring::create(vault(9), false, &mut Counted::from(70)).unwrap());
    assert_eq!(ours.open_token(&other.mint_token(&pointer())), None);
    assert_eq!(ours.locate(NameKind::Record, &other.name(NameKind::Record, locator(1))), None);
    let secret = other.new_secret(SecretKind::ApiKey, &mut Counted::from(2)).unwrap().0;
    assert_eq!(ours.digest_secret(SecretKind::ApiKey, secret.expose()), None);
    let twin = Keyring::create(vault(9), false, &mut Counted::from(0)).unwrap();
    assert_eq!(ours.open_token(&twin.mint_token(&pointer())), None, "equal keys, another vault id");
}

#[test]
fn a_pointer_of_no_kind_or_no_locator_is_refused_although_it_is_sealed() {
    let keys = keys();
    let raw = |kind: u8, locator: u64| {
        let mut text = [0; 15];
        text[0] = kind;
        text[1..9].copy_from_slice(&locator.to_be_bytes());
        let aad = [&keys.vault().0[..], b"srt_0"].concat();
        let tag = keys.token.active().1.seal(&aad, &mut text).unwrap();
        let mut token = String::from("srt_0");
        let sealed: [u8; 31] = [&text[..], &tag].concat().try_into().unwrap();
        crate::crypto::base62::encode(&sealed, &mut token);
        token
    };
    assert!(keys.open_token(&raw(1, locator(1).get())).is_some(), "the crafting itself is right");
    for (kind, locator) in [(0, 1 << 12), (3, 1 << 12), (255, 1 << 12), (1, 0), (1, 4095), (1, 1 << 63)] {
        assert_eq!(keys.open_token(&raw(kind, locator)), None, "kind {kind}, locator {locator}");
    }
}

#[test]
fn a_name_is_of_one_kind_and_its_zeros_must_be_zero() {
    let keys = keys();
    let (subject, record) =
        (keys.name(NameKind::Subject, locator(5)), keys.name(NameKind::Record, locator(5)));
    assert_eq!(keys.locate(NameKind::Subject, &subject), Some(locator(5)));
    assert_eq!(keys.locate(NameKind::Record, &record), Some(locator(5)));
    assert_ne!(subject[4..], record[4..]);
    assert_eq!(keys.locate(NameKind::Record, &subject), None);
    assert_eq!(keys.locate(NameKind::Record, &subject.replacen("sub_", "rec_", 1)), None);
    assert_eq!(keys.locate(NameKind::Subject, &record.replacen("rec_", "sub_", 1)), None);
    assert_eq!(keys.locate(NameKind::Record, &record.to_lowercase()), None);
    let block = |block: u128| crockford::encode("rec_", &keys.name.forward(block.to_be_bytes()));
    let genuine = (2_u128 << 120) | u128::from(locator(5).get());
    assert_eq!(keys.locate(NameKind::Record, &block(genuine)), Some(locator(5)));
    for bit in 64..128 {
        assert_eq!(keys.locate(NameKind::Record, &block(genuine ^ (1 << bit))), None, "bit {bit}");
    }
    for no_locator in [0, 4095, 1_u64 << 63] {
        assert_eq!(keys.locate(NameKind::Record, &block((2 << 120) | u128::from(no_locator))), None);
    }
}

#[test]
fn a_secret_is_of_one_kind_and_known_by_its_tag() {
    let keys = keys();
    let kinds =
        [(SecretKind::ApiKey, "srk_"), (SecretKind::Session, "srs_"), (SecretKind::Unsubscribe, "sru_")];
    let mut digests = HashSet::new();
    for (kind, prefix) in kinds {
        let (secret, version, digest) = keys.new_secret(kind, &mut Counted::from(8)).unwrap();
        let text = secret.expose();
        assert!(text.starts_with(prefix) && text.len() == 40);
        assert_eq!(keys.digest_secret(kind, text), Some((version, digest)));
        assert!(digests.insert(digest), "one digest a kind");
        for (other, to) in kinds.into_iter().filter(|(k, _)| *k != kind) {
            assert_eq!(keys.digest_secret(other, text), None);
            assert_eq!(
                keys.digest_secret(other, &text.replacen(prefix, to, 1)),
                None,
                "the tag covers the prefix"
            );
        }
        for at in 34..40 {
            for digit in b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" {
                let mut bad = text.clone().into_bytes();
                let same = std::mem::replace(&mut bad[at], *digit) == *digit;
                let found = keys.digest_secret(kind, std::str::from_utf8(&bad).unwrap());
                assert_eq!(found.is_some(), same);
            }
        }
    }
}

#[test]
fn digests_are_apart_by_every_part_of_what_they_are_for() {
    let keys = keys();
    let field = FieldAtIndex { collection: CollectionNo(5), field: FieldNo(3), normaliser: 1, bits: 128 };
    let blind = [
        keys.blind(1, field, b"ada"),
        keys.blind(1, field, b"adb"),
        keys.blind(1, FieldAtIndex { collection: CollectionNo(6), ..field }, b"ada"),
        keys.blind(1, FieldAtIndex { field: FieldNo(4), ..field }, b"ada"),
        keys.blind(1, FieldAtIndex { normaliser: 2, ..field }, b"ada"),
        keys.blind_external_ref("ada"),
        keys.idempotency_digest(&[b"ada"]),
        keys.idempotency_digest(&[b"ad", b"a"]),
        keys.idempotency_digest(&[b"ada", b""]),
        keys.idempotency_digest(&[]),
        keys.blind(2, field, b"ada"),
    ];
    assert_eq!(blind.iter().collect::<HashSet<_>>().len(), blind.len());
    let short = keys.blind(1, FieldAtIndex { bits: 24, ..field }, b"ada");
    assert_eq!((&short[..3], &short[3..]), (&blind[0][..3], &[0; 13][..]));
    let kinds = [
        RefKind::Subject,
        RefKind::Record,
        RefKind::Grant,
        RefKind::Control,
        RefKind::ExternalRef,
        RefKind::OnBehalfOf,
        RefKind::Context,
    ];
    let refs: HashSet<_> = kinds.map(|kind| keys.audit_ref(kind, b"x")).into_iter().collect();
    assert_eq!(refs.len(), kinds.len());
}
