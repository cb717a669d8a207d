//! Spans as OTLP JSON (opentelemetry-proto 1.x, `ExportTraceServiceRequest`): ids in lower-case hex, 64-bit numbers as
//! texts, attributes from [`ATTRIBUTES`] and no others.

use super::Span;
use serde_json::{Value, json};

/// Every attribute a span may carry, and what it holds.
pub const ATTRIBUTES: &[(&str, &str)] = &[
    ("http.request.method", "Method of the route, or `other`"),
    ("http.route", "Route template, or `other`"),
    ("http.response.status_code", "Status"),
    ("strongroom.act", "Act of the audit event"),
    ("strongroom.outcome", "Outcome of the audit event"),
    ("strongroom.code", "Error code of a refusal"),
    ("strongroom.client", "The client's name in the policy, once it proved its key"),
    ("strongroom.cost", "What the request was charged"),
    ("strongroom.request_id", "The id that the reply and the audit event carry"),
];

/// The kind of a span that answers a remote caller.
const SERVER: u8 = 2;

/// The body of one delivery.
pub(super) fn body(spans: &[Span]) -> Vec<u8> {
    let spans: Vec<Value> = spans.iter().map(span).collect();
    let resource =
        json!([text("service.name", "strongroom"), text("service.version", env!("CARGO_PKG_VERSION"))]);
    let scope = json!({"name": "strongroom", "version": env!("CARGO_PKG_VERSION")});
    json!({"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"scope": scope, "spans": spans}]}]})
        .to_string()
        .into_bytes()
}

fn span(span: &Span) -> Value {
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let started = u64::try_from(span.started).unwrap_or(0).saturating_mul(1_000);
    let ended = started.saturating_add(span.micros.saturating_mul(1_000));
    let mut made = json!({
        "traceId": hex(&span.trace),
        "spanId": hex(&span.id),
        "name": format!("{} {}", span.method, span.route),
        "kind": SERVER,
        "startTimeUnixNano": started.to_string(),
        "endTimeUnixNano": ended.to_string(),
        "attributes": attributes(span),
        // 2: an error of ours; what a client did wrong is not one.
        "status": if span.status >= 500 { json!({"code": 2}) } else { json!({}) },
    });
    if let (Some(parent), Some(map)) = (span.parent, made.as_object_mut()) {
        map.insert("parentSpanId".to_owned(), Value::String(hex(&parent)));
    }
    made
}

fn attributes(span: &Span) -> Vec<Value> {
    let mut all = vec![
        text("http.request.method", span.method),
        text("http.route", span.route),
        number("http.response.status_code", u64::from(span.status)),
        text("strongroom.act", span.act),
        text("strongroom.outcome", span.outcome),
        number("strongroom.cost", u64::from(span.cost)),
        text("strongroom.request_id", &span.request),
    ];
    all.extend(span.code.map(|code| text("strongroom.code", code)));
    all.extend(span.client.as_ref().map(|client| text("strongroom.client", client)));
    all
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn number(key: &str, value: u64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}

#[cfg(test)]
pub(super) fn sample() -> Span {
    Span {
        trace: [0xAB; 16],
        id: [0xCD; 8],
        parent: Some([0xEF; 8]),
        started: 1_700_000_000_000_001,
        micros: 250,
        route: "/v1/search",
        method: "POST",
        status: 403,
        act: "search",
        outcome: "denied",
        code: Some("denied"),
        client: Some("storefront".into()),
        cost: 3,
        request: "req_0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(span: &Span) -> Value {
        let body: Value = serde_json::from_slice(&body(std::slice::from_ref(span))).unwrap();
        body["resourceSpans"][0]["scopeSpans"][0]["spans"][0].clone()
    }

    #[test]
    fn a_span_is_written_as_otlp_json_wants_it() {
        let made = made(&sample());
        assert_eq!(made["traceId"], "ab".repeat(16));
        assert_eq!(
            (&made["spanId"], &made["parentSpanId"]),
            (&json!("cd".repeat(8)), &json!("ef".repeat(8)))
        );
        assert_eq!(made["name"], "POST /v1/search");
        assert_eq!(made["startTimeUnixNano"], "1700000000000001000");
        assert_eq!(made["endTimeUnixNano"], "1700000000000251000");
        assert_eq!(made["status"], json!({}), "a denial is the client's");
        let failed = Span { status: 503, parent: None, ..sample() };
        assert_eq!(super::tests::made(&failed)["status"]["code"], 2);
        assert!(super::tests::made(&failed).get("parentSpanId").is_none(), "a root has no parent");
    }

    #[test]
    fn i6_a_span_carries_every_listed_attribute_and_no_other() {
        let made = made(&sample());
        let mut keys: Vec<&str> =
            made["attributes"].as_array().unwrap().iter().map(|a| a["key"].as_str().unwrap()).collect();
        let mut listed: Vec<&str> = ATTRIBUTES.iter().map(|(key, _)| *key).collect();
        keys.sort_unstable();
        listed.sort_unstable();
        assert_eq!(keys, listed);
    }
}
