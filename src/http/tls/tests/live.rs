//! Theme 19: material replaced while serving, whole or not at all.

use super::trust::{Authority, at, files};
use super::*;
use crate::domain::Clock;
use crate::domain::clock::ManualClock;
use std::sync::Arc;

struct World {
    dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
    ca: Authority,
    live: Live,
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(at(0)));
    let ca = Authority::new("clients");
    let files = files(dir.path(), &ca.pem(), Some(&ca.crl(&[], 900)));
    let shared: Arc<dyn Clock> = clock.clone();
    let live = Live::open(files, shared).unwrap();
    World { dir, clock, ca, live }
}

impl World {
    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).unwrap();
    }
    fn renew(&self) {
        let fresh = tempfile::tempdir().unwrap();
        let made = generate_development_certificate(fresh.path()).unwrap();
        for (from, name) in [(made.certificate, "cert.pem"), (made.key, "key.pem")] {
            std::fs::copy(from, self.dir.path().join(name)).unwrap();
        }
    }
    fn refused(&self, code: &str) {
        let served = self.live.current();
        let trust_no = self.live.trust_no();
        let Err(error) = self.live.reload() else { panic!("{code} was taken over") };
        assert_eq!(error.code(), code);
        assert!(Arc::ptr_eq(&served, &self.live.current()), "the last good set is served");
        assert!(self.live.is_stale() && self.live.trust_no() == trust_no);
    }
}

#[test]
fn the_set_is_swapped_whole_and_trust_counts_only_its_own_changes() {
    let world = world();
    let changes = world.live.changes();
    assert!(!world.live.reload().unwrap(), "nothing changed");
    world.renew();
    assert!(world.live.reload().unwrap());
    assert_eq!(world.live.trust_no(), 0, "a renewed server certificate says nothing of clients");
    assert!(!changes.has_changed().unwrap());
    world.put("crl.pem", &world.ca.crl(&[7], 900));
    assert!(world.live.reload().unwrap());
    assert_eq!(world.live.trust_no(), 1);
    assert!(changes.has_changed().unwrap());
    let leaf = [world.ca.client(&["strongroom:client:storefront"], 7, 500)];
    assert!(world.live.current().trust.as_ref().unwrap().judge(&leaf, at(0)).is_none());
    world.put("clients.pem", &(world.ca.pem() + "\n"));
    assert!(world.live.reload().unwrap());
    assert_eq!(world.live.trust_no(), 2);
}

#[test]
fn whatever_is_wrong_with_a_new_set_the_last_good_one_stays() {
    let world = world();
    let (good_ca, good_crl) = (world.ca.pem(), world.ca.crl(&[], 900));
    let other = Authority::new("other");
    world.put("crl.pem", "");
    world.refused("tls_client_crl");
    world.put("crl.pem", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
    world.refused("tls_client_crl");
    world.put("crl.pem", &other.crl(&[], 900));
    world.refused("tls_crl_of_ca");
    world.put("crl.pem", &world.ca.crl(&[], -1));
    world.refused("tls_crl_expired");
    std::fs::remove_file(world.dir.path().join("crl.pem")).unwrap();
    world.refused("tls_client_crl");
    world.put("crl.pem", &good_crl);
    world.put("clients.pem", "nothing");
    world.refused("tls_client_ca");
    world.put("clients.pem", &(good_ca.clone() + &other.pem()));
    world.refused("tls_crl_of_ca");
    world.put("clients.pem", &good_ca);
    world.put("cert.pem", &good_ca);
    world.refused("tls_pair");
    world.renew();
    assert!(world.live.reload().unwrap());
    assert!(!world.live.is_stale(), "a good set ends it");
}

#[test]
fn a_list_that_ends_while_it_is_served_is_said_to_be_stale_at_the_next_reading() {
    let world = world();
    world.clock.advance_us(901 * 1_000_000);
    world.refused("tls_crl_expired");
}

#[test]
fn what_has_expired_starts_all_the_same_and_trusts_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Authority::new("clients");
    let files = files(dir.path(), &ca.pem(), Some(&ca.crl(&[], -1)));
    let live = Live::open(files, Arc::new(ManualClock::at(at(0)))).unwrap();
    let leaf = [ca.client(&["strongroom:client:storefront"], 7, 500)];
    assert!(live.current().trust.as_ref().unwrap().judge(&leaf, at(0)).is_none());
}

#[test]
fn changes_are_tried_once_and_only_when_they_hold_still() {
    let world = world();
    let mut watcher = Watcher::new(&world.live);
    assert!(!watcher.due() && !watcher.due());
    world.put("crl.pem", &world.ca.crl(&[1], 900));
    assert!(!watcher.due(), "it may still be being written");
    world.put("crl.pem", &(world.ca.crl(&[1], 900) + &world.ca.crl(&[2], 900)));
    assert!(!watcher.due());
    assert!(watcher.due());
    assert!(!watcher.due() && !watcher.due(), "once");
    std::fs::remove_file(world.dir.path().join("crl.pem")).unwrap();
    assert!(!watcher.due());
    assert!(watcher.due(), "a file taken away is a change");
    world.put("crl.pem", "x");
    watcher.tried();
    assert!(!watcher.due() && !watcher.due(), "tried by request");
}
