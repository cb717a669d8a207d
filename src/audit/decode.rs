//! Reads event v1 strictly: bytes that another writer could have spelt differently are refused, not repaired.
//!
//! `encode(decode(b)) == b` for every `b` that is read. No input makes it panic, loop or reserve more memory than
//! the input is long (I10).

use super::bounds::{MAX_BODY, MAX_CHANGED, MAX_SUBJECTS, MAX_TEXT, is_country, is_part, is_row_kind};
use super::tag;
use crate::domain::event::{
    Act, ChangedRow, EventBody, EventItem, MAX_ITEMS, NetworkFacts, Outcome, Principal,
};
use crate::domain::rule::RuleSet;
use crate::domain::token::TokenCounts;
use crate::domain::{FieldNo, Id16, PolicyVersion, Ref8, Timestamp, Version};

/// Why bytes are not an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Malformed {
    /// The first byte names no version this build knows.
    #[error("the event is of an unknown version; use the release that wrote it or a later one")]
    Version,
    /// Longer than any event.
    #[error("the event is longer than {MAX_BODY} bytes")]
    TooLong,
    /// A length is cut short, not minimal, or runs past the end.
    #[error("a length in the event is not minimal or runs past its end")]
    Length,
    /// Tags do not ascend.
    #[error("tag {0} of the event is repeated or out of order")]
    Order(u8),
    /// Version 1 has no such tag.
    #[error("the event carries tag {0}, which version 1 does not have")]
    Unknown(u8),
    /// A value that is out of range, not UTF-8, or should have been left out.
    #[error("the value of tag {0} of the event is not in its canonical form")]
    Value(u8),
    /// A tag every event has.
    #[error("the event lacks tag {0}")]
    Missing(u8),
}

/// Reads an event, or says why the bytes are not the canonical form of one.
pub fn decode(bytes: &[u8]) -> Result<EventBody, Malformed> {
    if bytes.len() > MAX_BODY {
        return Err(Malformed::TooLong);
    }
    let mut rest = match bytes.split_first() {
        Some((&tag::VERSION, rest)) => rest,
        _ => return Err(Malformed::Version),
    };
    let nobody = EventBody::new(Id16([0; 16]), Timestamp(0), Principal::Vault, Act::Boot);
    let mut event = Partial { body: nobody, seen: 0 };
    let mut last = 0;
    while let Some((&tag, after)) = rest.split_first() {
        if tag <= last {
            return Err(Malformed::Order(tag));
        }
        let (value, after) = value(after).ok_or(Malformed::Length)?;
        let known = event.asked(tag, value).or_else(|| event.ended(tag, value));
        known.ok_or(Malformed::Unknown(tag))?.ok_or(Malformed::Value(tag))?;
        event.seen |= 1 << tag;
        (last, rest) = (tag, after);
    }
    event.finish()
}

/// Splits off a length-prefixed value; `None` when the length is not minimal or too long.
pub(super) fn value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mut len, mut shift, mut rest) = (0usize, 0u32, bytes);
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        len |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let minimal = byte != 0 || shift == 0;
            return if minimal { rest.split_at_checked(len) } else { None };
        }
        shift += 7;
        if shift > 14 {
            return None;
        }
    }
}

struct Partial {
    body: EventBody,
    seen: u32,
}

impl Partial {
    /// The tags that say who asked for what. Outer `None`: not one of these; inner `None`: not a canonical value.
    fn asked(&mut self, tag: u8, value: &[u8]) -> Option<Option<()>> {
        let body = &mut self.body;
        Some(match tag {
            tag::REQUEST => array(value).map(|v| body.request = Id16(v)),
            tag::RECEIVED_AT => array(value).map(|v| body.received_at = Timestamp(i64::from_be_bytes(v))),
            tag::PRINCIPAL => principal(value).map(|v| body.principal = v),
            tag::KEY_ID => array(value).map(|v| body.key_id = Some(Id16(v))),
            tag::ON_BEHALF_OF => array(value).map(|v| body.on_behalf_of = Some(Ref8(v))),
            tag::NET_PREFIX => {
                text(value).map(|prefix| body.network = Some(NetworkFacts { prefix, ..Default::default() }))
            }
            tag::NET_LABEL => on_network(body, text(value), |n, v| n.label = Some(v)),
            tag::NET_ASN => on_network(body, array(value), |n, v| n.asn = Some(u32::from_be_bytes(v))),
            tag::NET_COUNTRY => on_network(body, array(value).filter(is_country), |n, v| n.country = Some(v)),
            tag::UA_FAMILY => text(value).map(|v| body.ua_family = Some(v)),
            tag::ACT => byte(value).and_then(Act::from_u8).map(|v| body.act = v),
            tag::PURPOSE => text(value).map(|v| body.purpose = Some(v)),
            tag::RECIPIENT => text(value).map(|v| body.recipient = Some(v)),
            _ => return None,
        })
    }

    /// The tags that say what was touched and how it ended, read like [`asked`](Self::asked).
    fn ended(&mut self, tag: u8, value: &[u8]) -> Option<Option<()>> {
        let body = &mut self.body;
        Some(match tag {
            tag::SUBJECTS => list(value, MAX_SUBJECTS, |v| Some(Ref8(*v))).map(|v| body.subjects = v),
            tag::ITEMS => list(value, MAX_ITEMS, item).map(|v| body.items = v),
            tag::TOKENS => tokens(value).map(|v| body.tokens = v),
            tag::CONTEXT => context(value).map(|v| body.context = Some(v)),
            tag::OUTCOME => byte(value).and_then(Outcome::from_u8).map(|v| body.outcome = v),
            tag::CODE => text(value).map(|v| body.code = Some(v)),
            tag::RULES => number(value).map(|v| body.rules = RuleSet(v)),
            tag::POLICY => number(value).map(|v| body.policy = PolicyVersion(v)),
            tag::COST => number(value).map(|v| body.cost = v),
            tag::BYTES => number(value).map(|v| body.bytes = v),
            tag::CHANGED => list(value, MAX_CHANGED, changed).map(|v| body.changed = v),
            tag::PART => part(value).map(|v| body.part = v),
            tag::COUNT => array(value).map(|v| body.count = Some(u64::from_be_bytes(v))),
            tag::TLS_CLIENT => array(value).map(|v| body.tls_client = Some(Id16(v))),
            _ => return None,
        })
    }

    fn finish(self) -> Result<EventBody, Malformed> {
        let needed = [tag::REQUEST, tag::RECEIVED_AT, tag::PRINCIPAL, tag::ACT, tag::OUTCOME];
        match needed.into_iter().find(|tag| self.seen & (1 << tag) == 0) {
            Some(tag) => Err(Malformed::Missing(tag)),
            None => Ok(self.body),
        }
    }
}

/// The facts of a network mean nothing without its prefix.
fn on_network<T>(
    body: &mut EventBody,
    value: Option<T>,
    set: impl FnOnce(&mut NetworkFacts, T),
) -> Option<()> {
    let (network, value) = (body.network.as_mut()?, value?);
    set(network, value);
    Some(())
}

fn array<const N: usize>(value: &[u8]) -> Option<[u8; N]> {
    value.try_into().ok()
}

fn byte(value: &[u8]) -> Option<u8> {
    array::<1>(value).map(|[b]| b)
}

fn text(value: &[u8]) -> Option<String> {
    if value.len() > MAX_TEXT {
        return None;
    }
    std::str::from_utf8(value).ok().map(str::to_owned)
}

/// A number that is written only when it is not zero.
fn number(value: &[u8]) -> Option<u32> {
    array(value).map(u32::from_be_bytes).filter(|n| *n != 0)
}

/// Rows of `N` bytes each, at least one and at most `most`.
fn list<const N: usize, T>(
    value: &[u8],
    most: usize,
    read: impl Fn(&[u8; N]) -> Option<T>,
) -> Option<Vec<T>> {
    let (rows, rest) = value.as_chunks::<N>();
    let fits = !rows.is_empty() && rows.len() <= most && rest.is_empty();
    if fits { rows.iter().map(read).collect() } else { None }
}

pub(super) fn principal(value: &[u8]) -> Option<Principal> {
    match value.split_first()? {
        (&tag::BY_VAULT, []) => Some(Principal::Vault),
        (&tag::BY_CLIENT, name) => text(name).map(Principal::Client),
        (&tag::BY_LOCAL, uid) => array(uid).map(|uid| Principal::Local(u32::from_be_bytes(uid))),
        _ => None,
    }
}

fn item(row: &[u8; tag::ITEM_LEN]) -> Option<EventItem> {
    let (record, rest) = row.split_first_chunk::<8>()?;
    let (field, rest) = rest.split_first_chunk::<2>()?;
    let outcome = byte(rest)?;
    Some(EventItem { record: Ref8(*record), field: FieldNo(u16::from_be_bytes(*field)), outcome })
}

fn changed(row: &[u8; tag::CHANGED_LEN]) -> Option<ChangedRow> {
    let (reference, rest) = row.split_first_chunk::<8>()?;
    let (&kind, rest) = rest.split_first()?;
    let (version, seal) = rest.split_first_chunk::<4>()?;
    let version = Version(u32::from_be_bytes(*version));
    let row = ChangedRow { reference: Ref8(*reference), kind, version, seal: array(seal)? };
    is_row_kind(kind).then_some(row)
}

fn tokens(value: &[u8]) -> Option<TokenCounts> {
    let counts: [[u8; 4]; 6] = value.as_chunks::<4>().0.try_into().ok()?;
    let [live, erased, rotated, revoked, forged, decoy] = counts.map(u32::from_be_bytes);
    let tokens = TokenCounts { live, erased, rotated, revoked, forged, decoy };
    (value.len() == 24 && tokens != TokenCounts::default()).then_some(tokens)
}

fn context(value: &[u8]) -> Option<(String, Ref8, Option<bool>)> {
    let (&verified, rest) = value.split_first()?;
    let (reference, kind) = rest.split_first_chunk::<8>()?;
    let verified = match verified {
        0 => None,
        1 => Some(false),
        2 => Some(true),
        _ => return None,
    };
    Some((text(kind)?, Ref8(*reference), verified))
}

fn part(value: &[u8]) -> Option<(u32, u32)> {
    let (i, n) = value.split_first_chunk::<4>()?;
    let part = (u32::from_be_bytes(*i), u32::from_be_bytes(array(n)?));
    (is_part(part) && part != (1, 1)).then_some(part)
}
