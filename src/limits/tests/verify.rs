//! Checks of credentials: who is held back, and what trying while held back changes (nothing).

use super::*;

const RECORD: [u8; 16] = [1; 16];
const LOGIN: [u8; 16] = [2; 16];
const OTHER: [u8; 16] = [3; 16];
const NETWORK: [u8; 16] = [9; 16];

fn check(subjects: &[[u8; 16]], source: Option<[u8; 16]>) -> Check<'_> {
    Check { subjects, source, network: NETWORK }
}

#[test]
fn a14_one_credential_has_one_counter_by_whichever_name() {
    let (limits, clock) = limits();
    for n in 0..10 {
        let by = if n % 2 == 0 { check(&[LOGIN, RECORD], None) } else { check(&[RECORD], None) };
        assert!(limits.verify(&by).is_ok());
    }
    for by in [check(&[LOGIN, RECORD], None), check(&[RECORD], None)] {
        assert_eq!(retry(limits.verify(&by)), ("subject", Duration::from_secs(6)));
    }
    assert!(limits.verify(&check(&[OTHER], None)).is_ok(), "another is free");
    seconds(&clock, 6);
    assert!(limits.verify(&check(&[RECORD], None)).is_ok());
}

#[test]
fn trying_while_locked_prolongs_nothing() {
    let (limits, clock) = limits();
    let source = [7; 16];
    (0..10).for_each(|_| assert!(limits.verify(&check(&[LOGIN, RECORD], Some(source))).is_ok()));
    for _ in 0..5 {
        for _ in 0..1_000 {
            assert!(!limits.verify(&check(&[LOGIN, RECORD], Some(source))).is_ok());
            assert!(!limits.may_verify(&check(&[RECORD], None)).is_ok());
        }
        seconds(&clock, 1);
    }
    assert_eq!(retry(limits.verify(&check(&[LOGIN, RECORD], Some(source)))).1, Duration::from_secs(1));
    seconds(&clock, 1);
    assert!(limits.verify(&check(&[LOGIN, RECORD], Some(source))).is_ok(), "no counter of it was touched");
    let others = (0..120).filter(|n| limits.verify(&check(&[[100 + n; 16]], Some(source))).is_ok()).count();
    assert_eq!(others, 119, "nor its source's: it was whole again but for the last one");
}

#[test]
fn a_source_and_a_network_are_held_back_whomever_they_try() {
    let (limits, _) = limits();
    let subject = |n: u32| -> [u8; 16] { std::array::from_fn(|i| n.to_be_bytes()[i % 4]) };
    let sources = [[7; 16], [8; 16]];
    for n in 0..120 {
        assert!(limits.verify(&check(&[subject(n)], Some(sources[0]))).is_ok());
    }
    assert_eq!(retry(limits.verify(&check(&[subject(999)], Some(sources[0])))).0, "source");
    assert!(limits.verify(&check(&[subject(999)], Some(sources[1]))).is_ok());
    let refused = (0..5_000)
        .map(|n| limits.verify(&check(&[subject(10_000 + n)], None)))
        .find(|verdict| !verdict.is_ok())
        .unwrap();
    assert_eq!(retry(refused).0, "network", "sources are named by the caller, its network is not");
}

#[test]
fn a11_i10_a_flood_of_names_stays_bounded() {
    let settings = Settings {
        max_keys: 1_600,
        verify_per_network_per_minute: NonZeroU32::new(u32::MAX).unwrap(),
        ..Settings::default()
    };
    let (limits, _) = limits_with(settings);
    assert!(limits.verify(&check(&[LOGIN, RECORD], None)).is_ok());
    let mut refused = 0;
    for n in 0_u128..1_000_000 {
        refused += u32::from(!limits.verify(&check(&[(n << 64 | n).to_be_bytes()], None)).is_ok());
    }
    assert!(limits.keys() <= 1_600 * 3 && refused > 900_000, "{} {refused}", limits.keys());
    assert!(
        limits.verify(&check(&[LOGIN, RECORD], None)).is_ok(),
        "who was known before keeps its own counter"
    );
}

#[test]
fn a_patient_attacker_is_held_to_the_hour() {
    let (limits, clock) = limits();
    let mut guesses = 0;
    for _ in 0..24 * 60 {
        guesses += (0..20).filter(|_| limits.verify(&check(&[LOGIN], None)).is_ok()).count();
        seconds(&clock, 60);
    }
    assert!((1_440..=1_500).contains(&guesses), "{guesses} in a day");
    let spent = (0..2).map(|_| limits.verify(&check(&[LOGIN], None)).is_ok()).filter(|ok| *ok).count();
    assert!(spent <= 2);
    let (scope, wait) = retry(limits.verify(&check(&[LOGIN], None)));
    assert_eq!(scope, "subject");
    seconds(&clock, i64::try_from(wait.as_secs()).unwrap() + 1);
    assert!(limits.verify(&check(&[LOGIN], None)).is_ok(), "the longer of two waits was told");
}
