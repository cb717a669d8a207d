//! A41 and A42 (P7, P8, P18): the disk a power cut leaves, and the disk that fails to sync.

use super::disk::{Entry, Files, after_cut, files, put, read, under};
use super::load::Dice;
use super::script::{Script, Story, roomy, verifies};
use crate::served::Served;
use std::time::{Duration, SystemTime};

const EIO: i32 = 5;

fn long() -> bool {
    std::env::var_os("STRONGROOM_LONG").is_some()
}

/// A vault that worked under the layer and was killed: what it began with, what it changed, what its client knows.
struct Worked {
    served: Served,
    base: Files,
    entries: Vec<Entry>,
    stories: Vec<Story>,
}

fn worked(steps: usize) -> Worked {
    let mut served = roomy().serve();
    served.kill();
    let (data, journal) = (served.data(), served.dir.path().join("journal"));
    let base = files(&data);
    served.again(&under(&data, Some(&journal), None));
    let mut script = Script::new(&served.target, served.key("storefront"), Some(&journal));
    assert!(script.begin());
    for _ in 0..steps {
        assert!(script.step().is_some(), "nothing fails here");
    }
    served.kill();
    verifies(&served, "before any cut");
    let entries = read(&journal);
    assert!(entries.len() > steps * 5, "the journal has {} changes", entries.len());
    Worked { served, base, entries, stories: script.stories }
}

impl Worked {
    /// Boots the disk a cut after so many changes leaves, and what it says that it may not.
    fn cut(&mut self, upto: usize, dice: &mut Dice, honest: bool) -> Vec<String> {
        put(&self.served.data(), &after_cut(&self.base, &self.entries[..upto], dice, honest));
        self.served.start_unwatched(&[]);
        if !self.served.serves() {
            return vec![format!("it does not start after {upto} changes: {}", self.served.log())];
        }
        let mut reader = Script::new(&self.served.target, self.served.key("storefront"), None);
        reader.stories.clone_from(&self.stories);
        let wrong = reader.wrong(self.entries[upto - 1].end);
        self.served.kill();
        wrong
    }
}

#[test]
fn a41_p7_after_a_power_cut_everything_acknowledged_is_there() {
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = std::env::var("STRONGROOM_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(clock) | 1;
    println!("STRONGROOM_SEED={seed}");
    let mut dice = Dice(seed);
    let mut worked = worked(if long() { 400 } else { 120 });
    let all = worked.entries.len();
    let cuts = if long() { 1_000 } else { 100 };
    for n in 0..cuts {
        // Some cuts at the very end: everything but the last changes was synced.
        let upto = if n % 8 == 0 { all } else { 1 + dice.roll(all as u64) as usize };
        let wrong = worked.cut(upto, &mut dice, true);
        assert!(wrong.is_empty(), "cut {n} after {upto} changes: {wrong:#?}");
        verifies(&worked.served, &format!("cut {n} after {upto} changes"));
    }
    println!("{cuts} power cuts within {all} changes");
}

#[test]
fn a41_a_disk_that_lies_about_syncs_is_noticed_by_the_same_check() {
    let mut dice = Dice(7);
    let mut worked = worked(24);
    let all = worked.entries.len();
    let noticed = (0..8).filter(|_| !worked.cut(all, &mut dice, false).is_empty()).count();
    assert!(noticed > 0, "eight disks that lost what they had synced went unnoticed");
}

#[test]
fn a42_p8_the_first_sync_that_fails_stops_the_vault_and_loses_nothing() {
    let mut served = roomy().serve();
    let data = served.data();
    let mut script = Script::new(&served.target, served.key("storefront"), None);
    assert!(script.begin());
    let most = if long() { 400 } else { 24 };
    let (mut stopped, mut at_start) = (0, 0);
    for k in 1..=most {
        served.kill();
        let fail = format!("sync:{EIO}:{k}:/vault.db");
        served.start_unwatched(&under(&data, None, Some(&fail)));
        match serve_until_it_fails(&mut served, &mut script) {
            Some(acknowledged) => {
                assert!(acknowledged < 64, "sync {k} never failed, or was not noticed");
                stopped += 1;
            }
            None => at_start += 1,
        }
        let status = served.ended(Duration::from_secs(5));
        assert!(!status.success(), "sync {k}: {status}");
        served.again(&[]);
        // The connection to the one that ended may look open still.
        script.reconnect();
        let wrong = script.wrong(u64::MAX);
        assert!(wrong.is_empty(), "sync {k}: {wrong:#?}");
    }
    served.kill();
    verifies(&served, "after all");
    assert!(stopped > most / 2, "{stopped} stopped while serving, {at_start} at the start");
    println!("{most} failing syncs: {stopped} while serving, {at_start} at the start");
}

/// Works until nothing is answered any more; how much was acknowledged, or `None` when it never served.
fn serve_until_it_fails(served: &mut Served, script: &mut Script) -> Option<usize> {
    let began = std::time::Instant::now();
    while script.ask("GET", "/v1/whoami", None).is_none() {
        if served.has_ended() {
            return None;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "neither serves nor ends");
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut acknowledged = 0;
    while acknowledged < 64 && script.step().is_some() {
        acknowledged += 1;
    }
    // After the first refusal nothing may be acknowledged, by anybody.
    assert!(script.step().is_none(), "acknowledged after a sync that failed");
    Some(acknowledged)
}
