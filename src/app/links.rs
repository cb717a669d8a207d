//! Connections of the server: their settings, their counters, and TLS material that is replaced while they go on.

use crate::cli::Failed;
use crate::config::{ProxyHeader, ProxyVersion, Settings};
use crate::domain::Clock;
use crate::http::link::{ForwardedHeader, LinkLimits, LinkMeter, Links, ProxyProtocol, ProxyRules, Refused};
use crate::http::tls::{Live, TlsError, TlsFiles, Watcher};
use crate::policy::Cidr;
use crate::telemetry::links::LinkMetrics;
use crate::vault::Vault;
use std::net::{IpAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How often the files are looked at. They must hold still from one look to the next, so that a certificate withdrawn on
/// disk is refused within twice that.
const LOOK: Duration = Duration::from_secs(1);

/// What a server's connections rest on.
pub(in crate::app) struct LinkPlan {
    pub(in crate::app) live: Arc<Live>,
    pub(in crate::app) rules: ProxyRules,
    pub(in crate::app) limits: LinkLimits,
}

impl LinkPlan {
    /// From the settings of `serve`; the failure names the files.
    pub(in crate::app) fn of(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, Failed> {
        let tls = &settings.tls;
        let (Some(certificate), Some(key)) = (tls.certificate.clone(), tls.key.clone()) else {
            return Err(Failed::new(
                "[tls] certificate and key are missing; a vault is served over TLS only",
            ));
        };
        let files = TlsFiles {
            certificate,
            key,
            client_ca: tls.client_ca.clone(),
            client_crl: tls.client_crl.clone(),
        };
        Self::over(&files, settings, clock)
    }

    /// For the public listener: its own certificate or that of the API, and no certificates of visitors.
    pub(in crate::app) fn of_public(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, Failed> {
        let (public, tls) = (&settings.public, &settings.tls);
        let pair = match (&public.certificate, &public.key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            _ => tls.certificate.as_ref().zip(tls.key.as_ref()),
        };
        let Some((certificate, key)) = pair.map(|(c, k)| (c.clone(), k.clone())) else {
            return Err(Failed::new(
                "[public] needs certificate and key, its own or those of [tls], or plain = true on loopback",
            ));
        };
        let files = TlsFiles { certificate, key, client_ca: None, client_crl: None };
        Self::over(&files, settings, clock)
    }

    fn over(files: &TlsFiles, settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, Failed> {
        let live = Live::open(files.clone(), clock).map_err(|e| named(files, &e))?;
        let limits = LinkLimits {
            per_peer: settings.http.max_connections_per_peer,
            per_proxy: settings.proxy.max_connections_per_proxy,
            max_age: Duration::from_secs(settings.http.max_connection_age_s),
        };
        Ok(Self { live: Arc::new(live), rules: rules(settings)?, limits })
    }

    /// For a development vault: no proxies, no client certificates, and caps out of the way of load tests.
    pub(in crate::app) fn development(
        (certificate, key): (PathBuf, PathBuf),
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failed> {
        let files = TlsFiles { certificate, key, client_ca: None, client_crl: None };
        let live = Live::open(files, clock).map_err(|e| Failed::new(e.to_string()))?;
        let limits = LinkLimits { per_peer: 65_536, ..LinkLimits::default() };
        Ok(Self { live: Arc::new(live), rules: ProxyRules::default(), limits })
    }
}

/// The proxies the settings name.
pub(in crate::app) fn rules(settings: &Settings) -> Result<ProxyRules, Failed> {
    let proxy = &settings.proxy;
    let networks = proxy.networks.iter().map(|text| {
        Cidr::parse(text).ok_or_else(|| Failed::new("[proxy] networks holds something that is no network"))
    });
    Ok(ProxyRules {
        networks: networks.collect::<Result<_, _>>()?,
        header: proxy.header.map(|header| match header {
            ProxyHeader::XForwardedFor => ForwardedHeader::XForwardedFor,
            ProxyHeader::Forwarded => ForwardedHeader::Forwarded,
        }),
        protocol: match proxy.protocol {
            ProxyVersion::Off => None,
            ProxyVersion::V1 => Some(ProxyProtocol::V1),
            ProxyVersion::V2 => Some(ProxyProtocol::V2),
        },
    })
}

fn named(files: &TlsFiles, error: &TlsError) -> Failed {
    let paths =
        [Some(&files.certificate), Some(&files.key), files.client_ca.as_ref(), files.client_crl.as_ref()];
    let paths: Vec<String> = paths.into_iter().flatten().map(|path| path.display().to_string()).collect();
    Failed::new(format!("{}: {error}", paths.join(", ")))
}

/// Says so when the policy asks clients for certificates that nothing here could verify.
pub(in crate::app) fn warn_of_clients(live: &Live, vault: &Vault) {
    let asked = vault.policy().clients().filter(|client| client.accepts_mtls).count();
    if asked > 0 && live.current().trust.is_none() {
        tracing::warn!(
            event = "mtls_without_ca",
            count = asked as u64,
            "the policy asks clients for certificates and [tls] client_ca is not set: they cannot call"
        );
    }
}

/// Counts connections that came to nothing: in the metrics, and on the log where a certificate was refused.
pub(in crate::app) struct Counted {
    pub(in crate::app) metrics: Arc<LinkMetrics>,
    pub(in crate::app) vault: Arc<Vault>,
}

impl LinkMeter for Counted {
    fn refused(&self, from: IpAddr, why: Refused) {
        self.metrics.refused(why.name());
        if why.is_certificate() || why == Refused::Cut {
            self.vault.sum_refusal(from, "client_certificate_refused");
        }
    }
}

/// The counters, with every reason at zero.
pub(in crate::app) fn metrics() -> Arc<LinkMetrics> {
    let (handshakes, refused): (Vec<Refused>, Vec<Refused>) =
        Refused::ALL.iter().partition(|why| why.in_handshake());
    let names = |all: Vec<Refused>| all.into_iter().map(Refused::name).collect::<Vec<_>>();
    Arc::new(LinkMetrics::new(&names(refused), &names(handshakes)))
}

/// Looks after TLS material and gauges as long as the vault is served: reads the files again when they changed and hold
/// still, or on SIGHUP.
pub(in crate::app) async fn look_after(
    links: Arc<Links>,
    live: Arc<Live>,
    metrics: Arc<LinkMetrics>,
    (vault, listener): (Arc<Vault>, Listener),
) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    let mut watcher = Watcher::new(&live);
    loop {
        let (certificate, lists) = live.seconds_left();
        metrics.expires(certificate, lists);
        let asked = tokio::select! {
            told = hangup.recv() => told.is_some(),
            () = tokio::time::sleep(LOOK) => false,
        };
        if asked {
            watcher.tried();
        }
        if asked || watcher.due() {
            reload(&live, &metrics, (&vault, &listener)).await;
        }
        metrics.stale(live.is_stale());
        metrics.open(links.open());
    }
}

/// Which listener TLS material is of: for the lines that tell of it.
pub(in crate::app) struct Listener {
    /// Its name on the audit log; `None`: the API's.
    pub(in crate::app) name: Option<&'static str>,
    pub(in crate::app) address: String,
}

impl Listener {
    pub(in crate::app) fn of(name: Option<&'static str>, socket: &TcpListener) -> Self {
        Self { name, address: socket.local_addr().map_or_else(|_| String::new(), |at| at.to_string()) }
    }
}

async fn reload(live: &Live, metrics: &LinkMetrics, (vault, listener): (&Vault, &Listener)) {
    let address = listener.address.as_str();
    let refused = match live.reload() {
        Ok(false) => return,
        Ok(true) => {
            tracing::info!(event = "tls_reloaded", address, "new TLS material is being served");
            None
        }
        Err(error) => {
            let code = error.code();
            tracing::error!(
                event = "tls_refused",
                address,
                code,
                "new TLS material was not taken over, the last good set is served: {error}"
            );
            Some(code)
        }
    };
    metrics.reloaded(refused.is_none());
    if !vault.report_tls_reload(listener.name, refused).await {
        tracing::error!(event = "tls_unreported", "a change of TLS material could not be written to the log");
    }
}
