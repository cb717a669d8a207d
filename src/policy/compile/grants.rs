//! Grants: which fields, for which purpose, in which form, for whom (C08, C12, C13, C20).

use super::{Compiler, names_of};
use crate::domain::field::FieldType;
use crate::domain::{FieldNo, PurposeNo, RecipientNo};
use crate::policy::numbering::Space;
use crate::policy::rules::{Bits, ContextRule, Grant};
use crate::policy::source::{self, Text};

/// What a list of fields is for; it decides what a wildcard takes in and what may be named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Use {
    /// To store: every field.
    Write,
    /// To read, plain or masked: never a password.
    Read,
    /// To search by: only what is declared searchable.
    Search,
    /// What a recipient may have: never a password, an e-mail address only by its full name (C06).
    Ceiling,
}

impl Compiler<'_, '_> {
    /// The grants of a client or role, each purpose once.
    pub(super) fn grants(&mut self, grants: &[toml::Spanned<source::Grant>], owner: &str) -> Vec<Grant> {
        let mut compiled: Vec<Grant> = Vec::new();
        for (i, grant) in grants.iter().enumerate() {
            let path = format!("{owner}.grants[{i}]");
            let Some(read) = self.grant(grant.get_ref(), &path) else { continue };
            if compiled.iter().any(|g| g.purpose == read.purpose) {
                let name = grant.get_ref().purpose.get_ref();
                let message = format!("`{name}` is granted twice here; merge the two grants into one.");
                self.faults.at(grant.get_ref().purpose.span(), &format!("{path}.purpose"), message);
                continue;
            }
            compiled.push(read);
        }
        compiled
    }

    fn grant(&mut self, grant: &source::Grant, path: &str) -> Option<Grant> {
        let plain = self.field_set(&grant.plain, &format!("{path}.plain"), Use::Read);
        let masked = self.field_set(&grant.masked, &format!("{path}.masked"), Use::Read);
        let write = self.field_set(&grant.write, &format!("{path}.write"), Use::Write);
        let search = self.field_set(&grant.search, &format!("{path}.search"), Use::Search);
        self.field_set(&grant.plain_with_approval, &format!("{path}.plain_with_approval"), Use::Read);
        let context = self.context(grant, path);
        let purposes = self.purpose_set(std::slice::from_ref(&grant.purpose), &format!("{path}.purpose"));
        let recipients = self.recipient_set(&grant.recipients, path);
        let purpose = purposes.iter().next().map(PurposeNo)?;
        let passwords =
            || self.policy.fields.values().filter(|f| f.kind == FieldType::Password).map(|f| f.no.0);
        let verify = if grant.verify { passwords().collect() } else { Bits::default() };
        let compiled = Grant { purpose, write, plain, masked, search, verify, recipients, context };
        self.masked_only(grant, &compiled, path);
        self.within_ceilings(grant, &compiled, path);
        Some(compiled)
    }

    fn context(&mut self, grant: &source::Grant, path: &str) -> ContextRule {
        let Some(context) = &grant.context else { return ContextRule::None };
        self.one_of(context, &format!("{path}.context"), &["none", "present", "verified"], "context");
        match context.get_ref().as_str() {
            "none" => ContextRule::None,
            "present" => ContextRule::Present,
            _ => ContextRule::Verified,
        }
    }

    fn recipient_set(&mut self, names: &[Text], path: &str) -> Bits {
        let source = self.source;
        let known = [names_of(&source.processors), names_of(&source.third_parties)].concat();
        let mut set = Bits::default();
        for (i, name) in names.iter().enumerate() {
            if self.one_of(name, &format!("{path}.recipients[{i}]"), &known, "recipient") {
                self.policy
                    .numbering
                    .get(Space::Recipients, name.get_ref())
                    .into_iter()
                    .for_each(|n| set.insert(n));
            }
        }
        set
    }

    /// A purpose that is masked only grants masked reading and nothing else (C13).
    fn masked_only(&mut self, grant: &source::Grant, compiled: &Grant, path: &str) {
        if !self.policy.purposes.get(&compiled.purpose).is_some_and(|p| p.masked_only) {
            return;
        }
        let more = [&grant.plain, &grant.plain_with_approval, &grant.write, &grant.search];
        let first = more.into_iter().flatten().next();
        if first.is_some() || grant.verify {
            let span = first.map_or(grant.purpose.span(), Text::span);
            let message = format!(
                "`{}` is masked only (C13); grant it `masked` fields and nothing else.",
                grant.purpose.get_ref()
            );
            self.faults.at(span, &format!("{path}.plain"), message);
        }
    }

    /// Every recipient of a grant may have its purpose, and something of what it reads (C20).
    fn within_ceilings(&mut self, grant: &source::Grant, compiled: &Grant, path: &str) {
        for (i, name) in grant.recipients.iter().enumerate() {
            let number = self.policy.numbering.get(Space::Recipients, name.get_ref()).map(RecipientNo);
            let Some(recipient) = number.and_then(|no| self.policy.recipients.get(&no)) else { continue };
            let purpose = recipient.purposes.has(compiled.purpose.0);
            let fields = recipient.fields.meets(&compiled.plain) || recipient.fields.meets(&compiled.masked);
            let path = format!("{path}.recipients[{i}]");
            let (who, what) = (name.get_ref(), grant.purpose.get_ref());
            if !purpose {
                let message = format!(
                    "`{who}` may receive nothing for `{what}`; remove it, or add the purpose to its entry."
                );
                self.faults.at(name.span(), &path, message);
            } else if !fields {
                let message = format!(
                    "`{who}` may receive none of the fields read here; remove it, or add fields to its entry."
                );
                self.faults.at(name.span(), &path, message);
            }
        }
    }

    /// A list of `collection.field` and `collection.*` as a set.
    pub(super) fn field_set(&mut self, patterns: &[Text], path: &str, purpose: Use) -> Bits {
        let mut set = Bits::default();
        for (i, pattern) in patterns.iter().enumerate() {
            let path = format!("{path}[{i}]");
            match pattern.get_ref().strip_suffix(".*") {
                Some(collection) => {
                    self.wildcard((pattern, collection), patterns, (&path, purpose), &mut set)
                }
                None => self.literal(pattern, &path, purpose, &mut set),
            }
        }
        set
    }

    fn literal(&mut self, name: &Text, path: &str, purpose: Use, set: &mut Bits) {
        let facts = self.policy.fields.values().find(|f| f.full_name == *name.get_ref());
        let Some(facts) = facts else {
            let known: Vec<String> = self.policy.fields.values().map(|f| f.full_name.clone()).collect();
            self.faults.unknown((name.span(), path), name.get_ref(), &known, "field");
            return;
        };
        let fault = match purpose {
            Use::Read | Use::Ceiling if facts.kind == FieldType::Password => {
                Some("is a password: it is verified, never read; remove it and write verify = true.")
            }
            Use::Search if facts.search.is_none() => {
                Some("is not searchable; remove it, or give the field a `search`.")
            }
            _ => None,
        };
        set.insert(facts.no.0);
        if let Some(fault) = fault {
            self.faults.at(name.span(), path, format!("`{}` {fault}", name.get_ref()));
        }
    }

    fn wildcard(
        &mut self,
        (name, collection): (&Text, &str),
        all: &[Text],
        (path, purpose): (&str, Use),
        set: &mut Bits,
    ) {
        let Some(no) = self.policy.collection(collection) else {
            let source = self.source;
            self.faults.unknown(
                (name.span(), path),
                collection,
                &names_of(&source.collections),
                "collection",
            );
            return;
        };
        let taken = |kind: FieldType, searchable: bool| match purpose {
            Use::Write => true,
            Use::Read => kind != FieldType::Password,
            Use::Search => searchable,
            Use::Ceiling => !matches!(kind, FieldType::Password | FieldType::Email),
        };
        let mut hidden: Vec<String> = Vec::new();
        for facts in self.policy.fields_of(no) {
            if taken(facts.kind, facts.search.is_some()) {
                let FieldNo(field) = facts.no;
                set.insert(field);
            } else if facts.kind == FieldType::Email && !all.iter().any(|t| *t.get_ref() == facts.full_name) {
                hidden.push(facts.full_name.clone());
            }
        }
        if purpose == Use::Ceiling && !hidden.is_empty() {
            let message = format!(
                "a wildcard never includes an e-mail address (C06); name `{}` as well, or name the fields one by one.",
                hidden.join("`, `")
            );
            self.faults.at(name.span(), path, message);
        }
    }
}
