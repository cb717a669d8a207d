//! The certificate of an erasure: what was destroyed, when, and where the log says so, signed with the vault's Ed25519 key.
//!
//! It names the record by the log's keyed reference and no person. It is `pending`: the data key is gone from every file
//! of the vault, but copies of the wrapped key outside (snapshots, copies of the disk) die only with the key-encryption key
//! they were wrapped under, which it names.

use crate::audit;
use crate::crypto::RefKind;
use crate::domain::event::{Act, Outcome};
use crate::domain::rule::RuleSet;
use crate::domain::{ClientNo, CollectionNo, ControlKind, Id16, Object, Ref8, Timestamp, codec, crockford};
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::commit::{Done, Plan};
use crate::vault::refusal::{Refusal, RuleName};
use crate::vault::subject_view::fresh;
use data_encoding::HEXLOWER;

/// The one state there is until key-encryption keys are rotated and destroyed.
pub const CERTIFICATE_STATE: &str = "pending";

/// The stored facts of a certificate: one sealed control row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::vault) struct CertificateRow {
    pub(in crate::vault) at: Timestamp,
    pub(in crate::vault) record: Ref8,
    pub(in crate::vault) collection: CollectionNo,
    pub(in crate::vault) client: ClientNo,
    /// Line and version of the key-encryption key the data key was wrapped under.
    pub(in crate::vault) kek: u16,
}

impl CertificateRow {
    pub(in crate::vault) fn encode(&self) -> Vec<u8> {
        let mut w = codec::Writer::new(1);
        w.i64(self.at.0).fixed(&self.record.0).u16(self.collection.0).u16(self.client.0).u16(self.kek);
        w.finish()
    }
    pub(in crate::vault) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut r = codec::Reader::new(bytes, 1)?;
        let row = Self {
            at: Timestamp(r.i64()?),
            record: Ref8(r.array()?),
            collection: CollectionNo(r.u16()?),
            client: ClientNo(r.u16()?),
            kek: r.u16()?,
        };
        r.end().map(|()| row)
    }
}

/// What `GET /v1/certificates/{crt}` shows.
pub struct CertificateView {
    /// `crt_…`
    pub certificate: String,
    /// Collection the record was in.
    pub collection: String,
    /// When it was erased.
    pub erased_at: Timestamp,
    /// The log's reference of the record, hex.
    pub reference: String,
    /// The key-encryption key that its data key was wrapped under: line and version.
    pub key_encryption_key: String,
    /// Position and hash (hex) of the event that reports it.
    pub event: (u64, String),
    /// The very text that is signed.
    pub statement: String,
    /// Ed25519 signature of the statement.
    pub signature: [u8; 64],
    /// The public key.
    pub public_key: [u8; 32],
}

impl Vault {
    /// Shows a certificate to the client that asked for the erasure.
    pub async fn view_certificate(
        &self,
        caller: &Caller,
        call: &Call,
        name: &str,
    ) -> Result<Done<CertificateView>, Refusal> {
        let draft = Draft::new(caller, call, Act::CertificateView);
        if let Err(denial) = caller.policy().judge_act(&caller.asker(), "record.delete") {
            let refusal = Refusal::Denied(RuleName(denial.rule));
            return Err(self.refuse(caller, None, draft, refusal, denial.all).await);
        }
        let Some(id) = crockford::decode("crt_", name).map(Id16) else {
            return Err(self.refuse(caller, None, draft, Refusal::NotFound, RuleSet::default()).await);
        };
        let concluded = self
            .run(caller, call, draft, |desk| {
                let row = desk.reader.control(ControlKind::Certificate, id)?.ok_or(Refusal::NotFound)?;
                if !self.control_holds(&row) {
                    return Err(Refusal::NotFound.into());
                }
                let facts = CertificateRow::decode(&row.body).ok_or(Refusal::Integrity)?;
                if facts.client != caller.client() {
                    return Err(Refusal::NotFound.into());
                }
                let mut plan = Plan::answer(facts);
                plan.relied_on.push(Object::Control(ControlKind::Certificate, id));
                Ok(plan)
            })
            .await?;
        let Done { value, receipt, cost, replayed } = fresh(concluded)?;
        let value = self.certificate(caller, id, &value).ok_or(Refusal::AuditUnavailable)?;
        Ok(Done { value, receipt, cost, replayed })
    }

    fn certificate(&self, caller: &Caller, id: Id16, row: &CertificateRow) -> Option<CertificateView> {
        let asked = audit::Query {
            record: Some(row.record),
            act: Some(Act::RecordDelete),
            outcome: Some(Outcome::Allowed),
            limit: 1,
            ..audit::Query::default()
        };
        let event = self.audit_query(&asked).ok()?.into_iter().next()?;
        let certificate = crockford::encode("crt_", &id.0);
        let collection = caller.policy().collection_name(row.collection).unwrap_or("?").to_owned();
        let (reference, hash) = (HEXLOWER.encode(&row.record.0), HEXLOWER.encode(&event.hash));
        let line = if row.kek >> 8 == 0 { "data" } else { "credential" };
        let key_encryption_key = format!("{line}:{}", row.kek & 0xff);
        let rule = match self.facts() {
            Some(facts) if !facts.single_operator => "two persons",
            _ => "single operator",
        };
        let statement = format!(
            "strongroom erasure certificate 1\ncertificate {certificate}\nvault {}\nstate {CERTIFICATE_STATE}\n\
             erased one record, its data key destroyed and truncated from the write-ahead log\ncollection {collection}\n\
             record {reference}\nerased-at {}\nkey-encryption-key {key_encryption_key}\nevent {} {hash}\nrule {rule}\n",
            HEXLOWER.encode(&self.store().vault().0),
            row.at.to_rfc3339(),
            event.pos,
        );
        let signature = self.keys().sign(statement.as_bytes());
        Some(CertificateView {
            certificate,
            collection,
            erased_at: row.at,
            reference,
            key_encryption_key,
            event: (event.pos, hash),
            statement,
            signature,
            public_key: self.keys().signing_key(),
        })
    }

    /// The log's reference of a record.
    pub(in crate::vault) fn record_ref(&self, record: crate::domain::RecordId) -> Ref8 {
        self.reference(RefKind::Record, &record.0.get().to_be_bytes())
    }
}
