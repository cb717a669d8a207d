//! Batches in parts, and streams of reveals: what is remembered, judged anew, and reported.

use super::rig::*;
use crate::domain::event::{Act, EventBody, Principal};
use crate::domain::{Rule, Sensitive};
use crate::vault::*;
use std::sync::Arc;

fn contacts(subject: &str, count: usize) -> Vec<CreateRecord> {
    let one = |n: usize| {
        let name = format!("Person {n}");
        record(
            subject,
            "contact",
            &[("name", &name), ("email", &format!("p{n}@example.org"))],
            TokenWish::default(),
        )
    };
    (0..count).map(one).collect()
}

impl Rig {
    fn batch(
        &self,
        call: &Call,
        commands: &[CreateRecord],
        atomic: bool,
    ) -> Result<Done<Vec<BatchItem>>, Refusal> {
        block_on(self.vault.create_records(&self.storefront, call, commands, atomic))
    }
    fn events(&self, act: Act) -> Vec<EventBody> {
        let query = AuditQuery { act: Some(act), limit: 100, ..AuditQuery::default() };
        let rows = self.vault.audit_query(&query).unwrap();
        rows.iter().rev().map(|row| crate::audit::decode(&row.body).unwrap()).collect()
    }
}

#[test]
fn a_batch_cut_off_after_some_parts_is_finished_by_its_retry_and_nothing_is_stored_twice() {
    let rig = Rig::new();
    let subject = rig.subject();
    let all = contacts(&subject, 1_200);
    // The first two parts were committed when the process died: the same key and body, and only they.
    let cut = rig.batch(&rig.keyed("k", "body"), &all[..1_000], false).unwrap();
    assert!(cut.value.iter().all(Result::is_ok));
    let whole = rig.batch(&rig.keyed("k", "body"), &all, false).unwrap();
    assert!(!whole.replayed, "the third part is new");
    let names = |items: &[BatchItem]| -> Vec<String> {
        items.iter().map(|i| i.as_ref().ok().unwrap().record.clone()).collect()
    };
    assert_eq!(names(&whole.value)[..1_000], names(&cut.value)[..]);
    let distinct: std::collections::BTreeSet<_> = names(&whole.value).into_iter().collect();
    assert_eq!(distinct.len(), 1_200);
    let again = rig.batch(&rig.keyed("k", "body"), &all, false).unwrap();
    assert!(again.replayed && again.cost == 0, "a retry costs nothing");
    assert_eq!(rig.vault.quotas(&rig.storefront).cost.remaining, {
        let quota = rig.vault.quotas(&rig.storefront).cost.quota;
        quota - 2_400
    });
}

#[test]
fn each_part_is_one_event_that_says_which_of_how_many_and_names_its_fields() {
    let rig = Rig::new();
    let subject = rig.subject();
    rig.batch(&rig.call(), &contacts(&subject, 1_100), false).unwrap();
    let events = rig.events(Act::RecordCreate);
    let parts: Vec<_> = events.iter().map(|e| (e.part, e.items.len(), e.count, e.cost)).collect();
    assert_eq!(
        parts,
        [((1, 3), 1_000, Some(500), 1_000), ((2, 3), 1_000, Some(500), 1_000), ((3, 3), 200, Some(100), 200)]
    );
    assert!(events.iter().all(|e| e.subjects.len() == 1));
    // All or none is one event: it names records where it cannot name fields.
    rig.batch(&rig.call(), &contacts(&subject, 900), true).unwrap();
    let last = rig.events(Act::RecordCreate).pop().unwrap();
    assert_eq!((last.part, last.items.len(), last.count), ((1, 1), 900, Some(900)));
    assert!(last.items.iter().all(|i| i.field.0 == 0));
}

#[test]
fn c02_c10_a_refused_card_or_minor_is_refused_again_and_nothing_of_it_is_remembered() {
    let rig = Rig::new();
    let subject = rig.subject();
    let mut commands = contacts(&subject, 2);
    commands.push(record(&subject, "contact", &[("name", "4111 1111 1111 1111")], TokenWish::default()));
    commands.push(record(&subject, "identity", &[("birth_date", "2020-01-01")], TokenWish::default()));
    for _ in 0..2 {
        let items = rig.batch(&rig.keyed("k", "b"), &commands, false).unwrap().value;
        assert!(items[0].is_ok() && items[1].is_ok());
        assert!(matches!(items[2], Err(Refusal::CardNumber(_))) && matches!(items[3], Err(Refusal::Minor)));
    }
    let db = rusqlite::Connection::open(rig.dir.path().join("d/vault.db")).unwrap();
    let result: Vec<u8> = db.query_row("SELECT result FROM idempotency", [], |r| r.get(0)).unwrap();
    let text = String::from_utf8_lossy(&result);
    assert!(!text.contains("Card") && !text.contains("Minor"), "{text}");
}

#[test]
fn an_atomic_batch_that_changes_more_rows_than_an_event_names_is_told_to_split() {
    let rig = Rig::new();
    let subject = rig.subject();
    let fields = [("name", "Ada"), ("email", "a@example.org"), ("phone", "+442079460018")];
    let once = || TokenWish { uses: Some(1), ..TokenWish::default() };
    let commands: Vec<_> = (0..1_000).map(|_| record(&subject, "contact", &fields, once())).collect();
    assert!(rig.batch(&rig.call(), &commands, true).is_ok(), "4 000 rows fit");
    let wide = [("name", "Ada"), ("address", "x"), ("company", "b"), ("name2", "c"), ("name3", "d")];
    let commands: Vec<_> = (0..1_000).map(|_| record(&subject, "shipping", &wide, once())).collect();
    let refused = rig.batch(&rig.call(), &commands, true).err().unwrap();
    assert!(matches!(&refused, Refusal::InvalidRequest(f) if f[0].code == "too_many_rows"));
}

#[test]
fn a_failing_part_leaves_what_was_stored_and_names_the_rest() {
    let rig = Rig::new();
    let subject = rig.subject();
    let commands = contacts(&subject, 700);
    // The second part meets a key that was used for something else.
    let call = rig.keyed("k", "b");
    let part =
        rig.vault.keys().idempotency_digest(&[b"part", &2u32.to_be_bytes(), &call.idempotency.unwrap().key]);
    rig.sql(&format!(
        "INSERT INTO idempotency SELECT {}, x'{}', x'{}', {}, x'00'",
        rig.storefront.client().0,
        data_encoding::HEXLOWER.encode(&part),
        "00".repeat(16),
        rig.vault.now().0
    ));
    let items = rig.batch(&call, &commands, false).unwrap().value;
    assert_eq!(items.len(), 700);
    assert!(items[..500].iter().all(Result::is_ok));
    assert!(items[500..].iter().all(|i| matches!(i, Err(Refusal::IdempotencyMismatch))));
}

/// A vault shared as a server holds it, one of its callers, and a call.
fn shared(rig: Rig) -> (Arc<Vault>, Caller, Call, tempfile::TempDir) {
    let call = rig.call();
    let Rig { vault, storefront, dir, .. } = rig;
    (Arc::new(vault), storefront, call, dir)
}

fn stream((vault, caller, call): (&Arc<Vault>, Caller, &Call), token: &str, count: usize) -> RevealStream {
    let tokens = (0..count).map(|_| Sensitive::text(token)).collect();
    let command = RevealCommand { tokens, ..reveal("order_fulfilment", &[]) };
    block_on(RevealStream::begin(Arc::clone(vault), Arc::new(caller), call, command)).ok().unwrap()
}

#[test]
fn p1_a_part_is_audited_when_it_is_asked_for_and_not_before() {
    let rig = Rig::new();
    let stored = rig.contact(&rig.subject());
    let name = token(&stored, "name").to_owned();
    let (vault, reader, call, _dir) = shared(rig);
    let mut source = stream((&vault, reader, &call), &name, 3_500);
    let size = || vault.log_head().size;
    let before = size();
    for part in 1..=4u64 {
        let chunk = block_on(source.next()).unwrap().ok().unwrap();
        assert_eq!(chunk.items.len(), if part == 4 { 500 } else { 1_000 });
        assert_eq!((size() - before, chunk.head.size), (part, before + part));
    }
    assert!(block_on(source.next()).is_none());
    let query = AuditQuery { act: Some(Act::Detokenize), limit: 9, ..AuditQuery::default() };
    let rows = vault.audit_query(&query).unwrap();
    let mut events: Vec<_> = rows.iter().map(|r| crate::audit::decode(&r.body).unwrap()).collect();
    events.reverse();
    let parts: Vec<_> = events.iter().map(|e| (e.part, e.items.len(), e.cost)).collect();
    assert_eq!(parts[0], ((1, 4), 1_000, 2_000));
    assert_eq!(parts[3], ((4, 4), 500, 1_000));
    assert_eq!(source.cost(), 7_000, "a unit each for the whole, the fields part by part");
}

#[test]
fn c15_what_is_withdrawn_suspended_or_ended_meanwhile_stops_the_next_part() {
    for cut in ["suspended", "key withdrawn"] {
        let rig = Rig::new();
        let stored = rig.contact(&rig.subject());
        let name = token(&stored, "name").to_owned();
        let (vault, reader, call, _dir) = shared(rig);
        let key = reader.key_id().unwrap();
        let mut source = stream((&vault, reader, &call), &name, 3_000);
        assert!(block_on(source.next()).unwrap().is_ok());
        let by = Principal::Local(0);
        let expected = if cut == "suspended" {
            block_on(vault.set_client(by, "storefront", true)).unwrap();
            Rule::ClientSuspended
        } else {
            block_on(vault.revoke_client_key(by, "storefront", key)).unwrap();
            Rule::KeyExpired
        };
        let refused = block_on(source.next()).unwrap().err().unwrap();
        assert!(matches!(refused, Refusal::Denied(rule) if rule.0 == expected), "{cut}");
    }
}
