//! The sample policy grants what its documents say, and nothing else.

use super::world::sample;
use crate::domain::subject::Region;
use crate::policy::{Cidr, Numbering, Policy, SAMPLE, Search};
use std::collections::BTreeSet;

/// Client, purpose, how: fields. All there is.
const GRANTS: &[(&str, &str, &str, &str)] = &[
    (
        "storefront",
        "order_fulfilment",
        "write",
        "identity.birth_date contact.name contact.email contact.phone shipping.name shipping.address shipping.company \
         credential.login credential.password transaction.kind transaction.reference transaction.text \
         transaction.amount technical.ip_address technical.user_agent technical.search_term",
    ),
    (
        "storefront",
        "order_fulfilment",
        "plain",
        "identity.birth_date contact.name contact.email contact.phone shipping.name shipping.address shipping.company",
    ),
    (
        "storefront",
        "order_fulfilment",
        "search",
        "contact.email contact.phone credential.login shipping.name",
    ),
    ("storefront", "authentication", "verify", "credential.password"),
    (
        "billing",
        "billing",
        "write",
        "billing.name billing.address billing.tax_id billing.iban billing.processor_ref",
    ),
    (
        "billing",
        "billing",
        "plain",
        "billing.name billing.address billing.tax_id billing.iban billing.processor_ref contact.name",
    ),
    ("billing", "billing", "masked", "contact.email"),
    ("billing", "billing", "search", "billing.tax_id"),
    ("mailer", "account_notice", "plain", "contact.name contact.email"),
    ("mailer", "newsletter", "plain", "contact.email"),
];

#[test]
fn the_sample_policy_compiles() {
    match Policy::compile(SAMPLE, &Numbering::default()) {
        Ok(policy) => assert_eq!((policy.version().0, policy.name()), (1, "Example storefront")),
        Err(faults) => panic!("{}", faults.iter().map(|f| format!("{f}\n")).collect::<String>()),
    }
}

#[test]
fn the_sample_policy_grants_exactly_what_its_documents_say() {
    let p = sample();
    let mut expected = BTreeSet::new();
    for (client, purpose, how, fields) in GRANTS {
        for field in fields.split_whitespace() {
            expected.insert(format!("{client} {purpose} {how} {field}"));
        }
    }
    let mut granted = BTreeSet::new();
    for client in p.clients() {
        for (purpose, field, how) in p.grants_of(client.no) {
            let (purpose, field) =
                (p.purpose_name(purpose).unwrap(), &p.field_facts(field).unwrap().full_name);
            granted.insert(format!("{} {purpose} {how} {field}", client.name));
        }
    }
    assert_eq!(granted, expected);
}

#[test]
fn the_sample_policy_grants_exactly_these_acts() {
    let p = sample();
    let acts = |name: &str| p.acts_of(p.client(name).unwrap().no).join(" ");
    assert_eq!(
        acts("storefront"),
        "consent.record:newsletter consent.record:partner_marketing consent.record:survey consent.view \
         context.register:order record.delete record.view subject.anchor subject.create subject.notice subject.object \
         subject.restrict subject.update subject.view token.mint token.revoke unsubscribe.link"
    );
    assert_eq!(
        (acts("billing").as_str(), acts("mailer").as_str()),
        ("token.mint", "token.mint unsubscribe.link")
    );
    assert_eq!(p.clients().count(), 3);
}

#[test]
fn only_the_documented_fields_of_the_sample_are_searchable() {
    let p = sample();
    let (mut exact, mut compound) = (BTreeSet::new(), Vec::new());
    for (collection, _) in p.collections() {
        for f in p.fields_of(collection) {
            match &f.search {
                Some(Search::Exact) => drop(exact.insert(f.full_name.as_str())),
                Some(Search::Compound { with, part }) => {
                    compound.push((
                        f.full_name.as_str(),
                        p.field_facts(*with).unwrap().full_name.as_str(),
                        part.as_deref(),
                    ));
                }
                None => {}
            }
        }
    }
    assert_eq!(
        exact,
        BTreeSet::from(["billing.tax_id", "contact.email", "contact.phone", "credential.login"])
    );
    assert_eq!(compound, [("shipping.name", "shipping.address", Some("postcode"))]);
}

#[test]
fn names_and_numbers_of_the_sample_lead_to_each_other() {
    let p = sample();
    for (no, name) in p.collections() {
        assert_eq!((p.collection(name), p.collection_name(no)), (Some(no), Some(name)));
    }
    for (no, name) in p.recipients() {
        assert_eq!((p.recipient(name), p.recipient_name(no)), (Some(no), Some(name)));
    }
    let names: BTreeSet<&str> = p.recipients().map(|(_, name)| name).collect();
    assert_eq!(
        names,
        BTreeSet::from(["mail-service-us", "parcel-carrier", "partner-x", "payment-processor"])
    );
    for client in p.clients() {
        let own = p.audience(&client.name).unwrap();
        assert_eq!((own.0, p.audience_name(own)), (client.no.0, Some(client.name.as_str())));
        assert!(p.clients().all(|other| p.audience_has(own, other.no) == (other.no == client.no)));
        assert!(p.audience_has(p.audience("shop").unwrap(), client.no));
    }
    for (collection, name) in p.collections() {
        let expected = if matches!(name, "transaction" | "technical") { "storefront" } else { "shop" };
        assert_eq!(p.audience_name(p.default_audience(collection).unwrap()), Some(expected), "{name}");
    }
    assert!(["DE", "US", "AU", "LU"].iter().all(|c| p.serves(Region::parse(c).unwrap())));
    assert!(!p.serves(Region(*b"JP")));
}

#[test]
fn a_token_lives_as_long_as_its_record_may() {
    let p = sample();
    let days = |name| p.retention_of(p.collection(name).unwrap()).map(|d| d.as_secs() / 86_400);
    assert_eq!(
        (days("technical"), days("transaction"), days("contact")),
        (Some(30), Some(3 * 365), Some(3650))
    );
}

#[test]
fn a_development_policy_opens_to_loopback_and_grants_nothing_more() {
    let (p, dev) = (sample(), Policy::compile_for_development(SAMPLE, &Numbering::default()).unwrap());
    for (declared, open) in p.clients().zip(dev.clients()) {
        let networks: Vec<String> = open.networks.iter().map(Cidr::to_string).collect();
        assert_eq!(networks, ["127.0.0.0/8", "::1/128"]);
        assert_eq!(open.limits.requests_per_second, 1_000_000);
        assert_eq!(open.limits.reads_per_hour, 2_000_000_000);
        assert_eq!(open.limits.subjects_per_day, 50_000_000);
        assert_eq!(p.grants_of(declared.no), dev.grants_of(open.no));
        assert!(
            declared.networks[0].contains("10.1.0.1".parse().unwrap()) == (declared.name == "storefront")
        );
    }
    assert!(Policy::compile_for_development("x", &Numbering::default()).is_err());
}

#[test]
fn a_later_version_keeps_every_number_and_never_gives_one_away() {
    let first = sample();
    let renamed = SAMPLE.replace("survey", "poll").replace("version = 1", "version = 2");
    let second = Policy::compile(&renamed, first.numbering()).unwrap();
    let old = first.purpose("survey").unwrap();
    assert_eq!(second.purpose("survey"), None);
    assert_eq!(second.purpose_name(old), Some("survey"), "history can still be told");
    assert_ne!(second.purpose("poll"), Some(old));
    for name in ["billing", "newsletter"] {
        assert_eq!(first.purpose(name), second.purpose(name));
    }
    let back = Policy::compile(SAMPLE, second.numbering()).unwrap();
    assert_eq!(back.purpose("survey"), Some(old));
    let bytes = second.numbering().to_bytes();
    assert_eq!(Numbering::from_bytes(&bytes).as_ref(), Some(second.numbering()));
}

#[test]
fn a_calendar_widens_what_is_shorter_than_a_day_and_never_the_day() {
    let limits = "limits = { requests_per_second = 500, reads_per_minute = 900, reads_per_hour = 40000, reads_per_day = 100000, \
                  subjects_per_hour = 1000, subjects_per_day = 20000, batch_calendar = [\"02:00-04:00 x10\"] }";
    let was = "limits = { requests_per_second = 500, reads_per_hour = 40000, subjects_per_day = 20000 }";
    let policy = Policy::compile(&SAMPLE.replacen(was, limits, 1), &Numbering::default()).unwrap();
    let declared = policy.client("storefront").unwrap().limits;
    let at = |hour: i64| declared.at(crate::domain::Timestamp(hour * 3_600_000_000));
    assert_eq!(at(5), declared);
    let wide = at(3);
    assert_eq!((wide.reads_per_minute, wide.reads_per_hour), (Some(9_000), 400_000));
    assert_eq!(wide.subjects_per_hour, Some(10_000));
    assert_eq!(
        (wide.reads_per_day, wide.subjects_per_day),
        (Some(100_000), 20_000),
        "the ceilings of the day stand"
    );
    assert_eq!((wide.requests_per_second, wide.reads_per_second), (500, None));
}
