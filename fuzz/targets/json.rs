//! The strict JSON front. What it accepts has one meaning: serde_json reads the same value from it, no key of it is there
//! twice, it is no deeper and no longer than is allowed, and it stays accepted when it is written out again. What it refuses is
//! refused without a byte of it in the fault.

use crate::http::json::{self, FieldMap, MAX_DEPTH, MAX_VALUES, Reason};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::collections::HashSet;
use std::fmt;

/// A shape with every kind of member that bodies of ours have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read to see that reading it does no harm; its members are looked at by nobody")]
struct Shape {
    collection: String,
    fields: FieldMap,
    #[serde(default)]
    limit: Option<u32>,
    #[serde(default)]
    tokens: Vec<String>,
    #[serde(default)]
    inner: Option<Box<Shape>>,
}

/// Reads any JSON and counts: values, depth, and whether a key is twice in one object. By another hand than the scan.
struct Counted;

struct Tally {
    values: usize,
    depth: usize,
    twice: bool,
    fraction: bool,
}

/// Whether a key is twice in one object of a text that is JSON.
pub(crate) fn a_key_twice(text: &[u8]) -> bool {
    serde_json::from_slice::<Tally>(text).is_ok_and(|tally| tally.twice)
}

impl<'de> Deserialize<'de> for Tally {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Counted)
    }
}

const ONE: Tally = Tally { values: 1, depth: 0, twice: false, fraction: false };

impl Tally {
    fn with(self, inner: &Self) -> Self {
        let depth = self.depth.max(inner.depth + 1);
        let (twice, fraction) = (self.twice || inner.twice, self.fraction || inner.fraction);
        Self { values: self.values + inner.values, depth, twice, fraction }
    }
}

impl<'de> Visitor<'de> for Counted {
    type Value = Tally;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Tally, E> {
        Ok(ONE)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Tally, E> {
        Ok(ONE)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Tally, E> {
        Ok(ONE)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Tally, E> {
        Ok(Tally { fraction: true, ..ONE })
    }
    fn visit_str<E>(self, _: &str) -> Result<Tally, E> {
        Ok(ONE)
    }
    fn visit_unit<E>(self) -> Result<Tally, E> {
        Ok(ONE)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tally, A::Error> {
        let mut tally = Tally { depth: 1, ..ONE };
        while let Some(inner) = list.next_element::<Tally>()? {
            tally = tally.with(&inner);
        }
        Ok(tally)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tally, A::Error> {
        let (mut tally, mut seen) = (Tally { depth: 1, ..ONE }, HashSet::new());
        while let Some(key) = map.next_key::<String>()? {
            tally.twice |= !seen.insert(key);
            tally = tally.with(&map.next_value::<Tally>()?);
        }
        Ok(tally)
    }
}

pub(super) fn run(data: &[u8]) {
    let typed = json::parse::<Shape>(data);
    if let Err(fault) = &typed {
        let ours = ["collection", "fields", "limit", "tokens", "inner"];
        let known = |step: &str| ours.contains(&step) || step.bytes().all(|byte| byte.is_ascii_digit());
        assert!(fault.pointer.split('/').all(known), "a fault repeats what was sent");
        assert_eq!(fault.to_string(), fault.reason.sentence());
    }
    if let Err(fault) = json::check(data) {
        assert!(typed.is_err() && fault.pointer.is_empty());
        if fault.reason == Reason::DuplicateKey {
            let told = serde_json::from_slice::<Tally>(data);
            assert!(told.is_err() || a_key_twice(data), "no key is there twice");
        }
        return;
    }
    let read: Value = match serde_json::from_slice(data) {
        Ok(read) => read,
        Err(error) => unreachable!("accepted, but serde_json says {error}"),
    };
    match serde_json::from_slice::<Tally>(data) {
        Ok(tally) => {
            assert!(!tally.twice && !tally.fraction, "accepted: a key twice, or a number that is not whole");
            assert!(tally.depth <= MAX_DEPTH && tally.values <= MAX_VALUES);
        }
        Err(error) => unreachable!("accepted, but not read: {error}"),
    }
    assert_eq!(json::parse::<Value>(data).ok().as_ref(), Some(&read), "two readings of one body");
    let again = read.to_string();
    assert_eq!(json::parse::<Value>(again.as_bytes()).ok(), Some(read), "written out, it is read otherwise");
}
