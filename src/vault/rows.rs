//! Sealed rows made from their nouns: the one place where a state becomes bytes and a seal (I4).

use crate::crypto::{RefKind, Table};
use crate::domain::subject::SubjectState;
use crate::domain::token::TokenGrant;
use crate::domain::{ControlKind, Id16, SubjectId, Version};
use crate::storage::{Change, ControlRow, ExternalRefRow, GrantRow, SubjectRow};
use crate::vault::Vault;

/// The bytes a control row's seal names it by.
pub(in crate::vault) fn control_key(kind: ControlKind, id: Id16) -> [u8; 17] {
    let mut key = [0; 17];
    key[0] = kind as u8;
    key[1..].copy_from_slice(&id.0);
    key
}

impl Vault {
    /// A subject row, sealed.
    pub(in crate::vault) fn put_subject(
        &self,
        subject: SubjectId,
        state: &SubjectState,
        was: Option<Version>,
    ) -> Change {
        let version = Version(was.map_or(1, |v| v.0 + 1));
        let bytes = state.encode();
        let seal = self.keys().seal_row(Table::Subjects, &subject.0.get().to_be_bytes(), version, &bytes);
        Change::PutSubject { row: SubjectRow { subject, version, state: bytes, seal }, was }
    }

    /// A grant row, sealed.
    pub(in crate::vault) fn grant_row(&self, grant: &TokenGrant, version: Version) -> GrantRow {
        let body = grant.encode();
        let seal = self.keys().seal_row(Table::Grants, &grant.grant.0.get().to_be_bytes(), version, &body);
        GrantRow {
            grant: grant.grant,
            record: grant.record,
            version,
            body,
            expires_at: grant.expires_at,
            seal,
        }
    }

    /// A control row, sealed.
    pub(in crate::vault) fn put_control(
        &self,
        kind: ControlKind,
        id: Id16,
        body: Vec<u8>,
        was: Option<Version>,
    ) -> Change {
        let version = Version(was.map_or(1, |v| v.0 + 1));
        let seal = self.keys().seal_row(Table::Controls, &control_key(kind, id), version, &body);
        Change::PutControl { row: ControlRow { kind, id, version, body, seal }, was }
    }

    /// Whether a control row's seal holds; counted when not.
    pub(in crate::vault) fn control_holds(&self, row: &ControlRow) -> bool {
        let key = control_key(row.kind, row.id);
        let holds = self.keys().check_row(Table::Controls, &key, row.version, &row.body, &row.seal).is_ok();
        if !holds {
            self.integrity_failed();
        }
        holds
    }

    /// An external reference, sealed.
    pub(in crate::vault) fn external_ref(&self, h: [u8; 16], subject: SubjectId) -> ExternalRefRow {
        let columns = subject.0.get().to_be_bytes();
        ExternalRefRow {
            h,
            subject,
            seal: self.keys().seal_row(Table::ExternalRefs, &h, Version(1), &columns),
        }
    }

    /// Whether an external reference's seal holds; counted when not.
    pub(in crate::vault) fn external_ref_holds(&self, row: &ExternalRefRow) -> bool {
        let columns = row.subject.0.get().to_be_bytes();
        let holds =
            self.keys().check_row(Table::ExternalRefs, &row.h, Version(1), &columns, &row.seal).is_ok();
        if !holds {
            self.integrity_failed();
        }
        holds
    }

    /// The audit reference of a subject.
    pub(in crate::vault) fn subject_ref(&self, subject: SubjectId) -> crate::domain::Ref8 {
        self.reference(RefKind::Subject, &subject.0.get().to_be_bytes())
    }
}
