//! Processors and third parties: country, contract, ceiling, transfer basis (C06, C17, C20, C27).

use super::Compiler;
use super::grants::Use;
use super::regions::TRANSFER_BASES;
use crate::domain::RecipientNo;
use crate::domain::date::Date;
use crate::policy::numbering::Space;
use crate::policy::rules::RecipientRules;
use crate::policy::source::{Contract, Text};

/// What processors and third parties have in common.
struct Declared<'s> {
    country: &'s Text,
    purposes: &'s [Text],
    fields: &'s [Text],
    contract: Option<&'s Contract>,
    transfer_basis: Option<&'s Text>,
}

impl Compiler<'_, '_> {
    pub(super) fn recipients(&mut self) {
        let source = self.source;
        for (name, p) in &source.processors {
            if let Some(contact) = &p.contact {
                self.not_empty(contact, &format!("processors.{}.contact", name.get_ref()));
            }
            let declared = Declared {
                country: &p.country,
                purposes: &p.purposes,
                fields: &p.fields,
                contract: Some(&p.contract),
                transfer_basis: Some(&p.transfer_basis),
            };
            self.recipient(name, "processors", &declared);
        }
        for (name, t) in &source.third_parties {
            let declared = Declared {
                country: &t.country,
                purposes: &t.purposes,
                fields: &t.fields,
                contract: t.contract.as_ref(),
                transfer_basis: t.transfer_basis.as_ref(),
            };
            self.recipient(name, "third_parties", &declared);
        }
    }

    fn recipient(&mut self, name: &Text, section: &str, declared: &Declared<'_>) {
        let path = format!("{section}.{}", name.get_ref());
        let country = self.country(declared.country, &format!("{path}.country"));
        let purposes = self.purpose_set(declared.purposes, &format!("{path}.purposes"));
        let fields = self.field_set(declared.fields, &format!("{path}.fields"), Use::Ceiling);
        let contract = declared.contract.map(|c| self.contract(c, &path));
        let basis_known = declared.transfer_basis.is_some_and(|basis| {
            self.one_of(basis, &format!("{path}.transfer_basis"), TRANSFER_BASES, "transfer basis")
        });
        let own_basis = basis_known && declared.transfer_basis.is_some_and(|b| b.get_ref() != "none_needed");
        let number = self.policy.numbering.get(Space::Recipients, name.get_ref()).map(RecipientNo);
        let (Some(no), Some(country)) = (number, country) else { return };
        let rules = RecipientRules {
            no,
            name: name.get_ref().clone(),
            third_party: section == "third_parties",
            country,
            contract: contract.flatten(),
            purposes,
            fields,
            own_basis,
        };
        self.policy.recipients.insert(no, rules);
    }

    fn contract(&mut self, contract: &Contract, path: &str) -> Option<(Date, Date)> {
        self.not_empty(&contract.reference, &format!("{path}.contract.ref"));
        let signed = self.date(&contract.signed, &format!("{path}.contract.signed"));
        let expires = self.date(&contract.expires, &format!("{path}.contract.expires"));
        let (signed, expires) = (signed?, expires?);
        if expires < signed {
            let message = format!("expires before it was signed on {signed}; write a later day.");
            self.faults.at(contract.expires.span(), &format!("{path}.contract.expires"), message);
        }
        Some((signed, expires))
    }

    fn date(&mut self, date: &toml::Spanned<toml::value::Datetime>, path: &str) -> Option<Date> {
        let whole = date.get_ref();
        let day = whole.date.filter(|_| whole.time.is_none());
        let read = day.and_then(|d| Date::new(d.year, d.month, d.day));
        if read.is_none() {
            self.faults.at(
                date.span(),
                path,
                String::from("is a day; write it as 2026-01-10, without a time."),
            );
        }
        read
    }
}
