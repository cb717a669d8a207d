//! A63: the one-click link of a mail (RFC 8058), as scanners, guessers and the impatient use it.

use crate::caller::Client;
use crate::client::{Answer, Target};
use crate::vault::Vault;
use serde_json::{Value, json};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// P23: nothing but the POST acts, twice is as once, nobody needs a cookie, a guess is answered with the same bytes.
#[test]
fn a63_only_the_click_acts_once_for_all_and_a_guess_is_answered_alike() {
    let vault = Vault::start();
    let ca = std::path::PathBuf::from(vault.credentials["ca_cert"].as_str().unwrap());
    let base = vault.credentials["public_url"].as_str().unwrap();
    let pages = Target::new(base, &ca);
    let (mut shop, mut mailer) = (Client::of(&vault, "storefront"), Client::of(&vault, "mailer"));
    let (subject, stored) = shop.ada();
    shop.consent(&subject, "newsletter", true);
    let at = format!("/v1/subjects/{subject}/unsubscribe-link");
    let made = mailer.post(&at, json!({"purpose": "newsletter"})).is(200);
    let link = made.at("/url").strip_prefix(base).unwrap().to_owned();
    assert!(!link.contains(&subject[4..]) && !link.contains("newsletter"), "it carries nothing");
    let reads =
        |mailer: &mut Client| -> Value { mailer.swap("newsletter", &[&stored["tokens"]["email"]]).remove(0) };
    let bytes = |answer: &Answer| {
        assert!(answer.header("set-cookie").is_none());
        let own = ["x-request-id", "date"];
        let headers: Vec<_> = answer
            .headers
            .iter()
            .filter(|(n, _)| !own.contains(&n.to_ascii_lowercase().as_str()))
            .cloned()
            .collect();
        (answer.status, headers, answer.body.clone())
    };
    let mut guess = link.clone();
    guess.replace_range(10..11, if &link[10..11] == "x" { "y" } else { "x" });
    let guesses = [guess.as_str(), "/u/sru_x", "/u/x"];
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let body = (method != "GET").then_some("List-Unsubscribe=One-Click");
        let real = pages.send_with(method, &link, None, body, &[FORM]);
        for guess in guesses {
            assert_eq!(
                bytes(&pages.send_with(method, guess, None, body, &[FORM])),
                bytes(&real),
                "{method} {guess}"
            );
        }
    }
    for body in ["", "List-Unsubscribe=one-click", "List-Unsubscribe", "x=1"] {
        assert_eq!(pages.send_with("POST", &link, None, Some(body), &[FORM]).status, 400, "{body}");
    }
    assert_eq!(reads(&mut mailer)["value"], "ada@example.org", "nothing so far acted");
    let click = |path: &str| pages.send_with("POST", path, None, Some("List-Unsubscribe=One-Click"), &[FORM]);
    let first = click(&link);
    assert_eq!(first.status, 200);
    assert_eq!(reads(&mut mailer)["error"]["rule"], "consent_missing", "from the very next read");
    for path in [link.as_str(), guess.as_str(), "/u/sru_x"] {
        assert_eq!(bytes(&click(path)), bytes(&first), "{path}");
    }
    let history = shop.get(&format!("/v1/subjects/{subject}/consents")).is(200).json();
    assert_eq!(history["history"].as_array().unwrap().len(), 2, "given once, withdrawn once");
    // The link is no credential of the API, nor does the API's key open another door here.
    let text = link.trim_start_matches("/u/");
    assert_eq!(vault.target.send("GET", "/v1/whoami", Some(text), None).status, 401);
}
