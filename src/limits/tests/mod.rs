//! What limits promise, on a clock that is moved by hand.

mod lasting;
mod model;
mod reload;
mod verify;

use super::*;
use crate::domain::Timestamp;
use crate::domain::clock::ManualClock;
use proptest::prelude::*;
use std::num::NonZeroU32;
use std::time::Duration;

const SHOP: ClientNo = ClientNo(1);
const NOON: Timestamp = Timestamp(20_000 * 86_400_000_000 + 43_200_000_000);

fn declared() -> Declared {
    Declared {
        requests_per_second: 10,
        reads_per_second: None,
        reads_per_minute: None,
        reads_per_hour: 4_000,
        reads_per_day: None,
        subjects_per_hour: None,
        subjects_per_day: 5,
    }
}

/// Noon of a day.
fn at(day: i64) -> Timestamp {
    Timestamp(day * 86_400_000_000 + 43_200_000_000)
}

fn limits_with(settings: Settings) -> (Limits, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(NOON));
    (Limits::new(settings, Arc::clone(&clock) as Arc<dyn Clock>), clock)
}

fn limits() -> (Limits, Arc<ManualClock>) {
    limits_with(Settings::default())
}

fn seconds(clock: &ManualClock, n: i64) {
    clock.advance_us(n * 1_000_000);
}

fn retry(verdict: Verdict) -> (&'static str, Duration) {
    match verdict {
        Verdict::Limited { name, retry_after, .. } => (name, retry_after),
        Verdict::Ok(state) => panic!("must be limited: {state:?}"),
    }
}

#[test]
fn a11_a_batch_of_100_costs_100_units_and_the_fields_say_so() {
    let (limits, _) = limits();
    let state = limits.charge(SHOP, &declared(), 100).state();
    assert_eq!(state, State { quota: 4_000, window_seconds: 3_600, remaining: 3_900, reset_seconds: 90 });
    assert_eq!(limits.charge(SHOP, &declared(), 1).state().remaining, 3_899);
    assert_eq!(limits.charge(SHOP, &declared(), 0).state().quota, 4_000);
}

#[test]
fn a_charge_that_does_not_fit_consumes_nothing() {
    let (limits, clock) = limits();
    assert!(limits.charge(SHOP, &declared(), 3_000).is_ok());
    for _ in 0..10 {
        let verdict = limits.charge(SHOP, &declared(), 1_001);
        assert_eq!(verdict.state().remaining, 1_000);
        assert_eq!(retry(verdict), ("reads_per_hour", Duration::from_millis(1_000)));
    }
    assert_eq!(limits.charge(SHOP, &declared(), 1_000).state().remaining, 0);
    let (_, wait) = retry(limits.charge(SHOP, &declared(), 2_000));
    assert_eq!(wait, Duration::from_secs(1_800));
    seconds(&clock, 1_800);
    assert!(limits.charge(SHOP, &declared(), 2_000).is_ok());
}

#[test]
fn more_than_the_whole_quota_is_refused_with_a_wait_and_costs_nothing() {
    let (limits, _) = limits();
    assert_eq!(retry(limits.charge(SHOP, &declared(), 4_001)).1, Duration::from_secs(3_600));
    assert_eq!(limits.charge(SHOP, &declared(), 4_000).state().remaining, 0);
}

#[test]
fn the_whole_hour_may_be_spent_at_once_and_comes_back_evenly() {
    let (limits, clock) = limits();
    assert!(limits.charge(SHOP, &declared(), 4_000).is_ok());
    assert!(!limits.charge(SHOP, &declared(), 1).is_ok());
    seconds(&clock, 9);
    assert!(limits.charge(SHOP, &declared(), 10).is_ok());
    assert!(!limits.charge(SHOP, &declared(), 1).is_ok());
}

#[test]
fn clients_do_not_share_quotas_and_a_new_policy_takes_effect_at_once() {
    let (limits, _) = limits();
    assert!(limits.charge(SHOP, &declared(), 4_000).is_ok());
    assert!(limits.charge(ClientNo(2), &declared(), 4_000).is_ok());
    let wider = Declared { reads_per_hour: 8_000, ..declared() };
    assert_eq!(limits.charge(SHOP, &wider, 1).state().remaining, 3_999, "what was used stays used");
    let narrower = Declared { reads_per_hour: 100, ..declared() };
    assert_eq!(limits.charge(SHOP, &narrower, 0).state().remaining, 0, "and is no debt under a smaller one");
    let closed = Declared { reads_per_hour: 0, requests_per_second: 0, ..declared() };
    assert_eq!(retry(limits.charge(SHOP, &closed, 1)).0, "reads_per_hour");
    assert_eq!(retry(limits.request(SHOP, &closed, 0)).0, "requests_per_second");
}

#[test]
fn requests_and_bytes_of_a_client_are_both_limited() {
    let settings =
        Settings { client_bytes_per_second: NonZeroU32::new(1_000).unwrap(), ..Settings::default() };
    let (limits, clock) = limits_with(settings);
    assert!((0..10).all(|_| limits.request(SHOP, &declared(), 10).is_ok()));
    let (name, wait) = retry(limits.request(SHOP, &declared(), 10));
    assert_eq!(
        (name, wait),
        ("requests_per_second", Duration::from_secs(1)),
        "429 always waits a second or more"
    );
    seconds(&clock, 1);
    assert_eq!(retry(limits.request(SHOP, &declared(), u64::MAX)).0, "bytes");
    assert!(limits.request(SHOP, &declared(), 8_000_000).is_ok());
    assert_eq!(retry(limits.request(SHOP, &declared(), 8_000_000)).0, "bytes");
}

#[test]
fn a09_networks_are_keyed_by_24_and_64_and_mapped_addresses_are_what_they_map() {
    let key = |text: &str| network_key(text.parse().unwrap());
    assert_eq!(key("203.0.113.9"), key("203.0.113.200"));
    assert_eq!(key("203.0.113.9"), key("::ffff:203.0.113.1"));
    assert_ne!(key("203.0.113.9"), key("203.0.114.9"));
    assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
    assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
}

#[test]
fn failed_authentications_lock_a_network_out_and_only_that_one() {
    let (limits, clock) = limits();
    let (bad, good): (IpAddr, IpAddr) = ("198.51.100.7".parse().unwrap(), "198.51.101.7".parse().unwrap());
    for _ in 0..30 {
        assert!(limits.may_authenticate(bad).is_ok());
        assert!(limits.failed_auth(bad).is_ok());
    }
    let (name, wait) = retry(limits.may_authenticate(bad));
    assert_eq!((name, wait), ("failed_auth", Duration::from_secs(20)));
    assert_eq!(limits.failed_auth(bad).state(), limits.may_authenticate(bad).state());
    assert!(limits.may_authenticate(good).is_ok());
    seconds(&clock, 20);
    assert_eq!(limits.may_authenticate(bad).state().remaining, 1);
    assert_eq!(limits.may_authenticate(bad).state().remaining, 1, "a look costs nothing");
}

#[test]
fn one_subject_can_be_read_only_so_much_by_all_together() {
    let (limits, _) = limits();
    assert_eq!(limits.subject_reads(42, 600).state().remaining, 0);
    assert_eq!(retry(limits.subject_reads(42, 6)), ("subject_reads_per_hour", Duration::from_secs(36)));
    assert!(limits.subject_reads(43, 6).is_ok());
}

#[test]
fn a22_distinct_subjects_are_counted_exactly_and_known_ones_are_free() {
    let (limits, _) = limits();
    let see = |ids: &[u64]| limits.subjects(SHOP, at(20_000), &declared(), ids.iter().copied());
    assert_eq!(see(&[1, 2, 2, 1]).state().remaining, 3);
    assert_eq!(see(&[1, 2]).state().remaining, 3);
    let refused = see(&[3, 4, 5, 6]);
    assert_eq!(
        refused.state(),
        State { quota: 5, window_seconds: 86_400, remaining: 3, reset_seconds: 43_200 }
    );
    assert_eq!(retry(refused), ("subjects_per_day", Duration::from_secs(43_200)));
    assert_eq!(see(&[3, 4, 5]).state().remaining, 0, "a refusal counted none of its subjects");
    assert!(!see(&[6]).is_ok() && see(&[5, 1, 3]).is_ok());
    assert!(
        !limits.subjects(SHOP, at(19_999), &declared(), [6].into_iter()).is_ok(),
        "a clock set back gives nothing"
    );
    assert!(limits.subjects(SHOP, at(20_001), &declared(), [6].into_iter()).is_ok());
    assert!(limits.subjects(ClientNo(2), at(20_000), &declared(), 0..5).is_ok());
    assert!(
        !limits.subjects(ClientNo(3), at(20_000), &declared(), 0..u64::MAX).is_ok(),
        "an endless list is cut short"
    );
    let many_of_one = std::iter::repeat_n(7, 100_000);
    assert_eq!(limits.subjects(ClientNo(4), at(20_000), &declared(), many_of_one).state().remaining, 4);
}

#[test]
fn i10_a11_a_million_random_networks_stay_bounded_and_share_one_bucket() {
    let settings =
        Settings { network_burst: NonZeroU32::new(100).unwrap(), max_keys: 1_600, ..Settings::default() };
    let (limits, clock) = limits_with(settings);
    let regular: IpAddr = "192.0.2.1".parse().unwrap();
    assert!(limits.network(regular).is_ok());
    let mut state = 1_u64;
    let mut refused = 0_u32;
    for _ in 0..1_000_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let address = IpAddr::from((u128::from(state) << 64 | u128::from(state)).to_be_bytes());
        refused += u32::from(!limits.network(address).is_ok());
    }
    assert!(limits.keys() <= 1_600);
    assert!(refused > 990_000, "networks beyond the cap share one bucket: {refused}");
    assert_eq!(limits.network(regular).state().remaining, 98, "a network known before keeps its own");
    seconds(&clock, 3_600);
    limits.housekeep();
    assert_eq!(limits.keys(), 0);
}

proptest! {
    #[test]
    fn no_sequence_of_charges_spends_more_than_quota_and_refill(
        steps in prop::collection::vec((0_u32..3_000, 0_i64..120), 1..60)
    ) {
        let (limits, clock) = limits();
        let (mut spent, mut elapsed) = (0_u64, 0_u64);
        for (cost, pause) in steps {
            seconds(&clock, pause);
            elapsed += u64::try_from(pause).unwrap();
            match limits.charge(SHOP, &declared(), cost) {
                Verdict::Ok(_) => spent += u64::from(cost),
                Verdict::Limited { retry_after, .. } => prop_assert!(retry_after >= Duration::from_secs(1)),
            }
            prop_assert!(spent <= 4_000 + elapsed * 4_000 / 3_600 + 1);
        }
    }

    #[test]
    fn after_the_wait_it_names_the_same_charge_fits(first in 1_u32..4_000, second in 1_u32..4_000) {
        let (limits, clock) = limits();
        prop_assert!(limits.charge(SHOP, &declared(), first).is_ok());
        if let Verdict::Limited { retry_after, .. } = limits.charge(SHOP, &declared(), second) {
            clock.advance_us(i64::try_from(retry_after.as_micros()).unwrap() + 1);
            prop_assert!(limits.charge(SHOP, &declared(), second).is_ok());
        }
    }
}
