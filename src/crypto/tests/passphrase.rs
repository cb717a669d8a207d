//! The passphrase as root: it opens what it wrapped, and stored costs are bounded before memory is asked for.

use super::support::{Counted, keys, vault};
use crate::crypto::Keyring;
use crate::crypto::root::{Passphrase, RootError, RootProvider};
use crate::domain::Sensitive;

#[test]
fn a46_a_passphrase_opens_its_keyring_and_another_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keyring");
    let right = Passphrase::new(Sensitive::text("eleven oak desks"));
    keys().write(&path, &right, &mut Counted::from(600)).unwrap();
    assert_eq!(Keyring::load(&path, &right).unwrap().vault(), vault(7));
    let wrong = Passphrase::new(Sensitive::text("eleven oak desk"));
    let error = Keyring::load(&path, &wrong).err().unwrap();
    assert!(error.to_string().contains("use the one it was written under"), "{error}");
    assert!(!error.to_string().contains("desk"));
}

#[test]
fn stored_costs_out_of_bounds_are_refused_before_memory_is_asked_for() {
    let passphrase = Passphrase::new(Sensitive::text("eleven oak desks"));
    let with = |memory: u32, iterations: u32| {
        let costs = [memory.to_be_bytes(), iterations.to_be_bytes()].concat();
        passphrase.unwrap(&[&[7; 16][..], &costs, &[9; 48]].concat(), b"context").err()
    };
    for (memory, iterations) in
        [(0, 3), (7, 3), (1024 * 1024 + 1, 3), (u32::MAX, 3), (65_536, 0), (65_536, 11), (65_536, u32::MAX)]
    {
        assert_eq!(
            with(memory, iterations),
            Some(RootError::Parameters),
            "{memory} KiB, {iterations} passes"
        );
    }
    assert_eq!(with(64, 1), Some(RootError::Denied), "within bounds it is stretched, and does not fit");
}

#[test]
fn a_wrap_of_another_length_is_refused() {
    let passphrase = Passphrase::new(Sensitive::text("eleven oak desks"));
    for len in (0..200).filter(|len| *len != 72) {
        assert!(passphrase.unwrap(&vec![0; len], b"context").is_err());
    }
}
