//! The judge once more, slow and obvious: plain loops over the file as parsed, names instead of numbers. It shares no
//! code with the compiled judge but the parser, and the property test holds the two together.

use super::question::{ContextState, Wish};
use super::source::{Field, Grant, Purpose, Source, Text};
use crate::domain::date::Date;
use crate::domain::field::Form;
use crate::domain::rule::Rule;
use crate::domain::subject::{AgeClass, SubjectStatus};
use std::collections::BTreeSet;

/// A request in names.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) client: String,
    pub(super) suspended: bool,
    pub(super) key_expired: bool,
    pub(super) network_allowed: bool,
    pub(super) wish: Wish,
    pub(super) purpose: Option<String>,
    pub(super) recipient: Option<Option<String>>,
    pub(super) context: ContextState,
    pub(super) today: Date,
    pub(super) collection: String,
    pub(super) fields: Vec<String>,
}

/// A person in names.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) status: SubjectStatus,
    pub(super) minor: AgeClass,
    pub(super) region: String,
    pub(super) notices: Vec<String>,
    /// Purpose, recipient, granted; oldest first.
    pub(super) consents: Vec<(String, Option<String>, bool)>,
    pub(super) objections: Vec<String>,
    pub(super) restricted: Vec<String>,
}

/// What a list of fields is for.
#[derive(PartialEq, Clone, Copy)]
enum List {
    Read,
    Write,
    Search,
    Ceiling,
}

struct Recipient<'s> {
    third_party: bool,
    country: &'s str,
    purposes: &'s [Text],
    fields: &'s [Text],
    contract: Option<&'s super::source::Contract>,
    basis: Option<&'s str>,
}

/// Fields and forms when permitted, every failing rule when not.
pub(super) fn judge(
    source: &Source,
    ask: &Ask,
    person: &Person,
) -> Result<Vec<(String, Form)>, BTreeSet<Rule>> {
    let mut rules = BTreeSet::new();
    let mut forms = Vec::new();
    request(source, ask, &mut rules);
    for name in &ask.fields {
        forms.push((name.clone(), field(source, ask, name, &mut rules)));
    }
    if !rules.is_empty() {
        return Err(rules);
    }
    let plain = forms.iter().any(|(_, form)| *form == Form::Plain);
    subject(source, ask, person, plain, &mut rules);
    if ask.fields.is_empty() || ask.fields.iter().any(|f| !f.starts_with(&format!("{}.", ask.collection))) {
        rules.insert(Rule::FieldNotGranted);
    }
    if rules.is_empty() { Ok(forms) } else { Err(rules) }
}

fn request(source: &Source, ask: &Ask, rules: &mut BTreeSet<Rule>) {
    if ask.suspended {
        rules.insert(Rule::ClientSuspended);
    }
    if ask.key_expired {
        rules.insert(Rule::KeyExpired);
    }
    if !ask.network_allowed {
        rules.insert(Rule::NetworkNotAllowed);
    }
    if grant(source, ask).is_none() {
        rules.insert(Rule::PurposeNotGranted);
    }
    let Some(named) = &ask.recipient else { return };
    let Some(to) = named.as_ref().and_then(|n| recipient(source, n)) else {
        rules.insert(Rule::RecipientUnknown);
        return;
    };
    if let Some(contract) = to.contract {
        let day = |d: &toml::value::Datetime| d.to_string();
        let today = ask.today.to_string();
        if today < day(contract.signed.get_ref()) || today > day(contract.expires.get_ref()) {
            rules.insert(Rule::ContractExpired);
        }
    }
    let purpose = ask.purpose.clone().unwrap_or_default();
    let name = named.clone().unwrap_or_default();
    let listed = grant(source, ask).is_some_and(|g| has(&g.recipients, &name));
    if !listed || !has(to.purposes, &purpose) {
        rules.insert(Rule::ProcessorCeiling);
    }
    if transfer(source, country(source, ask), to.country, to.basis) == "closed" {
        rules.insert(Rule::TransferNotAllowed);
    }
}

fn field(source: &Source, ask: &Ask, name: &str, rules: &mut BTreeSet<Rule>) -> Form {
    let granted = |pick: fn(&Grant) -> &Vec<Text>, list| {
        grant(source, ask).is_some_and(|g| holds(source, pick(g), name, list))
    };
    let mut form = Form::Plain;
    match ask.wish {
        Wish::Write if !granted(|g| &g.write, List::Write) => {
            rules.insert(Rule::FieldNotNeeded);
        }
        Wish::Search if !granted(|g| &g.search, List::Search) => {
            rules.insert(Rule::FieldNotGranted);
        }
        Wish::Verify
            if !(grant(source, ask).is_some_and(|g| g.verify) && kind(source, name) == "password") =>
        {
            rules.insert(Rule::FieldNotGranted);
        }
        Wish::Read(wanted) => {
            let plain = granted(|g| &g.plain, List::Read);
            let masked = granted(|g| &g.masked, List::Read);
            let research = purpose(source, ask).is_some_and(|p| p.masked_only);
            form = wanted.unwrap_or(if plain && !research { Form::Plain } else { Form::Masked });
            if !plain && !masked {
                rules.insert(Rule::FieldNotGranted);
            }
            if wanted == Some(Form::Plain) && research {
                rules.insert(Rule::ResearchIsMasked);
            }
            if wanted == Some(Form::Plain) && masked && !plain && !research {
                rules.insert(Rule::PlainNotGranted);
            }
        }
        _ => {}
    }
    if let Some(to) = ask.recipient.clone().flatten().and_then(|n| recipient(source, &n)) {
        if !holds(source, to.fields, name, List::Ceiling) {
            rules.insert(Rule::ProcessorCeiling);
        }
        if form == Form::Plain && transfer(source, country(source, ask), to.country, to.basis) == "masked" {
            rules.insert(Rule::TransferNotAllowed);
        }
    }
    form
}

fn subject(source: &Source, ask: &Ask, person: &Person, plain: bool, rules: &mut BTreeSet<Rule>) {
    let (Some(purpose), Some(_)) = (purpose(source, ask), grant(source, ask)) else { return };
    let name = ask.purpose.clone().unwrap_or_default();
    let gone = !matches!(person.status, SubjectStatus::Active | SubjectStatus::Restricted);
    let whole = person.status == SubjectStatus::Restricted && person.restricted.is_empty();
    let restricted = whole || person.restricted.contains(&ask.collection);
    if gone || person.minor == AgeClass::Minor || (restricted && purpose.during_restriction.is_none()) {
        rules.insert(Rule::SubjectRestricted);
    }
    let against = purpose.marketing || purpose.basis.get_ref() == "legitimate_interests";
    if person.objections.contains(&name) && against && !purpose.administrative {
        rules.insert(Rule::Objected);
    }
    let mut general = None;
    for (p, r, granted) in &person.consents {
        if *p == name && r.is_none() {
            general = Some(*granted);
        }
    }
    let consent = purpose.basis.get_ref() == "consent";
    let stoppable = (purpose.opt_out || purpose.marketing) && !purpose.administrative;
    if (consent && general != Some(true)) || (!consent && stoppable && general == Some(false)) {
        rules.insert(Rule::ConsentMissing);
    }
    let to = ask.recipient.clone().flatten().and_then(|n| Some((n.clone(), recipient(source, &n)?)));
    let mut passages = vec![transfer(source, &person.region, country(source, ask), None)];
    if let Some((to_name, to)) = &to {
        let mut named = None;
        for (p, r, granted) in &person.consents {
            if *p == name && r.as_ref() == Some(to_name) {
                named = Some(*granted);
            }
        }
        if to.third_party && !(general == Some(true) && named == Some(true)) {
            rules.insert(Rule::RecipientConsentMissing);
        }
        passages.push(transfer(source, &person.region, to.country, to.basis));
    }
    if passages.contains(&"closed") || (plain && passages.contains(&"masked")) {
        rules.insert(Rule::TransferNotAllowed);
    }
    if let Some(notice) = &purpose.since_notice {
        let numbers = |text: &str| {
            text.split(['.', '-']).map(|part| part.parse::<u64>().ok()).collect::<Option<Vec<u64>>>()
        };
        let wanted = notice.get_ref();
        let later = |shown: &str| numbers(shown).zip(numbers(wanted)).is_some_and(|(s, w)| s > w);
        if !person.notices.iter().any(|shown| shown == wanted || later(shown)) {
            rules.insert(Rule::PurposeNotNotified);
        }
    }
    rules.extend(context(source, ask));
}

/// Whether the grant's context is there.
pub(super) fn context(source: &Source, ask: &Ask) -> BTreeSet<Rule> {
    let mut rules = BTreeSet::new();
    let Some(grant) = grant(source, ask) else { return rules };
    let wanted = grant.context.as_ref().map_or("none", |c| c.get_ref().as_str());
    match (wanted, ask.context) {
        ("present" | "verified", ContextState::Absent) => drop(rules.insert(Rule::ContextMissing)),
        ("verified", ContextState::Unverified) => drop(rules.insert(Rule::ContextUnverified)),
        _ => {}
    }
    rules
}

fn has(list: &[Text], name: &str) -> bool {
    list.iter().any(|t| t.get_ref() == name)
}

fn grant<'s>(source: &'s Source, ask: &Ask) -> Option<&'s Grant> {
    let (_, client) = source.clients.iter().find(|(n, _)| *n.get_ref() == ask.client)?;
    client.grants.iter().map(|g| g.get_ref()).find(|g| Some(g.purpose.get_ref()) == ask.purpose.as_ref())
}

fn purpose<'s>(source: &'s Source, ask: &Ask) -> Option<&'s Purpose> {
    source.purposes.iter().find(|(n, _)| Some(n.get_ref()) == ask.purpose.as_ref()).map(|(_, p)| p)
}

fn country<'s>(source: &'s Source, ask: &Ask) -> &'s str {
    source.clients.iter().find(|(n, _)| *n.get_ref() == ask.client).map_or("", |(_, c)| c.country.get_ref())
}

fn recipient<'s>(source: &'s Source, name: &str) -> Option<Recipient<'s>> {
    for (n, p) in &source.processors {
        if n.get_ref() == name {
            return Some(Recipient {
                third_party: false,
                country: p.country.get_ref(),
                purposes: &p.purposes,
                fields: &p.fields,
                contract: Some(&p.contract),
                basis: Some(p.transfer_basis.get_ref()),
            });
        }
    }
    for (n, t) in &source.third_parties {
        if n.get_ref() == name {
            return Some(Recipient {
                third_party: true,
                country: t.country.get_ref(),
                purposes: &t.purposes,
                fields: &t.fields,
                contract: t.contract.as_ref(),
                basis: t.transfer_basis.as_ref().map(|b| b.get_ref().as_str()),
            });
        }
    }
    None
}

fn declared<'s>(source: &'s Source, name: &str) -> Option<&'s Field> {
    let (collection, short) = name.split_once('.')?;
    let (_, declared) = source.collections.iter().find(|(n, _)| n.get_ref() == collection)?;
    declared.fields.iter().find(|(n, _)| n.get_ref() == short).map(|(_, field)| field)
}

fn kind<'s>(source: &'s Source, name: &str) -> &'s str {
    declared(source, name).map_or("", |field| field.kind.get_ref())
}

fn searchable(source: &Source, name: &str) -> bool {
    declared(source, name).is_some_and(|field| field.search.is_some())
}

fn holds(source: &Source, list: &[Text], name: &str, purpose: List) -> bool {
    let kind = kind(source, name);
    list.iter().any(|pattern| match pattern.get_ref().strip_suffix('*') {
        None => pattern.get_ref() == name,
        Some(prefix) if !name.starts_with(prefix) => false,
        Some(_) if purpose == List::Write => true,
        Some(_) if purpose == List::Search => searchable(source, name),
        Some(_) => kind != "password" && (kind != "email" || purpose == List::Read),
    })
}

/// `free`, `masked` or `closed`.
fn transfer(source: &Source, from: &str, to: &str, basis: Option<&str>) -> &'static str {
    let in_group = |group: &str, country: &str| {
        source.regions.iter().any(|(n, members)| n.get_ref() == group && has(members, country))
    };
    let together = source.regions.iter().any(|(_, members)| has(members, from) && has(members, to));
    if from == to || together {
        return "free";
    }
    let means = |text: &Text, country: &str| text.get_ref() == country || in_group(text.get_ref(), country);
    let mut open = basis.is_some_and(|b| b != "none_needed");
    for transfer in &source.transfers {
        if means(&transfer.from, from) && means(&transfer.to, to) {
            if transfer.masked_only {
                return "masked";
            }
            open = true;
        }
    }
    if open { "free" } else { "closed" }
}
