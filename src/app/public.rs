//! The public listener put together: socket, certificate, and where its links lead.

use crate::app::links::{self, LinkPlan};
use crate::app::serve::listen;
use crate::cli::Failed;
use crate::config::Settings;
use crate::http::link::{Links, ProxyRules};
use crate::http::public::PublicListener;
use crate::vault::Vault;
use actix_web::rt::task::JoinHandle;
use std::net::TcpListener;
use std::sync::Arc;

/// The public listener before it is served.
pub(in crate::app) struct PublicPlan {
    pub(in crate::app) listener: TcpListener,
    /// Its connections; `None`: plain, on loopback.
    pub(in crate::app) links: Option<LinkPlan>,
    /// Whose forwarded header is believed without TLS.
    pub(in crate::app) proxies: ProxyRules,
}

impl PublicPlan {
    /// The listener ready to be served, and the task that takes over new certificates for it.
    pub(in crate::app) fn ready(self, vault: &Arc<Vault>) -> (PublicListener, Option<JoinHandle<()>>) {
        let proxies = self.proxies;
        let Some(LinkPlan { live, rules, limits }) = self.links else {
            return (PublicListener { listener: self.listener, links: None, proxies }, None);
        };
        let counters = links::metrics();
        let counted = links::Counted { metrics: counters.clone(), vault: vault.clone() };
        let links = Links::new(live.clone(), rules, limits, Some(Arc::new(counted)));
        let listener = links::Listener::of(Some("public"), &self.listener);
        let following = links::look_after(links.clone(), live, counters, (vault.clone(), listener));
        let listener = PublicListener { listener: self.listener, links: Some(links), proxies };
        (listener, Some(actix_web::rt::spawn(following)))
    }
}

/// The listener that the settings ask for, if they do; the vault learns where links lead.
pub(in crate::app) fn open(settings: &Settings, vault: &Vault) -> Result<Option<PublicPlan>, Failed> {
    let public = &settings.public;
    if let Some(url) = &public.url {
        vault.announce_public_url(url);
    }
    let Some(address) = public.address else { return Ok(None) };
    let links = if public.plain { None } else { Some(LinkPlan::of_public(settings, vault.clock().clone())?) };
    let listener = listen(address, "public.address")?;
    Ok(Some(PublicPlan { listener, links, proxies: links::rules(settings)? }))
}

/// The listener of a development vault: loopback, any port, the development certificate. With its URL.
pub(in crate::app) fn development() -> Result<(TcpListener, String), Failed> {
    let listener = listen(([127, 0, 0, 1], 0).into(), "public address")?;
    let url = format!("https://{}", listener.local_addr()?);
    Ok((listener, url))
}
