//! What the command says of itself, and how a script learns that it failed.

use crate::vault::{binary, path};
use std::process::{Command, Output, Stdio};

fn end(args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(binary()).args(args).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn each_command_names_what_it_takes() {
    for (command, usage) in [
        ("", "<COMMAND>"),
        ("init", "[OPTIONS] --data-dir <DIR> --policy <FILE>"),
        ("serve", "--config <FILE>"),
        ("dev", "[OPTIONS] --data-dir <DIR> --credentials-out <FILE>"),
        ("client", "<COMMAND>"),
        ("client list", "[OPTIONS] --data-dir <DIR>"),
        ("client activate", "[OPTIONS] --data-dir <DIR> <NAME>"),
        ("client key", "[OPTIONS] --data-dir <DIR> <NAME>"),
        ("client revoke-key", "[OPTIONS] --data-dir <DIR> <NAME> <KEY>"),
        ("client suspend", "[OPTIONS] --data-dir <DIR> <NAME>"),
        ("client resume", "[OPTIONS] --data-dir <DIR> <NAME>"),
        ("import", "[OPTIONS] --map <FILE> <FILE>"),
        ("export tokens", "[OPTIONS] --data-dir <DIR> --client <CLIENT> --out <FILE>"),
        ("bench", "[OPTIONS]"),
        ("policy diff", "[OPTIONS] [OLD] [NEW]"),
        ("policy check", "<FILE>"),
        ("policy explain", "[OPTIONS] --client <CLIENT> --purpose <PURPOSE> --field <FIELD> <FILE>"),
        ("audit verify", "[OPTIONS] --data-dir <DIR>"),
        ("audit tail", "[OPTIONS] --data-dir <DIR>"),
        ("audit query", "[OPTIONS] --data-dir <DIR>"),
        ("doctor", "[OPTIONS]"),
        ("config check", "<FILE>"),
        ("config reference", ""),
        ("reference", "<PAGE>"),
        ("openapi", "[OPTIONS]"),
        ("completions", "<SHELL>"),
        ("man", ""),
    ] {
        let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let (code, out, _) = end(&words);
        let line = out.lines().find_map(|l| l.strip_prefix("Usage: strongroom")).unwrap();
        assert_eq!((code, line.trim()), (Some(0), format!("{command} {usage}").trim()), "{command}");
    }
}

#[test]
fn a_failure_ends_with_one_and_a_wrong_call_with_two_and_both_say_why_on_stderr() {
    let dir = tempfile::tempdir().unwrap();
    let absent = dir.path().join("absent");
    let faulty = dir.path().join("policy.toml");
    std::fs::write(&faulty, "[policy]\nname = 1\n[clients.a]\nacts = [\"fly\"]\nworld = \"all\"\n").unwrap();
    for args in [
        &["doctor", "--data-dir", path(&absent)][..],
        &["audit", "verify", "--data-dir", path(&absent)],
        &["audit", "tail", "--data-dir", path(&absent)],
        &["client", "list", "--data-dir", path(&absent)],
        &["policy", "check", path(&absent)],
        &["policy", "check", path(&faulty)],
        &["serve", "--config", path(&absent)],
        &["config", "check", path(&absent)],
        &["doctor", "--config", path(&absent)],
    ] {
        let (code, _, err) = end(args);
        assert_eq!(code, Some(1), "{args:?}");
        assert!(!err.trim().is_empty() && !err.contains("panicked"), "{args:?}: {err}");
        assert!(!absent.exists(), "{args:?} made what it should read");
    }
    for args in [&["fly"][..], &["init"], &["audit", "verify"], &["dev", "--listen", "here"], &[]] {
        let (code, out, err) = end(args);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}");
        assert!(err.contains("Usage") || err.contains("--help"), "{args:?}: {err}");
    }
}

#[test]
fn every_fault_of_a_policy_is_told_at_once_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("policy.toml");
    let good = include_str!("../../config/policy.toml");
    let faulty = good
        .replace("context = \"none\"", "context = \"whim\"")
        .replace("country = \"US\"", "country = \"XX\"")
        .replace("basis = \"consent\"\nopt_out", "basis = \"consent\"\nadministrative = true\nopt_out");
    std::fs::write(&file, &faulty).unwrap();
    let (code, _, err) = end(&["policy", "check", path(&file)]);
    assert_eq!(code, Some(1));
    for (what, wanted) in [
        ("context = \"whim\"", "whim"),
        ("country = \"XX\"", "country"),
        ("administrative = true\nopt_out", "administrative"),
    ] {
        let line = faulty[..faulty.find(what).unwrap()].lines().count().max(1);
        let near = |told: &str| {
            let at = told
                .strip_prefix(path(&file))
                .and_then(|t| t.strip_prefix(':')?.split(':').next()?.parse().ok());
            at.is_some_and(|at: usize| at.abs_diff(line) <= 2)
        };
        assert!(err.lines().any(near), "{what} in line {line} ({wanted}):\n{err}");
    }
}
