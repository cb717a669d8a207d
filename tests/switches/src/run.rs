//! Throwing: one switch a run, the tests of its room (or the one attack that must notice it), with a time limit.

use crate::kept::{self, Kept};
use crate::plant::read;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A thrown switch may also make a test run for ever: that is noticed, too.
const LIMIT: Duration = Duration::from_secs(120);

#[derive(Deserialize)]
struct Equivalent {
    #[serde(default)]
    equivalent: Vec<Reason>,
}
#[derive(Deserialize)]
struct Reason {
    file: String,
    what: String,
    text: String,
    #[expect(dead_code, reason = "for whoever reads the list")]
    because: String,
}

/// The generated switches of both rooms; `more` narrows them to files that contain it.
pub fn generated(tree: &Path, binary: &Path, more: &[&str]) -> Result<bool, String> {
    let text = read(&tree.join("tests/switches/equivalent.toml"))?;
    let equivalent: Equivalent = toml::from_str(&text).map_err(|e| format!("equivalent.toml: {e}"))?;
    let list = read(&tree.join("switches.txt"))?;
    if noticed(binary, 0, &["policy::", "crypto::"])? {
        return Err("the tests fail with no switch thrown".into());
    }
    let (mut all, mut known, mut survivors) = (0, 0, Vec::new());
    for line in list.lines().filter(|l| more.is_empty() || more.iter().any(|m| l.contains(m))) {
        let mut parts = line.split('\t');
        let (Some(n), Some(at), Some(what), Some(shown)) =
            (parts.next().and_then(|n| n.parse().ok()), parts.next(), parts.next(), parts.next())
        else {
            return Err(format!("switches.txt: {line}"));
        };
        all += 1;
        let file = at.split(':').next().unwrap_or_default();
        if equivalent.equivalent.iter().any(|e| file == e.file && what == e.what && shown.contains(&e.text)) {
            known += 1;
            continue;
        }
        let room = if file.starts_with("src/policy") { "policy::" } else { "crypto::" };
        if !noticed(binary, n, &[room])?
            && !noticed(binary, n, &["vault::", "policy::", "crypto::", "domain::"])?
        {
            println!("SURVIVED {line}");
            survivors.push(line.to_owned());
        }
    }
    println!(
        "{all} switches: {} noticed, {known} equivalent, {} survived",
        all - known - survivors.len(),
        survivors.len()
    );
    Ok(survivors.is_empty())
}

/// The kept list, each against the attack that it must let through. `more` names single ids.
pub fn kept(tree: &Path, binary: &Path, more: &[&str]) -> Result<bool, String> {
    let mut by_test: BTreeMap<String, bool> = BTreeMap::new();
    let mut survivors = 0;
    let mut all = 0;
    let list = kept::list(&tree.join("tests/switches"))?;
    if list.is_empty() {
        return Err("kept.toml names no rule".into());
    }
    if let Some(id) = more.iter().find(|id| !list.iter().any(|kept| kept.id.to_string() == **id)) {
        return Err(format!("kept.toml has no switch {id}"));
    }
    for kept in list {
        if !more.is_empty() && !more.contains(&kept.id.to_string().as_str()) {
            continue;
        }
        all += 1;
        let broken = match by_test.get(&kept.test) {
            Some(broken) => *broken,
            None => {
                one_test(binary, &kept)?;
                noticed(binary, 0, &[&kept.test])?
            }
        };
        by_test.insert(kept.test.clone(), broken);
        if broken {
            survivors += 1;
            println!("BROKEN   {} {}: the test fails with no switch thrown", kept.id, kept.test);
        } else if noticed(binary, kept.id, &[&kept.test])? {
            println!("noticed  {} {} ({})", kept.id, kept.test, kept.rule);
        } else {
            survivors += 1;
            println!("SURVIVED {} {} ({})", kept.id, kept.test, kept.rule);
        }
    }
    println!("{all} rules taken away, {} attacks noticed", all - survivors);
    Ok(survivors == 0)
}

/// A filter that named no test, or several, would say nothing of the one it should.
fn one_test(binary: &Path, kept: &Kept) -> Result<(), String> {
    let listed = Command::new(binary).args([&kept.test, "--list"]).output().map_err(|e| e.to_string())?;
    match String::from_utf8_lossy(&listed.stdout).lines().filter(|line| line.ends_with(": test")).count() {
        1 => Ok(()),
        n => Err(format!("switch {}: `{}` names {n} tests, not one", kept.id, kept.test)),
    }
}

/// Whether the tests fail, or do not end.
fn noticed(binary: &Path, switch: u32, filters: &[&str]) -> Result<bool, String> {
    let mut child = Command::new(binary)
        .args(filters)
        .env("STRONGROOM_SWITCH", switch.to_string())
        // The planted binary is the one to attack, whichever else was meant.
        .env_remove("STRONGROOM_BIN")
        .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("{}: {e}", binary.display()))?;
    let until = Instant::now() + LIMIT;
    loop {
        if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
            return Ok(!status.success());
        }
        if Instant::now() > until {
            let _ = child.kill();
            let _ = child.wait();
            return Ok(true);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
