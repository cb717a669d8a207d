//! Contexts: registered by one client for a person, and looked up when another reads within them.
//!
//! Kind, reference and subject meet only in a keyed digest, which is the row's id: the store holds none of them (I6). The
//! look-up is of the same snapshot as the read, and the commit relies on it, so that a context changed meanwhile is caught.

use crate::crypto::RefKind;
use crate::domain::context::{ContextRow, KINDS, MAX_LIFE};
use crate::domain::event::Act;
use crate::domain::rule::RuleSet;
use crate::domain::{ControlKind, Id16, Object, SubjectId, Timestamp, Version, crockford};
use crate::policy::Leave;
use crate::storage::{ReadError, Reader};
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::commit::{Concluded, Desk, Done, Plan, Stop};
use crate::vault::refusal::{Fault, Refusal, RuleName, refuse_cards};
use crate::vault::remember::Remembered;
use std::time::Duration;

/// What `POST /v1/contexts` says.
pub struct RegisterContext {
    /// `order`, `ticket` or `session`.
    pub kind: String,
    /// The client's own reference; kept only as keyed digest.
    pub reference: String,
    /// The subject, by public name.
    pub subject: String,
    /// The person who is to read within it; kept only as keyed digest.
    pub assigned_to: Option<String>,
    /// Its life.
    pub expires_in: Duration,
}

/// A registered context.
pub struct RegisteredContext {
    /// `ctx_…`
    pub context: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// The context a read names, and the person it is made for.
pub(in crate::vault) struct NamedContext<'a> {
    pub(in crate::vault) kind: &'a str,
    pub(in crate::vault) reference: &'a str,
    pub(in crate::vault) person: Option<&'a str>,
}

impl<'a> NamedContext<'a> {
    /// What a command names, if it does.
    pub(in crate::vault) fn of(
        context: Option<&'a (String, String)>,
        person: Option<&'a String>,
    ) -> Option<Self> {
        let (kind, reference) = context?;
        Some(Self { kind, reference, person: person.map(String::as_str) })
    }
}

impl Vault {
    /// Registers a context, or renews the client's own.
    pub async fn register_context(
        &self,
        caller: &Caller,
        call: &Call,
        command: &RegisterContext,
    ) -> Result<Done<RegisteredContext>, Refusal> {
        let mut draft = Draft::new(caller, call, Act::ContextRegister);
        let kind = KINDS.into_iter().find(|known| *known == command.kind);
        let reference = self.reference(RefKind::Context, command.reference.as_bytes());
        draft.body.context = kind.map(|kind| (kind.to_owned(), reference, None));
        let act = format!("context.register:{}", kind.unwrap_or("?"));
        if let Err(denial) = caller.policy().judge_act(&caller.asker(), &act) {
            let refusal = Refusal::Denied(RuleName(denial.rule));
            return Err(self.refuse(caller, Some(call), draft, refusal, denial.all).await);
        }
        let checked =
            check(command).and_then(|()| self.subject_named(&command.subject).ok_or(Refusal::NotFound));
        let subject = match checked {
            Ok(subject) => subject,
            Err(refusal) => {
                return Err(self.refuse(caller, Some(call), draft, refusal, RuleSet::default()).await);
            }
        };
        let id = self.context_id(&command.kind, &command.reference, subject);
        let replayed = draft.body.clone();
        match self
            .run(caller, call, draft, |desk| self.plan_context(desk, caller, command, (id, subject)))
            .await?
        {
            Concluded::Fresh(done) => Ok(done),
            Concluded::Replay(Remembered::Context { context }) if context == id.0 => {
                self.replay(caller, Draft { body: replayed }, |desk| {
                    self.load_subject(desk.reader, subject)?.ok_or(Refusal::NotFound)?;
                    desk.event.subjects.push(self.subject_ref(subject));
                    let (_, row) = self.load_context(desk.reader, id)?.ok_or(Refusal::NotFound)?;
                    Ok(shown(id, row.expires_at))
                })
                .await
            }
            Concluded::Replay(_) => {
                let draft = Draft { body: replayed };
                Err(self.refuse(caller, None, draft, Refusal::IdempotencyMismatch, RuleSet::default()).await)
            }
        }
    }

    fn plan_context(
        &self,
        desk: &mut Desk<'_, '_>,
        caller: &Caller,
        command: &RegisterContext,
        (id, subject): (Id16, SubjectId),
    ) -> Result<Plan<RegisteredContext>, Stop> {
        self.load_subject(desk.reader, subject)?.ok_or(Refusal::NotFound)?;
        desk.event.subjects.push(self.subject_ref(subject));
        let now = self.now();
        let present = match desk.reader.control(ControlKind::Context, id)? {
            None => None,
            // What is there but not intact is nobody's to replace.
            Some(_) => Some(self.load_context(desk.reader, id)?.ok_or(Refusal::Integrity)?),
        };
        let theirs = |row: &ContextRow| row.registered_by != caller.client() && now < row.expires_at;
        if present.as_ref().is_some_and(|(_, row)| theirs(row)) {
            return Err(Refusal::AlreadyExists.into());
        }
        let own = present.as_ref().filter(|(_, row)| row.registered_by == caller.client());
        let row = ContextRow {
            registered_by: caller.client(),
            assigned_to: command.assigned_to.as_deref().map(|person| self.person_digest(id, person)),
            created_at: own.map_or(now, |(_, row)| row.created_at),
            expires_at: now.plus(command.expires_in),
        };
        let mut plan = Plan::answer(shown(id, row.expires_at));
        plan.relied_on.extend([Object::Subject(subject.0), Object::Control(ControlKind::Context, id)]);
        let was = present.map(|(version, _)| version);
        plan.changes.push(self.put_control(ControlKind::Context, id, row.encode(), was));
        plan.remember = Some(Remembered::Context { context: id.0 });
        Ok(plan)
    }

    fn context_id(&self, kind: &str, reference: &str, subject: SubjectId) -> Id16 {
        let subject = subject.0.get().to_be_bytes();
        Id16(self.keys().context_digest(&[b"context", kind.as_bytes(), reference.as_bytes(), &subject]))
    }

    /// Bound to the context, so that no two rows show that they are the same person's work.
    fn person_digest(&self, context: Id16, person: &str) -> [u8; 16] {
        self.keys().context_digest(&[b"person", &context.0, person.as_bytes()])
    }

    fn load_context(
        &self,
        reader: &mut Reader<'_>,
        id: Id16,
    ) -> Result<Option<(Version, ContextRow)>, ReadError> {
        let Some(row) = reader.control(ControlKind::Context, id)?.filter(|row| self.control_holds(row))
        else {
            return Ok(None);
        };
        let decoded = ContextRow::decode(&row.body);
        if decoded.is_none() {
            self.integrity_failed();
        }
        Ok(decoded.map(|context| (row.version, context)))
    }

    /// The leave as it stands for one subject: the context named is looked up for the very person the record is of.
    pub(in crate::vault) fn in_context(
        &self,
        desk: &mut Desk<'_, '_>,
        caller: &Caller,
        (leave, named): (&Leave, Option<&NamedContext<'_>>),
        subject: SubjectId,
        relied_on: &mut smallvec::SmallVec<[Object; 8]>,
    ) -> Result<Leave, ReadError> {
        let Some(named) = named else { return Ok(*leave) };
        let id = self.context_id(named.kind, named.reference, subject);
        let person = named.person.map(|person| self.person_digest(id, person));
        let found = self.load_context(desk.reader, id)?;
        let verified =
            found.is_some_and(|(_, row)| row.vouches(caller.client(), person.as_ref(), self.now()));
        relied_on.push(Object::Control(ControlKind::Context, id));
        if let Some((_, _, so_far)) = &mut desk.event.context {
            *so_far = Some(verified && so_far.unwrap_or(true));
        }
        Ok(leave.in_context(verified))
    }
}

fn shown(id: Id16, expires_at: Timestamp) -> RegisteredContext {
    RegisteredContext { context: crockford::encode("ctx_", &id.0), expires_at }
}

fn check(command: &RegisterContext) -> Result<(), Refusal> {
    // C02: only digests are kept, but a card number has no business here either.
    refuse_cards([
        ("/ref", Some(command.reference.as_str())),
        ("/assigned_to", command.assigned_to.as_deref()),
    ])?;
    if command.expires_in.is_zero() || command.expires_in > MAX_LIFE {
        let fault = Fault::new("/expires_in", "out_of_range", "A context lives between 1s and 366d.");
        return Err(Refusal::InvalidField(vec![fault]));
    }
    Ok(())
}
