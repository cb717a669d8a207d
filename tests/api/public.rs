//! The public listener as the world sees it: mail scanners, people, and those who guess (C15, C18).

use crate::caller::Client;
use crate::client::{Answer, Target, read_answer};
use crate::served::Plan;
use crate::vault::Vault;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const CLICK: &str = "List-Unsubscribe=One-Click";

pub(crate) fn pages(vault: &Vault) -> Target {
    let ca = PathBuf::from(vault.credentials["ca_cert"].as_str().unwrap());
    Target::new(vault.credentials["public_url"].as_str().unwrap(), &ca)
}

fn get(pages: &Target, path: &str) -> Answer {
    pages.send("GET", path, None, None)
}
fn click(pages: &Target, path: &str) -> Answer {
    pages.send_with("POST", path, None, Some(CLICK), &[FORM])
}
fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

/// Ada with a newsletter, and her link's path.
struct Reader {
    subject: String,
    email: Value,
    link: String,
}

fn link(vault: &Vault, client: &str, subject: &str, purpose: &str) -> (String, Value) {
    let mut client = Client::of(vault, client);
    let made = client.post(&format!("/v1/subjects/{subject}/unsubscribe-link"), json!({"purpose": purpose}));
    let made = made.is(200).json();
    let url = made["url"].as_str().unwrap();
    let path = url.strip_prefix(vault.credentials["public_url"].as_str().unwrap()).unwrap();
    (path.to_owned(), made)
}

fn reader(vault: &Vault) -> Reader {
    let mut shop = Client::of(vault, "storefront");
    let (subject, stored) = shop.ada();
    shop.consent(&subject, "newsletter", true);
    let (link, _) = link(vault, "mailer", &subject, "newsletter");
    Reader { subject, email: stored["tokens"]["email"].clone(), link }
}

impl Reader {
    fn may_be_read(&self, vault: &Vault) -> bool {
        let item = Client::of(vault, "mailer").swap("newsletter", &[&self.email]).remove(0);
        let refused = item["error"]["rule"] == "consent_missing";
        assert_ne!(item["value"] == "ada@example.org", refused, "{item}");
        !refused
    }
}

/// What every reply of the listener carries.
fn dressed(answer: &Answer) {
    let csp = answer.header("content-security-policy").unwrap();
    assert!(csp.starts_with("default-src 'none'; style-src 'sha256-") && !csp.contains("unsafe"), "{csp}");
    assert!(csp.contains("form-action 'self'") && csp.contains("frame-ancestors 'none'"));
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
}

/// A reply without what differs from one request to the next.
fn likeness(answer: &Answer) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| !matches!(name.as_str(), "x-request-id" | "date"));
    headers.sort();
    (answer.status, headers, answer.body.clone())
}

#[test]
fn c18_one_click_stops_the_very_next_read_without_account_or_cookie() {
    let vault = Vault::start();
    let (pages, ada) = (pages(&vault), reader(&vault));
    assert!(ada.may_be_read(&vault));
    let done = click(&pages, &ada.link);
    assert_eq!(done.status, 200);
    dressed(&done);
    assert!(!ada.may_be_read(&vault));
    assert_eq!(likeness(&click(&pages, &ada.link)), likeness(&done), "once more says the same");
    assert!(!ada.may_be_read(&vault));
    let shown =
        Client::of(&vault, "storefront").get(&format!("/v1/subjects/{}/consents", ada.subject)).json();
    let current = &shown["current"][0];
    assert_eq!((&current["granted"], &current["channel"]), (&json!(false), &json!("unsubscribe-link")));
    assert_eq!(shown["history"].as_array().unwrap().len(), 2, "the second click wrote nothing more: {shown}");
    // A new consent counts; and the same link stops it again.
    Client::of(&vault, "storefront").consent(&ada.subject, "newsletter", true);
    assert!(ada.may_be_read(&vault));
    click(&pages, &ada.link);
    assert!(!ada.may_be_read(&vault));
}

#[test]
fn c15_what_was_stopped_stays_stopped_over_a_power_failure() {
    let vault = Vault::start();
    let ada = reader(&vault);
    assert_eq!(click(&pages(&vault), &ada.link).status, 200);
    let again = Vault::start_in(vault.kill(), &[]);
    assert!(!ada.may_be_read(&again));
    assert_eq!(click(&pages(&again), &ada.link).status, 200, "and the link of an old mail still works");
}

#[test]
fn c17_a_click_withdraws_the_purposes_recipients_and_nothing_else() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let subject = shop.subject();
    for what in ["newsletter", "survey", "partner_marketing", "partner_marketing/recipients/partner-x"] {
        shop.consent(&subject, what, true);
    }
    let (path, _) = link(&vault, "storefront", &subject, "partner_marketing");
    assert_eq!(click(&pages(&vault), &path).status, 200);
    let shown = shop.get(&format!("/v1/subjects/{subject}/consents")).json();
    for entry in shown["current"].as_array().unwrap() {
        assert_eq!(entry["granted"], entry["purpose"] != "partner_marketing", "{entry}");
    }
}

#[test]
fn c18_a_get_never_acts_whoever_prefetches_it() {
    let vault = Vault::start();
    let (pages, ada) = (pages(&vault), reader(&vault));
    for query in ["", "?List-Unsubscribe=One-Click", "?utm_source=mail"] {
        let page = get(&pages, &format!("{}{query}", ada.link));
        assert_eq!(page.status, 200);
        dressed(&page);
        let text = text(&page);
        assert!(text.contains("<form method=\"post\">") && text.contains("<button type=\"submit\">"));
        assert!(
            !text.contains("sru_") && !text.contains("newsletter") && !text.contains("<script"),
            "{text}"
        );
    }
    assert!(ada.may_be_read(&vault));
    // A reply to HEAD announces a body that does not follow.
    let mut stream = pages.connect();
    let head = format!("HEAD {} HTTP/1.1\r\nHost: localhost\r\n\r\n", ada.link);
    std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
    let mut line = [0; 12];
    std::io::Read::read_exact(&mut stream, &mut line).unwrap();
    assert_eq!(&line, b"HTTP/1.1 405");
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        let answer = pages.send(method, &ada.link, None, None);
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, POST")), "{method}");
        dressed(&answer);
    }
    assert!(ada.may_be_read(&vault));
}

#[test]
fn i5_a_guessed_link_is_answered_like_a_real_one() {
    let vault = Vault::start();
    let (pages, ada) = (pages(&vault), reader(&vault));
    let (page, done) = (get(&pages, &ada.link), click(&pages, &ada.link));
    let mut near = ada.link.clone();
    let last = if near.ends_with('x') { "y" } else { "x" };
    near.replace_range(near.len() - 1.., last);
    let drawn = format!("/u/sru_{}", "A".repeat(36));
    let key = format!("/u/{}", vault.key("mailer"));
    for guess in [near.as_str(), &drawn, "/u/sru_", "/u/x", &key] {
        assert_eq!(likeness(&get(&pages, guess)), likeness(&page), "{guess}");
        assert_eq!(likeness(&click(&pages, guess)), likeness(&done), "{guess}");
    }
}

#[test]
fn only_the_one_click_body_acts() {
    let vault = Vault::start();
    let (pages, ada) = (pages(&vault), reader(&vault));
    let json = ("Content-Type", "application/json");
    let gzip = ("Content-Encoding", "gzip");
    let large = "a".repeat(5_000);
    for (status, body, headers) in [
        (400, "", &[FORM][..]),
        (400, "List-Unsubscribe=No", &[FORM]),
        (400, "Unsubscribe=One-Click", &[FORM]),
        (415, "{\"List-Unsubscribe\":\"One-Click\"}", &[json]),
        (415, CLICK, &[FORM, gzip]),
        (413, large.as_str(), &[FORM]),
    ] {
        let answer = pages.send_with("POST", &ada.link, None, Some(body), headers);
        assert_eq!(answer.status, status, "{}", text(&answer));
        dressed(&answer);
        assert!(text(&answer).contains("Nothing was changed"));
    }
    assert!(ada.may_be_read(&vault));
    let parts =
        "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    let kind = ("Content-Type", "multipart/form-data; boundary=x");
    assert_eq!(pages.send_with("POST", &ada.link, None, Some(parts), &[kind]).status, 200);
    assert!(!ada.may_be_read(&vault));
}

#[test]
fn neither_listener_serves_the_others_routes() {
    let vault = Vault::start();
    let pages = pages(&vault);
    let key = vault.key("storefront");
    for route in strongroom::http::api::ROUTES {
        let answer = pages.send(route.method, route.path.split('{').next().unwrap(), Some(key), None);
        assert_eq!(answer.status, 404, "{}", route.path);
        dressed(&answer);
    }
    for path in [
        "/",
        "/u",
        "/u/",
        "/u/a/b",
        "/u/%2e",
        "/notice/x",
        "/live",
        "/ready",
        "/openapi.json",
        "/metrics",
        "/favicon.ico",
        "/../notice",
    ] {
        let answer = get(&pages, path);
        assert_eq!(answer.status, 404, "{path}");
        dressed(&answer);
    }
    let long = get(&pages, &format!("/u/{}", "a".repeat(2_000)));
    assert_eq!(long.status, 414);
    dressed(&long);
    for path in ["/notice", "/u/sru_x"] {
        assert_eq!(vault.target.send("GET", path, Some(key), None).status, 404, "{path}");
        assert_eq!(vault.target.send("GET", path, None, None).status, 401, "{path}");
    }
}

#[test]
fn c29_the_notice_is_public_and_says_what_the_policy_enforces() {
    let vault = Vault::start();
    let pages = pages(&vault);
    let notice = get(&pages, "/notice");
    assert_eq!(notice.status, 200);
    dressed(&notice);
    let text = text(&notice);
    for said in [
        "Example GmbH",
        "privacy@example.org",
        "Newsletter",
        "your consent",
        "Mail service us (US)",
        "10 years",
        "Your rights",
        "version 1",
    ] {
        assert!(text.contains(said), "{said}");
    }
    assert_eq!(pages.send("POST", "/notice", None, Some("{}")).status, 405);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config/policy.toml");
    let (ok, page, _) = crate::vault::run(&["policy", "notice", file, "--html"]);
    assert!(ok && page == text, "the command prints the page that is served");
    let (ok, markdown, _) = crate::vault::run(&["policy", "notice", file]);
    assert!(ok && markdown.starts_with("# Privacy notice") && markdown.contains("privacy@example.org"));
}

#[test]
fn a_link_is_made_once_for_a_person_and_purpose_with_the_headers_of_a_mail() {
    let vault = Vault::start();
    let ada = reader(&vault);
    let (path, made) = link(&vault, "storefront", &ada.subject, "newsletter");
    assert_eq!(path, ada.link, "the same for every mail and every client");
    let url = made["url"].as_str().unwrap();
    assert_eq!(made["headers"]["List-Unsubscribe"], format!("<{url}>"));
    assert_eq!(made["headers"]["List-Unsubscribe-Post"], CLICK);
    assert_eq!((path.len(), &path[..7]), (43, "/u/sru_"));
    assert_ne!(link(&vault, "mailer", &ada.subject, "survey").0, path);
    let mut mailer = Client::of(&vault, "mailer");
    let at = format!("/v1/subjects/{}/unsubscribe-link", ada.subject);
    for purpose in ["account_notice", "order_fulfilment", "nothing"] {
        let refused = mailer.post(&at, json!({"purpose": purpose})).refused(400, "invalid_request");
        assert_eq!(refused.faults(), [("/purpose".to_owned(), "not_stoppable".to_owned())]);
    }
    Client::of(&vault, "billing").post(&at, json!({"purpose": "newsletter"})).denied("act_not_granted");
}

#[test]
fn every_click_is_one_event_that_names_nobody_in_clear() {
    let vault = Vault::start();
    let (pages, ada) = (pages(&vault), reader(&vault));
    click(&pages, &ada.link);
    click(&pages, "/u/sru_nothing");
    let link = ada.link.trim_start_matches("/u/").to_owned();
    let metrics = vault.metrics();
    assert!(metrics.contains("/u/{sru}") && !metrics.contains(&link));
    let dir = vault.stop();
    let data = dir.path().join("data");
    let args = ["audit", "query", "--data-dir", data.to_str().unwrap(), "--act", "unsubscribe"];
    let (ok, lines, err) = crate::vault::run(&args);
    assert!(ok, "{err}");
    let events: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(events.len(), 2);
    assert_eq!((&events[0]["outcome"], &events[1]["outcome"]), (&json!("not_found"), &json!("allowed")));
    assert_eq!(events[1]["purpose"], "newsletter");
    let mut places = std::collections::BTreeMap::new();
    crate::canary::files(dir.path(), &mut places);
    crate::canary::hunt(&[link], &places);
}

#[test]
fn a36_the_pages_are_throttled_by_network_whatever_headers_say_and_the_api_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let vault = crate::cli::served_with(&dir, str::to_owned, &["storefront"]);
    let url = std::fs::read_to_string(dir.path().join("public-address")).unwrap();
    let pages = Target::new(&url, &dir.path().join("tls/ca.pem"));
    let mut stream = pages.connect();
    let limited = (0..700).find_map(|i| {
        let forwarded = ("X-Forwarded-For", format!("198.51.{}.{}", i / 200, i % 200));
        let request = crate::client::request("GET", "/u/sru_x", None, None, &[(forwarded.0, &forwarded.1)]);
        std::io::Write::write_all(&mut stream, &request).unwrap();
        let answer = crate::client::read_answer(&mut stream).unwrap();
        (answer.status != 200).then_some((i, answer))
    });
    let (after, answer) = limited.expect("600 a minute are enough");
    assert!(after >= 600 && answer.status == 429, "{after}: {}", answer.status);
    assert!(answer.header("retry-after").is_some());
    dressed(&answer);
    assert_eq!(click(&pages, "/u/sru_x").status, 429);
    let key = Some(vault.key("storefront"));
    assert_eq!(vault.target.send("GET", "/v1/whoami", key, None).status, 200);
    // Links lead where the settings say, not where the listener is.
    let body = json!({"region": "DE", "age_attested": true}).to_string();
    let subject = vault.target.send("POST", "/v1/subjects", key, Some(&body)).json()["subject"]
        .as_str()
        .unwrap()
        .to_owned();
    let body = json!({"purpose": "newsletter"}).to_string();
    let made = vault
        .target
        .send("POST", &format!("/v1/subjects/{subject}/unsubscribe-link"), key, Some(&body))
        .json();
    assert!(made["url"].as_str().unwrap().starts_with("https://mail.example.org/u/sru_"), "{made}");
}

#[test]
fn behind_a_proxy_without_tls_the_visitors_are_told_apart_by_its_header() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let more = format!(
        "[public]\naddress = \"{free}\"\nplain = true\nurl = \"https://m.example.org\"\n\
         [proxy]\nnetworks = [\"127.0.0.1/32\"]\nheader = \"x-forwarded-for\"\n"
    );
    let _served = Plan { more, ..Plan::new() }.serve();
    let status = |visitor: &str| {
        let mut tcp = std::net::TcpStream::connect(free).unwrap();
        let head = format!("GET /notice HTTP/1.1\r\nHost: m.example.org\r\nX-Forwarded-For: {visitor}\r\n");
        write!(tcp, "{head}Connection: close\r\n\r\n").unwrap();
        read_answer(&mut tcp).unwrap().status
    };
    let spent = (0..2_000).any(|_| status("203.0.113.5") == 429);
    assert!(spent, "one visitor comes to an end");
    assert_eq!(status("198.51.100.7"), 200, "another is not held up by him");
    assert_eq!(status("no address"), 400, "what must be believed and cannot be read is refused");
}
