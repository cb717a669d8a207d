//! `policy diff`: what a change of the sample policy gives, takes, and whether it widens.

use crate::policy::SAMPLE;
use crate::policy::diff::{PolicyDiff, Turn};

/// The differences of one replacement, as `+|-|~ who: what`, and whether it widens.
fn changed(from: &str, to: &str) -> (Vec<String>, bool) {
    let new = SAMPLE.replacen(from, to, 1);
    assert_ne!(new, SAMPLE, "{from}");
    let diff = PolicyDiff::between(SAMPLE, &new).unwrap_or_else(|(_, faults)| panic!("{to}: {faults:?}"));
    let mark = |turn| match turn {
        Turn::Added => '+',
        Turn::Removed => '-',
        Turn::Changed => '~',
    };
    let lines = diff.differences.iter().map(|d| format!("{} {}: {}", mark(d.turn), d.who, d.what));
    (lines.collect(), diff.widens())
}

#[test]
fn a_policy_does_not_differ_from_itself_nor_by_its_comments() {
    assert_eq!(PolicyDiff::between(SAMPLE, SAMPLE).unwrap(), PolicyDiff::default());
    assert!(!PolicyDiff::between(SAMPLE, &format!("# more\n{SAMPLE}")).unwrap().widens());
    assert!(PolicyDiff::between(SAMPLE, &format!("# more\n{SAMPLE}")).unwrap().differences.is_empty());
}

#[test]
fn a_grant_more_or_less_names_client_form_field_and_purpose() {
    let (lines, widens) =
        changed("masked = [\"contact.email\"]", "masked = [\"contact.email\", \"contact.phone\"]");
    assert_eq!(
        (lines, widens),
        (vec!["+ client billing: reads masked contact.phone for billing".to_owned()], true)
    );
    let (lines, widens) = changed(", \"contact.name\"], masked", "], masked");
    assert_eq!(
        (lines, widens),
        (vec!["- client billing: reads plain contact.name for billing".to_owned()], false)
    );
}

#[test]
fn a_field_added_to_a_wildcard_is_gained_by_everybody_who_has_the_wildcard() {
    let new_field = "fields.company = { type = \"company\", sensitivity = 1, mask = \"initials\" }";
    let (lines, widens) = changed(
        new_field,
        &format!("{new_field}\nfields.note = {{ type = \"free_text\", sensitivity = 1, mask = \"full\" }}"),
    );
    assert!(widens);
    for wanted in [
        "+ field shipping.note: is stored",
        "+ client storefront: writes shipping.note for order_fulfilment",
        "+ client storefront: reads plain shipping.note for order_fulfilment",
        "+ role support: reads masked shipping.note for support",
    ] {
        assert!(lines.iter().any(|l| l == wanted), "{wanted}: {lines:?}");
    }
}

#[test]
fn what_is_longer_more_or_less_protected_widens_and_the_other_way_round_does_not() {
    for (from, to, widens) in [
        ("keep = \"3y\"", "keep = \"4y\"", true),
        ("keep = \"3y\"", "keep = \"2y\"", false),
        ("keep = \"30d\", max = \"10y\" }", "keep = \"30d\" }", true),
        ("minimum_age = 18", "minimum_age = 16", true),
        ("minimum_age = 18", "minimum_age = 21", false),
        ("unknown = \"refuse\"", "unknown = \"attest\"", true),
        ("reads_per_hour = 10000", "reads_per_hour = 20000", true),
        ("reads_per_hour = 10000", "reads_per_hour = 5000", false),
        ("networks = [\"10.2.0.0/16\"]", "networks = [\"10.2.0.0/16\", \"10.9.0.0/16\"]", true),
        ("networks = [\"10.2.0.0/16\"]", "networks = [\"10.9.0.0/16\"]", true),
        ("context = \"verified\"", "context = \"present\"", true),
        ("context = \"none\"", "context = \"verified\"", false),
        ("acts = [\"token.mint\"]", "acts = [\"token.mint\", \"subject.view\"]", true),
        ("acts = [\"token.mint\"]", "acts = []", false),
        ("shop = [\"storefront\", \"billing\", \"mailer\"]", "shop = [\"storefront\", \"billing\"]", false),
        ("expires = 2028-01-10", "expires = 2029-01-10", true),
        ("expires = 2028-01-10", "expires = 2027-01-10", false),
        ("fields = [\"billing.name\", \"billing.address\"", "fields = [\"billing.name\"", false),
        ("regions = [\"EU\", \"US\", \"AU\"]", "regions = [\"EU\", \"US\", \"AU\", \"CA\"]", true),
        ("regions = [\"EU\", \"US\", \"AU\"]", "regions = [\"EU\", \"US\"]", false),
        ("by_country = { KR = 19 }", "by_country = { DE = 21 }", false),
        ("sensitivity = 5", "sensitivity = 1", true),
        ("sensitivity = 1", "sensitivity = 5", false),
        ("masked_only = true", "", true),
        ("keep = \"13mo\"", "keep = \"12mo\"", false),
        ("version = 1", "version = 2", false),
        ("mask = \"year\"", "mask = \"full\"", true),
    ] {
        let (lines, found) = changed(from, to);
        assert!(!lines.is_empty(), "{from} -> {to}");
        assert_eq!(found, widens, "{from} -> {to}: {lines:?}");
    }
}

#[test]
fn a_client_that_goes_loses_all_and_widens_nothing() {
    let new = SAMPLE.replace(", \"mailer\"]", "]");
    let (start, end) = (new.find("[clients.mailer]").unwrap(), new.find("# Operators.").unwrap());
    let new = format!("{}{}", &new[..start], &new[end..]);
    let diff = PolicyDiff::between(SAMPLE, &new).unwrap();
    let of_mailer = diff.differences.iter().filter(|d| d.who == "client mailer");
    assert!(of_mailer.clone().count() > 5 && of_mailer.clone().all(|d| d.turn == Turn::Removed));
    assert!(!diff.widens(), "{:?}", diff.differences.iter().filter(|d| d.widens).collect::<Vec<_>>());
}

#[test]
fn a_faulty_policy_is_told_apart() {
    assert!(matches!(PolicyDiff::between("x", SAMPLE), Err((false, _))));
    assert!(matches!(PolicyDiff::between(SAMPLE, "x"), Err((true, _))));
}
