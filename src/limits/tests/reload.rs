//! Settings taken over while serving: nobody gets back what it has used, and new numbers hold at once.

use super::*;

fn number(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

#[test]
fn a_reload_gives_nothing_back_and_the_new_numbers_hold_at_once() {
    let (limits, clock) = limits();
    let peer: IpAddr = "198.51.100.7".parse().unwrap();
    for _ in 0..30 {
        assert!(limits.failed_auth(peer).is_ok());
    }
    assert!(limits.subject_reads(7, 600).is_ok());
    assert!(limits.charge(SHOP, &declared(), 4_000).is_ok());
    for _ in 0..3 {
        limits.reload(&Settings::default());
        assert!(!limits.may_authenticate(peer).is_ok(), "locked before, locked after");
        assert!(!limits.subject_reads(7, 1).is_ok());
        assert!(!limits.charge(SHOP, &declared(), 1).is_ok());
    }
    let wider = Settings { failed_auth_per_ten_minutes: number(60), ..Settings::default() };
    limits.reload(&wider);
    assert!(!limits.may_authenticate(peer).is_ok(), "a window that was used up is used up");
    seconds(&clock, 10);
    assert!(limits.may_authenticate(peer).is_ok(), "but fills as the new number says");
    let fresh: IpAddr = "198.51.101.7".parse().unwrap();
    assert!((0..60).all(|_| limits.failed_auth(fresh).is_ok()) && !limits.failed_auth(fresh).is_ok());
}

#[test]
fn a_reload_long_after_the_start_counts_from_the_same_instant() {
    let (limits, clock) = limits();
    let peer: IpAddr = "198.51.100.7".parse().unwrap();
    seconds(&clock, 1_000_000);
    assert!((0..10).all(|_| limits.failed_auth(peer).is_ok()));
    limits.reload(&Settings::default());
    assert_eq!(limits.may_authenticate(peer).state().remaining, 20);
    seconds(&clock, 600);
    assert_eq!(limits.may_authenticate(peer).state().remaining, 30);
}

#[test]
fn i10_fewer_keys_hold_at_once_and_known_ones_stay_until_they_are_whole() {
    let (limits, clock) = limits();
    let network = |n: u32| IpAddr::from((n << 8).to_be_bytes());
    (0..5_000).for_each(|n| assert!(limits.network(network(n)).is_ok()));
    assert_eq!(limits.keys(), 5_000);
    limits.reload(&Settings { max_keys: 1_600, ..Settings::default() });
    (5_000..10_000).for_each(|n| assert!(limits.network(network(n)).state().quota > 0));
    assert_eq!(limits.keys(), 5_000, "none is added");
    seconds(&clock, 60);
    limits.housekeep();
    assert_eq!(limits.keys(), 0);
}

#[test]
fn bytes_of_a_client_follow_the_settings() {
    let (limits, _) = limits();
    assert!(limits.request(SHOP, &declared(), 60 << 20).is_ok());
    limits.reload(&Settings { client_bytes_per_second: number(1 << 20), ..Settings::default() });
    assert_eq!(retry(limits.request(SHOP, &declared(), 1)).0, "bytes", "what was sent stays sent");
}
