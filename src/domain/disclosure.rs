//! Proof that an event is durable, and plaintext that waits for it (I1).
//!
//! A verb makes an [`EventTicket`] with its event, opens fields under that ticket ([`Undisclosed`]), commits the
//! change set that carries the event, and gets a [`Receipt`]. Only that receipt releases the plaintext.

use super::sensitive::Sensitive;
use std::sync::atomic::{AtomicU64, Ordering};
use zeroize::Zeroize;

static NEXT_TICKET: AtomicU64 = AtomicU64::new(1);

/// Names one event of this process, before it is durable. Not `Clone`: one event, one ticket.
#[derive(PartialEq, Eq, Debug)]
pub struct EventTicket(u64);

impl EventTicket {
    /// A ticket no other event has.
    pub fn next() -> Self {
        Self(NEXT_TICKET.fetch_add(1, Ordering::Relaxed))
    }
    /// The ticket's number, for the receipt.
    pub fn number(&self) -> u64 {
        self.0
    }
}

/// The store's word that an event is durable on the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receipt {
    ticket: u64,
    /// Position of the event in the log.
    pub position: u64,
    /// Number of events on the log, and the first 12 bytes of the head's hash, after the commit.
    pub head: LogHead,
}

impl Receipt {
    /// Only `storage` calls this, after the fsync (`tests/architecture.rs` holds it to that).
    pub(crate) fn dangerous_mint(ticket: u64, position: u64, head: LogHead) -> Self {
        Self { ticket, position, head }
    }
}

/// The head of the audit log: its size and the beginning of its last hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogHead {
    /// Number of events.
    pub size: u64,
    /// First 12 bytes of the head hash.
    pub hash12: [u8; 12],
}

/// Plaintext nobody may see yet.
pub struct Undisclosed<T: Zeroize> {
    inner: Sensitive<T>,
    ticket: u64,
}

/// The receipt is of another event than the one that reports this plaintext.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the receipt belongs to another event")]
pub struct WrongReceipt;

impl<T: Zeroize> Undisclosed<T> {
    /// Holds plaintext back until the ticket's event is durable.
    pub fn hold(inner: T, ticket: &EventTicket) -> Self {
        Self { inner: Sensitive::new(inner), ticket: ticket.number() }
    }
    /// Releases it to the receipt of that very event.
    pub fn release(self, receipt: &Receipt) -> Result<Sensitive<T>, WrongReceipt> {
        if receipt.ticket == self.ticket { Ok(self.inner) } else { Err(WrongReceipt) }
    }
    /// Looks at the plaintext inside the vault without disclosing it: to compare a search hit or mask a value.
    /// Only `vault` calls this (`tests/architecture.rs` holds it to that).
    pub(crate) fn dangerous_peek(&self) -> &T {
        // EXPOSE: the caller compares or masks and keeps the result undisclosed.
        self.inner.expose()
    }
    /// Changes the held plaintext in place (masks it) without disclosing it.
    pub(crate) fn dangerous_map<U: Zeroize>(self, f: impl FnOnce(&T) -> U) -> Undisclosed<U> {
        // EXPOSE: the result is held under the same ticket.
        Undisclosed { inner: Sensitive::new(f(self.inner.expose())), ticket: self.ticket }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i1_only_the_receipt_of_its_own_event_releases_plaintext() {
        let (mine, other) = (EventTicket::next(), EventTicket::next());
        let head = LogHead { size: 1, hash12: [0; 12] };
        let held = || Undisclosed::hold(String::from("x"), &mine);
        assert!(held().release(&Receipt::dangerous_mint(other.number(), 1, head)).is_err());
        assert!(held().release(&Receipt::dangerous_mint(mine.number(), 1, head)).is_ok());
    }
}
