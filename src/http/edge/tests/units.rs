use super::*;
use crate::domain::disclosure::LogHead;
use actix_web::body::{BodySize, MessageBody};
use actix_web::error::PayloadError;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use futures_util::stream;

#[test]
fn the_rate_limit_fields_are_written_as_the_draft_says() {
    let mut headers = HeaderMap::new();
    let quota = |name, quota, window_seconds, remaining, reset_seconds| Quota {
        name,
        quota,
        window_seconds,
        remaining,
        reset_seconds,
    };
    rate_limit_headers(
        &mut headers,
        &[quota("cost", 4_000, 3_600, 3_900, 90), quota("subjects", 5, 86_400, 4, 100)],
    );
    cost_header(&mut headers, 12);
    checkpoint_header(&mut headers, &LogHead { size: 42, hash12: [0xff; 12] });
    let of = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(of("ratelimit-policy"), r#""cost";q=4000;w=3600, "subjects";q=5;w=86400"#);
    assert_eq!(of("ratelimit"), r#""cost";r=3900;t=90, "subjects";r=4;t=100"#);
    assert_eq!(of("strongroom-cost"), "12");
    assert_eq!(of("strongroom-checkpoint"), "42:________________");
    let mut none = HeaderMap::new();
    rate_limit_headers(&mut none, &[]);
    assert!(none.is_empty());
}

#[test]
fn only_a_well_formed_trace_context_is_taken() {
    let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let parsed = TraceParent::parse(good).unwrap();
    assert!(parsed.sampled && parsed.trace[0] == 0x4b && parsed.parent[7] == 0xb7);
    for bad in [
        "",
        "00",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        "00-4bf92f3577b34da6a3ce929d0e0e47-00f067aa0ba902b7-01",
    ] {
        assert!(TraceParent::parse(bad).is_none(), "{bad}");
    }
}

#[test]
fn queries_are_decoded_and_strict() {
    let query =
        Query::parse("since=2026-01-01T00%3A00%3A00Z&cursor=a%2Bb", &["since", "cursor", "limit"]).unwrap();
    assert_eq!((query.get("since"), query.get("cursor")), (Some("2026-01-01T00:00:00Z"), Some("a+b")));
    assert_eq!((query.get("limit"), query.limit().unwrap()), (None, 50));
    for bad in [
        "x=1",
        "limit",
        "limit=1&limit=2",
        "since=%",
        "since=%4",
        "since=%zz",
        "since=a+b",
        "since=%00",
        "since=%ff",
        "&",
        "limit=1&",
    ] {
        assert!(Query::parse(bad, &["since", "cursor", "limit"]).is_err(), "{bad}");
    }
    for bad in ["limit=0", "limit=201", "limit=-1", "limit=%2B5", "limit=0005", "limit="] {
        assert!(Query::parse(bad, &["limit"]).unwrap().limit().is_err(), "{bad}");
    }
    assert!(Query::parse("", &[]).is_ok() && Query::none("").is_ok() && Query::none("a=1").is_err());
    assert!(Query::parse(&format!("since={}", "a".repeat(3_000)), &["since"]).is_err());
}

#[actix_web::test]
async fn a_zeroing_body_gives_its_bytes_once() {
    let mut body = std::pin::pin!(ZeroingBody::new(b"secret".to_vec()));
    assert_eq!(body.size(), BodySize::Sized(6));
    let first = std::future::poll_fn(|cx| body.as_mut().poll_next(cx)).await;
    assert_eq!(first.unwrap().unwrap(), Bytes::from_static(b"secret"));
    assert!(std::future::poll_fn(|cx| body.as_mut().poll_next(cx)).await.is_none());
    assert_eq!(ZeroingBody::new(b"x".to_vec()).try_into_bytes().ok().unwrap(), Bytes::from_static(b"x"));
}

fn headers(length: Option<&'static str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(length) = length {
        headers.insert(HeaderName::from_static("content-length"), HeaderValue::from_static(length));
    }
    headers
}

fn chunks(
    parts: &'static [&'static str],
) -> impl futures_util::Stream<Item = Result<Bytes, PayloadError>> + Unpin {
    stream::iter(parts.iter().map(|part| Ok(Bytes::from_static(part.as_bytes()))))
}

#[actix_web::test]
async fn a_body_of_known_length_has_a_buffer_of_exactly_that_size() {
    let limits = BodyLimits::default().with_max_bytes(10);
    let body = read_body(&headers(Some("10")), chunks(&["hello", "world"]), &limits).await.ok().unwrap();
    // EXPOSE: a test body.
    assert_eq!((body.expose().as_slice(), body.expose().capacity()), (b"helloworld".as_slice(), 10));
    let grown = read_body(&headers(None), chunks(&["a", "bc", "defghi", "j"]), &limits).await.ok().unwrap();
    // EXPOSE: a test body.
    assert_eq!(grown.expose(), b"abcdefghij");
    for (length, parts, status) in [
        (Some("11"), &["x"][..], 413),
        (None, &["hello", "world", "!"][..], 413),
        (Some("99999999999999999999999"), &[][..], 413),
        (Some("-1"), &[][..], 400),
    ] {
        let fault = read_body(&headers(length), chunks(parts), &limits).await.err().unwrap();
        assert_eq!(fault.code.status(), status, "{length:?}");
    }
    let broken = stream::iter([Err(PayloadError::Incomplete(None))]);
    assert_eq!(read_body(&headers(None), broken, &limits).await.err().unwrap().code.status(), 400);
}

struct NoEntropy;
impl Entropy for NoEntropy {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), crate::domain::entropy::EntropyFailed> {
        Err(crate::domain::entropy::EntropyFailed)
    }
}

#[test]
fn i11_without_randomness_there_is_no_request_id() {
    assert!(super::super::request_id::IdSource::new(Box::new(NoEntropy)).next().is_err());
    let source = super::super::request_id::IdSource::new(Box::new(OsEntropy));
    let ids: std::collections::HashSet<_> = (0..100).map(|_| source.next().unwrap()).collect();
    assert_eq!(ids.len(), 100);
}
