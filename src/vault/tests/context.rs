//! Contexts: who may vouch for a read, and what a read out of context learns: nothing.

use super::Rig;
use super::rig::{block_on, reveal, shown, token};
use crate::domain::ControlKind;
use crate::domain::Sensitive;
use crate::policy::SAMPLE;
use crate::vault::*;
use std::time::Duration;

/// The sample policy, with billing bound to a verified context.
fn rig() -> Rig {
    let from = "recipients = [\"payment-processor\"] },";
    let bound = SAMPLE.replace(from, "recipients = [\"payment-processor\"], context = \"verified\" },");
    let bound = bound.replace(
        "acts = [\"token.mint\"]\nlimits = { requests_per_second = 100",
        "acts = [\"token.mint\", \"context.register:order\"]\nlimits = { requests_per_second = 100",
    );
    assert_ne!(bound, SAMPLE);
    Rig::with_policy(&bound)
}

fn order(subject: &str) -> RegisterContext {
    RegisterContext {
        kind: "order".to_owned(),
        reference: "A-1009".to_owned(),
        subject: subject.to_owned(),
        assigned_to: None,
        expires_in: Duration::from_secs(3_600),
    }
}

fn register(
    rig: &Rig,
    caller: &Caller,
    command: &RegisterContext,
) -> Result<Done<RegisteredContext>, Refusal> {
    block_on(rig.vault.register_context(caller, &rig.call(), command))
}

fn read(rig: &Rig, reference: Option<&str>, person: Option<&str>, tokens: &[&str]) -> Vec<String> {
    let command = RevealCommand {
        context: reference.map(|r| ("order".to_owned(), r.to_owned())),
        on_behalf_of: person.map(str::to_owned),
        ..reveal("billing", tokens)
    };
    let done = block_on(rig.vault.reveal(&rig.billing, &rig.call(), &command)).unwrap();
    done.value.iter().map(shown).collect()
}

const ADA: &str = "\"Ada Lovelace\"";
const UNVERIFIED: &str = "denied context_unverified";

#[test]
fn a_read_needs_a_context_that_another_registered_for_the_very_person() {
    let rig = rig();
    let (ada, bob) = (rig.subject(), rig.subject());
    let (hers, his) = (rig.contact(&ada), rig.contact(&bob));
    let (hers, his) = (token(&hers, "name"), token(&his, "name"));
    assert_eq!(read(&rig, None, None, &[hers]), ["denied context_missing"]);
    assert_eq!(read(&rig, Some("A-1009"), None, &[hers]), [UNVERIFIED], "nobody registered it");
    register(&rig, &rig.storefront, &order(&ada)).unwrap();
    assert_eq!(read(&rig, Some("A-1009"), None, &[hers, his]), [ADA, UNVERIFIED], "it covers Ada alone");
    assert_eq!(read(&rig, Some("A-1010"), None, &[hers]), [UNVERIFIED], "another order");
    rig.clock.advance_us(3_600_000_000);
    assert_eq!(read(&rig, Some("A-1009"), None, &[hers]), [UNVERIFIED], "it has ended");
}

#[test]
fn nobody_registers_the_context_of_his_own_read() {
    let rig = rig();
    let ada = rig.subject();
    let stored = rig.contact(&ada);
    register(&rig, &rig.billing, &order(&ada)).unwrap();
    assert_eq!(read(&rig, Some("A-1009"), None, &[token(&stored, "name")]), [UNVERIFIED]);
    let theirs = register(&rig, &rig.storefront, &order(&ada)).map(drop);
    assert_eq!(theirs.err().unwrap(), Refusal::AlreadyExists, "nor takes it over from another");
}

#[test]
fn a_context_assigned_to_a_person_serves_that_person() {
    let rig = rig();
    let ada = rig.subject();
    let stored = rig.contact(&ada);
    let name = token(&stored, "name");
    let command = RegisterContext { assigned_to: Some("agent-117".to_owned()), ..order(&ada) };
    register(&rig, &rig.storefront, &command).unwrap();
    assert_eq!(read(&rig, Some("A-1009"), None, &[name]), [UNVERIFIED]);
    assert_eq!(read(&rig, Some("A-1009"), Some("agent-118"), &[name]), [UNVERIFIED]);
    assert_eq!(read(&rig, Some("A-1009"), Some("agent-117"), &[name]), [ADA]);
    let command = RegisterContext { assigned_to: Some("agent-118".to_owned()), ..order(&ada) };
    register(&rig, &rig.storefront, &command).unwrap();
    assert_eq!(read(&rig, Some("A-1009"), Some("agent-117"), &[name]), [UNVERIFIED], "assigned anew");
    assert_eq!(read(&rig, Some("A-1009"), Some("agent-118"), &[name]), [ADA]);
}

#[test]
fn i5_a_read_out_of_context_does_not_tell_what_lives() {
    let rig = rig();
    let ada = rig.subject();
    let stored = rig.contact(&ada);
    let (name, email) = (token(&stored, "name"), token(&stored, "email"));
    let id = rig.vault.subject_named(&ada).unwrap();
    let left = |rig: &Rig| rig.vault.quotas(&rig.billing).subjects.remaining;
    let before = left(&rig);
    let alive = read(&rig, Some("A-1"), None, &[name, email, "srx_forged"]);
    assert_eq!(alive, [UNVERIFIED, UNVERIFIED, UNVERIFIED]);
    assert_eq!(left(&rig), before, "what is left of the day's subjects says nothing either");
    let revoke = [Sensitive::text(name)];
    block_on(rig.vault.revoke_tokens(&rig.storefront, &rig.call(), &revoke)).unwrap();
    assert_eq!(read(&rig, Some("A-1"), None, &[name, email, "srx_forged"]), alive, "revoked");
    rig.sql(&format!("DELETE FROM subjects WHERE locator = {}", id.0.to_i64()));
    assert_eq!(read(&rig, Some("A-1"), None, &[name, email, "srx_forged"]), alive, "gone");
    assert_eq!(read(&rig, None, None, &[name, "srx_forged"]), ["denied context_missing"; 2]);
}

#[test]
fn i4_an_edited_context_vouches_for_nothing() {
    let rig = rig();
    let ada = rig.subject();
    let stored = rig.contact(&ada);
    let short = RegisterContext { expires_in: Duration::from_secs(1), ..order(&ada) };
    register(&rig, &rig.storefront, &short).unwrap();
    rig.clock.advance_us(2_000_000);
    let kind = ControlKind::Context as u8;
    // Its last eight bytes are its end: a year is added to them.
    let later = rig.vault.now().plus(Duration::from_secs(31_536_000)).0;
    let changed = rig.sql(&format!(
        "UPDATE controls SET body = CAST(substr(body, 1, length(body) - 8) || x'{later:016x}' AS BLOB) WHERE kind = {kind}"
    ));
    assert_eq!(changed, 1);
    assert_eq!(read(&rig, Some("A-1009"), None, &[token(&stored, "name")]), [UNVERIFIED]);
    assert!(rig.vault.integrity_failures() > 0);
    assert_eq!(register(&rig, &rig.storefront, &order(&ada)).map(drop).err().unwrap(), Refusal::Integrity);
}

#[test]
fn i6_neither_reference_nor_person_is_stored_in_clear() {
    let rig = rig();
    let ada = rig.subject();
    let stored = rig.contact(&ada);
    let command = RegisterContext {
        reference: "CNRY-order-77218".to_owned(),
        assigned_to: Some("cnry-agent-4711".to_owned()),
        ..order(&ada)
    };
    register(&rig, &rig.storefront, &command).unwrap();
    assert_eq!(
        read(&rig, Some("CNRY-order-77218"), Some("cnry-agent-4711"), &[token(&stored, "name")]),
        [ADA]
    );
    for file in std::fs::read_dir(rig.dir.path().join("d")).unwrap().flatten() {
        let bytes = std::fs::read(file.path()).unwrap();
        for planted in ["CNRY-order-77218", "cnry-agent-4711"] {
            assert!(
                !bytes.windows(planted.len()).any(|w| w == planted.as_bytes()),
                "{planted} in {:?}",
                file.path()
            );
        }
    }
}

#[test]
fn the_event_of_a_read_says_whether_its_context_was_verified() {
    let rig = rig();
    let ada = rig.subject();
    let stored = rig.contact(&ada);
    register(&rig, &rig.storefront, &order(&ada)).unwrap();
    let last = |rig: &Rig| {
        let row = rig.vault.audit_tail(1).unwrap().remove(0);
        crate::audit::decode(&row.body).unwrap().context.unwrap()
    };
    read(&rig, Some("A-1009"), None, &[token(&stored, "name")]);
    let (kind, reference, verified) = last(&rig);
    assert_eq!((kind.as_str(), verified), ("order", Some(true)));
    read(&rig, Some("A-1010"), None, &[token(&stored, "name")]);
    let (_, other, verified) = last(&rig);
    assert_eq!(verified, Some(false));
    assert_ne!(reference, other);
    read(&rig, Some("A-1009"), None, &["srx_forged"]);
    assert_eq!(last(&rig).2, Some(false), "nothing was verified for a token that is none");
}

#[test]
fn a_context_is_of_a_person_who_is_there_and_lives_a_year_at_most() {
    let rig = rig();
    let ada = rig.subject();
    let refused =
        |command: &RegisterContext| register(&rig, &rig.storefront, command).map(drop).err().unwrap();
    let nobody = rig
        .vault
        .keys()
        .name(crate::crypto::NameKind::Subject, crate::domain::Locator::from_raw(1 << 40).unwrap());
    assert_eq!(refused(&order(&nobody)), Refusal::NotFound);
    assert_eq!(refused(&order("sub_nobody")), Refusal::NotFound);
    for life in [0, 366 * 86_400 + 1] {
        let command = RegisterContext { expires_in: Duration::from_secs(life), ..order(&ada) };
        assert_eq!(refused(&command).code(), "invalid_field");
    }
    let card = RegisterContext { reference: "4111-1111-1111-1111".to_owned(), ..order(&ada) };
    assert_eq!(refused(&card), Refusal::CardNumber("/ref".to_owned()));
    let ticket = RegisterContext { kind: "ticket".to_owned(), ..order(&ada) };
    assert_eq!(refused(&ticket).code(), "denied", "only orders are granted");
}

#[test]
fn a_retry_gets_the_same_context_and_renews_nothing() {
    let rig = rig();
    let ada = rig.subject();
    let first =
        block_on(rig.vault.register_context(&rig.storefront, &rig.keyed("k", "b"), &order(&ada))).unwrap();
    rig.clock.advance_us(60_000_000);
    let again =
        block_on(rig.vault.register_context(&rig.storefront, &rig.keyed("k", "b"), &order(&ada))).unwrap();
    assert!(again.replayed && !first.replayed);
    assert_eq!(
        (again.value.context, again.value.expires_at),
        (first.value.context.clone(), first.value.expires_at)
    );
    let renewed = register(&rig, &rig.storefront, &order(&ada)).unwrap();
    assert_eq!(renewed.value.context, first.value.context);
    assert!(renewed.value.expires_at > first.value.expires_at);
}

#[test]
fn a_search_finds_only_whom_the_context_covers() {
    let bound = SAMPLE.replace("context = \"none\"", "context = \"verified\"");
    let bound =
        bound.replace("acts = [\"unsubscribe.link\", \"token.mint\"]", "acts = [\"context.register:order\"]");
    let rig = Rig::with_policy(&bound);
    let (ada, twin) = (rig.subject(), rig.subject());
    // Writing asks for no context: the grant's is for reading.
    rig.contact(&ada);
    rig.contact(&twin);
    let find = |context: Option<&str>| {
        let command = SearchCommand {
            collection: "contact".to_owned(),
            purpose: "order_fulfilment".to_owned(),
            by: SearchBy::Equals("email".to_owned(), Sensitive::text("ada@example.org")),
            context: context.map(|r| ("order".to_owned(), r.to_owned())),
            on_behalf_of: None,
        };
        let done = block_on(rig.vault.search(&rig.storefront, &rig.call(), &command));
        done.map(|d| d.value.hits.into_iter().map(|h| h.subject).collect::<Vec<_>>())
    };
    assert_eq!(find(None).err().unwrap(), Refusal::Denied(RuleName(crate::domain::Rule::ContextMissing)));
    assert_eq!(find(Some("A-1009")).unwrap(), Vec::<String>::new());
    register(&rig, &rig.mailer, &order(&ada)).unwrap();
    assert_eq!(find(Some("A-1009")).unwrap(), [ada]);
}
