//! Clients, their groups, and the roles of operators (C08, C12).

use super::names::is_name;
use super::{Compiler, names_of};
use crate::domain::subject::Region;
use crate::domain::{AudienceNo, ClientNo};
use crate::policy::cidr::Cidr;
use crate::policy::facts::{Audience, ClientFacts, ClientLimits};
use crate::policy::numbering::Space;
use crate::policy::rules::ClientRules;
use crate::policy::source::{Client, Text};
use std::collections::BTreeSet;

/// The closed list of acts; `:` is followed by a name.
const ACTS: &[&str] = &[
    "subject.create",
    "subject.update",
    "subject.view",
    "subject.anchor",
    "subject.notice",
    "subject.report",
    "subject.erase",
    "subject.restrict",
    "subject.object",
    "record.view",
    "record.delete",
    "consent.record:<purpose>",
    "consent.view",
    "token.mint",
    "token.revoke",
    "unsubscribe.link",
    "context.register:<kind>",
];

impl Compiler<'_, '_> {
    pub(super) fn clients(&mut self) {
        let source = self.source;
        for (name, client) in &source.clients {
            let path = format!("clients.{}", name.get_ref());
            let country = self.country(&client.country, &format!("{path}.country"));
            let networks = self.networks(name, client, &path);
            self.auth(name, client, &path);
            if let Some(tokens) = &client.tokens {
                self.one_of(tokens, &format!("{path}.tokens"), &["shared", "per_client"], "kind of token");
            }
            let grants = self.grants(&client.grants, &path);
            let acts = self.acts(&client.acts, &path);
            let limits = client.limits.as_ref().map_or_else(ClientLimits::default, |l| self.limits(l, &path));
            let number = self.policy.numbering.get(Space::Clients, name.get_ref()).map(ClientNo);
            let (Some(no), Some(country)) = (number, country) else { continue };
            let accepts = |how: &str| client.auth.iter().any(|a| a.get_ref() == how);
            let facts = ClientFacts {
                no,
                name: name.get_ref().clone(),
                country,
                networks,
                accepts_key: accepts("key"),
                accepts_mtls: accepts("mtls"),
                limits,
            };
            self.policy.clients.insert(no, facts);
            self.policy
                .client_rules
                .insert(no, ClientRules { country: Some::<Region>(country), grants, acts });
        }
    }

    pub(super) fn roles(&mut self) {
        let source = self.source;
        for (name, role) in &source.roles {
            let path = format!("roles.{}", name.get_ref());
            let grants = self.grants(&role.grants, &path);
            self.policy.role_grants.extend(grants);
            self.acts(&role.acts, &path);
        }
    }

    /// Declared groups, and every client as a group of one under its own number.
    pub(super) fn audiences(&mut self) {
        let source = self.source;
        let number = |name: &str| self.policy.numbering.get(Space::Clients, name);
        let own =
            names_of(&source.clients).into_iter().filter_map(|name| Some((name.to_owned(), number(name)?)));
        let own: Vec<_> = own.collect();
        for (name, no) in own {
            self.policy.audiences.insert(AudienceNo(no), Audience { name, members: vec![ClientNo(no)] });
        }
        let known = names_of(&source.clients);
        for (name, members) in &source.audiences {
            let path = format!("audiences.{}", name.get_ref());
            if members.is_empty() {
                self.faults.at(name.span(), &path, String::from("has no member; name its clients."));
            }
            let mut numbers = Vec::new();
            for (i, member) in members.iter().enumerate() {
                if self.one_of(member, &format!("{path}[{i}]"), &known, "client") {
                    numbers.extend(self.policy.numbering.get(Space::Clients, member.get_ref()).map(ClientNo));
                }
            }
            let Some(no) = self.policy.numbering.get(Space::Clients, name.get_ref()).map(AudienceNo) else {
                continue;
            };
            self.policy.audiences.insert(no, Audience { name: name.get_ref().clone(), members: numbers });
        }
    }

    fn networks(&mut self, name: &Text, client: &Client, path: &str) -> Vec<Cidr> {
        let path = format!("{path}.networks");
        if client.networks.is_empty() {
            let message = String::from(
                "names no network, so the client could never call; write one, as in [\"10.1.0.0/16\"].",
            );
            self.faults.at(name.span(), &path, message);
        }
        let mut networks = Vec::new();
        for (i, network) in client.networks.iter().enumerate() {
            match Cidr::parse(network.get_ref()) {
                Some(cidr) => networks.push(cidr),
                None => {
                    let message = format!(
                        "`{}` is no network; write address/length with all host bits zero, as in \"10.1.0.0/16\".",
                        network.get_ref()
                    );
                    self.faults.at(network.span(), &format!("{path}[{i}]"), message);
                }
            }
        }
        networks
    }

    fn auth(&mut self, name: &Text, client: &Client, path: &str) {
        let path = format!("{path}.auth");
        if client.auth.is_empty() {
            self.faults.at(
                name.span(),
                &path,
                String::from("names no way to authenticate; write [\"key\"]."),
            );
        }
        for (i, how) in client.auth.iter().enumerate() {
            self.one_of(how, &format!("{path}[{i}]"), &["key", "mtls"], "way to authenticate");
        }
    }

    fn acts(&mut self, acts: &[Text], owner: &str) -> BTreeSet<String> {
        let source = self.source;
        let purposes = names_of(&source.purposes);
        for (i, act) in acts.iter().enumerate() {
            let path = format!("{owner}.acts[{i}]");
            match act.get_ref().split_once(':') {
                Some(("consent.record", purpose)) if !purposes.contains(&purpose) => {
                    self.faults.unknown((act.span(), &path), purpose, &purposes, "purpose");
                }
                Some(("consent.record", _)) => {}
                Some(("context.register", kind)) if is_name(kind) => {}
                _ if ACTS.contains(&act.get_ref().as_str()) && !act.get_ref().contains('<') => {}
                _ => self.faults.unknown((act.span(), &path), act.get_ref(), ACTS, "act"),
            }
        }
        acts.iter().map(|act| act.get_ref().clone()).collect()
    }
}
