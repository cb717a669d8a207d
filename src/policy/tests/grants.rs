//! What a grant may say: ceilings of recipients, wildcards, purposes that are masked only.

use super::world::field;
use crate::policy::{Numbering, Policy, PolicyError, SAMPLE};

fn compile(more: &str) -> Result<Policy, Vec<PolicyError>> {
    Policy::compile(&format!("{SAMPLE}\n{more}\n"), &Numbering::default())
}

fn processor(fields: &str) -> String {
    format!(
        "[processors.x]\ncountry = \"DE\"\ncontract = {{ ref = \"a\", signed = 2026-01-10, expires = 2028-01-10 }}\n\
         purposes = [\"support\"]\nfields = [{fields}]\ntransfer_basis = \"none_needed\"\n"
    )
}

fn client(grant: &str) -> String {
    format!(
        "[clients.x]\ncountry = \"DE\"\nnetworks = [\"10.9.0.0/16\"]\nauth = [\"key\"]\ngrants = [{{ {grant} }}]\n"
    )
}

#[track_caller]
fn refused(more: &str, path: &str, part: &str) {
    let found = compile(more).err().unwrap_or_default();
    assert!(found.iter().any(|f| f.path.starts_with(path) && f.message.contains(part)), "{more}: {found:#?}");
}

#[track_caller]
fn taken(more: &str) -> Policy {
    compile(more).unwrap_or_else(|faults| panic!("{more}: {faults:#?}"))
}

#[test]
fn c13_a_purpose_that_is_masked_only_grants_no_verification_either() {
    refused(
        &client("purpose = \"research\", verify = true"),
        "clients.x.grants[0].plain",
        "masked only (C13)",
    );
    refused(
        &client("purpose = \"research\", write = [\"contact.name\"]"),
        "clients.x.grants[0].plain",
        "C13",
    );
    taken(&client("purpose = \"research\", masked = [\"contact.name\"]"));
}

#[test]
fn c20_a_recipient_that_may_have_nothing_of_what_is_read_is_told() {
    let carrier = processor("\"contact.phone\"");
    let grant = |fields: &str| {
        carrier.clone() + &client(&format!("purpose = \"support\", {fields}, recipients = [\"x\"]"))
    };
    refused(
        &grant("plain = [\"contact.name\"]"),
        "clients.x.grants[0].recipients[0]",
        "may receive none of the fields read here",
    );
    taken(&grant("plain = [\"contact.phone\"]"));
    taken(&grant("masked = [\"contact.phone\"]"));
}

#[test]
fn c06_a_wildcard_of_a_recipient_leaves_e_mail_addresses_to_be_named() {
    refused(&processor("\"contact.*\""), "processors.x.fields[0]", "never includes an e-mail address");
    taken(&processor("\"contact.*\", \"contact.email\""));
    taken(&processor("\"shipping.*\""));
    let policy = taken(&processor("\"credential.*\""));
    let recipient = policy.recipient("x").unwrap();
    let may = |name: &str| policy.recipients[&recipient].may_have(field(&policy, name));
    assert!(may("credential.login") && !may("credential.password"), "c05: a password is in no wildcard");
}

#[test]
fn a_wildcard_of_searches_takes_what_can_be_searched() {
    let more = "[collections.x]\nfields.e = { type = \"email\", sensitivity = 1 }\nfields.l = { type = \"login\", sensitivity = 1, search = \"exact\" }\n";
    let policy = taken(&(more.to_owned() + &client("purpose = \"support\", search = [\"x.*\"]")));
    let x = policy.client("x").unwrap().no;
    let grant = policy.client_rules[&x].grant(policy.purpose("support").unwrap()).unwrap();
    assert!(grant.search.has(field(&policy, "x.l").0) && !grant.search.has(field(&policy, "x.e").0));
}

#[test]
fn only_a_retention_from_the_creation_gives_tokens_the_life_it_keeps() {
    let life = |retention: &str| {
        let more = format!(
            "[collections.x]\nretention = {{ {retention} }}\nfields.a = {{ type = \"free_text\", sensitivity = 1 }}"
        );
        let policy = taken(&more);
        let x = policy.collection("x").unwrap();
        policy.retention_of(x).map(|life| life.as_secs())
    };
    let day = 86_400;
    assert_eq!(life("from = \"created\", keep = \"1d\""), Some(day));
    assert_eq!(life("from = \"created\", keep = \"1d\", max = \"2d\""), Some(2 * day));
    assert_eq!(life("from = \"contract_ended\", keep = \"1d\""), None);
    assert_eq!(life("from = \"contract_ended\", keep = \"1d\", max = \"3d\""), Some(3 * day));
}
