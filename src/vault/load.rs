//! Rows read and checked: a seal that fails refuses the row and is counted, never repaired; a missing row refuses (I4).

use crate::crypto::{StoredRecord, Table};
use crate::domain::record::{RecordHead, RowSeal, WrappedKey};
use crate::domain::subject::{SubjectState, SubjectStatus};
use crate::domain::token::TokenGrant;
use crate::domain::{FieldNo, GrantId, RecordId, SubjectId, Version};
use crate::storage::{ReadError, Reader, RecordRow};
use crate::vault::Vault;

/// A subject row whose seal held.
pub(in crate::vault) struct LoadedSubject {
    /// Row version.
    pub(in crate::vault) version: Version,
    /// State.
    pub(in crate::vault) state: SubjectState,
}

/// A record row whose seal held, with its wrapped key.
pub(in crate::vault) struct LoadedRecord {
    /// The row.
    pub(in crate::vault) row: RecordRow,
    /// Its key.
    pub(in crate::vault) key: WrappedKey,
}

impl LoadedRecord {
    /// The stored columns, for the keyring.
    pub(in crate::vault) fn stored(&self) -> StoredRecord<'_> {
        StoredRecord { head: &self.row.head, seal: &self.row.seal, bytes: &self.row.sealed, key: &self.key }
    }
}

impl Vault {
    /// A subject that answers: present, seal intact, not erased.
    pub(in crate::vault) fn load_subject(
        &self,
        reader: &mut Reader<'_>,
        subject: SubjectId,
    ) -> Result<Option<LoadedSubject>, ReadError> {
        let Some(row) = reader.subject(subject)? else { return Ok(None) };
        let key = subject.0.get().to_be_bytes();
        if self.keys().check_row(Table::Subjects, &key, row.version, &row.state, &row.seal).is_err() {
            self.integrity_failed();
            return Ok(None);
        }
        let Some(state) = SubjectState::decode(&row.state) else {
            self.integrity_failed();
            return Ok(None);
        };
        if matches!(state.status, SubjectStatus::Erased | SubjectStatus::Erasing) {
            return Ok(None);
        }
        Ok(Some(LoadedSubject { version: row.version, state }))
    }

    /// A record that answers now: present, head seal intact, live, not expired, with its key.
    pub(in crate::vault) fn load_record(
        &self,
        reader: &mut Reader<'_>,
        record: RecordId,
    ) -> Result<Option<LoadedRecord>, ReadError> {
        let Some((row, key)) = reader.record_and_key(record)? else { return Ok(None) };
        if !self.head_holds(&row.head, &row.seal) || !row.head.answers_at(self.now()) {
            return Ok(None);
        }
        // A head that answers has its key; one put back from an older copy has lost it for good, and is told of.
        let Some(key) = key else {
            self.integrity_failed();
            return Ok(None);
        };
        Ok(Some(LoadedRecord { row, key }))
    }

    /// Whether a record is there and cannot answer for itself: its seal fails, or it has no key.
    pub(in crate::vault) fn is_broken(
        &self,
        reader: &mut Reader<'_>,
        record: RecordId,
    ) -> Result<bool, ReadError> {
        let Some(row) = reader.record(record)? else { return Ok(false) };
        let sealed = self.keys().check_head(&row.head, &row.seal).is_ok();
        Ok(!sealed || reader.key(record, row.head.version)?.is_none())
    }

    /// The fields a record holds, by its commitment; counted when that fails.
    pub(in crate::vault) fn fields_of(&self, loaded: &LoadedRecord) -> Option<Vec<FieldNo>> {
        let fields = self.keys().committed_fields(loaded.stored()).ok();
        if fields.is_none() {
            self.integrity_failed();
        }
        fields
    }

    /// Whether a head's seal holds; counted when not.
    pub(in crate::vault) fn head_holds(&self, head: &RecordHead, seal: &RowSeal) -> bool {
        let holds = self.keys().check_head(head, seal).is_ok();
        if !holds {
            self.integrity_failed();
        }
        holds
    }

    /// A token grant whose seal held, with its row version.
    pub(in crate::vault) fn load_grant(
        &self,
        reader: &mut Reader<'_>,
        grant: GrantId,
    ) -> Result<Option<(Version, TokenGrant)>, ReadError> {
        let Some(row) = reader.grant(grant)? else { return Ok(None) };
        let key = grant.0.get().to_be_bytes();
        let sealed = self.keys().check_row(Table::Grants, &key, row.version, &row.body, &row.seal).is_ok();
        // The columns beside the body are what the store looks for; they say the same or the row is refused.
        let alike =
            |g: &TokenGrant| g.grant == grant && g.record == row.record && g.expires_at == row.expires_at;
        let body = TokenGrant::decode(&row.body).filter(|g| sealed && alike(g));
        if body.is_none() {
            self.integrity_failed();
        }
        Ok(body.map(|g| (row.version, g)))
    }
}
