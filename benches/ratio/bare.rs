//! The yardstick: actix-web with rustls TLS 1.3 that answers `POST /{n}` with n bytes, and does nothing else.

use actix_web::{App, HttpResponse, HttpServer, web};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use std::io::{Error, Result, Write};
use std::path::Path;

/// Serves until killed; writes its certificate and then its address into the directory.
pub(crate) fn serve(directory: &Path, workers: usize, clients: Option<&Path>) -> Result<()> {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).map_err(Error::other)?;
    std::fs::write(directory.join("bare.pem"), made.cert.pem())?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(Error::other)?;
    let builder = rustls::ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13]);
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = rustls::RootCertStore::empty();
            for certificate in CertificateDer::pem_file_iter(authority).map_err(Error::other)? {
                roots.add(certificate.map_err(Error::other)?).map_err(Error::other)?;
            }
            let verifier = rustls::server::WebPkiClientVerifier::builder(roots.into());
            builder.with_client_cert_verifier(verifier.build().map_err(Error::other)?)
        }
    };
    let tls = builder.with_single_cert(vec![made.cert.der().clone()], key).map_err(Error::other)?;
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(|| App::new().route("/{length}", web::post().to(answer)))
            .workers(workers)
            .max_connection_rate(4_096)
            .listen_rustls_0_23(listener, tls)?
            .run();
        let mut told = std::fs::File::create(directory.join("bare.url.new"))?;
        write!(told, "https://{address}")?;
        std::fs::rename(directory.join("bare.url.new"), directory.join("bare.url"))?;
        server.await
    })
}

async fn answer(length: web::Path<usize>, body: web::Bytes) -> HttpResponse {
    // The body is read whole, as any server must; its length keeps the read from being optimised away.
    let fill = if body.is_empty() { b'-' } else { b'x' };
    HttpResponse::Ok()
        .insert_header(("content-type", "application/json"))
        .insert_header(("cache-control", "no-store"))
        .body(vec![fill; length.into_inner().min(1 << 20)])
}
