//! Replies to requests whose body was not read to its end.
//!
//! The server drains a chunked body without any deadline once its reader is dropped, so a refused client could hold its
//! connection for ever (F4, test A02). While the reader lives until the reply is out, the server sees an unread body,
//! closes, and waits for the client no longer than its disconnect timeout.

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::{Bytes, Payload};
use std::pin::Pin;
use std::task::{Context, Poll};

/// The same reply, which closes the connection when the body was not read whole. Every refusal goes through here.
pub fn close_unread(reply: HttpResponse, unread: Payload) -> HttpResponse {
    reply.map_body(|_, body| BoxBody::new(Holding { body, _unread: unread }))
}

struct Holding {
    body: BoxBody,
    _unread: Payload,
}

impl MessageBody for Holding {
    type Error = <BoxBody as MessageBody>::Error;
    fn size(&self) -> BodySize {
        self.body.size()
    }
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(cx)
    }
}
