//! A11 and row 6, A19: limits hold in units of what is taken, are cheap to be refused by, and cannot be filled up.

use super::contract::World;
use super::process::Process;
use super::tools::{beside, connect_from, figure, is_sound, metric, until};
use crate::caller::{Client, Reply};
use crate::client::{read_answer, request};
use crate::served::{Plan, Served};
use serde_json::{Value, json};
use std::io::Write;
use std::net::Ipv4Addr;
use std::time::Duration;

/// A vault whose storefront has so little that a test can use it up.
fn tight() -> Served {
    let policy = |text: String| {
        let was = "limits = { requests_per_second = 500, reads_per_hour = 40000, subjects_per_day = 20000 }";
        assert!(text.contains(was));
        text.replace(
            was,
            "limits = { requests_per_second = 20, reads_per_hour = 700, subjects_per_day = 50 }",
        )
    };
    let more = "[limits]\nsubject_reads_per_hour = 100000\n".to_owned();
    Plan { policy, more, ..Plan::new() }.serve()
}

fn shop(served: &Served) -> Client {
    Client::new(served.target.clone(), served.key("storefront"))
}

/// Asks again after the wait when the limit of requests is met.
fn patient(ask: &mut dyn FnMut() -> Reply) -> Reply {
    for _ in 0..40 {
        let reply = ask();
        if reply.status() != 429 || reply.json()["scope"] != "requests_per_second" {
            return reply;
        }
        std::thread::sleep(Duration::from_millis(150));
    }
    panic!("limited for ever");
}

/// What is left of a quota, as the fields of a reply say.
fn left(reply: &Reply, quota: &str) -> u64 {
    let fields = reply.header("ratelimit").unwrap();
    let item = fields.split(", ").find(|item| item.starts_with(&format!("\"{quota}\""))).unwrap();
    item.split(';').find_map(|p| p.strip_prefix("r=")).unwrap().parse().unwrap()
}

/// A refusal by a limit says how long, which one, and what is left.
#[track_caller]
fn limited(reply: &Reply, code: &str, scope: &str) {
    assert_eq!((reply.status(), reply.json()["code"].as_str()), (429, Some(code)), "{}", reply.text());
    assert_eq!(reply.json()["scope"], scope);
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3_600).contains(&wait), "{wait}");
    assert!(reply.header("ratelimit-policy").unwrap().contains("\"cost\";q="));
    left(reply, "cost");
}

/// "Runs a compromised client" in the table of attackers: limits count records and their sensitivity, not requests.
#[test]
fn a11_a_batch_of_a_hundred_costs_a_hundred_and_bursts_are_told_to_wait() {
    let served = tight();
    let mut shop = shop(&served);
    let subject = patient(&mut || shop.post("/v1/subjects", json!({"region": "DE", "age_attested": true})))
        .at("/subject");
    let record = json!({"subject": subject, "collection": "shipping", "purpose": "order_fulfilment", "fields": {"company": "ACME"}});
    let stored = patient(&mut || shop.post("/v1/records", record.clone())).is(201).json();
    let token = &stored["tokens"]["company"];
    let mut read = |count: usize| {
        let body = json!({"purpose": "order_fulfilment", "tokens": vec![token; count]});
        patient(&mut || shop.post("/v1/detokenize", body.clone()))
    };
    let one = read(1).is(200);
    assert_eq!(one.header("strongroom-cost"), Some("1"), "one field of sensitivity 1");
    let hundred = read(100).is(200);
    assert_eq!(hundred.header("strongroom-cost"), Some("100"));
    let spent = left(&one, "cost") - left(&hundred, "cost");
    assert!((95..=100).contains(&spent), "{spent}");
    for _ in 0..5 {
        read(100).is(200);
    }
    let refused = read(100);
    limited(&refused, "budget_exhausted", "reads_per_hour");
    assert!(left(&refused, "cost") < 100, "what is left is told");
    read(left(&refused, "cost").max(1) as usize).is(200);
    let mut statuses = Vec::new();
    let mut told = None;
    for _ in 0..120 {
        let reply = shop.get("/v1/whoami");
        statuses.push(reply.status());
        if reply.status() == 429 {
            told = Some(reply);
        }
    }
    limited(&told.unwrap(), "rate_limited", "requests_per_second");
    assert!(statuses.iter().all(|s| matches!(s, 200 | 429)), "{statuses:?}");
    let others = Client::new(served.target.clone(), served.key("mailer")).get("/v1/whoami").status();
    assert_eq!(others, 200, "another client has its own");
    // A new connection, another key or another spelling of the same client is the same client.
    let fresh = self::shop(&served).get("/v1/whoami").status();
    assert!(matches!(fresh, 200 | 429));
    assert!(served.metric("strongroom_refusals_total{code=\"rate_limited\"}") > 0);
}

/// Row 6: who is over the limit has nothing of his parsed, and what cannot be parsed counts like the rest.
#[test]
fn l06_malformed_bodies_are_counted_and_none_is_read_over_the_limit() {
    let served = tight();
    let mut shop = shop(&served);
    let send = |shop: &mut Client| shop.send_bytes(("POST", "/v1/detokenize"), b"{\"purpose\":");
    let codes: Vec<String> =
        (0..80).map(|_| send(&mut shop).json()["code"].as_str().unwrap().to_owned()).collect();
    let count = |code: &str| codes.iter().filter(|c| *c == code).count();
    assert!(count("malformed_json") >= 15, "{codes:?}");
    assert!(count("rate_limited") >= 1, "malformed bodies are requests: {codes:?}");
    assert_eq!(count("malformed_json") + count("rate_limited"), 80);
    // Over the limit even a body that could not be taken at all gets the limit's answer: it is not looked at.
    let mut over = 0;
    for framing in [
        "Content-Length: 1073741824",
        "Transfer-Encoding: chunked",
        "Content-Length: 9\r\nContent-Encoding: gzip",
    ] {
        while send(&mut shop).status() != 429 {}
        let head = format!(
            "POST /v1/records HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Type: text/plain\r\n{framing}\r\n\r\n",
            served.key("storefront")
        );
        let mut stream = served.target.connect();
        stream.write_all(head.as_bytes()).unwrap();
        over += u32::from(read_answer(&mut stream).unwrap().status == 429);
    }
    assert!(over >= 1, "a limit that is reached is told before the body is looked at");
}

/// Keys that strangers make up cannot fill memory: every store of limits is capped.
#[test]
fn a11_very_many_made_up_keys_take_bounded_memory() {
    let more = "[limits]\nmax_keys = 1000\nfailed_auth_per_ten_minutes = 1000000\nnetwork_requests_per_second = 1000000\nnetwork_burst = 1000000\n\
                [proxy]\nnetworks = [\"127.0.0.1/32\"]\nheader = \"x-forwarded-for\"\n";
    let served = Plan { more: more.to_owned(), ..Plan::new() }.serve();
    let process = Process::of(served.dir.path());
    let count: u32 = if std::env::var_os("STRONGROOM_LONG").is_some() { 1_000_000 } else { 12_000 };
    let flood = |from: u32, count: u32| {
        let mut stream = served.target.connect();
        for block in (from..from + count).step_by(50) {
            let ask = |n: u32| {
                let network = format!("{}.{}.{}.7", 11 + (n >> 16) % 100, (n >> 8) % 256, n % 256);
                let key = format!("srk_{n:036}");
                request("GET", "/v1/whoami", Some(&key), None, &[("X-Forwarded-For", &network)])
            };
            stream.write_all(&(block..block + 50).flat_map(ask).collect::<Vec<_>>()).unwrap();
            for _ in 0..50 {
                assert_eq!(read_answer(&mut stream).unwrap().status, 401);
            }
        }
    };
    flood(0, 1_000);
    let before = process.resident();
    std::thread::scope(|scope| {
        let flood = &flood;
        (0..4).for_each(|n| {
            scope.spawn(move || flood(n * count / 4, count / 4));
        });
    });
    let grown = process.resident().saturating_sub(before);
    let keys = served.metric("strongroom_limiter_keys");
    assert!(keys <= 8 * 1_001, "{keys} keys where each store keeps 1000");
    assert!(grown < 32, "{grown} MiB");
    assert_eq!(served.whoami(None, Some(served.key("mailer"))), 200, "who has a key is served");
    figure(&format!("A11: {count} made up keys of as many networks: {keys} kept, +{grown} MiB"));
}

fn resident_of_hashing(world: &World, parallel: usize) -> (Vec<u16>, u64) {
    let process = Process::of(world.vault.dir.path());
    process.forget_peak();
    let before = process.resident();
    let key = world.vault.key("storefront");
    let mut all: Vec<_> =
        (0..parallel).map(|_| connect_from(&world.vault.target, Ipv4Addr::new(127, 0, 0, 9))).collect();
    for (n, stream) in all.iter_mut().enumerate() {
        let body = json!({"login": format!("user-{n}"), "secret": "guess guess guess"}).to_string();
        stream.write_all(&request("POST", "/v1/credentials/verify", Some(key), Some(&body), &[])).unwrap();
    }
    let statuses = all
        .iter_mut()
        .map(|stream| {
            let answer = read_answer(stream).unwrap();
            if answer.status != 200 {
                assert_eq!((answer.status, answer.code().as_str()), (503, "overloaded"));
                let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
                assert!(wait >= 1);
            } else {
                assert_eq!(answer.json(), json!({"valid": false}));
            }
            answer.status
        })
        .collect();
    (statuses, process.peak().saturating_sub(before))
}

/// P15's pool is bounded: a flood of logins takes no more memory than its threads, and holds nobody else up.
#[test]
fn a19_a_flood_of_logins_is_shed_and_others_are_served() {
    let world = World::new();
    let login: Value = json!({"login": "ada", "secret": "correct horse battery"});
    let mut shop = world.client("storefront");
    shop.post("/v1/credentials/verify", login.clone()).is(200);
    let (calm, meanwhile, (statuses, grown)) =
        beside((&world.vault.target, world.vault.key("mailer")), || resident_of_hashing(&world, 400));
    let shed = statuses.iter().filter(|s| **s == 503).count();
    assert!(shed > 100 && shed < 400, "{shed} of 400 were shed");
    // Two threads of 19 MiB each, 400 connections, and what they sent.
    assert!(grown < 2 * 19 + 64, "{grown} MiB");
    let bound = 500.0_f64.max(calm.p99() * 10.0);
    assert!(meanwhile.p99() < bound, "{} ms, {} calm", meanwhile.p99(), calm.p99());
    let metrics = world.vault.metrics();
    assert_eq!(metric(&metrics, "strongroom_argon2_shed_total"), shed as u64);
    until("the queue empties", Duration::from_secs(30), || {
        metric(&world.vault.metrics(), "strongroom_argon2_queue") == 0
    });
    let valid = shop.post("/v1/credentials/verify", login).is(200).json();
    assert_eq!(valid["valid"], true, "then it checks as before");
    is_sound(&world.vault);
    figure(&format!(
        "A19: {shed} of 400 logins shed, +{grown} MiB; honest p99 {:.0} ms, calm {:.0}",
        meanwhile.p99(),
        calm.p99()
    ));
}
