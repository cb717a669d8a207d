//! Properties that hold for every type: no input panics, normalising twice is normalising once, and a search finds what
//! was stored in any equivalent spelling.

use super::*;
use crate::domain::field::{Form, Mask};
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

fn text(t: &str) -> RawValue {
    RawValue::Text(Sensitive::text(t))
}

fn parts(list: &[(&str, &str)]) -> RawValue {
    RawValue::Parts(list.iter().map(|(n, t)| ((*n).to_owned(), Sensitive::text(t))).collect())
}

fn parse(kind: FieldType, raw: &RawValue) -> Result<Vec<u8>, Invalid> {
    FieldValue::parse(kind, raw, ValueOptions::default()).map(|v| v.canonical().expose().clone())
}

fn json(kind: FieldType, canonical: &[u8], form: Form, mask: Mask) -> serde_json::Value {
    let mut out = Vec::new();
    write_json(kind, canonical, form, mask, &mut out);
    serde_json::from_slice(&out).unwrap()
}

/// What a client that reads a value would send back.
fn sent_back(shown: &serde_json::Value) -> RawValue {
    match shown {
        serde_json::Value::String(t) => text(t),
        serde_json::Value::Object(o) => RawValue::Parts(
            o.iter().map(|(n, t)| (n.clone(), Sensitive::text(t.as_str().unwrap()))).collect(),
        ),
        _ => panic!("neither text nor object"),
    }
}

const MASKS: [Mask; 6] = [Mask::Initials, Mask::Email, Mask::Last4, Mask::Region, Mask::Year, Mask::Full];

/// Every promise that holds for any value of any type.
fn check(kind: FieldType, raw: &RawValue) {
    let refused = holds_card_number(kind, raw);
    let Ok(canonical) = parse(kind, raw) else { return };
    let exempt = matches!(kind, FieldType::Iban | FieldType::Phone | FieldType::IpAddress | FieldType::TaxId);
    if !refused && !exempt {
        // Normalising must not bring a card number about that the check did not see (C02).
        let kept = String::from_utf8(canonical.clone()).unwrap();
        assert!(!kept.split(['\u{1e}', '\u{1f}']).any(card::is_in), "{}", kind.name());
    }
    for mask in MASKS {
        json(kind, &canonical, Form::Masked, mask);
    }
    let shown = json(kind, &canonical, Form::Plain, Mask::Full);
    if kind != FieldType::Password {
        assert_eq!(parse(kind, &sent_back(&shown)).unwrap(), canonical, "{}", kind.name());
    }
    if let RawValue::Text(typed) = raw {
        let stored = index_input(kind, &canonical, None).map(|s| s.expose().clone());
        let asked = query_input(kind, None, typed).ok().map(|s| s.expose().clone());
        assert_eq!(stored, asked, "{}", kind.name());
    }
}

const HOSTILE: &[&str] = &[
    "",
    " ",
    "\0",
    "a\0b",
    "\u{202e}gnp.exe",
    "\u{2066}x\u{2069}",
    "\u{200b}\u{200d}\u{feff}",
    "\u{301}",
    "e\u{301}\u{301}\u{301}\u{301}",
    "👩‍👩‍👧‍👦",
    "🇩🇪",
    "مرحبا بالعالم",
    "עִבְרִית",
    "<script>alert(1)</script>",
    "'; DROP TABLE records; --",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "%s%n%x",
    "../../etc/passwd",
    "\u{1f}\u{1e}",
    "city\u{1f}Bonn\u{1e}",
    "\u{fdfa}",
    "\u{10ffff}",
    "\u{fffe}",
    "İıẞßſK",
    "+",
    "@",
    ":",
    "DE:",
    "/",
    "-",
    ".",
    "null",
    "NaN",
    "1e999",
    "-0",
    "4111111111111111",
    "4111\n1111\n1111\n1111",
    "x@4111。1111。1111。1111.org",
    "４１１１ １１１１ １１１１ １１１１",
];

#[test]
fn hostile_strings_are_kept_exactly_or_refused_in_every_type() {
    let long = [
        "x".repeat(10_240),
        "\u{301}".repeat(5_120),
        "9".repeat(10_240),
        "😀".repeat(2_560),
        " ".repeat(10_240),
    ];
    for kind in FieldType::ALL {
        for value in HOSTILE.iter().copied().chain(long.iter().map(String::as_str)) {
            check(*kind, &text(value));
            for part in kind.parts() {
                check(*kind, &parts(&[(part, value)]));
                check(*kind, &parts(&[("country", "DE"), ("city", "Bonn"), (part, value)]));
            }
            check(*kind, &parts(&[(value, "x"), ("country", "DE")]));
        }
    }
}

#[test]
fn c28_empty_is_a_value_of_text_types_and_no_value_of_typed_ones() {
    for kind in FieldType::ALL {
        let text_type = matches!(kind, FieldType::PersonName | FieldType::Company | FieldType::FreeText);
        assert_eq!(parse(*kind, &text("")).is_ok(), text_type, "{}", kind.name());
    }
}

#[test]
fn a_composite_sent_as_text_or_text_as_a_composite_is_refused() {
    for kind in FieldType::ALL {
        let (wrong, code) =
            if kind.parts().is_empty() { (parts(&[]), "not_text") } else { (text("x"), "not_an_object") };
        let refused = parse(*kind, &wrong).unwrap_err();
        assert_eq!((refused.code, refused.pointer), (code, ""), "{}", kind.name());
    }
}

#[test]
fn a_refusal_never_holds_what_was_sent() {
    let planted = "Zq7planted";
    for kind in FieldType::ALL {
        for raw in [
            text(planted),
            text("Zq7planted\0"),
            parts(&[(planted, planted)]),
            parts(&[("country", planted)]),
        ] {
            if let Err(refused) = parse(*kind, &raw) {
                assert!(!format!("{refused:?}").contains("Zq7"), "{}", kind.name());
                assert!(refused.detail.ends_with('.'));
            }
        }
    }
}

#[test]
fn c02_a_card_number_is_found_in_every_type_and_part() {
    for kind in FieldType::ALL {
        assert!(holds_card_number(*kind, &text("4111 1111 1111 1111")), "{}", kind.name());
        for part in kind.parts() {
            assert!(holds_card_number(*kind, &parts(&[(part, "5555-5555-5555-4444")])), "{part}");
        }
        assert!(holds_card_number(*kind, &parts(&[("4111111111111111", "x")])));
        assert!(!holds_card_number(*kind, &parts(&[("line1", "4111 1111"), ("line2", "1111 1111")])));
    }
    assert!(holds_card_number(FieldType::TaxId, &text("4111111111111111")));
    assert!(holds_card_number(FieldType::TaxId, &text("XX:4111111111111111")));
    assert!(holds_card_number(FieldType::Phone, &text("+4111111111111111")));
    assert!(holds_card_number(FieldType::Email, &text("4111111111111111@example.org")));
    assert!(holds_card_number(FieldType::Password, &text("my card is 378282246310005")));
}

#[test]
fn c02_identifiers_that_pass_their_own_check_are_exempt_only_in_their_own_type() {
    for (kind, typed) in
        [(FieldType::Iban, "AT36 1904 3002 3457 3845"), (FieldType::Phone, "+49 1512 3456001")]
    {
        assert!(parse(kind, &text(typed)).is_ok() && card::is_in(typed), "{typed}");
        assert!(!holds_card_number(kind, &text(typed)), "{typed}");
        assert!(holds_card_number(FieldType::ProcessorRef, &parts(&[("reference", typed)])), "{typed}");
        assert!(holds_card_number(
            FieldType::FreeText,
            &text(&typed.replace(|c: char| !c.is_ascii_digit(), ""))
        ));
    }
    for (kind, typed) in [
        (FieldType::Iban, "DE89 3704 0044 0532 0130 00"),
        (FieldType::Phone, "+49 30 901820"),
        (FieldType::TaxId, "DE:136695976"),
        (FieldType::FreeText, "order 1234567890123456, phone +49 1512 3456789"),
        (FieldType::BirthDate, "1990-01-01"),
    ] {
        assert!(!holds_card_number(kind, &text(typed)), "{typed}");
    }
    for octet in 0..=255 {
        assert!(!holds_card_number(FieldType::IpAddress, &text(&format!("45.123.123.{octet}/24"))));
    }
}

#[test]
fn a53_a_search_finds_any_equivalent_spelling() {
    let input = |kind, part, stored: &RawValue| {
        index_input(kind, &parse(kind, stored).unwrap(), part).map(|s| s.expose().clone())
    };
    let query = |kind, part, typed: &str| {
        query_input(kind, part, &Sensitive::text(typed)).ok().map(|s| s.expose().clone())
    };
    for (kind, stored, typed) in [
        (FieldType::PersonName, "Zoë Straße", "ZOE\u{308}  STRASSE"),
        (FieldType::Email, "Jörg@Bücher.example", "JO\u{308}RG@xn--bcher-kva.EXAMPLE"),
        (FieldType::Email, "ada@example.org", "Ａｄａ@ｅｘａｍｐｌｅ.org"),
        (FieldType::Phone, "+49 30 901820", "＋４９３０９０１８２０"),
        (FieldType::TaxId, "DE:136695976", "de:DE 136.695.976"),
        (FieldType::Iban, "DE89 3704 0044 0532 0130 00", "de89370400440532013000"),
        (FieldType::Login, "Ada", "ａｄａ"),
        (FieldType::Company, "ﬁrma", "FIRMA"),
    ] {
        assert_eq!(input(kind, None, &text(stored)), query(kind, None, typed), "{stored}");
        assert!(query(kind, None, typed).is_some());
    }
    let address = parts(&[("postcode", "sw1a  1aa"), ("country", "gb")]);
    assert_eq!(
        input(FieldType::PostalAddress, Some("postcode"), &address),
        query(FieldType::PostalAddress, Some("postcode"), "SW1A 1AA")
    );
    assert_eq!(
        input(FieldType::PostalAddress, Some("country"), &address),
        query(FieldType::PostalAddress, Some("country"), "GB")
    );
    assert_eq!(input(FieldType::PostalAddress, Some("city"), &address), None);
    assert_ne!(query(FieldType::PersonName, None, "Anna"), query(FieldType::PersonName, None, "Аnna"));
}

#[test]
fn what_can_never_match_is_refused_as_a_search() {
    for (kind, part, typed, code) in [
        (FieldType::Email, None, "ada", "not_email"),
        (FieldType::Phone, None, "030", "not_e164"),
        (FieldType::PersonName, None, " ", "empty"),
        (FieldType::PersonName, Some("city"), "x", "not_searchable"),
        (FieldType::PostalAddress, None, "x", "not_searchable"),
        (FieldType::PostalAddress, Some("planet"), "x", "not_searchable"),
        (FieldType::PostalAddress, Some("country"), "XX", "unknown_country"),
        (FieldType::ProcessorRef, Some("cvv"), "123", "not_searchable"),
        (FieldType::Money, Some("amount"), "1", "not_searchable"),
        (FieldType::Password, None, "hunter2hunter2", "not_searchable"),
    ] {
        assert_eq!(query_input(kind, part, &Sensitive::text(typed)).err().unwrap().code, code, "{typed}");
    }
    assert!(index_input(FieldType::Password, b"hunter2hunter2", None).is_none());
    assert!(index_input(FieldType::PersonName, b"\xff", None).is_none());
}

/// Texts near the border of each type, so that the properties see valid values too.
fn near_values() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "\\PC{0,40}",
        "[a-zA-Zäß.+]{1,12}@[a-zäöA-Z-]{1,10}\\.(org|DE|example)",
        "\\+(49|1|44|39|61|33)[ 0-9()/-]{4,14}",
        "(DE|FR|IT|AU|NL|ES|PL|GB|AT|US|XX): ?[0-9A-Z. -]{4,16}",
        "[0-9A-Za-z ./-]{4,20}",
        "(18|19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]",
        "[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}(/24)?",
        "[0-9a-f:]{2,39}",
        "[A-Za-z]{2}",
        "[0-9]{1,17}(\\.[0-9]{1,3})?",
    ]
}

proptest! {
    #[test]
    fn no_text_breaks_a_promise(value in near_values()) {
        for kind in FieldType::ALL {
            check(*kind, &text(&value));
        }
    }

    #[test]
    fn no_parts_break_a_promise(values in proptest::collection::vec(near_values(), 7), chosen: u8, name: String) {
        for kind in FieldType::ALL {
            let mut list: Vec<(&str, &str)> =
                kind.parts().iter().zip(&values).enumerate()
                    .filter(|(i, _)| chosen & (1 << i) != 0).map(|(_, (n, v))| (*n, v.as_str())).collect();
            check(*kind, &parts(&list));
            list.push(("country", "DE"));
            check(*kind, &parts(&list));
            list.push((&name, "x"));
            check(*kind, &parts(&list));
        }
    }

    #[test]
    fn a53_composed_decomposed_and_upper_case_names_are_one_name(name in "[a-zA-ZäöüéñßçÀ-ÖØ-ö Ａ-Ｚ가-힣]{1,30}") {
        let q = |t: String| query_input(FieldType::PersonName, None, &Sensitive::new(t)).ok().map(|s| s.expose().clone());
        let plain = q(name.clone());
        prop_assert_eq!(&q(name.nfd().collect()), &plain);
        prop_assert_eq!(&q(name.nfkc().collect()), &plain);
        prop_assert_eq!(&q(name.to_uppercase()), &plain);
        prop_assert_eq!(&q(name.to_lowercase()), &plain);
    }

    #[test]
    fn bytes_that_were_never_canonical_do_not_panic(bytes: Vec<u8>, part in "[a-z0-9]{0,8}") {
        for kind in FieldType::ALL {
            for mask in MASKS {
                json(*kind, &bytes, Form::Masked, mask);
            }
            json(*kind, &bytes, Form::Plain, Mask::Full);
            let _ = index_input(*kind, &bytes, Some(&part));
            let _ = index_input(*kind, &bytes, None);
        }
    }
}
