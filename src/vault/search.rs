//! `POST /v1/search`: records by a blind index. Every hit is opened under a permit and compared; a search costs and is
//! audited like a reveal; what the subject's state refuses is not a hit.

use crate::crypto::{Fields, Keyring, NameKind, RefKind};
use crate::domain::event::{Act, EventItem};
use crate::domain::rule::RuleSet;
use crate::domain::subject::RecordFacts;
use crate::domain::value;
use crate::domain::{FieldNo, Object, RecordId, Sensitive};
use crate::policy::{ContextState, FieldFacts, FieldLeave, Leave, Policy, Question, Search, Target, Wish};
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::commit::{Desk, Done, Plan, Stop};
use crate::vault::context::NamedContext;
use crate::vault::refusal::{Fault, Refusal, RuleName};
use crate::vault::subject_view::fresh;

/// Most hits a search returns.
const MAX_HITS: usize = 20;
/// Most candidates of a truncated index that are opened and compared.
const MAX_CANDIDATES: usize = 256;

/// What is searched for.
pub enum SearchBy {
    /// One field, exactly.
    Equals(String, Sensitive<String>),
    /// A compound: (name or `field.part`, text).
    Match(Vec<(String, Sensitive<String>)>),
}

/// What `POST /v1/search` says.
pub struct SearchCommand {
    /// Collection, by name.
    pub collection: String,
    /// Purpose, by name.
    pub purpose: String,
    /// What to find.
    pub by: SearchBy,
    /// Kind and reference of a context.
    pub context: Option<(String, String)>,
    /// The end user acted for (≤ 64 of [A-Za-z0-9._:-]).
    pub on_behalf_of: Option<String>,
}

/// One record found.
pub struct Hit {
    /// `rec_…`
    pub record: String,
    /// `sub_…`
    pub subject: String,
    /// Tokens by short field name.
    pub tokens: Vec<(String, String)>,
}

/// The answer of a search.
pub struct SearchAnswer {
    /// At most 20 hits, newest first.
    pub hits: Vec<Hit>,
    /// There were more.
    pub truncated: bool,
}

/// A resolved search: the indexed field, its normalised text, and the other part of a compound.
pub(in crate::vault) struct Needle<'p> {
    pub(in crate::vault) facts: &'p FieldFacts,
    pub(in crate::vault) input: Sensitive<Vec<u8>>,
    pub(in crate::vault) other: Option<(FieldNo, Option<String>, Sensitive<Vec<u8>>)>,
}

impl Vault {
    /// Finds records.
    pub async fn search(
        &self,
        caller: &Caller,
        call: &Call,
        command: &SearchCommand,
    ) -> Result<Done<SearchAnswer>, Refusal> {
        let policy = caller.policy().clone();
        let mut draft = Draft::new(caller, call, Act::Search);
        let purpose = policy.purpose(&command.purpose);
        draft.body.purpose = purpose.and_then(|p| policy.purpose_name(p)).map(str::to_owned);
        draft.body.on_behalf_of =
            command.on_behalf_of.as_ref().map(|name| self.reference(RefKind::OnBehalfOf, name.as_bytes()));
        draft.body.context = command.context.as_ref().map(|(kind, reference)| {
            (kind.clone(), self.reference(RefKind::Context, reference.as_bytes()), None)
        });
        let named = NamedContext::of(command.context.as_ref(), command.on_behalf_of.as_ref());
        let question = Question {
            asker: caller.asker(),
            wish: Wish::Search,
            purpose,
            recipient: None,
            context: if named.is_some() { ContextState::Unverified } else { ContextState::Absent },
            today: self.today(),
        };
        // A context that is asked for and not named refuses the whole; one that is named decides hit by hit.
        let judged = policy.judge_request(&question).and_then(|leave| match named {
            None => policy.judge_context(&leave).map(|()| leave),
            Some(_) => Ok(leave),
        });
        let leave = match judged {
            Ok(leave) => leave,
            Err(denial) => {
                let refusal = Refusal::Denied(RuleName(denial.rule));
                return Err(self.refuse(caller, None, draft, refusal, denial.all).await);
            }
        };
        let ready = needle(&policy, &leave, command);
        let (needle, leaves) = match ready {
            Ok(ready) => ready,
            Err(Stop::Refused(refusal, rules)) => {
                return Err(self.refuse(caller, None, draft, refusal, rules).await);
            }
            Err(Stop::Read) => return Err(Refusal::AuditUnavailable),
        };
        if let Err(refusal) = self.charge(caller, &mut draft, u32::from(needle.facts.sensitivity)) {
            return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await);
        }
        let concluded = self
            .run(caller, call, draft, |desk| {
                self.plan_search(desk, (caller, &leave, named.as_ref()), &leaves, (&policy, &needle))
            })
            .await?;
        fresh(concluded)
    }

    fn plan_search(
        &self,
        desk: &mut Desk<'_, '_>,
        (caller, leave, named): (&Caller, &Leave, Option<&NamedContext<'_>>),
        leaves: &[FieldLeave],
        (policy, needle): (&Policy, &Needle<'_>),
    ) -> Result<Plan<SearchAnswer>, Stop> {
        let mut plan = Plan::answer(SearchAnswer { hits: Vec::new(), truncated: false });
        for record in self.candidates(desk, needle)? {
            if plan.output.hits.len() == MAX_HITS {
                plan.output.truncated = true;
                break;
            }
            let Some(loaded) = self.load_record(desk.reader, record)? else { continue };
            let head = &loaded.row.head;
            let Some(subject) = self.load_subject(desk.reader, head.subject)? else { continue };
            let leave = &self.in_context(desk, caller, (leave, named), head.subject, &mut plan.relied_on)?;
            let facts = RecordFacts { collection: head.collection, created_at: head.created_at };
            let target = Target { record, version: head.version, read_at: desk.reader.read_at() };
            let permit = match policy.judge_subject(leave, leaves, &subject.state, facts, target) {
                Ok(permit) => permit,
                Err(denial) => {
                    desk.event.rules.0 |= denial.all.0;
                    continue;
                }
            };
            let Ok(opened) = self.keys().open(permit, desk.ticket, loaded.stored()) else {
                self.integrity_failed();
                continue;
            };
            if !matches(policy, needle, opened.dangerous_peek()) {
                continue;
            }
            plan.relied_on.extend([Object::Record(record.0), Object::Subject(head.subject.0)]);
            let subject_ref = self.subject_ref(head.subject);
            self.charge_subjects(caller, &[subject_ref])?;
            desk.event.subjects.push(subject_ref);
            let reference = self.reference(RefKind::Record, &record.0.get().to_be_bytes());
            desk.event.items.push(EventItem { record: reference, field: needle.facts.no, outcome: 0 });
            let audience = policy.default_audience(head.collection);
            let present = Keyring::directory(&loaded.row.sealed).unwrap_or_default();
            let tokens = present.iter().filter_map(|f| {
                Some((policy.field_facts(*f)?.name.clone(), self.record_token(head, *f, audience?)?))
            });
            plan.output.hits.push(Hit {
                record: self.keys().name(NameKind::Record, record.0),
                subject: self.keys().name(NameKind::Subject, head.subject.0),
                tokens: tokens.collect(),
            });
        }
        desk.event.subjects.sort_unstable();
        desk.event.subjects.dedup();
        desk.event.count = Some(plan.output.hits.len() as u64);
        Ok(plan)
    }

    /// Records whose blind value coincides, newest first, under every live index version.
    pub(in crate::vault) fn candidates(
        &self,
        desk: &mut Desk<'_, '_>,
        needle: &Needle<'_>,
    ) -> Result<Vec<RecordId>, Stop> {
        let mut found = Vec::new();
        for version in self.keys().blind_versions() {
            let row = self.blind_row(
                version,
                needle.facts,
                &needle.input,
                needle.other.as_ref().map(|(_, _, o)| o),
            );
            found.extend(desk.reader.blind(&row, MAX_CANDIDATES)?);
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.dedup();
        Ok(found)
    }
}

/// Whether the opened values are what was searched for, not merely equal in a truncated hash.
pub(in crate::vault) fn matches(policy: &Policy, needle: &Needle<'_>, fields: &Fields) -> bool {
    let value_of = |no: FieldNo| fields.0.iter().find(|(f, _)| *f == no.0).map(|(_, v)| v.as_slice());
    // EXPOSE: compared inside the vault; only the fact of equality leaves, with its event.
    let equal = |kind, no, part: Option<&str>, wanted: &Sensitive<Vec<u8>>| {
        // EXPOSE: as above.
        value_of(no)
            .and_then(|v| value::index_input(kind, v, part))
            .is_some_and(|found| found.expose() == wanted.expose())
    };
    let first = equal(needle.facts.kind, needle.facts.no, None, &needle.input);
    let second = needle.other.as_ref().is_none_or(|(no, part, wanted)| {
        policy.field_facts(*no).is_some_and(|f| equal(f.kind, *no, part.as_deref(), wanted))
    });
    first && second
}

/// Resolves a search and judges its fields; what is not declared searchable cannot be searched (P14).
fn needle<'p>(
    policy: &'p Policy,
    leave: &Leave,
    command: &SearchCommand,
) -> Result<(Needle<'p>, Vec<FieldLeave>), Stop> {
    let invalid =
        |pointer: &str, code, detail| Refusal::InvalidRequest(vec![Fault::new(pointer, code, detail)]);
    let unknown = "Name a collection and fields that the policy declares searchable for you.";
    let collection = policy
        .collection(&command.collection)
        .ok_or_else(|| invalid("/collection", "unknown_collection", unknown))?;
    let (name, text, rest) = match &command.by {
        SearchBy::Equals(name, text) => (name, text, None),
        SearchBy::Match(pairs) => match pairs.as_slice() {
            [(a, x), (b, y)] if !a.contains('.') => (a, x, Some((b, y))),
            [(b, y), (a, x)] => (a, x, Some((b, y))),
            _ => return Err(invalid("/match", "bad_match", "Give the two parts of a compound index.").into()),
        },
    };
    let facts = policy.field(collection, name).ok_or_else(|| invalid("/field", "not_searchable", unknown))?;
    let mut leaves = vec![policy.judge_field(leave, facts.no)?];
    let value_pointer = if rest.is_some() { "/match" } else { "/equals" };
    let bad_value = |i: &value::Invalid| Refusal::InvalidField(vec![Fault::invalid(value_pointer, i)]);
    let input = value::query_input(facts.kind, None, text).map_err(|i| bad_value(&i))?;
    let other = match (&facts.search, rest) {
        (Some(Search::Exact), None) => None,
        (Some(Search::Compound { with, part }), Some((b, y))) => {
            let (other_name, other_part) =
                b.split_once('.').map_or((b.as_str(), None), |(n, p)| (n, Some(p)));
            let other = policy
                .field(collection, other_name)
                .filter(|o| o.no == *with && other_part == part.as_deref());
            let other = other.ok_or_else(|| invalid("/match", "not_searchable", unknown))?;
            leaves.push(policy.judge_search_companion(leave, facts.no, other.no)?);
            let text = value::query_input(other.kind, other_part, y).map_err(|i| bad_value(&i))?;
            Some((other.no, part.clone(), text))
        }
        _ => return Err(invalid("/field", "not_searchable", unknown).into()),
    };
    Ok((Needle { facts, input, other }, leaves))
}
