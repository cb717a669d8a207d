//! Limits on the wire: several windows, what survives a restart and a kill, throttled checks, locked networks, SIGHUP.

use crate::caller::{Client, Reply, at};
use crate::client::Target;
use crate::vault::{Vault, binary, path, run};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SECRET: &str = "correct horse battery";

/// A production vault with limits of its own, in a process that can be ended in any way.
struct Served {
    dir: tempfile::TempDir,
    address: String,
    limits: String,
    child: Option<Child>,
}

fn free() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

impl Served {
    /// `client` stands for the storefront's limits in the policy, `limits` for the section of the settings file.
    fn new(client: &str, limits: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sample = include_str!("../../config/policy.toml");
        let was = "limits = { requests_per_second = 500, reads_per_hour = 40000, subjects_per_day = 20000 }";
        assert!(sample.contains(was));
        let policy =
            sample.replace(was, &format!("limits = {{ {client} }}")).replace("10.1.0.0/16", "127.0.0.0/8");
        std::fs::write(dir.path().join("policy.toml"), policy).unwrap();
        let tls = dir.path().join("tls");
        std::fs::create_dir(&tls).unwrap();
        strongroom::http::tls::generate_development_certificate(&tls).unwrap();
        let served = Self { dir, address: String::new(), limits: limits.to_owned(), child: None };
        let policy = served.file("policy.toml");
        let data = served.file("d");
        let init = ["init", "--data-dir", path(&data), "--policy", path(&policy), "--single-operator"];
        assert!(run(&init).0, "{}", run(&init).2);
        assert!(run(&["client", "activate", "--data-dir", path(&data), "storefront"]).0);
        served
    }
    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
    fn key(&self) -> String {
        let (ok, out, err) = run(&["client", "key", "--data-dir", path(&self.file("d")), "storefront"]);
        assert!(ok, "{err}");
        out.lines().find_map(|l| l.strip_prefix("key")).unwrap().trim().to_owned()
    }
    fn configure(&self, more: &str) {
        let tls = self.file("tls");
        let text = format!(
            "data_dir = {:?}\n{more}\n[listen]\naddress = \"{}\"\n[tls]\ncertificate = {:?}\nkey = {:?}\n[metrics]\naddress = \"{}\"\n",
            self.file("d"),
            self.address,
            tls.join("cert.pem"),
            tls.join("key.pem"),
            std::fs::read_to_string(self.file("metrics")).unwrap(),
        );
        std::fs::write(self.file("strongroom.toml"), text).unwrap();
    }
    fn start(&mut self) {
        self.address = free();
        std::fs::write(self.file("metrics"), free()).unwrap();
        self.configure(&format!("[limits]\n{}", self.limits));
        let log = std::fs::File::options().create(true).append(true).open(self.file("log")).unwrap();
        let mut command = Command::new(binary());
        command.args(["serve", "--config"]).arg(self.file("strongroom.toml"));
        self.child = Some(command.stdin(Stdio::null()).stderr(log).spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(&self.address).is_err() {
            assert!(Instant::now() < deadline, "it does not serve: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    fn log(&self) -> String {
        std::fs::read_to_string(self.file("log")).unwrap()
    }
    fn client(&self, key: &str) -> Client {
        Client::new(Target::new(&format!("https://{}", self.address), &self.file("tls/ca.pem")), key)
    }
    fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
    fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }
    fn stop(&mut self) {
        self.signal("TERM");
        assert!(self.child.take().unwrap().wait().unwrap().success());
    }
    /// Asks the process to read its settings again and waits until the log says `word` once more.
    fn reload(&self, word: &str) {
        let said = || self.log().matches(word).count();
        let before = said();
        self.signal("HUP");
        let deadline = Instant::now() + Duration::from_secs(20);
        while said() == before {
            assert!(Instant::now() < deadline, "no {word}: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    fn rows(&self) -> i64 {
        let db = rusqlite::Connection::open(self.file("d/vault.db")).unwrap();
        db.query_row("SELECT count(*) FROM limits", [], |row| row.get(0)).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Tokens of the names of so many people.
fn people(shop: &mut Client, count: usize) -> Vec<Value> {
    let name = |shop: &mut Client, n: usize| {
        let subject = shop.subject();
        shop.record(&subject, "contact", json!({"name": format!("Person {n}")}))["tokens"]["name"].clone()
    };
    (0..count).map(|n| name(shop, n)).collect()
}

fn read(shop: &mut Client, tokens: &[Value]) -> Reply {
    shop.post("/v1/detokenize", json!({"purpose": "order_fulfilment", "tokens": tokens}))
}

/// Holds a 429 to its shape: the limit it names, and a wait in header and bounds.
#[track_caller]
fn limited(reply: Reply, code: &str, scope: &str, most: u64) -> u64 {
    let reply = reply.refused(429, code);
    assert_eq!(reply.json()["scope"], scope, "{}", reply.text());
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=most).contains(&wait), "{wait}");
    wait
}

/// What is left of a quota, as the last reply's fields say.
fn left(reply: &Reply, quota: &str) -> u64 {
    let fields = reply.header("ratelimit").unwrap();
    let item = fields.split(", ").find(|item| item.starts_with(&format!("\"{quota}\""))).unwrap();
    item.split(';').find_map(|p| p.strip_prefix("r=")).unwrap().parse().unwrap()
}

#[test]
fn p3_a22_budgets_survive_a_restart_and_every_kill() {
    let limits =
        "requests_per_second = 500, reads_per_hour = 1000, reads_per_day = 2000, subjects_per_day = 3";
    let mut served = Served::new(limits, "");
    let key = served.key();
    served.start();
    let mut shop = served.client(&key);
    let tokens = people(&mut shop, 4);
    assert_eq!(left(&read(&mut shop, &tokens[..1]).is(200), "subjects"), 2);
    assert_eq!(served.rows(), 0, "nothing was kept yet: what is left is on the log");
    served.kill();
    served.start();
    let mut shop = served.client(&key);
    assert_eq!(left(&shop.get("/v1/whoami"), "subjects"), 2, "after a kill before any snapshot");
    let reply = read(&mut shop, &tokens[1..3]).is(200);
    let (cost, subjects) = (left(&reply, "cost"), left(&reply, "subjects"));
    assert_eq!(subjects, 0);
    let deadline = Instant::now() + Duration::from_secs(30);
    while served.rows() < 2 {
        assert!(Instant::now() < deadline, "no snapshot");
        std::thread::sleep(Duration::from_millis(100));
    }
    served.kill();
    for orderly in [true, false, true] {
        served.start();
        let mut shop = served.client(&key);
        limited(read(&mut shop, &tokens[3..]), "budget_exhausted", "subjects_per_day", 86_400);
        let now = read(&mut shop, &tokens[..3]).is(200);
        let left = left(&now, "cost");
        assert!(left < cost, "{left} {cost}: known people are free, their fields are not");
        if orderly { served.stop() } else { served.kill() }
    }
    assert!(!served.log().contains("limits_unsure"), "{}", served.log());
}

#[test]
fn a_policy_with_several_windows_names_the_one_that_refuses_and_shows_all() {
    let limits = "requests_per_second = 500, reads_per_second = 100, reads_per_minute = 150, reads_per_hour = 1000, \
                  reads_per_day = 5000, subjects_per_hour = 2, subjects_per_day = 4, batch_calendar = []";
    let mut served = Served::new(limits, "");
    let key = served.key();
    served.start();
    let mut shop = served.client(&key);
    let tokens = people(&mut shop, 3);
    let many = vec![tokens[0].clone(); 101];
    limited(read(&mut shop, &many), "budget_exhausted", "reads_per_second", 1);
    read(&mut shop, &tokens[..2]).is(200);
    let refused = read(&mut shop, &tokens[2..]);
    assert_eq!(left(&refused, "subjects"), 0);
    limited(refused, "budget_exhausted", "subjects_per_hour", 3_600);
    let mut minute = None;
    for _ in 0..20 {
        let reply = read(&mut shop, &vec![tokens[0].clone(); 20]);
        match reply.status() {
            200 => {}
            _ if reply.json()["scope"] == "reads_per_second" => {
                std::thread::sleep(Duration::from_millis(500))
            }
            _ => {
                minute = Some(reply);
                break;
            }
        }
    }
    limited(minute.unwrap(), "budget_exhausted", "reads_per_minute", 60);
    // The shortest window fills again meanwhile, so that the minute alone has least left.
    std::thread::sleep(Duration::from_millis(1_200));
    let me = shop.get("/v1/whoami").is(200);
    let policy = me.header("ratelimit-policy").unwrap().to_owned();
    assert_eq!(policy, "\"cost\";q=150;w=60, \"subjects\";q=2;w=3600", "the windows with least left");
    let shown = me.json()["limits"]["windows"].as_array().unwrap().clone();
    let names: Vec<_> = shown.iter().map(|w| w["name"].as_str().unwrap()).collect();
    let wanted =
        ["requests_per_second", "reads_per_second", "reads_per_minute", "reads_per_hour", "reads_per_day"];
    assert_eq!(names[..5], wanted);
    assert_eq!(names[5..], ["subjects_per_day", "subjects_per_hour"]);
    let day = &shown[5];
    assert_eq!(
        (&day["quota"], &day["remaining"], &day["window_seconds"]),
        (&json!(4), &json!(2), &json!(86_400))
    );
}

#[test]
fn a14_a17_one_credential_one_counter_and_the_unknown_one_is_locked_alike() {
    let limits = "requests_per_second = 500, reads_per_hour = 5000, subjects_per_day = 100";
    let mut served = Served::new(limits, "verify_per_source_per_minute = 40");
    let key = served.key();
    served.start();
    let mut shop = served.client(&key);
    let subject = shop.subject();
    let stored = shop.record(&subject, "credential", json!({"login": "ada", "password": SECRET}));
    let other = shop.subject();
    shop.record(&other, "credential", json!({"login": "mallory", "password": SECRET}));
    let minted = shop.post("/v1/tokens", json!({"record": stored["record"], "fields": ["password"]})).is(201);
    let names = [
        json!({"login": "ada"}),
        json!({"login": "ADA"}),
        json!({"login": "ＡＤＡ"}),
        json!({"login": "aDa"}),
        json!({"token": stored["tokens"]["password"]}),
        json!({"token": minted.json()["tokens"]["password"]}),
    ];
    let mut check = |name: &Value, secret: &str| {
        let mut body = name.clone();
        body["secret"] = json!(secret);
        shop.post("/v1/credentials/verify", body)
    };
    for n in 0..10 {
        let reply = check(&names[n % names.len()], "wrong").is(200);
        assert_eq!(reply.json(), json!({"valid": false}));
        let own = check(&json!({"login": "mallory"}), SECRET).status();
        assert_eq!(own, 200, "a check of one's own that succeeds");
    }
    let mut bodies = Vec::new();
    for name in &names {
        let reply = check(name, SECRET);
        bodies.push(reply.text().replace(reply.header("x-request-id").unwrap(), ""));
        limited(reply, "rate_limited", "subject", 6);
    }
    let unknown = json!({"login": "nobody"});
    for _ in 0..10 {
        assert_eq!(check(&unknown, "wrong").is(200).json(), json!({"valid": false}));
    }
    let reply = check(&unknown, "wrong");
    bodies.push(reply.text().replace(reply.header("x-request-id").unwrap(), ""));
    limited(reply, "rate_limited", "subject", 6);
    assert!(bodies.iter().all(|body| *body == bodies[0]), "locked is locked, whoever it is: {bodies:#?}");
    let forged = json!({"token": "srt_0000000000000000000000000000000000000000000"});
    assert_eq!(check(&forged, "wrong").is(200).json(), json!({"valid": false}));
    let mut last = None;
    for n in 0..60 {
        let from = format!("203.0.113.{n}");
        let body = json!({"login": format!("guess-{n}"), "secret": "", "source": from});
        let reply = shop.post("/v1/credentials/verify", body);
        if reply.status() != 200 {
            last = Some(reply);
            break;
        }
    }
    limited(last.unwrap(), "rate_limited", "source", 2);
    let body = json!({"login": "guess", "secret": "", "source": "203.0.114.1"});
    shop.post("/v1/credentials/verify", body).is(200);
}

#[test]
fn a_network_that_guesses_keys_is_turned_away_and_cannot_lock_out_who_proved_himself() {
    let limits = "requests_per_second = 500, reads_per_hour = 5000, subjects_per_day = 100";
    let mut served = Served::new(limits, "failed_auth_per_ten_minutes = 5");
    let (known, fresh) = (served.key(), served.key());
    served.start();
    let mut shop = served.client(&known);
    shop.get("/v1/whoami").is(200);
    let mut stranger = served.client("srk_000000000000000000000000000000000000");
    for _ in 0..5 {
        stranger.get("/v1/whoami").refused(401, "unauthenticated");
    }
    limited(stranger.get("/v1/whoami"), "rate_limited", "failed_auth", 120);
    let wait = limited(stranger.get("/v1/whoami"), "rate_limited", "failed_auth", 120);
    for _ in 0..20 {
        stranger.get("/v1/whoami").is(429);
    }
    assert!(limited(stranger.get("/v1/whoami"), "rate_limited", "failed_auth", 120) <= wait, "not prolonged");
    limited(served.client(&fresh).get("/v1/whoami"), "rate_limited", "failed_auth", 120);
    shop.get("/v1/whoami").is(200);
    served.client(&known).get("/v1/whoami").is(200);
}

#[test]
fn sighup_takes_limits_over_names_what_changed_and_keeps_what_was_used() {
    let limits = "requests_per_second = 500, reads_per_hour = 5000, subjects_per_day = 100";
    let mut served = Served::new(limits, "verify_per_source_per_minute = 2");
    let key = served.key();
    served.start();
    let mut shop = served.client(&key);
    let tries = |shop: &mut Client, source: &str| {
        let body = |n: usize| json!({"login": format!("guess-{n}"), "secret": "", "source": source});
        (0..6).map(|n| shop.post("/v1/credentials/verify", body(n)).status()).filter(|s| *s == 200).count()
    };
    assert_eq!(tries(&mut shop, "203.0.113.1"), 2);
    let reply = shop.get("/v1/whoami");
    let cost = left(&reply, "cost");
    served.configure("[limits]\nverify_per_source_per_minute = 60\nmax_keys = 2000\n[log]\nlevel = \"warn\"");
    served.reload("settings_need_restart");
    assert_eq!(tries(&mut shop, "203.0.114.1"), 6, "the new number holds");
    assert!(tries(&mut shop, "203.0.113.1") < 6, "and who had used his up has no new start");
    assert!(left(&shop.get("/v1/whoami"), "cost") < cost);
    served.configure("[limits]\nverify_per_source_per_minute = 0\nmax_keys = 1\ncanary_setting = 3");
    served.reload("settings_refused");
    assert_eq!(tries(&mut shop, "203.0.115.1"), 6, "a file with a fault changes nothing");
    std::fs::remove_file(served.file("strongroom.toml")).unwrap();
    served.reload("settings_refused");
    assert_eq!(tries(&mut shop, "203.0.116.1"), 6);
    let log = served.log();
    assert!(
        log.contains("limits.max_keys limits.verify_per_source_per_minute") && log.contains("log.level"),
        "{log}"
    );
    served.stop();
    let data = served.file("d");
    let ask = ["audit", "query", "--data-dir", path(&data), "--act", "settings.reload"];
    let (ok, out, err) = run(&ask);
    assert!(ok && out.lines().count() == 4, "{out}{err}");
    assert!(out.contains("taken limits.max_keys limits.verify_per_source_per_minute"), "{out}");
    assert!(out.contains("restart log.level") && out.matches("invalid_settings").count() == 2, "{out}");
}

#[test]
fn what_was_free_costs_and_a_token_has_a_longest_life() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (subject, stored) = shop.ada();
    let cost = |reply: Reply| reply.header("strongroom-cost").unwrap().to_owned();
    let view = format!("/v1/subjects/{subject}");
    for (path, wanted) in [
        (view.clone(), "1"),
        (format!("{view}/records"), "5"),
        (format!("{view}/records?limit=1"), "1"),
        (format!("{view}/records?limit=200"), "20"),
        (format!("{view}/consents"), "1"),
        (at(&stored), "1"),
        ("/v1/whoami".to_owned(), "0"),
    ] {
        assert_eq!(cost(shop.get(&path).is(200)), wanted, "{path}");
    }
    let wish =
        |life: &str| json!({"record": stored["record"], "fields": ["name", "email"], "expires_in": life});
    assert_eq!(cost(shop.post("/v1/tokens", wish("10y")).is(201)), "2");
    let tokens = json!({"tokens": [stored["tokens"]["phone"], stored["tokens"]["email"], "srx_none"]});
    assert_eq!(cost(shop.post("/v1/tokens/inspect", tokens.clone()).is(200)), "3");
    assert_eq!(cost(shop.post("/v1/tokens/revoke", tokens).is(200)), "3");
    let fault = |pointer: &str| vec![(pointer.to_owned(), "out_of_range".to_owned())];
    for life in ["11y", "3651d", "99999y"] {
        let refused = shop.post("/v1/tokens", wish(life)).refused(400, "invalid_request");
        assert_eq!(refused.faults(), fault("/expires_in"), "{life}");
    }
    let new = json!({"subject": subject, "collection": "contact", "purpose": "order_fulfilment",
        "fields": {"name": "Ada"}, "tokens": {"expires_in": "11y"}});
    let refused = shop.post("/v1/records", new).refused(400, "invalid_request");
    assert_eq!(refused.faults(), fault("/tokens/expires_in"));
}

#[test]
fn a37_what_the_edge_refuses_is_counted_and_summed_on_the_log() {
    let vault = Vault::start();
    let before = vault.metrics();
    let count = |text: &str, code: &str| -> u64 {
        let line = format!("strongroom_refusals_total{{code=\"{code}\"}} ");
        text.lines().find_map(|l| l.strip_prefix(&line)).map_or(0, |n| n.parse().unwrap())
    };
    for _ in 0..3 {
        assert_eq!(vault.target.send("GET", "/v1/%77hoami", None, None).status, 404);
        assert_eq!(vault.target.send("GET", &format!("/{}", "a".repeat(9_000)), None, None).status, 414);
    }
    let after = vault.metrics();
    for code in ["not_found", "uri_too_long"] {
        assert_eq!(count(&after, code) - count(&before, code), 3, "{code}");
    }
    let dir = vault.stop();
    let data = dir.path().join("data");
    let (ok, out, err) = run(&["audit", "query", "--data-dir", path(&data), "--act", "refusal.sum"]);
    assert!(ok && out.contains("uri_too_long") && out.contains("\"count\":3"), "{out}{err}");
}

#[test]
fn an_edge_that_is_flooded_tells_its_network_so() {
    let limits = "requests_per_second = 500, reads_per_hour = 5000, subjects_per_day = 100";
    let mut served = Served::new(limits, "network_requests_per_second = 1\nnetwork_burst = 20");
    let key = served.key();
    served.start();
    let mut shop = served.client(&key);
    let answers: Vec<u16> = (0..30).map(|_| shop.get("/v1//none").status()).collect();
    assert_eq!(answers[0], 404);
    assert_eq!(answers.last(), Some(&429), "{answers:?}");
}
