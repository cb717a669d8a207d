//! An unsubscribe link: whose, and for which purpose. The link itself is kept only as keyed digest.

use super::{PurposeNo, SubjectId, Timestamp};

/// The stored state of a link: one sealed control row for each person and purpose, however many mails carry it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnsubscribeRow {
    /// Version of `K_secret` that made the digest.
    pub key_version: u8,
    /// `HMAC(K_secret "digest", link)`.
    pub digest: [u8; 32],
    /// Whose.
    pub subject: SubjectId,
    /// For which purpose.
    pub purpose: PurposeNo,
    /// When it was made.
    pub created_at: Timestamp,
}
