//! The admin socket as a transport: the kernel says who calls, and a header as which client.

use super::sender::Sender;
use super::{Link, LinkError, Transport};
use crate::domain::io_words;
use crate::vault::LocalSocket;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use hyper::header::{HeaderName, HeaderValue};
use std::path::Path;
use tokio::net::UnixStream;

/// The admin socket of a data directory.
pub struct AdminSocket {
    socket: LocalSocket,
}

impl AdminSocket {
    /// A link to the server of a data directory; `None`: nobody serves it.
    pub async fn find(data_dir: &Path) -> Option<Link> {
        let socket = LocalSocket::of(data_dir).ok()?;
        UnixStream::connect(socket.path()).await.ok()?;
        Some(Link::new(Self { socket }))
    }
}

impl Transport for AdminSocket {
    fn connect(&self) -> LocalBoxFuture<'_, Result<Sender, LinkError>> {
        async move {
            let stream = UnixStream::connect(self.socket.path()).await;
            Sender::over(stream.map_err(|e| LinkError::Unreachable(io_words(e.kind())))?).await
        }
        .boxed_local()
    }
    fn credential(&self, client: Option<&str>) -> Result<Option<(HeaderName, HeaderValue)>, LinkError> {
        let Some(client) = client else { return Ok(None) };
        let value = HeaderValue::from_str(client).map_err(|_| LinkError::NoKey("?".to_owned()))?;
        Ok(Some((HeaderName::from_static("strongroom-act-as"), value)))
    }
    fn host(&self) -> &str {
        "localhost"
    }
    fn is_local(&self) -> bool {
        true
    }
}
