//! A link against a server that answers what a test tells it to: waiting, repeating, giving up.

use super::{Ask, Link, LinkError, Transport, sender::Sender};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use hyper::header::{HeaderName, HeaderValue};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

/// Answers each connection's first request with the next text; an empty one breaks the connection.
struct Scripted {
    answers: Vec<String>,
    calls: Arc<AtomicUsize>,
}

async fn answer(mut stream: DuplexStream, text: String) {
    let mut request = vec![0; 4_096];
    let read = stream.read(&mut request).await;
    if read.is_ok() && !text.is_empty() {
        stream.write_all(text.as_bytes()).await.unwrap();
    }
}

impl Transport for Scripted {
    fn connect(&self) -> LocalBoxFuture<'_, Result<Sender, LinkError>> {
        async move {
            let call = self.calls.fetch_add(1, Ordering::Relaxed);
            let text = self.answers.get(call).cloned().unwrap_or_default();
            if text == "unreachable" {
                return Err(LinkError::Unreachable("nobody".to_owned()));
            }
            let (ours, theirs) = duplex(1 << 16);
            tokio::spawn(answer(theirs, text));
            Sender::over(ours).await
        }
        .boxed_local()
    }
    fn credential(&self, _: Option<&str>) -> Result<Option<(HeaderName, HeaderValue)>, LinkError> {
        Ok(None)
    }
    fn host(&self) -> &str {
        "localhost"
    }
    fn is_local(&self) -> bool {
        true
    }
}

fn reply(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// How a request ends against these answers, and how many connections it took.
fn ended(answers: &[String], method: &'static str, key: Option<&str>) -> (Result<u16, LinkError>, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::time::pause();
        let calls = Arc::new(AtomicUsize::new(0));
        let link = Link::new(Scripted { answers: answers.to_vec(), calls: calls.clone() });
        let ask =
            Ask { client: None, method, path: "/x".into(), idempotency: key.map(str::to_owned), body: None };
        let told = link.ask(&ask).await.map(|told| told.status);
        (told, calls.load(Ordering::Relaxed))
    })
}

fn limited(seconds: u64) -> String {
    let body = r#"{"code":"rate_limited","detail":"","retryable":true}"#;
    reply("429 Too Many Requests", &format!("Retry-After: {seconds}\r\n"), body)
}

#[test]
fn a_link_waits_as_the_vault_says_and_not_for_ever() {
    let ok = reply("200 OK", "", "{}");
    assert_eq!(ended(&[limited(2), limited(100), ok.clone()], "POST", Some("k")), (Ok(200), 3));
    assert_eq!(ended(&[limited(301)], "GET", None), (Err(LinkError::Limited(301)), 1));
    assert_eq!(ended(&[limited(200), limited(200)], "GET", None), (Err(LinkError::Limited(200)), 2));
    let suspected =
        reply("503 Service Unavailable", "", r#"{"code":"rollback_suspected","retryable":false}"#);
    assert_eq!(
        ended(&[suspected, ok], "GET", None),
        (Ok(503), 1),
        "what waiting does not mend is told at once"
    );
}

#[test]
fn what_may_have_been_done_is_repeated_only_under_an_idempotency_key() {
    let ok = reply("200 OK", "", "{}");
    let broken = String::new();
    assert_eq!(ended(&[broken.clone(), ok.clone()], "POST", Some("k")), (Ok(200), 2));
    assert_eq!(ended(&[broken.clone(), ok.clone()], "GET", None), (Ok(200), 2));
    assert_eq!(ended(&[broken.clone(), ok.clone()], "POST", None), (Err(LinkError::Broken), 1));
    assert_eq!(ended(&["unreachable".to_owned(), ok], "POST", None), (Ok(200), 2), "nothing had left");
    let (told, calls) = ended(&[], "GET", None);
    assert_eq!((told, calls), (Err(LinkError::Broken), 7), "in the end it gives up");
}
