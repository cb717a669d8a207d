//! Erasure of one record: `DELETE /v1/records/{rec}`, the ledger it writes first, and the certificate it leaves.
//!
//! The order is fixed: judge, ledger line (synced), one commit that destroys the data key and every row that leads to
//! the record, truncation of the write-ahead log, acknowledgement. When the answer leaves, no file of the vault holds the
//! key any more (C26). What the ledger says is erased stays erased: see [`settle`].

mod certificate;
mod delete;
mod ledger;
pub(in crate::vault) mod mark;
mod settle;

pub use certificate::{CERTIFICATE_STATE, CertificateView};
pub(in crate::vault) use ledger::Unsettled;
pub use settle::SettleError;
