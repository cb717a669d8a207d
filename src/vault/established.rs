//! Keys and the networks they come from. After too many failed keys a network is turned away before another key of it is
//! looked at, so that guessing gets nowhere. A key that has proved itself from that network lately is let in all the
//! same: whoever shares a client's network must not be able to lock that client out (lessons 14, docs/decisions/0007).

use crate::domain::Clock;
use smallvec::SmallVec;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a key counts as established in a network.
const LATELY: Duration = Duration::from_secs(24 * 3_600);
/// Most networks remembered of one key; the longest unseen gives way (I10).
const MOST: usize = 8;

/// The networks a key has authenticated from lately.
#[derive(Default)]
pub(in crate::vault) struct Established(Mutex<SmallVec<[(IpAddr, Duration); MOST]>>);

/// The /24 or /64 that a failed authentication counts against.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(v4) => IpAddr::from((v4.to_bits() >> 8 << 8).to_be_bytes()),
        IpAddr::V6(v6) => IpAddr::from((v6.to_bits() >> 64 << 64).to_be_bytes()),
    }
}

impl Established {
    /// The key was good, from here, now.
    pub(in crate::vault) fn note(&self, peer: IpAddr, clock: &dyn Clock) {
        let (here, now) = (network(peer), clock.monotonic());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, last)) = known.iter_mut().find(|(network, _)| *network == here) {
            *last = now;
            return;
        }
        if known.len() == MOST {
            let oldest = known.iter().enumerate().min_by_key(|(_, (_, last))| *last).map(|(i, _)| i);
            oldest.map(|i| known.swap_remove(i));
        }
        known.push((here, now));
    }

    /// Whether the key was good from here lately.
    pub(in crate::vault) fn lately(&self, peer: IpAddr, clock: &dyn Clock) -> bool {
        let (here, now) = (network(peer), clock.monotonic());
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().any(|(network, last)| *network == here && now.saturating_sub(*last) < LATELY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::clock::ManualClock;

    #[test]
    fn a_key_is_established_in_the_networks_it_came_from_lately() {
        let clock = ManualClock::at(Timestamp(0));
        let known = Established::default();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(!known.lately(ip("10.1.2.3"), &clock));
        known.note(ip("10.1.2.3"), &clock);
        assert!(known.lately(ip("10.1.2.200"), &clock) && known.lately(ip("::ffff:10.1.2.9"), &clock));
        assert!(!known.lately(ip("10.1.3.3"), &clock));
        clock.advance_us(86_400_000_000);
        assert!(!known.lately(ip("10.1.2.3"), &clock), "a day later it is a stranger again");
    }

    #[test]
    fn i10_of_many_networks_the_latest_are_remembered() {
        let clock = ManualClock::at(Timestamp(0));
        let known = Established::default();
        for n in 0..100_u8 {
            known.note(IpAddr::from([10, 0, n, 1]), &clock);
            clock.advance_us(1);
        }
        let standing = (0..100_u8).filter(|n| known.lately(IpAddr::from([10, 0, *n, 1]), &clock));
        assert_eq!(standing.collect::<Vec<_>>(), (92..100).collect::<Vec<u8>>());
    }
}
