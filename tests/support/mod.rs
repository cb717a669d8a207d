//! What tests of the built binary share: vaults in processes of their own, clients that send exactly what they are told.

pub(crate) mod caller;
pub(crate) mod client;
pub(crate) mod people;
pub(crate) mod pki;
pub(crate) mod served;
pub(crate) mod vault;
