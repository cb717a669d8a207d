//! A39 (P10, P11): the wall clock steps by a month, goes back, stands still. The log's order stays, nothing expired revives,
//! and a clock that is behind what was written is refused.

use super::disk::under;
use super::script::{Script, roomy, verifies};
use crate::served::Served;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Not so long that the clients' keys end meanwhile.
const MONTH: i64 = 30 * 86_400;

struct Stepped {
    served: Served,
    script: Script,
    clock: PathBuf,
}

impl Stepped {
    fn new() -> Self {
        let mut served = roomy().serve();
        served.kill();
        let clock = served.dir.path().join("clock");
        std::fs::write(&clock, "0").unwrap();
        let script = Script::new(&served.target, served.key("storefront"), None);
        let mut stepped = Self { served, script, clock };
        stepped.restart();
        assert!(stepped.served.serves() && stepped.script.begin());
        for _ in 0..4 {
            stepped.script.step().unwrap();
        }
        stepped
    }
    fn restart(&mut self) {
        let mut env = under(&self.served.data(), None, None);
        env.push(("STRONGROOM_CLOCK".to_owned(), self.clock.to_str().unwrap().to_owned()));
        self.served.start_unwatched(&env);
        self.script.reconnect();
    }
    fn off_by(&self, seconds: i64) {
        std::fs::write(&self.clock, seconds.to_string()).unwrap();
    }
    fn minted(&mut self, life: &str) -> String {
        let (_, record) = self.script.last_living();
        let body = json!({"record": record, "fields": ["name"], "expires_in": life});
        let answer = self.script.ask("POST", "/v1/tokens", Some(&body)).unwrap();
        answer.json()["tokens"]["name"].as_str().unwrap_or_else(|| panic!("{}", answer.json())).to_owned()
    }
    fn times(&self) -> Vec<(u64, String)> {
        let args = ["audit", "tail", "--data-dir", crate::vault::path(&self.served.data()), "-n", "10000"]
            .map(str::to_owned);
        let (ok, out, err) = crate::vault::run(&args.each_ref().map(String::as_str));
        assert!(ok, "{err}");
        let one = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            (line["position"].as_u64().unwrap(), line["committed_at"].as_str().unwrap().to_owned())
        };
        out.lines().map(one).collect()
    }
}

#[test]
fn a39_p10_a_clock_set_back_revives_nothing_and_is_refused() {
    let mut vault = Stepped::new();
    let token = vault.minted("1h");
    assert!(vault.script.value(&token).unwrap().is_some());
    vault.off_by(2 * 3_600);
    assert_eq!(vault.script.value(&token).unwrap(), None, "expired an hour ago");
    // The log has an event two hours ahead now: a clock set back is behind it.
    vault.off_by(0);
    let answer = vault.script.value(&token);
    assert!(
        answer.clone().is_ok_and(|found| found.is_none()) || answer.is_err(),
        "an expired token revived: {answer:?}"
    );
    vault.served.kill();
    vault.restart();
    if vault.served.serves() {
        let answer = vault.script.value(&token);
        assert!(
            answer.clone().is_ok_and(|found| found.is_none()) || answer.is_err(),
            "revived by a restart: {answer:?}"
        );
        let ready = vault.served.ready();
        assert_ne!(ready, 200, "ready with a clock two hours behind its own log");
        vault.served.kill();
    }
    // Set right again, everything goes on.
    vault.off_by(2 * 3_600);
    vault.restart();
    assert!(vault.served.serves(), "{}", vault.served.log());
    assert!(vault.script.step().is_some());
    assert!(vault.script.wrong(u64::MAX).is_empty());
    vault.served.kill();
    verifies(&vault.served, "a clock set back");
}

#[test]
fn a39_p11_the_log_keeps_its_order_whatever_the_clock_does() {
    let mut vault = Stepped::new();
    for step in [1, -3, 10, MONTH, MONTH - 4] {
        vault.off_by(step);
        for _ in 0..2 {
            let _ = vault.script.step();
        }
    }
    vault.off_by(MONTH);
    let answer = vault.script.explain();
    assert!(vault.script.step().is_some(), "{answer} {}", vault.served.log());
    vault.served.kill();
    verifies(&vault.served, "after all steps");
    let times = vault.times();
    let mut sorted = times.clone();
    sorted.sort();
    let (mut by_time, by_seq) = (sorted.clone(), sorted);
    by_time.sort_by(|a, b| a.1.cmp(&b.1).then(a.0.cmp(&b.0)));
    assert!(times.len() > 8);
    assert_eq!(by_time, by_seq, "an event is stamped before one that came earlier");
}
