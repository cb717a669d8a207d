//! A development vault in a process of its own, stopped when dropped.

use crate::client::{Answer, Session, Target};
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) fn binary() -> PathBuf {
    std::env::var_os("STRONGROOM_BIN").map_or_else(|| env!("CARGO_BIN_EXE_strongroom").into(), PathBuf::from)
}

pub(crate) struct Vault {
    pub(crate) dir: tempfile::TempDir,
    child: Child,
    pub(crate) target: Target,
    pub(crate) credentials: Value,
}

impl Vault {
    pub(crate) fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), &[])
    }

    pub(crate) fn start_in(dir: tempfile::TempDir, more: &[&str]) -> Self {
        let out = dir.path().join("credentials.json");
        let _ = std::fs::remove_file(&out);
        let log = File::options().create(true).append(true).open(dir.path().join("log")).unwrap();
        let child = Command::new(binary())
            .args(["dev", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(dir.path().join("data"))
            .arg("--credentials-out")
            .arg(&out)
            .args(more)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut vault = Self::waiting(dir, child);
        let deadline = Instant::now() + Duration::from_secs(120);
        let credentials: Value = loop {
            if let Ok(text) = std::fs::read_to_string(&out) {
                break serde_json::from_str(&text).unwrap();
            }
            let log = || std::fs::read_to_string(vault.dir.path().join("log")).unwrap();
            assert!(vault.child.try_wait().unwrap().is_none(), "it ended: {}", log());
            assert!(Instant::now() < deadline, "it does not serve: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        };
        let ca = PathBuf::from(credentials["ca_cert"].as_str().unwrap());
        vault.target = Target::new(credentials["base_url"].as_str().unwrap(), &ca);
        vault.credentials = credentials;
        vault
    }

    fn waiting(dir: tempfile::TempDir, child: Child) -> Self {
        let ca = dir.path().join("none.pem");
        std::fs::write(&ca, "").unwrap();
        Self { dir, child, target: Target::new("https://127.0.0.1:1", &ca), credentials: Value::Null }
    }

    pub(crate) fn key(&self, client: &str) -> &str {
        self.credentials["clients"][client]["key"].as_str().unwrap()
    }
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }
    pub(crate) fn session(&self, client: &str) -> Session {
        Session::new(&self.target, self.key(client))
    }

    pub(crate) fn post(&self, client: &str, path: &str, body: &Value) -> Answer {
        self.target.send("POST", path, Some(self.key(client)), Some(&body.to_string()))
    }
    pub(crate) fn get(&self, client: &str, path: &str) -> Answer {
        self.target.send("GET", path, Some(self.key(client)), None)
    }

    pub(crate) fn subject(&self) -> String {
        let answer = self.post("storefront", "/v1/subjects", &json!({"region": "DE", "age_attested": true}));
        assert_eq!(answer.status, 201);
        answer.json()["subject"].as_str().unwrap().to_owned()
    }

    pub(crate) fn contact(&self, subject: &str) -> Value {
        let fields = json!({"name": "Ada Lovelace", "email": "ada@example.org", "phone": "+44 20 7946 0018"});
        self.record(subject, "contact", fields)
    }

    pub(crate) fn record(&self, subject: &str, collection: &str, fields: Value) -> Value {
        let body = json!({"subject": subject, "collection": collection, "purpose": "order_fulfilment", "fields": fields});
        let answer = self.post("storefront", "/v1/records", &body);
        assert_eq!(answer.status, 201, "{}", answer.json());
        answer.json()
    }

    pub(crate) fn metrics(&self) -> String {
        self.on_metrics("/metrics")
    }

    /// The body of what the metrics listener answers.
    pub(crate) fn on_metrics(&self, path: &str) -> String {
        let address = self.credentials["metrics_url"].as_str().unwrap();
        plain_get(address.strip_prefix("http://").unwrap().strip_suffix("/metrics").unwrap(), path)
    }

    /// An orderly end; gives the directory back.
    pub(crate) fn stop(mut self) -> tempfile::TempDir {
        // It takes signals once it answers; the credentials are there a moment earlier.
        let _ = self.target.send("GET", "/live", None, None);
        self.signal("TERM");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
        self.into_dir()
    }

    /// The end a power failure makes.
    pub(crate) fn kill(mut self) -> tempfile::TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.into_dir()
    }

    fn into_dir(mut self) -> tempfile::TempDir {
        std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap())
    }

    fn signal(&self, name: &str) {
        let kill =
            Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The body of what a plain listener answers.
pub(crate) fn plain_get(address: &str, path: &str) -> String {
    use std::io::{Read, Write};
    let mut tcp = std::net::TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    tcp.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    tcp.read_to_string(&mut text).unwrap();
    text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap()
}

/// Runs a command of the binary; (success, standard output, standard error).
pub(crate) fn run(args: &[&str]) -> (bool, String, String) {
    let out = Command::new(binary()).args(args).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (out.status.success(), text(&out.stdout), text(&out.stderr))
}

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
