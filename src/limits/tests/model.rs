//! The windows against a slow model that keeps every charge ever made and judges by the definition.

use super::*;

/// A charge that was taken: when (ms) and how much.
type Taken = Vec<(u64, u64)>;

/// Units × ms by which a window is filled at `now`: the worst, over all beginnings, of what came since less what drained.
fn filled(taken: &Taken, now: u64, quota: u64, length: u64) -> u64 {
    let since = |from: usize| {
        let came: u64 = taken[from..].iter().map(|(_, units)| units * length).sum();
        came.saturating_sub(quota * (now - taken[from].0))
    };
    (0..taken.len()).map(since).max().unwrap_or(0)
}

fn windows(declared: &Declared) -> Vec<(&'static str, u64, u64)> {
    let some = |name, quota: Option<u32>, length| quota.map(|quota| (name, u64::from(quota), length));
    let all = [
        some("reads_per_second", declared.reads_per_second, 1_000),
        some("reads_per_minute", declared.reads_per_minute, 60_000),
        some("reads_per_hour", Some(declared.reads_per_hour), 3_600_000),
        some("reads_per_day", declared.reads_per_day, 86_400_000),
    ];
    all.into_iter().flatten().collect()
}

fn fits(taken: &Taken, now: u64, units: u64, (_, quota, length): (&str, u64, u64)) -> bool {
    filled(taken, now, quota, length) + units * length <= quota * length
}

prop_compose! {
    fn any_declared()(second in prop::option::of(1_u32..20), minute in prop::option::of(1_u32..100), hour in 1_u32..400,
        day in prop::option::of(1_u32..1_000)) -> Declared {
        Declared {
            reads_per_second: second,
            reads_per_minute: minute,
            reads_per_hour: hour,
            reads_per_day: day,
            ..declared()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn several_windows_are_charged_as_the_definition_says(
        declared in any_declared(),
        steps in prop::collection::vec((0_u32..30, prop_oneof![0_u64..50, 0_u64..2_000, 0_u64..4_000_000]), 1..80),
    ) {
        let (limits, clock) = limits();
        let (mut now, mut taken) = (0, Taken::new());
        for (cost, pause) in steps {
            now += pause;
            clock.advance_us(i64::try_from(pause * 1_000).unwrap());
            let units = u64::from(cost);
            let windows = windows(&declared);
            let refusing: Vec<_> = windows.iter().filter(|w| !fits(&taken, now, units, **w)).collect();
            match limits.charge(SHOP, &declared, cost) {
                Verdict::Ok(state) => {
                    prop_assert!(refusing.is_empty(), "{refusing:?}");
                    taken.push((now, units));
                    let left = windows.iter().map(|(_, q, l)| (q * l - filled(&taken, now, *q, *l)) / l).min();
                    prop_assert_eq!(Some(state.remaining), left, "the tightest window is shown");
                }
                Verdict::Limited { name, retry_after, .. } => {
                    prop_assert!(refusing.iter().any(|(refused, ..)| *refused == name), "{name} {refusing:?}");
                    let wait = u64::try_from(retry_after.as_millis()).unwrap();
                    if windows.iter().all(|(_, quota, _)| units <= *quota) {
                        let fit = |later| windows.iter().all(|w| fits(&taken, now + later, units, *w));
                        prop_assert!(fit(wait), "waiting as told is enough for every window");
                        prop_assert!(wait == 1_000 || !fit(wait - 1), "and not a millisecond too long");
                    }
                }
            }
        }
    }
}

#[test]
fn the_limit_that_refuses_is_named_and_it_is_the_one_that_lasts_longest() {
    let (limits, clock) = limits();
    let declared = Declared {
        reads_per_second: Some(5),
        reads_per_minute: Some(10),
        reads_per_hour: 20,
        reads_per_day: Some(30),
        ..declared()
    };
    let spend = |cost| limits.charge(SHOP, &declared, cost);
    assert_eq!(retry(spend(6)), ("reads_per_second", Duration::from_secs(1)), "more than fits in any second");
    assert!(spend(5).is_ok());
    assert_eq!(retry(spend(1)).0, "reads_per_second");
    seconds(&clock, 1);
    assert!(spend(5).is_ok());
    seconds(&clock, 1);
    assert_eq!(retry(spend(5)), ("reads_per_minute", Duration::from_secs(28)));
    for _ in 0..2 {
        seconds(&clock, 60);
        assert!(spend(5).is_ok());
    }
    seconds(&clock, 60);
    let (name, wait) = retry(spend(5));
    assert_eq!(name, "reads_per_hour");
    seconds(&clock, i64::try_from(wait.as_secs()).unwrap() + 1);
    assert!(spend(5).is_ok());
    seconds(&clock, 3_600);
    assert!(spend(5).is_ok());
    assert_eq!(retry(spend(5)).0, "reads_per_day");
    assert_eq!(
        retry(spend(10)).0,
        "reads_per_second",
        "ten never fit in a second: no wait helps, which is told first"
    );
}

#[test]
fn hours_and_days_of_subjects_are_counted_apart_and_both_must_have_room() {
    let (limits, clock) = limits();
    let declared = Declared { subjects_per_hour: Some(2), subjects_per_day: 3, ..declared() };
    let see = |ids: &[u64], now: Timestamp| limits.subjects(SHOP, now, &declared, ids.iter().copied());
    let hour = |n: i64| Timestamp(NOON.0 + n * 3_600_000_000);
    assert!(see(&[1, 2], NOON).is_ok());
    assert_eq!(retry(see(&[3], NOON)), ("subjects_per_hour", Duration::from_secs(3_600)));
    assert!(see(&[1, 2], NOON).is_ok(), "known ones are free");
    assert_eq!(
        see(&[1, 3], hour(1)).state().remaining,
        0,
        "in another hour a known one counts for the hour alone"
    );
    assert_eq!(
        retry(see(&[4], hour(1))),
        ("subjects_per_day", Duration::from_secs(39_600)),
        "the longer wait"
    );
    assert_eq!(retry(see(&[4], hour(2))).0, "subjects_per_day");
    assert!(see(&[2, 3], hour(2)).is_ok(), "a refusal counted in neither set");
    assert!(!see(&[1], hour(2)).is_ok());
    assert!(see(&[4, 5], hour(12)).is_ok(), "a new day");
    let names: Vec<_> = limits.windows(SHOP, &declared, hour(12)).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["requests_per_second", "reads_per_hour", "subjects_per_day", "subjects_per_hour"]);
    drop(clock);
}

#[test]
fn when_a_wider_hour_ends_what_was_used_in_it_is_no_debt_and_no_gift() {
    let (limits, clock) = limits();
    let wide = Declared { reads_per_hour: 40_000, reads_per_day: Some(60_000), ..declared() };
    let narrow = Declared { reads_per_day: Some(60_000), ..declared() };
    assert!(limits.charge(SHOP, &wide, 40_000).is_ok());
    let (name, wait) = retry(limits.charge(SHOP, &narrow, 1));
    assert_eq!(
        (name, wait),
        ("reads_per_hour", Duration::from_secs(1)),
        "the hour is used up, and fills from now on"
    );
    seconds(&clock, 3_600);
    assert!(limits.charge(SHOP, &narrow, 4_000).is_ok());
    assert!(
        !limits.charge(SHOP, &wide, 36_001).is_ok(),
        "what was used before counts in the next wider hour"
    );
    assert!(limits.charge(SHOP, &wide, 18_000).is_ok());
    assert_eq!(
        retry(limits.charge(SHOP, &wide, 1_000)).0,
        "reads_per_day",
        "which has a ceiling that nothing lifts"
    );
}
