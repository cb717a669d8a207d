//! Purposes and their legal bases (C12–C16, C30).

use super::{Compiler, names_of};
use crate::domain::PurposeNo;
use crate::policy::numbering::Space;
use crate::policy::rules::{Basis, Bits, PurposeRules};
use crate::policy::source::{Purpose, Text};

const EXCEPTIONS: &[&str] = &["legal_claims", "vital", "legal_obligation"];

impl Compiler<'_, '_> {
    pub(super) fn purposes(&mut self) {
        let source = self.source;
        for (name, purpose) in &source.purposes {
            let path = format!("purposes.{}", name.get_ref());
            self.one_of(&purpose.basis, &format!("{path}.basis"), Basis::NAMES, "basis");
            self.contradictions(name, purpose, &path);
            if let Some(exception) = &purpose.during_restriction {
                self.one_of(exception, &format!("{path}.during_restriction"), EXCEPTIONS, "exception");
            }
            if let Some(notice) = &purpose.since_notice {
                self.not_empty(notice, &format!("{path}.since_notice"));
            }
            let number = self.policy.numbering.get(Space::Purposes, name.get_ref()).map(PurposeNo);
            let (Some(no), Some(basis)) = (number, Basis::from_name(purpose.basis.get_ref())) else {
                continue;
            };
            let rules = PurposeRules {
                name: name.get_ref().clone(),
                basis,
                administrative: purpose.administrative,
                opt_out: purpose.opt_out,
                marketing: purpose.marketing,
                masked_only: purpose.masked_only,
                during_restriction: purpose.during_restriction.is_some(),
                since_notice: purpose.since_notice.as_ref().map(|n| n.get_ref().clone()),
            };
            self.policy.purposes.insert(no, rules);
        }
    }

    fn contradictions(&mut self, name: &Text, purpose: &Purpose, path: &str) {
        if !purpose.administrative {
            return;
        }
        let path = format!("{path}.administrative");
        if purpose.basis.get_ref() == "consent" {
            let message = "a purpose that rests on consent can be refused, so it is not administrative; \
                           remove `administrative`, or name the basis that needs no consent.";
            self.faults.at(name.span(), &path, message.to_owned());
        }
        if purpose.marketing || purpose.opt_out {
            let message = "an administrative purpose cannot be opted out of (C16); \
                           remove `administrative`, or remove `marketing` and `opt_out`.";
            self.faults.at(name.span(), &path, message.to_owned());
        }
    }

    /// A list of purposes as a set.
    pub(super) fn purpose_set(&mut self, names: &[Text], path: &str) -> Bits {
        let source = self.source;
        let known = names_of(&source.purposes);
        let mut set = Bits::default();
        for (i, name) in names.iter().enumerate() {
            if self.one_of(name, &format!("{path}[{i}]"), &known, "purpose") {
                self.policy
                    .numbering
                    .get(Space::Purposes, name.get_ref())
                    .into_iter()
                    .for_each(|n| set.insert(n));
            }
        }
        set
    }
}
