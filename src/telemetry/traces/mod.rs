//! OpenTelemetry traces by configuration: one span a request, with attributes from a closed list, sent in batches as
//! OTLP/HTTP JSON. Off by default. Never a path, a query, a header or a value (I6); a queue of fixed length and a deadline
//! for every delivery (I10); whatever goes wrong here is counted and said, and no request ever waits for it.

mod deliver;
mod exporter;
mod otlp;

pub use exporter::{Counts, Exporter, StartError};
pub use otlp::ATTRIBUTES;

use crate::domain::endpoint::Endpoint;
use serde::{Deserialize, Deserializer, de};
use std::path::PathBuf;

/// `[telemetry.traces]`
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where spans are sent; absent: traces are off.
    pub endpoint: Option<Endpoint>,
    /// Certificates that an https endpoint is trusted by.
    pub ca: Option<PathBuf>,
    /// Share of requests.
    pub sample: Share,
    /// Whether an authenticated caller's `sampled` flag is followed.
    pub follow_parent: bool,
    /// Spans that may wait.
    pub queue: usize,
    /// Seconds of one delivery.
    pub timeout_s: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint: None,
            ca: None,
            sample: Share(10_000),
            follow_parent: true,
            queue: 2_048,
            timeout_s: 5,
        }
    }
}

/// A share in millionths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Share(pub u32);

impl Share {
    /// All of it.
    pub const WHOLE: u32 = 1_000_000;

    /// Whether a trace is within the share: decided by its id alone, so that every node that sees it decides alike.
    pub fn takes(self, trace: &[u8; 16]) -> bool {
        let low = trace.last_chunk::<8>().copied().map_or(0, u64::from_be_bytes) & ((1 << 56) - 1);
        u128::from(low) * u128::from(Self::WHOLE) < (u128::from(self.0) << 56)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let share = f64::deserialize(d)?;
        let millionths = (share * f64::from(Self::WHOLE)).round();
        let fits = (0.0..=f64::from(Self::WHOLE)).contains(&millionths);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "its bounds were checked"
        )]
        let share = fits.then_some(Self(millionths as u32));
        share.ok_or_else(|| de::Error::custom("a share from 0.0 to 1.0"))
    }
}

/// One request as it is told to a collector. Every text is one of our own names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    /// The trace.
    pub trace: [u8; 16],
    /// This span.
    pub id: [u8; 8],
    /// The caller's span.
    pub parent: Option<[u8; 8]>,
    /// Its beginning, microseconds since 1970.
    pub started: i64,
    /// How long it took, microseconds.
    pub micros: u64,
    /// Route template, or `other`.
    pub route: &'static str,
    /// Method of the route, or `other`.
    pub method: &'static str,
    /// Status.
    pub status: u16,
    /// Act of the audit event.
    pub act: &'static str,
    /// Outcome.
    pub outcome: &'static str,
    /// Code of the refusal.
    pub code: Option<&'static str>,
    /// The client's name in the policy.
    pub client: Option<std::sync::Arc<str>>,
    /// What it cost.
    pub cost: u32,
    /// The request's id, as replies and events write it.
    pub request: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_takes_its_part_of_all_traces_and_always_the_same_ones() {
        let trace = |n: u64| {
            let mut id = [7; 16];
            // Spread over the whole range, as random ids are.
            id[8..].copy_from_slice(&n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
            id
        };
        let taken = |share: Share| (0..10_000).filter(|n| share.takes(&trace(*n))).count();
        assert_eq!((taken(Share(0)), taken(Share(Share::WHOLE))), (0, 10_000));
        assert!((400..600).contains(&taken(Share(50_000))), "{}", taken(Share(50_000)));
        assert!(
            (0..10_000).filter(|n| Share(1_000).takes(&trace(*n))).all(|n| Share(50_000).takes(&trace(n)))
        );
        assert!(Share(Share::WHOLE).takes(&[0xFF; 16]));
    }
}
