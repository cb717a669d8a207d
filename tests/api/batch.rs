//! `POST /v1/records/batch`: each record for itself, or all or none.

use crate::caller::{Client, Reply};
use crate::vault::{Vault, path, run};
use serde_json::{Value, json};

fn contact(subject: &str, fields: Value) -> Value {
    json!({"subject": subject, "collection": "contact", "purpose": "order_fulfilment", "fields": fields})
}

impl Client {
    #[track_caller]
    fn batch(&mut self, records: &[Value], atomic: bool, headers: &[(&str, &str)]) -> Reply {
        let body = json!({"records": records, "atomic": atomic}).to_string();
        self.send(("POST", "/v1/records/batch"), headers, Some(&body))
    }
    #[track_caller]
    fn held(&mut self, subject: &str) -> usize {
        let listed = self.get(&format!("/v1/subjects/{subject}/records?limit=200")).is(200);
        listed.json()["items"].as_array().unwrap().len()
    }
}

#[test]
fn records_of_a_batch_are_stored_or_refused_each_for_itself_and_in_order() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let subject = shop.subject();
    let records = [
        contact(&subject, json!({"name": "Ada Lovelace"})),
        contact(&subject, json!({"phone": "not a number", "email": "nobody"})),
        contact("sub_nobody", json!({"name": "Ada"})),
        json!({"subject": subject, "collection": "billing", "purpose": "order_fulfilment",
            "fields": {"tax_id": "K254166"}}),
        contact(&subject, json!({"name": "4111 1111 1111 1111"})),
        contact(&subject, json!({"email": "ada@example.org"})),
        json!({"subject": subject, "collection": "nothing", "purpose": "order_fulfilment", "fields": {"a": "b"}}),
    ];
    let reply = shop.batch(&records, false, &[]).is(200);
    assert_eq!(reply.header("strongroom-cost"), Some("8"), "fields of all records");
    let items = reply.json()["results"].as_array().unwrap().clone();
    let indices: Vec<u64> = items.iter().map(|i| i["index"].as_u64().unwrap()).collect();
    assert_eq!(indices, (0..7).collect::<Vec<u64>>());
    let error = |n: usize| items[n]["error"].clone();
    for stored in [0, 5] {
        assert!(items[stored]["error"].is_null() && items[stored]["version"] == 1);
    }
    assert_eq!((&error(1)["code"], &error(1)["status"]), (&json!("invalid_field"), &json!(422)));
    let mut pointers: Vec<&str> = items[1]["error"]["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["field"].as_str().unwrap())
        .collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/records/1/fields/email", "/records/1/fields/phone"]);
    assert!(error(1)["field"].as_str().unwrap().starts_with("/records/1/fields/"));
    assert_eq!(error(2)["code"], "not_found");
    assert_eq!((&error(3)["code"], &error(3)["rule"]), (&json!("denied"), &json!("field_not_needed")));
    assert_eq!(error(4)["code"], "card_number_refused");
    assert_eq!(
        (&error(6)["code"], &error(6)["field"]),
        (&json!("invalid_request"), &json!("/records/6/collection"))
    );
    let opened = shop.swap("order_fulfilment", &[&items[0]["tokens"]["name"], &items[5]["tokens"]["email"]]);
    assert_eq!(
        (&opened[0]["value"], &opened[1]["value"]),
        (&json!("Ada Lovelace"), &json!("ada@example.org"))
    );
    assert_eq!(shop.held(&subject), 2);
}

#[test]
fn an_atomic_batch_stores_all_or_nothing_and_names_the_record_that_failed() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let subject = shop.subject();
    let good = contact(&subject, json!({"name": "Ada"}));
    let invalid = contact(&subject, json!({"phone": "no"}));
    let reply = shop.batch(&[good.clone(), good.clone(), invalid], true, &[]).refused(422, "invalid_field");
    assert_eq!(reply.json()["index"], 2);
    assert_eq!(reply.pointers(), ["/records/2/fields/phone"]);
    let foreign = contact("sub_nobody", json!({"name": "Ada"}));
    assert_eq!(shop.batch(&[good.clone(), foreign], true, &[]).refused(404, "not_found").json()["index"], 1);
    assert_eq!(shop.held(&subject), 0);
    let stored = shop.batch(&[good.clone(), good], true, &[]).is(200).json();
    assert_eq!(stored["results"].as_array().unwrap().len(), 2);
    assert_eq!(shop.held(&subject), 2);
}

#[test]
fn a_thousand_records_are_stored_in_parts_and_a_retry_gets_the_same_answer() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let subject = shop.subject();
    let record = |n: usize| {
        contact(
            &subject,
            json!({"name": format!("Person {n}"), "email": format!("p{n}@example.org"),
            "phone": format!("+4420794{n:05}")}),
        )
    };
    let records: Vec<Value> = (0..1_000).map(record).collect();
    let key = [("Idempotency-Key", "thousand")];
    let first = shop.batch(&records, false, &key).is(200);
    let items = first.json()["results"].as_array().unwrap().clone();
    assert!(items.len() == 1_000 && items.iter().all(|i| i["error"].is_null()));
    let again = shop.batch(&records, false, &key).is(200);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.json(), first.json());
    shop.batch(&records[1..], false, &key).refused(409, "idempotency_mismatch");
    for n in [0, 499, 999] {
        let item = &shop.swap("order_fulfilment", &[&items[n]["tokens"]["name"]])[0];
        assert_eq!(item["value"], format!("Person {n}"));
    }
    let stopped = vault.stop();
    let data = stopped.path().join("data");
    assert!(run(&["audit", "verify", "--data-dir", path(&data)]).0);
    let (_, events, _) = run(&["audit", "query", "--data-dir", path(&data), "--act", "record.create"]);
    let stored = events.lines().filter(|e| e.contains("\"outcome\":\"allowed\"") && e.contains("changed"));
    assert_eq!(stored.count(), 4, "333 records of three fields fill an event");
}

#[test]
fn a_batch_takes_a_large_body_and_not_a_larger_one() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let subject = shop.subject();
    let text = "x".repeat(9_000);
    let record = json!({"subject": subject, "collection": "transaction", "purpose": "order_fulfilment",
        "fields": {"text": text}});
    let records = vec![record; 300];
    let stored = shop.batch(&records, false, &[]).is(200).json();
    assert!(stored["results"].as_array().unwrap().iter().all(|i| i["error"].is_null()), "2.7 MB are taken");
    let records = vec![records[0].clone(); 950];
    shop.batch(&records, false, &[]).refused(413, "too_large");
    for count in [0, 1_001] {
        let many = vec![contact(&subject, json!({"name": "A"})); count];
        let reply = shop.batch(&many, false, &[]).refused(400, "invalid_request");
        assert_eq!(reply.pointers(), ["/records"]);
    }
}

#[test]
fn two_records_of_one_batch_cannot_take_the_same_login() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let subject = shop.subject();
    let login = |name: &str| {
        json!({"subject": subject, "collection": "credential", "purpose": "order_fulfilment",
            "fields": {"login": name, "password": "correct horse battery"}})
    };
    let items = shop.batch(&[login("ada"), login("ADA"), login("grace")], false, &[]).is(200).json();
    let codes: Vec<&Value> = (0..3).map(|n| &items["results"][n]["error"]["code"]).collect();
    assert_eq!(codes, [&Value::Null, &json!("already_exists"), &Value::Null]);
    shop.batch(&[login("mary"), login("mary")], true, &[]).refused(409, "already_exists");
    shop.post("/v1/credentials/verify", json!({"login": "mary", "secret": "correct horse battery"})).is(200);
}
