//! Every encoding reads back as itself, refuses everything else, and keeps the bytes of this version for ever.

use crate::domain::client::{ClientKeyRow, ClientRow};
use crate::domain::subject::{AgeClass, Anchor, Consent, Hold, Region, SubjectState, SubjectStatus};
use crate::domain::token::TokenGrant;
use crate::domain::*;
use data_encoding::HEXLOWER;
use proptest::prelude::*;

pub(in crate::domain::codec) fn consent(purpose: u16, recipient: Option<u16>, at: usize) -> Consent {
    Consent {
        purpose: PurposeNo(purpose),
        recipient: recipient.map(RecipientNo),
        granted: true,
        at: Timestamp(i64::try_from(at).unwrap()),
        recorded_at: Timestamp(7),
        channel: "web".into(),
        text_sha256: None,
        notice_version: None,
    }
}

pub(in crate::domain::codec) fn subject() -> SubjectState {
    SubjectState {
        status: SubjectStatus::Restricted,
        region: Region(*b"DE"),
        age: AgeClass::AdultByDate,
        created_at: Timestamp(1_000_000),
        notices: vec![Anchor { event: "2026-1".into(), at: Timestamp(-1) }],
        consents: vec![
            Consent {
                text_sha256: Some([0xab; 32]),
                notice_version: Some("v1".into()),
                ..consent(4, Some(9), 5)
            },
            Consent { granted: false, ..consent(4, None, 6) },
        ],
        objections: vec![PurposeNo(8)],
        restricted_collections: vec![CollectionNo(2), CollectionNo(1)],
        holds: vec![Hold { id: Id16([0x11; 16]), collections: vec![CollectionNo(3)], until: Timestamp(99) }],
        anchors: vec![Anchor { event: "account_closed".into(), at: Timestamp(42) }],
        flags: vec!["vip".into()],
    }
}

fn locator(raw: u64) -> Locator {
    Locator::from_raw(raw).unwrap()
}

fn grant() -> TokenGrant {
    TokenGrant {
        grant: GrantId(locator(0x0001_2345_6789_abcd)),
        record: RecordId(locator(0x1001)),
        fields: vec![FieldNo(1), FieldNo(7)],
        audience: AudienceNo(3),
        purpose: Some(PurposeNo(5)),
        expires_at: Some(Timestamp(1_234)),
        uses_left: Some(2),
        generation: Generation(0xfffe),
        last_use: Some(([0x22; 16], Timestamp(77))),
    }
}

fn client() -> ClientRow {
    ClientRow { name: "storefront".into(), suspended: true, activated_at: Timestamp(5) }
}

fn key() -> ClientKeyRow {
    ClientKeyRow {
        id: Id16([0x33; 16]),
        client: "billing".into(),
        key_version: 2,
        digest: [0x44; 32],
        created_at: Timestamp(1),
        expires_at: Timestamp(2),
        revoked: false,
    }
}

#[test]
fn i4_the_bytes_of_version_one_are_frozen() {
    for (bytes, frozen) in [
        (subject().encode(), include_str!("vectors/subject.hex")),
        (grant().encode(), include_str!("vectors/grant.hex")),
        (client().encode(), include_str!("vectors/client.hex")),
        (key().encode(), include_str!("vectors/client_key.hex")),
    ] {
        assert_eq!(HEXLOWER.encode(&bytes), frozen.trim());
    }
    let read = |hex: &str| HEXLOWER.decode(hex.trim().as_bytes()).unwrap();
    assert_eq!(SubjectState::decode(&read(include_str!("vectors/subject.hex"))), Some(subject()));
    assert_eq!(TokenGrant::decode(&read(include_str!("vectors/grant.hex"))), Some(grant()));
    assert_eq!(ClientRow::decode(&read(include_str!("vectors/client.hex"))), Some(client()));
    assert_eq!(ClientKeyRow::decode(&read(include_str!("vectors/client_key.hex"))), Some(key()));
}

/// Every prefix, every extension and every other version must be refused; a flipped bit must not read as the same.
fn strict<T: PartialEq>(bytes: &[u8], decode: fn(&[u8]) -> Option<T>, encode: fn(&T) -> Vec<u8>) {
    let value = decode(bytes);
    assert!(value.is_some());
    for length in 0..bytes.len() {
        assert!(decode(&bytes[..length]).is_none(), "cut to {length}");
    }
    assert!(decode(&[bytes, &[0]].concat()).is_none());
    for version in (0..=u8::MAX).filter(|v| *v != 1) {
        assert!(decode(&[&[version], &bytes[1..]].concat()).is_none());
    }
    for bit in 0..bytes.len() * 8 {
        let mut other = bytes.to_vec();
        other[bit / 8] ^= 1 << (bit % 8);
        let read = decode(&other);
        assert!(read != value, "bit {bit}");
        if let Some(read) = read {
            assert_eq!(encode(&read), other);
        }
    }
}

#[test]
fn i4_one_row_has_one_spelling() {
    strict(&subject().encode(), SubjectState::decode, SubjectState::encode);
    strict(&grant().encode(), TokenGrant::decode, TokenGrant::encode);
    strict(&client().encode(), ClientRow::decode, ClientRow::encode);
    strict(&key().encode(), ClientKeyRow::decode, ClientKeyRow::encode);
}

#[test]
fn what_is_over_the_bounds_is_refused_not_cut_short() {
    let mut long = client();
    long.name = "x".repeat(super::MAX_TEXT);
    assert_eq!(ClientRow::decode(&long.encode()), Some(long.clone()));
    for length in [super::MAX_TEXT + 1, 70_000] {
        long.name = "x".repeat(length);
        assert!(ClientRow::decode(&long.encode()).is_none());
    }
    let mut crowded = subject();
    crowded.consents = (0..65).map(|n| consent(n, None, 0)).collect();
    assert!(SubjectState::decode(&crowded.encode()).is_none());
    crowded.consents.truncate(64);
    assert!(SubjectState::decode(&crowded.encode()).is_some());
    crowded.flags = vec![String::new(); super::MAX_ITEMS + 1];
    assert!(SubjectState::decode(&crowded.encode()).is_none());
}

fn any_anchor() -> impl Strategy<Value = Anchor> {
    (".{0,20}", any::<i64>()).prop_map(|(event, at)| Anchor { event, at: Timestamp(at) })
}

fn any_consent() -> impl Strategy<Value = Consent> {
    let who = (any::<u16>(), any::<Option<u16>>(), any::<bool>());
    (who, any::<(i64, i64)>(), ".{0,9}", any::<Option<[u8; 32]>>(), proptest::option::of(".{0,9}")).prop_map(
        |((purpose, recipient, granted), (at, recorded), channel, text_sha256, notice_version)| Consent {
            purpose: PurposeNo(purpose),
            recipient: recipient.map(RecipientNo),
            granted,
            at: Timestamp(at),
            recorded_at: Timestamp(recorded),
            channel,
            text_sha256,
            notice_version,
        },
    )
}

fn any_subject() -> impl Strategy<Value = SubjectState> {
    use proptest::collection::vec;
    let numbers = || vec(any::<u16>(), 0..5);
    let hold = (any::<[u8; 16]>(), numbers(), any::<i64>()).prop_map(|(id, list, until)| Hold {
        id: Id16(id),
        collections: list.into_iter().map(CollectionNo).collect(),
        until: Timestamp(until),
    });
    let head = (1..=5u8, "[A-Z]{2}", 1..=3u8, any::<i64>());
    let lists = (vec(any_anchor(), 0..4), vec(any_consent(), 0..6), numbers(), numbers(), vec(hold, 0..3));
    (head, lists, vec(any_anchor(), 0..4), vec(".{0,9}", 0..4)).prop_map(
        |((status, region, age, at), (notices, consents, objections, collections, holds), anchors, flags)| {
            SubjectState {
                status: super::subject::status(status).unwrap(),
                region: Region::parse(&region).unwrap(),
                age: super::subject::age(age).unwrap(),
                created_at: Timestamp(at),
                notices,
                consents,
                objections: objections.into_iter().map(PurposeNo).collect(),
                restricted_collections: collections.into_iter().map(CollectionNo).collect(),
                holds,
                anchors,
                flags,
            }
        },
    )
}

fn any_grant() -> impl Strategy<Value = TokenGrant> {
    let raw = || (0x1000..u64::MAX >> 1).prop_map(locator);
    let bounds =
        (any::<Option<u16>>(), any::<Option<i64>>(), any::<Option<u32>>(), any::<Option<([u8; 16], i64)>>());
    (raw(), raw(), proptest::collection::vec(any::<u16>(), 0..9), any::<(u16, u16)>(), bounds).prop_map(
        |(grant, record, fields, (audience, generation), (purpose, expires, uses_left, last_use))| {
            TokenGrant {
                grant: GrantId(grant),
                record: RecordId(record),
                fields: fields.into_iter().map(FieldNo).collect(),
                audience: AudienceNo(audience),
                purpose: purpose.map(PurposeNo),
                expires_at: expires.map(Timestamp),
                uses_left,
                generation: Generation(generation),
                last_use: last_use.map(|(digest, at)| (digest, Timestamp(at))),
            }
        },
    )
}

proptest! {
    #[test]
    fn every_value_reads_back_as_itself(
        state in any_subject(),
        token in any_grant(),
        name in ".{0,40}",
        flag: bool,
        at: i64,
        digest: [u8; 32],
        version: u8,
    ) {
        prop_assert_eq!(SubjectState::decode(&state.encode()), Some(state));
        prop_assert_eq!(TokenGrant::decode(&token.encode()), Some(token));
        let row = ClientRow { name: name.clone(), suspended: flag, activated_at: Timestamp(at) };
        prop_assert_eq!(ClientRow::decode(&row.encode()), Some(row));
        let row = ClientKeyRow { client: name, key_version: version, digest, expires_at: Timestamp(at), revoked: flag, ..key() };
        prop_assert_eq!(ClientKeyRow::decode(&row.encode()), Some(row));
    }

    #[test]
    fn bytes_that_are_read_are_the_only_spelling(mut bytes: Vec<u8>, at in 0..400usize, change: u8) {
        if let Some(first) = bytes.first_mut() {
            *first = 1;
        }
        let mut damaged = subject().encode();
        if let Some(byte) = damaged.get_mut(at) {
            *byte = change;
        }
        for bytes in [&bytes, &damaged] {
            if let Some(read) = SubjectState::decode(bytes) {
                prop_assert_eq!(&read.encode(), bytes);
            }
            if let Some(read) = TokenGrant::decode(bytes) {
                prop_assert_eq!(&read.encode(), bytes);
            }
            if let Some(read) = ClientRow::decode(bytes) {
                prop_assert_eq!(&read.encode(), bytes);
            }
            if let Some(read) = ClientKeyRow::decode(bytes) {
                prop_assert_eq!(&read.encode(), bytes);
            }
        }
    }
}
