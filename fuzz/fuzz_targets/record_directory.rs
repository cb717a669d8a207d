//! No bytes in the `sealed` column may make the reader of a record's directory panic; fields it reports ascend.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom::crypto::Keyring;

fuzz_target!(|data: &[u8]| {
    if let Ok(fields) = Keyring::directory(data) {
        assert!(fields.windows(2).all(|pair| pair[0] < pair[1]));
    }
});
