//! The server: listeners and workers of actix-server, our connections, the HTTP/1.1 of actix-http. The framework's own server
//! offers no place between the socket and TLS, which is where caps and proxies stand, nor one where TLS material is chosen
//! for each handshake.

use super::accept::Links;
use super::stream::Wire;
use crate::http::edge::ServerSettings;
use actix_http::HttpService;
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::Error;
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, Server, ServiceResponse};
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// Builds the TLS server of an application, which is made once per worker. Signals are left to the caller.
pub fn serve<F, I, S>(
    listeners: Vec<TcpListener>,
    links: &Arc<Links>,
    settings: &ServerSettings,
    app: F,
) -> std::io::Result<Server>
where
    F: Fn() -> I + Clone + Send + 'static,
    I: IntoServiceFactory<S, actix_http::Request>,
    S: ServiceFactory<
            actix_http::Request,
            Config = AppConfig,
            Response = ServiceResponse<BoxBody>,
            Error = Error,
        > + 'static,
    S::InitError: std::fmt::Debug,
    S::Service: 'static,
{
    let mut server = Server::build()
        .workers(settings.workers.max(1))
        .backlog(settings.backlog)
        .max_concurrent_connections(settings.max_connections)
        .shutdown_timeout(settings.shutdown_timeout.as_secs())
        .disable_signals();
    let draining = server.graceful_shutdown_signal();
    for listener in listeners {
        let name = format!("api {}", listener.local_addr()?);
        let (app, links, settings, draining) =
            (app.clone(), Arc::clone(links), settings.clone(), draining.clone());
        server = server.listen(name, listener, move || {
            let handshakes = Rc::new(Semaphore::new(settings.max_connection_rate.max(1)));
            let (links, deadline, draining) =
                (Arc::clone(&links), settings.tls_handshake_timeout, draining.clone());
            let http = HttpService::build()
                .keep_alive(settings.keep_alive)
                .client_request_timeout(settings.client_request_timeout)
                .client_disconnect_timeout(settings.client_disconnect_timeout)
                .graceful_shutdown_signal(move || {
                    let draining = draining.clone();
                    async move { draining.notified().await }
                })
                .secure()
                .on_connect_ext(|wire: &Wire, facts| {
                    facts.insert(Rc::clone(wire.link()));
                })
                .h1(map_config(
                    app().into_factory().map_err(|error: Error| error.as_response_error().error_response()),
                    |()| AppConfig::default(),
                ));
            fn_service(move |socket: TcpStream| {
                let (links, handshakes) = (Arc::clone(&links), Rc::clone(&handshakes));
                async move {
                    let wire = links.accept(socket, &handshakes, deadline).await.map_err(|_| ())?;
                    let peer = wire.link().socket();
                    Ok::<_, ()>((wire, Some(peer)))
                }
            })
            .and_then(http.map_err(|_| ()))
        })?;
    }
    Ok(server.run())
}
