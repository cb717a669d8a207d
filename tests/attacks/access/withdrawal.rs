//! A20: a consent withdrawn while a thousand reads are under way.

use crate::caller::Client;
use crate::vault::Vault;
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Shows C14 and C15: no read that began after the withdrawal was acknowledged shows the value, and none that was committed
/// after it, though it was read before; none is refused before it was asked for.
#[test]
fn a20_no_read_that_began_after_the_withdrawal_was_acknowledged_succeeds() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (subject, stored) = shop.ada();
    let email = &stored["tokens"]["email"];
    for round in 0..4 {
        shop.consent(&subject, "newsletter", true);
        let (asked, acknowledged, stop) =
            (AtomicBool::new(false), AtomicBool::new(false), AtomicBool::new(false));
        let (shown, late) = (AtomicUsize::new(0), AtomicUsize::new(0));
        // The longest log that a reply with the value told of.
        let last_shown = AtomicU64::new(0);
        let reader = || {
            let mut mailer = Client::of(&vault, "mailer");
            while !stop.load(Ordering::SeqCst) {
                let began_after = acknowledged.load(Ordering::SeqCst);
                let body = json!({"purpose": "newsletter", "tokens": [email]});
                let reply = mailer.post("/v1/detokenize", body);
                if reply.status() == 429 {
                    std::thread::sleep(std::time::Duration::from_millis(200));
                    continue;
                }
                let told = size(reply.header("strongroom-checkpoint"));
                let item = reply.is(200).json()["results"][0].clone();
                if item["value"] == "ada@example.org" {
                    assert!(!began_after, "round {round}: shown after the withdrawal");
                    shown.fetch_add(1, Ordering::SeqCst);
                    last_shown.fetch_max(told, Ordering::SeqCst);
                } else {
                    assert_eq!(item["error"]["rule"], "consent_missing", "{item}");
                    assert!(asked.load(Ordering::SeqCst), "round {round}: refused before it was withdrawn");
                    late.fetch_add(usize::from(began_after), Ordering::SeqCst);
                }
            }
        };
        let mut withdrawal = 0;
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(reader);
            }
            let wait = |counter: &AtomicUsize, least: usize| {
                let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
                while counter.load(Ordering::SeqCst) < least && std::time::Instant::now() < deadline {
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
            };
            wait(&shown, 150);
            asked.store(true, Ordering::SeqCst);
            let path = format!("/v1/subjects/{subject}/consents/newsletter");
            let withdrawn = shop.put(&path, json!({"granted": false, "evidence": {"channel": "web-form"}}));
            withdrawal = size(withdrawn.header("strongroom-checkpoint"));
            withdrawn.is(200);
            acknowledged.store(true, Ordering::SeqCst);
            wait(&late, 100);
            stop.store(true, Ordering::SeqCst);
        });
        let (shown, late) = (shown.into_inner(), late.into_inner());
        // Whatever was committed after the withdrawal was judged after it, also when it was read before.
        let last = last_shown.into_inner();
        assert!(last <= withdrawal, "round {round}: shown at {last} of the log, withdrawn by {withdrawal}");
        assert!(shown >= 150 && late >= 100, "round {round}: {shown} shown, {late} refused after");
    }
}

/// The size of the log that a reply names.
fn size(checkpoint: Option<&str>) -> u64 {
    checkpoint.unwrap_or("0:").split(':').next().unwrap().parse().unwrap()
}
