//! The encodings of clients and their keys.

use super::{Reader, VERSION, Writer};
use crate::domain::client::{ClientKeyRow, ClientRow};
use crate::domain::{Id16, Timestamp};

impl ClientRow {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(VERSION).text(&self.name).bool(self.suspended).i64(self.activated_at.0).finish()
    }

    /// Reads canonical bytes, nothing else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut r = Reader::new(bytes, VERSION)?;
        let row = Self { name: r.text()?, suspended: r.bool()?, activated_at: Timestamp(r.i64()?) };
        r.end()?;
        Some(row)
    }
}

impl ClientKeyRow {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(VERSION)
            .fixed(&self.id.0)
            .text(&self.client)
            .u8(self.key_version)
            .fixed(&self.digest)
            .i64(self.created_at.0)
            .i64(self.expires_at.0)
            .bool(self.revoked)
            .finish()
    }

    /// Reads canonical bytes, nothing else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut r = Reader::new(bytes, VERSION)?;
        let row = Self {
            id: Id16(r.array()?),
            client: r.text()?,
            key_version: r.u8()?,
            digest: r.array()?,
            created_at: Timestamp(r.i64()?),
            expires_at: Timestamp(r.i64()?),
            revoked: r.bool()?,
        };
        r.end()?;
        Some(row)
    }
}
