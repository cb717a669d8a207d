//! Runs every block of `docs/quickstart.md` marked `run` against a fresh development vault, as a reader would.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "helpers of tests fail by panicking"
)]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const START: Duration = Duration::from_secs(60);

/// A fenced block: its language and its lines.
struct Block {
    language: String,
    text: String,
}

/// The blocks whose fence says `run`.
fn blocks(markdown: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) else { continue };
        let text: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
        if let Some(language) = info.strip_suffix(" run") {
            found.push(Block { language: language.to_owned(), text: text.join("\n") + "\n" });
        }
    }
    found
}

/// A development vault, stopped with SIGTERM (killed when a test fails before that).
struct Vault {
    child: Child,
    credentials: Value,
}

impl Vault {
    fn start(directory: &Path) -> Self {
        let binary = std::env::var_os("STRONGROOM_BIN")
            .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_strongroom")), PathBuf::from);
        let (out, log) = (directory.join("credentials.json"), directory.join("vault.log"));
        let file = std::fs::File::create(&log).expect("a log file");
        let mut child = Command::new(binary)
            .args(["dev", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(directory.join("data"))
            .arg("--credentials-out")
            .arg(&out)
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file)
            .spawn()
            .expect("the strongroom binary starts");
        let begun = Instant::now();
        while !std::fs::metadata(&out).is_ok_and(|m| m.len() > 0) {
            let ended = child.try_wait().expect("a child to ask");
            let late = begun.elapsed() > START;
            if ended.is_some() || late {
                let _ = child.kill();
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                panic!("`strongroom dev` wrote no credentials (ended: {ended:?}, late: {late}):\n{said}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let text = std::fs::read(&out).expect("the credentials");
        Self { child, credentials: serde_json::from_slice(&text).expect("credentials are JSON") }
    }

    fn text(&self, pointer: &str) -> String {
        let found = self.credentials.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("the credentials lack {pointer}")).to_owned()
    }

    fn run(&self, block: &Block, directory: &Path) -> Output {
        let script = directory.join(format!("block.{}", block.language));
        std::fs::write(&script, &block.text).expect("a script file");
        let (program, suffix) = match block.language.as_str() {
            "bash" => ("bash", "sh"),
            "python" => ("python3", "py"),
            // Valid JavaScript on purpose: not every Node strips types.
            "typescript" => ("node", "cjs"),
            other => panic!("no way to run a block of {other}"),
        };
        let named = script.with_extension(suffix);
        std::fs::rename(&script, &named).expect("a script file");
        let mut command = Command::new("timeout");
        command.arg("60").arg(program).arg(&named).current_dir(directory);
        command.env("BASE", self.text("/base_url")).env("CA", self.text("/ca_cert"));
        command.env("NODE_EXTRA_CA_CERTS", self.text("/ca_cert"));
        for client in ["storefront", "billing", "mailer"] {
            let name = format!("{}_KEY", client.to_uppercase());
            command.env(name, self.text(&format!("/clients/{client}/key")));
        }
        command.output().expect("the interpreter starts")
    }

    fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
        let begun = Instant::now();
        while begun.elapsed() < START {
            if let Some(status) = self.child.try_wait().expect("a child to ask") {
                assert!(status.success(), "the vault ended with {status} on SIGTERM");
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the vault did not stop within a minute of SIGTERM");
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

#[test]
fn blocks_are_found_by_their_fence_and_others_are_left_alone() {
    let found = blocks("a\n```sh\nno\n```\n```bash run\nyes\n\nmore\n```\ntext\n```python run\np\n```\n");
    let seen: Vec<_> = found.iter().map(|b| (b.language.as_str(), b.text.as_str())).collect();
    assert_eq!(seen, [("bash", "yes\n\nmore\n"), ("python", "p\n")]);
}

#[test]
fn every_block_of_the_quickstart_runs_against_a_fresh_development_vault_and_a_second_time() {
    let directory = tempfile::tempdir().expect("a directory");
    let vault = Vault::start(directory.path());
    let text = include_str!("../docs/quickstart.md");
    let all = blocks(text);
    assert_eq!(
        all.iter().map(|b| b.language.as_str()).collect::<Vec<_>>(),
        ["bash", "bash", "python", "typescript", "bash"]
    );
    // Readers try things twice; a block that works once only would fail them without a word.
    for block in all.iter().chain(&all) {
        if block.language == "typescript" && !has("node") {
            println!("node is not installed: the TypeScript block was not run");
            continue;
        }
        let output = vault.run(block, directory.path());
        let (said, complained) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let last = said.lines().last().unwrap_or_default();
        assert!(
            output.status.success() && last.starts_with("OK "),
            "the {} block ended with {}:\n{said}\n{complained}",
            block.language,
            output.status
        );
    }
    vault.stop();
}
