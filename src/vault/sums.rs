//! Refusals before authentication, summed per network and code, written once a minute with exact counts: a flood of 401s
//! cannot fill the log, and none of it goes uncounted (A37).

use crate::domain::disclosure::EventTicket;
use crate::domain::entropy::{Entropy, OsEntropy};
use crate::domain::event::{Act, Event, EventBody, Outcome, Principal};
use crate::domain::{CommitNo, Id16};
use crate::storage::ChangeSet;
use crate::vault::Vault;
use crate::vault::networks::prefix;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

/// Most networks summed apart; further ones share a line.
const MAX_LINES: usize = 4_096;

/// Sums since the last writing.
#[derive(Default)]
pub(in crate::vault) struct Sums(Mutex<HashMap<(String, String), u64>>);

impl Vault {
    /// Counts one refusal of a stranger.
    pub fn sum_refusal(&self, peer: IpAddr, code: &str) {
        let mut sums = self.sums.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut key = (prefix(peer), code.to_owned());
        if sums.len() >= MAX_LINES && !sums.contains_key(&key) {
            key.0 = "other".to_owned();
        }
        *sums.entry(key).or_insert(0) += 1;
    }

    /// Writes and clears the sums; what cannot be written is kept for the next time.
    pub async fn flush_refusals(&self) {
        let taken =
            std::mem::take(&mut *self.sums.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        for ((network, code), count) in taken {
            let Ok(request) = OsEntropy.array() else { continue };
            let mut body = EventBody::new(Id16(request), self.now(), Principal::Vault, Act::RefusalSum);
            body.outcome = Outcome::Denied;
            body.code = Some(code.clone());
            body.count = Some(count);
            body.network =
                Some(crate::domain::event::NetworkFacts { prefix: network.clone(), ..Default::default() });
            let event = Event { ticket: EventTicket::next(), body };
            if self.store().commit(ChangeSet::observed(event, CommitNo(u64::MAX), [])).await.is_err() {
                let mut sums = self.sums.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                *sums.entry((network, code)).or_insert(0) += count;
            }
        }
    }
}
