//! Server processes: start one, wait until it serves, read what it cost, stop it.

use crate::load::Target;
use serde_json::Value;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest a server may take to start.
const START: Duration = Duration::from_secs(60);

/// A running server, killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// How to reach it.
    pub(crate) target: Target,
    /// How long it took from the start of the process until it served.
    pub(crate) ready: Duration,
    /// What `dev` wrote for its clients (null for the bare server).
    pub(crate) credentials: Value,
}

impl Server {
    /// Starts the bare server: this very program, told to be it.
    pub(crate) fn bare(directory: &Path, workers: usize, clients: Option<&Path>) -> Result<Self> {
        let (url, pem) = (directory.join("bare.url"), directory.join("bare.pem"));
        let _ = std::fs::remove_file(&url);
        let program = std::env::current_exe()?;
        let mut command = Command::new(program);
        command.arg("bare").arg(directory).arg(workers.to_string()).args(clients);
        let (child, ready) = start(command, &url)?;
        let target = Target::new(std::fs::read_to_string(&url)?.trim(), &pem)?;
        Ok(Self { child, target, ready, credentials: Value::Null })
    }

    /// Starts a development vault on a data directory, new or old.
    pub(crate) fn vault(data: &Path) -> Result<Self> {
        let out = data.with_extension("credentials.json");
        let _ = std::fs::remove_file(&out);
        let mut command = Command::new(vault_binary());
        command.args(["dev", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data);
        command.arg("--credentials-out").arg(&out);
        let (child, ready) = start(command, &out)?;
        let credentials: Value = serde_json::from_slice(&std::fs::read(&out)?)?;
        let text = |key: &str| credentials.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let target = Target::new(&text("base_url"), Path::new(&text("ca_cert")))?;
        Ok(Self { child, target, ready, credentials })
    }

    /// Serves a vault by a settings file whose directory holds the certificate `served-tls/ca.pem`.
    pub(crate) fn served(directory: &Path, config: PathBuf) -> Result<Self> {
        let log = std::fs::File::create(directory.join("served.log"))?;
        let begun = Instant::now();
        let mut command = Command::new(vault_binary());
        command.args(["serve", "--config"]).arg(&config).stdin(Stdio::null());
        let child = command.stdout(log.try_clone()?).stderr(log).spawn()?;
        let text = std::fs::read_to_string(&config)?;
        let address = text.lines().find_map(|l| l.strip_prefix("address = \"")).unwrap_or_default();
        let address = address.trim_end_matches('"');
        while std::net::TcpStream::connect(address).is_err() {
            if begun.elapsed() > START {
                return Err(Error::other("the vault for handshakes did not come up"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let target = Target::new(&format!("https://{address}"), &directory.join("served-tls/ca.pem"))?;
        Ok(Self { child, target, ready: begun.elapsed(), credentials: Value::Null })
    }

    /// A client's API key.
    pub(crate) fn key(&self, client: &str) -> Result<String> {
        let key = self.credentials.pointer(&format!("/clients/{client}/key")).and_then(Value::as_str);
        key.map(str::to_owned).ok_or_else(|| Error::other(format!("the vault gave no key for {client}")))
    }

    /// Processor time it has used so far, all threads, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        cpu_of(&self.child.id().to_string())
    }

    /// Resident memory in MiB.
    pub(crate) fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0) / 1_024.0
    }

    /// Asks it to stop and waits for the end.
    pub(crate) fn stop(mut self) -> Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let begun = Instant::now();
        while begun.elapsed() < START {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(Error::other("the server did not stop"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processor time a process has used so far, all threads, in seconds.
pub(crate) fn cpu_of(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum::<f64>();
    ticks / 100.0
}

/// The vault under test: `STRONGROOM_BIN`, or the one cargo built beside this benchmark.
pub(crate) fn vault_binary() -> PathBuf {
    std::env::var_os("STRONGROOM_BIN").map_or_else(|| env!("CARGO_BIN_EXE_strongroom").into(), PathBuf::from)
}

/// Starts a process and waits for the file by which it says that it serves.
fn start(mut command: Command, sign: &Path) -> Result<(Child, Duration)> {
    let begun = Instant::now();
    let log = std::fs::File::create(sign.with_extension("log"))?;
    let mut child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
    while begun.elapsed() < START {
        if std::fs::metadata(sign).is_ok_and(|m| m.len() > 0) {
            return Ok((child, begun.elapsed()));
        }
        if let Some(status) = child.try_wait()? {
            let said = std::fs::read_to_string(sign.with_extension("log")).unwrap_or_default();
            return Err(Error::other(format!("the server ended with {status} before it served: {said}")));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let _ = child.kill();
    Err(Error::other("the server did not come up within a minute"))
}
