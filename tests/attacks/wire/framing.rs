//! A01: requests that two readers could understand differently. One of them hides another request; it must never be answered.

use super::tools::{Heard, hear, metric};
use crate::vault::Vault;

const BODY: &str = r#"{"region":"DE","age_attested":true}"#;

/// What has to come of a case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Want {
    /// One 400, and the end of the connection: nothing behind it is read.
    Refused,
    /// The end of the connection, told by a 400 or by nothing: the body broke off while it was read.
    Cut,
    /// One answer with this status, and the end of the connection.
    Last(u16),
    /// One answer with this status, then one 400 for what is left of it, and the end of the connection.
    Torn(u16),
    /// A request of one meaning: its answer, then that of the one that openly follows.
    Both(u16),
}
use Want::{Both, Cut, Last, Refused, Torn};

struct Case(String, Want, Vec<u8>);

/// Writes requests of one vault's clients.
struct Writer {
    storefront: String,
    /// What follows every case: behind a refusal it is hidden, behind a lawful request it is the next one.
    hidden: String,
}

impl Writer {
    fn new(vault: &Vault) -> Self {
        let mailer = vault.key("mailer");
        let hidden =
            format!("GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {mailer}\r\n\r\n");
        Self { storefront: vault.key("storefront").to_owned(), hidden }
    }
    /// A POST with these header lines about its framing, and what follows them.
    fn post(&self, want: Want, framing: &str, rest: &str) -> Case {
        let key = &self.storefront;
        let text = format!(
            "POST /v1/subjects HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: application/json\r\n{framing}\r\n\r\n{rest}{}",
            self.hidden
        );
        Case(framing.escape_debug().to_string(), want, text.into_bytes())
    }
    /// The same with a body in proper chunks.
    fn chunked(&self, want: Want, framing: &str) -> Case {
        self.post(want, framing, &format!("{:x}\r\n{BODY}\r\n0\r\n\r\n", BODY.len()))
    }
    /// The same with this instead of proper chunks.
    fn chunks(&self, want: Want, chunks: &str) -> Case {
        let mut case = self.post(want, "Transfer-Encoding: chunked", chunks);
        case.0 = format!("chunks {}", chunks.escape_debug());
        case
    }
    /// A GET whose head is exactly this but for the authorization.
    fn get(&self, want: Want, head: &str) -> Case {
        let text = format!("{head}\r\nAuthorization: Bearer {}\r\n\r\n{}", self.storefront, self.hidden);
        Case(head.escape_debug().to_string(), want, text.into_bytes())
    }
}

fn lengths(w: &Writer) -> Vec<Case> {
    let n = BODY.len();
    let wrong = [
        format!("{n}\r\nContent-Length: 3"),
        format!("3\r\nContent-Length: {n}"),
        format!("{n}\r\nContent-Length: {n}"),
        format!("{n}, {n}"),
        format!("+{n}"),
        format!("-{n}"),
        format!("0x{n:x}"),
        format!("{n}.0"),
        format!("{n} 0"),
        format!("{n}\t0"),
        "1e1".to_owned(),
        "".to_owned(),
        "18446744073709551616".to_owned(),
        "184467440737095516150".to_owned(),
        format!("\u{b}{n}"),
        format!("{n}\0"),
        "\u{663}\u{665}".to_owned(),
        format!("{n};q=1"),
        format!("\"{n}\""),
    ];
    let mut cases: Vec<_> =
        wrong.iter().map(|text| w.post(Cut, &format!("Content-Length: {text}"), BODY)).collect();
    cases.push(w.post(Both(201), &format!("content-length:\t{n} "), BODY));
    cases.push(w.post(Cut, &format!("Content-Length : {n}"), BODY));
    cases.push(w.post(Cut, &format!("Content-Length: \r\n {n}"), BODY));
    cases.push(w.post(Last(413), &format!("Content-Length: {}", u64::MAX), BODY));
    cases.push(w.post(Torn(400), &format!("Content-Length: {}", n - 4), BODY));
    cases
}

fn codings(w: &Writer) -> Vec<Case> {
    let n = BODY.len();
    let wrong = [
        "xchunked",
        "chunked, identity",
        "identity",
        "identity, chunked",
        "gzip, chunked",
        "chunked, chunked",
        "chunked\r\nTransfer-Encoding: identity",
        "chunked\r\nTransfer-Encoding: chunked",
        "\u{b}chunked",
        "chunked\u{b}",
        "chun\0ked",
        "chunked;q=1",
        "\"chunked\"",
        "chunked,",
        "[chunked]",
        "",
        "\r\n chunked",
    ];
    let mut cases: Vec<_> =
        wrong.iter().map(|text| w.chunked(Cut, &format!("Transfer-Encoding: {text}"))).collect();
    for both in [
        format!("Content-Length: {n}\r\nTransfer-Encoding: chunked"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {n}"),
        "Content-Length: 0\r\nTransfer-Encoding: chunked".to_owned(),
        format!("Content-Length: {n}\r\nX: y\r\ntransfer-ENCODING: Chunked"),
        "Transfer-Encoding : chunked".to_owned(),
        "Transfer-Encoding\t: chunked".to_owned(),
        " Transfer-Encoding: chunked".to_owned(),
        "X: a\r\n Transfer-Encoding: chunked".to_owned(),
        "Transfer Encoding: chunked".to_owned(),
        "Trans\0fer-Encoding: chunked".to_owned(),
    ] {
        cases.push(w.chunked(Cut, &both));
    }
    cases.push(w.chunked(Both(201), "transfer-encoding: Chunked"));
    cases.push(w.chunked(Both(201), "Transfer-Encoding: chunked\r\nConnection: transfer-encoding"));
    cases
}

fn chunks(w: &Writer) -> Vec<Case> {
    let size = format!("{:x}", BODY.len());
    let whole = |size: &str, data: &str, end: &str| format!("{size}\r\n{data}{end}0\r\n\r\n");
    let mut cases = Vec::new();
    for wrong in [
        format!("0x{size}"),
        format!("+{size}"),
        format!("-{size}"),
        format!(" {size}"),
        format!("{size}_0"),
        format!("1{size}g"),
        format!("ffffffffffffffff{size}"),
        format!("10000000000000000{size}"),
        "".to_owned(),
        ";a=b".to_owned(),
        format!("{size}\n"),
        format!("{size};a=\n"),
        format!("{size}\r;a=b"),
        format!("\u{ff11}{size}"),
    ] {
        cases.push(w.chunks(Cut, &whole(&wrong, BODY, "\r\n")));
    }
    cases.push(w.chunks(Cut, &whole(&size, BODY, "")));
    cases.push(w.chunks(Cut, &whole(&size, BODY, "\n")));
    cases.push(w.chunks(Cut, &whole(&size, &format!("{BODY}x"), "\r\n")));
    cases.push(w.chunks(Cut, &whole(&size, &BODY[1..], "\r\n")));
    cases.push(w.chunks(Cut, &format!("{size}\n{BODY}\n0\n\n")));
    cases.push(w.chunks(Both(201), &whole(&format!("{size};name=\"value\""), BODY, "\r\n")));
    cases.push(w.chunks(Both(201), &whole(&size.to_uppercase(), BODY, "\r\n")));
    cases.push(w.chunks(
        Both(201),
        &format!("{size}\r\n{BODY}\r\n0\r\nContent-Length: 9\r\nHost: b\r\nX: y\r\n\r\n"),
    ));
    cases
}

fn heads(w: &Writer) -> Vec<Case> {
    let line = "GET /v1/whoami HTTP/1.1";
    let host = "Host: localhost";
    let mut cases = Vec::new();
    for wrong in [
        line.to_owned(),
        format!("{line}\r\nHost: a\r\nHost: b"),
        format!("{line}\r\n{host}\r\n{host}"),
        format!("{line}\r\n {host}"),
        format!("{line}\n{host}"),
        format!("{line}\r\n{host}\nX: y"),
        format!("{line}\r{host}"),
        format!("{line}\r\n{host}\r\nX: a\rb"),
        format!("{line}\r\n{host}\r\nX: a\0b"),
        format!("{line}\r\n{host}\r\nX y: z"),
        format!("{line}\r\n{host}\r\nX\u{b}: z"),
        format!("{line}\r\n{host}\r\n: z"),
        format!("{line}\r\n{host}\r\nX"),
        format!("{line}\r\n{host}\r\nX: a\r\n\tb"),
        format!("{line}\r\n{host}\r\n(X): z"),
        format!("{line} \r\n{host}"),
        format!("GET  /v1/whoami HTTP/1.1\r\n{host}"),
        format!("GET\t/v1/whoami\tHTTP/1.1\r\n{host}"),
        format!("GET /v1/whoami\r\n{host}"),
        format!("GET /v1/whoami HTTP/0.9\r\n{host}"),
        format!("GET /v1/whoami HTTP/1.2\r\n{host}"),
        format!("GET /v1/whoami HTTP/2.0\r\n{host}"),
        format!("GET /v1/whoami HTTP/1.1x\r\n{host}"),
        format!("GET /v1/whoami http/1.1\r\n{host}"),
        format!("GET /v1/who ami HTTP/1.1\r\n{host}"),
        format!("GET /v1/who\0ami HTTP/1.1\r\n{host}"),
        format!("GET v1/whoami HTTP/1.1\r\n{host}"),
        format!("G@T\u{7f} /v1/whoami HTTP/1.1\r\n{host}"),
        format!("CONNECT localhost:443 HTTP/1.1\r\n{host}"),
        format!("{line}\r\n{host}\r\nUpgrade: websocket\r\nConnection: upgrade"),
    ] {
        cases.push(w.get(Refused, &wrong));
    }
    cases.push(w.get(Both(200), &format!("\r\n\r\n{line}\r\n{host}")));
    cases.push(w.get(Both(200), &format!("{line}\r\n{host}\r\nConnection: host, content-length")));
    cases.push(w.get(Last(413), &format!("{line}\r\n{host}\r\nContent-Length: {}", w.hidden.len())));
    cases.push(w.get(Cut, &format!("{line}\r\n{host}\r\nTransfer-Encoding: chunked")));
    for (target, status) in
        [("http://localhost/v1/whoami", 400), ("https://a@b:1/v1/whoami", 400), ("//evil/v1/whoami", 404)]
    {
        cases.push(w.get(Both(status), &format!("GET {target} HTTP/1.1\r\n{host}")));
    }
    cases.push(w.get(Both(404), &format!("OPTIONS * HTTP/1.1\r\n{host}")));
    cases
}

/// P10 on the wire: never serve a guess.
#[test]
fn a01_what_two_readers_could_read_differently_has_one_answer() {
    let vault = Vault::start();
    let writer = Writer::new(&vault);
    let cases: Vec<_> =
        [lengths(&writer), codings(&writer), chunks(&writer), heads(&writer)].into_iter().flatten().collect();
    let heard: Vec<Heard> = std::thread::scope(|scope| {
        let asked: Vec<_> = cases.iter().map(|case| scope.spawn(|| hear(&vault.target, &case.2))).collect();
        asked.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let is_right = |want: Want, heard: &Heard| match want {
        Refused => heard.closed && heard.statuses == [400],
        Cut => heard.closed && (heard.statuses.is_empty() || heard.statuses == [400]),
        Last(status) => heard.closed && heard.statuses == [status],
        Torn(status) => heard.closed && heard.statuses == [status, 400],
        Both(status) => heard.statuses == [status, 200],
    };
    let told = |(Case(what, want, _), heard): (&Case, &Heard)| {
        (!is_right(*want, heard)).then(|| format!("{what}: wanted {want:?}, heard {heard:?}"))
    };
    let wrong: Vec<_> = cases.iter().zip(&heard).filter_map(told).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let lawful = cases.iter().filter(|case| matches!(case.1, Both(_))).count() as u64;
    let own = cases.iter().filter(|case| case.1 == Both(200)).count() as u64;
    let answered = metric(&vault.metrics(), "strongroom_requests_total{route=\"/v1/whoami\",status=\"2xx\"}");
    assert_eq!(answered, lawful + own, "a hidden request was answered without being heard");
    super::tools::figure(&format!("A01: {} cases, {lawful} lawful", cases.len()));
}
