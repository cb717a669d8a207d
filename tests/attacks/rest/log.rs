//! A35: the audit log truncated, cut, reordered, edited, renumbered and replaced. The verifier that is built in and the one
//! that was written from the published format alone find the same first bad position; what an unkeyed chain cannot show, a
//! log that ends early or was written anew, the checkpoint shows that somebody kept.

use super::estate::{Estate, copied, sql};
use crate::vault::{path, run};
use std::path::Path;
use std::process::Command;

/// What a verifier says: whole, or the position it names.
#[derive(PartialEq, Eq, Debug, Clone, Copy)]
enum Verdict {
    Whole,
    Broken(u64),
    Truncated,
}

fn verdict(ok: bool, said: &str) -> Verdict {
    if ok {
        return Verdict::Whole;
    }
    assert!(!said.contains("panicked") && !said.contains("Traceback"), "{said}");
    let after = said.split_once("position ").map(|(_, rest)| rest);
    let digits = after.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    match digits.and_then(|d| d.parse().ok()) {
        Some(position) if !said.contains("truncated") => Verdict::Broken(position),
        _ => Verdict::Truncated,
    }
}

/// Both verifiers' verdicts.
fn verdicts(data: &Path, checkpoint: Option<&str>) -> [Verdict; 2] {
    let mut args = vec!["audit", "verify", "--data-dir", path(data)];
    args.extend(checkpoint.iter().flat_map(|c| ["--checkpoint", c]));
    let (ok, out, err) = run(&args);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/verify_audit.py");
    let mut python = Command::new("python3");
    python.arg(script).arg(data.join("vault.db"));
    python.args(checkpoint.iter().flat_map(|c| ["--checkpoint", c]));
    let other = python.output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&other.stdout), String::from_utf8_lossy(&other.stderr));
    [verdict(ok, &format!("{out}{err}")), verdict(other.status.success(), &said)]
}

/// P2, P11: the first position that is not as it was written is named, by both verifiers alike.
#[test]
fn a35_whatever_is_done_to_the_log_its_first_bad_position_is_named() {
    let mut estate = Estate::new();
    let kept = estate.shop().get("/v1/whoami").header("strongroom-checkpoint").unwrap().to_owned();
    let (dir, _) = estate.rest();
    let data = dir.path().join("data");
    assert_eq!(verdicts(&data, Some(&kept)), [Verdict::Whole; 2]);
    let last: u64 = {
        let db = rusqlite::Connection::open(data.join("vault.db")).unwrap();
        let last: i64 = db.query_row("SELECT max(pos) FROM audit", [], |row| row.get(0)).unwrap();
        last as u64
    };
    let at =
        |position: u64, edit: &str| (format!("UPDATE audit SET {edit} WHERE pos = {position}"), position);
    let swap = |a: u64, b: u64| {
        (
            format!(
                "UPDATE audit SET pos = -1 WHERE pos = {a}; UPDATE audit SET pos = {a} WHERE pos = {b}; UPDATE audit SET pos = {b} WHERE pos = -1;"
            ),
            a,
        )
    };
    let renumbered = |from: u64| {
        format!(
            "UPDATE audit SET pos = -pos WHERE pos > {from}; UPDATE audit SET pos = -pos - 1 WHERE pos < 0;"
        )
    };
    for (attack, first) in [
        at(3, "at_us = at_us + 1"),
        at(3, "seq = seq + 1"),
        at(4, "boot = boot + 1"),
        at(4, "node = 2"),
        at(5, "body = CAST(substr(body, 1, length(body) - 1) || x'00' AS BLOB)"),
        at(last, "hash = zeroblob(32)"),
        at(2, "body = zeroblob(0)"),
        ("DELETE FROM audit WHERE pos = 5".to_owned(), 5),
        ("DELETE FROM audit WHERE pos BETWEEN 4 AND 9".to_owned(), 4),
        ("DELETE FROM audit WHERE pos = 1".to_owned(), 1),
        (format!("DELETE FROM audit WHERE pos = 5; {}", renumbered(5)), 5),
        swap(6, 7),
        swap(3, last),
        (
            format!(
                "INSERT INTO audit SELECT {last} + 1, node, boot, seq, at_us, body, hash FROM audit WHERE pos = {last}"
            ),
            last + 1,
        ),
    ] {
        let (_copy, data) = copied(&dir);
        sql(&data, &attack);
        let [ours, other] = verdicts(&data, None);
        assert_eq!(ours, Verdict::Broken(first), "{attack}");
        assert_eq!(other, ours, "{attack}: by the other verifier");
    }
    // Cut short: only a checkpoint tells.
    let (_copy, data) = copied(&dir);
    sql(&data, "DELETE FROM audit WHERE pos > 6");
    assert_eq!(verdicts(&data, None), [Verdict::Whole; 2], "from inside a shorter log is a whole one");
    assert!(verdicts(&data, Some(&kept)).iter().all(|v| *v != Verdict::Whole));
}

/// P2, P3: a log whose hashes were made anew after an edit verifies by itself, and is not the one that was kept; nor is that
/// of another vault.
#[test]
fn a35_a_log_written_anew_or_replaced_is_not_the_one_that_was_kept() {
    use strongroom::audit::{Link, chain};
    let mut estate = Estate::new();
    let kept = estate.shop().get("/v1/whoami").header("strongroom-checkpoint").unwrap().to_owned();
    let (dir, _) = estate.rest();
    let (_copy, data) = copied(&dir);
    {
        // The attacker takes a second from one event and computes every hash after it again.
        let db = rusqlite::Connection::open(data.join("vault.db")).unwrap();
        db.execute("UPDATE audit SET at_us = at_us - 1 WHERE pos = 4", []).unwrap();
        let mut select =
            db.prepare("SELECT pos, node, boot, seq, at_us, body FROM audit ORDER BY pos").unwrap();
        let mut rows = select.query([]).unwrap();
        let mut last = [0; 32];
        let mut hashes = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let number = |n: usize| row.get::<_, i64>(n).unwrap();
            let at = strongroom::domain::Timestamp(number(4));
            let link = Link { node: number(1) as u32, boot: number(2) as u64, seq: number(3) as u64, at };
            last = chain(&last, &link, &row.get::<_, Vec<u8>>(5).unwrap());
            hashes.push((number(0), last));
        }
        for (pos, hash) in hashes {
            db.execute("UPDATE audit SET hash = ?1 WHERE pos = ?2", (hash.as_slice(), pos)).unwrap();
        }
    }
    assert_eq!(verdicts(&data, None), [Verdict::Whole; 2]);
    assert!(verdicts(&data, Some(&kept)).iter().all(|v| *v != Verdict::Whole));
    let (other, _) = Estate::new().rest();
    let (_copy, data) = copied(&dir);
    sql(
        &data,
        &format!(
            "ATTACH '{}' AS other; DELETE FROM audit; INSERT INTO audit SELECT * FROM other.audit;",
            other.path().join("data/vault.db").display()
        ),
    );
    assert_eq!(verdicts(&data, None), [Verdict::Whole; 2]);
    assert!(verdicts(&data, Some(&kept)).iter().all(|v| *v != Verdict::Whole));
    assert!(super::estate::doctor_fails(&data), "no row is one that such a log knows");
}
