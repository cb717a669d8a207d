//! Countries, groups of them, who is served, and which transfers are declared (C10, C27).

use super::{Compiler, names_of};
use crate::domain::subject::Region;
use crate::domain::value::country;
use crate::policy::rules::{Countries, TransferRule};
use crate::policy::source::Text;

/// Transfer bases. `none_needed` is for recipients within the caller's own region.
pub(super) const TRANSFER_BASES: &[&str] = &[
    "none_needed",
    "adequacy",
    "standard_contractual_clauses",
    "binding_corporate_rules",
    "contract",
    "explicit_consent",
];

impl Compiler<'_, '_> {
    pub(super) fn head(&mut self) {
        let source = self.source;
        let Some(head) = &source.policy else {
            let message =
                "`[policy]` is missing; add it with name, version, controller, contact and regions.";
            self.faults.whole("policy", message.to_owned());
            return;
        };
        self.not_empty(&head.name, "policy.name");
        self.not_empty(&head.controller, "policy.controller");
        if !head.contact.get_ref().contains('@') {
            let message = String::from("is where people turn with questions (C29); write an e-mail address.");
            self.faults.at(head.contact.span(), "policy.contact", message);
        }
        if *head.version.get_ref() == 0 {
            self.faults.at(head.version.span(), "policy.version", String::from("versions start at 1."));
        }
        if head.regions.is_empty() {
            let message =
                String::from("names nobody who is served; write groups or countries, as in [\"EU\"].");
            self.faults.at(head.name.span(), "policy.regions", message);
        }
        self.policy.version = *head.version.get_ref();
        self.policy.name.clone_from(head.name.get_ref());
        for (i, region) in head.regions.iter().enumerate() {
            let served = self.countries(region, &format!("policy.regions[{i}]"));
            self.policy.served.extend(served);
        }
        self.policy.served.sort_unstable();
        self.policy.served.dedup();
    }

    pub(super) fn regions(&mut self) {
        let source = self.source;
        for (name, members) in &source.regions {
            let path = format!("regions.{}", name.get_ref());
            let text = name.get_ref();
            let formed =
                !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_' || b == b'-');
            if !formed || country::is_known(text) {
                let message =
                    format!("`{text}` cannot name a group; write capitals that are no country, as in EU.");
                self.faults.at(name.span(), &path, message);
            }
            let read = members.iter().enumerate();
            let group = read.filter_map(|(i, m)| self.country(m, &format!("{path}[{i}]"))).collect();
            self.policy.transfers.groups.push(group);
        }
    }

    pub(super) fn transfers(&mut self) {
        let source = self.source;
        for (i, transfer) in source.transfers.iter().enumerate() {
            let from = self.countries(&transfer.from, &format!("transfers[{i}].from"));
            let to = self.countries(&transfer.to, &format!("transfers[{i}].to"));
            let path = format!("transfers[{i}].basis");
            if self.one_of(&transfer.basis, &path, TRANSFER_BASES, "transfer basis")
                && transfer.basis.get_ref() == "none_needed"
            {
                let message =
                    String::from("a declared transfer needs a basis; write one other than `none_needed`.");
                self.faults.at(transfer.basis.span(), &path, message);
            }
            self.policy.transfers.rules.push(TransferRule { from, to, masked_only: transfer.masked_only });
        }
    }

    pub(super) fn minors(&mut self) {
        let source = self.source;
        let Some(minors) = &source.minors else {
            let message = "`[minors]` is missing; add it with minimum_age = 18 (C10).";
            self.faults.whole("minors", message.to_owned());
            return;
        };
        self.policy.minimum_age = self.age(&minors.minimum_age, "minors.minimum_age");
        for (name, age) in &minors.by_country {
            let path = format!("minors.by_country.{}", name.get_ref());
            let age = self.age(age, &path);
            if let Some(country) = self.country(name, &path) {
                self.policy.minimum_age_by_country.insert(country, age);
            }
        }
        if let Some(unknown) = &minors.unknown {
            self.one_of(unknown, "minors.unknown", &["refuse", "attest"], "answer");
            self.policy.takes_unknown_age = unknown.get_ref() == "attest";
        }
    }

    fn age(&mut self, age: &toml::Spanned<u16>, path: &str) -> u16 {
        if !(1..=120).contains(age.get_ref()) {
            self.faults.at(age.span(), path, String::from("is an age in years; write 1 to 120."));
        }
        *age.get_ref()
    }

    /// One country.
    pub(super) fn country(&mut self, text: &Text, path: &str) -> Option<Region> {
        let name = text.get_ref();
        let region = Region::parse(name).filter(|_| country::is_known(name));
        if region.is_none() {
            let message = format!("`{name}` is no country; write two capitals of ISO 3166-1, as in \"DE\".");
            self.faults.at(text.span(), path, message);
        }
        region
    }

    /// A group or one country.
    fn countries(&mut self, text: &Text, path: &str) -> Countries {
        let source = self.source;
        let name = text.get_ref();
        if let Some((_, members)) = source.regions.iter().find(|(group, _)| group.get_ref() == name) {
            // Members that are no countries are reported where the group is declared.
            return members.iter().filter_map(|m| Region::parse(m.get_ref())).collect();
        }
        if country::is_known(name) {
            return Region::parse(name).into_iter().collect();
        }
        let groups = names_of(&source.regions);
        let message = format!(
            "`{name}` is neither a country nor a group of `[regions]`; groups are: {}.",
            if groups.is_empty() { String::from("none") } else { groups.join(", ") }
        );
        self.faults.at(text.span(), path, message);
        Countries::new()
    }
}
