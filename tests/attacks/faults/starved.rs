//! Memory that runs out (P7, P10): the vault refuses, or ends; it never answers wrong, and what it acknowledged is there.

use super::script::{Script, roomy, verifies};
use serde_json::json;
use std::process::Command;
use std::time::Duration;

#[test]
fn p7_out_of_memory_it_refuses_or_ends_and_loses_nothing() {
    let mut served = roomy().serve();
    let mut script = Script::new(&served.target, served.key("storefront"), None);
    assert!(script.begin());
    for _ in 0..8 {
        script.step().unwrap();
    }
    for spare_mib in [64, 16, 4] {
        let size = memory(served.process(), "VmSize") + spare_mib * 1024;
        let limit = format!("--as={}:", size * 1024);
        let set =
            Command::new("prlimit").args(["--pid", &served.process().to_string(), &limit]).status().unwrap();
        assert!(set.success(), "prlimit");
        press(&served.target, served.key("storefront"));
        for _ in 0..8 {
            let _ = script.step();
        }
        let free = Command::new("prlimit")
            .args(["--pid", &served.process().to_string(), "--as=unlimited:"])
            .output()
            .unwrap();
        if served.has_ended() {
            served.again(&[]);
        } else {
            assert!(free.status.success(), "{}", String::from_utf8_lossy(&free.stderr));
        }
        let wrong = script.wrong(u64::MAX);
        assert!(wrong.is_empty(), "with {spare_mib} MiB left: {wrong:#?}");
        assert!(script.step().is_some(), "with {spare_mib} MiB left it does not go on");
    }
    served.kill();
    verifies(&served, "after all");
}

fn memory(process: u32, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix(what)?.strip_prefix(':')).unwrap();
    line.trim().split(' ').next().unwrap().parse().unwrap()
}

/// Asks for what takes memory, from many connections: password checks and large bodies.
fn press(target: &crate::client::Target, key: &str) {
    std::thread::scope(|scope| {
        for n in 0..16 {
            scope.spawn(move || {
                let mut script = Script::new(target, key, None);
                for _ in 0..3 {
                    if n % 2 == 0 {
                        let body = json!({"login": format!("nobody{n}"), "secret": "correct horse battery"});
                        let _ = script.ask("POST", "/v1/credentials/verify", Some(&body));
                    } else {
                        let tokens = vec!["srt_nothing_that_is_there_at_all_but_long"; 20_000];
                        let body = json!({"purpose": "order_fulfilment", "tokens": tokens});
                        let _ = script.ask("POST", "/v1/detokenize", Some(&body));
                    }
                }
            });
        }
    });
    std::thread::sleep(Duration::from_millis(200));
}
