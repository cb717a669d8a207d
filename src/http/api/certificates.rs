//! `GET /v1/certificates/{crt}`: the signed certificate of an erasure. It names no person.

use crate::http::exchange::{Exchange, Failure, Reply};
use crate::vault::CERTIFICATE_STATE;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::ToSchema;

/// A certificate.
#[derive(Serialize, ToSchema)]
pub struct Certificate {
    /// `crt_…`
    pub certificate: String,
    /// `pending`: destroyed in every file of the vault; final once the key-encryption key is destroyed too.
    pub state: &'static str,
    /// What was done.
    pub act: &'static str,
    /// Collection of the record.
    pub collection: String,
    /// When it was erased.
    pub erased_at: String,
    /// The log's keyed reference of the record, hex.
    pub record_reference: String,
    /// Data keys destroyed.
    pub keys_destroyed: u32,
    /// Line and version of the key-encryption key they were wrapped under.
    pub key_encryption_key: String,
    /// The event that reports it.
    pub event: EventShown,
    /// The very text that is signed.
    pub statement: String,
    /// Ed25519 signature of the statement, base64url.
    pub signature: String,
    /// The vault's public key, base64url.
    pub public_key: String,
}

/// Where the log reports it.
#[derive(Serialize, ToSchema)]
pub struct EventShown {
    /// Position.
    pub position: u64,
    /// Hash, hex.
    pub hash: String,
}

/// `GET /v1/certificates/{crt}`
pub async fn view(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let done = x.vault.view_certificate(x.caller, x.call, x.path("crt")).await?;
    let v = &done.value;
    let shown = Certificate {
        certificate: v.certificate.clone(),
        state: CERTIFICATE_STATE,
        act: "record.delete",
        collection: v.collection.clone(),
        erased_at: v.erased_at.to_rfc3339(),
        record_reference: v.reference.clone(),
        keys_destroyed: 1,
        key_encryption_key: v.key_encryption_key.clone(),
        event: EventShown { position: v.event.0, hash: v.event.1.clone() },
        statement: v.statement.clone(),
        signature: URL_SAFE_NO_PAD.encode(v.signature),
        public_key: URL_SAFE_NO_PAD.encode(v.public_key),
    };
    Ok(Reply::json(200, &done, &shown))
}
