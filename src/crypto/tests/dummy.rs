//! I5: the dummy does the work of a real record, or the difference would tell.

use super::support::{Counted, keys, vault};
use crate::crypto::{Dummy, Keyring};

#[test]
fn i5_the_dummy_really_opens() {
    let keys = keys();
    let dummy = Dummy::new(&keys, &mut Counted::from(40)).unwrap();
    assert_eq!(dummy.opened(&keys), [true; 3], "subject row, head, field");
    assert!(dummy.check_grant(&keys));
    dummy.open(&keys);
    assert_eq!(dummy.opened(&keys), [true; 3], "and again");
}

#[test]
fn i5_the_dummy_opens_in_a_development_vault_and_after_a_rotation() {
    let keys = Keyring::create(vault(3), true, &mut Counted::from(1)).unwrap();
    let dummy = Dummy::new(&keys, &mut Counted::from(40)).unwrap();
    assert_eq!(dummy.opened(&keys), [true; 3]);
    let rotated = keys.rotated(true, &mut Counted::from(60));
    assert_eq!(dummy.opened(&rotated), [true; 3]);
}

#[test]
fn a_dummy_of_other_keys_shows_that_its_work_was_not_done() {
    let dummy = Dummy::new(&keys(), &mut Counted::from(40)).unwrap();
    let other = Keyring::create(vault(7), false, &mut Counted::from(99)).unwrap();
    assert_eq!(dummy.opened(&other), [false; 3]);
    let gone = keys().rotated(false, &mut Counted::from(60));
    assert_eq!(dummy.opened(&gone), [false; 3], "a dummy is made anew when its keys are destroyed");
}
