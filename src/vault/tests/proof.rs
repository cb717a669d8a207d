//! What proves a caller: key, certificate, or both, by what the policy asks of the client and nothing else.

use super::rig::{Rig, block_on, caller, parts};
use crate::crypto::Keyring;
use crate::domain::clock::{ManualClock, Timestamp};
use crate::domain::entropy::{Entropy, OsEntropy};
use crate::domain::event::Principal;
use crate::domain::{Sensitive, VaultId};
use crate::policy::SAMPLE;
use crate::vault::*;
use std::sync::Arc;
use std::time::Duration;

const HOME: &str = "127.0.0.1";

struct World {
    vault: Vault,
    keys: Vec<(&'static str, Sensitive<String>)>,
    _dir: tempfile::TempDir,
}

/// Storefront proves itself by certificate, billing by both, mailer by key.
fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::parse_rfc3339("2026-11-24T09:00:00Z").unwrap()));
    let keys = Keyring::create(VaultId(OsEntropy.array().unwrap()), true, &mut OsEntropy).unwrap();
    let parts = parts(&dir.path().join("d"), keys, &clock, true);
    let policy = SAMPLE.replacen("auth = [\"key\"]", "auth = [\"mtls\"]", 1);
    let policy = policy.replacen("auth = [\"key\"]", "auth = [\"mtls\", \"key\"]", 1);
    let order =
        ["[clients.storefront]", "[clients.billing]", "[clients.mailer]"].map(|c| policy.find(c).unwrap());
    assert!(order.is_sorted());
    let facts = VaultFacts { single_operator: true };
    let vault = block_on(Vault::init(parts, &policy, facts, Principal::Local(0))).unwrap();
    let keys = ["storefront", "billing", "mailer"].map(|name| {
        block_on(vault.set_client(Principal::Local(0), name, false)).unwrap();
        let life = Duration::from_secs(86_400);
        (name, block_on(vault.new_client_key(Principal::Local(0), name, life)).unwrap().1)
    });
    World { vault, keys: keys.into(), _dir: dir }
}

impl World {
    /// Who the vault takes a caller with these proofs for; `None`: 401.
    fn takes(&self, key: Option<&str>, certificate: Option<&str>) -> Option<Caller> {
        let key = key.map(|name| {
            let known = self.keys.iter().find(|(n, _)| *n == name);
            // EXPOSE: a test's own key.
            known.map_or_else(|| name.to_owned(), |(_, key)| key.expose().clone())
        });
        let certificate = certificate.map(|name| Certificate::new(name, b"der"));
        let proof = Proof { key: key.as_deref(), certificate: certificate.as_ref() };
        match self.vault.authenticate_by(proof, HOME.parse().unwrap()) {
            Ok(caller) => Some(caller),
            Err(refusal) => {
                assert_eq!(refusal.code(), "unauthenticated", "every failure answers alike");
                None
            }
        }
    }
}

#[test]
fn every_mode_takes_exactly_what_it_asks_for() {
    let world = world();
    for (client, key_alone, certificate_alone, both) in
        [("storefront", false, true, false), ("billing", false, false, true), ("mailer", true, false, true)]
    {
        for (key, certificate, taken) in [
            (Some(client), None, key_alone),
            (None, Some(client), certificate_alone),
            (Some(client), Some(client), both),
            (None, None, false),
        ] {
            let caller = world.takes(key, certificate);
            assert_eq!(caller.is_some(), taken, "{client}: key {key:?}, certificate {certificate:?}");
            let Some(caller) = caller else { continue };
            assert_eq!(caller.name(), client);
            assert_eq!(caller.key_id().is_some(), key.is_some());
            assert_eq!(caller.tls_client().is_some(), certificate.is_some());
        }
    }
}

#[test]
fn a_key_beside_the_certificate_of_another_names_nobody() {
    let world = world();
    for key in ["storefront", "billing", "mailer"] {
        for certificate in ["storefront", "billing", "mailer", "nobody"] {
            assert!(key == certificate || world.takes(Some(key), Some(certificate)).is_none());
        }
    }
}

#[test]
fn a_key_that_does_not_stand_is_not_made_good_by_a_certificate() {
    let world = world();
    for key in ["", "srk_guess", "Storefront"] {
        for certificate in ["storefront", "billing", "mailer"] {
            assert!(world.takes(Some(key), Some(certificate)).is_none(), "{key:?} beside {certificate}");
        }
    }
}

#[test]
fn a_certificate_of_a_client_that_is_unknown_or_not_activated_is_refused() {
    let world = world();
    for name in ["nobody", "", "Storefront", "storefront ", "analytics"] {
        assert!(world.takes(None, Some(name)).is_none(), "{name}");
    }
    let fresh = Rig::new();
    let certificate = Certificate::new("storefront", b"der");
    let proof = Proof { key: None, certificate: Some(&certificate) };
    assert!(fresh.vault.authenticate_by(proof, HOME.parse().unwrap()).is_err(), "its policy asks for a key");
}

#[test]
fn networks_and_suspension_bind_a_certificate_as_they_bind_a_key() {
    let world = world();
    let certificate = Certificate::new("storefront", b"der");
    let proof = Proof { key: None, certificate: Some(&certificate) };
    let far = world.vault.authenticate_by(proof, "203.0.113.9".parse().unwrap()).ok().unwrap();
    let denial = far.policy().judge_asker(&far.asker()).unwrap_err();
    assert_eq!(denial.rule.name(), "network_not_allowed");
    block_on(world.vault.set_client(Principal::Local(0), "storefront", true)).unwrap();
    let suspended = world.takes(None, Some("storefront")).unwrap();
    assert_eq!(
        suspended.policy().judge_asker(&suspended.asker()).unwrap_err().rule.name(),
        "client_suspended"
    );
}

#[test]
fn the_log_names_the_certificate_and_no_key_that_was_not_proved() {
    let world = world();
    let caller = world.takes(None, Some("storefront")).unwrap();
    let request = crate::domain::Id16(OsEntropy.array().unwrap());
    let call = Call { request, received_at: world.vault.now(), ua_family: None, bytes: 0, idempotency: None };
    let me = block_on(world.vault.whoami(&caller, &call)).ok().unwrap().value;
    assert_eq!((me.client.as_str(), me.key, me.expires_at), ("storefront", None, None));
    let row = world.vault.audit_tail(1).unwrap().remove(0);
    let event = crate::audit::decode(&row.body).unwrap();
    assert_eq!(event.tls_client, Some(Certificate::new("storefront", b"der").id));
    assert_eq!(event.key_id, None);
    assert_ne!(event.tls_client, Some(Certificate::new("storefront", b"another").id));
}

#[test]
fn a_key_alone_is_logged_without_a_certificate() {
    let rig = Rig::new();
    assert!(rig.storefront.tls_client().is_none() && rig.storefront.key_id().is_some());
    assert_eq!(caller(&rig.vault, "mailer").name(), "mailer");
}
