use super::*;
use actix_web::body::{MessageBody, to_bytes};
use std::collections::HashSet;

async fn body_of(problem: &Problem) -> serde_json::Value {
    let reply = problem.to_response(RequestId::UNKNOWN);
    serde_json::from_slice(&to_bytes(reply.into_body()).await.ok().unwrap()).unwrap()
}

#[test]
fn every_code_has_a_name_of_its_own_and_an_error_status() {
    let names: HashSet<_> = Code::all().iter().map(|c| c.name()).collect();
    assert_eq!(names.len(), Code::all().len());
    for code in Code::all() {
        assert!((400..600).contains(&code.status()), "{}", code.name());
        assert!(code.detail().ends_with('.') && !code.detail().contains(['{', '|']), "{}", code.name());
        assert!(code.name().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
    }
    let details: HashSet<_> = Code::all().iter().map(|c| c.detail()).collect();
    assert_eq!(details.len(), Code::all().len(), "each code says something of its own");
}

#[test]
fn all_codes_of_the_contract_exist_with_their_status() {
    let contract = "400 malformed_json invalid_request 401 unauthenticated 403 denied step_up_required approval_required \
        404 not_found 408 request_timeout 409 conflict version_conflict idempotency_mismatch idempotency_in_progress \
        legal_hold retention_duty already_exists 413 too_large 415 unsupported_media_type 422 invalid_field \
        card_number_refused minor_refused 429 rate_limited budget_exhausted 503 sealed bootstrap audit_unavailable \
        rollback_suspected overloaded 507 storage_full";
    let mut status = 0;
    for word in contract.split_whitespace() {
        if let Ok(number) = word.parse() {
            status = number;
        } else {
            assert!(Code::all().iter().any(|c| c.name() == word && c.status() == status), "{word}");
        }
    }
    for status in [405, 414, 431] {
        assert!(Code::all().iter().any(|c| c.status() == status));
    }
}

#[actix_web::test]
async fn a_problem_carries_exactly_what_the_contract_names() {
    let json = body_of(&Problem::denied(Rule::ConsentMissing).at_index(3)).await;
    assert_eq!(json["type"], "urn:strongroom:error:denied");
    assert_eq!((json["status"].as_u64(), json["code"].as_str()), (Some(403), Some("denied")));
    assert_eq!((json["rule"].as_str(), json["index"].as_u64()), (Some("consent_missing"), Some(3)));
    assert!(json["request_id"].as_str().unwrap().starts_with("req_"));
    assert_eq!(json["retryable"], false);
    assert!(json.get("errors").is_none() && json.get("scope").is_none());
    let version = body_of(&Problem::version_conflict(7)).await;
    assert_eq!(version["current_version"], 7);
}

#[test]
fn headers_follow_the_code() {
    let header = |p: &Problem, name: &str| {
        p.to_response(RequestId::UNKNOWN).headers().get(name).map(|v| v.to_str().unwrap().to_owned())
    };
    for code in Code::all() {
        let problem = Problem::new(*code);
        assert_eq!(header(&problem, "cache-control").as_deref(), Some("no-store"));
        assert_eq!(header(&problem, "content-type").as_deref(), Some(MEDIA_TYPE));
        assert_eq!(header(&problem, "www-authenticate").is_some(), code.status() == 401);
        if code.status() == 429 {
            assert!(header(&problem, "retry-after").unwrap().parse::<u64>().unwrap() >= 1);
        }
    }
    assert_eq!(
        header(&Problem::limited(Code::RateLimited, "network", 0), "retry-after").as_deref(),
        Some("1")
    );
    assert_eq!(header(&Problem::method_not_allowed("GET"), "allow").as_deref(), Some("GET"));
    assert_eq!(header(&Problem::new(Code::IdempotencyInProgress), "retry-after").as_deref(), Some("1"));
}

#[actix_web::test]
async fn a05_a_malformed_body_is_named_but_never_repeated() {
    #[derive(serde::Deserialize)]
    struct Body {
        #[expect(dead_code, reason = "only its type matters")]
        limit: u8,
    }
    let fault = crate::http::json::parse::<Body>(br#"{"limit":"CNRY-secret"}"#).err().unwrap();
    let reply = Problem::from(fault).to_response(RequestId::UNKNOWN);
    let bytes = reply.into_body().try_into_bytes().ok().unwrap();
    let text = std::str::from_utf8(&bytes).unwrap();
    assert!(text.contains("\"/limit\"") && !text.contains("CNRY"), "{text}");
}

#[test]
fn the_page_on_errors_names_every_code_rule_and_reason() {
    let page = docs_errors();
    let names = Code::all().iter().map(|c| c.name());
    let names = names.chain(Rule::ALL.iter().map(|r| r.name()));
    for name in names.chain(crate::http::json::Reason::ALL.iter().map(|r| r.code())) {
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
    assert!(page.contains("## Fields and parameters"));
}

/// Every code in the sources of the rooms that refuse values, read from the text.
#[test]
fn every_fault_code_in_the_sources_is_documented() {
    let mut files = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut found = std::collections::BTreeSet::new();
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let path = path.to_string_lossy().into_owned();
        if path.contains("/tests") || !(path.contains("/vault/") || path.contains("/http/api/")) {
            continue;
        }
        for call in text.split("Fault::new(").skip(1) {
            let arguments = call.split(");").next().unwrap_or("");
            let code = arguments.split('"').skip(1).step_by(2).find(|word| {
                !word.is_empty()
                    && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            });
            found.extend(code.map(str::to_owned));
        }
    }
    assert!(found.len() >= 20, "{found:?}");
    let known: Vec<&str> = super::docs::FIELD_CODES.iter().map(|(code, _)| *code).collect();
    let missing: Vec<_> = found.iter().filter(|code| !known.contains(&code.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
