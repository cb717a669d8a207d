//! A policy as a set of single statements, each with the direction in which it widens.

use crate::domain::field::FieldType;
use crate::domain::{FieldNo, duration};
use crate::policy::errors::Faults;
use crate::policy::facts::Policy;
use crate::policy::rules::{Bits, ContextRule};
use crate::policy::source::{self, Source, Text};
use std::collections::BTreeMap;

/// What a statement says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Fact {
    /// Something is allowed, stored or open: its presence widens.
    Right,
    /// Something protects: its absence widens.
    Guard,
    /// More is wider; as text and in units that compare.
    More(String, u64),
    /// Less is wider.
    Less(String, u64),
    /// A word that has no order: another one counts as wider.
    Word(String),
    /// A word that grants nothing by itself.
    Note(String),
}

/// Statements by whom and what they are about.
pub(super) type Facts = BTreeMap<(String, String), Fact>;

impl Fact {
    pub(super) fn widens_when_added(&self) -> bool {
        matches!(self, Self::Right | Self::Word(_))
    }
    pub(super) fn widens_when_removed(&self) -> bool {
        // A limit that is no longer written may be anything.
        matches!(self, Self::Guard | Self::More(..) | Self::Less(..))
    }
    pub(super) fn widens_when_changed_to(&self, now: &Self) -> bool {
        match (self, now) {
            (Self::More(_, was), Self::More(_, now)) => now > was,
            (Self::Less(_, was), Self::Less(_, now)) => now < was,
            (Self::Note(_), Self::Note(_)) => false,
            _ => true,
        }
    }
    pub(super) fn shown(&self) -> Option<String> {
        match self {
            Self::Right | Self::Guard => None,
            Self::More(text, _) | Self::Less(text, _) | Self::Word(text) | Self::Note(text) => {
                Some(text.clone())
            }
        }
    }
}

/// Every statement of a policy that compiled.
pub(super) fn of(text: &str, policy: &Policy) -> Facts {
    let mut faults = Faults::new(text);
    let source = source::read(text, &mut faults);
    let mut all = All { facts: Facts::new(), policy, source: &source };
    all.head();
    all.collections();
    all.purposes();
    all.clients();
    all.roles();
    all.recipients();
    all.transfers();
    all.facts
}

struct All<'p> {
    facts: Facts,
    policy: &'p Policy,
    source: &'p Source,
}

fn words(list: &[Text]) -> String {
    let mut words: Vec<&str> = list.iter().map(|t| t.get_ref().as_str()).collect();
    words.sort_unstable();
    words.join(", ")
}

fn seconds(text: &str) -> u64 {
    duration::parse(text).map_or(u64::MAX, |d| d.as_secs())
}

impl All<'_> {
    fn put(&mut self, who: &str, what: impl Into<String>, fact: Fact) {
        self.facts.insert((who.to_owned(), what.into()), fact);
    }
    fn flag(&mut self, who: &str, what: &str, fact: Fact, set: bool) {
        if set {
            self.put(who, what, fact);
        }
    }

    fn head(&mut self) {
        let source = self.source;
        if let Some(head) = &source.policy {
            self.put("policy", "version", Fact::Note(head.version.get_ref().to_string()));
            self.put("policy", "name", Fact::Note(head.name.get_ref().clone()));
            self.put("policy", "controller", Fact::Word(head.controller.get_ref().clone()));
            self.put("policy", "contact", Fact::Note(head.contact.get_ref().clone()));
        }
        for region in self.policy.served_regions().collect::<Vec<_>>() {
            let (who, age) = (format!("region {}", region.as_str()), self.policy.minimum_age(region));
            self.put(&who, "its people are taken", Fact::Right);
            self.put(&who, "minimum age", Fact::Less(age.to_string(), u64::from(age)));
        }
        self.flag("minors", "unknown age counts as attested", Fact::Right, self.policy.takes_unknown_age());
        for (group, countries) in &source.regions {
            for country in countries {
                let what = format!("{} counts as within it", country.get_ref());
                self.put(&format!("region group {}", group.get_ref()), what, Fact::Right);
            }
        }
        if let Some(audit) = &source.audit {
            let keep = audit.keep.get_ref();
            self.put("audit", "events are kept", Fact::More(keep.clone(), seconds(keep)));
        }
        for (name, members) in &source.audiences {
            for member in members {
                let what = format!("{} may open its tokens", member.get_ref());
                self.put(&format!("audience {}", name.get_ref()), what, Fact::Right);
            }
        }
    }

    fn collections(&mut self) {
        for (name, collection) in &self.source.collections {
            let who = format!("collection {}", name.get_ref());
            if let Some(audience) = &collection.audience {
                self.put(&who, "tokens open for", Fact::Word(audience.get_ref().clone()));
            }
            match &collection.retention {
                None => self.put(&who, "kept without end", Fact::Right),
                Some(retention) => self.retention(&who, retention),
            }
            for (field, facts) in &collection.fields {
                self.field(&format!("field {}.{}", name.get_ref(), field.get_ref()), facts);
            }
        }
    }

    fn retention(&mut self, who: &str, retention: &source::Retention) {
        let keep = retention.keep.get_ref();
        self.put(who, "kept from", Fact::Word(retention.from.get_ref().clone()));
        self.put(who, "kept for", Fact::More(keep.clone(), seconds(keep)));
        let max = retention.max.as_ref().map_or("without end", |m| m.get_ref().as_str());
        // From creation the period itself is the end.
        let end = if retention.max.is_none() && retention.from.get_ref() == "created" {
            keep.as_str()
        } else {
            max
        };
        self.put(who, "kept at most", Fact::More(end.to_owned(), seconds(end)));
        if let Some(then) = &retention.then {
            self.put(who, "then", Fact::Word(then.get_ref().clone()));
        }
        if let Some(duty) = &retention.duty {
            let keep = duty.keep.get_ref();
            self.put(who, "duty to keep", Fact::More(keep.clone(), seconds(keep)));
            self.put(who, "duty's basis", Fact::Word(duty.basis.get_ref().clone()));
            for purpose in &duty.purposes {
                self.put(who, format!("read during the duty for {}", purpose.get_ref()), Fact::Right);
            }
        }
    }

    fn field(&mut self, who: &str, field: &source::Field) {
        self.put(who, "is stored", Fact::Right);
        self.put(who, "type", Fact::Word(field.kind.get_ref().clone()));
        let sensitivity = *field.sensitivity.get_ref();
        let order = u64::try_from(sensitivity).unwrap_or(0);
        self.put(who, "sensitivity", Fact::Less(sensitivity.to_string(), order));
        let mask = field.mask.as_ref().map_or("of its type", |m| m.get_ref().as_str());
        self.put(who, "mask", Fact::Word(mask.to_owned()));
        if let Some(search) = &field.search {
            let how = match search.get_ref() {
                source::SearchSource::Name(name) => name.clone(),
                source::SearchSource::With(with) => format!("with {}", with.with),
            };
            self.put(who, "searchable", Fact::Word(how));
        }
        self.flag(who, "required", Fact::Right, field.required);
        let full = field.ip_full.as_ref().is_some_and(|full| *full.get_ref());
        self.flag(who, "stored in full", Fact::Right, full);
    }

    fn purposes(&mut self) {
        for (name, purpose) in &self.source.purposes {
            let who = format!("purpose {}", name.get_ref());
            self.put(&who, "basis", Fact::Word(purpose.basis.get_ref().clone()));
            self.flag(&who, "administrative", Fact::Right, purpose.administrative);
            self.flag(&who, "can be opted out of", Fact::Guard, purpose.opt_out);
            self.flag(&who, "counts as marketing", Fact::Guard, purpose.marketing);
            self.flag(&who, "masked only", Fact::Guard, purpose.masked_only);
            if let Some(rule) = &purpose.during_restriction {
                self.put(&who, "goes on during restriction", Fact::Word(rule.get_ref().clone()));
            }
            if let Some(notice) = &purpose.since_notice {
                self.put(&who, "since notice", Fact::Word(notice.get_ref().clone()));
            }
        }
    }

    fn clients(&mut self) {
        let facts: Vec<_> = self.policy.clients().cloned().collect();
        for client in facts {
            let who = format!("client {}", client.name);
            self.put(&who, "country", Fact::Word(client.country.as_str().to_owned()));
            for network in &client.networks {
                self.put(&who, format!("calls from {network}"), Fact::Right);
            }
            let auth = match (client.accepts_key, client.accepts_mtls) {
                (true, true) => Fact::Word("certificate and key".to_owned()),
                (true, false) => Fact::Word("key".to_owned()),
                _ => Fact::Word("certificate".to_owned()),
            };
            self.put(&who, "proves itself by", auth);
            let limits = client.limits;
            for (name, value) in [
                ("requests a second", limits.requests_per_second),
                ("reads an hour", limits.reads_per_hour),
                ("subjects a day", limits.subjects_per_day),
            ] {
                self.put(&who, name, Fact::More(value.to_string(), u64::from(value)));
            }
            for act in self.policy.acts_of(client.no).into_iter().map(str::to_owned).collect::<Vec<_>>() {
                self.put(&who, format!("act {act}"), Fact::Right);
            }
            self.granted(&who, &client);
        }
    }

    fn granted(&mut self, who: &str, client: &crate::policy::ClientFacts) {
        let policy = self.policy;
        for grant in policy.client_rules.get(&client.no).map_or(&[][..], |rules| &rules.grants) {
            let purpose = policy.purpose_name(grant.purpose).unwrap_or("?");
            let forms = [
                ("writes", &grant.write),
                ("reads plain", &grant.plain),
                ("reads masked", &grant.masked),
                ("searches", &grant.search),
                ("verifies", &grant.verify),
            ];
            for (form, fields) in forms {
                for field in self.named(fields) {
                    self.put(who, format!("{form} {field} for {purpose}"), Fact::Right);
                }
            }
            for recipient in policy.recipients().filter(|(no, _)| grant.recipients.has(no.0)) {
                self.put(who, format!("reads for {} for {purpose}", recipient.1), Fact::Right);
            }
            let strength = match grant.context {
                ContextRule::None => 0,
                ContextRule::Present => 1,
                ContextRule::Verified => 2,
            };
            let name = ["none", "present", "verified"].get(strength).copied().unwrap_or("none");
            self.put(who, format!("context for {purpose}"), Fact::Less(name.to_owned(), strength as u64));
        }
    }

    fn named(&self, fields: &Bits) -> Vec<String> {
        let facts = fields.iter().filter_map(|no| self.policy.field_facts(FieldNo(no)));
        facts.map(|f| f.full_name.clone()).collect()
    }

    /// Roles are not compiled further than their faults: wildcards are spelt out here, passwords aside.
    fn spelt_out(&self, patterns: &[Text]) -> Vec<String> {
        let mut names = Vec::new();
        for pattern in patterns {
            let collection = pattern.get_ref().strip_suffix(".*").and_then(|c| self.policy.collection(c));
            match collection {
                Some(no) => {
                    let fields = self.policy.fields_of(no).filter(|f| f.kind != FieldType::Password);
                    names.extend(fields.map(|f| f.full_name.clone()));
                }
                None => names.push(pattern.get_ref().clone()),
            }
        }
        names
    }

    fn roles(&mut self) {
        for (name, role) in &self.source.roles {
            let who = format!("role {}", name.get_ref());
            for act in &role.acts {
                self.put(&who, format!("act {}", act.get_ref()), Fact::Right);
            }
            for grant in &role.grants {
                let grant = grant.get_ref();
                let purpose = grant.purpose.get_ref();
                let forms = [
                    ("writes", &grant.write),
                    ("reads plain", &grant.plain),
                    ("reads masked", &grant.masked),
                    ("searches", &grant.search),
                    ("reads plain, approved,", &grant.plain_with_approval),
                ];
                for (form, patterns) in forms {
                    for field in self.spelt_out(patterns) {
                        self.put(&who, format!("{form} {field} for {purpose}"), Fact::Right);
                    }
                }
                self.flag(&who, &format!("verifies for {purpose}"), Fact::Right, grant.verify);
                for recipient in &grant.recipients {
                    self.put(&who, format!("reads for {} for {purpose}", recipient.get_ref()), Fact::Right);
                }
                let context = grant.context.as_ref().map_or("none", |c| c.get_ref().as_str());
                let strength =
                    ["none", "present", "verified"].iter().position(|c| *c == context).unwrap_or(0);
                self.put(
                    &who,
                    format!("context for {purpose}"),
                    Fact::Less(context.to_owned(), strength as u64),
                );
            }
        }
    }

    fn recipients(&mut self) {
        for rules in self.policy.recipients.values() {
            let kind = if rules.third_party { "third party" } else { "processor" };
            let who = format!("{kind} {}", rules.name);
            self.put(&who, "country", Fact::Word(rules.country.as_str().to_owned()));
            for purpose in
                rules.purposes.iter().filter_map(|no| self.policy.purpose_name(crate::domain::PurposeNo(no)))
            {
                self.put(&who, format!("receives for {purpose}"), Fact::Right);
            }
            for field in self.named(&rules.fields) {
                self.put(&who, format!("receives {field}"), Fact::Right);
            }
            if let Some((signed, expires)) = rules.contract {
                let days = |d: crate::domain::date::Date| {
                    u64::from(d.year) * 372 + u64::from(d.month) * 31 + u64::from(d.day)
                };
                self.put(&who, "contract from", Fact::Less(signed.to_string(), days(signed)));
                self.put(&who, "contract until", Fact::More(expires.to_string(), days(expires)));
            }
        }
        for (name, processor) in &self.source.processors {
            let who = format!("processor {}", name.get_ref());
            self.put(&who, "contract", Fact::Note(processor.contract.reference.get_ref().clone()));
            self.put(&who, "transfer basis", Fact::Word(processor.transfer_basis.get_ref().clone()));
        }
        for (name, third) in &self.source.third_parties {
            if let Some(basis) = &third.transfer_basis {
                let who = format!("third party {}", name.get_ref());
                self.put(&who, "transfer basis", Fact::Word(basis.get_ref().clone()));
            }
        }
    }

    fn transfers(&mut self) {
        for rule in &self.source.transfers {
            let who = format!("transfer {} to {}", rule.from.get_ref(), rule.to.get_ref());
            self.put(&who, "basis", Fact::Word(rule.basis.get_ref().clone()));
            self.flag(&who, "masked only", Fact::Guard, rule.masked_only);
        }
        // Calendars lift limits at times; another one is another limit.
        for (name, client) in &self.source.clients {
            let calendar = client.limits.as_ref().map(|l| words(&l.batch_calendar)).filter(|w| !w.is_empty());
            if let Some(calendar) = calendar {
                self.put(&format!("client {}", name.get_ref()), "batch calendar", Fact::Word(calendar));
            }
        }
    }
}
