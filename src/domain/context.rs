//! A registered context: that this client works on an order, a ticket or a session of a person, and who is to use it.
//!
//! The row holds no reference and no name in clear: its id is a keyed digest of (kind, reference, subject), the person it is
//! assigned to another one (I6). That it was registered proves something only to others: a reader never vouches for himself.

use super::{ClientNo, Timestamp};
use std::time::Duration;

/// The kinds of context, as requests and acts (`context.register:order`) spell them.
pub const KINDS: [&str; 3] = ["order", "ticket", "session"];

/// The longest life of a context.
pub const MAX_LIFE: Duration = Duration::from_secs(366 * 86_400);

/// The stored state of a context: one sealed control row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContextRow {
    /// The client that registered it.
    pub registered_by: ClientNo,
    /// Keyed digest of the person it is assigned to; `None`: to nobody in particular.
    pub assigned_to: Option<[u8; 16]>,
    /// When it was first registered.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl ContextRow {
    /// Whether it speaks for a read: registered by another than the reader, not ended, and, if assigned, read for the very
    /// person (`person` is the digest of the one the reader names).
    pub fn vouches(&self, reader: ClientNo, person: Option<&[u8; 16]>, now: Timestamp) -> bool {
        let assigned = self.assigned_to.as_ref().is_none_or(|to| person == Some(to));
        self.registered_by != reader && now < self.expires_at && assigned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> ContextRow {
        ContextRow {
            registered_by: ClientNo(1),
            assigned_to: Some([7; 16]),
            created_at: Timestamp(0),
            expires_at: Timestamp(100),
        }
    }

    #[test]
    fn a_context_speaks_for_the_person_it_is_assigned_to_until_it_ends() {
        assert!(row().vouches(ClientNo(2), Some(&[7; 16]), Timestamp(99)));
        assert!(!row().vouches(ClientNo(2), Some(&[7; 16]), Timestamp(100)), "it has ended");
        assert!(!row().vouches(ClientNo(2), Some(&[8; 16]), Timestamp(99)), "another person");
        assert!(!row().vouches(ClientNo(2), None, Timestamp(99)), "nobody was named");
        let open = ContextRow { assigned_to: None, ..row() };
        assert!(
            open.vouches(ClientNo(2), None, Timestamp(99))
                && open.vouches(ClientNo(2), Some(&[8; 16]), Timestamp(99))
        );
    }

    #[test]
    fn nobody_vouches_for_himself() {
        assert!(!row().vouches(ClientNo(1), Some(&[7; 16]), Timestamp(99)));
    }
}
