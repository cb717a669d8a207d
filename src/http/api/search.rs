//! `POST /v1/search`: records by a declared field, exactly after normalising.

use crate::domain::Sensitive;
use crate::http::api::detokenize::{Context, checked, name_fault};
use crate::http::exchange::{Exchange, Failure, Reply};
use crate::vault::{Fault, SearchBy, SearchCommand};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A search: `field` with `equals`, or `match`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Collection.
    pub collection: String,
    /// Purpose.
    pub purpose: String,
    /// Field, with `equals`.
    pub field: Option<String>,
    /// Text to find.
    #[schema(value_type = Option<String>)]
    pub equals: Option<Sensitive<String>>,
    /// The two parts of a compound index.
    #[serde(rename = "match")]
    #[schema(value_type = Option<Object>)]
    pub matching: Option<Pairs>,
    /// A context; asked for by grants that say so.
    pub context: Option<Context>,
    /// The end user acted for (≤ 64 of `[A-Za-z0-9._:-]`); kept only as keyed pseudonym.
    pub on_behalf_of: Option<String>,
}

/// An object of strings in the order sent.
pub struct Pairs(pub Vec<(String, Sensitive<String>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> serde::de::Visitor<'de> for Visit {
            type Value = Pairs;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of two strings")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::with_capacity(2);
                while let Some(pair) = map.next_entry()? {
                    if pairs.len() == 2 {
                        return Err(serde::de::Error::custom("too many"));
                    }
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        d.deserialize_map(Visit)
    }
}

/// One record found.
#[derive(Serialize, ToSchema)]
pub struct Found {
    /// `rec_…`
    pub record: String,
    /// `sub_…`
    pub subject: String,
    /// Tokens by field.
    pub tokens: BTreeMap<String, String>,
}

/// Records found.
#[derive(Serialize, ToSchema)]
pub struct SearchResult {
    /// At most 20.
    pub records: Vec<Found>,
    /// There were more.
    pub truncated: bool,
}

/// `POST /v1/search`
pub async fn find(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let body: Search = x.json()?;
    let by = match (body.field, body.equals, body.matching) {
        (Some(field), Some(text), None) => SearchBy::Equals(field, text),
        (None, None, Some(pairs)) => SearchBy::Match(pairs.0),
        _ => return Err(Fault::new("", "bad_search", "Give field and equals, or match; not both.").into()),
    };
    name_fault("/on_behalf_of", body.on_behalf_of.as_ref())?;
    let command = SearchCommand {
        collection: body.collection,
        purpose: body.purpose,
        by,
        context: body.context.map(checked).transpose()?,
        on_behalf_of: body.on_behalf_of,
    };
    let done = x.vault.search(x.caller, x.call, &command).await?;
    let records = done.value.hits.iter().map(|hit| Found {
        record: hit.record.clone(),
        subject: hit.subject.clone(),
        tokens: hit.tokens.iter().cloned().collect(),
    });
    let shown = SearchResult { records: records.collect(), truncated: done.value.truncated };
    Ok(Reply::json(200, &done, &shown))
}
