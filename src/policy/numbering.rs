//! Names to numbers, kept over all policy versions: a number is never given to another name, so that a stored row
//! can never come to mean another field, purpose or recipient than the one it was written for (I3, I4).

use std::collections::BTreeMap;

/// Which names are numbered together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Space {
    Collections,
    Fields,
    Purposes,
    /// Clients and audiences share their numbers: a client is its own audience.
    Clients,
    Recipients,
}

const SPACES: usize = 5;
/// The first byte of the canonical form.
const FORM: u8 = 1;
/// Longest name, in bytes.
pub(super) const MAX_NAME: usize = 130;

/// Names to numbers, kept over all policy versions: a number is never given to another name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Numbering {
    spaces: [BTreeMap<String, u16>; SPACES],
}

impl Numbering {
    fn space(&self, space: Space) -> Option<&BTreeMap<String, u16>> {
        self.spaces.get(space as usize)
    }
    /// The number a name has.
    pub(super) fn get(&self, space: Space, name: &str) -> Option<u16> {
        self.space(space)?.get(name).copied()
    }
    /// The name that has a number, in this or an earlier version.
    pub(super) fn name(&self, space: Space, number: u16) -> Option<&str> {
        self.space(space)?.iter().find(|(_, n)| **n == number).map(|(name, _)| name.as_str())
    }
    /// The number of a name, a new one when it has none. `None` when 65 535 are used up.
    pub(super) fn number(&mut self, space: Space, name: &str) -> Option<u16> {
        let names = self.spaces.get_mut(space as usize)?;
        if let Some(number) = names.get(name) {
            return Some(*number);
        }
        let next = names.values().max().copied().unwrap_or(0).checked_add(1)?;
        names.insert(name.to_owned(), next);
        Some(next)
    }
    /// Canonical bytes, sealed with the policy version: form, then per space a count and (number, length, name) by name.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![FORM];
        for names in &self.spaces {
            bytes.extend(u16::try_from(names.len()).unwrap_or(u16::MAX).to_be_bytes());
            for (name, number) in names {
                bytes.extend(number.to_be_bytes());
                bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
                bytes.extend(name.as_bytes());
            }
        }
        bytes
    }
    /// Reads them back; `None` when malformed: another form, a name or number twice, an order that is not canonical.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (form, mut rest) = bytes.split_first()?;
        (*form == FORM).then_some(())?;
        let mut numbering = Self::default();
        for names in &mut numbering.spaces {
            let (count, after) = rest.split_first_chunk::<2>()?;
            rest = after;
            for _ in 0..u16::from_be_bytes(*count) {
                let (number, after) = rest.split_first_chunk::<2>()?;
                let (length, after) = after.split_first()?;
                let (name, after) = after.split_at_checked(usize::from(*length))?;
                rest = after;
                let number = u16::from_be_bytes(*number);
                let name = std::str::from_utf8(name).ok()?;
                let taken = number == 0 || names.values().any(|n| *n == number);
                let ordered = names.last_key_value().is_none_or(|(last, _)| last.as_str() < name);
                (!taken && ordered).then_some(())?;
                names.insert(name.to_owned(), number);
            }
        }
        rest.is_empty().then_some(numbering)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Numbering {
        let mut n = Numbering::default();
        for name in ["b", "a", "c"] {
            n.number(Space::Fields, name).unwrap();
        }
        n.number(Space::Clients, "shop").unwrap();
        n
    }

    #[test]
    fn a_name_keeps_its_number_and_spaces_do_not_mix() {
        let mut n = sample();
        assert_eq!((n.number(Space::Fields, "b"), n.get(Space::Fields, "a")), (Some(1), Some(2)));
        assert_eq!((n.number(Space::Fields, "z"), n.get(Space::Purposes, "a")), (Some(4), None));
        assert_eq!(n.name(Space::Clients, 1), Some("shop"));
    }

    #[test]
    fn bytes_read_back_and_no_other_bytes_are_read() {
        let bytes = sample().to_bytes();
        assert_eq!(Numbering::from_bytes(&bytes), Some(sample()));
        for cut in 0..bytes.len() {
            assert!(Numbering::from_bytes(&bytes[..cut]).is_none(), "{cut}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(Numbering::from_bytes(&longer).is_none());
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            if let Some(read) = Numbering::from_bytes(&other) {
                assert_eq!(read.to_bytes(), other, "{at}: one form per numbering");
            }
        }
    }

    #[test]
    fn numbers_run_out_instead_of_wrapping() {
        let mut n = Numbering::default();
        n.spaces[1].insert("last".into(), u16::MAX);
        assert_eq!(n.number(Space::Fields, "one-more"), None);
    }
}
