//! The privacy policy: TOML parsed and compiled, and the pure judge over it.
//!
//! No I/O, no clock, no randomness, no panic. [`Permit`], [`WritePermit`] have private fields: only a decision makes
//! one (I2). What is not declared is not granted, and an error while judging is a denial (I4).

mod calendar;
mod cidr;
mod compile;
mod diff;
mod errors;
mod explain;
mod facts;
#[cfg(any(test, feature = "fuzzing"))]
#[path = "../../fuzz/targets/policy.rs"]
pub(crate) mod fuzzing;
mod judge;
mod notice;
mod notice_text;
mod numbering;
mod permit;
mod question;
#[cfg(any(test, feature = "fuzzing"))]
mod reference;
mod rules;
mod source;
#[cfg(test)]
mod tests;

pub use calendar::Calendar;
pub use cidr::Cidr;
pub use diff::{Difference, PolicyDiff, Turn};
pub use errors::PolicyError;
pub use facts::{ClientFacts, ClientLimits, FieldFacts, Policy, Search};
pub use judge::{Asked, Delete, Kept, decide};
pub use notice::{Notice, NoticeCollection, NoticePurpose, NoticeRecipient, NoticeTransfer};
pub use notice_text::{NoticeEntry, NoticeSection};
pub use numbering::Numbering;
pub use permit::{FieldLeave, Leave, MaintenancePermit, Permit, Target, WritePermit};
pub use question::{Asker, ContextState, Denial, Question, Wish};

/// The sample policy: it seeds a development vault, and shows how a policy is written.
pub const SAMPLE: &str = include_str!("../../config/policy.toml");
