//! The end of a reveal: values released by the receipt of their event, items that are not found given the same work.

use super::{Item, Prepared, ShownItem};
use crate::domain::token::Pointer;
use crate::domain::{GrantId, Locator, RecordId, Sensitive, SubjectId};
use crate::policy::Leave;
use crate::storage::Reader;
use crate::vault::Vault;
use crate::vault::caller::Caller;
use crate::vault::commit::{Desk, Done, Stop};
use crate::vault::context::NamedContext;
use crate::vault::refusal::Refusal;

impl Vault {
    pub(in crate::vault::reveal) fn disclose(
        &self,
        done: Done<Prepared>,
    ) -> Result<Done<Vec<ShownItem>>, Refusal> {
        let Done { value: Prepared { items, held }, receipt, cost, replayed } = done;
        let mut values: Vec<Option<Vec<u8>>> = items.iter().map(|_| None).collect();
        for held in held {
            let mut rendered = held.release(&receipt).map_err(|_| Refusal::AuditUnavailable)?;
            // EXPOSE: the receipt of this very event released it; the values move on into the reply.
            for (index, json) in rendered.expose_mut().0.drain(..) {
                if let Some(slot) = values.get_mut(index) {
                    *slot = Some(json);
                }
            }
        }
        let shown = items.into_iter().zip(values).map(|(item, value)| match (item, value) {
            (Item::Shown { field, form, .. }, Some(json)) => {
                Item::Shown { field, form, json: Sensitive::new(json) }
            }
            (Item::Refused(refusal), _) => Item::Refused(refusal),
            (Item::Shown { .. }, None) => Item::Refused(Refusal::NotFound),
        });
        Ok(Done { value: shown.collect(), receipt, cost, replayed })
    }

    /// The same reads and the same opening on a dummy, so that an item that is not found takes its time (I5), the look at a
    /// grant included unless it was taken. A forged token (`None`) looks for what is never given out.
    pub(in crate::vault) fn rehearse(
        &self,
        reader: &mut Reader<'_>,
        pointer: Option<&Pointer>,
        grant_seen: bool,
    ) -> Result<(), Stop> {
        let at = self.sought(pointer);
        if !grant_seen {
            let grant = reader.grant(GrantId(at))?;
            std::hint::black_box((&grant, self.dummy().check_grant(self.keys())));
        }
        let row = reader.record_and_key(RecordId(at))?;
        let subject = reader.subject(SubjectId(at))?;
        std::hint::black_box((&row, &subject));
        self.dummy().open(self.keys());
        Ok(())
    }

    /// The same, with the look-up of a named context.
    pub(in crate::vault::reveal) fn rehearse_in_context(
        &self,
        desk: &mut Desk<'_, '_>,
        caller: &Caller,
        stand: (&Leave, Option<&NamedContext<'_>>),
        (pointer, grant_seen): (Option<&Pointer>, bool),
    ) -> Result<(), Stop> {
        let noted = desk.event.context.clone();
        let nobody = SubjectId(self.sought(pointer));
        self.in_context(desk, caller, stand, nobody, &mut smallvec::SmallVec::new())?;
        // What was looked up for nobody says nothing of the context.
        desk.event.context = noted;
        self.rehearse(desk.reader, pointer, grant_seen)
    }

    fn sought(&self, pointer: Option<&Pointer>) -> Locator {
        pointer.map_or(self.dummy().locator(), |pointer| pointer.locator)
    }
}

/// The event's outcome from its items; in an atomic request the first failing item is the answer.
pub(in crate::vault::reveal) fn finish(
    desk: &mut Desk<'_, '_>,
    items: &[Item<()>],
    atomic: bool,
) -> Result<(), Stop> {
    let first = items.iter().enumerate().find_map(|(i, item)| match item {
        Item::Refused(refusal) => Some((i, refusal.clone())),
        Item::Shown { .. } => None,
    });
    let Some((index, refusal)) = first else { return Ok(()) };
    if atomic {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        return Err(Stop::Refused(Refusal::At(index, Box::new(refusal)), desk.event.rules));
    }
    if !items.iter().any(|i| matches!(i, Item::Shown { .. })) {
        desk.event.outcome = refusal.outcome();
        desk.event.code = Some(refusal.code().to_owned());
    }
    Ok(())
}
