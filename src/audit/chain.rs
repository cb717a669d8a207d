//! The hash chain: each row's hash covers the row before it, its place, its commit time and its body.
//!
//! Keeps I1 checkable after the fact: a row cannot be changed, moved, left out or put in without changing every
//! hash after it. The commit time is covered too (`docs/decisions/0001-event-hash-covers-commit-time.md`).

use super::hash::sha256;
use crate::domain::Timestamp;
use crate::domain::disclosure::LogHead;

/// Domain separation of the event hash: seven bytes, no terminator.
const LABEL: &[u8] = b"SR1 evt";

/// What stands before the first event.
pub const GENESIS: [u8; 32] = [0; 32];

/// The place of an event: which node wrote it, in which boot, as which event of that boot, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link {
    /// The node; 0 on a single machine.
    pub node: u32,
    /// The boot of the node; never reused.
    pub boot: u64,
    /// The event's number within the boot, from 0.
    pub seq: u64,
    /// When it was committed.
    pub at: Timestamp,
}

/// The hash of an event:
/// `SHA-256("SR1 evt" ‖ previous ‖ node ‖ boot ‖ seq ‖ at_us ‖ body)`, integers big-endian and fixed-width.
pub fn chain(previous: &[u8; 32], link: &Link, body: &[u8]) -> [u8; 32] {
    sha256(&[
        LABEL,
        previous,
        &link.node.to_be_bytes(),
        &link.boot.to_be_bytes(),
        &link.seq.to_be_bytes(),
        &link.at.0.to_be_bytes(),
        body,
    ])
}

impl LogHead {
    /// The head of a log of `size` events whose last hash is `hash` ([`GENESIS`] for an empty log).
    pub fn from_hash(size: u64, hash: &[u8; 32]) -> Self {
        let mut hash12 = [0; 12];
        hash12.iter_mut().zip(hash).for_each(|(to, from)| *to = *from);
        Self { size, hash12 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    const LINK: Link = Link { node: 1, boot: 2, seq: 3, at: Timestamp(4) };

    #[test]
    fn the_hash_covers_every_part_of_the_link_and_the_body() {
        let base = chain(&GENESIS, &LINK, b"body");
        let others = [
            chain(&[1; 32], &LINK, b"body"),
            chain(&GENESIS, &Link { node: 2, ..LINK }, b"body"),
            chain(&GENESIS, &Link { boot: 3, ..LINK }, b"body"),
            chain(&GENESIS, &Link { seq: 4, ..LINK }, b"body"),
            chain(&GENESIS, &Link { at: Timestamp(5), ..LINK }, b"body"),
            chain(&GENESIS, &LINK, b"bodz"),
            chain(&GENESIS, &LINK, b""),
        ];
        assert!(others.iter().all(|other| *other != base));
    }

    #[test]
    fn the_preimage_is_the_documented_one() {
        let preimage = [
            b"SR1 evt".as_slice(),
            &[0; 32],
            &[0, 0, 0, 1],
            &[0, 0, 0, 0, 0, 0, 0, 2],
            &[0, 0, 0, 0, 0, 0, 0, 3],
            &[0, 0, 0, 0, 0, 0, 0, 4],
            b"body",
        ]
        .concat();
        assert_eq!(HEXLOWER.encode(&chain(&GENESIS, &LINK, b"body")), HEXLOWER.encode(&sha256(&[&preimage])));
    }

    #[test]
    fn a_head_is_the_size_and_the_first_twelve_bytes() {
        let hash: [u8; 32] = core::array::from_fn(|i| i as u8);
        let head = LogHead::from_hash(9, &hash);
        assert_eq!((head.size, head.hash12.as_slice()), (9, &hash[..12]));
    }
}
