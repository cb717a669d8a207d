//! `--dry-run`: every line through the mapping and, over the admin socket, through the types and ages the policy declares. Nothing is
//! sent but questions. What only the stored state can say (duplicates, a login that is taken, limits) it cannot know.

use super::plan::{LineFault, Planned};
use crate::cli::Failed;
use crate::cli::remote::Link;
use crate::domain::date::Date;
use crate::domain::field::FieldType;
use crate::domain::value::{FieldValue, RawValue, ValueOptions, holds_card_number};
use serde::Deserialize;
use std::collections::BTreeMap;

/// First year a birth date may name.
const FIRST_YEAR: u16 = 1850;

/// What the vault declares.
#[derive(Deserialize)]
pub(super) struct Declared {
    fields: Vec<Field>,
    regions: BTreeMap<String, u16>,
    unknown_age: bool,
}

#[derive(Deserialize)]
struct Field {
    collection: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    ip_full: bool,
    required: bool,
}

impl Declared {
    /// Asks the vault; `None` over TLS, where types are not told.
    pub(super) async fn of(link: &Link) -> Result<Option<Self>, Failed> {
        if !link.is_local() {
            return Ok(None);
        }
        link.local("GET", "/local/declared", None).await.map(Some)
    }

    /// What the vault would reject of a line.
    pub(super) fn check(&self, line: &Planned<'_>, today: Date) -> Vec<LineFault> {
        let mut faults = self.check_subject(line, today);
        for record in &line.records {
            let label = record.map.label.as_str();
            for (name, raw) in &record.fields {
                faults.extend(self.check_field((label, &record.map.collection, name), raw, today));
            }
            let needed = self.fields.iter().filter(|f| f.required && f.collection == record.map.collection);
            for field in needed.filter(|f| !record.fields.iter().any(|(name, _)| *name == f.name)) {
                faults.push(LineFault::new(Some(label), format!("/fields/{}", field.name), "missing_field"));
            }
        }
        faults
    }

    fn check_subject(&self, line: &Planned<'_>, today: Date) -> Vec<LineFault> {
        let fault = |pointer: &str, code: &str| vec![LineFault::new(None, pointer, code)];
        let reference = RawValue::Text(crate::domain::Sensitive::text(line.external_ref.expose())); // EXPOSE: scanned.
        if holds_card_number(FieldType::FreeText, &reference) {
            return fault("", "card_number_refused");
        }
        let Some(minimum) = self.regions.get(&line.region) else {
            let known = crate::domain::value::country::is_known(&line.region);
            return fault("/region", if known { "region_not_served" } else { "unknown_country" });
        };
        match &line.birth_date {
            // EXPOSE: compared with today.
            Some(date) => match age(date.expose(), today) {
                None => fault("/birth_date", "not_a_date"),
                Some(age) if age < *minimum => fault("", "minor_refused"),
                Some(_) => Vec::new(),
            },
            None if line.attested || self.unknown_age => Vec::new(),
            None => fault("/birth_date", "age_unknown"),
        }
    }

    fn check_field(
        &self,
        (label, collection, name): (&str, &str, &str),
        raw: &RawValue,
        today: Date,
    ) -> Option<LineFault> {
        let fault = |pointer: String, code: &str| Some(LineFault::new(Some(label), pointer, code));
        let pointer = format!("/fields/{name}");
        let known = self.fields.iter().find(|f| f.collection == collection && f.name == name);
        let Some((field, kind)) = known.and_then(|f| Some((f, FieldType::from_name(&f.kind)?))) else {
            return fault(pointer, "unknown_field");
        };
        if holds_card_number(kind, raw) {
            return fault(String::new(), "card_number_refused");
        }
        match FieldValue::parse(kind, raw, ValueOptions { ip_full: field.ip_full }) {
            Err(invalid) => fault(format!("{pointer}{}", invalid.pointer), invalid.code),
            Ok(value) if kind == FieldType::BirthDate => {
                // EXPOSE: compared with today.
                let text = std::str::from_utf8(value.canonical().expose()).unwrap_or("");
                let lowest = self.regions.values().min().copied().unwrap_or(u16::MAX);
                match age(text, today) {
                    None => fault(pointer, "not_a_date"),
                    Some(age) if age < lowest => fault(String::new(), "minor_refused"),
                    Some(_) => None,
                }
            }
            Ok(_) => None,
        }
    }
}

fn age(date: &str, today: Date) -> Option<u16> {
    Date::parse(date).filter(|d| d.year >= FIRST_YEAR)?.age_on(today)
}
