//! The invented customers of `config/sample/` hold what the vault's validators want, and nothing it must refuse.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

use serde_json::Value;
use std::collections::HashSet;

fn customers() -> Vec<Value> {
    let text = include_str!("../config/sample/customers.ndjson");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(customer: &'a Value, pointer: &str) -> Option<&'a str> {
    customer.pointer(pointer).and_then(Value::as_str)
}

/// Every text below a value, with the name of its key.
fn texts<'a>(key: &'a str, value: &'a Value, out: &mut Vec<(&'a str, &'a str)>) {
    match value {
        Value::String(text) => out.push((key, text)),
        Value::Object(map) => map.iter().for_each(|(key, value)| texts(key, value, out)),
        other => panic!("{key} is neither text nor object: {other}"),
    }
}

fn luhn(digits: &[u32]) -> bool {
    let each = digits.iter().rev().enumerate().map(|(at, digit)| match (at % 2, digit * 2) {
        (0, _) => *digit,
        (_, twice) if twice > 9 => twice - 9,
        (_, twice) => twice,
    });
    each.sum::<u32>() % 10 == 0
}

/// Runs of digits with the separators that people write inside card numbers taken out.
fn runs(text: &str) -> Vec<Vec<u32>> {
    let mut found = vec![Vec::new()];
    for letter in text.chars().filter(|letter| !matches!(letter, ' ' | '-' | '.')) {
        match (letter.to_digit(10), found.last_mut()) {
            (Some(digit), Some(run)) => run.push(digit),
            _ => found.push(Vec::new()),
        }
    }
    found
}

#[test]
fn there_are_enough_people_of_enough_countries_and_each_is_one_person() {
    let all = customers();
    assert!(all.len() >= 1_200);
    let of = |pointer: &str| all.iter().filter_map(|c| text(c, pointer)).collect::<HashSet<_>>();
    assert_eq!(of("/region"), HashSet::from(["DE", "FR", "NL", "ES", "IT", "US", "AU"]));
    assert_eq!(of("/external_ref").len(), all.len());
    assert_eq!(of("/contact/email").len(), all.len());
    assert_eq!(all.iter().filter(|c| c.get("credential").is_some()).count(), 20);
}

#[test]
fn c10_everybody_is_an_adult() {
    for customer in customers() {
        let born = text(&customer, "/birth_date").unwrap();
        assert!(born.len() == 10 && born < "2006-01-01", "{born}");
        assert!(text(&customer, "/identity/birth_date").is_none_or(|again| again == born));
    }
}

#[test]
fn c01_every_telephone_number_is_valid_e164_and_every_address_is_at_an_example_domain() {
    for customer in customers() {
        let phone = text(&customer, "/contact/phone").unwrap();
        let parsed = rlibphonenumber::PHONE_NUMBER_UTIL.parse(phone, None).unwrap();
        assert!(rlibphonenumber::PHONE_NUMBER_UTIL.is_valid_number(&parsed), "{phone}");
        let email = text(&customer, "/contact/email").unwrap();
        let domain = email.rsplit_once('@').unwrap().1;
        assert!(matches!(domain, "example.org" | "example.com" | "example.net"), "{email}");
        assert!(email_address::EmailAddress::is_valid(email), "{email}");
    }
}

#[test]
fn c03_every_iban_and_tax_id_passes_its_check() {
    let mut seen = 0;
    for customer in customers() {
        if let Some(iban) = text(&customer, "/billing/iban") {
            assert!(iban.parse::<iban::Iban>().is_ok(), "{iban}");
            seen += 1;
        }
        let tax_id = text(&customer, "/billing/tax_id").unwrap();
        assert!(
            (4..=20).contains(&tax_id.len()) && tax_id.bytes().all(|b| b.is_ascii_alphanumeric()),
            "{tax_id}"
        );
    }
    assert!(seen > 600, "only {seen} IBANs");
}

#[test]
fn c02_no_value_holds_anything_like_a_card_number() {
    for customer in customers() {
        let mut all = Vec::new();
        texts("", &customer, &mut all);
        for (key, value) in all.iter().filter(|(key, _)| *key != "iban") {
            for run in runs(value) {
                assert!(!((13..=19).contains(&run.len()) && luhn(&run)), "{key}: {value}");
            }
        }
    }
    assert!(luhn(&[4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]), "the check itself works");
}

#[test]
fn the_file_is_what_its_script_makes() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/make_customers.py");
    let made = std::process::Command::new("python3").arg(script).output().unwrap();
    assert!(made.status.success());
    assert!(made.stdout == include_bytes!("../config/sample/customers.ndjson"), "run `make samples`");
}
