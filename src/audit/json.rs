//! The JSON view of an event: one line, a fixed list of keys, plain ASCII (A38).
//!
//! For people and log shippers; the bytes on disk stay the truth. Every text is escaped down to printable ASCII, so
//! no line break, terminal sequence or bidi control of a name can reach a terminal or start a second line. It never
//! prints a field it was not written to print.

use super::chain::Link;
use super::query::principal_name;
use crate::domain::event::{EventBody, EventItem, NetworkFacts};
use crate::domain::rule::Rule;
use crate::domain::{FieldNo, Id16, Ref8, crockford};
use data_encoding::HEXLOWER;
use std::fmt::Write as _;

/// Where the names of numbers come from.
pub trait Names {
    /// The name of a field, if the policy still numbers one so.
    fn field(&self, field: FieldNo) -> Option<String>;
}

/// Knows no names; numbers are printed.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNames;

impl Names for NoNames {
    fn field(&self, _: FieldNo) -> Option<String> {
        None
    }
}

/// The event as one line of JSON, without the line break.
pub fn to_json(body: &EventBody, link: &Link, names: &dyn Names) -> String {
    let mut line = Object::open(String::with_capacity(512));
    line.text("event", &format!("{}.{}.{}", link.node, link.boot, link.seq));
    line.text("committed_at", &link.at.to_rfc3339());
    line.text("received_at", &body.received_at.to_rfc3339());
    line.text("request", &crockford::encode("req_", &body.request.0));
    line.text("principal", &principal_name(&body.principal));
    line.maybe("key", body.key_id.map(|Id16(id)| crockford::encode("key_", &id)).as_deref());
    line.maybe("tls_client", body.tls_client.map(|Id16(id)| HEXLOWER.encode(&id)).as_deref());
    line.maybe("on_behalf_of", body.on_behalf_of.map(reference).as_deref());
    if let Some(network) = &body.network {
        line.network(network);
    }
    line.maybe("ua_family", body.ua_family.as_deref());
    line.text("act", body.act.name());
    line.maybe("purpose", body.purpose.as_deref());
    line.maybe("recipient", body.recipient.as_deref());
    line.list("subjects", &body.subjects, |out, subject| quote(out, &reference(*subject)));
    line.list("items", &body.items, |out, item| write_item(out, item, names));
    line.tokens(body);
    if let Some((kind, about, verified)) = &body.context {
        let verified = verified.map_or("absent", |yes| if yes { "yes" } else { "no" });
        line.object("context", |o| {
            o.text("kind", kind);
            o.text("ref", &reference(*about));
            o.text("verified", verified);
        });
    }
    line.text("outcome", body.outcome.name());
    line.maybe("code", body.code.as_deref());
    let rules: Vec<String> = (0..32u8).filter(|n| body.rules.0 & (1 << n) != 0).map(rule_name).collect();
    line.list("rules", &rules, |out, rule| quote(out, rule));
    line.number("policy", body.policy.0.into());
    line.number("cost", body.cost.into());
    line.number("bytes", body.bytes.into());
    line.list("changed", &body.changed, |out, row| {
        let mut o = Object::open(std::mem::take(out));
        o.text("kind", row_kind(row.kind));
        o.text("ref", &reference(row.reference));
        o.number("version", row.version.0.into());
        *out = o.close();
    });
    if body.part != (1, 1) {
        line.number("part", body.part.0.into());
        line.number("parts", body.part.1.into());
    }
    if let Some(count) = body.count {
        line.number("count", count);
    }
    line.close()
}

/// A keyed reference as text: `ref:0123456789abcdef`.
fn reference(Ref8(bytes): Ref8) -> String {
    format!("ref:{}", HEXLOWER.encode(&bytes))
}

fn rule_name(number: u8) -> String {
    let rule = Rule::ALL.iter().find(|rule| **rule as u8 == number);
    rule.map_or_else(|| format!("rule:{number}"), |rule| rule.name().to_owned())
}

fn row_kind(kind: u8) -> &'static str {
    match kind {
        1 => "subject",
        2 => "record",
        3 => "grant",
        4 => "control",
        5 => "external_ref",
        _ => "unknown",
    }
}

fn write_item(out: &mut String, item: &EventItem, names: &dyn Names) {
    let mut o = Object::open(std::mem::take(out));
    if item.record != Ref8([0; 8]) {
        o.text("record", &reference(item.record));
    }
    o.text("field", &names.field(item.field).unwrap_or_else(|| format!("field:{}", item.field.0)));
    match item.outcome {
        0 => o.text("outcome", "plain"),
        1 => o.text("outcome", "masked"),
        2 => o.text("outcome", "not_found"),
        16..=47 => {
            o.text("outcome", "denied");
            o.text("rule", &rule_name(item.outcome - 16));
        }
        _ => o.text("outcome", "unknown"),
    }
    *out = o.close();
}

/// Writes a JSON string in printable ASCII; everything else becomes `\uXXXX`.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// An object being written.
struct Object {
    out: String,
    first: bool,
}

impl Object {
    fn open(mut out: String) -> Self {
        out.push('{');
        Self { out, first: true }
    }
    fn close(mut self) -> String {
        self.out.push('}');
        self.out
    }
    fn key(&mut self, key: &'static str) {
        if !std::mem::replace(&mut self.first, false) {
            self.out.push(',');
        }
        quote(&mut self.out, key);
        self.out.push(':');
    }
    fn text(&mut self, key: &'static str, text: &str) {
        self.key(key);
        quote(&mut self.out, text);
    }
    fn maybe(&mut self, key: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }
    fn number(&mut self, key: &'static str, number: u64) {
        self.key(key);
        // Writing to a String cannot fail.
        let _ = write!(self.out, "{number}");
    }
    fn object(&mut self, key: &'static str, fill: impl FnOnce(&mut Object)) {
        self.key(key);
        let mut inner = Object::open(std::mem::take(&mut self.out));
        fill(&mut inner);
        self.out = inner.close();
    }
    fn list<T>(&mut self, key: &'static str, rows: &[T], mut write: impl FnMut(&mut String, &T)) {
        if rows.is_empty() {
            return;
        }
        self.key(key);
        self.out.push('[');
        for (i, row) in rows.iter().enumerate() {
            if i > 0 {
                self.out.push(',');
            }
            write(&mut self.out, row);
        }
        self.out.push(']');
    }
    fn network(&mut self, network: &NetworkFacts) {
        self.object("network", |o| {
            o.text("prefix", &network.prefix);
            o.maybe("label", network.label.as_deref());
            if let Some(asn) = network.asn {
                o.number("asn", asn.into());
            }
            let country = network.country.map(|c| c.map(char::from).iter().collect::<String>());
            o.maybe("country", country.as_deref());
        });
    }
    fn tokens(&mut self, body: &EventBody) {
        let t = &body.tokens;
        let counts = [
            ("live", t.live),
            ("erased", t.erased),
            ("rotated", t.rotated),
            ("revoked", t.revoked),
            ("forged", t.forged),
            ("decoy", t.decoy),
        ];
        if counts.iter().any(|(_, n)| *n != 0) {
            self.object("tokens", |o| {
                counts.iter().filter(|(_, n)| *n != 0).for_each(|(name, n)| o.number(name, (*n).into()));
            });
        }
    }
}
