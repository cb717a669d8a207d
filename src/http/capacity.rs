//! What large requests may take together: bodies beyond the ordinary size, and streams that are being read (I10).
//!
//! An ordinary body is bounded by its size times the connections; eight times that would not be. So only some large bodies
//! are read and worked on at once, the others wait a little and are then told to come again. A stream keeps its tokens
//! until it is read, so each client has only some, and each ends after a while whether it was read or not.

use crate::domain::ClientNo;
use crate::http::problem::{Code, Problem};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Large bodies at once.
const BODIES: usize = 16;
/// Of one client: the others must find room beside it, however slowly it sends.
const BODIES_OF_ONE: usize = 4;
/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// Streams of one client at once.
const STREAMS: usize = 8;
/// The longest life of a stream.
pub(in crate::http) const STREAM_LIFE: Duration = Duration::from_secs(600);

/// Shared by all workers.
pub struct Capacity {
    patience: Duration,
    bodies: Arc<Semaphore>,
    bodies_of: Arc<Mutex<HashMap<ClientNo, usize>>>,
    streams: Arc<Mutex<HashMap<ClientNo, usize>>>,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            patience: PATIENCE,
            bodies: Arc::new(Semaphore::new(BODIES)),
            bodies_of: Arc::default(),
            streams: Arc::default(),
        }
    }
}

/// One of the places a client has; given back when dropped.
pub(in crate::http) struct StreamPlace {
    streams: Arc<Mutex<HashMap<ClientNo, usize>>>,
    client: ClientNo,
}

/// A place for a large body: one of the client's and one of all.
pub(in crate::http) struct BodyPlace {
    _own: StreamPlace,
    _shared: OwnedSemaphorePermit,
}

/// One more of at most so many of a client's.
fn own(
    of: &Arc<Mutex<HashMap<ClientNo, usize>>>,
    client: ClientNo,
    (most, name): (usize, &'static str),
) -> Result<StreamPlace, Problem> {
    let mut taken = of.lock().unwrap_or_else(PoisonError::into_inner);
    let count = taken.entry(client).or_insert(0);
    if *count >= most {
        return Err(Problem::limited(Code::RateLimited, name, 5));
    }
    *count += 1;
    Ok(StreamPlace { streams: Arc::clone(of), client })
}

impl Capacity {
    /// A place to read a large body in; `429` when the client has all of its own, `503` when none of all comes free.
    pub(in crate::http) async fn large_body(&self, client: ClientNo) -> Result<BodyPlace, Problem> {
        let own = own(&self.bodies_of, client, (BODIES_OF_ONE, "large_bodies"))?;
        let waiting = Arc::clone(&self.bodies).acquire_owned();
        match tokio::time::timeout(self.patience, waiting).await {
            Ok(Ok(shared)) => Ok(BodyPlace { _own: own, _shared: shared }),
            _ => Err(Code::Overloaded.into()),
        }
    }

    /// A place for one more stream of this client; `429` with the name of the limit when it has all of them.
    pub(in crate::http) fn stream(&self, client: ClientNo) -> Result<StreamPlace, Problem> {
        own(&self.streams, client, (STREAMS, "streams"))
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = streams.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                streams.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_some_streams_at_once_and_gets_a_place_back() {
        let capacity = Capacity::default();
        let mut held: Vec<_> = (0..STREAMS).map(|_| capacity.stream(ClientNo(1)).ok().unwrap()).collect();
        let full = capacity.stream(ClientNo(1)).err().unwrap();
        assert_eq!((full.code, full.scope.as_deref()), (Code::RateLimited, Some("streams")));
        assert!(capacity.stream(ClientNo(2)).is_ok(), "another client is not held up");
        held.pop();
        assert!(capacity.stream(ClientNo(1)).is_ok());
        drop(held);
        assert!(capacity.streams.lock().unwrap().is_empty());
    }

    #[test]
    fn large_bodies_wait_for_their_turn_and_are_then_told_to_come_again() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.unwrap();
        runtime.block_on(async {
            let capacity = Capacity { patience: Duration::from_millis(20), ..Capacity::default() };
            let mut held = Vec::new();
            for n in 0..u16::try_from(BODIES).unwrap() {
                held.push(capacity.large_body(ClientNo(n)).await.ok().unwrap());
            }
            assert_eq!(capacity.large_body(ClientNo(99)).await.err().unwrap().code, Code::Overloaded);
            held.pop();
            assert!(capacity.large_body(ClientNo(99)).await.is_ok());
        });
    }

    #[test]
    fn i10_one_client_cannot_take_every_place_for_large_bodies() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.unwrap().block_on(async {
            let capacity = Capacity { patience: Duration::from_millis(20), ..Capacity::default() };
            let mut held = Vec::new();
            for _ in 0..BODIES_OF_ONE {
                held.push(capacity.large_body(ClientNo(1)).await.ok().unwrap());
            }
            let full = capacity.large_body(ClientNo(1)).await.err().unwrap();
            assert_eq!((full.code, full.scope.as_deref()), (Code::RateLimited, Some("large_bodies")));
            assert!(capacity.large_body(ClientNo(2)).await.is_ok(), "another finds room");
            held.pop();
            assert!(capacity.large_body(ClientNo(1)).await.is_ok());
        });
    }
}
