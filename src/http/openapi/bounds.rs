//! What requests must look like beyond their types (and what the type of an answer cannot say): forms, lengths and numbers, merged into the document's schemas, so that
//! a client made from it sends what the vault takes. What only the vault can judge (a date that exists, a card number in a
//! name) is said in the errors, not here.

use serde_json::{Value, json};

/// A duration such as `30d`.
const LIFE: &str = "^[1-9][0-9]{0,4}(s|m|h|d|mo|y)$";
/// An RFC 3339 instant.
const INSTANT: &str = "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?(Z|[+-][01][0-9]:[0-5][0-9])$";
/// A text without controls.
const TEXT: &str = r"^[^\u0000-\u001F\u007F-\u009F]*$";
/// What strict JSON takes at all: tokens may be any such text, and one that is none is answered like one that is not found.
const WIRE: &str = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]*$";
/// A key of an object.
const KEY: &str = "^[a-z][a-z0-9_]{0,62}$";
/// Names that clients choose.
const NAME: &str = "^[A-Za-z0-9._:-]{1,64}$";

/// (schema, property, what is added to it); an empty property: to the schema itself.
fn bounds() -> Vec<(&'static str, &'static str, Value)> {
    let pattern = |text: &str| json!({ "pattern": text });
    let list = |most: u32| json!({ "minItems": 1, "maxItems": most });
    vec![
        ("NewSubject", "region", pattern("^[A-Z]{2}$")),
        (
            "NewSubject",
            "birth_date",
            pattern("^(1[89]|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"),
        ),
        ("NewSubject", "external_ref", json!({ "minLength": 1, "maxLength": 256 })),
        ("NewSubject", "notice_version", pattern(NAME)),
        ("NewSubject", "", one_of(&["birth_date"], &[], json!({ "age_attested": { "const": true } }))),
        ("SubjectPatch", "region", pattern("^[A-Z]{2}$")),
        ("NewAnchor", "event", pattern("^[a-z0-9_]{1,64}$")),
        ("NewAnchor", "at", pattern(INSTANT)),
        ("NewConsent", "at", pattern(INSTANT)),
        ("Evidence", "channel", pattern("^[a-z0-9_-]{1,64}$")),
        ("Evidence", "text_sha256", pattern("^[0-9a-f]{64}$")),
        ("Evidence", "notice_version", pattern(NAME)),
        ("NewContext", "kind", json!({ "enum": ["order", "ticket", "session"] })),
        ("Context", "kind", json!({ "enum": ["order", "ticket", "session"] })),
        ("NewContext", "expires_in", pattern(LIFE)),
        ("TokenWishes", "expires_in", pattern(LIFE)),
        ("NewTokens", "expires_in", pattern(LIFE)),
        ("NewTokens", "uses", json!({ "minimum": 1 })),
        ("NewTokens", "fields", json!({ "minItems": 1 })),
        ("Detokenize", "format", json!({ "enum": ["plain", "masked", null] })),
        (
            "Search",
            "match",
            json!({ "minProperties": 2, "maxProperties": 2,
            "propertyNames": { "pattern": KEY }, "additionalProperties": { "type": "string", "pattern": TEXT } }),
        ),
        ("RecordPatch", "fields", fields(true)),
        ("NewRecord", "fields", fields(false)),
        ("NewContext", "ref", pattern(NAME)),
        ("NewContext", "assigned_to", pattern(NAME)),
        ("Context", "ref", pattern(NAME)),
        ("Search", "on_behalf_of", pattern(NAME)),
        ("Detokenize", "on_behalf_of", pattern(NAME)),
        ("Detokenize", "recipient_ref", pattern(NAME)),
        (
            "Verify",
            "source",
            pattern(
                r"^(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}$|^[^\u0000-\u001F\u007F-\u009F]*:[^\u0000-\u001F\u007F-\u009F]*$",
            ),
        ),
        (
            "DetokenizedItem",
            "value",
            json!({ "type": ["string", "object", "null"], "additionalProperties": { "type": "string" } }),
        ),
        ("RecordBatch", "records", list(1_000)),
        ("TokenList", "tokens", list(1_000)),
        ("Detokenize", "tokens", list(100_000)),
        ("Search", "", one_of(&["field", "equals"], &["match"], json!({}))),
        ("Verify", "", one_of(&["token"], &["login"], json!({}))),
    ]
}

/// Fields of a record: texts, or objects of texts; null removes one.
fn fields(removes: bool) -> Value {
    let text =
        json!({ "type": if removes { json!(["string", "null"]) } else { json!("string") }, "pattern": TEXT });
    let composite = json!({ "type": "object", "minProperties": 1,
        "propertyNames": { "pattern": KEY },
        "additionalProperties": { "type": "string", "pattern": TEXT } });
    json!({ "minProperties": 1, "propertyNames": { "pattern": KEY },
        "additionalProperties": { "anyOf": [text, composite] } })
}

/// Adds to every text of a schema that has no form of its own, and to texts of its lists, that it holds no controls.
fn plain_texts(schema: &mut Value) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for property in properties.values_mut() {
        let listed = property.get("items").is_some();
        let place = if listed { property.get_mut("items") } else { Some(property) };
        let Some(object) = place.and_then(Value::as_object_mut) else { continue };
        let kinds = object.get("type");
        let text = kinds
            .is_some_and(|t| t == "string" || t.as_array().is_some_and(|a| a.contains(&json!("string"))));
        if text && !object.contains_key("pattern") && !object.contains_key("enum") {
            object.insert("pattern".to_owned(), json!(if listed { WIRE } else { TEXT }));
        }
    }
}

/// Schemas of requests.
const REQUESTS: [&str; 15] = [
    "NewSubject",
    "SubjectPatch",
    "NewAnchor",
    "NewConsent",
    "Evidence",
    "NewContext",
    "Context",
    "NewRecord",
    "TokenWishes",
    "RecordPatch",
    "TokenList",
    "Detokenize",
    "Search",
    "Verify",
    "NewTokens",
];

/// The one set of keys as texts, or the other, never both. Facts of the second way stand in `else_facts`.
fn one_of(first: &[&str], second: &[&str], else_facts: Value) -> Value {
    let absent = |keys: &[&str]| -> serde_json::Map<String, Value> {
        keys.iter().map(|k| ((*k).to_owned(), json!({ "type": "null" }))).collect()
    };
    let present = |keys: &[&str], others: &[&str]| {
        let mut facts = absent(others);
        for key in keys {
            facts.insert((*key).to_owned(), json!({ "not": { "type": "null" } }));
        }
        json!({ "required": keys, "properties": facts })
    };
    if second.is_empty() {
        let attested: Vec<&String> = else_facts.as_object().into_iter().flat_map(|o| o.keys()).collect();
        let other = json!({ "required": attested, "properties": else_facts });
        return json!({ "anyOf": [present(first, &[]), other] });
    }
    json!({ "oneOf": [present(first, second), present(second, first)] })
}

/// Adds them.
pub(super) fn tighten(schemas: &mut Value) {
    for (schema, property, facts) in bounds() {
        let place = if property.is_empty() {
            format!("/{schema}")
        } else {
            format!("/{schema}/properties/{property}")
        };
        let Some(object) = schemas.pointer_mut(&place).and_then(Value::as_object_mut) else { continue };
        if let Value::Object(facts) = facts {
            object.extend(facts);
        }
    }
    for name in REQUESTS {
        schemas.get_mut(name).map(plain_texts);
    }
}

/// The schema of a query parameter.
pub(super) fn query(name: &str) -> Value {
    match name {
        "limit" => json!({ "type": "integer", "minimum": 1, "maximum": 200 }),
        _ => json!({ "type": "string" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_finds_its_schema() {
        let document: Value = serde_json::from_str(&super::super::document()).unwrap();
        for (schema, property, _) in bounds() {
            let schema = &document["components"]["schemas"][schema];
            assert!(
                schema.is_object() && (property.is_empty() || schema["properties"][property].is_object())
            );
        }
    }
}
