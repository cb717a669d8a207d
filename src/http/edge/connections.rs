//! How many connections are open: counted when one is taken (after its TLS handshake) and when it is gone, whatever ended it.

use actix_web::dev::Extensions;
use std::sync::atomic::{AtomicU64, Ordering};

static OPEN: AtomicU64 = AtomicU64::new(0);
static TAKEN: AtomicU64 = AtomicU64::new(0);

/// One open connection; lies among its data and goes with it.
struct Connection;

impl Drop for Connection {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Called with the data of every connection that is taken.
pub(super) fn taken(data: &mut Extensions) {
    OPEN.fetch_add(1, Ordering::Relaxed);
    TAKEN.fetch_add(1, Ordering::Relaxed);
    data.insert(Connection);
}

/// (open now, taken since the start), of all listeners of the process.
pub fn connections() -> (u64, u64) {
    (OPEN.load(Ordering::Relaxed), TAKEN.load(Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_counted_while_it_lasts() {
        let before = connections();
        let mut data = Extensions::new();
        taken(&mut data);
        assert!(connections().1 > before.1);
        let open = connections().0;
        drop(data);
        assert!(connections().0 < open + 1);
    }
}
