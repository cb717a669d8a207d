//! Reply bodies that zero themselves once they are written out.

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::{StatusCode, header};
use actix_web::web::Bytes;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use zeroize::Zeroizing;

/// A body in one piece whose bytes are zeroed when the last view of them is dropped.
pub struct ZeroingBody(Zeroizing<Vec<u8>>);

impl ZeroingBody {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
    fn take(&mut self) -> Bytes {
        Bytes::from_owner(std::mem::take(&mut self.0))
    }
}

impl MessageBody for ZeroingBody {
    type Error = Infallible;
    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.len() as u64)
    }
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.0.is_empty() { Poll::Ready(None) } else { Poll::Ready(Some(Ok(self.take()))) }
    }
    fn try_into_bytes(mut self) -> Result<Bytes, Self> {
        Ok(self.take())
    }
}

/// A JSON reply. The common headers are added by the edge.
pub fn json_reply(status: StatusCode, body: ZeroingBody) -> HttpResponse {
    HttpResponse::build(status).insert_header((header::CONTENT_TYPE, "application/json")).body(body)
}
