//! The bounded history of consents: old entries make room, the one in force for a pair never does.

use crate::domain::subject::{Consent, MAX_CONSENTS, SubjectState};

/// Every kept entry is the latest of its purpose and recipient; none may be dropped for another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "the subject holds as many consents as it can keep; withdraw purposes or recipients no longer in use"
)]
pub struct TooManyConsents;

impl SubjectState {
    /// Adds a consent or withdrawal as the latest entry of its pair. Beyond [`MAX_CONSENTS`] the oldest superseded
    /// entries are dropped, never the latest of a (purpose, recipient) pair; if none is superseded, nothing changes.
    pub fn push_consent(&mut self, consent: Consent) -> Result<(), TooManyConsents> {
        self.consents.push(consent);
        while self.consents.len() > MAX_CONSENTS {
            let Some(oldest) = self.oldest_superseded() else {
                self.consents.pop();
                return Err(TooManyConsents);
            };
            self.consents.remove(oldest);
        }
        Ok(())
    }

    fn oldest_superseded(&self) -> Option<usize> {
        self.consents.iter().enumerate().position(|(at, old)| {
            let later = self.consents.get(at + 1..).unwrap_or_default();
            later.iter().any(|new| (new.purpose, new.recipient) == (old.purpose, old.recipient))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::codec::tests::{consent, subject};
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn the_oldest_superseded_entry_makes_room() {
        let mut state = subject();
        state.consents.clear();
        for at in 0..MAX_CONSENTS {
            state.push_consent(consent(u16::try_from(at % 60).unwrap(), None, at)).unwrap();
        }
        state.push_consent(consent(1, Some(9), 999)).unwrap();
        assert_eq!(state.consents.len(), MAX_CONSENTS);
        assert_eq!(state.consents[0].purpose.get(), 1, "purpose 0 had a later entry, so its first went");
        assert_eq!(state.consents.last().unwrap().at.0, 999);
    }

    #[test]
    fn a_history_of_latest_entries_refuses_another_pair_but_takes_a_withdrawal() {
        let mut state = subject();
        state.consents = (0..64).map(|purpose| consent(purpose, None, 1)).collect();
        let before = state.clone();
        assert_eq!(state.push_consent(consent(64, None, 2)), Err(TooManyConsents));
        assert_eq!(state, before);
        let mut withdrawal = consent(3, None, 3);
        withdrawal.granted = false;
        state.push_consent(withdrawal).unwrap();
        assert_eq!(state.consents.len(), MAX_CONSENTS);
        assert!(!state.consent_stands(crate::domain::PurposeNo(3), None));
    }

    proptest! {
        #[test]
        fn c15_the_latest_word_on_every_pair_is_always_kept(pushes in proptest::collection::vec((0..12u16, proptest::option::of(0..6u16), any::<bool>()), 0..300)) {
            let mut state = subject();
            state.consents.clear();
            let mut latest = HashMap::new();
            for (at, (purpose, recipient, granted)) in pushes.into_iter().enumerate() {
                let mut entry = consent(purpose, recipient, at);
                entry.granted = granted;
                if state.push_consent(entry).is_ok() {
                    latest.insert((purpose, recipient), (at, granted));
                } else {
                    prop_assert!(!latest.contains_key(&(purpose, recipient)), "a known pair is never refused");
                }
                prop_assert!(state.consents.len() <= MAX_CONSENTS);
            }
            for ((purpose, recipient), (at, granted)) in latest {
                let kept = state.consents.iter().rev()
                    .find(|c| c.purpose.get() == purpose && c.recipient.map(|r| r.get()) == recipient).unwrap();
                prop_assert_eq!((kept.at.0, kept.granted), (i64::try_from(at).unwrap(), granted));
            }
        }
    }
}
