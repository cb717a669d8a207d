//! Requests the guard refuses before any route is found: counted by code, and nothing else is kept of them.

use crate::http::problem::Code;
use std::sync::atomic::{AtomicU64, Ordering};

/// More than there are codes; a test holds it so.
const ROOM: usize = 128;
static REFUSED: [AtomicU64; ROOM] = [const { AtomicU64::new(0) }; ROOM];

/// Counts one.
pub(super) fn count(code: Code) {
    if let Some(slot) = REFUSED.get(code as usize) {
        slot.fetch_add(1, Ordering::Relaxed);
    }
}

/// How many were refused by the guard, by code; those that never were are left out.
pub fn refused() -> Vec<(&'static str, u64)> {
    let counted = Code::all().iter().filter_map(|code| Some((code.name(), REFUSED.get(*code as usize)?)));
    counted.map(|(name, slot)| (name, slot.load(Ordering::Relaxed))).filter(|(_, count)| *count > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_place() {
        assert!(Code::all().iter().all(|code| (*code as usize) < ROOM));
        let of = |name: &str| refused().iter().find(|(n, _)| *n == name).map_or(0, |(_, count)| *count);
        let before = of("uri_too_long");
        count(Code::UriTooLong);
        assert!(of("uri_too_long") > before);
    }
}
