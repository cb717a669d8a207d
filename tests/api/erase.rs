//! `DELETE /v1/records/{rec}` and its certificate, on the built binary (C26).

use crate::caller::Client;
use crate::vault::Vault;
use serde_json::json;

impl Client {
    #[track_caller]
    fn delete(&mut self, record: &str, headers: &[(&str, &str)]) -> crate::caller::Reply {
        self.send(("DELETE", &format!("/v1/records/{record}")), headers, None)
    }
}

#[test]
fn c26_a_deleted_record_answers_like_one_that_never_was_on_every_route() {
    let vault = Vault::start();
    let (mut shop, mut billing) = (Client::of(&vault, "storefront"), Client::of(&vault, "billing"));
    let subject = shop.subject();
    let contact = json!({"name": "Ada Lovelace", "email": "gone@example.org"});
    let stored = shop.record(&subject, "contact", contact);
    let (record, token) = (stored["record"].as_str().unwrap(), &stored["tokens"]["email"]);
    let find = json!({"collection": "contact", "field": "email", "equals": "gone@example.org",
        "purpose": "order_fulfilment"});
    assert_eq!(shop.post("/v1/search", find.clone()).is(200).json()["records"].as_array().unwrap().len(), 1);
    billing.delete(record, &[]).denied("act_not_granted");
    let certificate = shop.delete(record, &[]).is(200).at("/certificate");
    assert!(certificate.starts_with("crt_"));
    shop.delete(record, &[]).refused(404, "not_found");
    shop.get(&format!("/v1/records/{record}")).refused(404, "not_found");
    let change = json!({"purpose": "order_fulfilment", "fields": {"name": "x"}});
    shop.patch(&format!("/v1/records/{record}"), change).refused(404, "not_found");
    shop.post("/v1/tokens", json!({"record": record, "fields": ["email"]})).refused(404, "not_found");
    assert_eq!(shop.swap("order_fulfilment", &[token])[0]["error"]["code"], "not_found");
    assert_eq!(shop.post("/v1/search", find).is(200).json()["records"], json!([]));
    let shown = shop.get(&format!("/v1/subjects/{subject}/records")).is(200).json();
    assert_eq!(shown["items"], json!([]));
}

#[test]
fn c26_a_certificate_can_be_checked_without_the_vault_and_outlives_a_restart() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let subject = shop.subject();
    let record =
        shop.record(&subject, "contact", json!({"name": "Ada"}))["record"].as_str().unwrap().to_owned();
    let key = [("Idempotency-Key", "erase-1")];
    let first = shop.delete(&record, &key).is(200);
    let again = shop.delete(&record, &key).is(200);
    assert_eq!(first.json(), again.json());
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let path = format!("/v1/certificates/{}", first.at("/certificate"));
    let shown = shop.get(&path).is(200);
    check_signature(&shown.json());
    assert_eq!(shown.at("/state"), "pending");
    assert_eq!(shown.at("/collection"), "contact");
    assert!(!shown.text().contains(&subject) && !shown.text().contains(&record), "it names no person");
    Client::of(&vault, "mailer").get(&path).denied("act_not_granted");
    shop.get("/v1/certificates/crt_0123456789ABCDEFGHJKMNPQRS").refused(404, "not_found");
    let vault = Vault::start_in(vault.stop(), &[]);
    let later = Client::of(&vault, "storefront").get(&path).is(200).json();
    assert_eq!(later["statement"], shown.json()["statement"]);
}

fn check_signature(certificate: &serde_json::Value) {
    use base64::Engine;
    let decode = |key: &str| {
        let text = certificate[key].as_str().unwrap();
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()
    };
    let public = ed25519_dalek::VerifyingKey::from_bytes(&decode("public_key").try_into().unwrap()).unwrap();
    let signature = ed25519_dalek::Signature::from_bytes(&decode("signature").try_into().unwrap());
    let statement = certificate["statement"].as_str().unwrap();
    public.verify_strict(statement.as_bytes(), &signature).unwrap();
    let changed = statement.replace("pending", "final");
    assert!(public.verify_strict(changed.as_bytes(), &signature).is_err());
    let position = certificate["event"]["position"].as_u64().unwrap();
    assert!(statement.contains(&format!("event {position} ")));
}

#[test]
fn a55_a_vault_whose_ledger_of_erasures_was_removed_is_not_served_until_it_is_back() {
    use crate::vault::{path, run};
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let subject = shop.subject();
    let record =
        shop.record(&subject, "contact", json!({"name": "Ada"}))["record"].as_str().unwrap().to_owned();
    shop.delete(&record, &[]).is(200);
    let data = vault.data();
    let dir = vault.stop();
    let ledger = data.join("erasures.log");
    let kept = std::fs::read(&ledger).unwrap();
    std::fs::remove_file(&ledger).unwrap();
    let list = ["client", "list", "--data-dir", path(&data)];
    for _ in 0..2 {
        let (ok, _, err) = run(&list);
        assert!(!ok && err.contains("put the right file back"), "{err}");
    }
    let (_, report, _) = run(&["doctor", "--json", "--data-dir", path(&data)]);
    assert!(report.contains("erasures.log lacks lines"), "{report}");
    std::fs::write(&ledger, kept).unwrap();
    assert!(run(&list).0);
    drop(dir);
}
