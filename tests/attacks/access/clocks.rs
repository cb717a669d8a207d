//! A18 and A52: what the time of an answer tells. Classes are asked in turn, so that whatever else the machine does falls
//! on all of them; the slowest tenth is left out; a difference counts when three rounds in a row show it.

use crate::caller::Client;
use crate::vault::Vault;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The bound of the attack list.
const BOUND: f64 = 4.5;

fn long() -> bool {
    std::env::var_os("STRONGROOM_LONG").is_some_and(|v| v == "1")
}

/// Mean and squared standard error of what is left without the slowest tenth.
fn summary(samples: &mut [f64]) -> (f64, f64) {
    samples.sort_by(f64::total_cmp);
    let kept = &samples[..samples.len() * 9 / 10];
    let n = kept.len() as f64;
    let mean = kept.iter().sum::<f64>() / n;
    let variance = kept.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, variance / n)
}

/// Welch's t of the two classes that differ most, with their numbers.
fn widest(classes: &mut [Vec<f64>]) -> (f64, usize, usize) {
    let all: Vec<_> = classes.iter_mut().map(|c| summary(c)).collect();
    let mut worst = (0.0, 0, 0);
    for a in 0..all.len() {
        for b in a + 1..all.len() {
            let t = (all[a].0 - all[b].0) / (all[a].1 + all[b].1).sqrt();
            if t.abs() > f64::abs(worst.0) {
                worst = (t, a, b);
            }
        }
    }
    worst
}

/// Asks every class `count` times, in turn and in another order each time: what went before falls on all alike.
fn measured(names: &[&str], count: usize, mut ask: impl FnMut(usize)) {
    let mut told = Vec::new();
    for _ in 0..3 {
        let mut classes = vec![Vec::with_capacity(count); names.len()];
        let mut dice = 0x2545_F491_4F6C_DD1D_u64;
        for _ in 0..count {
            let mut order: Vec<usize> = (0..names.len()).collect();
            for place in (1..order.len()).rev() {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                order.swap(place, (dice >> 33) as usize % (place + 1));
            }
            for class in order {
                let from = Instant::now();
                ask(class);
                classes[class].push(from.elapsed().as_secs_f64() * 1e6);
            }
        }
        let (t, a, b) = widest(&mut classes);
        if t.abs() < BOUND {
            return;
        }
        let means: Vec<String> =
            names.iter().zip(&mut classes).map(|(name, c)| format!("{name} {:.1}", summary(c).0)).collect();
        told.push(format!(
            "{} against {}: t = {t:.1}; microseconds: {}",
            names[a],
            names[b],
            means.join(", ")
        ));
    }
    panic!("told apart by time: {told:?}");
}

/// The measure itself must see what is there.
#[test]
fn a52_the_measure_tells_apart_what_differs_by_a_few_percent() {
    let noise = |n: usize| (n * 7919 % 101) as f64;
    let class = |shift: f64| (0..250).map(|n| 1_000.0 + shift + noise(n)).collect::<Vec<_>>();
    assert!(widest(&mut [class(0.0), class(0.0)]).0.abs() < BOUND);
    assert!(widest(&mut [class(0.0), class(30.0)]).0.abs() > BOUND);
}

/// Lesson 12, C05: a login that exists and one that does not take the same time to be refused. (Argon2 makes each slow.)
#[test]
fn a18_a_login_that_exists_is_refused_as_slowly_as_one_that_does_not() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let subject = shop.subject();
    shop.record(&subject, "credential", json!({"login": "ada", "password": "correct horse battery"}));
    let mut ask = |login: &str| {
        let body = json!({"login": login, "secret": "wrong horse battery"});
        shop.post("/v1/credentials/verify", body).is(200).json()
    };
    let from = Instant::now();
    assert_eq!(ask("ada"), ask("eda"));
    assert!(from.elapsed() > Duration::from_millis(20), "neither is refused without a hash");
    let count = if long() { 2_000 } else { 60 };
    measured(&["known", "unknown"], count, |class| {
        assert_eq!(ask(["ada", "eda"][class]), json!({"valid": false}));
    });
}

/// I5: tokens that are not there for the caller, whatever the reason, are told apart neither by bytes nor by time.
#[test]
fn a52_tokens_that_do_not_open_take_the_same_time_whatever_the_reason() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (subject, stored) = shop.ada();
    let mut mint = |record: &Value, more: Value| {
        let mut body = json!({"record": record, "fields": ["name"]});
        more.as_object().unwrap().iter().for_each(|(k, v)| body[k] = v.clone());
        shop.post("/v1/tokens", body).is(201).at("/tokens/name")
    };
    let foreign = mint(&stored["record"], json!({"audience": "mailer"}));
    let expired = mint(&stored["record"], json!({"expires_in": "1s"}));
    let revoked = mint(&stored["record"], json!({"uses": 5}));
    shop.post("/v1/tokens/revoke", json!({"tokens": [revoked]})).is(200);
    let doomed = shop.record(&subject, "contact", json!({"name": "Grace Hopper"}));
    shop.send(("DELETE", &crate::caller::at(&doomed)), &[], None).is(200);
    let erased = doomed["tokens"]["name"].as_str().unwrap().to_owned();
    let mut forged = erased.clone();
    forged.replace_range(20..21, if &erased[20..21] == "x" { "y" } else { "x" });
    std::thread::sleep(Duration::from_millis(1_100));
    let tokens = [foreign, forged, erased, expired, revoked];
    let names = ["another audience", "forged", "erased", "expired", "revoked"];
    let mut ask = |token: &str| {
        let body = json!({"purpose": "order_fulfilment", "tokens": [token]});
        loop {
            let reply = shop.post("/v1/detokenize", body.clone());
            if reply.status() != 429 {
                return reply.is(200).text();
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    };
    let bodies: Vec<String> = tokens.iter().map(|t| ask(t)).collect();
    assert!(bodies.iter().all(|b| *b == bodies[0]) && bodies[0].contains("not_found"), "{bodies:?}");
    let count = if long() { 5_000 } else { 250 };
    measured(&names, count, |class| {
        ask(&tokens[class]);
    });
}
