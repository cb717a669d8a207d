//! Event v1 as bytes: a version byte, then tag, length, value, tags ascending, absent fields left out.
//!
//! One event has one byte string, so the hash of the bytes is the hash of the event. Writing is one pass over one
//! buffer reserved up front. What is zero, empty or the default is absent, never written as such.

use super::tag;
use crate::domain::event::{EventBody, NetworkFacts, Principal};
use crate::domain::token::TokenCounts;

/// Writes an event. Total: what [`check`](super::check) refuses is still written whole, but will not decode.
pub fn encode(body: &EventBody) -> Vec<u8> {
    let mut w = Writer { out: Vec::with_capacity(capacity(body)) };
    w.out.push(tag::VERSION);
    w.put(tag::REQUEST, &[&body.request.0]);
    w.put(tag::RECEIVED_AT, &[&body.received_at.0.to_be_bytes()]);
    match &body.principal {
        Principal::Vault => w.put(tag::PRINCIPAL, &[&[tag::BY_VAULT]]),
        Principal::Client(name) => w.put(tag::PRINCIPAL, &[&[tag::BY_CLIENT], name.as_bytes()]),
        Principal::Local(uid) => w.put(tag::PRINCIPAL, &[&[tag::BY_LOCAL], &uid.to_be_bytes()]),
    }
    if let Some(key) = &body.key_id {
        w.put(tag::KEY_ID, &[&key.0]);
    }
    if let Some(end_user) = &body.on_behalf_of {
        w.put(tag::ON_BEHALF_OF, &[&end_user.0]);
    }
    if let Some(network) = &body.network {
        w.network(network);
    }
    w.text(tag::UA_FAMILY, &body.ua_family);
    w.put(tag::ACT, &[&[body.act as u8]]);
    w.text(tag::PURPOSE, &body.purpose);
    w.text(tag::RECIPIENT, &body.recipient);
    w.lists(body);
    if let Some((kind, reference, verified)) = &body.context {
        let verified = verified.map_or(0, |yes| 1 + u8::from(yes));
        w.put(tag::CONTEXT, &[&[verified], &reference.0, kind.as_bytes()]);
    }
    w.put(tag::OUTCOME, &[&[body.outcome as u8]]);
    w.text(tag::CODE, &body.code);
    w.number(tag::RULES, body.rules.0);
    w.number(tag::POLICY, body.policy.0);
    w.number(tag::COST, body.cost);
    w.number(tag::BYTES, body.bytes);
    w.changed(body);
    if body.part != (1, 1) {
        w.put(tag::PART, &[&body.part.0.to_be_bytes(), &body.part.1.to_be_bytes()]);
    }
    if let Some(count) = body.count {
        w.put(tag::COUNT, &[&count.to_be_bytes()]);
    }
    if let Some(certificate) = &body.tls_client {
        w.put(tag::TLS_CLIENT, &[&certificate.0]);
    }
    w.out
}

/// Enough for the lists, and for the fixed part and texts of an ordinary event.
fn capacity(body: &EventBody) -> usize {
    256 + body.subjects.len() * tag::SUBJECT_LEN
        + body.items.len() * tag::ITEM_LEN
        + body.changed.len() * tag::CHANGED_LEN
}

struct Writer {
    out: Vec<u8>,
}

impl Writer {
    fn head(&mut self, tag: u8, mut len: usize) {
        self.out.push(tag);
        // LEB128: seven bits a byte, lowest first, the top bit says that more follow.
        while len >= 0x80 {
            self.out.push((len & 0x7f) as u8 | 0x80);
            len >>= 7;
        }
        self.out.push(len as u8);
    }
    fn put(&mut self, tag: u8, parts: &[&[u8]]) {
        self.head(tag, parts.iter().map(|part| part.len()).sum());
        parts.iter().for_each(|part| self.out.extend_from_slice(part));
    }
    fn text(&mut self, tag: u8, text: &Option<String>) {
        if let Some(text) = text {
            self.put(tag, &[text.as_bytes()]);
        }
    }
    fn number(&mut self, tag: u8, number: u32) {
        if number != 0 {
            self.put(tag, &[&number.to_be_bytes()]);
        }
    }
    fn network(&mut self, network: &NetworkFacts) {
        self.put(tag::NET_PREFIX, &[network.prefix.as_bytes()]);
        self.text(tag::NET_LABEL, &network.label);
        if let Some(asn) = network.asn {
            self.put(tag::NET_ASN, &[&asn.to_be_bytes()]);
        }
        if let Some(country) = &network.country {
            self.put(tag::NET_COUNTRY, &[country]);
        }
    }
    fn lists(&mut self, body: &EventBody) {
        if !body.subjects.is_empty() {
            self.head(tag::SUBJECTS, body.subjects.len() * tag::SUBJECT_LEN);
            body.subjects.iter().for_each(|subject| self.out.extend_from_slice(&subject.0));
        }
        if !body.items.is_empty() {
            self.head(tag::ITEMS, body.items.len() * tag::ITEM_LEN);
            for item in &body.items {
                self.out.extend_from_slice(&item.record.0);
                self.out.extend_from_slice(&item.field.0.to_be_bytes());
                self.out.push(item.outcome);
            }
        }
        if body.tokens != TokenCounts::default() {
            let t = &body.tokens;
            self.head(tag::TOKENS, 24);
            for count in [t.live, t.erased, t.rotated, t.revoked, t.forged, t.decoy] {
                self.out.extend_from_slice(&count.to_be_bytes());
            }
        }
    }
    fn changed(&mut self, body: &EventBody) {
        if body.changed.is_empty() {
            return;
        }
        self.head(tag::CHANGED, body.changed.len() * tag::CHANGED_LEN);
        for row in &body.changed {
            self.out.extend_from_slice(&row.reference.0);
            self.out.push(row.kind);
            self.out.extend_from_slice(&row.version.0.to_be_bytes());
            self.out.extend_from_slice(&row.seal);
        }
    }
}
