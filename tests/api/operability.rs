//! What a vault tells of itself: lines, spans, metrics, readiness, alerts; and what it does when its files are touched.

use crate::client::Target;
use crate::collector::{Collector, attribute};
use crate::vault::{Vault, binary, path, plain_get, run};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/policy.toml");

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The lines of the log that are events.
fn events(dir: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(dir.join("log")).unwrap();
    text.lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_span_of_each_request_reaches_the_collector_under_its_callers_trace() {
    let collector = Collector::start();
    let vault = Vault::start_in(tempfile::tempdir().unwrap(), &["--traces", &collector.url]);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let key = vault.key("storefront").to_owned();
    let answer = vault.target.send_with("GET", "/v1/whoami", Some(&key), None, &[("traceparent", &parent)]);
    assert_eq!(answer.status, 200);
    let denied = vault.post(
        "storefront",
        "/v1/search",
        &json!({"collection": "contact", "field": "email", "equals": "a@example.org", "purpose": "billing"}),
    );
    assert_eq!(denied.status, 403);
    assert_eq!(vault.target.send("GET", "/nowhere/CNRY", None, None).status, 401);
    let spans = collector.wait(3);
    let of =
        |route: &str| spans.iter().find(|s| attribute(s, "http.route").as_deref() == Some(route)).unwrap();
    let whoami = of("/v1/whoami");
    assert_eq!(
        (whoami["traceId"].as_str(), whoami["parentSpanId"].as_str()),
        (Some(trace), Some("00f067aa0ba902b7"))
    );
    for (key, value) in [
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("strongroom.act", "whoami"),
        ("strongroom.outcome", "allowed"),
        ("strongroom.client", "storefront"),
        ("strongroom.request_id", answer.header("x-request-id").unwrap()),
    ] {
        assert_eq!(attribute(whoami, key).as_deref(), Some(value), "{key}");
    }
    let search = of("/v1/search");
    assert_eq!(attribute(search, "strongroom.code").as_deref(), Some("denied"));
    assert_eq!(search.get("parentSpanId"), None, "without a caller's trace it is a root");
    let stranger = of("other");
    assert_eq!(attribute(stranger, "strongroom.client"), None);
    assert_eq!(attribute(stranger, "strongroom.code").as_deref(), Some("unauthenticated"));
    let mut ids: Vec<&str> = spans.iter().map(|s| s["spanId"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), spans.len());
    eventually("delivered spans are counted", || {
        vault.metrics().lines().any(|l| {
            l.starts_with("strongroom_trace_spans_total{result=\"delivered\"}") && !l.ends_with(" 0")
        })
    });
}

#[test]
fn i10_a_collector_that_is_not_there_costs_no_request() {
    let vault = Vault::start_in(tempfile::tempdir().unwrap(), &["--traces", "http://127.0.0.1:9/v1/traces"]);
    for _ in 0..20 {
        assert_eq!(vault.get("storefront", "/v1/whoami").status, 200);
    }
    eventually("dropped spans are counted", || {
        vault.metrics().lines().any(|l| l == "strongroom_trace_spans_total{result=\"dropped\"} 20")
    });
    assert_eq!(events(vault.dir.path()).iter().filter(|e| e["event"] == "traces_undelivered").count(), 1);
    vault.stop();
}

#[test]
fn each_request_is_one_line_of_listed_fields_when_it_is_asked_for() {
    let vault = Vault::start_in(tempfile::tempdir().unwrap(), &["--log-level", "info"]);
    let answer = vault.get("storefront", "/v1/whoami");
    vault.target.send("GET", "/v1/subjects/sub_CNRY?q=CNRY", Some(vault.key("storefront")), None);
    assert_eq!(vault.target.send("GET", "/ready", None, None).status, 200);
    let dir = vault.stop();
    let lines = events(dir.path());
    let requests: Vec<&Value> = lines.iter().filter(|e| e["event"] == "request").collect();
    assert_eq!(requests.len(), 2, "probes are counted, not told");
    assert_eq!(requests[0]["request_id"], answer.header("x-request-id").unwrap());
    assert_eq!((&requests[0]["route"], &requests[0]["status"]), (&json!("/v1/whoami"), &json!("200")));
    assert_eq!(
        (&requests[1]["route"], &requests[1]["client"]),
        (&json!("/v1/subjects/{sub}"), &json!("storefront"))
    );
    let listed: Vec<&str> = strongroom::telemetry::events::FIELDS.iter().map(|(field, _)| *field).collect();
    let told: Vec<&str> = strongroom::telemetry::events::EVENTS.iter().map(|(event, ..)| *event).collect();
    for line in &lines {
        assert!(line.as_object().unwrap().keys().all(|key| listed.contains(&key.as_str())), "{line}");
        assert!(told.contains(&line["event"].as_str().unwrap()), "{line}");
    }
    let text = std::fs::read_to_string(dir.path().join("log")).unwrap();
    assert!(!text.contains("CNRY") && !text.contains('\u{1b}'));
}

#[test]
fn metrics_tell_of_the_store_the_process_and_every_alert() {
    let vault = Vault::start();
    vault.contact(&vault.subject());
    vault.target.send("GET", "/live", None, None);
    let long = format!("/{}", "x".repeat(9_000));
    assert_eq!(vault.target.send("GET", &long, None, None).status, 414);
    let text = vault.metrics();
    let value = |series: &str| -> f64 {
        let line = text.lines().find_map(|l| l.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{series} in\n{text}")).parse().unwrap()
    };
    for (series, at_least) in [
        ("strongroom_ready", 1.0),
        ("strongroom_audit_events", 3.0),
        ("strongroom_commit_seconds_count", 2.0),
        ("strongroom_commit_batch_sets_sum", 2.0),
        ("strongroom_disk_free_bytes", 1.0),
        ("strongroom_client_key_end_timestamp_seconds", 1e9),
        ("strongroom_connections", 0.0),
        ("strongroom_connections_refused_total{reason=\"peer_cap\"}", 0.0),
        ("process_resident_memory_bytes", 1e6),
        ("process_open_fds", 10.0),
        ("strongroom_requests_total{route=\"/live\",status=\"2xx\"}", 1.0),
        ("strongroom_requests_total{route=\"/v1/records\",status=\"2xx\"}", 1.0),
        ("strongroom_edge_refusals_total{code=\"uri_too_long\"}", 1.0),
        ("strongroom_request_seconds_count{route=\"/v1/records\"}", 1.0),
    ] {
        assert!(value(series) >= at_least, "{series}");
    }
    for family in strongroom::telemetry::families::FAMILIES {
        assert!(
            text.contains(&format!("# TYPE {} {}\n", family.name, family.kind.name())),
            "{}",
            family.name
        );
    }
    for alert in strongroom::telemetry::alerts::Alert::ALL {
        assert!(value(&format!("strongroom_alert{{alert=\"{}\"}}", alert.name())) <= 1.0);
    }
    let shown: Value = serde_json::from_str(&vault.on_metrics("/alerts")).unwrap();
    assert_eq!(shown["state"], "ready");
    assert!(vault.on_metrics("/nothing").contains("not_found"));
}

#[test]
fn i11_a_database_deleted_or_replaced_under_a_running_vault_is_refused_and_told_within_seconds() {
    for file in ["vault.db", "vault.db-wal"] {
        let vault = Vault::start();
        let subject = vault.subject();
        let (path, aside) = (vault.data().join(file), vault.dir.path().join("aside"));
        std::fs::rename(&path, &aside).unwrap();
        // No reply that is not on the log that others can see: from the very next request on.
        let body = json!({"region": "DE", "age_attested": true});
        let refused = vault.post("storefront", "/v1/subjects", &body);
        assert_eq!(
            (refused.status, refused.json()["code"].as_str()),
            (503, Some("audit_unavailable")),
            "{file} deleted"
        );
        let ready = vault.target.send("GET", "/ready", None, None);
        assert_eq!((ready.status, ready.json()), (503, json!({"state": "store_replaced"})));
        assert_eq!(vault.target.send("GET", "/live", None, None).status, 200, "alive, not ready");
        std::fs::copy(&aside, &path).unwrap();
        assert_eq!(
            vault.get("storefront", &format!("/v1/subjects/{subject}")).status,
            503,
            "{file} replaced by its copy"
        );
        eventually("the alert is raised", || {
            vault.metrics().lines().any(|l| l == "strongroom_alert{alert=\"store_replaced\"} 1")
        });
        assert!(vault.on_metrics("/alerts").contains("Put the very file back"));
        assert!(
            events(vault.dir.path()).iter().any(|e| e["alert"] == "store_replaced" && e["level"] == "error")
        );
        std::fs::rename(&aside, &path).unwrap();
        eventually("it serves again", || vault.target.send("GET", "/ready", None, None).status == 200);
        assert_eq!(
            vault.get("storefront", &format!("/v1/subjects/{subject}")).status,
            200,
            "nothing was lost"
        );
        eventually("and the alert is cleared", || {
            vault.metrics().lines().any(|l| l == "strongroom_alert{alert=\"store_replaced\"} 0")
        });
    }
}

#[test]
fn a_keyring_or_database_that_others_may_read_is_a_warning_and_the_vault_serves_on() {
    use std::os::unix::fs::PermissionsExt;
    let vault = Vault::start();
    let set = |name: &str, mode: u32| {
        std::fs::set_permissions(vault.data().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let raised = |alert: &str, value: u8| {
        let line = format!("strongroom_alert{{alert=\"{alert}\"}} {value}");
        vault.metrics().lines().any(|l| l == line)
    };
    set("keyring", 0o644);
    set("vault.db", 0o640);
    eventually("both are raised", || raised("keyring", 1) && raised("permissions", 1));
    assert_eq!(vault.target.send("GET", "/ready", None, None).status, 200, "a warning does not stop a shop");
    assert_eq!(vault.get("storefront", "/v1/whoami").status, 200);
    set("keyring", 0o600);
    set("vault.db", 0o600);
    eventually("both are cleared", || raised("keyring", 0) && raised("permissions", 0));
    std::fs::remove_file(vault.data().join("keyring")).unwrap();
    eventually("a keyring that is gone is told", || raised("keyring", 1));
}

#[test]
fn low_space_and_a_policy_file_that_differs_are_warned_of_and_applied_to_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let other = dir.path().join("other.toml");
    std::fs::write(&other, "# not a policy at all").unwrap();
    let more = format!("\n[alerts]\nmin_free_mb = 1048576\npolicy = {other:?}\nkey_days = 90\n");
    let served = Served::start(&dir, &more);
    let raised = |alert: &str| {
        let line = format!("strongroom_alert{{alert=\"{alert}\"}} 1");
        served.metrics().lines().any(|l| l == line)
    };
    for alert in ["low_disk", "policy_differs"] {
        eventually(alert, || raised(alert));
    }
    assert!(!raised("store_replaced") && !raised("keyring") && !raised("wal_growth"));
    let ready = served.target.send("GET", "/ready", None, None);
    assert_eq!(
        (ready.status, ready.json()),
        (200, json!({"state": "ready"})),
        "the open route tells the state only"
    );
}

#[test]
fn i10_a_log_that_nobody_reads_holds_up_no_request() {
    use std::io::{Read, Write};
    let dir = tempfile::tempdir().unwrap();
    let more = "log.requests = true\nlimits.failed_auth_per_ten_minutes = 100000\n";
    let served = Served::telling(&dir, more, std::process::Stdio::piped());
    // More than a pipe and the queue hold: written at once, the first hundreds would stop the vault for ever.
    let mut session = served.target.connect();
    for n in 0..3_000 {
        session.write_all(b"GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut seen = Vec::new();
        let mut part = [0; 2_048];
        while !seen.windows(6).any(|w| w == b"false}" || w == b"e\":tru") {
            let read = session.read(&mut part).unwrap_or(0);
            assert!(read > 0, "request {n} was not answered: {}", String::from_utf8_lossy(&seen));
            seen.extend(&part[..read]);
        }
    }
    let dropped = |l: &str| l.starts_with("strongroom_log_lines_dropped_total ") && !l.ends_with(" 0");
    assert!(served.metrics().lines().any(dropped));
}

#[test]
fn a_collector_behind_tls_is_believed_only_under_its_own_authority() {
    let dir = tempfile::tempdir().unwrap();
    let theirs = dir.path().join("theirs");
    std::fs::create_dir(&theirs).unwrap();
    let files = strongroom::http::tls::generate_development_certificate(&theirs).unwrap();
    let config = strongroom::http::tls::server_config(&files.certificate, &files.key).unwrap();
    let collector = Collector::start_tls(config);
    let settings = |ca: &Path| {
        format!(
            "[telemetry.traces]\nendpoint = {:?}\nca = {ca:?}\nsample = 1.0\ntimeout_s = 2\n",
            collector.url
        )
    };
    let trusted = Served::start(&dir, &settings(&files.ca));
    assert_eq!(trusted.target.send("GET", "/v1/whoami", None, None).status, 401);
    assert_eq!(attribute(&collector.wait(1)[0], "http.route").as_deref(), Some("/v1/whoami"));
    drop(trusted);
    // The vault's own authority, which did not sign the collector's certificate.
    let wrong = tempfile::tempdir().unwrap();
    let other = wrong.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let stranger = strongroom::http::tls::generate_development_certificate(&other).unwrap();
    let distrusting = Served::start(&wrong, &settings(&stranger.ca));
    assert_eq!(distrusting.target.send("GET", "/v1/whoami", None, None).status, 401);
    eventually("the span is dropped", || {
        distrusting.metrics().lines().any(|l| l == "strongroom_trace_spans_total{result=\"dropped\"} 1")
    });
    assert_eq!(collector.spans().len(), 1, "nothing is told to a stranger");
}

/// A production vault with settings of the test, in a process of its own.
struct Served {
    child: std::process::Child,
    target: Target,
    metrics: String,
}

impl Served {
    fn start(dir: &tempfile::TempDir, more: &str) -> Self {
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        Self::telling(dir, more, log.into())
    }

    /// The same, with the log going somewhere.
    fn telling(dir: &tempfile::TempDir, more: &str, log: std::process::Stdio) -> Self {
        let at = |name: &str| dir.path().join(name);
        let data = at("d");
        let (ok, _, err) = run(&["init", "--data-dir", path(&data), "--policy", POLICY, "--single-operator"]);
        assert!(ok, "{err}");
        std::fs::create_dir(at("tls")).unwrap();
        let files = strongroom::http::tls::generate_development_certificate(&at("tls")).unwrap();
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (api, metrics) = (free(), free().to_string());
        let text = format!(
            "data_dir = {data:?}\nlisten.address = \"{api}\"\nmetrics.address = \"{metrics}\"\n\
             tls = {{ certificate = {:?}, key = {:?} }}\n{more}",
            files.certificate, files.key
        );
        std::fs::write(at("settings.toml"), text).unwrap();
        let child = std::process::Command::new(binary())
            .args(["serve", "--config", path(&at("settings.toml"))])
            .stderr(log)
            .spawn()
            .unwrap();
        let served = Self { child, target: Target::new(&format!("https://{api}"), &files.ca), metrics };
        eventually("it serves", || {
            [api.to_string(), served.metrics.clone()].iter().all(|a| std::net::TcpStream::connect(a).is_ok())
        });
        served
    }

    fn metrics(&self) -> String {
        plain_get(&self.metrics, "/metrics")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
