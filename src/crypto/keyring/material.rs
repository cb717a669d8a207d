//! Key material as it is kept and written: purpose, version, state, 32 bytes. And the lines that are prepared from it.

use super::KeyringError;
use crate::crypto::hazmat::Key32;
use crate::domain::Entropy;
use zeroize::Zeroizing;

/// How many counters the first ceiling allows; raised in steps of as many.
const CEILING_STEP: u64 = 1 << 32;
/// Most entries a keyring holds.
const MAX_ENTRIES: usize = 1_024;

/// What a key is for. The numbers are frozen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub(super) enum Purpose {
    KekData = 1,
    KekCredential = 2,
    Token = 3,
    Name = 4,
    Secret = 5,
    Index = 6,
    Row = 7,
    Hedge = 8,
    Idem = 9,
    Audit = 10,
    Log = 11,
}

impl Purpose {
    const ALL: [Self; 11] = [
        Self::KekData,
        Self::KekCredential,
        Self::Token,
        Self::Name,
        Self::Secret,
        Self::Index,
        Self::Row,
        Self::Hedge,
        Self::Idem,
        Self::Audit,
        Self::Log,
    ];
    fn from_u8(raw: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|p| *p as u8 == raw)
    }
}

/// Where a key version stands in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum State {
    /// Seals and opens.
    Active = 1,
    /// Opens only.
    DecryptOnly = 2,
    /// Gone; its number is kept so that it is never given again.
    Destroyed = 3,
}

impl State {
    fn from_u8(raw: u8) -> Option<Self> {
        [Self::Active, Self::DecryptOnly, Self::Destroyed].into_iter().find(|s| *s as u8 == raw)
    }
}

struct Entry {
    purpose: Purpose,
    version: u8,
    state: State,
    key: Key32,
}

/// All entries, ascending by purpose and version, and the locator ceiling.
pub(super) struct Material {
    pub(super) ceiling: u64,
    entries: Vec<Entry>,
}

impl Material {
    /// One fresh active version 1 of every purpose.
    pub(super) fn generate(entropy: &mut dyn Entropy) -> Result<Self, KeyringError> {
        let mut entries = Vec::with_capacity(Purpose::ALL.len());
        for purpose in Purpose::ALL {
            let mut key = Key32::new([0; 32]);
            // EXPOSE: filled in place.
            entropy.fill(key.expose_mut()).map_err(|_| KeyringError::Entropy)?;
            entries.push(Entry { purpose, version: 1, state: State::Active, key });
        }
        Ok(Self { ceiling: CEILING_STEP, entries })
    }

    /// `ceiling 8 ‖ count 2 ‖ {purpose 1 ‖ version 1 ‖ state 1 ‖ key 32}*`
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(10 + self.entries.len() * 35));
        out.extend_from_slice(&self.ceiling.to_be_bytes());
        out.extend_from_slice(&u16::try_from(self.entries.len()).unwrap_or(u16::MAX).to_be_bytes());
        for entry in &self.entries {
            out.extend_from_slice(&[entry.purpose as u8, entry.version, entry.state as u8]);
            // EXPOSE: into the buffer that is sealed under the root key and wiped.
            out.extend_from_slice(entry.key.expose());
        }
        out
    }

    /// Reads what [`Material::encode`] wrote, strictly ascending.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (ceiling, rest) = bytes.split_first_chunk::<8>()?;
        let (count, rest) = rest.split_first_chunk::<2>()?;
        let (records, tail) = rest.as_chunks::<35>();
        let count = usize::from(u16::from_be_bytes(*count));
        if !tail.is_empty() || records.len() != count || count > MAX_ENTRIES {
            return None;
        }
        let mut entries: Vec<Entry> = Vec::with_capacity(count);
        for [purpose, version, state, key @ ..] in records {
            let (purpose, state) = (Purpose::from_u8(*purpose)?, State::from_u8(*state)?);
            let ascending = entries.last().is_none_or(|e| (e.purpose, e.version) < (purpose, *version));
            if !ascending || *version == 0 {
                return None;
            }
            entries.push(Entry { purpose, version: *version, state, key: Key32::new(*key) });
        }
        Some(Self { ceiling: u64::from_be_bytes(*ceiling), entries })
    }

    /// The line of a purpose, each usable version prepared; `None` unless exactly one is active.
    pub(super) fn line<K>(&self, purpose: Purpose, prepare: impl Fn(&[u8; 32]) -> K) -> Option<Line<K>> {
        let of = || self.entries.iter().filter(|e| e.purpose == purpose && e.state != State::Destroyed);
        let mut active = of().filter(|e| e.state == State::Active).map(|e| e.version);
        let (Some(current), None) = (active.next(), active.next()) else { return None };
        // EXPOSE: prepared for its one job.
        let keys = of().map(|e| (e.version, prepare(e.key.expose()))).collect();
        Some(Line { current, keys })
    }
}

/// The usable versions of one key.
pub(in crate::crypto) struct Line<K> {
    current: u8,
    keys: Vec<(u8, K)>,
}

impl<K> Line<K> {
    /// The version that seals.
    #[expect(clippy::panic, reason = "`Material::line` makes no line without its active version")]
    pub(in crate::crypto) fn active(&self) -> (u8, &K) {
        match self.get(self.current) {
            Some(key) => (self.current, key),
            None => panic!("a key line has lost its active version"),
        }
    }
    /// A version that opens.
    pub(in crate::crypto) fn get(&self, version: u8) -> Option<&K> {
        self.keys.iter().find(|(v, _)| *v == version).map(|(_, key)| key)
    }
    /// Versions, the active one first.
    pub(in crate::crypto) fn versions(&self) -> impl Iterator<Item = u8> {
        let others = self.keys.iter().map(|(v, _)| *v).filter(|v| *v != self.current);
        std::iter::once(self.current).chain(others)
    }
    /// The active key alone.
    pub(super) fn into_active(self) -> Option<K> {
        let current = self.current;
        self.keys.into_iter().find(|(v, _)| *v == current).map(|(_, key)| key)
    }
}

#[cfg(test)]
impl super::Keyring {
    /// The vault after one more rotation: a fresh active version in every line that rotates, the one before it still
    /// opening, or destroyed.
    pub(in crate::crypto) fn rotated(&self, old_opens: bool, entropy: &mut dyn Entropy) -> Self {
        let mut material = Material::decode(&self.material.encode()).unwrap();
        let frozen = [Purpose::Name, Purpose::Hedge, Purpose::Idem, Purpose::Log];
        let fresh = Material::generate(entropy).unwrap().entries;
        for mut entry in fresh.into_iter().filter(|e| !frozen.contains(&e.purpose)) {
            for old in material.entries.iter_mut().filter(|e| e.purpose == entry.purpose) {
                old.state = if old_opens { State::DecryptOnly } else { State::Destroyed };
                entry.version = old.version + 1;
            }
            material.entries.push(entry);
        }
        material.entries.sort_by_key(|e| (e.purpose, e.version));
        Self::assemble(self.vault, self.development, self.generation(), material).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(u8);
    impl Entropy for Counting {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), crate::domain::entropy::EntropyFailed> {
            self.0 += 1;
            out.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn every_purpose_has_a_key_of_its_own() {
        let material = Material::generate(&mut Counting(0)).unwrap();
        let mut keys: Vec<_> = material.entries.iter().map(|e| *e.key.expose()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), Purpose::ALL.len());
    }

    #[test]
    fn material_is_read_back_as_it_was_and_nothing_else_is_read() {
        let bytes = Material::generate(&mut Counting(0)).unwrap().encode();
        let again = Material::decode(&bytes).unwrap();
        assert_eq!(*again.encode(), *bytes);
        assert!(Material::decode(&bytes[..bytes.len() - 1]).is_none());
        let mut twice = bytes.to_vec();
        twice[10] = 2; // the first entry claims the second's purpose
        assert!(Material::decode(&twice).is_none());
    }

    #[test]
    fn a_line_without_exactly_one_active_version_is_no_line() {
        let mut material = Material::generate(&mut Counting(0)).unwrap();
        material.entries[0].state = State::DecryptOnly;
        assert!(material.line(Purpose::KekData, |_| ()).is_none());
        material.entries[0].state = State::Destroyed;
        assert!(material.line(Purpose::KekData, |_| ()).is_none());
    }

    #[test]
    fn i8_an_old_version_opens_and_a_destroyed_one_does_not() {
        let mut material = Material::generate(&mut Counting(0)).unwrap();
        material.entries[0].state = State::DecryptOnly;
        let newer =
            Entry { purpose: Purpose::KekData, version: 2, state: State::Active, key: Key32::new([9; 32]) };
        material.entries.insert(1, newer);
        let line = material.line(Purpose::KekData, |k| *k).unwrap();
        assert_eq!(line.active(), (2, &[9; 32]));
        assert!(line.get(1).is_some());
        assert_eq!(line.versions().collect::<Vec<_>>(), [2, 1]);
        material.entries[0].state = State::Destroyed;
        assert!(material.line(Purpose::KekData, |k| *k).unwrap().get(1).is_none());
    }
}
