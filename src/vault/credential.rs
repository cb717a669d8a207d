//! `POST /v1/credentials/verify`: a password is checked, never returned. Unknown, wrong and undecodable take the same work:
//! one argon2id run in a bounded pool, on a dummy hash when there is none.

use crate::crypto::NameKind;
use crate::crypto::password::PoolError;
use crate::crypto::{Fields, RefKind};
use crate::domain::disclosure::EventTicket;
use crate::domain::event::{Act, Event, EventItem, Outcome};
use crate::domain::field::FieldType;
use crate::domain::rule::RuleSet;
use crate::domain::subject::RecordFacts;
use crate::domain::token::PointerKind;
use crate::domain::value;
use crate::domain::{FieldNo, Object, RecordId, Ref8, Sensitive, SubjectId};
use crate::policy::{ContextState, FieldLeave, Leave, Policy, Question, Target, Wish};
use crate::storage::{ChangeSet, CommitError, Reader};
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::commit::{Desk, Done, Stop};
use crate::vault::refusal::{Fault, Refusal, RuleName};
use crate::vault::search::{Needle, matches};
use crate::vault::throttle::Throttle;

/// How the credential is named.
pub enum VerifyBy {
    /// By its token.
    Token(Sensitive<String>),
    /// By its login.
    Login(Sensitive<String>),
}

/// What `POST /v1/credentials/verify` says.
pub struct VerifyCommand {
    /// Which credential.
    pub by: VerifyBy,
    /// The secret to check.
    pub secret: Sensitive<String>,
    /// Where the login came from, as the client says; kept only as keyed /24 or /48.
    pub source: Option<std::net::IpAddr>,
}

/// The answer: valid or not; by login and valid also whose it is.
pub struct VerifyAnswer {
    /// Valid.
    pub valid: bool,
    /// `sub_…`, `rec_…`
    pub owner: Option<(String, String)>,
}

/// A credential found and opened, still undisclosed.
struct Found {
    phc: Sensitive<String>,
    record: RecordId,
    subject: SubjectId,
}

impl Vault {
    /// Verifies a credential.
    pub async fn verify_credential(
        &self,
        caller: &Caller,
        call: &Call,
        command: &VerifyCommand,
    ) -> Result<Done<VerifyAnswer>, Refusal> {
        let policy = caller.policy().clone();
        let mut draft = Draft::new(caller, call, Act::Verify);
        let granted = policy.grants_of(caller.client()).into_iter().find(|(_, _, how)| *how == "verify");
        let question = Question {
            asker: caller.asker(),
            wish: Wish::Verify,
            purpose: granted.map(|(purpose, _, _)| purpose),
            recipient: None,
            context: ContextState::Absent,
            today: self.today(),
        };
        draft.body.purpose = question.purpose.and_then(|p| policy.purpose_name(p)).map(str::to_owned);
        let leave = match policy.judge_request(&question) {
            Ok(leave) => leave,
            Err(denial) => {
                let refusal = Refusal::Denied(RuleName(denial.rule));
                return Err(self.refuse(caller, None, draft, refusal, denial.all).await);
            }
        };
        let throttle = match self.admit_verification(caller, command, &mut draft) {
            Ok(throttle) => throttle,
            Err(refusal) => return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await),
        };
        self.verify_found(caller, (&policy, &leave), (command, throttle), draft).await
    }

    /// Finds, checks and commits. A change of the person meanwhile is read and judged again, with the verdict on the same
    /// hash kept: the password is stretched once, and no check ends without its event.
    async fn verify_found(
        &self,
        caller: &Caller,
        (policy, leave): (&Policy, &Leave),
        (command, mut throttle): (&VerifyCommand, Throttle),
        draft: Draft,
    ) -> Result<Done<VerifyAnswer>, Refusal> {
        let mut judged: Option<(Option<Sensitive<String>>, bool)> = None;
        for _ in 0..3 {
            let ticket = EventTicket::next();
            let mut event = draft.body.clone();
            let read = self.store().read(|reader| {
                let read_at = reader.read_at();
                let mut desk = Desk { reader, event: &mut event, ticket: &ticket };
                Ok((read_at, self.find_credential(&mut desk, (policy, leave), command, &mut throttle)))
            });
            let (read_at, found) = match read {
                Ok((read_at, Ok(found))) => (read_at, found),
                Ok((_, Err(Stop::Refused(refusal, rules)))) => {
                    return Err(self.refuse(caller, None, draft, refusal, rules).await);
                }
                Ok((_, Err(Stop::Read))) | Err(_) => {
                    return Err(self
                        .refuse(caller, None, draft, Refusal::AuditUnavailable, RuleSet::default())
                        .await);
                }
            };
            // EXPOSE: compared with the hash that was judged before, and handed to the pool; neither leaves.
            let phc = found.as_ref().map(|f| f.phc.expose().as_str());
            let known = judged.as_ref().filter(|(seen, _)| seen.as_ref().map(|s| s.expose().as_str()) == phc);
            let valid = match known {
                Some((_, valid)) => *valid,
                None => match self.stretch(phc, &command.secret).await {
                    Ok(valid) => valid,
                    Err(refusal) => {
                        return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await);
                    }
                },
            };
            judged = Some((phc.map(Sensitive::text), valid));
            event.outcome = if valid { Outcome::Allowed } else { Outcome::NotFound };
            event.code = (!valid).then(|| "invalid_credential".to_owned());
            let relied =
                found.iter().flat_map(|f| [Object::Record(f.record.0), Object::Subject(f.subject.0)]);
            let (cost, forged) = (event.cost, event.tokens.forged);
            let set = ChangeSet::observed(Event { ticket, body: event }, read_at, relied.collect::<Vec<_>>());
            match self.store().commit(set).await {
                Ok(receipt) => {
                    self.note_forged(forged);
                    let value = self.answer(found, valid, &command.by);
                    return Ok(Done { value, receipt, cost, replayed: false });
                }
                Err(CommitError::Conflict(_)) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(self.refuse(caller, None, draft, Refusal::Overloaded, RuleSet::default()).await)
    }

    /// One argon2id run, on a dummy when there is no hash.
    async fn stretch(&self, phc: Option<&str>, secret: &Sensitive<String>) -> Result<bool, Refusal> {
        // EXPOSE: to the pool and nowhere else.
        match self.passwords().verify(phc, Sensitive::text(secret.expose())).await {
            Ok(verdict) => Ok(verdict.valid && phc.is_some()),
            Err(PoolError::TooLong) => Ok(false),
            Err(_) => Err(Refusal::Overloaded),
        }
    }

    /// By login and valid, the answer says whose it is.
    fn answer(&self, found: Option<Found>, valid: bool, by: &VerifyBy) -> VerifyAnswer {
        let named = found.filter(|_| valid && matches!(by, VerifyBy::Login(_)));
        let owner = named.map(|f| {
            (self.keys().name(NameKind::Subject, f.subject.0), self.keys().name(NameKind::Record, f.record.0))
        });
        VerifyAnswer { valid, owner }
    }

    fn find_credential(
        &self,
        desk: &mut Desk<'_, '_>,
        (policy, leave): (&Policy, &Leave),
        command: &VerifyCommand,
        throttle: &mut Throttle,
    ) -> Result<Option<Found>, Stop> {
        let (wanted, password) = match &command.by {
            VerifyBy::Token(token) => {
                // EXPOSE: opened in place, without I/O.
                let pointer = self.keys().open_token(token.expose());
                desk.event.tokens.forged += u32::from(pointer.is_none());
                let direct = pointer.filter(|p| {
                    p.kind == PointerKind::Record
                        && policy.audience_has(p.audience, leave.question().asker.client)
                });
                (direct.map(|p| (RecordId(p.locator), Some(p))), direct.map(|p| p.field))
            }
            VerifyBy::Login(login) => (self.by_login(desk, policy, login)?.map(|r| (r, None)), None),
        };
        // Counted before anything is opened for it, and whether it leads anywhere or not.
        self.spend_verification(throttle, wanted.map(|(record, _)| record))?;
        let Some((record, pointer)) = wanted else { return Ok(None) };
        let Some(loaded) = self.load_record(desk.reader, record)? else { return Ok(None) };
        let head = &loaded.row.head;
        if pointer.is_some_and(|p| head.generation(p.field) != Some(p.generation)) {
            return Ok(None);
        }
        let is_password = |f: &&crate::policy::FieldFacts| f.kind == FieldType::Password;
        let Some(field) = policy.fields_of(head.collection).find(is_password) else { return Ok(None) };
        // A token of another field than the password verifies nothing, even of the same record.
        if password.is_some_and(|f| f != field.no) {
            return Ok(None);
        }
        let field_leave = policy.judge_field(leave, field.no)?;
        let Some(subject) = self.load_subject(desk.reader, head.subject)? else { return Ok(None) };
        desk.event.subjects.push(self.subject_ref(head.subject));
        let reference: Ref8 = self.reference(RefKind::Record, &record.0.get().to_be_bytes());
        desk.event.items.push(EventItem { record: reference, field: field.no, outcome: 0 });
        let facts = RecordFacts { collection: head.collection, created_at: head.created_at };
        let target = Target { record, version: head.version, read_at: desk.reader.read_at() };
        let leaves: [FieldLeave; 1] = [field_leave];
        // A subject that may not be served answers like one that is not there, after the same work; the log has the rule.
        let permit = match policy.judge_subject(leave, &leaves, &subject.state, facts, target) {
            Ok(permit) => permit,
            Err(denial) => {
                desk.event.rules.0 |= denial.all.0;
                return Ok(None);
            }
        };
        let Ok(opened) = self.keys().open(permit, desk.ticket, loaded.stored()) else {
            self.integrity_failed();
            return Ok(None);
        };
        Ok(phc_of(opened.dangerous_peek(), field.no).map(|phc| Found { phc, record, subject: head.subject }))
    }

    fn by_login(
        &self,
        desk: &mut Desk<'_, '_>,
        policy: &Policy,
        login: &Sensitive<String>,
    ) -> Result<Option<RecordId>, Stop> {
        let login_field = policy
            .collections()
            .flat_map(|(no, _)| {
                policy.fields_of(no).find(|f| f.kind == FieldType::Login && f.search.is_some())
            })
            .next();
        let Some(facts) = login_field else {
            let detail = "The policy declares no searchable login; verify by token.";
            return Err(Refusal::InvalidRequest(vec![Fault::new("/login", "not_searchable", detail)]).into());
        };
        let Ok(input) = value::query_input(facts.kind, None, login) else { return Ok(None) };
        let needle = Needle { facts, input, other: None };
        for record in self.candidates(desk, &needle)? {
            if self.login_is(desk.reader, policy, record, &needle)? {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    fn login_is(
        &self,
        reader: &mut Reader<'_>,
        policy: &Policy,
        record: RecordId,
        needle: &Needle<'_>,
    ) -> Result<bool, Stop> {
        let Some(loaded) = self.load_record(reader, record)? else { return Ok(false) };
        let permit = crate::policy::MaintenancePermit::dangerous_new(record, loaded.row.head.version);
        let Ok(fields) = self.keys().open_for_upkeep(&permit, loaded.stored()) else {
            self.integrity_failed();
            return Ok(false);
        };
        Ok(matches(policy, needle, &fields))
    }
}

fn phc_of(fields: &Fields, password: FieldNo) -> Option<Sensitive<String>> {
    let (_, bytes) = fields.0.iter().find(|(f, _)| *f == password.0)?;
    std::str::from_utf8(bytes).ok().map(Sensitive::text)
}
