//! The mapping, what a line becomes, the journal and the dry run, on small inputs.

use super::journal::{Counts, Decision, Header, Journal, Open};
use super::mapping::{Attested, FieldMap, Mapping, OnDuplicate};
use super::plan::{LineFault, plan};
use super::row::Row;
use crate::domain::value::RawValue;

const GOOD: &str = r#"
on_duplicate = "skip"
delimiter = ";"

[subject]
external_ref = "shop:{id}"
region = "{country}"
birth_date = { column = "born", format = "%d.%m.%Y" }
age_attested = "when_absent"

[[record]]
client = "storefront"
purpose = "order_fulfilment"
collection = "contact"
fields.name = "{given} {sur}"
fields.email = "{mail}"

[[record]]
client = "storefront"
purpose = "order_fulfilment"
collection = "shipping"
fields.address = { line1 = "{street}", city = "{city}", country = "DE" }

[[record]]
client = "billing"
purpose = "billing"
collection = "billing"
fields.tax_id = "{tax}"

[[record]]
client = "storefront"
purpose = "order_fulfilment"
collection = "shipping"
fields.company = "{firm}"
"#;

#[test]
fn a_mapping_is_read_with_its_clients_columns_and_labels() {
    let mapping = Mapping::parse(GOOD).unwrap();
    assert_eq!((mapping.on_duplicate, mapping.delimiter), (OnDuplicate::Skip, b';'));
    assert_eq!(mapping.subject.client, "storefront", "the first record's client creates the person");
    assert_eq!(mapping.subject.age_attested, Attested::WhenAbsent);
    assert_eq!(mapping.clients(), ["billing", "storefront"]);
    let labels: Vec<&str> = mapping.records.iter().map(|r| r.label.as_str()).collect();
    assert_eq!(labels, ["contact", "shipping", "billing", "shipping#2"]);
    let mut columns: Vec<&str> = mapping.columns().into_iter().map(|(name, _)| name).collect();
    columns.sort_unstable();
    columns.dedup();
    assert_eq!(columns, ["born", "city", "country", "firm", "given", "id", "mail", "street", "sur", "tax"]);
    assert!(matches!(mapping.records[1].fields[0].1, FieldMap::Parts(_)));
}

#[test]
fn every_fault_of_a_mapping_has_its_line_and_what_to_write() {
    for (from, to, line_of, word) in [
        ("on_duplicate = \"skip\"", "on_duplicate = \"merge\"", "merge", "update"),
        ("delimiter = \";\"", "delimiter = \";;\"", ";;", "one ASCII"),
        ("delimiter = \";\"", "separator = \";\"", "separator", "delimiter"),
        ("region = ", "regoin = ", "regoin", "region"),
        ("\"shop:{id}\"", "\"shop\"", "\"shop\"", "names no column"),
        ("\"shop:{id}\"", "\"shop:{id\"", "shop:{id", "closed"),
        ("%d.%m.%Y", "%d.%m.%y", "%y", "%Y"),
        ("\"when_absent\"", "true", "age_attested", "when_absent"),
        ("purpose = \"billing\"", "porpose = \"billing\"", "porpose", "purpose"),
        ("fields.tax_id = \"{tax}\"", "fields.tax_id = 7", "tax_id", "template"),
        ("fields.tax_id = \"{tax}\"", "fields.tax_id = { column = \"tax\" }", "tax_id", "format"),
        ("line1 = \"{street}\"", "line1 = 7", "line1", "line1 = "),
        ("fields.company", "feilds.company", "feilds", "fields"),
    ] {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from}");
        let faults = Mapping::parse(&text).unwrap_err();
        let wanted = text.lines().position(|l| l.contains(line_of)).unwrap() + 1;
        assert!(
            faults.iter().any(|f| f.line == wanted && f.text.contains(word)),
            "{to}: line {wanted}: {faults:?}"
        );
    }
    let ambiguous = GOOD.replacen("\"skip\"", "\"update\"", 1);
    let faults = Mapping::parse(&ambiguous).unwrap_err();
    let last = ambiguous.lines().count() - ambiguous.lines().rev().position(|l| l == "[[record]]").unwrap();
    assert!(faults.len() == 1 && faults[0].line == last && faults[0].text.contains("apart"), "{faults:?}");
    assert!(Mapping::parse("").is_err());
    let none = GOOD.split("[[record]]").next().unwrap().to_owned() + "record = []\n";
    assert!(Mapping::parse(&none).is_err());
}

fn shown(columns: &[(&str, &str)]) -> Result<(String, Vec<String>), Vec<LineFault>> {
    let mapping = Mapping::parse(GOOD).unwrap();
    let planned = plan(&mapping, &Row::of(7, columns))?;
    let text = |bytes: hyper::body::Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    let records = planned.records.iter().map(|r| text(r.body("sub_X"))).collect();
    Ok((text(planned.subject_body()), records))
}

#[test]
fn a_line_becomes_a_person_and_the_records_that_say_something() {
    let (subject, records) = shown(&[
        ("id", " 17 "),
        ("country", "DE"),
        ("born", "28.02.1990"),
        ("given", "Ada \"A\""),
        ("sur", "Lovelace\\"),
        ("street", "Am Markt 1"),
        ("tax", ""),
    ])
    .unwrap();
    assert_eq!(subject, r#"{"region":"DE","external_ref":"shop:17","birth_date":"1990-02-28"}"#);
    assert_eq!(
        records,
        [
            r#"{"subject":"sub_X","collection":"contact","purpose":"order_fulfilment","fields":{"name":"Ada \"A\" Lovelace\\"}}"#,
            r#"{"subject":"sub_X","collection":"shipping","purpose":"order_fulfilment","fields":{"address":{"country":"DE","line1":"Am Markt 1"}}}"#,
        ]
    );
}

#[test]
fn majority_is_attested_only_where_the_date_is_absent() {
    let (subject, records) = shown(&[("id", "1"), ("country", "DE"), ("born", "  ")]).unwrap();
    assert_eq!(subject, r#"{"region":"DE","external_ref":"shop:1","age_attested":true}"#);
    assert_eq!(records, Vec::<String>::new(), "a country alone is no address");
    let faults = shown(&[("id", "1"), ("country", "DE"), ("born", "1990-02-28")]).unwrap_err();
    assert_eq!(
        faults,
        [LineFault::new(None, "/birth_date", "not_a_date")],
        "a bad date is not an absent one"
    );
}

#[test]
fn a_line_without_a_reference_or_region_is_refused_with_every_fault() {
    let faults = shown(&[("born", "x")]).unwrap_err();
    let pointers: Vec<&str> = faults.iter().map(|f| f.pointer.as_str()).collect();
    assert_eq!(pointers, ["/external_ref", "/region", "/birth_date"]);
}

#[test]
fn a_body_is_json_whatever_the_columns_hold() {
    let nasty = "\u{0}\u{1f}\"\\/\u{2028}é\u{10ffff}\n";
    let columns = [("id", nasty), ("country", "DE"), ("given", nasty), ("street", nasty), ("tax", nasty)];
    let (subject, records) = shown(&columns).unwrap();
    let subject: serde_json::Value = serde_json::from_str(&subject).unwrap();
    assert_eq!(subject["external_ref"], format!("shop:{}", nasty.trim()));
    for record in records {
        serde_json::from_str::<serde_json::Value>(&record).unwrap();
    }
}

#[test]
fn a_composite_is_a_raw_value_of_parts() {
    let mapping = Mapping::parse(GOOD).unwrap();
    let row = Row::of(1, &[("id", "1"), ("country", "DE"), ("city", "Bonn")]);
    let planned = plan(&mapping, &row).unwrap();
    assert!(matches!(&planned.records[0].fields[0].1, RawValue::Parts(parts) if parts.len() == 2));
}

fn header() -> Header {
    Header {
        strongroom_import: 1,
        id: String::new(),
        file_sha256: "a".into(),
        mapping_sha256: "b".into(),
        tokens_out: true,
        rejects: false,
    }
}

#[test]
fn a_journal_knows_what_is_done_and_what_stands_open() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j");
    let mut journal = Journal::start(&path, header()).unwrap();
    let one = Counts { lines: 1, created: 1, ..Counts::default() };
    for line in [2, 3, 5] {
        journal.begin(line).unwrap();
    }
    journal.created(2).unwrap();
    journal.decided(5, &[Decision::Skip, Decision::Update("rec_X".into())]).unwrap();
    journal.done(3, one, (70, 0)).unwrap();
    journal.done(6, Counts { lines: 1, rejected: 1, ..Counts::default() }, (70, 9)).unwrap();
    let id = journal.header.id.clone();
    assert!(id.starts_with("imp_"));
    drop(journal);
    // Killed in the middle of a write.
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("{\"begin\":");
    std::fs::write(&path, &text).unwrap();
    let (mut journal, state) = Journal::resume(&path, &header()).unwrap();
    assert_eq!(journal.header.id, id);
    assert_eq!((state.reached, state.at, state.finished), (6, (70, 9), false));
    assert_eq!((state.counts.lines, state.counts.created, state.counts.rejected), (2, 1, 1));
    let done: Vec<u64> = (1..9).filter(|line| state.is_done(*line)).collect();
    assert_eq!(done, [1, 3, 4, 6]);
    let decided = Some(vec![Decision::Skip, Decision::Update("rec_X".into())]);
    assert_eq!(state.open[&5], Open { created: false, decided });
    assert_eq!(state.open[&2], Open { created: true, decided: None });
    journal.finish().unwrap();
    drop(journal);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.lines().all(|l| serde_json::from_str::<serde_json::Value>(l).is_ok()), "{text}");
    assert!(Journal::resume(&path, &header()).unwrap().1.finished);
}

#[test]
fn a_journal_belongs_to_one_input_one_mapping_and_one_import_at_a_time() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j");
    assert!(Journal::resume(&path, &header()).err().unwrap().0.contains("leave --resume out"));
    let journal = Journal::start(&path, header()).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    assert!(Journal::make_room(&path).err().unwrap().0.contains("--resume"));
    assert!(Journal::resume(&path, &header()).err().unwrap().0.contains("another import"));
    drop(journal);
    for (other, word) in [
        (Header { file_sha256: "x".into(), ..header() }, "input"),
        (Header { mapping_sha256: "x".into(), ..header() }, "mapping"),
        (Header { tokens_out: false, ..header() }, "--tokens-out"),
    ] {
        assert!(Journal::resume(&path, &other).err().unwrap().0.contains(word));
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(Journal::resume(&path, &header()).is_err(), "others may read it");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (mut journal, _) = Journal::resume(&path, &header()).unwrap();
    journal.finish().unwrap();
    drop(journal);
    Journal::make_room(&path).unwrap();
    assert!(!path.exists(), "an import that ended leaves room for the next");
    std::fs::write(&path, "hello\n").unwrap();
    assert!(Journal::make_room(&path).err().unwrap().0.contains("no journal"));
}
