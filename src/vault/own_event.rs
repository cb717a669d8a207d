//! Events of the vault's own: what happened to the process rather than what somebody asked of it.

use crate::domain::disclosure::EventTicket;
use crate::domain::entropy::{Entropy, OsEntropy};
use crate::domain::event::{Act, Event, EventBody, Outcome, Principal};
use crate::domain::{CommitNo, Id16};
use crate::storage::ChangeSet;
use crate::vault::Vault;

impl Vault {
    /// Writes down whether TLS material was taken over or, with the reason's short name, refused; the listener's name goes
    /// before it, where it is not the API's (`public`, `public_tls_key`). `false`: it could not be
    /// written.
    pub async fn report_tls_reload(&self, listener: Option<&str>, refused: Option<&str>) -> bool {
        let Ok(request) = OsEntropy.array() else { return false };
        let mut body = EventBody::new(Id16(request), self.now(), Principal::Vault, Act::TlsReload);
        body.outcome = if refused.is_none() { Outcome::Allowed } else { Outcome::Failed };
        let words: Vec<&str> = listener.into_iter().chain(refused).collect();
        body.code = (!words.is_empty()).then(|| words.join("_"));
        let event = Event { ticket: EventTicket::next(), body };
        self.store().commit(ChangeSet::observed(event, CommitNo(u64::MAX), [])).await.is_ok()
    }
}
