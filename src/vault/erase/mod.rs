//! Erasure of one record: `DELETE /v1/records/{rec}`, the ledger it writes first, and the certificate it leaves.
//!
//! The order is fixed: judge, ledger line (synced), one commit that destroys the data key and every row that leads to
//! the record, truncation of the write-ahead log, acknowledgement. When the answer leaves, no file of the vault holds the
//! key any more (C26). What the ledger says is erased stays erased: see [`settle`].

mod certificate;
mod delete;
mod ledger;
mod look;
pub(in crate::vault) mod mark;
mod settle;

pub use certificate::{CERTIFICATE_STATE, CertificateView};
pub(in crate::vault) use ledger::Unsettled;
pub use look::{LedgerLook, look_at_ledger};
pub use settle::SettleError;

/// The ledger line of an erasure, as another time would have written it.
#[cfg(test)]
pub(in crate::vault) fn line_for_tests(
    vault: &crate::vault::Vault,
    record: crate::domain::RecordId,
    at: crate::domain::Timestamp,
) -> String {
    let (client, collection) = (crate::domain::ClientNo(1), crate::domain::CollectionNo(1));
    let certificate = crate::domain::Id16([5; 16]);
    ledger::Line::Erase(ledger::Planned { at, record, certificate, client, collection }).write(vault.keys())
}
