//! Questions to the log ("who saw this record, for which purpose?") and the keys the index projection keeps.
//!
//! The index only narrows: an event is answered when [`Query::matches`] says so, never because the index did, so a
//! stale or forged index can hide nothing that a scan would not find and show nothing that is not there.

use super::hash::sha256;
use super::{decode, tag};
use crate::domain::event::{Act, EventBody, Outcome, Principal};
use crate::domain::{Ref8, Timestamp};

/// What to look for; what is `None` is not asked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Query {
    /// `client:<name>`, `local:<uid>`, `vault`, or a client's bare name.
    pub principal: Option<String>,
    /// A subject the event names or changed.
    pub subject: Option<Ref8>,
    /// A record the event names or changed.
    pub record: Option<Ref8>,
    /// A purpose.
    pub purpose: Option<String>,
    /// An act.
    pub act: Option<Act>,
    /// An outcome.
    pub outcome: Option<Outcome>,
    /// Committed at or after.
    pub since: Option<Timestamp>,
    /// Committed before.
    pub until: Option<Timestamp>,
    /// Most events to give; the caller counts.
    pub limit: usize,
}

impl Query {
    /// Whether an event committed at `at` is asked for.
    pub fn matches(&self, body: &EventBody, at: Timestamp) -> bool {
        self.since.is_none_or(|since| at >= since)
            && self.until.is_none_or(|until| at < until)
            && self.act.is_none_or(|act| body.act == act)
            && self.outcome.is_none_or(|outcome| body.outcome == outcome)
            && self.principal.as_ref().is_none_or(|p| principal_name(&body.principal) == qualified(p))
            && self.purpose.as_ref().is_none_or(|p| body.purpose.as_ref() == Some(p))
            && self.subject.is_none_or(|subject| subjects(body).any(|s| s == subject))
            && self.record.is_none_or(|record| records(body).any(|r| r == record))
    }

    /// The index key that narrows the search most, if any: record, subject, principal, purpose, in this order.
    pub fn index_key(&self) -> Option<(u8, [u8; 16])> {
        let record = self.record.map(|r| (IndexKind::Record as u8, padded(r)));
        let subject = self.subject.map(|s| (IndexKind::Subject as u8, padded(s)));
        let principal = self.principal.as_ref().map(|p| hashed(IndexKind::Principal, &qualified(p)));
        let purpose = self.purpose.as_ref().map(|p| hashed(IndexKind::Purpose, p));
        record.or(subject).or(principal).or(purpose)
    }
}

/// Kind of an index key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum IndexKind {
    /// First 16 bytes of the hash of the principal's name.
    Principal = 1,
    /// A subject's reference, then eight zero bytes.
    Subject = 2,
    /// A record's reference, then eight zero bytes.
    Record = 3,
    /// First 16 bytes of the hash of the purpose's name.
    Purpose = 4,
}

/// The keys under which the projection finds an event, each once.
pub fn index_keys(body: &EventBody) -> impl Iterator<Item = (u8, [u8; 16])> {
    let mut keys = Vec::with_capacity(2 + body.subjects.len() + body.items.len() + body.changed.len());
    keys.push(hashed(IndexKind::Principal, &principal_name(&body.principal)));
    keys.extend(body.purpose.as_ref().map(|purpose| hashed(IndexKind::Purpose, purpose)));
    keys.extend(subjects(body).map(|subject| (IndexKind::Subject as u8, padded(subject))));
    keys.extend(records(body).map(|record| (IndexKind::Record as u8, padded(record))));
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter()
}

/// The same keys read off the bytes of an event, without building it: what a projection of a whole log needs. A key may
/// come more than once. `false`: the bytes are no event this build knows how to walk.
pub fn index_keys_in(bytes: &[u8], mut each: impl FnMut(u8, [u8; 16])) -> bool {
    let Some((&tag::VERSION, mut rest)) = bytes.split_first() else { return false };
    while let Some((&tag, after)) = rest.split_first() {
        let Some((value, after)) = decode::value(after) else { return false };
        match tag {
            tag::PRINCIPAL => {
                let Some(principal) = decode::principal(value) else { return false };
                let (kind, key) = hashed(IndexKind::Principal, &principal_name(&principal));
                each(kind, key);
            }
            tag::PURPOSE => {
                let (kind, key) = hashed_bytes(IndexKind::Purpose, value);
                each(kind, key);
            }
            tag::SUBJECTS => firsts::<{ tag::SUBJECT_LEN }>(value)
                .for_each(|(subject, _)| each(IndexKind::Subject as u8, padded(subject))),
            tag::ITEMS => firsts::<{ tag::ITEM_LEN }>(value)
                .filter(|(record, _)| *record != Ref8([0; 8]))
                .for_each(|(record, _)| each(IndexKind::Record as u8, padded(record))),
            tag::CHANGED => firsts::<{ tag::CHANGED_LEN }>(value).for_each(|(row, kind)| match kind {
                1 => each(IndexKind::Subject as u8, padded(row)),
                2 if row != Ref8([0; 8]) => each(IndexKind::Record as u8, padded(row)),
                _ => {}
            }),
            _ => {}
        }
        rest = after;
    }
    true
}

/// The reference each row of a list begins with, and the byte after it.
fn firsts<const N: usize>(list: &[u8]) -> impl Iterator<Item = (Ref8, u8)> {
    let (rows, _) = list.as_chunks::<N>();
    rows.iter().filter_map(|row| {
        let (reference, rest) = row.split_first_chunk::<8>()?;
        Some((Ref8(*reference), rest.first().copied().unwrap_or(0)))
    })
}

/// A principal as queries and exports write it.
pub fn principal_name(principal: &Principal) -> String {
    match principal {
        Principal::Vault => String::from("vault"),
        Principal::Client(name) => format!("client:{name}"),
        Principal::Local(uid) => format!("local:{uid}"),
    }
}

/// A bare name means a client.
fn qualified(asked: &str) -> String {
    match asked.split_once(':') {
        Some(("client" | "local", _)) => asked.to_owned(),
        None if asked == "vault" => asked.to_owned(),
        _ => format!("client:{asked}"),
    }
}

fn subjects(body: &EventBody) -> impl Iterator<Item = Ref8> {
    let changed = body.changed.iter().filter(|row| row.kind == 1).map(|row| row.reference);
    body.subjects.iter().copied().chain(changed)
}

/// Zero names no record: it stands for a token that did not open.
fn records(body: &EventBody) -> impl Iterator<Item = Ref8> {
    let changed = body.changed.iter().filter(|row| row.kind == 2).map(|row| row.reference);
    body.items.iter().map(|item| item.record).chain(changed).filter(|record| *record != Ref8([0; 8]))
}

fn padded(Ref8(reference): Ref8) -> [u8; 16] {
    (u128::from(u64::from_be_bytes(reference)) << 64).to_be_bytes()
}

fn hashed(kind: IndexKind, name: &str) -> (u8, [u8; 16]) {
    hashed_bytes(kind, name.as_bytes())
}

fn hashed_bytes(kind: IndexKind, name: &[u8]) -> (u8, [u8; 16]) {
    let hash = sha256(&[b"SR1 idx", &[kind as u8], name]);
    let mut key = [0; 16];
    key.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    (kind as u8, key)
}
