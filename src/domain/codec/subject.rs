//! The encoding of a subject's state.

use super::{MAX_ITEMS, Reader, VERSION, Writer};
use crate::domain::subject::{
    AgeClass, Anchor, Consent, Hold, MAX_CONSENTS, Region, SubjectState, SubjectStatus,
};
use crate::domain::{CollectionNo, Id16, PurposeNo, RecipientNo, Timestamp};

impl SubjectState {
    /// The canonical bytes. [`SubjectState::decode`] reads them back as long as the lists and texts keep the bounds of
    /// this module and the consents theirs ([`MAX_CONSENTS`]).
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(VERSION)
            .u8(self.status as u8)
            .fixed(&self.region.0)
            .u8(self.age as u8)
            .i64(self.created_at.0)
            .list(&self.notices, write_anchor)
            .list(&self.consents, write_consent)
            .list(&self.objections, |w, purpose| {
                w.u16(purpose.get());
            })
            .list(&self.restricted_collections, write_collection)
            .list(&self.holds, write_hold)
            .list(&self.anchors, write_anchor)
            .list(&self.flags, |w, flag| {
                w.text(flag);
            })
            .finish()
    }

    /// Reads canonical bytes, nothing else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut r = Reader::new(bytes, VERSION)?;
        let state = Self {
            status: status(r.u8()?)?,
            region: Region::parse(std::str::from_utf8(&r.array::<2>()?).ok()?)?,
            age: age(r.u8()?)?,
            created_at: Timestamp(r.i64()?),
            notices: r.list(MAX_ITEMS, read_anchor)?,
            consents: r.list(MAX_CONSENTS, read_consent)?,
            objections: r.list(MAX_ITEMS, |r| r.u16().map(PurposeNo))?,
            restricted_collections: r.list(MAX_ITEMS, read_collection)?,
            holds: r.list(MAX_ITEMS, read_hold)?,
            anchors: r.list(MAX_ITEMS, read_anchor)?,
            flags: r.list(MAX_ITEMS, Reader::text)?,
        };
        r.end()?;
        Some(state)
    }
}

pub(super) fn status(raw: u8) -> Option<SubjectStatus> {
    Some(match raw {
        1 => SubjectStatus::Active,
        2 => SubjectStatus::Restricted,
        3 => SubjectStatus::Erasing,
        4 => SubjectStatus::PartlyErased,
        5 => SubjectStatus::Erased,
        _ => return None,
    })
}

pub(super) fn age(raw: u8) -> Option<AgeClass> {
    Some(match raw {
        1 => AgeClass::AdultByDate,
        2 => AgeClass::AdultAttested,
        3 => AgeClass::Minor,
        _ => return None,
    })
}

fn write_anchor(w: &mut Writer, anchor: &Anchor) {
    w.text(&anchor.event).i64(anchor.at.0);
}

fn read_anchor(r: &mut Reader<'_>) -> Option<Anchor> {
    Some(Anchor { event: r.text()?, at: Timestamp(r.i64()?) })
}

fn write_collection(w: &mut Writer, collection: &CollectionNo) {
    w.u16(collection.get());
}

fn read_collection(r: &mut Reader<'_>) -> Option<CollectionNo> {
    r.u16().map(CollectionNo)
}

fn write_hold(w: &mut Writer, hold: &Hold) {
    w.fixed(&hold.id.0).list(&hold.collections, write_collection).i64(hold.until.0);
}

fn read_hold(r: &mut Reader<'_>) -> Option<Hold> {
    let id = Id16(r.array()?);
    let collections = r.list(MAX_ITEMS, read_collection)?;
    Some(Hold { id, collections, until: Timestamp(r.i64()?) })
}

fn write_consent(w: &mut Writer, consent: &Consent) {
    w.u16(consent.purpose.get())
        .option(consent.recipient, |w, recipient| {
            w.u16(recipient.get());
        })
        .bool(consent.granted)
        .i64(consent.at.0)
        .i64(consent.recorded_at.0)
        .text(&consent.channel)
        .option(consent.text_sha256, |w, digest| {
            w.fixed(&digest);
        })
        .option(consent.notice_version.as_deref(), |w, version| {
            w.text(version);
        });
}

fn read_consent(r: &mut Reader<'_>) -> Option<Consent> {
    Some(Consent {
        purpose: PurposeNo(r.u16()?),
        recipient: r.option(|r| r.u16().map(RecipientNo))?,
        granted: r.bool()?,
        at: Timestamp(r.i64()?),
        recorded_at: Timestamp(r.i64()?),
        channel: r.text()?,
        text_sha256: r.option(Reader::array)?,
        notice_version: r.option(Reader::text)?,
    })
}
