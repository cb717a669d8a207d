//! `strongroom dev`: a development vault on loopback with the sample policy, demo clients and, if asked, customers.

use crate::app::init::found;
use crate::app::links::LinkPlan;
use crate::app::open::{self, Tuning};
use crate::app::public::PublicPlan;
use crate::app::serve::{Listeners, Telling, cores, listen, serve};
use crate::app::{admin, owner, requests, sample};
use crate::cli::{DevArgs, Failed, Place};
use crate::config;
use crate::crypto::password::PasswordParams;
use crate::domain::Sensitive;
use crate::http::edge::{BodyLimits, ServerSettings};
use crate::http::link::ProxyRules;
use crate::http::tls::{self, DevelopmentFiles};
use crate::limits;
use crate::policy::SAMPLE;
use crate::telemetry::{log, traces};
use crate::vault::{Networks, Vault};
use serde_json::json;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

/// The clients of the sample policy.
const CLIENTS: [&str; 3] = ["storefront", "billing", "mailer"];

/// A key for each client.
type Keys = [(&'static str, Sensitive<String>)];

/// Runs `dev`.
pub(in crate::app) fn run(args: &DevArgs, out: &mut dyn Write) -> Result<(), Failed> {
    if !args.listen.ip().is_loopback() {
        return Err(Failed::new(
            "a development vault listens on loopback only; write --listen 127.0.0.1:8443",
        ));
    }
    log::init(&args.log_level);
    super::block_on(start(args, out))
}

async fn start(args: &DevArgs, out: &mut dyn Write) -> Result<(), Failed> {
    // Before anything is written: a taken port leaves no half-made vault behind.
    let api = listen(args.listen, "--listen")?;
    let metrics = listen(([127, 0, 0, 1], 0).into(), "metrics address")?;
    let (public, public_url) = super::public::development()?;
    let place = Place { data_dir: args.data_dir.clone(), root_key_file: None, root_passphrase_file: None };
    if let Some(file) = args.customers.as_ref().filter(|file| !file.is_file()) {
        return Err(Failed::new(format!("cannot read {}: no such file; nothing was made", file.display())));
    }
    let fresh = !args.data_dir.join(open::KEYRING).exists();
    let vault =
        if fresh { found(&place, SAMPLE, true, &tuning()).await? } else { open::vault(&place, &tuning())? };
    if !vault.is_development() {
        return Err(Failed::new(
            "this is not a development vault; serve it with `strongroom serve --config FILE`",
        ));
    }
    let keys = client_keys(&vault).await?;
    if let (false, Some(file)) = (fresh, &args.customers) {
        writeln!(out, "the vault is there already: {} is not stored again", file.display())?;
    }
    if let (true, Some(file)) = (fresh, &args.customers) {
        let count = sample::store(&vault, file, &keys).await?;
        writeln!(out, "stored {count} sample customers from {}", file.display())?;
    }
    let admin_socket = admin::bind(&args.data_dir)?;
    let certificate = certificate(&args.data_dir.join("tls"))?;
    let base = format!("https://{}", api.local_addr()?);
    let metrics_url = format!("http://{}/metrics", metrics.local_addr()?);
    vault.announce_public_url(&public_url);
    write_credentials(&args.credentials_out, &base, &certificate.ca, ((&metrics_url, &public_url), &keys))?;
    if !fresh {
        let file = args.credentials_out.display();
        writeln!(out, "new keys were made; the old ones are withdrawn: export them again from {file}")?;
    }
    if args.print_requests {
        requests::print(out, &base, &certificate.ca, &args.credentials_out)?;
    }
    writeln!(out, "serving {base} (credentials in {}); stop with Ctrl-C", args.credentials_out.display())?;
    writeln!(out, "public pages (unsubscribe links, privacy notice): {public_url}/notice")?;
    out.flush()?;
    let pair = (certificate.certificate, certificate.key);
    let links = LinkPlan::development(pair.clone(), vault.clock().clone())?;
    let pages = LinkPlan::development(pair, vault.clock().clone())?;
    let public = Some(PublicPlan { listener: public, links: Some(pages), proxies: ProxyRules::default() });
    let on = Listeners { api, metrics, links, public, admin: admin_socket };
    serve(vault, on, BodyLimits::default(), server_settings(), telling(args)).await
}

fn telling(args: &DevArgs) -> Telling {
    let traces = traces::Settings {
        endpoint: args.traces.clone(),
        sample: traces::Share(traces::Share::WHOLE),
        ..traces::Settings::default()
    };
    let requests = matches!(args.log_level.as_str(), "info" | "debug");
    Telling { requests, alerts: config::Alerts::default(), traces, data_dir: args.data_dir.clone() }
}

/// Limits that do not bind, for development vaults alone.
pub(in crate::app) fn tuning() -> Tuning {
    Tuning {
        limits: limits::Settings::generous(),
        passwords: PasswordParams::default(),
        slots: 2,
        queue: 64,
        networks: Networks::default(),
    }
}

fn server_settings() -> ServerSettings {
    ServerSettings {
        workers: cores(),
        shutdown_timeout: Duration::from_secs(10),
        ..ServerSettings::default()
    }
}

/// The certificate of earlier starts, or a new one.
fn certificate(dir: &Path) -> Result<DevelopmentFiles, Failed> {
    let known = DevelopmentFiles {
        ca: dir.join("ca.pem"),
        certificate: dir.join("cert.pem"),
        key: dir.join("key.pem"),
    };
    if known.ca.exists() && tls::server_config(&known.certificate, &known.key).is_ok() {
        return Ok(known);
    }
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|e| {
        Failed::new(format!("cannot make {}: {}", dir.display(), crate::domain::io_words(e.kind())))
    })?;
    tls::generate_development_certificate(dir).map_err(|e| Failed::new(e.to_string()))
}

/// A fresh key for each demo client; keys of earlier starts are withdrawn.
async fn client_keys(vault: &Vault) -> Result<Vec<(&'static str, Sensitive<String>)>, Failed> {
    let failed = |e: crate::vault::ClientError| Failed::new(e.to_string());
    let mut keys = Vec::new();
    for name in CLIENTS {
        vault.set_client(owner(), name, false).await.map_err(failed)?;
        let earlier = vault.list_clients().into_iter().filter(|c| c.name == name).flat_map(|c| c.keys);
        for (id, _, _) in earlier.filter(|(_, _, revoked)| !revoked) {
            vault.revoke_client_key(owner(), name, id).await.map_err(failed)?;
        }
        let (_, key, _) =
            vault.new_client_key(owner(), name, Duration::from_secs(90 * 86_400)).await.map_err(failed)?;
        keys.push((name, key));
    }
    Ok(keys)
}

fn write_credentials(
    path: &Path,
    base: &str,
    ca: &Path,
    ((metrics, public), keys): ((&str, &str), &Keys),
) -> Result<(), Failed> {
    let refused = |e: std::io::Error| {
        Failed::new(format!("cannot write {}: {}", path.display(), crate::domain::io_words(e.kind())))
    };
    // EXPOSE: the development keys are handed to their user, in a file only he may read.
    let clients: serde_json::Map<String, serde_json::Value> =
        keys.iter().map(|(name, key)| ((*name).to_owned(), json!({ "key": key.expose() }))).collect();
    let ca = std::fs::canonicalize(ca).map_err(refused)?;
    let text = json!({ "base_url": base, "ca_cert": ca, "metrics_url": metrics, "public_url": public, "clients": clients, "operators": {} });
    let staged = path.with_extension("new");
    // What somebody else put there is not written into: the file is made anew, and ours.
    match std::fs::remove_file(&staged) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(refused(e)),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&staged).map_err(refused)?;
    file.write_all(format!("{text:#}\n").as_bytes()).map_err(refused)?;
    file.sync_all().map_err(refused)?;
    std::fs::rename(&staged, path).map_err(refused)
}
