//! Tokens. What opens is the one spelling of a token this vault minted: text of an attacker's choosing opens only if it prints
//! again as itself, and, the keys being out of reach of the input, only if it is one of the tokens minted here. A minted token
//! with anything changed opens nothing.

use super::support::{Taken, keys};
use crate::crypto::Keyring;
use crate::domain::token::{Pointer, PointerKind};
use crate::domain::{AudienceNo, FieldNo, Generation, Locator};
use std::sync::LazyLock;

static KEYS: LazyLock<(Keyring, Keyring)> = LazyLock::new(|| (keys(1), keys(2)));

fn pointer(data: &mut Taken<'_>) -> Option<Pointer> {
    Some(Pointer {
        kind: if data.byte() & 1 == 0 { PointerKind::Record } else { PointerKind::Grant },
        locator: Locator::from_raw(data.long())?,
        field: FieldNo(data.short()),
        generation: Generation(data.short()),
        audience: AudienceNo(data.short()),
    })
}

pub(super) fn run(data: &[u8]) {
    let (ours, theirs) = &*KEYS;
    if let Ok(text) = std::str::from_utf8(data) {
        // The fuzzer sees what is compared here, so it can send a token that an earlier input minted; nothing else opens.
        if let Some(opened) = ours.open_token(text) {
            assert_eq!(ours.mint_token(&opened), text, "text that nobody minted opened");
        }
    }
    let mut taken = Taken(data);
    let Some(pointer) = pointer(&mut taken) else { return };
    let token = ours.mint_token(&pointer);
    assert_eq!(ours.open_token(&token), Some(pointer), "a token does not open as what was minted");
    assert_eq!(theirs.open_token(&token), None, "another vault opened a token");
    // What is left of the input alters the token: a character, its length, or what stands around it.
    let (how, at, with) = (taken.byte() % 4, usize::from(taken.short()) % token.len(), taken.byte() & 0x7f);
    let (before, after) = token.split_at(at);
    let with = char::from(with);
    let altered = match how {
        0 => format!("{before}{with}{}", after.get(1..).unwrap_or_default()),
        1 => format!("{before}{with}{after}"),
        2 => before.to_owned(),
        _ => format!("{before}{}", after.get(1..).unwrap_or_default()),
    };
    if altered != token {
        assert_eq!(ours.open_token(&altered), None, "an altered token opened");
    }
}
