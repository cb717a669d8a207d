//! Strings that break programs, in every text field of every route: each comes back as it was stored, after the normalisation
//! that its type documents, or is refused by the name of its field. Never a failure of ours, never an echo.
//!
//! The strings are those of `strings.rs`.

use super::contract::{Operation, World, operations, places, with};
use super::tools::{figure, is_sound};
use crate::caller::Client;
use crate::served::{Plan, Served};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use unicode_normalization::UnicodeNormalization;

/// How a field is normalised, where one rule says all.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// NFC, trimmed, white space collapsed.
    Line,
    /// NFC and trimmed.
    Text,
    /// Its own canonical form: whatever comes back has to be a fixed point.
    Own,
}

struct Field {
    client: &'static str,
    collection: &'static str,
    name: &'static str,
    part: Option<&'static str>,
    rule: Rule,
}

fn fields() -> Vec<Field> {
    let shop = |collection, name, rule| Field { client: "storefront", collection, name, part: None, rule };
    let billing = |name, rule| Field { client: "billing", collection: "billing", name, part: None, rule };
    let part =
        |client, collection, name, part, rule| Field { client, collection, name, part: Some(part), rule };
    let mut all = vec![
        shop("identity", "birth_date", Rule::Own),
        shop("contact", "name", Rule::Line),
        shop("contact", "email", Rule::Own),
        shop("contact", "phone", Rule::Own),
        shop("shipping", "company", Rule::Line),
        shop("credential", "login", Rule::Line),
        shop("transaction", "kind", Rule::Text),
        shop("transaction", "reference", Rule::Text),
        shop("transaction", "text", Rule::Text),
        shop("technical", "ip_address", Rule::Own),
        shop("technical", "user_agent", Rule::Own),
        shop("technical", "search_term", Rule::Text),
        billing("name", Rule::Line),
        billing("tax_id", Rule::Own),
        billing("iban", Rule::Own),
        part("storefront", "transaction", "amount", "amount", Rule::Own),
        part("storefront", "transaction", "amount", "currency", Rule::Own),
        part("billing", "billing", "processor_ref", "processor", Rule::Own),
        part("billing", "billing", "processor_ref", "reference", Rule::Line),
        part("billing", "billing", "processor_ref", "brand", Rule::Line),
        part("billing", "billing", "processor_ref", "last4", Rule::Own),
        part("billing", "billing", "processor_ref", "expiry", Rule::Own),
    ];
    for name in ["line1", "line2", "line3", "city", "postcode", "state"] {
        all.push(part("storefront", "shipping", "address", name, Rule::Line));
    }
    all.push(part("storefront", "shipping", "address", "country", Rule::Own));
    all
}

impl Field {
    fn value(&self, text: &str) -> Value {
        let Some(part) = self.part else { return json!(text) };
        let mut whole = match self.name {
            "address" => json!({"country": "DE", "line2": "Beside", "line3": "it"}),
            "amount" => json!({"amount": "12", "currency": "EUR"}),
            _ => json!({"processor": "stripe", "reference": "pm_1"}),
        };
        whole[part] = json!(text);
        whole
    }
    fn purpose(&self) -> &'static str {
        if self.client == "billing" { "billing" } else { "order_fulfilment" }
    }
    fn record(&self, subject: &str, text: &str) -> Value {
        json!({"subject": subject, "collection": self.collection, "purpose": self.purpose(), "fields": {self.name: self.value(text)}})
    }
    fn pointer(&self) -> String {
        format!("/fields/{}", self.name)
    }
    fn told(&self) -> String {
        format!("{}.{}{}", self.collection, self.name, self.part.map(|p| format!(".{p}")).unwrap_or_default())
    }
    fn read(&self, value: &Value) -> String {
        let text = self.part.map_or(value, |part| &value[part]);
        text.as_str().unwrap().to_owned()
    }
}

/// What has to come back, by the documented rule.
fn normalised(rule: Rule, text: &str) -> Option<String> {
    match rule {
        Rule::Own => None,
        Rule::Text => Some(text.trim().nfc().collect()),
        Rule::Line => {
            let composed: String = text.nfc().collect();
            Some(composed.split_whitespace().collect::<Vec<_>>().join(" "))
        }
    }
}

/// Whether a text is one that strict JSON refuses whatever its field.
fn is_no_text(text: &str) -> bool {
    text.chars().any(|c| c == '\u{7f}' || (c < ' ' && !matches!(c, '\t' | '\n' | '\r')))
}

#[derive(Default)]
struct Count {
    kept: usize,
    refused: usize,
    bugs: Vec<String>,
}

impl Count {
    /// Holds a refusal to its field and to its silence.
    fn refusal(&mut self, (told, text): (&str, &str), (status, error): (u16, &Value), pointer: &str) {
        let named = error["errors"].as_array().is_some_and(|all| {
            all.iter().any(|e| {
                e["field"].as_str().is_some_and(|at| at.starts_with(pointer) || is_above(at, pointer))
            })
        });
        let echo = text.trim().chars().count() >= 8
            && error.to_string().contains(json!(text.trim()).to_string().trim_matches('"'));
        if !(400..500).contains(&status) || !named || echo {
            self.bugs.push(format!(
                "{told} with {:?}: {status} {error}",
                text.chars().take(60).collect::<String>()
            ));
        }
        self.refused += 1;
    }
}

/// Texts that are none are told by their place as far as the contract names it: the names of fields are the policy's.
fn is_above(at: &str, pointer: &str) -> bool {
    at == "/fields" && pointer.starts_with("/fields/")
}

fn served() -> Served {
    let policy = |text: String| {
        let was = "plain = [\"identity.*\", \"contact.*\", \"shipping.*\"]";
        assert!(text.contains(was));
        let all = "plain = [\"identity.*\", \"contact.*\", \"shipping.*\", \"transaction.*\", \"technical.*\", \"credential.login\"]";
        let text = text.replace(was, all);
        let limit = |l: &str| l.trim_start().starts_with("limits = ");
        let generous =
            "limits = { requests_per_second = 5000, reads_per_hour = 4000000000, subjects_per_day = 20000 }";
        text.lines().map(|l| if limit(l) { generous } else { l }).collect::<Vec<_>>().join("\n")
    };
    let more = "[limits]\nsubject_reads_per_hour = 4000000000\nclient_bytes_per_second = 1073741824\n";
    Plan { policy, more: more.to_owned(), ..Plan::new() }.serve()
}

/// Stores texts in a field, up to 200 at once; the token of each that was stored.
fn store(
    client: &mut Client,
    (field, subject): (&Field, &str),
    texts: &[String],
    count: &mut Count,
) -> Vec<(String, Value)> {
    if texts.is_empty() {
        return Vec::new();
    }
    let records: Vec<_> = texts.iter().map(|text| field.record(subject, text)).collect();
    let reply = client.post("/v1/records/batch", json!({"records": records}));
    assert_eq!(reply.status(), 200, "{}: {}", field.told(), reply.text());
    let mut stored = Vec::new();
    for (n, item) in reply.json()["results"].as_array().unwrap().iter().enumerate() {
        let text = &texts[n];
        match item.get("error").filter(|e| !e.is_null()) {
            None => stored.push((text.clone(), item["tokens"][field.name].clone())),
            // A login is somebody's: another spelling of the same is refused by that.
            Some(error) if field.name == "login" && error["code"] == "already_exists" => count.refused += 1,
            Some(error) => {
                let status = u16::try_from(error["status"].as_u64().unwrap()).unwrap();
                count.refusal(
                    (&field.told(), text),
                    (status, error),
                    &format!("/records/{n}{}", field.pointer()),
                );
            }
        }
    }
    stored
}

/// Reads what was stored.
fn read(client: &mut Client, field: &Field, stored: &[(String, Value)]) -> Vec<String> {
    if stored.is_empty() {
        return Vec::new();
    }
    let tokens: Vec<_> = stored.iter().map(|(_, token)| token).collect();
    let items = client.swap(field.purpose(), &tokens);
    items.iter().map(|item| field.read(&item["value"])).collect()
}

fn through(client: &mut Client, field: &Field, subject: &str, texts: &[String]) -> Count {
    let mut count = Count::default();
    let (no_text, texts): (Vec<String>, Vec<String>) = texts.iter().cloned().partition(|t| is_no_text(t));
    for text in &no_text {
        let reply = client.post("/v1/records", field.record(subject, text));
        count.refusal((&field.told(), text), (reply.status(), &reply.json()), &field.pointer());
    }
    for some in texts.chunks(200) {
        let stored = store(client, (field, subject), some, &mut count);
        let values = read(client, field, &stored);
        for ((text, _), value) in stored.iter().zip(&values) {
            if normalised(field.rule, text).is_some_and(|wanted| wanted != *value) {
                count.bugs.push(format!("{}: {text:?} came back as {value:?}", field.told()));
            }
            count.kept += 1;
        }
        // What comes back is a fixed point: stored again, it comes back the same.
        if field.name != "login" {
            let again = store(client, (field, subject), &values, &mut Count::default());
            let same = read(client, field, &again);
            if same != values {
                count.bugs.push(format!("{}: not a fixed point: {values:?} {same:?}", field.told()));
            }
        }
    }
    count
}

/// Answers that name no field because their one field is a name that the policy, or nobody, knows.
fn is_uniform(code: &str) -> bool {
    matches!(code, "not_found" | "denied" | "already_exists" | "conflict" | "minor_refused")
}

/// A text in every other text of every route's body.
fn in_requests(world: &World, operation: &Operation, texts: &[String]) -> Count {
    let mut count = Count::default();
    let good = world.good(operation);
    let mut client = world.client(good.client);
    let texts_at = |at: &String| {
        good.body.pointer(at).is_some_and(Value::is_string)
            && !at.contains("/fields/name")
            && !at.contains("/fields/email")
    };
    for at in places(&good.body).iter().filter(|at| texts_at(at)) {
        // Every check of a password is a hash: some of them.
        let step = if operation.template.ends_with("/verify") { 16 } else { 1 };
        for text in texts.iter().step_by(step) {
            let body = with(&good.body, at, json!(text)).to_string();
            let mut reply = World::send(&mut client, operation, &good.path, &body);
            // A machine that is busy sheds a request in ten thousand; that has nothing to do with the text, so ask again.
            for _ in 0..5 {
                if reply.status() == 503 && reply.json()["code"] == "overloaded" {
                    std::thread::sleep(std::time::Duration::from_millis(200));
                    reply = World::send(&mut client, operation, &good.path, &body);
                }
            }
            let told = format!("{} {} at {at}", operation.method, operation.template);
            let json = reply.json();
            let error = if reply.status() == 200 {
                json.pointer("/results/0/error").unwrap_or(&Value::Null)
            } else {
                &json
            };
            let status = error["status"].as_u64().map_or(reply.status(), |s| u16::try_from(s).unwrap());
            let code = error["code"].as_str().unwrap_or("");
            if status < 300 {
                count.kept += 1;
            } else if (400..500).contains(&status) && is_uniform(code) {
                count.refused += 1;
                let echo = text.chars().count() >= 8 && reply.text().contains(text.as_str());
                if echo {
                    count.bugs.push(format!("{told}: repeats {text:?}"));
                }
            } else {
                count.refusal(
                    (&told, text),
                    (status, error),
                    at.rsplit_once('/')
                        .filter(|(_, n)| n.parse::<u32>().is_ok())
                        .map_or(at, |(list, _)| list),
                );
            }
        }
    }
    count
}

/// "Sends hostile input" in the table of attackers, and I6: what is kept is kept as documented, what is not is refused by name.
#[test]
fn hostile_strings_round_trip_or_are_refused_by_field() {
    let texts = super::strings::all();
    let world = World::new();
    let served = served();
    let shop = || Client::new(served.target.clone(), served.key("storefront"));
    let subject = shop().subject();
    let fields = fields();
    let counts: Vec<(String, Count)> = std::thread::scope(|scope| {
        let (texts, served, subject, world) = (&texts, &served, &subject, &world);
        let mut asked = Vec::new();
        for some in fields.chunks(8) {
            asked.push(scope.spawn(move || {
                let one = |field: &Field| {
                    let mut client = Client::new(served.target.clone(), served.key(field.client));
                    (field.told(), through(&mut client, field, subject, texts))
                };
                some.iter().map(one).collect::<Vec<_>>()
            }));
        }
        for some in operations().chunks(5).map(<[Operation]>::to_vec) {
            asked.push(scope.spawn(move || {
                some.iter()
                    .map(|o| (format!("{} {}", o.method, o.template), in_requests(world, o, texts)))
                    .collect()
            }));
        }
        asked.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    is_sound(&world.vault);
    assert_eq!(served.metric("strongroom_panics_total"), 0);
    let (kept, refused) = counts.iter().fold((0, 0), |(k, r), (_, c)| (k + c.kept, r + c.refused));
    let bugs: Vec<&String> = counts.iter().flat_map(|(_, c)| &c.bugs).collect();
    figure(&format!("hostile: {} strings; {kept} kept, {refused} refused, {} bugs", texts.len(), bugs.len()));
    let by_field: BTreeMap<&str, (usize, usize)> =
        counts.iter().map(|(told, c)| (told.as_str(), (c.kept, c.refused))).collect();
    assert!(by_field["contact.name"].0 > 100 && by_field["transaction.text"].0 > 150, "{by_field:?}");
    let shown: Vec<_> = bugs.iter().take(60).map(|b| b.as_str()).collect();
    assert!(bugs.is_empty(), "{} of {}:\n{}", bugs.len(), kept + refused, shown.join("\n"));
}

/// Texts that only raw JSON can write.
#[test]
fn hostile_escapes_are_refused_by_field() {
    let world = World::new();
    let mut shop = world.client("storefront");
    for raw in [
        "\\ud800",
        "\\udc00x",
        "\\udbff\\udbff",
        "\\u0000",
        "a\\u0000b",
        "\\u001b[0m",
        "\\u007f",
        "\\b",
        "\\f",
        "\\ud83d",
    ] {
        for (path, before, after, at) in [
            (
                "/v1/records",
                format!(
                    "{{\"subject\":\"{}\",\"collection\":\"contact\",\"purpose\":\"order_fulfilment\",\"fields\":{{\"name\":\"",
                    world.subject
                ),
                "\"}}",
                "/fields",
            ),
            ("/v1/records", "{\"subject\":\"".to_owned(), "\"}", "/subject"),
            ("/v1/subjects", "{\"region\":\"DE\",\"external_ref\":\"".to_owned(), "\"}", "/external_ref"),
            (
                "/v1/detokenize",
                "{\"purpose\":\"billing\",\"tokens\":[\"a\",\"".to_owned(),
                "\"]}",
                "/tokens/1",
            ),
            ("/v1/records/batch", "{\"records\":[{\"subject\":\"".to_owned(), "\"}]}", "/records/0/subject"),
        ] {
            let body = format!("{before}{raw}{after}");
            let reply = shop.send(("POST", path), &[], Some(&body)).refused(400, "malformed_json");
            assert_eq!(reply.pointers(), [at], "{path} with {raw}");
        }
    }
    is_sound(&world.vault);
}
