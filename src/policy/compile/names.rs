//! Names: their form, and their numbers.

use super::Compiler;
use crate::policy::numbering::{MAX_NAME, Space};
use crate::policy::source::Text;

impl Compiler<'_, '_> {
    /// Gives every declared name its number, before anything refers to one.
    pub(super) fn number_names(&mut self) {
        let source = self.source;
        for (name, collection) in &source.collections {
            self.number(Space::Collections, name, "collections");
            for field in collection.fields.keys() {
                let short = field.get_ref();
                self.well_formed(field, &format!("collections.{}.fields", name.get_ref()));
                self.assign(Space::Fields, field, &format!("{}.{short}", name.get_ref()));
            }
        }
        source.purposes.iter().for_each(|(name, _)| self.number(Space::Purposes, name, "purposes"));
        source.clients.iter().for_each(|(name, _)| self.number(Space::Clients, name, "clients"));
        for (name, _) in &source.audiences {
            let twice = source.clients.iter().any(|(client, _)| client.get_ref() == name.get_ref());
            if twice {
                let message =
                    format!("`{}` is a client already; give the group another name.", name.get_ref());
                self.faults.at(name.span(), &format!("audiences.{}", name.get_ref()), message);
            }
            self.number(Space::Clients, name, "audiences");
        }
        source.processors.iter().for_each(|(name, _)| self.number(Space::Recipients, name, "processors"));
        for (name, _) in &source.third_parties {
            if source.processors.iter().any(|(p, _)| p.get_ref() == name.get_ref()) {
                let message = format!("`{}` is a processor already; it is one or the other.", name.get_ref());
                self.faults.at(name.span(), &format!("third_parties.{}", name.get_ref()), message);
            }
            self.number(Space::Recipients, name, "third_parties");
        }
        source.roles.iter().for_each(|(name, _)| self.well_formed(name, "roles"));
    }

    fn number(&mut self, space: Space, name: &Text, section: &str) {
        self.well_formed(name, section);
        self.assign(space, name, name.get_ref());
    }

    fn assign(&mut self, space: Space, at: &Text, name: &str) {
        if name.len() > MAX_NAME || self.policy.numbering.number(space, name).is_none() {
            self.faults.at(
                at.span(),
                name,
                String::from("no number is left for this name; reuse an earlier name."),
            );
        }
    }

    fn well_formed(&mut self, name: &Text, section: &str) {
        let text = name.get_ref();
        if !is_name(text) {
            let message = format!("`{text}` is no name; write 1 to 64 of a-z, 0-9, _ and -, a letter first.");
            self.faults.at(name.span(), &format!("{section}.{text}"), message);
        }
    }
}

/// `[a-z][a-z0-9_-]{0,63}`
pub(super) fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.len() <= 64 && text.chars().all(inner)
}
