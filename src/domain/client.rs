//! Clients and their API keys as control rows; what a client may do is in the policy, not here.

use super::{Id16, Timestamp};

/// The stored state of a client the policy declares.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientRow {
    /// Its name in the policy.
    pub name: String,
    /// Suspended: its genuine keys answer 403.
    pub suspended: bool,
    /// When it was activated.
    pub activated_at: Timestamp,
}

/// One API key of a client, stored only as keyed digest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientKeyRow {
    /// The key's id.
    pub id: Id16,
    /// The client's name.
    pub client: String,
    /// Version of `K_secret` that made the digest.
    pub key_version: u8,
    /// `HMAC(K_secret "digest", key)`.
    pub digest: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends (≤ 90 days after).
    pub expires_at: Timestamp,
    /// Withdrawn before its end.
    pub revoked: bool,
}

/// The longest life of an API key.
pub const MAX_KEY_LIFE: std::time::Duration = std::time::Duration::from_secs(90 * 86_400);
