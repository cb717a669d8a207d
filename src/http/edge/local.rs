//! The admin socket's server: HTTP/1.1 over a Unix socket, no TLS, because nothing leaves the machine.
//!
//! The kernel says who is at the other end of each connection (`SO_PEERCRED`); whoever is not the owner of the process gets
//! one 401 for whatever was asked. What the kernel said is kept beside the connection, where no header can reach it, and no
//! other listener sets it: so a request over a network can never pass for a local one (I11).

use super::guard::{EntropyFactory, Guard};
use super::request_id::{IdSource, RequestId};
use super::server::ServerSettings;
use crate::http::problem::{Code, Problem};
use actix_web::body::BoxBody;
use actix_web::dev::{Extensions, Server, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::rt::net::UnixStream;
use actix_web::web::ServiceConfig;
use actix_web::{App, Error, HttpMessage, HttpRequest, HttpServer, middleware};
use std::any::Any;
use std::io;
use std::os::unix::net::UnixListener;
use std::rc::Rc;

/// Who is at the other end of the admin socket, as the kernel says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LocalPeer {
    /// The user.
    pub uid: u32,
}

/// The peer of a connection of the admin socket; `None` on every other listener.
pub fn local_peer(request: &HttpRequest) -> Option<LocalPeer> {
    request.conn_data::<LocalPeer>().copied()
}

/// Builds the server of the admin socket for the user `owner`.
pub fn serve_local<F>(
    listener: UnixListener,
    owner: u32,
    settings: &ServerSettings,
    entropy: EntropyFactory,
    routes: F,
) -> io::Result<Server>
where
    F: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    let edge = settings.edge.clone();
    let app = move || {
        let guard = Rc::new(Guard { ids: IdSource::new(entropy()), settings: edge.clone() });
        // The outermost is wrapped last: the guard gives the request its id, then the peer is looked at.
        App::new()
            .wrap(middleware::from_fn(move |request, next| only(owner, request, next)))
            .wrap(middleware::from_fn(move |request, next| {
                let guard = Rc::clone(&guard);
                async move { guard.pass(request, next).await }
            }))
            .configure(routes.clone())
    };
    let server = HttpServer::new(app)
        .workers(settings.workers.max(1))
        .max_connections(settings.max_connections)
        .client_request_timeout(settings.client_request_timeout)
        .client_disconnect_timeout(settings.client_disconnect_timeout)
        .keep_alive(settings.keep_alive)
        .shutdown_timeout(settings.shutdown_timeout.as_secs())
        .disable_signals()
        .on_connect(note_peer)
        .listen_uds(listener)?;
    Ok(server.run())
}

fn note_peer(connection: &dyn Any, data: &mut Extensions) {
    let credentials = connection.downcast_ref::<UnixStream>().and_then(|stream| stream.peer_cred().ok());
    if let Some(credentials) = credentials {
        data.insert(LocalPeer { uid: credentials.uid() });
    }
}

async fn only(
    owner: u32,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if local_peer(request.request()) == Some(LocalPeer { uid: owner }) {
        return next.call(request).await;
    }
    tracing::warn!(
        event = "local_peer_refused",
        "another user than the vault's owner called the admin socket"
    );
    let id = request.extensions().get::<RequestId>().copied().unwrap_or(RequestId::UNKNOWN);
    Ok(request.into_response(Problem::new(Code::Unauthenticated).to_response(id)))
}
