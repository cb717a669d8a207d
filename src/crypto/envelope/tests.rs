//! Sealed records against a malicious store: what was altered, moved or put back does not open (I2, I3, I7).

use crate::crypto::root::{KeyFile, RootProvider};
use crate::crypto::{Fields, Keyring, SealedRecord, StoredRecord, Unopenable};
use crate::domain::disclosure::EventTicket;
use crate::domain::entropy::{EntropyFailed, OsEntropy};
use crate::domain::field::Form;
use crate::domain::record::{RecordHead, RecordStatus};
use crate::domain::*;
use crate::policy::{MaintenancePermit, Permit, WritePermit};

fn keyring() -> Keyring {
    Keyring::create(VaultId([7; 16]), false, &mut OsEntropy).unwrap()
}

fn head(counter: u64) -> RecordHead {
    let locator = |n| Locator::new(n, Part::truncate(5)).unwrap();
    RecordHead {
        record: RecordId(locator(counter)),
        subject: SubjectId(locator(1_000)),
        collection: CollectionNo(2),
        version: Version(1),
        head_version: Version(1),
        status: RecordStatus::Live,
        created_at: Timestamp(99),
        expires_at: None,
        generations: vec![(FieldNo(1), Generation(7)), (FieldNo(2), Generation(8))],
    }
}

fn fields() -> Fields {
    Fields(vec![(1, b"Ada Lovelace".to_vec()), (2, b"ada@example.org".to_vec())])
}

fn write() -> WritePermit {
    WritePermit::for_tests(CollectionNo(2), &[FieldNo(1), FieldNo(2)])
}

fn seal(keys: &Keyring, head: &RecordHead) -> SealedRecord {
    keys.seal(&write(), head, &fields(), false, &mut OsEntropy).unwrap_or_else(|e| panic!("{e}"))
}

fn stored<'a>(head: &'a RecordHead, sealed: &'a SealedRecord) -> StoredRecord<'a> {
    StoredRecord { head, seal: &sealed.seal, bytes: &sealed.bytes, key: &sealed.key }
}

fn open(keys: &Keyring, stored: StoredRecord<'_>, wanted: &[u16]) -> Result<Vec<(u16, Vec<u8>)>, Unopenable> {
    let wanted: Vec<_> = wanted.iter().map(|f| (FieldNo(*f), Form::Plain)).collect();
    let permit = Permit::for_tests(stored.head.record, stored.head.version, &wanted, CommitNo(0));
    keys.open(permit, &EventTicket::next(), stored).map(|held| held.dangerous_peek().0.clone())
}

#[test]
fn i2_a_permit_opens_its_fields_of_its_record_version_and_nothing_else() {
    let (keys, head) = (keyring(), head(1));
    let sealed = seal(&keys, &head);
    assert_eq!(open(&keys, stored(&head, &sealed), &[2]).unwrap(), [(2, b"ada@example.org".to_vec())]);
    assert_eq!(open(&keys, stored(&head, &sealed), &[9]).unwrap(), []);
    let other = Permit::for_tests(head.record, Version(2), &[(FieldNo(1), Form::Plain)], CommitNo(0));
    let refused = keys.open(other, &EventTicket::next(), stored(&head, &sealed)).err();
    assert_eq!(refused, Some(Unopenable::Permit));
    let foreign = WritePermit::for_tests(CollectionNo(3), &[FieldNo(1), FieldNo(2)]);
    assert_eq!(keys.seal(&foreign, &head, &fields(), false, &mut OsEntropy).err(), Some(Unopenable::Permit));
    let narrow = WritePermit::for_tests(CollectionNo(2), &[FieldNo(1)]);
    assert_eq!(keys.seal(&narrow, &head, &fields(), false, &mut OsEntropy).err(), Some(Unopenable::Permit));
}

#[test]
fn a23_every_flipped_byte_of_a_sealed_record_is_refused() {
    let (keys, head) = (keyring(), head(1));
    let sealed = seal(&keys, &head);
    for at in 0..sealed.bytes.len() {
        for bit in [1, 0x80] {
            let mut bytes = sealed.bytes.clone();
            bytes[at] ^= bit;
            let altered = StoredRecord { bytes: &bytes, ..stored(&head, &sealed) };
            assert!(open(&keys, altered, &[1, 2]).is_err(), "byte {at}");
        }
    }
    for at in 0..48 {
        let mut key = sealed.key;
        key.bytes[at] ^= 1;
        let altered = StoredRecord { key: &key, ..stored(&head, &sealed) };
        assert_eq!(open(&keys, altered, &[1]), Err(Unopenable::Key));
    }
    for at in 0..17 {
        let mut seal = sealed.seal;
        seal.0[at] ^= 1;
        let altered = StoredRecord { seal: &seal, ..stored(&head, &sealed) };
        assert_eq!(open(&keys, altered, &[1]), Err(Unopenable::RowSeal));
    }
}

#[test]
fn i4_every_column_of_a_head_is_under_its_seal() {
    let keys = keyring();
    let whole = head(1);
    let seal = keys.seal_head(&whole);
    assert!(keys.check_head(&whole, &seal).is_ok());
    let edits: [fn(&mut RecordHead); 8] = [
        |h| h.record = head(2).record,
        |h| h.subject = SubjectId(h.record.0),
        |h| h.collection = CollectionNo(3),
        |h| h.version = Version(2),
        |h| h.head_version = Version(2),
        |h| h.status = RecordStatus::Dying,
        |h| h.expires_at = Some(Timestamp(0)),
        |h| h.generations[0].1 = Generation(9),
    ];
    for (at, edit) in edits.iter().enumerate() {
        let mut edited = whole.clone();
        edit(&mut edited);
        assert_eq!(keys.check_head(&edited, &seal), Err(Unopenable::RowSeal), "edit {at}");
    }
}

#[test]
fn i3_ciphertext_key_and_head_of_another_record_do_not_fit() {
    let keys = keyring();
    let (one, two) = (head(1), head(2));
    let (a, b) = (seal(&keys, &one), seal(&keys, &two));
    let mixed = StoredRecord { bytes: &b.bytes, ..stored(&one, &a) };
    assert_eq!(open(&keys, mixed, &[1]), Err(Unopenable::Commitment));
    let mixed = StoredRecord { key: &b.key, ..stored(&one, &a) };
    assert_eq!(open(&keys, mixed, &[1]), Err(Unopenable::Key));
    let mixed = StoredRecord { bytes: &b.bytes, key: &b.key, ..stored(&one, &a) };
    assert_eq!(open(&keys, mixed, &[1]), Err(Unopenable::Key));
    let mixed = StoredRecord { head: &two, seal: &b.seal, ..stored(&one, &a) };
    assert_eq!(open(&keys, mixed, &[1]), Err(Unopenable::Key));
    let other_vault = keyring();
    assert!(open(&other_vault, stored(&one, &a), &[1]).is_err());
}

#[test]
fn i3_fields_cannot_be_swapped_dropped_or_added_inside_a_record() {
    let (keys, head) = (keyring(), head(1));
    let sealed = seal(&keys, &head);
    // suite 1 ‖ count 2 ‖ two entries of 6 ‖ commitment 32 ‖ two bodies of 16 + 16
    let (front, body) = sealed.bytes.split_at(3 + 12 + 32);
    let (first, second) = body.split_at(32);
    let swapped = [front, second, first].concat();
    assert_eq!(
        open(&keys, StoredRecord { bytes: &swapped, ..stored(&head, &sealed) }, &[1]),
        Err(Unopenable::Commitment)
    );
    let dropped = [&[1, 0, 1], &front[3..9], &front[15..], first].concat();
    assert_eq!(
        open(&keys, StoredRecord { bytes: &dropped, ..stored(&head, &sealed) }, &[1]),
        Err(Unopenable::Commitment)
    );
    let mut renamed = sealed.bytes.clone();
    renamed[4] = 0; // field 1 becomes field 0
    assert_eq!(
        open(&keys, StoredRecord { bytes: &renamed, ..stored(&head, &sealed) }, &[0]),
        Err(Unopenable::Commitment)
    );
    for cut in 0..sealed.bytes.len() {
        let short = StoredRecord { bytes: &sealed.bytes[..cut], ..stored(&head, &sealed) };
        assert_eq!(open(&keys, short, &[1]), Err(Unopenable::Malformed));
    }
}

#[test]
fn a_change_by_one_who_may_not_read_keeps_the_rest_and_takes_a_new_key() {
    let (keys, old_head) = (keyring(), head(1));
    let old = seal(&keys, &old_head);
    let new_head = RecordHead { version: Version(2), head_version: Version(2), ..old_head.clone() };
    let changed = [(FieldNo(2), Some(b"ada@example.com".to_vec()))];
    let new = keys
        .carry(&write(), stored(&old_head, &old), &changed, &new_head, &mut OsEntropy)
        .unwrap_or_else(|e| panic!("{e}"));
    let read = open(&keys, stored(&new_head, &new), &[1, 2]).unwrap();
    assert_eq!(read, [(1, b"Ada Lovelace".to_vec()), (2, b"ada@example.com".to_vec())]);
    assert_ne!(old.key.bytes, new.key.bytes, "I7: one data key, one version");
    let removed = [(FieldNo(1), None)];
    let less = keys
        .carry(&write(), stored(&old_head, &old), &removed, &new_head, &mut OsEntropy)
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(Keyring::directory(&less.bytes).unwrap(), [FieldNo(2)]);
    let narrow = WritePermit::for_tests(CollectionNo(2), &[FieldNo(1)]);
    let refused = keys.carry(&narrow, stored(&old_head, &old), &changed, &new_head, &mut OsEntropy).err();
    assert_eq!(refused, Some(Unopenable::Permit));
    let back = keys.carry(&write(), stored(&old_head, &old), &changed, &old_head, &mut OsEntropy).err();
    assert_eq!(back, Some(Unopenable::Permit), "a version never goes back or stays");
}

#[test]
fn a_changed_head_takes_the_key_with_it_and_the_old_head_no_longer_fits() {
    let (keys, old_head) = (keyring(), head(1));
    let sealed = seal(&keys, &old_head);
    let mut new_head = RecordHead { head_version: Version(2), ..old_head.clone() };
    new_head.generations[0].1 = Generation(8);
    let (seal, key) = keys.rehead(stored(&old_head, &sealed), &new_head).unwrap();
    let now = StoredRecord { head: &new_head, seal: &seal, bytes: &sealed.bytes, key: &key };
    assert_eq!(open(&keys, now, &[1]).unwrap(), [(1, b"Ada Lovelace".to_vec())]);
    let rolled_back = StoredRecord { head: &old_head, seal: &sealed.seal, ..now };
    assert_eq!(open(&keys, rolled_back, &[1]), Err(Unopenable::Key));
    let moved = RecordHead { subject: SubjectId(head(9).record.0), ..new_head.clone() };
    assert_eq!(keys.rehead(stored(&old_head, &sealed), &moved), Err(Unopenable::Permit));
}

struct Stuck;
impl Entropy for Stuck {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyFailed> {
        out.fill(4);
        Ok(())
    }
}

#[test]
fn a31_a_stuck_generator_repeats_a_key_only_for_the_same_content_at_the_same_place() {
    let keys = keyring();
    let wrapped = |head: &RecordHead, fields: &Fields| {
        keys.seal(&write(), head, fields, false, &mut Stuck).unwrap_or_else(|e| panic!("{e}")).key.bytes
    };
    let base = wrapped(&head(1), &fields());
    assert_eq!(base, wrapped(&head(1), &fields()), "equality leaks, no more");
    let mut other = fields();
    other.0[0].1[0] ^= 1;
    assert_ne!(base, wrapped(&head(1), &other));
    assert_ne!(base, wrapped(&head(2), &fields()));
    let later = RecordHead { version: Version(2), head_version: Version(2), ..head(1) };
    assert_ne!(base, wrapped(&later, &fields()));
}

#[test]
fn a31_ten_thousand_seals_take_ten_thousand_keys() {
    let (keys, head) = (keyring(), head(1));
    let mut seen: Vec<_> = (0..10_000).map(|_| seal(&keys, &head).key.bytes).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 10_000);
}

#[test]
fn values_beyond_the_caps_are_refused_before_sealing() {
    let keys = keyring();
    let of =
        |sizes: &[usize]| Fields(sizes.iter().enumerate().map(|(f, n)| (f as u16, vec![0; *n])).collect());
    let permit = WritePermit::for_tests(CollectionNo(2), &(0..8).map(FieldNo).collect::<Vec<_>>());
    let seal = |fields: Fields| keys.seal(&permit, &head(1), &fields, false, &mut OsEntropy).map(|_| ());
    assert_eq!(seal(of(&[65_536])), Ok(()));
    assert_eq!(seal(of(&[65_537])), Err(Unopenable::TooLarge));
    assert_eq!(seal(of(&[60_000; 5])), Err(Unopenable::TooLarge));
    assert_eq!(seal(Fields(vec![(2, Vec::new()), (1, Vec::new())])), Err(Unopenable::Malformed));
}

#[test]
fn upkeep_opens_everything_of_its_own_record_only() {
    let (keys, head) = (keyring(), head(1));
    let sealed = seal(&keys, &head);
    let mine = MaintenancePermit::dangerous_new(head.record, head.version);
    assert_eq!(
        keys.open_for_upkeep(&mine, stored(&head, &sealed)).unwrap_or_else(|e| panic!("{e}")).0,
        fields().0
    );
    let other = MaintenancePermit::dangerous_new(self::head(2).record, head.version);
    assert_eq!(keys.open_for_upkeep(&other, stored(&head, &sealed)).err(), Some(Unopenable::Permit));
}

#[test]
fn a_credentials_key_hangs_below_the_pepper() {
    let (keys, head) = (keyring(), head(1));
    let credential =
        keys.seal(&write(), &head, &fields(), true, &mut OsEntropy).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((seal(&keys, &head).key.kek >> 8, credential.key.kek >> 8), (0, 1));
    let mut data = credential.key;
    data.kek &= 0xff;
    let moved = StoredRecord { key: &data, ..stored(&head, &credential) };
    assert_eq!(open(&keys, moved, &[1]), Err(Unopenable::Key));
}

#[test]
fn a_keyring_is_written_and_read_back_and_every_flipped_byte_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let root = KeyFile::create(&dir.path().join("root"), &mut OsEntropy).unwrap();
    let (keys, path) = (keyring(), dir.path().join("keyring"));
    keys.write(&path, &root, &mut OsEntropy).unwrap();
    let again = Keyring::load(&path, &root).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((again.vault(), again.generation(), again.ceiling()), (keys.vault(), 1, keys.ceiling()));
    let head = head(1);
    let sealed = seal(&keys, &head);
    assert!(open(&again, stored(&head, &sealed), &[1]).is_ok(), "the same keys");
    let bytes = std::fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        assert!(Keyring::open_file(&altered, &root).is_err(), "byte {at}");
        assert!(Keyring::open_file(&bytes[..at], &root).is_err(), "cut at {at}");
    }
    let stranger = KeyFile::create(&dir.path().join("other"), &mut OsEntropy).unwrap();
    assert!(Keyring::load(&path, &stranger).is_err());
    assert_eq!(root.describe(), "key_file");
}
