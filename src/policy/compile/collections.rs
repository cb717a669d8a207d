//! Collections and their fields: types, masks, searches, retention (C01, C03, C04, C09, C24).

use super::{Compiler, names_of};
use crate::domain::field::{FieldType, Mask};
use crate::domain::value::ValueOptions;
use crate::domain::{AudienceNo, CollectionNo, FieldNo};
use crate::policy::facts::{CollectionFacts, Duty, FieldFacts, Search};
use crate::policy::numbering::Space;
use crate::policy::rules::Basis;
use crate::policy::source::{Collection, Field, Retention, SearchSource, Text};
use std::time::Duration;

const MASKS: &[&str] = &["initials", "email", "last4", "region", "year", "full"];
const ANCHORS: &[&str] = &["created", "last_used", "account_closed", "contract_ended"];

impl Compiler<'_, '_> {
    pub(super) fn collections(&mut self) {
        let source = self.source;
        for (name, collection) in &source.collections {
            let number = |space, text: &str| self.policy.numbering.get(space, text);
            let Some(no) = number(Space::Collections, name.get_ref()).map(CollectionNo) else { continue };
            let path = format!("collections.{}", name.get_ref());
            if collection.fields.is_empty() {
                self.faults.at(
                    name.span(),
                    &path,
                    String::from("has no field; declare one, or leave it out."),
                );
            }
            let (token_life, duty) =
                collection.retention.as_ref().map_or((None, None), |r| self.retention(r, &path));
            let audience = collection.audience.as_ref().and_then(|a| self.audience_name(a, &path));
            let mut fields = std::collections::BTreeMap::new();
            for (short, field) in &collection.fields {
                let full_name = format!("{}.{}", name.get_ref(), short.get_ref());
                let Some(field_no) = self.policy.numbering.get(Space::Fields, &full_name).map(FieldNo) else {
                    continue;
                };
                fields.insert(short.get_ref().clone(), field_no);
                let path = format!("{path}.fields.{}", short.get_ref());
                let facts = self.field(field, &path, (name.get_ref(), collection));
                if let Some(mut facts) = facts {
                    (facts.no, facts.collection) = (field_no, no);
                    (facts.name, facts.full_name) = (short.get_ref().clone(), full_name);
                    self.policy.fields.insert(field_no, facts);
                }
            }
            let name = name.get_ref().clone();
            let facts = CollectionFacts { name, fields, audience, token_life, duty };
            self.policy.collections.insert(no, facts);
        }
    }

    fn audience_name(&mut self, name: &Text, path: &str) -> Option<AudienceNo> {
        let source = self.source;
        let known = [names_of(&source.audiences), names_of(&source.clients)].concat();
        let path = format!("{path}.audience");
        self.one_of(name, &path, &known, "audience").then_some(())?;
        self.policy.numbering.get(Space::Clients, name.get_ref()).map(AudienceNo)
    }

    fn field(&mut self, field: &Field, path: &str, home: (&str, &Collection)) -> Option<FieldFacts> {
        let types: Vec<&str> = FieldType::ALL.iter().map(|t| t.name()).collect();
        self.one_of(&field.kind, &format!("{path}.type"), &types, "type");
        let sensitivity = u8::try_from(*field.sensitivity.get_ref()).ok().filter(|s| (1..=5).contains(s));
        if sensitivity.is_none() {
            let message =
                String::from("is what reading the field costs; write 1 (harmless) to 5 (most sensitive).");
            self.faults.at(field.sensitivity.span(), &format!("{path}.sensitivity"), message);
        }
        if let Some(mask) = &field.mask {
            self.one_of(mask, &format!("{path}.mask"), MASKS, "mask");
        }
        let kind = FieldType::from_name(field.kind.get_ref())?;
        if let Some(ip_full) = field.ip_full.as_ref().filter(|_| kind != FieldType::IpAddress) {
            let message = String::from("is for fields of type `ip_address` only; leave it out.");
            self.faults.at(ip_full.span(), &format!("{path}.ip_full"), message);
        }
        let search = self.search(field, kind, path, home);
        let mask = field.mask.as_ref().and_then(|m| Mask::from_name(m.get_ref()));
        Some(FieldFacts {
            no: FieldNo(0),
            collection: CollectionNo(0),
            name: String::new(),
            full_name: String::new(),
            kind,
            options: ValueOptions { ip_full: field.ip_full.as_ref().is_some_and(|f| *f.get_ref()) },
            sensitivity: sensitivity.unwrap_or(5),
            mask: mask.unwrap_or(Mask::default_for(kind)),
            required: field.required,
            search,
        })
    }

    fn search(
        &mut self,
        field: &Field,
        kind: FieldType,
        path: &str,
        home: (&str, &Collection),
    ) -> Option<Search> {
        let path = format!("{path}.search");
        let declared = field.search.as_ref()?;
        let searched = match declared.get_ref() {
            SearchSource::Name(name) if name == "exact" && kind.exactly_searchable() => Ok(Search::Exact),
            SearchSource::Name(name) if name == "exact" => {
                let can: Vec<&str> =
                    FieldType::ALL.iter().filter(|t| t.exactly_searchable()).map(|t| t.name()).collect();
                Err(format!(
                    "a field of type `{}` cannot be searched exactly, only {} can; leave `search` out.",
                    kind.name(),
                    can.join(", ")
                ))
            }
            SearchSource::Name(_) => {
                Err(String::from("write search = \"exact\" or search = { with = \"address.postcode\" }."))
            }
            SearchSource::With(with) => self.companion(&with.with, kind, home),
        };
        searched.map_err(|message| self.faults.at(declared.span(), &path, message)).ok()
    }

    fn companion(&self, with: &str, kind: FieldType, home: (&str, &Collection)) -> Result<Search, String> {
        if !matches!(kind, FieldType::PersonName | FieldType::Company) {
            let name = kind.name();
            return Err(format!(
                "a field of type `{name}` cannot be searched with another; only person_name and company can."
            ));
        }
        let (collection, declared) = home;
        let (other, part) = with.split_once('.').map_or((with, None), |(f, p)| (f, Some(p)));
        let found = declared.fields.iter().find(|(name, _)| name.get_ref() == other);
        let number = self.policy.numbering.get(Space::Fields, &format!("{collection}.{other}")).map(FieldNo);
        let (Some((_, field)), Some(with)) = (found, number) else {
            return Err(format!("`{other}` is no field of `{collection}`; name one of the same collection."));
        };
        let parts = FieldType::from_name(field.kind.get_ref()).map_or(&[][..], FieldType::parts);
        match part {
            None if parts.is_empty() => Ok(Search::Compound { with, part: None }),
            Some(part) if parts.contains(&part) => Ok(Search::Compound { with, part: Some(part.to_owned()) }),
            _ if parts.is_empty() => Err(format!("`{other}` has no parts; write \"{other}\".")),
            _ => Err(format!("write \"{other}.\" and one of its parts: {}.", parts.join(", "))),
        }
    }

    /// Checks a retention; the life it gives to tokens, and the duty it names, if it does.
    fn retention(&mut self, retention: &Retention, path: &str) -> (Option<Duration>, Option<Duty>) {
        let path = format!("{path}.retention");
        self.one_of(&retention.from, &format!("{path}.from"), ANCHORS, "anchor");
        if let Some(then) = &retention.then {
            self.one_of(then, &format!("{path}.then"), &["destroy", "deidentify"], "ending");
        }
        let keep = self.duration(&retention.keep, &format!("{path}.keep"));
        let max = retention.max.as_ref().and_then(|m| self.duration(m, &format!("{path}.max")));
        let duty = retention.duty.as_ref().and_then(|duty| {
            self.one_of(&duty.basis, &format!("{path}.duty.basis"), Basis::NAMES, "basis");
            self.purpose_set(&duty.purposes, &format!("{path}.duty.purposes"));
            let keep = self.duration(&duty.keep, &format!("{path}.duty.keep"))?;
            Some(Duty { from: retention.from.get_ref().clone(), keep })
        });
        (if retention.from.get_ref() == "created" { keep.max(max) } else { max }, duty)
    }
}
