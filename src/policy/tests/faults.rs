//! Mistakes in a policy file: each is found at its line, and the message says what to write instead.

use crate::policy::{Numbering, Policy, PolicyError, SAMPLE};

fn faults(text: &str) -> Vec<PolicyError> {
    Policy::compile(text, &Numbering::default()).err().unwrap_or_default()
}

/// (what is replaced, by what, a part of the path, parts of the message). The fault is in the replaced line.
type Mistake = (&'static str, &'static str, &'static str, &'static [&'static str]);

const MISTAKES: &[Mistake] = &[
    ("name = \"Example", "nmae = \"Example", "policy.nmae", &["unknown key `nmae`", "did you mean `name`"]),
    ("[minors]", "[miners]", "miners", &["unknown section `miners`", "did you mean `minors`"]),
    ("basis = \"consent\"", "basis = \"consnet\"", "purposes.newsletter.basis", &["did you mean `consent`"]),
    ("\"DE\", \"DK\"", "\"DE\", \"XX\"", "regions.EU[6]", &["`XX` is no country", "ISO 3166-1"]),
    ("country = \"DE\"", "country = \"Germany\"", "clients.storefront.country", &["`Germany` is no country"]),
    (
        "\"EU\", \"US\", \"AU\"]",
        "\"EU\", \"USA\"]",
        "policy.regions[1]",
        &["neither a country nor a group", "EU"],
    ),
    ("10.1.0.0/16", "10.1.0.1/16", "clients.storefront.networks[0]", &["host bits zero"]),
    ("10.2.0.0/16", "10.2.0.0/33", "clients.billing.networks[0]", &["is no network"]),
    (
        "auth = [\"key\"]",
        "auth = [\"keys\"]",
        "clients.storefront.auth[0]",
        &["did you mean `key`", "`mtls`"],
    ),
    (
        "tokens = \"shared\"",
        "tokens = \"mine\"",
        "clients.storefront.tokens",
        &["one of `shared`, `per_client`"],
    ),
    (
        "\"subject.create\"",
        "\"subject.crate\"",
        "clients.storefront.acts[0]",
        &["did you mean `subject.create`"],
    ),
    (
        "acts = [\"token.mint\"]",
        "acts = [\"consent.record:news\"]",
        "billing.acts[0]",
        &["unknown purpose `news`"],
    ),
    (
        "acts = [\"token.mint\"]",
        "acts = [\"consent.record\"]",
        "billing.acts[0]",
        &["consent.record:<purpose>"],
    ),
    ("acts = [\"token.mint\"]", "acts = [\"context.register:<kind>\"]", "billing.acts[0]", &["unknown act"]),
    ("keep = \"13mo\"", "keep = \"13 months\"", "audit.keep", &["is no duration", "\"90d\""]),
    ("keep = \"90d\"", "keep = \"0d\"", "collections.billing.retention.keep", &["is no duration"]),
    (
        "from = \"contract_ended\"",
        "from = \"contract_end\"",
        "retention.from",
        &["did you mean `contract_ended`"],
    ),
    ("then = \"deidentify\"", "then = \"forget\"", "contact.retention.then", &["`destroy`, `deidentify`"]),
    (
        "type = \"email\"",
        "type = \"mail\"",
        "collections.contact.fields.email.type",
        &["did you mean `email`"],
    ),
    ("mask = \"year\"", "mask = \"years\"", "identity.fields.birth_date.mask", &["did you mean `year`"]),
    ("sensitivity = 4, mask = \"year\"", "sensitivity = 6", "birth_date.sensitivity", &["1 (harmless) to 5"]),
    (
        "sensitivity = 4, mask = \"year\"",
        "sensitivity = \"high\"",
        "birth_date.sensitivity",
        &["invalid type"],
    ),
    (
        "mask = \"year\"",
        "search = \"exact\"",
        "birth_date.search",
        &["`birth_date` cannot be searched", "email"],
    ),
    (
        "\"address.postcode\"",
        "\"address.zip\"",
        "shipping.fields.name.search",
        &["one of its parts", "postcode"],
    ),
    (
        "\"address.postcode\"",
        "\"adress\"",
        "shipping.fields.name.search",
        &["`adress` is no field of `shipping`"],
    ),
    ("search = \"exact\"", "search = \"fuzzy\"", "contact.fields.email.search", &["search = \"exact\" or"]),
    ("mask = \"year\"", "ip_full = true", "birth_date.ip_full", &["`ip_address` only"]),
    (
        "audience = \"shop\"",
        "audience = \"shops\"",
        "collections.identity.audience",
        &["did you mean `shop`"],
    ),
    ("\"billing\", \"mailer\"]", "\"biling\"]", "audiences.shop[1]", &["unknown client `biling`"]),
    ("shop = [", "mailer = [", "audiences.mailer", &["is a client already"]),
    (
        "\"identity.*\", \"contact.*\", \"shipping.*\", \"c",
        "\"contacts.*\", \"c",
        "write[0]",
        &["did you mean `contact`"],
    ),
    ("search = [\"billing.tax_id\"]", "search = [\"billing.iban\"]", "search[0]", &["is not searchable"]),
    (
        "masked = [\"contact.email\"]",
        "masked = [\"contact.emial\"]",
        "masked[0]",
        &["did you mean `contact.email`"],
    ),
    (
        "masked = [\"contact.email\"]",
        "plain_with_approval = [\"credential.password\"]",
        "[0]",
        &["verify = true"],
    ),
    (
        "purpose = \"billing\", write",
        "purpose = \"bills\", write",
        "grants[0].purpose",
        &["unknown purpose `bills`"],
    ),
    ("purpose = \"newsletter\"", "purpose = \"account_notice\"", "grants[1].purpose", &["granted twice"]),
    ("purpose = \"authentication\"", "purpose = \"research\"", "grants[1].plain", &["masked only (C13)"]),
    (
        "recipients = [\"parcel-carrier\"]",
        "recipients = [\"parcel\"]",
        "recipients[0]",
        &["unknown recipient"],
    ),
    (
        "recipients = [\"parcel-carrier\"]",
        "recipients = [\"payment-processor\"]",
        "recipients[0]",
        &["may receive nothing"],
    ),
    (
        "fields = [\"contact.name\", \"contact.phone\"",
        "fields = [\"contact.*\"",
        "parcel-carrier.fields[0]",
        &["never includes an e-mail", "contact.email"],
    ),
    (
        "fields = [\"contact.name\", \"contact.email\"]",
        "fields = [\"contact.*\"]",
        "third_parties.partner-x.fields[0]",
        &["never includes an e-mail"],
    ),
    (
        "signed = 2026-01-10, expires = 2028-01-10",
        "signed = 2026-01-10, expires = 2025-01-10",
        "contract.expires",
        &["before it was signed"],
    ),
    (
        "signed = 2026-01-10, expires",
        "signed = 2026-01-10T00:00:00, expires",
        "contract.signed",
        &["without a time"],
    ),
    ("signed = 2026-01-10, ", "", "processors.parcel-carrier", &["`signed` is missing"]),
    (
        "transfer_basis = \"none_needed\"",
        "transfer_basis = \"none\"",
        "parcel-carrier.transfer_basis",
        &["unknown transfer basis"],
    ),
    ("basis = \"contract\"\n[[tr", "basis = \"none_needed\"\n[[tr", "transfers[0].basis", &["needs a basis"]),
    ("minimum_age = 18", "minimum_age = 0", "minors.minimum_age", &["write 1 to 120"]),
    ("unknown = \"refuse\"", "unknown = \"allow\"", "minors.unknown", &["`refuse`, `attest`"]),
    ("KR = 19", "KO = 19", "minors.by_country.KO", &["is no country"]),
    ("[purposes.claims]", "[purposes.Claims]", "purposes.Claims", &["is no name", "a-z"]),
    (
        "during_restriction = \"legal_claims\"",
        "during_restriction = \"claims\"",
        "claims.during_restriction",
        &["`legal_claims`"],
    ),
    (
        "[third_parties.partner-x]",
        "[third_parties.parcel-carrier]",
        "third_parties.parcel-carrier",
        &["is a processor already"],
    ),
    ("contact = \"privacy@example.org\"", "contact = \"our office\"", "policy.contact", &["e-mail address"]),
    ("version = 1", "version = 0", "policy.version", &["start at 1"]),
    ("context = \"verified\"", "context = \"checked\"", "roles.support.grants[0].context", &["`verified`"]),
    (
        "reads_per_hour = 10000",
        "reads_per_hour = 0",
        "clients.billing.limits.reads_per_hour",
        &["write 1 or more"],
    ),
    ("EU = [", "DE = [", "regions.DE", &["cannot name a group"]),
    (
        "reads_per_hour = 10000",
        "reads_per_week = 10000",
        "clients.billing.limits.reads_per_week",
        &["unknown key `reads_per_week`", "`reads_per_day`"],
    ),
    (
        "reads_per_hour = 10000",
        "reads_per_minute = 20000, reads_per_hour = 10000",
        "clients.billing.limits.reads_per_hour",
        &["reads_per_hour = 10000 is less than reads_per_minute = 20000", "lower the shorter"],
    ),
    (
        "reads_per_hour = 10000",
        "reads_per_minute = 200000",
        "clients.billing.limits.reads_per_minute",
        &["reads_per_hour = 100000 (the default) is less"],
    ),
    (
        "reads_per_hour = 10000",
        "reads_per_day = 5",
        "clients.billing.limits.reads_per_day",
        &["reads_per_day = 5 is less than reads_per_hour = 100000"],
    ),
    (
        "subjects_per_day = 5000",
        "subjects_per_hour = 5001, subjects_per_day = 5000",
        "clients.billing.limits.subjects_per_day",
        &["subjects_per_day = 5000 is less than subjects_per_hour = 5001"],
    ),
    (
        "reads_per_hour = 10000",
        "batch_calendar = [\"02:00-04:00 x10\"], reads_per_hour = 10000",
        "clients.billing.limits.batch_calendar",
        &["write reads_per_day too"],
    ),
    (
        "reads_per_hour = 10000",
        "batch_calendar = [\"nightly\"], reads_per_day = 100000",
        "clients.billing.limits.batch_calendar[0]",
        &["HH:MM-HH:MM xN"],
    ),
];

#[test]
fn each_mistake_is_found_at_its_line_with_what_to_write_instead() {
    for (from, to, path, parts) in MISTAKES {
        let at = SAMPLE.find(from).unwrap_or_else(|| panic!("the sample has no {from}"));
        let line = SAMPLE[..at].matches('\n').count() + 1;
        let found = faults(&SAMPLE.replacen(from, to, 1));
        let here = found
            .iter()
            .find(|f| f.line == line && f.path.contains(path) && parts.iter().all(|p| f.message.contains(p)));
        assert!(here.is_some_and(|f| f.column > 0), "{from} -> {to}, line {line}: {found:#?}");
    }
    assert!(MISTAKES.len() >= 25);
}

#[test]
fn a_consent_based_purpose_is_never_administrative_and_an_administrative_one_never_opt_out() {
    let header = "[purposes.newsletter]\n";
    let found = faults(&SAMPLE.replacen(header, &format!("{header}administrative = true\n"), 1));
    let line = SAMPLE[..SAMPLE.find(header).unwrap()].matches('\n').count() + 1;
    let here: Vec<_> = found.iter().filter(|f| f.path == "purposes.newsletter.administrative").collect();
    assert_eq!(here.len(), 2);
    assert!(here.iter().all(|f| f.line == line));
    assert!(
        here[0].message.contains("cannot be opted out of")
            || here[1].message.contains("cannot be opted out of")
    );
    assert!(here.iter().any(|f| f.message.contains("rests on consent")));
}

#[test]
fn faults_of_several_sections_are_reported_together_in_the_order_of_the_file() {
    let text =
        SAMPLE.replace("KR = 19", "KO = 19").replace("10.3.0.0/16", "10.3.0.0").replace("13mo", "ever");
    let paths: Vec<_> = faults(&text).into_iter().map(|f| f.path).collect();
    assert_eq!(paths, ["minors.by_country.KO", "clients.mailer.networks[0]", "audit.keep"]);
    let text = SAMPLE.replace("controller =", "controler =").replace("keep = \"13mo\"", "kept = \"13mo\"");
    let paths: Vec<_> = faults(&text).into_iter().map(|f| f.path).collect();
    assert_eq!(paths, ["policy.controler", "audit.kept"], "unknown keys of several sections too");
}

#[test]
fn what_is_missing_as_a_whole_has_no_line() {
    let found = faults("");
    let paths: Vec<_> = found.iter().map(|f| (f.line, f.path.as_str())).collect();
    assert_eq!(paths, [(0, "minors"), (0, "policy")]);
    assert!(found[1].message.contains("add it with name, version"));
}

#[test]
fn no_text_makes_the_compiler_panic() {
    for cut in (0..SAMPLE.len()).step_by(97).filter(|c| SAMPLE.is_char_boundary(*c)) {
        let _ = faults(&SAMPLE[..cut]);
        let _ = faults(&SAMPLE[cut..]);
        assert!(!faults(&format!("{}\u{0}{}", &SAMPLE[..cut], &SAMPLE[cut..])).is_empty());
    }
}
