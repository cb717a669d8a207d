//! Idempotency: what is remembered of a reply (locators and versions, never a value), and how it is found again.

use crate::domain::ClientNo;
use crate::domain::ids::{Locator, RecordId, SubjectId};
use crate::storage::{IdempotencyRow, ReadError, Reader};
use crate::vault::Vault;
use crate::vault::call::{Call, IdempotencyKey};
use crate::vault::caller::Caller;
use crate::vault::refusal::Refusal;

/// What a replay mints its reply from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::vault) enum Remembered {
    /// A subject was created (or found).
    Subject {
        /// Its locator.
        subject: u64,
        /// It was new.
        created: bool,
    },
    /// A record was stored or changed.
    Record(RememberedRecord),
    /// Records of one part of a batch: stored, refused, or (`None`) not remembered and judged again.
    Batch(Vec<Option<Result<RememberedRecord, Refusal>>>),
    /// Tokens were minted or revoked: one status each.
    Items(Vec<bool>),
    /// A record was erased; the id of its certificate.
    Erased([u8; 16]),
    /// A context was registered.
    Context {
        /// Its row's id.
        context: [u8; 16],
    },
    /// A state was set; there is nothing to repeat but that.
    Done,
    /// It was refused.
    Refused(Refusal),
}

/// A stored record as a replay mints its tokens from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::vault) struct RememberedRecord {
    /// Its locator.
    pub(in crate::vault) record: u64,
    /// Its version then.
    pub(in crate::vault) version: u32,
    /// Fields whose tokens were returned, the grant of each (0: direct to the record), and its generation then: a token
    /// revoked since is not minted again.
    pub(in crate::vault) tokens: Vec<(u16, u64, u16)>,
    /// The audience of those tokens.
    pub(in crate::vault) audience: u16,
}

/// A remembered subject's id.
pub(in crate::vault) fn subject_id(raw: u64) -> Option<SubjectId> {
    Locator::from_raw(raw).map(SubjectId)
}
/// A remembered record's id.
pub(in crate::vault) fn record_id(raw: u64) -> Option<RecordId> {
    Locator::from_raw(raw).map(RecordId)
}

impl Vault {
    /// The row that remembers a reply. What a replay mints from is sealed: an edited row would hand out tokens (I4).
    pub(in crate::vault) fn idempotency_row(
        &self,
        caller: &Caller,
        key: IdempotencyKey,
        remember: &Remembered,
    ) -> IdempotencyRow {
        let client = caller.client();
        let body = remember.encode();
        let seal = self.reply_seal(client, (&key.key, &key.body), &body);
        let result = [&seal[..], &body].concat();
        IdempotencyRow { client, key: key.key, body: key.body, at: self.now(), result }
    }

    fn reply_seal(&self, client: ClientNo, (key, body): (&[u8; 16], &[u8; 16]), result: &[u8]) -> [u8; 16] {
        self.keys().idempotency_digest(&[b"reply", &client.0.to_be_bytes(), key, body, result])
    }

    /// Looks a request's idempotency key up: nothing, what to mint again, or the mismatch.
    pub(in crate::vault) fn recall(
        &self,
        reader: &mut Reader<'_>,
        caller: &Caller,
        call: &Call,
    ) -> Result<Option<Result<Remembered, Refusal>>, ReadError> {
        let Some(key) = call.idempotency else { return Ok(None) };
        let found = reader.idempotency(caller.client(), &key.key)?;
        Ok(found.map(|row| self.recalled(call, &row)))
    }

    /// Compares a remembered row with the request that met it.
    pub(in crate::vault) fn recalled(
        &self,
        call: &Call,
        row: &IdempotencyRow,
    ) -> Result<Remembered, Refusal> {
        if call.idempotency.is_none_or(|key| key.body != row.body) {
            return Err(Refusal::IdempotencyMismatch);
        }
        let sealed = row.result.split_first_chunk::<16>().filter(|(seal, result)| {
            let expected = self.reply_seal(row.client, (&row.key, &row.body), result);
            subtle::ConstantTimeEq::ct_eq(&expected[..], &seal[..]).into()
        });
        let Some((_, result)) = sealed else {
            self.integrity_failed();
            return Err(Refusal::Integrity);
        };
        match Remembered::decode(result) {
            Some(Remembered::Refused(refusal)) => Err(Refusal::Replayed(Box::new(refusal))),
            Some(remembered) => Ok(remembered),
            None => Err(Refusal::Integrity),
        }
    }
}
