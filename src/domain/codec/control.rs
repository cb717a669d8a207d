//! The encodings of contexts and unsubscribe links.

use super::{Reader, VERSION, Writer};
use crate::domain::context::ContextRow;
use crate::domain::unsubscribe::UnsubscribeRow;
use crate::domain::{ClientNo, Locator, PurposeNo, SubjectId, Timestamp};

impl ContextRow {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(VERSION)
            .u16(self.registered_by.0)
            .option(self.assigned_to.as_ref(), |w, to| {
                w.fixed(to);
            })
            .i64(self.created_at.0)
            .i64(self.expires_at.0)
            .finish()
    }

    /// Reads canonical bytes, nothing else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut r = Reader::new(bytes, VERSION)?;
        let row = Self {
            registered_by: ClientNo(r.u16()?),
            assigned_to: r.option(Reader::array)?,
            created_at: Timestamp(r.i64()?),
            expires_at: Timestamp(r.i64()?),
        };
        r.end()?;
        Some(row)
    }
}

impl UnsubscribeRow {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(VERSION)
            .u8(self.key_version)
            .fixed(&self.digest)
            .u64(self.subject.0.get())
            .u16(self.purpose.0)
            .i64(self.created_at.0)
            .finish()
    }

    /// Reads canonical bytes, nothing else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut r = Reader::new(bytes, VERSION)?;
        let row = Self {
            key_version: r.u8()?,
            digest: r.array()?,
            subject: SubjectId(Locator::from_raw(r.u64()?)?),
            purpose: PurposeNo(r.u16()?),
            created_at: Timestamp(r.i64()?),
        };
        r.end()?;
        Some(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    fn context(assigned_to: Option<[u8; 16]>) -> ContextRow {
        ContextRow {
            registered_by: ClientNo(3),
            assigned_to,
            created_at: Timestamp(5),
            expires_at: Timestamp(-6),
        }
    }

    fn link() -> UnsubscribeRow {
        UnsubscribeRow {
            key_version: 2,
            digest: [0x44; 32],
            subject: SubjectId(Locator::from_raw(0x1001).unwrap()),
            purpose: PurposeNo(9),
            created_at: Timestamp(7),
        }
    }

    #[test]
    fn contexts_and_links_read_back_as_they_were_and_nothing_else_is_read() {
        for row in [context(None), context(Some([0xab; 16]))] {
            let bytes = row.encode();
            assert_eq!(ContextRow::decode(&bytes).unwrap(), row);
            assert!((0..bytes.len()).all(|cut| ContextRow::decode(&bytes[..cut]).is_none()));
            assert!(ContextRow::decode(&[&bytes[..], &[0]].concat()).is_none());
        }
        let bytes = link().encode();
        assert_eq!(UnsubscribeRow::decode(&bytes).unwrap(), link());
        assert!((0..bytes.len()).all(|cut| UnsubscribeRow::decode(&bytes[..cut]).is_none()));
        assert!(UnsubscribeRow::decode(&[&bytes[..], &[0]].concat()).is_none());
    }

    #[test]
    fn the_bytes_of_this_version_are_kept_for_ever() {
        let hex = |bytes: Vec<u8>| HEXLOWER.encode(&bytes);
        assert_eq!(hex(context(None).encode()), "010003000000000000000005fffffffffffffffa");
        let digest = "44".repeat(32);
        assert_eq!(hex(link().encode()), format!("0102{digest}000000000000100100090000000000000007"));
    }
}
