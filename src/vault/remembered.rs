//! Remembered replies as bytes. Numbers are binary, never digits: a locator written out in decimal holds runs that look like
//! somebody's tax number, and a hunt for such numbers must find none.

use crate::domain::codec::{Reader, Writer};
use crate::vault::refusal::Refusal;
use crate::vault::remember::{Remembered, RememberedRecord};

/// Most records of one part, most items of one reply, most tokens of one record.
const MOST: usize = 1_000;

impl Remembered {
    pub(in crate::vault) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(1);
        match self {
            Self::Subject { subject, created } => {
                w.u8(1).u64(*subject).bool(*created);
            }
            Self::Record(record) => write_record(w.u8(2), record),
            Self::Batch(items) => {
                w.u8(3).list(items, |w, item| match item {
                    None => {
                        w.u8(0);
                    }
                    Some(Ok(record)) => write_record(w.u8(1), record),
                    Some(Err(refusal)) => write_refusal(w.u8(2), refusal),
                });
            }
            Self::Items(items) => {
                w.u8(4).list(items, |w, item| {
                    w.bool(*item);
                });
            }
            Self::Erased(certificate) => {
                w.u8(5).fixed(certificate);
            }
            Self::Context { context } => {
                w.u8(6).fixed(context);
            }
            Self::Done => {
                w.u8(7);
            }
            Self::Refused(refusal) => write_refusal(w.u8(8), refusal),
        }
        w.finish()
    }

    pub(in crate::vault) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut r = Reader::new(bytes, 1)?;
        let read = match r.u8()? {
            1 => Self::Subject { subject: r.u64()?, created: r.bool()? },
            2 => Self::Record(read_record(&mut r)?),
            3 => Self::Batch(r.list(MOST, |r| {
                Some(match r.u8()? {
                    0 => None,
                    1 => Some(Ok(read_record(r)?)),
                    2 => Some(Err(read_refusal(r)?)),
                    _ => return None,
                })
            })?),
            4 => Self::Items(r.list(MOST, |r| r.bool())?),
            5 => Self::Erased(r.array()?),
            6 => Self::Context { context: r.array()? },
            7 => Self::Done,
            8 => Self::Refused(read_refusal(&mut r)?),
            _ => return None,
        };
        r.end().map(|()| read)
    }
}

fn write_record(w: &mut Writer, record: &RememberedRecord) {
    w.u64(record.record).u32(record.version).u16(record.audience);
    w.list(&record.tokens, |w, (field, grant, generation)| {
        w.u16(*field).u64(*grant).u16(*generation);
    });
}

fn read_record(r: &mut Reader<'_>) -> Option<RememberedRecord> {
    let (record, version, audience) = (r.u64()?, r.u32()?, r.u16()?);
    let tokens = r.list(MOST, |r| Some((r.u16()?, r.u64()?, r.u16()?)))?;
    Some(RememberedRecord { record, version, tokens, audience })
}

/// Codes, pointers and sentences of our own; its length is not a list's, as many faults make it long.
fn write_refusal(w: &mut Writer, refusal: &Refusal) {
    let text = serde_json::to_vec(refusal).unwrap_or_default();
    w.u32(u32::try_from(text.len()).unwrap_or(u32::MAX)).fixed(&text);
}

fn read_refusal(r: &mut Reader<'_>) -> Option<Refusal> {
    let length = usize::try_from(r.u32()?).ok()?;
    serde_json::from_slice(r.take(length)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::Fault;

    fn record(n: u64) -> RememberedRecord {
        RememberedRecord { record: n, version: 3, tokens: vec![(1, 0, 65_535), (9, n + 1, 0)], audience: 2 }
    }

    fn all() -> Vec<Remembered> {
        let fault =
            |n: usize| Fault::new(format!("/fields/f{n}"), "not_e164", "Write + and the country code.");
        let long = Refusal::InvalidField((0..64).map(fault).collect());
        vec![
            Remembered::Subject { subject: u64::MAX, created: true },
            Remembered::Record(record(7)),
            Remembered::Batch(vec![Some(Ok(record(8))), None, Some(Err(long.clone()))]),
            Remembered::Batch((0..1_000).map(|n| Some(Ok(record(n)))).collect()),
            Remembered::Items(vec![true, false]),
            Remembered::Erased([4; 16]),
            Remembered::Context { context: [5; 16] },
            Remembered::Done,
            Remembered::Refused(Refusal::At(3, Box::new(long))),
        ]
    }

    #[test]
    fn what_is_remembered_reads_back_and_nothing_else_does() {
        for remembered in all() {
            let bytes = remembered.encode();
            assert_eq!(Remembered::decode(&bytes).as_ref(), Some(&remembered));
            assert_eq!(Remembered::decode(&[&bytes[..], &[0]].concat()), None);
            assert_eq!(Remembered::decode(&bytes[..bytes.len() - 1]), None);
        }
        for bad in [&[][..], &[1], &[2, 7], &[1, 9], &[1, 3, 0, 1, 7], b"{\"Done\":null}"] {
            assert_eq!(Remembered::decode(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn i6_no_number_is_written_in_digits_so_that_none_looks_like_somebodys() {
        for remembered in
            all().into_iter().take(2).chain([Remembered::Batch(vec![Some(Ok(record(4_521_987_331)))])])
        {
            let bytes = remembered.encode();
            let longest = bytes.split(|b| !b.is_ascii_digit()).map(<[u8]>::len).max();
            assert!(longest < Some(4), "{remembered:?}");
        }
    }
}
