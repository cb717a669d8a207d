//! What survives a restart: everything a snapshot and the log after it say, and never less.

use super::*;
use std::collections::BTreeMap;

/// A clock whose monotonic time begins with its process.
struct Process {
    wall: Arc<ManualClock>,
    began: Timestamp,
}

impl Clock for Process {
    fn wall(&self) -> Timestamp {
        self.wall.wall()
    }
    fn monotonic(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.wall.wall().0 - self.began.0).unwrap())
    }
}

fn process(wall: &Arc<ManualClock>) -> Limits {
    Limits::new(Settings::default(), Arc::new(Process { wall: wall.clone(), began: wall.wall() }))
}

/// The table of rows, as a store would keep it.
#[derive(Default)]
struct Disk(BTreeMap<(ClientNo, u32, i64), Vec<u8>>);

impl Disk {
    fn keep(&mut self, limits: &Limits, position: u64, now: Timestamp) {
        let snapshot = limits.full_snapshot((position, [0; 12]), now);
        for (rules, before) in &snapshot.stale {
            self.0.retain(|(_, rule, day), _| !(rules.contains(rule) && day < before));
        }
        for piece in &snapshot.pieces {
            self.0.insert((piece.client, piece.rule, piece.day), piece.body.clone());
        }
        limits.confirm(&snapshot);
    }
    fn read(&self) -> (Ledger, u64) {
        let Some(head) = self.0.get(&(ClientNo(0), 0, 0)) else { return (Ledger::default(), 0) };
        let (mut ledger, (position, _)) = Ledger::read(head).unwrap();
        for ((client, rule, day), body) in self.0.iter().filter(|((_, rule, _), _)| *rule != 0) {
            let piece = Piece { client: *client, rule: *rule, day: *day, body: body.clone() };
            ledger.put_back(&piece);
        }
        (ledger, position)
    }
}

fn tight() -> Declared {
    Declared {
        reads_per_second: Some(30),
        reads_per_minute: Some(100),
        reads_per_hour: 300,
        reads_per_day: Some(900),
        subjects_per_hour: Some(6),
        subjects_per_day: 12,
        ..declared()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Pause(i64),
    Ask { client: u16, cost: u32, subjects: Vec<u64> },
    Keep,
    Crash,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => prop_oneof![0_i64..1_500, 0_i64..100_000, 0_i64..40_000_000].prop_map(Step::Pause),
        6 => (1_u16..3, 0_u32..40, prop::collection::vec(0_u64..30, 0..4))
            .prop_map(|(client, cost, subjects)| Step::Ask { client, cost, subjects }),
        1 => Just(Step::Keep),
        1 => Just(Step::Crash),
    ]
}

/// What an event says.
type Logged = (ClientNo, Timestamp, u32, Vec<u64>);

/// Asks one vault; what was granted is what its event says.
fn ask(limits: &Limits, client: ClientNo, now: Timestamp, (cost, subjects): (u32, &[u64])) -> (bool, Logged) {
    let paid = limits.charge(client, &tight(), cost).is_ok();
    let seen = paid && limits.subjects(client, now, &tight(), subjects.iter().copied()).is_ok();
    let subjects = if seen { subjects.to_vec() } else { Vec::new() };
    (seen, (client, now, if paid { cost } else { 0 }, subjects))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_vault_that_crashes_grants_what_one_that_never_does_would(
        steps in prop::collection::vec(any_step(), 1..120), lag in 0_usize..4
    ) {
        let wall = Arc::new(ManualClock::at(NOON));
        let steady = process(&wall);
        let (mut limits, mut disk, mut log) = (process(&wall), Disk::default(), Vec::<Logged>::new());
        // With a lag, events are written after a snapshot that includes them already: counted twice, never not at all.
        for step in steps {
            match step {
                Step::Pause(ms) => wall.advance_us(ms * 1_000),
                Step::Ask { client, cost, subjects } => {
                    let (client, now) = (ClientNo(client), wall.wall());
                    let (granted, event) = ask(&limits, client, now, (cost, &subjects));
                    let steadily = ask(&steady, client, now, (cost, &subjects)).0;
                    if lag == 0 {
                        prop_assert_eq!(granted, steadily);
                    } else if granted && !steadily {
                        // What was granted by one alone is no longer comparable.
                        return Ok(());
                    }
                    log.push(event);
                }
                Step::Keep => disk.keep(&limits, log.len().saturating_sub(lag) as u64, wall.wall()),
                Step::Crash => {
                    let (mut ledger, position) = disk.read();
                    prop_assert!(ledger.incomplete().is_empty());
                    for (client, at, cost, subjects) in &log[usize::try_from(position).unwrap()..] {
                        ledger.replay(*client, &tight(), *at, (*cost, subjects.iter().copied()));
                    }
                    let again = process(&wall);
                    again.adopt(ledger, wall.wall());
                    for client in [ClientNo(1), ClientNo(2)] {
                        let (before, after) = [&limits, &again].map(|l| l.windows(client, &tight(), wall.wall())).into();
                        for ((name, before), (_, after)) in before.into_iter().zip(after).skip(1) {
                            prop_assert!(after.remaining <= before.remaining, "{name}: {after:?} {before:?}");
                            prop_assert!(lag > 0 || after == before, "{name}: {after:?} {before:?}");
                        }
                    }
                    limits = again;
                }
            }
        }
    }

    #[test]
    fn no_bytes_make_a_head_that_is_not_one(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Some((ledger, _)) = Ledger::read(&bytes) {
            let _no_panic = ledger.incomplete();
        }
    }
}

#[test]
fn a_snapshot_writes_only_what_is_new_and_a_missing_chunk_is_noticed() {
    let (wall, declared) =
        (Arc::new(ManualClock::at(NOON)), Declared { subjects_per_day: 50_000, ..declared() });
    let limits = process(&wall);
    let see = |limits: &Limits, ids: std::ops::Range<u64>| limits.subjects(SHOP, NOON, &declared, ids);
    let mut disk = Disk::default();
    assert!(see(&limits, 0..10_000).is_ok());
    let first = limits.snapshot((1, [0; 12]), NOON).unwrap();
    assert_eq!(
        first.pieces.iter().map(|p| p.body.len() / 8).take(3).collect::<Vec<_>>(),
        [4_096, 4_096, 1_808]
    );
    assert!(limits.snapshot((1, [0; 12]), NOON).is_some(), "what was not confirmed is written again");
    disk.keep(&limits, 1, NOON);
    assert!(limits.snapshot((2, [0; 12]), NOON).is_none(), "nothing is new");
    assert!(see(&limits, 9_999..10_001).is_ok());
    let next = limits.snapshot((2, [0; 12]), NOON).unwrap();
    assert_eq!(next.pieces.len(), 2, "the head and the one chunk that changed");
    disk.keep(&limits, 2, NOON);
    assert_eq!(disk.0.len(), 4);

    let (ledger, _) = disk.read();
    assert!(ledger.incomplete().is_empty());
    let again = process(&wall);
    again.adopt(ledger, NOON);
    assert_eq!(see(&again, 0..10_001).state().remaining, 39_999, "every one is known");
    assert!(see(&again, 20_000..30_000).is_ok());
    disk.keep(&again, 3, NOON);
    assert!(disk.read().0.incomplete().is_empty(), "chunks go on where they ended");

    for gone in 0..4 {
        let mut less = Disk(disk.0.clone());
        let key = *less.0.keys().filter(|(_, rule, _)| *rule != 0).nth(gone).unwrap();
        let body = less.0.remove(&key).unwrap();
        assert_eq!(less.read().0.incomplete(), [SHOP], "chunk {gone} is missing");
        less.0.insert(key, body[..body.len() - 8].to_vec());
        assert_eq!(less.read().0.incomplete(), [SHOP], "chunk {gone} is short");
        let mut doubled = body.clone();
        doubled.truncate(body.len() - 8);
        doubled.extend_from_slice(&body[..8]);
        less.0.insert(key, doubled);
        assert_eq!(less.read().0.incomplete(), [SHOP], "chunk {gone} names one twice");
    }
}

#[test]
fn a_client_of_whom_nothing_is_sure_has_nothing_left_until_it_drains() {
    let wall = Arc::new(ManualClock::at(NOON));
    let mut ledger = Ledger::default();
    ledger.exhaust(SHOP, NOON);
    let limits = process(&wall);
    limits.adopt(ledger, NOON);
    assert_eq!(retry(limits.charge(SHOP, &tight(), 1)).0, "reads_per_day");
    assert_eq!(retry(limits.subjects(SHOP, NOON, &tight(), 1..2)).0, "subjects_per_day");
    let mut disk = Disk::default();
    disk.keep(&limits, 9, NOON);
    let again = process(&wall);
    again.adopt(disk.read().0, NOON);
    assert!(!again.subjects(SHOP, NOON, &tight(), 1..2).is_ok(), "a restart does not help");
    seconds(&wall, 86_400);
    assert!(again.subjects(SHOP, wall.wall(), &tight(), 1..2).is_ok());
    assert!(again.charge(SHOP, &tight(), 30).is_ok());
}

#[test]
fn a_clock_set_back_over_a_restart_gives_nothing() {
    let wall = Arc::new(ManualClock::at(NOON));
    let limits = process(&wall);
    assert!(limits.charge(SHOP, &declared(), 4_000).is_ok());
    let mut disk = Disk::default();
    disk.keep(&limits, 1, NOON);
    seconds(&wall, -7_200);
    let again = process(&wall);
    again.adopt(disk.read().0, wall.wall());
    assert!(!again.charge(SHOP, &declared(), 1).is_ok());
    seconds(&wall, 1);
    assert!(again.charge(SHOP, &declared(), 1).is_ok(), "and takes nothing: time passes from here on");
}

#[test]
fn days_that_are_over_leave_the_disk() {
    let wall = Arc::new(ManualClock::at(NOON));
    let limits = process(&wall);
    let declared = Declared { subjects_per_hour: Some(5), ..declared() };
    let mut disk = Disk::default();
    for day in 0..3 {
        assert!(limits.subjects(SHOP, wall.wall(), &declared, day..day + 5).is_ok());
        disk.keep(&limits, 1, wall.wall());
        assert_eq!(disk.0.len(), 3, "the head, a day and an hour");
        seconds(&wall, 86_400);
    }
}
