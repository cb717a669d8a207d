//! How many connections each peer has open: an IPv4 address counts for itself, an IPv6 address for its /64, since whoever
//! has one has all of it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is counted as one peer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Peer {
    V4(u32),
    V6(u64),
}

impl Peer {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::V4(v4.to_bits()),
            IpAddr::V6(v6) => Self::V6((v6.to_bits() >> 64) as u64),
        }
    }
}

/// Open connections by peer. No peer is kept that has none, so there are never more peers than connections.
#[derive(Default)]
pub struct Caps(Mutex<HashMap<Peer, u32>>);

impl Caps {
    /// A place for one more connection of this address; `None` when it has `most` already. Given back when dropped.
    pub fn admit(self: &Arc<Self>, address: IpAddr, most: u32) -> Option<Slot> {
        let peer = Peer::of(address);
        let mut open = self.lock();
        let count = open.entry(peer).or_insert(0);
        if *count >= most {
            // A peer without connections is not kept, not even one that may have none.
            if *count == 0 {
                open.remove(&peer);
            }
            return None;
        }
        *count += 1;
        drop(open);
        Some(Slot { caps: Arc::clone(self), peer })
    }

    /// Places taken now.
    pub fn open(&self) -> u64 {
        self.lock().values().map(|count| u64::from(*count)).sum()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Peer, u32>> {
        // Each change is one step, so a panic elsewhere leaves the counts whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection's place.
pub struct Slot {
    caps: Arc<Caps>,
    peer: Peer,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.caps.lock();
        if let Some(count) = open.get_mut(&self.peer) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_connections_and_gets_them_back() {
        let caps = Arc::new(Caps::default());
        let first = caps.admit(address("192.0.2.1"), 2).unwrap();
        let _second = caps.admit(address("::ffff:192.0.2.1"), 2).unwrap();
        assert!(caps.admit(address("192.0.2.1"), 2).is_none(), "mapped or not, it is the same address");
        let _other = caps.admit(address("192.0.2.2"), 2).unwrap();
        assert_eq!(caps.open(), 3);
        drop(first);
        assert!(caps.admit(address("192.0.2.1"), 2).is_some());
    }

    #[test]
    fn a_whole_64_of_ipv6_counts_as_one_peer() {
        let caps = Arc::new(Caps::default());
        let held: Vec<_> = (0..8).filter_map(|n| caps.admit(address(&format!("2001:db8::{n}")), 3)).collect();
        assert_eq!(held.len(), 3);
        assert!(caps.admit(address("2001:db8:0:1::1"), 3).is_some(), "the next /64 is another");
    }

    #[test]
    fn i10_peers_without_connections_are_forgotten() {
        let caps = Arc::new(Caps::default());
        for n in 0..10_000_u32 {
            assert!(caps.admit(IpAddr::V4(n.into()), 1).is_some());
            assert!(caps.admit(IpAddr::V4(n.into()), 0).is_none());
        }
        assert!(caps.lock().is_empty());
    }
}
