//! `/v1/subjects`: created once, changed, anchored, shown, listed. And `/v1/whoami`.

use crate::caller::Client;
use crate::vault::Vault;
use serde_json::{Value, json};

#[test]
fn a_client_learns_its_grants_acts_and_limits_and_nothing_of_others() {
    let vault = Vault::start();
    let me = Client::of(&vault, "billing").get("/v1/whoami").is(200).json();
    assert_eq!((&me["client"], &me["acts"]), (&json!("billing"), &json!(["token.mint"])));
    let line = |g: &Value| ["purpose", "field", "form"].map(|k| g[k].as_str().unwrap().to_owned()).join(" ");
    let grants: Vec<String> = me["grants"].as_array().unwrap().iter().map(line).collect();
    assert!(grants.contains(&"billing contact.email masked".to_owned()), "{grants:?}");
    assert!(grants.contains(&"billing billing.tax_id search".to_owned()));
    assert!(!grants.iter().any(|g| g.contains("contact.phone") || g.contains("order_fulfilment")));
    for quota in ["cost", "subjects"] {
        let quota = &me["limits"][quota];
        assert!(quota["remaining"].as_u64().unwrap() <= quota["quota"].as_u64().unwrap());
    }
    let mut shop = Client::of(&vault, "storefront");
    let (_, stored) = shop.ada();
    for (field, cost) in [("name", "2"), ("email", "3"), ("phone", "3")] {
        let body = json!({"purpose": "order_fulfilment", "tokens": [stored["tokens"][field]]});
        let reply = shop.post("/v1/detokenize", body).is(200);
        assert_eq!(reply.header("strongroom-cost"), Some(cost), "{field}: by how sensitive it is");
    }
    assert_eq!(shop.get("/v1/whoami").header("strongroom-cost"), Some("0"));
}

#[test]
fn the_same_external_reference_finds_the_same_subject_and_other_facts_conflict() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let body =
        |region: &str| json!({"region": region, "birth_date": "1990-02-01", "external_ref": "shop:8817"});
    let first = shop.post("/v1/subjects", body("DE")).is(201);
    assert_eq!(first.json()["created"], true);
    let again = shop.post("/v1/subjects", body("DE")).is(200);
    assert_eq!(again.json(), json!({"subject": first.at("/subject"), "created": false}));
    shop.post("/v1/subjects", body("FR")).refused(409, "conflict");
    assert_ne!(shop.subject(), shop.subject(), "without a reference every subject is a new one");
    let mut billing = Client::of(&vault, "billing");
    billing.post("/v1/subjects", body("DE")).denied("act_not_granted");
}

#[test]
fn c10_minors_and_people_of_unknown_age_are_refused_and_nothing_is_kept_of_them() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let mut create = |body: Value| shop.post("/v1/subjects", body);
    create(json!({"region": "DE", "birth_date": "2015-01-01", "external_ref": "young"}))
        .refused(422, "minor_refused");
    create(json!({"region": "KR", "birth_date": "1990-01-01"})).denied("region_not_served");
    let unknown = create(json!({"region": "DE"})).refused(422, "invalid_field");
    assert_eq!(unknown.faults(), [("/birth_date".into(), "age_unknown".into())]);
    create(json!({"region": "DE", "birth_date": "1985-01-01", "external_ref": "young"})).is(201);
    let both = create(json!({"region": "DE", "birth_date": "1990-02-30", "external_ref": ""}));
    assert_eq!(both.refused(422, "invalid_field").pointers(), ["/birth_date", "/external_ref"]);
    let neither = create(json!({"region": "XX", "birth_date": "1990-02-30"}));
    assert_eq!(neither.refused(422, "invalid_field").pointers(), ["/birth_date", "/region"]);
    let nowhere = create(json!({"region": "XX", "age_attested": true, "notice_version": " "}));
    assert_eq!(nowhere.refused(422, "invalid_field").pointers(), ["/notice_version", "/region"]);
}

#[test]
fn a_subject_is_changed_within_the_same_rules_and_a_minor_found_out_is_restricted() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (subject, stored) = shop.ada();
    let path = format!("/v1/subjects/{subject}");
    shop.patch(&path, json!({"region": "FR", "flags": ["vip"]})).is(200);
    let shown = shop.get(&path).is(200).json();
    assert_eq!((&shown["region"], &shown["flags"]), (&json!("FR"), &json!(["vip"])));
    assert_eq!((&shown["state"], &shown["age_class"]), (&json!("active"), &json!("adult_attested")));
    shop.patch(&path, json!({"birth_date": "1980-05-05"})).is(200);
    assert_eq!(shop.get(&path).json()["age_class"], "adult");
    shop.patch(&path, json!({"region": "JP"})).denied("region_not_served");
    shop.patch(&path, json!({"flags": ["owner"]})).refused(422, "invalid_field");
    assert_eq!(shop.get(&path).json()["flags"], json!(["vip"]), "a refused change changes nothing");
    Client::of(&vault, "mailer").patch(&path, json!({"region": "DE"})).denied("act_not_granted");
    shop.patch(&path, json!({"birth_date": "2015-01-01"})).refused(422, "minor_refused");
    assert_eq!(shop.get(&path).is(200).json()["age_class"], "minor");
    shop.store(&subject, "contact", json!({"name": "Young"})).denied("subject_restricted");
    let item = &shop.swap("order_fulfilment", &[&stored["tokens"]["name"]])[0];
    assert_eq!(item["error"]["rule"], "subject_restricted");
}

#[test]
fn anchors_and_notices_are_recorded_with_their_time_or_refused() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let path = format!("/v1/subjects/{}", shop.subject());
    let anchor = |at: &str| json!({"event": "account_closed", "at": at});
    let anchors = format!("{path}/anchors");
    shop.post(&anchors, anchor("2026-01-02T03:04:05Z")).is(200);
    let future = shop.post(&anchors, anchor("2199-01-01T00:00:00Z")).refused(422, "invalid_field");
    assert_eq!(future.faults(), [("/at".into(), "in_the_future".into())]);
    let vague = shop.post(&anchors, anchor("yesterday")).refused(400, "invalid_request");
    assert_eq!(vague.faults(), [("/at".into(), "not_an_instant".into())]);
    shop.send(("PUT", &format!("{path}/notices/2026-11")), &[], None).is(200);
    let long = format!("{path}/notices/{}", "n".repeat(65));
    shop.send(("PUT", &long), &[], None).refused(422, "invalid_field");
    let shown = shop.get(&path).json();
    assert_eq!(shown["anchors"], json!([{"name": "account_closed", "at": "2026-01-02T03:04:05.000Z"}]));
    assert_eq!(shown["notices"][0]["name"], "2026-11");
    assert_eq!(shown["notices"].as_array().unwrap().len(), 1);
}

#[test]
fn a_subjects_view_counts_its_records_and_never_shows_a_value() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (subject, stored) = shop.ada();
    shop.record(&subject, "contact", json!({"name": "A. Byron"}));
    shop.record(&subject, "technical", json!({"user_agent": "curl/8"}));
    shop.consent(&subject, "newsletter", true);
    let shown = shop.get(&format!("/v1/subjects/{subject}")).is(200);
    assert_eq!(shown.json()["collections"], json!({"contact": 2, "technical": 1}));
    assert_eq!(shown.json()["consents"], 1);
    let list = shop.get(&format!("/v1/subjects/{subject}/records")).is(200);
    let record = shop.get(&crate::caller::at(&stored)).is(200);
    let json = record.json();
    assert_eq!((&json["subject"], &json["collection"]), (&json!(subject), &json!("contact")));
    assert_eq!(json["fields"], json!(["email", "name", "phone"]));
    for value in ["Ada", "Byron", "example.org", "7946", "srx_"] {
        for reply in [&shown, &list, &record] {
            assert!(!reply.text().contains(value), "{value}");
        }
    }
}

#[test]
fn records_are_listed_in_pages_newest_first_by_cursors_nobody_can_make() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (subject, other) = (shop.subject(), shop.subject());
    let mut made: Vec<Value> = (0..5)
        .map(|n| shop.record(&subject, "contact", json!({"name": format!("N{n}")}))["record"].clone())
        .collect();
    shop.record(&subject, "technical", json!({"user_agent": "curl/8"}));
    made.reverse();
    let base = format!("/v1/subjects/{subject}/records?collection=contact&limit=2");
    let (mut seen, mut cursors, mut path) = (Vec::new(), Vec::new(), base.clone());
    loop {
        let page = shop.get(&path).is(200).json();
        assert!(page["items"].as_array().unwrap().len() <= 2);
        seen.extend(page["items"].as_array().unwrap().iter().map(|i| i["record"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{base}&cursor={cursor}");
        cursors.push(cursor.to_owned());
    }
    assert_eq!(seen, made);
    let cursor = &cursors[0];
    let tampered =
        format!("{}{}", &cursor[..cursor.len() - 1], if cursor.ends_with('0') { '1' } else { '0' });
    let elsewhere = format!("/v1/subjects/{other}/records?collection=contact&cursor={cursor}");
    let unfiltered = format!("/v1/subjects/{subject}/records?cursor={cursor}");
    for path in [format!("{base}&cursor={tampered}"), format!("{base}&cursor=x"), elsewhere, unfiltered] {
        let refused = shop.get(&path).refused(400, "invalid_request");
        assert_eq!(refused.faults(), [("/cursor".into(), "bad_cursor".into())], "{path}");
    }
    let list = format!("/v1/subjects/{subject}/records");
    for query in [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=two",
        "limit=",
        "limit",
        "limit=1&limit=2",
        "limit=1&x=2",
        "cursor=%zz",
        "collection=a+b",
        "collection=secrets",
        "page=2",
    ] {
        shop.get(&format!("{list}?{query}")).refused(400, "invalid_request");
    }
}
