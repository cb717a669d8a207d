//! What a line of the erasure ledger says, and its check.
//!
//! `1 <µs> erase <locator> <certificate> <client> <collection> <mac>` and `1 <µs> void <locator> <certificate> <mac>`, numbers
//! in hex of fixed width. A void takes back the one erasure that has its certificate, never another of the same record. It
//! names no person and no value; the MAC keeps a line from being added or changed by who holds no key.

use crate::crypto::Keyring;
use crate::domain::{ClientNo, CollectionNo, Id16, Locator, RecordId, Timestamp};
use data_encoding::HEXLOWER;
use std::sync::{Mutex, PoisonError};

/// One line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::vault) enum Line {
    /// The record is to be gone from now on.
    Erase(Planned),
    /// The erasure of this certificate, written before, was refused.
    Void(RecordId, Id16, Timestamp),
}

/// An erasure as the ledger names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::vault) struct Planned {
    /// When it was asked for.
    pub(in crate::vault) at: Timestamp,
    /// The record.
    pub(in crate::vault) record: RecordId,
    /// The id of its certificate.
    pub(in crate::vault) certificate: Id16,
    /// Who asked.
    pub(in crate::vault) client: ClientNo,
    /// From which collection.
    pub(in crate::vault) collection: CollectionNo,
}

impl Line {
    pub(in crate::vault) fn write(&self, keys: &Keyring) -> String {
        let text = match self {
            Self::Erase(p) => format!(
                "1 {:016x} erase {:016x} {} {:04x} {:04x}",
                p.at.0,
                p.record.0.get(),
                HEXLOWER.encode(&p.certificate.0),
                p.client.0,
                p.collection.0
            ),
            Self::Void(record, certificate, at) => {
                format!("1 {:016x} void {:016x} {}", at.0, record.0.get(), HEXLOWER.encode(&certificate.0))
            }
        };
        let mac = mac(keys, &text);
        format!("{text} {}", HEXLOWER.encode(&mac))
    }

    /// The counter of the record a line names, unchecked: whether the line need be read at all.
    pub(in crate::vault) fn counter(line: &str) -> Option<u64> {
        Locator::from_raw(number(line.split(' ').nth(3)?)?).map(Locator::counter)
    }

    /// `None`: not a line this vault wrote.
    pub(in crate::vault) fn read(keys: &Keyring, line: &str) -> Option<Self> {
        let (text, shown) = line.rsplit_once(' ')?;
        let shown = HEXLOWER.decode(shown.as_bytes()).ok()?;
        let genuine: bool = subtle::ConstantTimeEq::ct_eq(&mac(keys, text)[..], &shown[..]).into();
        let mut words = text.split(' ').filter(|_| genuine);
        let (version, at, verb) = (words.next()?, number(words.next()?)?, words.next()?);
        let at = Timestamp(i64::try_from(at).ok()?);
        let record = RecordId(Locator::from_raw(number(words.next()?)?)?);
        let certificate = Id16(HEXLOWER.decode(words.next()?.as_bytes()).ok()?.try_into().ok()?);
        let read = match (version, verb) {
            ("1", "void") => Self::Void(record, certificate, at),
            ("1", "erase") => {
                let client = ClientNo(u16::try_from(number(words.next()?)?).ok()?);
                let collection = CollectionNo(u16::try_from(number(words.next()?)?).ok()?);
                Self::Erase(Planned { at, record, certificate, client, collection })
            }
            _ => return None,
        };
        words.next().is_none().then_some(read)
    }
}

fn mac(keys: &Keyring, text: &str) -> [u8; 16] {
    keys.idempotency_digest(&[b"erasure ledger", text.as_bytes()])
}

fn number(hex: &str) -> Option<u64> {
    u64::from_str_radix(hex, 16).ok()
}

/// Erasures that were written to the ledger and whose end nobody saw (a client that left): looked at again by upkeep.
#[derive(Default)]
pub(in crate::vault) struct Unsettled(Mutex<Vec<(RecordId, Id16)>>);

impl Unsettled {
    pub(in crate::vault) fn note(&self, record: RecordId, certificate: Id16) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((record, certificate));
    }
    pub(in crate::vault) fn take(&self) -> Vec<(RecordId, Id16)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entropy::OsEntropy;
    use crate::domain::{Part, VaultId};

    fn keys() -> Keyring {
        Keyring::create(VaultId([3; 16]), true, &mut OsEntropy).unwrap()
    }

    fn planned() -> Planned {
        Planned {
            at: Timestamp(1_800_000_000_000_000),
            record: RecordId(Locator::new(9, Part::truncate(77)).unwrap()),
            certificate: Id16([0xab; 16]),
            client: ClientNo(3),
            collection: CollectionNo(2),
        }
    }

    #[test]
    fn a_line_reads_back_under_the_keys_that_wrote_it_and_under_no_others() {
        let keys = keys();
        for line in
            [Line::Erase(planned()), Line::Void(planned().record, planned().certificate, planned().at)]
        {
            let text = line.write(&keys);
            assert_eq!(Line::read(&keys, &text), Some(line), "{text}");
            assert_eq!(Line::read(&self::keys(), &text), None);
        }
    }

    #[test]
    fn a_line_changed_in_any_byte_is_not_one_of_ours() {
        let keys = keys();
        let text = Line::Erase(planned()).write(&keys);
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(Line::read(&keys, &changed), None, "byte {at}");
        }
        for bad in ["", " ", "1", &format!("{text} "), &text[1..]] {
            assert_eq!(Line::read(&keys, bad), None);
        }
    }
}
