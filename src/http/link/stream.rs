//! One TLS connection as the server reads and writes it. It ends by itself when it is too old, or when the certificate it
//! rests on no longer stands: nothing is read or written from then on, not even the end of a reply (theme 19).

use super::accept::{Links, Refused};
use super::caps::Slot;
use super::facts::Link;
use super::lines::Lines;
use std::io::{Error, ErrorKind, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_rustls::server::TlsStream;

/// Time for the reply that says the connection is closed.
const LAST_WORDS: Duration = Duration::from_secs(30);
/// Longest sleep before a certificate is looked at again: the wall clock may be set.
const NAP: Duration = Duration::from_secs(60);

/// A connection.
pub(super) struct Wire {
    tls: TlsStream<TcpStream>,
    link: Rc<Link>,
    /// Done when it must end.
    end: Pin<Box<dyn Future<Output = ()>>>,
    cut: bool,
    lines: Lines,
    links: Arc<Links>,
    _places: (Slot, Option<Slot>),
}

impl Wire {
    pub(super) fn new(
        tls: TlsStream<TcpStream>,
        link: Rc<Link>,
        links: Arc<Links>,
        places: (Slot, Option<Slot>),
    ) -> Self {
        let end = Box::pin(end(Rc::clone(&link), Arc::clone(&links)));
        Self { tls, link, end, cut: false, lines: Lines::default(), links, _places: places }
    }

    /// What is known of it.
    pub(super) fn link(&self) -> &Rc<Link> {
        &self.link
    }

    fn stands(&mut self) -> bool {
        if !self.cut && !self.link.stands() {
            self.cut = true;
            self.links.count(self.link.source(), Refused::Cut);
        }
        !self.cut
    }

    /// Whether it is over; else whoever polls is woken when it is.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> bool {
        if self.cut || !self.stands() {
            return true;
        }
        if self.end.as_mut().poll(cx).is_ready() {
            // By age, unless it fell.
            let _told = self.stands();
            self.cut = true;
        }
        self.cut
    }
}

/// Waits until the connection must end.
async fn end(link: Rc<Link>, links: Arc<Links>) {
    let oldest = sleep(links.limits.max_age + LAST_WORDS);
    let falls = async {
        let mut changes = links.live.changes();
        while link.stands() {
            let Some(until) = link.until() else { return std::future::pending().await };
            let left = u64::try_from(until.0.saturating_sub(links.live.now().0)).unwrap_or(0);
            let wake = Instant::now() + Duration::from_micros(left).min(NAP);
            tokio::select! {
                _ = changes.changed() => {}
                () = sleep_until(wake) => {}
            }
        }
    };
    tokio::select! {
        () = oldest => {}
        () = falls => {}
    }
}

fn over() -> Error {
    ErrorKind::ConnectionAborted.into()
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        if !this.stands() {
            return Poll::Ready(Err(over()));
        }
        let before = buf.filled().len();
        match Pin::new(&mut this.tls).poll_read(cx, buf) {
            Poll::Pending if this.poll_over(cx) => Poll::Ready(Err(over())),
            Poll::Ready(Ok(())) => {
                this.lines.follow(buf.filled_mut().split_at_mut(before).1);
                Poll::Ready(Ok(()))
            }
            polled => polled,
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        let this = self.get_mut();
        if !this.stands() {
            return Poll::Ready(Err(over()));
        }
        match Pin::new(&mut this.tls).poll_write(cx, buf) {
            Poll::Pending if this.poll_over(cx) => Poll::Ready(Err(over())),
            polled => polled,
        }
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let this = self.get_mut();
        if !this.stands() {
            return Poll::Ready(Err(over()));
        }
        match Pin::new(&mut this.tls).poll_write_vectored(cx, bufs) {
            Poll::Pending if this.poll_over(cx) => Poll::Ready(Err(over())),
            polled => polled,
        }
    }
    fn is_write_vectored(&self) -> bool {
        self.tls.is_write_vectored()
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        if !this.stands() {
            return Poll::Ready(Err(over()));
        }
        match Pin::new(&mut this.tls).poll_flush(cx) {
            Poll::Pending if this.poll_over(cx) => Poll::Ready(Err(over())),
            polled => polled,
        }
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().tls).poll_shutdown(cx)
    }
}
