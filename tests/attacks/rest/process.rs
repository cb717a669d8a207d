//! A51: what the process leaves and shows outside its files: a core, its environment and arguments, swap, its memory to
//! another process of the same user.

use super::estate::quick_dir;
use crate::caller::Client;
use crate::vault::{binary, path};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a development vault in `dir` is started with.
fn dev(dir: &Path) -> Vec<String> {
    let (data, out) = (dir.join("data"), dir.join("credentials.json"));
    ["dev", "--listen", "127.0.0.1:0", "--data-dir", path(&data), "--credentials-out", path(&out)]
        .map(str::to_owned)
        .into()
}

/// A development vault as a child of the test's own, started by a command line in front of it.
fn started(dir: &Path, before: &[&str]) -> Child {
    let out = dir.join("credentials.json");
    let bin = binary();
    let mut child = Command::new(before[0])
        .args(&before[1..])
        .arg(&bin)
        .args(dev(dir))
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !out.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        assert!(Instant::now() < deadline, "it does not serve");
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

fn of(child: &Child, file: &str) -> String {
    let bytes = std::fs::read(format!("/proc/{}/{file}", child.id())).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// P10: a crash writes no core, though its user allowed any size.
#[test]
fn a51_a_crash_leaves_no_core_whatever_the_limit_was() {
    for signal in ["SEGV", "ABRT", "QUIT", "BUS"] {
        let dir = quick_dir();
        let mut child = started(dir.path(), &["sh", "-c", "ulimit -c unlimited; exec \"$@\"", "sh"]);
        let limits = of(&child, "limits");
        let core = limits.lines().find(|l| l.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
        assert_eq!(core.split_whitespace().nth(5), Some("0"), "it cannot be raised again: {core}");
        let id = child.id().to_string();
        let deadline = Instant::now() + Duration::from_secs(30);
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "{signal} does not end it");
            // A handler that looks for overflowing stacks gives a real fault back by returning to it; one that is only
            // sent does not come again by itself.
            let _ = Command::new("kill").args([&format!("-{signal}"), &id]).stderr(Stdio::null()).status();
            std::thread::sleep(Duration::from_millis(100));
        };
        assert!(!status.core_dumped(), "{signal}: {status}");
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().flatten().map(|e| e.file_name()).collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().contains("core")), "{left:?}");
    }
}

/// P10: no secret stands in its arguments or environment, none of it is swapped, and no file of it is open outside its
/// directory.
#[test]
fn a51_arguments_environment_swap_and_open_files_show_nothing() {
    let dir = quick_dir();
    let mut child = started(dir.path(), &["env"]);
    let text = std::fs::read_to_string(dir.path().join("credentials.json")).unwrap();
    let credentials: serde_json::Value = serde_json::from_str(&text).unwrap();
    let key = credentials["clients"]["storefront"]["key"].as_str().unwrap().to_owned();
    let ca = std::path::PathBuf::from(credentials["ca_cert"].as_str().unwrap());
    let target = crate::client::Target::new(credentials["base_url"].as_str().unwrap(), &ca);
    Client::new(target, &key).ada();
    let root = std::fs::read_to_string(dir.path().join("data/root.key")).unwrap();
    let root = root.trim_end().split_once(':').unwrap().1.to_owned();
    for place in ["cmdline", "environ", "comm"] {
        let shown = of(&child, place);
        for secret in [&key, &root] {
            assert!(!shown.contains(&secret[8..]), "a secret in {place}");
        }
        assert!(!shown.contains("Lovelace"), "a value in {place}");
    }
    let status = of(&child, "status");
    let swap = status.lines().find(|l| l.starts_with("VmSwap:")).unwrap();
    assert_eq!(swap.split_whitespace().nth(1), Some("0"), "{swap}");
    let open = |of: &str| -> Vec<String> {
        let entries = std::fs::read_dir(format!("/proc/{of}/fd")).unwrap().flatten();
        entries.filter_map(|e| Some(std::fs::read_link(e.path()).ok()?.display().to_string())).collect()
    };
    // What whoever runs the tests left open in front of them is not the vault's.
    let inherited = open("self");
    let own = open(&child.id().to_string()).into_iter().filter(|link| !inherited.contains(link));
    for link in own {
        let known = ["socket:", "pipe:", "anon_inode:", "/dev/null", "/dev/urandom"];
        assert!(
            known.iter().any(|k| link.starts_with(k)) || link.starts_with(path(dir.path())),
            "a file is open elsewhere: {link}"
        );
        assert!(!link.contains("(deleted)"), "a file without a name holds what nobody sees: {link}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// P10: another process of the same user, without privileges, can neither read its memory nor its environment, nor stop
/// and trace it.
#[test]
fn a51_another_process_of_the_same_user_cannot_look_inside() {
    let is_root = rustix::process::geteuid().is_root();
    let dir = quick_dir();
    if is_root {
        // As root everything can be read by right; the vault and the onlooker become nobody.
        std::os::unix::fs::chown(dir.path(), Some(65_534), Some(65_534)).unwrap();
        let copy = dir.path().join("strongroom");
        std::fs::copy(binary(), &copy).unwrap();
        std::os::unix::fs::chown(&copy, Some(65_534), Some(65_534)).unwrap();
    }
    let nobody = |command: &mut Command| {
        if is_root {
            command.uid(65_534).gid(65_534);
        }
    };
    let bin = if is_root { dir.path().join("strongroom") } else { binary() };
    let out = dir.path().join("credentials.json");
    let mut vault = Command::new(&bin);
    vault.args(dev(dir.path()));
    vault.current_dir(dir.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    nobody(&mut vault);
    let mut child = vault.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !out.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        assert!(Instant::now() < deadline, "it does not serve");
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut bystander = Command::new("sleep");
    bystander.arg("60");
    nobody(&mut bystander);
    let bystander = bystander.spawn().unwrap();
    let look = |id: u32, what: &str| {
        let mut command = match what {
            "trace" => {
                let mut strace = Command::new("timeout");
                strace.args(["3", "strace", "-p", &id.to_string(), "-o", "/dev/null"]);
                strace
            }
            file => {
                let mut head = Command::new("head");
                head.args(["-c", "1", &format!("/proc/{id}/{file}")]);
                head
            }
        };
        nobody(&mut command);
        let done = command.current_dir("/").output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        // `timeout` ends a trace that worked with 124.
        (done.status.success() || done.status.code() == Some(124), said)
    };
    for what in ["environ", "maps", "auxv"] {
        assert!(look(bystander.id(), what).0, "any other process of the user shows {what}");
        let (shown, said) = look(child.id(), what);
        assert!(!shown && said.contains("ermission denied"), "{what}: {said}");
    }
    let (shown, said) = look(child.id(), "mem");
    assert!(!shown && said.contains("ermission denied"), "mem: {said}");
    if Path::new("/usr/bin/strace").exists() && look(bystander.id(), "trace").0 {
        let (traced, said) = look(child.id(), "trace");
        assert!(!traced && said.contains("not permitted"), "trace: {said}");
    }
    for mut process in [child, bystander] {
        process.kill().unwrap();
        process.wait().unwrap();
    }
}

/// P10: nothing of it is readable by others, from the first file on, whatever the umask.
#[test]
fn a51_every_file_is_private_whatever_the_umask() {
    use std::os::unix::fs::MetadataExt;
    let dir = quick_dir();
    let mut child = started(dir.path(), &["sh", "-c", "umask 0; exec \"$@\"", "sh"]);
    let mut open = vec![dir.path().join("data")];
    let mut count = 0;
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).unwrap().flatten() {
            let facts = entry.metadata().unwrap();
            let public = entry.file_name().to_string_lossy().ends_with(".pem") && facts.mode() & 0o022 == 0;
            assert!(facts.mode() & 0o077 == 0 || public, "{:?}: {:o}", entry.path(), facts.mode());
            count += 1;
            if facts.is_dir() {
                open.push(entry.path());
            }
        }
    }
    assert!(count > 5);
    assert_eq!(std::fs::metadata(dir.path().join("credentials.json")).unwrap().mode() & 0o077, 0);
    child.kill().unwrap();
    child.wait().unwrap();
}
