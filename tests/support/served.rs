//! A production vault served with settings of the test's own: `strongroom init`, clients and keys, `strongroom serve`.

use crate::client::Target;
use crate::vault::{binary, path, run};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const CLIENTS: [&str; 3] = ["storefront", "billing", "mailer"];

/// What is to be served.
pub(crate) struct Plan {
    pub(crate) dir: tempfile::TempDir,
    /// `auth` of storefront, billing and mailer.
    pub(crate) auth: [&'static str; 3],
    /// `networks` of every client.
    pub(crate) networks: &'static str,
    /// A change of the sample policy.
    pub(crate) policy: fn(String) -> String,
    /// Lines of `[listen]` beside the address.
    pub(crate) listen: &'static str,
    /// Lines of `[tls]` beside certificate and key.
    pub(crate) tls: String,
    /// Whole sections.
    pub(crate) more: String,
    /// `limits` of every client, instead of the sample's.
    pub(crate) limits: Option<&'static str>,
    /// What the served process finds in its environment beside ours.
    pub(crate) env: Vec<(String, String)>,
}

impl Plan {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("tls")).unwrap();
        let key = r#"["key"]"#;
        let (tls, more) = (String::new(), String::new());
        Self {
            dir,
            auth: [key; 3],
            networks: r#"["127.0.0.0/8"]"#,
            policy: |text| text,
            listen: "",
            tls,
            more,
            limits: None,
            env: Vec::new(),
        }
    }
    /// Writes a file of TLS material at once, as a renewal should.
    pub(crate) fn put(&self, name: &str, text: &str) -> PathBuf {
        put(&self.dir.path().join("tls").join(name), text)
    }
    /// Client authority and revocation list.
    pub(crate) fn trusting(mut self, ca: &str, crl: Option<&str>) -> Self {
        self.tls = format!("client_ca = {:?}\n", self.put("clients.pem", ca));
        if let Some(crl) = crl {
            self.tls += &format!("client_crl = {:?}\n", self.put("crl.pem", crl));
        }
        self
    }

    pub(crate) fn serve(self) -> Served {
        let dir = self.dir.path();
        let tls = dir.join("tls");
        strongroom::http::tls::generate_development_certificate(&tls).unwrap();
        std::fs::write(dir.join("policy.toml"), self.policy()).unwrap();
        let data = dir.join("d");
        let policy = dir.join("policy.toml");
        let args = ["init", "--data-dir", path(&data), "--policy", path(&policy), "--single-operator"];
        let (ok, _, err) = run(&args);
        assert!(ok, "{err}");
        let keys = CLIENTS.map(|name| {
            assert!(run(&["client", "activate", "--data-dir", path(&data), name]).0);
            let (_, out, _) = run(&["client", "key", "--data-dir", path(&data), name]);
            let key = out.lines().find_map(|l| l.strip_prefix("key")).unwrap().trim().to_owned();
            (name, key)
        });
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (api, metrics) = (free(), free());
        let text = format!(
            "data_dir = {data:?}\n[listen]\naddress = \"{api}\"\n{}\n[metrics]\naddress = \"{metrics}\"\n[tls]\n\
             certificate = {:?}\nkey = {:?}\n{}\n{}",
            self.listen,
            tls.join("cert.pem"),
            tls.join("key.pem"),
            self.tls,
            self.more
        );
        std::fs::write(dir.join("strongroom.toml"), text).unwrap();
        let target = Target::new(&format!("https://{api}"), &tls.join("ca.pem"));
        let child = start(dir, &self.env);
        let mut served = Served { dir: self.dir, child, target, metrics, keys: keys.into() };
        served.wait();
        served
    }

    fn policy(&self) -> String {
        let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/config/policy.toml");
        let text = std::fs::read_to_string(sample).unwrap();
        let mut auth = self.auth.iter();
        let line = |line: &str| match line.trim_start() {
            l if l.starts_with("networks = ") => format!("networks = {}", self.networks),
            l if l.starts_with("auth = ") => format!("auth = {}", auth.next().unwrap()),
            l if l.starts_with("limits = ") && self.limits.is_some() => self.limits.unwrap().to_owned(),
            _ => line.to_owned(),
        };
        (self.policy)(text.lines().map(line).collect::<Vec<_>>().join("\n"))
    }
}

pub(crate) fn start(dir: &std::path::Path, env: &[(String, String)]) -> Child {
    let log = File::options().create(true).append(true).open(dir.join("log")).unwrap();
    Command::new(binary())
        .args(["serve", "--config"])
        .arg(dir.join("strongroom.toml"))
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// Writes a file beside its place and moves it there.
pub(crate) fn put(path: &std::path::Path, text: &str) -> PathBuf {
    let staged = path.with_extension("new");
    std::fs::write(&staged, text).unwrap();
    std::fs::set_permissions(&staged, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(&staged, path).unwrap();
    path.to_path_buf()
}

/// A vault being served.
pub(crate) struct Served {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) child: Child,
    pub(crate) target: Target,
    pub(crate) metrics: SocketAddr,
    keys: BTreeMap<&'static str, String>,
}

impl Served {
    pub(crate) fn wait(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(self.metrics).is_err() {
            assert!(self.child.try_wait().unwrap().is_none(), "it ended: {}", self.log());
            assert!(Instant::now() < deadline, "it does not serve: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    pub(crate) fn key(&self, client: &str) -> &str {
        &self.keys[client]
    }
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }
    pub(crate) fn put(&self, name: &str, text: &str) {
        put(&self.dir.path().join("tls").join(name), text);
    }
    pub(crate) fn metrics(&self) -> String {
        let mut tcp = TcpStream::connect(self.metrics).unwrap();
        tcp.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        tcp.read_to_string(&mut text).unwrap();
        text
    }
    /// The value of a line of the metrics.
    #[track_caller]
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let text = self.metrics();
        let found = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        found.unwrap_or_else(|| panic!("no {name} in\n{text}"))
    }
    /// Waits until something holds; fails when it does not within the time.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, within: Duration, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + within;
        while !holds() {
            assert!(Instant::now() < deadline, "not in {within:?}: {what}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([format!("-{name}"), id]).status().unwrap().success());
    }
    /// Waits for the end of the process.
    #[track_caller]
    pub(crate) fn ended(&mut self, within: Duration) -> ExitStatus {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    /// Events of an act, newest first, as JSON.
    pub(crate) fn events(&self, act: &str) -> Vec<serde_json::Value> {
        let data = self.dir.path().join("d");
        let (ok, out, err) = run(&["audit", "query", "--data-dir", path(&data), "--act", act]);
        assert!(ok, "{err}");
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
    /// Who a connection with this certificate and key is taken for: a status, and 0 when there was no answer.
    pub(crate) fn whoami(&self, identity: Option<&crate::pki::Identity>, key: Option<&str>) -> u16 {
        let target = identity.map_or_else(|| self.target.clone(), |identity| self.target.with(identity));
        let mut stream = target.connect();
        let bytes = crate::client::request("GET", "/v1/whoami", key, None, &[]);
        if stream.write_all(&bytes).is_err() {
            return 0;
        }
        crate::client::read_answer(&mut stream).map_or(0, |answer| answer.status)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
