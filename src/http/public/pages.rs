//! The public pages: no script, no cookie, nothing from elsewhere, and every text of a policy escaped by the template.
//!
//! No page says who a person is or whether a link exists (I5): what a page says depends on its status and the policy alone.

use crate::vault::{Notice, NoticeSection};
use actix_web::HttpResponse;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{StatusCode, header};
use askama::Template;
use base64::Engine;
use sha2::Digest;
use std::sync::LazyLock;

const STYLE: &str = include_str!("../../../templates/public/style.css");

/// The one style the pages have, named by its hash: any other text in its place is not applied.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
});

#[derive(Template)]
#[template(path = "public/page.html")]
struct Page<'a> {
    title: &'a str,
    lines: Vec<String>,
    asks: bool,
    notice: Option<&'a Notice>,
    style: &'static str,
}

#[derive(Template)]
#[template(path = "public/notice.html")]
struct NoticePage<'a> {
    notice: &'a Notice,
    sections: Vec<NoticeSection>,
    style: &'static str,
}

/// Marks a reply as a page of ours, so that the guard leaves it as it is.
#[derive(Clone, Copy)]
pub(in crate::http) struct Ours;

/// The notice as a page.
pub fn notice_html(notice: &Notice) -> String {
    // Rendering writes to a string, which cannot fail.
    NoticePage { notice, sections: notice.sections(), style: STYLE }.render().unwrap_or_default()
}

/// `GET /notice`
pub(super) fn notice(notice: &Notice) -> HttpResponse {
    html(StatusCode::OK, notice_html(notice))
}

/// `GET /u/{sru}`: the same for every link.
pub(super) fn ask(notice: &Notice) -> HttpResponse {
    let lines = vec![format!(
        "Press the button to stop the messages that brought you here. {} will no longer use your data for them. \
         Nothing else changes.",
        notice.controller
    )];
    page(StatusCode::OK, "Stop these messages?", lines, (true, Some(notice)))
}

/// `POST /u/{sru}`: the same for every link.
pub(super) fn done(notice: &Notice) -> HttpResponse {
    let lines = vec![
        format!(
            "Your choice is recorded. Messages of {} that this link belongs to have stopped.",
            notice.controller
        ),
        "A message that is already on its way may still arrive.".to_owned(),
    ];
    page(StatusCode::OK, "Done", lines, (false, Some(notice)))
}

/// Anything that went wrong, by status. `wait`: seconds after which to try again.
pub(in crate::http) fn refusal(status: u16, wait: Option<u64>) -> HttpResponse {
    let (title, line) = match status {
        404 => ("Nothing here", "This page does not exist. Check the address."),
        405 => ("Not possible", "This page does not take that kind of request."),
        408 => ("Too slow", "Your request did not arrive in time. Nothing was changed; please try again."),
        413 | 414 | 431 => ("Too large", "Your request is too large. Nothing was changed."),
        400 | 415 => ("Not understood", "Your request was not understood. Nothing was changed."),
        429 => (
            "Too many requests",
            "Many requests came from your network. Nothing was changed; please try again later.",
        ),
        _ => ("Not now", "Your choice could not be recorded. Nothing was changed; please try again later."),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let mut reply = page(status, title, vec![line.to_owned()], (false, None));
    if let Some(seconds) = wait {
        reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    reply
}

fn page(
    status: StatusCode,
    title: &str,
    lines: Vec<String>,
    (asks, notice): (bool, Option<&Notice>),
) -> HttpResponse {
    // Rendering writes to a string, which cannot fail.
    html(status, Page { title, lines, asks, notice, style: STYLE }.render().unwrap_or_default())
}

fn html(status: StatusCode, text: String) -> HttpResponse {
    let mut reply = HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .body(text);
    reply.extensions_mut().insert(Ours);
    reply
}

/// What every reply of the public listener carries.
pub(in crate::http) fn dress(headers: &mut HeaderMap) {
    let fixed = [
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
        ("x-robots-tag", "noindex"),
    ];
    for (name, value) in fixed {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if let Ok(value) = HeaderValue::from_str(&POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::NoticeEntry;

    fn hostile() -> Notice {
        let text = "<script>alert(1)</script>\"'&".to_owned();
        let mut notice = crate::vault::notice_of(crate::policy::SAMPLE).unwrap();
        (notice.name, notice.controller, notice.contact) = (text.clone(), text.clone(), text.clone());
        notice.purposes.iter_mut().for_each(|p| p.since_notice = Some(text.clone()));
        notice.recipients.iter_mut().for_each(|r| r.name = text.clone());
        notice
    }

    #[test]
    fn a29_texts_of_a_policy_are_shown_and_never_run() {
        let notice = hostile();
        let pages = [
            notice_html(&notice),
            Page {
                title: "t",
                lines: vec![notice.controller.clone()],
                asks: true,
                notice: Some(&notice),
                style: STYLE,
            }
            .render()
            .unwrap(),
        ];
        for text in pages {
            assert!(!text.contains("<script") && !text.contains("alert(1)</"), "{text}");
            assert!(text.contains("&#60;script&#62;") || text.contains("&lt;script&gt;"), "{text}");
        }
    }

    #[test]
    fn a_page_holds_nothing_from_elsewhere_and_no_script() {
        let text = notice_html(&crate::vault::notice_of(crate::policy::SAMPLE).unwrap());
        for forbidden in
            ["<script", "http://", "https://", "<img", "<link", "onclick", "javascript:", "@import", "url("]
        {
            assert!(!text.contains(forbidden), "{forbidden}");
        }
        assert!(
            text.contains("<html lang=\"en\">") && text.contains(STYLE),
            "the style is the one that is hashed"
        );
    }

    #[test]
    fn an_entry_is_shown_with_all_its_lines() {
        let notice = crate::vault::notice_of(crate::policy::SAMPLE).unwrap();
        let text = notice_html(&notice);
        let all: Vec<NoticeEntry> = notice.sections().into_iter().flat_map(|s| s.entries).collect();
        assert!(all.len() > 20);
        let escaped = |t: &str| t.replace('\'', "&#39;");
        assert!(all.iter().flat_map(|e| &e.lines).all(|line| text.contains(&escaped(line))));
    }
}
