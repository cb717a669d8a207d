use super::*;
use crate::domain::Sensitive;
use crate::domain::value::RawValue;
use proptest::prelude::*;
use serde::Deserialize;

fn refuses(text: impl AsRef<[u8]>) -> Reason {
    check(text.as_ref()).expect_err("must be refused").reason
}

#[test]
fn a04_ordinary_bodies_pass() {
    for good in [
        r#"{}"#,
        r#"[]"#,
        r#" { "a" : [ 1 , -2 , true , false , null , "x" ] , "b" : { } } "#,
        r#""a string\n\t\r\"\\\/ \u00e9 \ud83d\ude00 é""#,
        "9223372036854775807",
        "-9223372036854775808",
        "0",
        r#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}"#,
    ] {
        assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
    }
}

#[test]
fn a04_what_parsers_disagree_about_is_refused() {
    let cases: &[(&[u8], Reason)] = &[
        (b"", Reason::Syntax),
        (b"  ", Reason::Syntax),
        (b"\xef\xbb\xbf{}", Reason::NotUtf8),
        (b"\xff", Reason::NotUtf8),
        (b"\"\xed\xa0\x80\"", Reason::NotUtf8),
        (b"{} {}", Reason::TrailingData),
        (b"{}x", Reason::TrailingData),
        (b"[1,]", Reason::Syntax),
        (b"[,1]", Reason::Syntax),
        (b"[1 2]", Reason::Syntax),
        (b"[1}", Reason::Syntax),
        (b"{\"a\":1,}", Reason::Syntax),
        (b"{\"a\" 1}", Reason::Syntax),
        (b"{a:1}", Reason::Syntax),
        (b"{\"a\":1", Reason::Syntax),
        (b"{'a':1}", Reason::Syntax),
        (b"tru", Reason::Syntax),
        (b"nulL", Reason::Syntax),
        (b"NaN", Reason::Syntax),
        (b"\"abc", Reason::Syntax),
        (b"\"\\x\"", Reason::Syntax),
        (b"\"\\u12g4\"", Reason::Syntax),
        (b"\"\\u12", Reason::Syntax),
        (b"// c\n{}", Reason::Syntax),
        (b"\x0c{}", Reason::Syntax),
    ];
    for (bytes, reason) in cases {
        assert_eq!(refuses(bytes), *reason, "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn a04_keys_count_as_duplicates_after_unescaping_at_every_level() {
    for bad in [
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"x":{"k":1,"l":2,"k":3}}"#,
        r#"[[{"😀":1,"\ud83d\ude00":2}]]"#,
        r#"{"a\/b":1,"a/b":2}"#,
        r#"{"\n":1,"\u000a":2}"#,
        r#"{"a":{"b":1},"c":[{"d":1}],"a":0}"#,
    ] {
        assert_eq!(refuses(bad), Reason::DuplicateKey, "{bad}");
    }
    let many = |last: &str| {
        let keys: Vec<_> = (0..1000).map(|i| format!("\"k{i}\":{i}")).collect();
        format!("{{{},\"{last}\":0}}", keys.join(","))
    };
    assert_eq!(refuses(many("k500")), Reason::DuplicateKey);
    assert_eq!(refuses(many(r"\u006b7")), Reason::DuplicateKey);
    assert_eq!(check(many("other").as_bytes()), Ok(()));
}

#[test]
fn a04_texts_without_meaning_are_refused() {
    for bad in [
        r#""\u0000""#,
        "\"\u{0}\"",
        "\"\u{1}\"",
        "\"\n\"",
        "\"\u{7f}\"",
        r#""\u007f""#,
        r#""\u001b""#,
        r#""\b""#,
        r#""\f""#,
        r#""\ud800""#,
        r#""\ud800x""#,
        r#""\ud800\n""#,
        r#""\ud800\ud800""#,
        r#""\udc00""#,
        r#"{"\u0000":1}"#,
    ] {
        assert_eq!(refuses(bad), Reason::BadText, "{bad:?}");
    }
}

#[test]
fn a04_numbers_are_whole_and_fit_64_bits() {
    for bad in [
        "1.0",
        "1e3",
        "1e400",
        "-",
        "-0",
        "01",
        "-01",
        "1.",
        "9223372036854775808",
        "12345678901234567890123",
    ] {
        assert_eq!(refuses(bad), Reason::BadNumber, "{bad}");
    }
    assert_eq!(refuses("+1"), Reason::Syntax);
    assert_eq!(refuses(".5"), Reason::Syntax);
}

#[test]
fn i10_depth_count_and_key_length_are_bounded() {
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert_eq!(check(nested(MAX_DEPTH).as_bytes()), Ok(()));
    assert_eq!(refuses(nested(MAX_DEPTH + 1)), Reason::TooDeep);
    assert_eq!(refuses("[".repeat(1_000_000)), Reason::TooDeep);
    let list = |n: usize| format!("[{}1]", "1,".repeat(n - 1));
    assert_eq!(check(list(MAX_VALUES - 1).as_bytes()), Ok(()));
    assert_eq!(refuses(list(MAX_VALUES)), Reason::TooManyValues);
    let key = |n: usize| format!("{{\"{}\":1}}", "k".repeat(n));
    assert_eq!(check(key(MAX_KEY_BYTES).as_bytes()), Ok(()));
    assert_eq!(refuses(key(MAX_KEY_BYTES + 1)), Reason::KeyTooLong);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    #[serde(default)]
    count: Option<i64>,
    name: Sensitive<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    purpose: String,
    #[serde(default)]
    items: Vec<Inner>,
    #[serde(default)]
    fields: FieldMap,
    #[serde(default)]
    note: Nullable<String>,
    #[serde(default)]
    format: Option<Format>,
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(rename_all = "lowercase")]
enum Format {
    Plain,
    Masked,
}

fn fault(text: &str) -> JsonFault {
    parse::<Body>(text.as_bytes()).err().expect("must be refused")
}

#[test]
fn a_good_body_arrives_whole_and_in_order() {
    let text = r#"{"purpose":"p","items":[{"name":"A\u0064a","count":3}],"note":null,"format":"masked",
        "fields":{"phone":"+44","email":null,"address":{"line1":"x","city":"y"}}}"#;
    let body = parse::<Body>(text.as_bytes()).ok().unwrap();
    assert_eq!(body.purpose, "p");
    // EXPOSE: test values.
    assert_eq!((body.items[0].name.expose().as_str(), body.items[0].count), ("Ada", Some(3)));
    assert_eq!((body.note, body.format), (Nullable::Null, Some(Format::Masked)));
    let names: Vec<_> = body.fields.0.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["phone", "email", "address"]);
    assert!(matches!(&body.fields.0[0].1.0, Some(RawValue::Text(t)) if t.expose() == "+44"));
    assert!(body.fields.0[1].1.0.is_none());
    let Some(RawValue::Parts(parts)) = &body.fields.0[2].1.0 else { panic!("a composite") };
    assert_eq!(
        parts.iter().map(|(n, t)| (n.as_str(), t.expose().as_str())).collect::<Vec<_>>(),
        [("line1", "x"), ("city", "y")]
    );
}

#[test]
fn absent_null_and_empty_differ() {
    let note = |text: &str| parse::<Body>(text.as_bytes()).ok().unwrap().note;
    assert_eq!(note(r#"{"purpose":"p"}"#), Nullable::Absent);
    assert_eq!(note(r#"{"purpose":"p","note":null}"#), Nullable::Null);
    assert_eq!(note(r#"{"purpose":"p","note":""}"#), Nullable::Value(String::new()));
    assert!(Nullable::<u8>::Absent.is_absent() && Nullable::Value(1).value() == Some(1));
}

#[test]
fn pointers_name_our_own_keys_and_stop_before_theirs() {
    let cases = [
        (r#"{"purpose":5}"#, Reason::WrongType, "/purpose"),
        (r#"{"purpose":"p","items":[{"name":"a"},{"name":7}]}"#, Reason::WrongType, "/items/1/name"),
        (r#"{"purpose":"p","items":[{"count":1}]}"#, Reason::MissingKey, "/items/0/name"),
        (r#"{"items":[]}"#, Reason::MissingKey, "/purpose"),
        (r#"{"purpose":"p","CNRY":1}"#, Reason::UnknownKey, ""),
        (r#"{"purpose":"p","items":[{"name":"a","CNRY":1}]}"#, Reason::UnknownKey, "/items/0"),
        (r#"{"purpose":"p","fields":{"cnry":12}}"#, Reason::WrongType, "/fields"),
        (r#"{"purpose":"p","fields":{"CNRY":"x"}}"#, Reason::WrongType, "/fields"),
        (r#"{"purpose":"p","format":"CNRY"}"#, Reason::WrongType, "/format"),
        (r#"{"purpose":"p","note":[1]}"#, Reason::WrongType, "/note"),
    ];
    for (text, reason, pointer) in cases {
        let fault = fault(text);
        assert_eq!((fault.reason, fault.pointer.as_str()), (reason, pointer), "{text}");
    }
}

#[test]
fn i10_a_field_map_is_bounded_in_count_and_names() {
    let map = |n: usize| {
        let fields: Vec<_> = (0..n).map(|i| format!("\"f{i}\":\"x\"")).collect();
        format!(r#"{{"purpose":"p","fields":{{{}}}}}"#, fields.join(","))
    };
    assert!(parse::<Body>(map(MAX_FIELDS).as_bytes()).is_ok());
    assert_eq!(fault(&map(MAX_FIELDS + 1)).reason, Reason::WrongType);
    for name in ["", "A", "a-b", "a.b", "é", &"a".repeat(65)] {
        assert_eq!(
            fault(&format!(r#"{{"purpose":"p","fields":{{"{name}":"x"}}}}"#)).reason,
            Reason::WrongType
        );
    }
}

fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        Just("4111111111111111".to_owned()),
        Just("\"CNRY-0badcafe\"".to_owned()),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let key = prop_oneof![
            Just("purpose"),
            Just("items"),
            Just("fields"),
            Just("note"),
            Just("format"),
            Just("name"),
            Just("CNRY-key"),
            Just("cnry_key")
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|v| format!("[{}]", v.join(","))),
            prop::collection::hash_map(key, inner, 0..5).prop_map(|m| {
                let pairs: Vec<_> = m.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                format!("{{{}}}", pairs.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn a05_no_wrong_type_is_ever_echoed(text in any_json()) {
        if let Err(fault) = parse::<Body>(text.as_bytes()) {
            let problem = crate::http::problem::Problem::from(fault.clone());
            let said = format!("{fault} {fault:?} {problem} {problem:?}").to_lowercase();
            prop_assert!(!said.contains("cnry") && !said.contains("4111111111111111"), "{}", said);
        }
    }

    #[test]
    fn a66_the_scanner_takes_a_subset_of_what_serde_takes(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if check(&bytes).is_ok() {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
        }
    }

    #[test]
    fn a66_near_json_is_taken_only_when_serde_takes_it(text in r#"[\[\]{}:,"a\\u0-9dentrul. -]{0,40}"#) {
        if check(text.as_bytes()).is_ok() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
        }
    }

    #[test]
    fn honest_documents_pass(text in any_json()) {
        prop_assert_eq!(check(text.as_bytes()), Ok(()));
    }
}

#[test]
fn a_text_that_is_refused_is_told_by_its_place() {
    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        _purpose: Option<String>,
        _inner: Option<Vec<Inner>>,
        _fields: Option<std::collections::BTreeMap<String, String>>,
    }
    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        _name: String,
    }
    for (body, pointer) in [
        (&b"{\"_purpose\":\"a\\u0000b\"}"[..], "/_purpose"),
        (b"{\"_purpose\":\"a\x07b\"}", "/_purpose"),
        (b"{\"_purpose\":\"\\ud800\"}", "/_purpose"),
        (b"{\"_purpose\":\"a\xff\"}", "/_purpose"),
        (b"{\"_inner\":[{\"_name\":\"a\"},{\"_name\":\"\\b\"}]}", "/_inner/1/_name"),
        (b"{\"_fields\":{\"theirs\":\"a\\u0001\"}}", "/_fields"),
        (b"{\"_purpose\":\"a\",\"\\u0000\":1}", ""),
        (b"{\"_purpose\":7,\"_inner\":\"\\u0000\"}", ""),
        (b"{\"_purpose\":\"a\"}\xff", ""),
        (b"{\"_purpose\":\"a\",,\"\xff", ""),
        (b"\xff", ""),
    ] {
        let fault = parse::<Outer>(body).unwrap_err();
        let told = String::from_utf8_lossy(body);
        assert!(matches!(fault.reason, Reason::BadText | Reason::NotUtf8), "{told}: {fault:?}");
        assert_eq!(fault.pointer, pointer, "{told}");
    }
}
