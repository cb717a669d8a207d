//! The encoding of a token grant.

use super::{MAX_ITEMS, Reader, VERSION, Writer};
use crate::domain::token::TokenGrant;
use crate::domain::{AudienceNo, FieldNo, Generation, GrantId, Locator, PurposeNo, RecordId, Timestamp};

impl TokenGrant {
    /// The canonical bytes, grant id and record included.
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(VERSION)
            .u64(self.grant.0.get())
            .u64(self.record.0.get())
            .list(&self.fields, |w, field| {
                w.u16(field.get());
            })
            .u16(self.audience.get())
            .option(self.purpose, |w, purpose| {
                w.u16(purpose.get());
            })
            .option(self.expires_at, |w, at| {
                w.i64(at.0);
            })
            .option(self.uses_left, |w, uses| {
                w.u32(uses);
            })
            .u16(self.generation.get())
            .option(self.last_use, |w, (digest, at)| {
                w.fixed(&digest).i64(at.0);
            })
            .finish()
    }

    /// Reads canonical bytes, nothing else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut r = Reader::new(bytes, VERSION)?;
        let grant = Self {
            grant: GrantId(Locator::from_raw(r.u64()?)?),
            record: RecordId(Locator::from_raw(r.u64()?)?),
            fields: r.list(MAX_ITEMS, |r| r.u16().map(FieldNo))?,
            audience: AudienceNo(r.u16()?),
            purpose: r.option(|r| r.u16().map(PurposeNo))?,
            expires_at: r.option(|r| r.i64().map(Timestamp))?,
            uses_left: r.option(Reader::u32)?,
            generation: Generation(r.u16()?),
            last_use: r.option(|r| Some((r.array()?, Timestamp(r.i64()?))))?,
        };
        r.end()?;
        Some(grant)
    }
}
