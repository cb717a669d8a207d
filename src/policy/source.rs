//! The policy file as written: serde structures that know where each name stands, so that faults have a line.
//!
//! Nothing is judged here and nothing is looked up: names stay text until `compile` resolves them. Unknown keys are
//! faults everywhere (I4: what the vault does not understand never permits).

use super::errors::Faults;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// Text with its place in the file.
pub(super) type Text = Spanned<String>;
/// Named entries of a section, in the order of their names.
pub(super) type Named<T> = Vec<(Text, T)>;

/// A whole policy file.
#[derive(Default)]
pub(super) struct Source {
    pub(super) regions: Named<Vec<Text>>,
    pub(super) policy: Option<Head>,
    pub(super) minors: Option<Minors>,
    pub(super) audiences: Named<Vec<Text>>,
    pub(super) collections: Named<Collection>,
    pub(super) purposes: Named<Purpose>,
    pub(super) clients: Named<Client>,
    pub(super) roles: Named<Role>,
    pub(super) processors: Named<Processor>,
    pub(super) third_parties: Named<ThirdParty>,
    pub(super) transfers: Vec<Transfer>,
    pub(super) audit: Option<Audit>,
}

/// `[policy]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) name: Text,
    pub(super) version: Spanned<u32>,
    pub(super) controller: Text,
    pub(super) contact: Text,
    pub(super) regions: Vec<Text>,
}

/// `[minors]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Minors {
    pub(super) minimum_age: Spanned<u16>,
    #[serde(default)]
    pub(super) by_country: BTreeMap<Text, Spanned<u16>>,
    pub(super) unknown: Option<Text>,
}

/// `[collections.X]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Collection {
    pub(super) audience: Option<Text>,
    pub(super) retention: Option<Retention>,
    pub(super) fields: BTreeMap<Text, Field>,
}

/// `retention = { … }`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Retention {
    pub(super) from: Text,
    pub(super) keep: Text,
    pub(super) max: Option<Text>,
    pub(super) then: Option<Text>,
    pub(super) duty: Option<Duty>,
}

/// `duty = { … }`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Duty {
    pub(super) basis: Text,
    pub(super) keep: Text,
    pub(super) purposes: Vec<Text>,
}

/// `fields.Y = { … }`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    #[serde(rename = "type")]
    pub(super) kind: Text,
    pub(super) sensitivity: Spanned<i64>,
    pub(super) mask: Option<Text>,
    pub(super) search: Option<Spanned<SearchSource>>,
    #[serde(default)]
    pub(super) required: bool,
    pub(super) ip_full: Option<Spanned<bool>>,
}

/// `search = "exact"` or `search = { with = "address.postcode" }`
#[derive(Deserialize)]
#[serde(untagged, expecting = "search is \"exact\" or { with = \"field.part\" }")]
pub(super) enum SearchSource {
    Name(String),
    With(WithSource),
}

/// The companion of a compound search.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WithSource {
    pub(super) with: String,
}

/// `[purposes.X]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Purpose {
    pub(super) basis: Text,
    #[serde(default)]
    pub(super) administrative: bool,
    #[serde(default)]
    pub(super) opt_out: bool,
    #[serde(default)]
    pub(super) marketing: bool,
    #[serde(default)]
    pub(super) masked_only: bool,
    pub(super) during_restriction: Option<Text>,
    pub(super) since_notice: Option<Text>,
}

/// `[clients.X]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Client {
    pub(super) country: Text,
    pub(super) networks: Vec<Text>,
    pub(super) auth: Vec<Text>,
    pub(super) tokens: Option<Text>,
    #[serde(default)]
    pub(super) grants: Vec<Spanned<Grant>>,
    #[serde(default)]
    pub(super) acts: Vec<Text>,
    pub(super) limits: Option<Limits>,
}

/// One of `grants = [ … ]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Grant {
    pub(super) purpose: Text,
    #[serde(default)]
    pub(super) write: Vec<Text>,
    #[serde(default)]
    pub(super) plain: Vec<Text>,
    #[serde(default)]
    pub(super) masked: Vec<Text>,
    #[serde(default)]
    pub(super) search: Vec<Text>,
    #[serde(default)]
    pub(super) plain_with_approval: Vec<Text>,
    #[serde(default)]
    pub(super) verify: bool,
    #[serde(default)]
    pub(super) recipients: Vec<Text>,
    pub(super) context: Option<Text>,
}

/// `limits = { … }`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) requests_per_second: Option<Spanned<u32>>,
    pub(super) reads_per_second: Option<Spanned<u32>>,
    pub(super) reads_per_minute: Option<Spanned<u32>>,
    pub(super) reads_per_hour: Option<Spanned<u32>>,
    pub(super) reads_per_day: Option<Spanned<u32>>,
    pub(super) subjects_per_hour: Option<Spanned<u32>>,
    pub(super) subjects_per_day: Option<Spanned<u32>>,
    #[serde(default)]
    pub(super) batch_calendar: Vec<Text>,
}

/// `[roles.X]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Role {
    #[serde(default)]
    pub(super) grants: Vec<Spanned<Grant>>,
    #[serde(default)]
    pub(super) acts: Vec<Text>,
}

/// `contract = { … }`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contract {
    #[serde(rename = "ref")]
    pub(super) reference: Text,
    pub(super) signed: Spanned<toml::value::Datetime>,
    pub(super) expires: Spanned<toml::value::Datetime>,
}

/// `[processors.X]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Processor {
    pub(super) country: Text,
    pub(super) contract: Contract,
    pub(super) purposes: Vec<Text>,
    pub(super) fields: Vec<Text>,
    pub(super) transfer_basis: Text,
    pub(super) contact: Option<Text>,
}

/// `[third_parties.X]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ThirdParty {
    pub(super) country: Text,
    pub(super) purposes: Vec<Text>,
    pub(super) fields: Vec<Text>,
    pub(super) contract: Option<Contract>,
    pub(super) transfer_basis: Option<Text>,
}

/// `[[transfers]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Transfer {
    pub(super) from: Text,
    pub(super) to: Text,
    pub(super) basis: Text,
    #[serde(default)]
    pub(super) masked_only: bool,
}

/// `[audit]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Audit {
    pub(super) keep: Text,
}

const SECTIONS: &[&str] = &[
    "regions",
    "policy",
    "minors",
    "audiences",
    "collections",
    "purposes",
    "clients",
    "roles",
    "processors",
    "third_parties",
    "transfers",
    "audit",
];

/// Reads a file. Every section entry is read by itself, so that one malformed entry does not hide the others' faults.
pub(super) fn read(text: &str, faults: &mut Faults) -> Source {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut source = Source::default();
    if !errors.is_empty() {
        errors.iter().for_each(|error| faults.toml("", error));
        return source;
    }
    for (key, value) in table.into_inner() {
        let name = key.get_ref().as_ref();
        match name {
            "regions" => source.regions = entries(name, value, faults),
            "policy" => source.policy = one(name, value, faults),
            "minors" => source.minors = one(name, value, faults),
            "audiences" => source.audiences = entries(name, value, faults),
            "collections" => source.collections = entries(name, value, faults),
            "purposes" => source.purposes = entries(name, value, faults),
            "clients" => source.clients = entries(name, value, faults),
            "roles" => source.roles = entries(name, value, faults),
            "processors" => source.processors = entries(name, value, faults),
            "third_parties" => source.third_parties = entries(name, value, faults),
            "transfers" => source.transfers = list(name, value, faults),
            "audit" => source.audit = one(name, value, faults),
            _ => faults.unknown((key.span(), ""), name, SECTIONS, "section"),
        }
    }
    source
}

fn one<T: DeserializeOwned>(path: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<T> {
    let places = Places::of(&value);
    let start = value.span().start;
    match T::deserialize(ValueDeserializer::from(value)) {
        Ok(read) => Some(read),
        Err(error) => {
            let at = error.span().unwrap_or(start..start);
            let path = places.path_at(path, at.start);
            faults.toml_at(at, &path, error.message());
            None
        }
    }
}

fn entries<T: DeserializeOwned>(path: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Named<T> {
    let span = value.span();
    let DeValue::Table(table) = value.into_inner() else {
        faults.at(span, path, format!("`{path}` is a table of named entries; write `[{path}.name]`."));
        return Vec::new();
    };
    let mut named = Vec::new();
    for (key, value) in table {
        let name = Text::new(key.span(), key.get_ref().to_string());
        if let Some(read) = one(&format!("{path}.{}", name.get_ref()), value, faults) {
            named.push((name, read));
        }
    }
    named
}

fn list<T: DeserializeOwned>(path: &str, value: Spanned<DeValue<'_>>, faults: &mut Faults) -> Vec<T> {
    let span = value.span();
    let DeValue::Array(array) = value.into_inner() else {
        faults.at(span, path, format!("`{path}` is a list; write `[[{path}]]` before each entry."));
        return Vec::new();
    };
    let each = array.into_iter().enumerate();
    each.filter_map(|(i, item)| one(&format!("{path}[{i}]"), item, faults)).collect()
}

/// Where keys and items of an entry stand, to turn a byte offset of a fault into a dotted path.
struct Places(Vec<(std::ops::Range<usize>, String)>);

impl Places {
    fn of(value: &Spanned<DeValue<'_>>) -> Self {
        let mut places = Self(Vec::new());
        places.walk(value, "");
        places
    }
    fn walk(&mut self, value: &Spanned<DeValue<'_>>, path: &str) {
        match value.get_ref() {
            DeValue::Table(table) => {
                for (key, inner) in table {
                    let path = format!("{path}.{}", key.get_ref());
                    self.0.push((key.span(), path.clone()));
                    self.0.push((inner.span(), path.clone()));
                    self.walk(inner, &path);
                }
            }
            DeValue::Array(array) => {
                for (i, inner) in array.iter().enumerate() {
                    let path = format!("{path}[{i}]");
                    self.0.push((inner.span(), path.clone()));
                    self.walk(inner, &path);
                }
            }
            _ => {}
        }
    }
    /// The longest path whose place holds the offset.
    fn path_at(&self, prefix: &str, offset: usize) -> String {
        let holding = self.0.iter().filter(|(span, _)| span.contains(&offset));
        let deepest = holding.max_by_key(|(_, path)| path.len()).map_or("", |(_, path)| path.as_str());
        format!("{prefix}{deepest}")
    }
}
