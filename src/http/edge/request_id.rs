//! The name of a request: random, in every reply and event, never a capability.

use crate::domain::entropy::{Entropy, EntropyFailed};
use crate::domain::{Id16, crockford};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use std::cell::RefCell;
use std::fmt;
use std::future::{Ready, ready};

/// A request's id; written as `req_` and 26 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RequestId(pub Id16);

impl RequestId {
    /// The id of a reply that no request id was given to; the edge replaces it.
    pub const UNKNOWN: Self = Self(Id16([0; 16]));

    /// As it is written.
    pub fn name(self) -> String {
        crockford::encode("req_", &self.0.0)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl FromRequest for RequestId {
    type Error = std::convert::Infallible;
    type Future = Ready<Result<Self, Self::Error>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(request.extensions().get::<Self>().copied().unwrap_or(Self::UNKNOWN)))
    }
}

const BATCH: usize = 32;

/// Draws ids of one worker, several at a time: one call to the system for 32 requests.
pub(super) struct IdSource {
    entropy: RefCell<Box<dyn Entropy>>,
    ready: RefCell<Vec<Id16>>,
}

impl IdSource {
    pub(super) fn new(entropy: Box<dyn Entropy>) -> Self {
        Self { entropy: RefCell::new(entropy), ready: RefCell::new(Vec::with_capacity(BATCH)) }
    }

    pub(super) fn next(&self) -> Result<RequestId, EntropyFailed> {
        let mut ready = self.ready.borrow_mut();
        if ready.is_empty() {
            let mut bytes = [0; BATCH * 16];
            self.entropy.borrow_mut().fill(&mut bytes)?;
            ready.extend(bytes.as_chunks::<16>().0.iter().copied().map(Id16));
        }
        ready.pop().map(RequestId).ok_or(EntropyFailed)
    }
}
