//! What the governing policy declares about fields and regions, for commands that check a file before they send it. Nothing
//! here grants anything or is asked by a verb.

use crate::domain::field::FieldType;
use crate::domain::value::ValueOptions;
use crate::vault::Vault;

/// One declared field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeclaredField {
    /// Its collection.
    pub collection: String,
    /// Its short name.
    pub name: String,
    /// Its type.
    pub kind: FieldType,
    /// Options of the type.
    pub options: ValueOptions,
    /// A record of the collection must have it.
    pub required: bool,
}

/// A region whose people are taken, and the age of majority there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AdmittedRegion {
    /// ISO 3166-1 alpha-2.
    pub region: String,
    /// Completed years.
    pub minimum_age: u16,
}

impl Vault {
    /// Every field of the governing policy.
    pub fn declared_fields(&self) -> Vec<DeclaredField> {
        let policy = self.policy();
        let collections: Vec<_> = policy.collections().map(|(no, name)| (no, name.to_owned())).collect();
        let fields = collections.iter().flat_map(|(no, collection)| {
            policy.fields_of(*no).map(move |f| DeclaredField {
                collection: collection.clone(),
                name: f.name.clone(),
                kind: f.kind,
                options: f.options,
                required: f.required,
            })
        });
        fields.collect()
    }

    /// Every region the governing policy takes.
    pub fn admitted_regions(&self) -> Vec<AdmittedRegion> {
        let policy = self.policy();
        let shown = |region: crate::domain::subject::Region| AdmittedRegion {
            region: region.as_str().to_owned(),
            minimum_age: policy.minimum_age(region),
        };
        policy.served_regions().map(shown).collect()
    }

    /// Whether the policy takes a person of unknown age as attested.
    pub fn takes_unknown_age(&self) -> bool {
        self.policy().takes_unknown_age()
    }
}
