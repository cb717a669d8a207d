//! Whose counter a check of a credential belongs to. One credential has one counter, however it is named: by any spelling
//! of its login, by any of its tokens. Names that lead nowhere have counters just the same, so that being locked tells
//! nothing (lessons 14, 16). Only keyed digests reach the limiter (I6).

use crate::crypto::RefKind;
use crate::domain::field::FieldType;
use crate::domain::token::{Pointer, PointerKind};
use crate::domain::{RecordId, value};
use crate::limits::Check;
use crate::vault::Vault;
use crate::vault::call::Draft;
use crate::vault::caller::Caller;
use crate::vault::credential::{VerifyBy, VerifyCommand};
use crate::vault::refusal::Refusal;
use smallvec::{SmallVec, smallvec};

/// The counters of one check.
pub(in crate::vault) struct Throttle {
    /// What is known of the credential before any row is read.
    named: SmallVec<[[u8; 16]; 2]>,
    source: Option<[u8; 16]>,
    network: [u8; 16],
    spent: bool,
}

impl Throttle {
    fn check<'a>(&self, subjects: &'a [[u8; 16]]) -> Check<'a> {
        Check { subjects, source: self.source, network: self.network }
    }
}

impl Vault {
    /// One unit of cost, then a look at every counter that is known already: a locked name is refused before any row is
    /// read, and alike whether there is such a credential or not. The look consumes nothing.
    pub(in crate::vault) fn admit_verification(
        &self,
        caller: &Caller,
        command: &VerifyCommand,
        draft: &mut Draft,
    ) -> Result<Throttle, Refusal> {
        self.charge(caller, draft, 1)?;
        let source = command.source.map(crate::vault::networks::prefix);
        if let Some(source) = &source {
            draft.body.context =
                Some(("source".to_owned(), self.reference(RefKind::Context, source.as_bytes()), None));
        }
        let digest = |kind: &[u8], text: &str| self.keys().idempotency_digest(&[kind, text.as_bytes()]);
        let throttle = Throttle {
            named: smallvec![self.named(&command.by)],
            source: source.map(|source| digest(b"verify source", &source)),
            network: digest(b"verify network", &caller.network().prefix),
            spent: false,
        };
        self.throttle_verification(&throttle.check(&throttle.named), false)?;
        Ok(throttle)
    }

    /// Counts the check, once, against its name and the record it led to.
    pub(in crate::vault) fn spend_verification(
        &self,
        throttle: &mut Throttle,
        record: Option<RecordId>,
    ) -> Result<(), Refusal> {
        if throttle.spent {
            return Ok(());
        }
        let mut subjects = throttle.named.clone();
        subjects.extend(
            record.map(|record| self.record_counter(record)).filter(|key| !throttle.named.contains(key)),
        );
        self.throttle_verification(&throttle.check(&subjects), true)?;
        throttle.spent = true;
        Ok(())
    }

    fn named(&self, by: &VerifyBy) -> [u8; 16] {
        match by {
            VerifyBy::Token(token) => {
                // EXPOSE: opened in place, without I/O; what does not open is digested.
                let pointer = self.keys().open_token(token.expose());
                match pointer {
                    Some(Pointer { kind: PointerKind::Record, locator, .. }) => {
                        self.record_counter(RecordId(locator))
                    }
                    // EXPOSE: only a keyed digest reaches the limiter.
                    _ => self.keys().idempotency_digest(&[b"verify token", token.expose().as_bytes()]),
                }
            }
            VerifyBy::Login(login) => {
                let canonical = value::query_input(FieldType::Login, None, login).ok();
                // EXPOSE: only a keyed digest of the canonical spelling reaches the limiter.
                let bytes = canonical.as_ref().map_or(&[][..], |c| c.expose().as_slice());
                self.keys().idempotency_digest(&[b"verify login", bytes])
            }
        }
    }

    fn record_counter(&self, RecordId(locator): RecordId) -> [u8; 16] {
        self.keys().idempotency_digest(&[b"verify record", &locator.get().to_be_bytes()])
    }
}
