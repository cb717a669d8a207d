//! Mistakes that stand in a section of their own, and values at the very edge of what is taken.

use super::world::sample;
use crate::policy::{Numbering, Policy, PolicyError, SAMPLE};

fn faults_with(more: &str) -> Vec<PolicyError> {
    Policy::compile(&format!("{SAMPLE}\n{more}\n"), &Numbering::default()).err().unwrap_or_default()
}

/// (a section, the path of its fault, a part of the message).
const WRONG: &[(&str, &str, &str)] = &[
    ("[roles.x]\nacts = [\"subject.crate\"]", "roles.x.acts[0]", "did you mean `subject.create`"),
    ("[roles.x]\ngrants = [{ purpose = \"nothing\" }]", "roles.x.grants[0].purpose", "unknown purpose"),
    ("[collections.empty]\nfields = {}", "collections.empty", "has no field"),
    (
        "[clients.x]\ncountry = \"DE\"\nnetworks = []\nauth = [\"key\"]",
        "clients.x.networks",
        "names no network, so the client could never call",
    ),
    (
        "[clients.x]\ncountry = \"DE\"\nnetworks = [\"10.9.0.0/16\"]\nauth = []",
        "clients.x.auth",
        "names no way to authenticate",
    ),
    (
        "[clients.x]\ncountry = \"DE\"\nnetworks = [\"10.9.0.0/16\"]\nauth = [\"key\"]\ntokens = \"no\"",
        "clients.x.tokens",
        "one of `shared`, `per_client`",
    ),
    (
        "[purposes.x]\nbasis = \"contract\"\nsince_notice = \"\"",
        "purposes.x.since_notice",
        "is empty; write it out",
    ),
    (
        "[collections.x]\nfields.a = { type = \"free_text\", sensitivity = 0 }",
        "collections.x.fields.a.sensitivity",
        "1 (harmless) to 5",
    ),
    (
        "[collections.x]\nretention = { from = \"created\", keep = \"1d\", max = \"soon\" }\nfields.a = { type = \"free_text\", sensitivity = 1 }",
        "collections.x.retention.max",
        "is no duration",
    ),
    (
        "[collections.x]\nretention = { from = \"created\", keep = \"1d\", duty = { basis = \"law\", keep = \"1y\", purposes = [\"billing\"] } }\nfields.a = { type = \"free_text\", sensitivity = 1 }",
        "collections.x.retention.duty.basis",
        "`legal_obligation`",
    ),
    (
        "[collections.x]\nretention = { from = \"created\", keep = \"1d\", duty = { basis = \"legal_obligation\", keep = \"1y\", purposes = [\"bills\"] } }\nfields.a = { type = \"free_text\", sensitivity = 1 }",
        "collections.x.retention.duty.purposes[0]",
        "unknown purpose `bills`",
    ),
    (
        "[collections.x]\nfields.a = { type = \"free_text\", sensitivity = 1, search = { with = \"b\" } }\nfields.b = { type = \"free_text\", sensitivity = 1 }",
        "collections.x.fields.a.search",
        "only person_name and company can",
    ),
    (
        "[collections.x]\nfields.a = { type = \"person_name\", sensitivity = 1, search = { with = \"b.part\" } }\nfields.b = { type = \"free_text\", sensitivity = 1 }",
        "collections.x.fields.a.search",
        "`b` has no parts; write \"b\".",
    ),
    (
        "[collections.x]\nfields.a = { type = \"person_name\", sensitivity = 1, search = { with = \"b\" } }\nfields.b = { type = \"postal_address\", sensitivity = 1 }",
        "collections.x.fields.a.search",
        "write \"b.\" and one of its parts",
    ),
    (
        "[processors.x]\ncountry = \"DE\"\ncontract = { ref = \"\", signed = 2026-01-10, expires = 2028-01-10 }\npurposes = [\"billing\"]\nfields = [\"contact.name\"]\ntransfer_basis = \"none_needed\"",
        "processors.x.contract.ref",
        "is empty",
    ),
    (
        "[processors.x]\ncountry = \"DE\"\ncontact = \"\"\ncontract = { ref = \"a\", signed = 2026-01-10, expires = 2028-01-10 }\npurposes = [\"billing\"]\nfields = [\"contact.name\"]\ntransfer_basis = \"none_needed\"",
        "processors.x.contact",
        "is empty",
    ),
    (
        "[processors.x]\ncountry = \"DE\"\ncontract = { ref = \"a\", signed = 2026-01-10, expires = 2028-01-10T10:00:00Z }\npurposes = [\"bills\"]\nfields = [\"contact.nme\"]\ntransfer_basis = \"none_needed\"",
        "processors.x.contract.expires",
        "without a time",
    ),
    (
        "[processors.x]\ncountry = \"DE\"\ncontract = { ref = \"a\", signed = 2026-01-10, expires = 2028-01-10 }\npurposes = [\"bills\"]\nfields = [\"contact.name\"]\ntransfer_basis = \"none_needed\"",
        "processors.x.purposes[0]",
        "unknown purpose `bills`",
    ),
    (
        "[[transfers]]\nfrom = \"DE\"\nto = \"XX\"\nbasis = \"contract\"",
        "transfers[2].to",
        "neither a country",
    ),
];

#[test]
fn a_mistake_in_any_section_is_told_with_what_to_write() {
    for (more, path, part) in WRONG {
        let found = faults_with(more);
        let here = found.iter().find(|f| f.path.starts_with(path) && f.message.contains(part));
        assert!(here.is_some_and(|f| f.line > 0), "{more}: {found:#?}");
    }
}

#[test]
fn an_audience_without_members_is_told() {
    let text = SAMPLE.replace("shop = [", "nobody = []\nshop = [");
    let found = Policy::compile(&text, &Numbering::default()).err().unwrap();
    assert!(found.iter().any(|f| f.path == "audiences.nobody" && f.message.contains("has no member")));
}

#[test]
fn a_policy_that_serves_nobody_or_has_no_name_is_told() {
    for (from, to, path) in [
        ("regions = [\"EU\", \"US\", \"AU\"] ", "regions = [] ", "policy.regions"),
        ("name = \"Example storefront\"", "name = \"\"", "policy.name"),
        ("controller = \"Example GmbH\"", "controller = \"  \"", "policy.controller"),
        ("keep = \"13mo\"", "keep = \"\"", "audit.keep"),
    ] {
        assert!(SAMPLE.contains(from), "{from}");
        let found = Policy::compile(&SAMPLE.replacen(from, to, 1), &Numbering::default()).err().unwrap();
        assert!(found.iter().any(|f| f.path == path), "{path}: {found:#?}");
    }
}

#[test]
fn values_at_the_edge_are_taken() {
    for (from, to) in [
        ("minimum_age = 18", "minimum_age = 1"),
        ("minimum_age = 18", "minimum_age = 120"),
        ("sensitivity = 4, mask = \"year\"", "sensitivity = 5, mask = \"year\""),
        ("sensitivity = 4, mask = \"year\"", "sensitivity = 1, mask = \"year\""),
        ("keep = \"13mo\"", "keep = \"99999s\""),
        ("keep = \"13mo\"", "keep = \"1y\""),
        ("signed = 2026-01-10, expires = 2028-01-10", "signed = 2026-01-10, expires = 2026-01-11"),
        ("reads_per_hour = 10000", "reads_per_hour = 10000, reads_per_day = 10000"),
    ] {
        assert!(SAMPLE.contains(from), "{from}");
        let compiled = Policy::compile(&SAMPLE.replacen(from, to, 1), &Numbering::default());
        assert!(compiled.is_ok(), "{to}: {:#?}", compiled.err());
    }
    for (from, to) in [
        ("minimum_age = 18", "minimum_age = 121"),
        ("keep = \"13mo\"", "keep = \"100000s\""),
        ("keep = \"13mo\"", "keep = \"0y\""),
    ] {
        assert!(Policy::compile(&SAMPLE.replacen(from, to, 1), &Numbering::default()).is_err(), "{to}");
    }
}

#[test]
fn a_name_has_one_to_sixty_four_characters() {
    let long = "a".repeat(64);
    for (name, taken) in [(long.as_str(), true), ("a", true), ("a-b_9", true)] {
        let more = format!("[purposes.{name}]\nbasis = \"contract\"");
        assert_eq!(faults_with(&more).is_empty(), taken, "{name}");
    }
    let longer = "a".repeat(65);
    for name in [longer.as_str(), "9a", "-a", "_a", "aB", "\"a b\"", "\"\"", "\"a.b\""] {
        let more = format!("[purposes.{name}]\nbasis = \"contract\"");
        let found = faults_with(&more);
        assert!(found.iter().any(|f| f.message.contains("is no name")), "{name}: {found:#?}");
    }
}

#[test]
fn the_sample_stands_without_any_of_these() {
    assert!(sample().purpose("billing").is_some());
    assert!(faults_with("").is_empty());
}
