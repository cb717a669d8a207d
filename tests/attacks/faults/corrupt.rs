//! A45 (P2, P7, P10): pages, headers and logs of the database overwritten, removed, or another vault's. It refuses, or it
//! recovers: what it then says is something that was once true, and nothing is ever answered from a row that is not whole.

use super::load::Dice;
use super::script::{Script, Story, roomy};
use crate::served::Served;
use crate::vault::{path, run};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A stopped vault with some people in it, its files, and what its client knows.
struct Stopped {
    served: Served,
    files: BTreeMap<PathBuf, Vec<u8>>,
    stories: Vec<Story>,
}

fn stopped(orderly: bool) -> Stopped {
    let mut served = roomy().serve();
    let mut script = Script::new(&served.target, served.key("storefront"), None);
    assert!(script.begin());
    // Not an erasure last: that empties the write-ahead log.
    for _ in 0..26 {
        script.step().unwrap();
    }
    if orderly {
        served.signal("TERM");
        assert!(served.ended(std::time::Duration::from_secs(20)).success());
    } else {
        served.kill();
    }
    let files = super::disk::files(&served.data());
    Stopped { served, files, stories: script.stories }
}

impl Stopped {
    fn file(&self, name: &str) -> PathBuf {
        self.served.data().join(name)
    }
    /// Boots a changed copy: what is wrong with what it says. `None` stands for a refusal to start.
    fn boots(&mut self, change: impl FnOnce(&mut BTreeMap<PathBuf, Vec<u8>>)) -> Option<Vec<String>> {
        let mut files = self.files.clone();
        change(&mut files);
        super::disk::put(&self.served.data(), &files);
        self.served.start_unwatched(&[]);
        if !self.served.serves() {
            let status = self.served.ended(std::time::Duration::from_secs(5));
            assert!(!status.success());
            return None;
        }
        let mut script = Script::new(&self.served.target, self.served.key("storefront"), None);
        let mut wrong = Vec::new();
        for story in &self.stories {
            match script.value(&story.token) {
                // Refused, with an answer or by its end.
                Err(_) => {}
                Ok(found) if story.ever().contains(&found) => {}
                Ok(found) => wrong.push(format!("{found:?}, never one of {:?}", story.ever())),
            }
        }
        self.served.kill();
        Some(wrong)
    }
    fn verifies(&self) -> bool {
        run(&["audit", "verify", "--data-dir", path(&self.served.data())]).0
    }
}

fn long() -> bool {
    std::env::var_os("STRONGROOM_LONG").is_some()
}

#[test]
fn a45_p2_a_page_overwritten_with_noise_is_never_answered_from() {
    let mut vault = stopped(true);
    let database = vault.file("vault.db");
    let pages = vault.files[&database].len() / 4_096;
    let mut dice = Dice(0x5EED);
    let (mut refused, mut noticed) = (0, 0);
    let tried = if long() { pages } else { pages.min(16) };
    for n in 0..tried {
        let page = if long() { n } else { dice.roll(pages as u64) as usize };
        let noise: Vec<u8> = (0..4_096).map(|_| dice.roll(256) as u8).collect();
        let booted = vault.boots(|files| {
            files.get_mut(&database).unwrap()[page * 4_096..(page + 1) * 4_096].copy_from_slice(&noise);
        });
        match booted {
            None => refused += 1,
            Some(wrong) => {
                assert!(wrong.is_empty(), "page {page}: {wrong:#?}");
                noticed += usize::from(!vault.verifies());
            }
        }
    }
    println!("{tried} pages of noise: {refused} refused at the start, {noticed} more named by verify");
    assert!(refused + noticed > 0, "noise over {tried} pages was never noticed");
}

#[test]
fn a45_p7_what_the_write_ahead_log_lost_is_recovered_or_refused() {
    let mut vault = stopped(false);
    let (database, wal) = (vault.file("vault.db"), vault.file("vault.db-wal"));
    let length = vault.files[&wal].len();
    assert!(length > 8_192, "nothing in the log to lose: {length}");
    let whole = vault.boots(|_| {});
    assert_eq!(whole, Some(Vec::new()), "an untouched copy serves");
    type Change = fn(&mut Vec<u8>);
    let changes: [(&str, Change); 5] = [
        ("noise behind its end", |wal| wal.extend(std::iter::repeat_n(0xA5, 9_000))),
        ("a torn last frame", |wal| wal.truncate(wal.len() - 700)),
        ("noise in the middle", |wal| {
            let middle = wal.len() / 2;
            wal[middle..middle + 64].fill(0x5A);
        }),
        ("noise over its header", |wal| wal[..32].fill(0xFF)),
        ("nothing left of it", Vec::clear),
    ];
    for (what, change) in changes {
        match vault.boots(|files| change(files.get_mut(&wal).unwrap())) {
            None => println!("{what}: refused"),
            Some(wrong) => {
                assert!(wrong.is_empty(), "{what}: {wrong:#?}");
                assert!(vault.verifies(), "{what}: served, and the log does not verify");
            }
        }
    }
    for header in [0, 16, 18, 24, 28, 92, 96] {
        let booted = vault.boots(|files| files.get_mut(&database).unwrap()[header] ^= 0xFF);
        assert!(booted.is_none_or(|wrong| wrong.is_empty()), "header byte {header}");
    }
}

#[test]
fn a45_p10_the_log_of_another_vault_is_never_taken_for_its_own() {
    let other = stopped(false);
    let mut vault = stopped(false);
    let wal = vault.file("vault.db-wal");
    let foreign = other.files[&other.file("vault.db-wal")].clone();
    let booted = vault.boots(|files| drop(files.insert(wal.clone(), foreign.clone())));
    assert!(booted.as_ref().is_none_or(Vec::is_empty), "{booted:#?}");
    let database = vault.file("vault.db");
    let foreign: &Path = &other.file("vault.db");
    let bytes = other.files[foreign].clone();
    let booted = vault.boots(|files| {
        files.remove(&wal);
        files.insert(database, bytes);
    });
    assert!(booted.is_none(), "another vault's database under this keyring: {booted:?}");
}
