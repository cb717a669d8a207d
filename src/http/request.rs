//! What is read from the head of a request: credential, idempotency key, checkpoint, user agent. Strictly, once each.

use crate::domain::Sensitive;
use crate::domain::disclosure::LogHead;
use crate::http::problem::{Code, Problem};
use actix_web::HttpRequest;
use actix_web::http::header;
use base64::Engine;

/// Longest credential.
const MAX_CREDENTIAL: usize = 256;
/// Longest idempotency key.
const MAX_IDEMPOTENCY: usize = 255;

/// The one value of a header; `Err` when it is there twice or not plain text.
fn single<'a>(request: &'a HttpRequest, name: &str) -> Result<Option<&'a str>, Problem> {
    let mut values = request.headers().get_all(name);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Problem::new(Code::InvalidRequest)),
        (Some(_), Some(_)) => Err(Problem::new(Code::InvalidRequest)),
    }
}

/// The bearer credential; malformed and absent are alike.
pub(in crate::http) fn bearer(request: &HttpRequest) -> Option<Sensitive<String>> {
    let value = single(request, header::AUTHORIZATION.as_str()).ok()??;
    let (scheme, credential) = value.split_once(' ')?;
    let fits = scheme.eq_ignore_ascii_case("bearer") && credential.len() <= MAX_CREDENTIAL;
    fits.then(|| Sensitive::text(credential))
}

/// Whether a credential of any kind and form is there.
pub(in crate::http) fn has_credential(request: &HttpRequest) -> bool {
    request.headers().contains_key(header::AUTHORIZATION)
}

/// `Strongroom-Act-As` of the admin socket: there once, and no credential beside it.
pub(in crate::http) fn act_as(request: &HttpRequest) -> Result<&str, Problem> {
    let named = single(request, "strongroom-act-as")?
        .filter(|_| !request.headers().contains_key(header::AUTHORIZATION));
    named.ok_or(Problem::new(Code::InvalidRequest))
}

/// `Idempotency-Key`: 1 to 255 visible characters.
pub(in crate::http) fn idempotency_key(request: &HttpRequest) -> Result<Option<Sensitive<String>>, Problem> {
    match single(request, "idempotency-key")? {
        None => Ok(None),
        Some(key)
            if (1..=MAX_IDEMPOTENCY).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()) =>
        {
            Ok(Some(Sensitive::text(key)))
        }
        Some(_) => Err(Problem::new(Code::InvalidRequest)),
    }
}

/// `Strongroom-Checkpoint` as a reply wrote it.
pub(in crate::http) fn checkpoint(request: &HttpRequest) -> Result<Option<LogHead>, Problem> {
    let Some(text) = single(request, "strongroom-checkpoint")? else { return Ok(None) };
    parse_checkpoint(text).map(Some).ok_or(Problem::new(Code::InvalidRequest))
}

fn parse_checkpoint(text: &str) -> Option<LogHead> {
    let (size, hash) = text.split_once(':')?;
    let canonical = size == "0" || (size.bytes().all(|b| b.is_ascii_digit()) && !size.starts_with('0'));
    let hash12 = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(hash).ok()?.try_into().ok()?;
    canonical.then(|| size.parse().ok()).flatten().map(|size| LogHead { size, hash12 })
}

/// Whether the client takes lines (`Accept: application/x-ndjson`).
pub(in crate::http) fn takes_lines(request: &HttpRequest) -> bool {
    let values = request.headers().get_all(header::ACCEPT).filter_map(|v| v.to_str().ok());
    let mut kinds = values.flat_map(|v| v.split(',')).map(|kind| kind.split(';').next().unwrap_or(""));
    kinds.any(|kind| kind.trim().eq_ignore_ascii_case(NDJSON))
}

/// The media type of streams.
pub(in crate::http) const NDJSON: &str = "application/x-ndjson";

/// Bytes the request announces; unknown counts as none (they are capped while they are read).
pub(in crate::http) fn announced_bytes(request: &HttpRequest) -> u32 {
    let length = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse().ok());
    length.unwrap_or(0)
}

/// Family of the user agent, from a closed list: nothing the client chose is kept.
pub(in crate::http) fn ua_family(request: &HttpRequest) -> Option<&'static str> {
    const FAMILIES: [(&str, &str); 12] = [
        ("curl/", "curl"),
        ("python", "python"),
        ("node", "node"),
        ("okhttp", "okhttp"),
        ("java", "java"),
        ("go-http", "go"),
        ("ruby", "ruby"),
        ("reqwest", "rust"),
        ("strongroom", "strongroom"),
        ("firefox", "firefox"),
        ("chrome", "chrome"),
        ("safari", "safari"),
    ];
    let text = request.headers().get(header::USER_AGENT)?.to_str().ok()?.to_ascii_lowercase();
    Some(FAMILIES.iter().find(|(mark, _)| text.contains(mark)).map_or("other", |(_, name)| name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn with(headers: &[(&'static str, &str)]) -> HttpRequest {
        let request = TestRequest::default();
        headers.iter().fold(request, |r, (name, value)| r.append_header((*name, *value))).to_http_request()
    }

    #[test]
    fn a_credential_is_read_once_or_not_at_all() {
        // EXPOSE: a test's own credential.
        let read = |headers: &[(&'static str, &str)]| bearer(&with(headers)).map(|s| s.expose().clone());
        assert_eq!(read(&[("authorization", "Bearer srk_x")]).as_deref(), Some("srk_x"));
        assert_eq!(read(&[("authorization", "bearer srk_x")]).as_deref(), Some("srk_x"));
        assert_eq!(read(&[("authorization", "Basic srk_x")]), None);
        assert_eq!(read(&[("authorization", "Bearer a"), ("authorization", "Bearer b")]), None);
        assert_eq!(read(&[("authorization", &format!("Bearer {}", "a".repeat(257)))]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn a_checkpoint_has_one_spelling() {
        let text = "17:AAECAwQFBgcICQoL";
        let head = parse_checkpoint(text).unwrap();
        assert_eq!((head.size, head.hash12), (17, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]));
        for bad in [
            "",
            "17",
            "17:",
            "017:AAECAwQFBgcICQoL",
            "-1:AAECAwQFBgcICQoL",
            "17:AAECAwQFBgcICQoL=",
            "17:AAEC",
        ] {
            assert!(parse_checkpoint(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn idempotency_keys_are_plain_and_short() {
        assert!(idempotency_key(&with(&[("idempotency-key", "order-17")])).unwrap().is_some());
        assert!(idempotency_key(&with(&[])).unwrap().is_none());
        for bad in ["", "a b", &"k".repeat(256)] {
            assert!(idempotency_key(&with(&[("idempotency-key", bad)])).is_err(), "{bad}");
        }
        assert!(idempotency_key(&with(&[("idempotency-key", "a"), ("idempotency-key", "b")])).is_err());
    }

    #[test]
    fn a_client_to_act_as_is_named_once_and_never_beside_a_credential() {
        let one = with(&[("strongroom-act-as", "storefront")]);
        assert_eq!(act_as(&one).unwrap(), "storefront");
        for bad in [
            &[][..],
            &[("strongroom-act-as", "storefront"), ("strongroom-act-as", "billing")],
            &[("strongroom-act-as", "storefront"), ("authorization", "Bearer srk_x")],
            &[("strongroom-act-as", "storefront"), ("authorization", "")],
        ] {
            assert!(act_as(&with(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_user_agent_is_kept_as_its_family_only() {
        assert_eq!(ua_family(&with(&[("user-agent", "curl/8.1 CNRY")])), Some("curl"));
        assert_eq!(ua_family(&with(&[("user-agent", "CNRY-secret")])), Some("other"));
        assert_eq!(ua_family(&with(&[])), None);
    }
}
