//! The public notice from the same source as the judge (C18, C24, C29): what is published is what is enforced.

use super::Compiler;
use crate::domain::{FieldNo, PurposeNo};
use crate::policy::notice::{Notice, NoticeCollection, NoticePurpose, NoticeRecipient, NoticeTransfer};
use crate::policy::numbering::Space;
use crate::policy::source::{Collection, Text};
use std::collections::BTreeSet;

fn text(of: &Text) -> String {
    of.get_ref().clone()
}
fn texts(of: &[Text]) -> Vec<String> {
    of.iter().map(text).collect()
}

impl Compiler<'_, '_> {
    /// Runs last: it reads what was compiled.
    pub(super) fn notice(&mut self) {
        let source = self.source;
        let Some(head) = &source.policy else { return };
        self.policy.notice = Notice {
            name: text(&head.name),
            version: *head.version.get_ref(),
            controller: text(&head.controller),
            contact: text(&head.contact),
            regions: texts(&head.regions),
            minimum_age: self.policy.minimum_age,
            ages: self
                .policy
                .minimum_age_by_country
                .iter()
                .map(|(region, age)| (region.as_str().to_owned(), *age))
                .collect(),
            purposes: self.told_purposes(),
            collections: source.collections.iter().map(|(name, c)| told_collection(name, c)).collect(),
            recipients: self.told_recipients(),
            transfers: source
                .transfers
                .iter()
                .map(|t| NoticeTransfer {
                    from: text(&t.from),
                    to: text(&t.to),
                    basis: text(&t.basis),
                    masked_only: t.masked_only,
                })
                .collect(),
            audit_keep: source.audit.as_ref().map(|audit| text(&audit.keep)),
        };
    }

    fn told_purposes(&self) -> Vec<NoticePurpose> {
        let told = self.source.purposes.iter().map(|(name, purpose)| {
            let no = self.policy.numbering.get(Space::Purposes, name.get_ref()).map(PurposeNo);
            NoticePurpose {
                name: text(name),
                basis: text(&purpose.basis),
                stoppable: no.is_some_and(|no| self.policy.takes_consent(no)),
                administrative: purpose.administrative,
                masked_only: purpose.masked_only,
                fields: no.map_or_else(Vec::new, |no| self.fields_used_for(no)),
                since_notice: purpose.since_notice.as_ref().map(text),
            }
        });
        told.collect()
    }

    /// Fields that any client or role may read, write, search or verify for a purpose.
    fn fields_used_for(&self, purpose: PurposeNo) -> Vec<String> {
        let clients = self.policy.client_rules.values().flat_map(|client| &client.grants);
        let grants = clients.chain(&self.policy.role_grants).filter(|g| g.purpose == purpose);
        let sets = grants.flat_map(|g| [&g.write, &g.plain, &g.masked, &g.search, &g.verify]);
        let numbers: BTreeSet<u16> = sets.flat_map(|set| set.iter()).collect();
        let names = numbers.into_iter().filter_map(|no| self.policy.fields.get(&FieldNo(no)));
        names.map(|facts| facts.full_name.clone()).collect()
    }

    fn told_recipients(&self) -> Vec<NoticeRecipient> {
        let source = self.source;
        let processors = source.processors.iter().map(|(name, p)| NoticeRecipient {
            name: text(name),
            third_party: false,
            country: text(&p.country),
            purposes: texts(&p.purposes),
            fields: texts(&p.fields),
            transfer_basis: Some(text(&p.transfer_basis)),
        });
        let others = source.third_parties.iter().map(|(name, t)| NoticeRecipient {
            name: text(name),
            third_party: true,
            country: text(&t.country),
            purposes: texts(&t.purposes),
            fields: texts(&t.fields),
            transfer_basis: t.transfer_basis.as_ref().map(text),
        });
        processors.chain(others).collect()
    }
}

fn told_collection(name: &Text, collection: &Collection) -> NoticeCollection {
    let retention = collection.retention.as_ref();
    NoticeCollection {
        name: text(name),
        fields: collection.fields.keys().map(text).collect(),
        retention: retention.map(|r| (text(&r.from), text(&r.keep), r.max.as_ref().map(text))),
        counted: retention
            .is_some_and(|r| r.then.as_ref().is_some_and(|then| then.get_ref() == "deidentify")),
        duty: retention
            .and_then(|r| r.duty.as_ref())
            .map(|duty| (text(&duty.basis), text(&duty.keep), texts(&duty.purposes))),
    }
}
