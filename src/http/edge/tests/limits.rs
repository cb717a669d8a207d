use super::*;

fn is(reply: &str, status: u16, code: &str) {
    assert_eq!(problem(reply), (status, code.to_owned()), "{reply}");
}

#[actix_web::test]
async fn a_good_request_gets_its_reply_with_the_headers_every_reply_has() {
    let rig = rig();
    let reply = rig.post("/echo", JSON, r#"{"purpose":"billing"}"#).await;
    assert_eq!(status(&reply), 200, "{reply}");
    assert!(reply.ends_with(r#"{"got":7}"#));
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("content-type", "application/json"),
        ("content-length", "9"),
    ] {
        assert_eq!(header(&reply, name), Some(value));
    }
    assert!(header(&reply, "strict-transport-security").is_some());
    let id = header(&reply, "x-request-id").unwrap().to_owned();
    assert!(crate::domain::crockford::decode("req_", &id).is_some());
    let other = rig.get("/list").await;
    assert_ne!(header(&other, "x-request-id"), Some(id.as_str()));
    rig.handle.stop(false).await;
}

#[actix_web::test]
async fn a07_f5_a_client_that_offers_h2_gets_http_1_1() {
    let rig = rig();
    for offer in [&[b"h2".as_slice(), b"http/1.1"][..], &[b"http/1.1"]] {
        let mut stream = rig.connect(offer).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"http/1.1".as_slice()));
        assert_eq!(stream.get_ref().1.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
        assert_eq!(
            stream.get_ref().1.negotiated_key_exchange_group().unwrap().name(),
            rustls::NamedGroup::X25519MLKEM768
        );
        stream.write_all(b"GET /list HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        assert_eq!(status(&reply(&mut stream).await), 200);
    }
    let prior = rig.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert_eq!(status(&prior), 400);
    let upgrade = "GET /list HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n";
    is(&rig.send(upgrade).await, 400, "invalid_request");
    rig.handle.stop(false).await;
}

#[actix_web::test]
async fn a02_f4_stalled_and_trickling_bodies_are_cut_with_408() {
    let rig = rig();
    let head = format!("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n{JSON}\r\n");
    let mut stalled = rig.connect(&[]).await;
    let start = tokio::time::Instant::now();
    stalled.write_all(head.as_bytes()).await.unwrap();
    is(&reply(&mut stalled).await, 408, "request_timeout");
    assert!(start.elapsed() < Duration::from_millis(1_400), "a stalled body ends after the grace");
    let mut rest = [0; 16];
    let end = tokio::time::timeout(Duration::from_secs(5), stalled.read(&mut rest)).await.expect("closed");
    assert!(matches!(end, Ok(0) | Err(_)), "the connection is closed");

    let (mut read, mut write) = tokio::io::split(rig.connect(&[]).await);
    let trickle = actix_web::rt::spawn(async move {
        write.write_all(head.as_bytes()).await.unwrap();
        while write.write_all(b" ").await.is_ok() && write.flush().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut bytes = vec![0; 4_096];
    let n = tokio::time::timeout(Duration::from_secs(5), read.read(&mut bytes)).await.expect("cut").unwrap();
    is(std::str::from_utf8(&bytes[..n]).unwrap(), 408, "request_timeout");
    trickle.abort();
    rig.handle.stop(false).await;
}

#[actix_web::test]
async fn a02_slow_heads_are_cut() {
    let rig = rig_with(&ServerSettings {
        workers: 1,
        client_request_timeout: Duration::from_millis(500),
        ..ServerSettings::default()
    });
    let mut stream = rig.connect(&[]).await;
    stream.write_all(b"GET /list HTT").await.unwrap();
    assert!(matches!(status(&reply(&mut stream).await), 0 | 408));
    rig.handle.stop(false).await;
}

#[actix_web::test]
async fn a03_large_bodies_are_refused_before_and_while_they_are_read() {
    let rig = rig();
    let declared =
        format!("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1073741824\r\n{JSON}\r\n");
    is(&rig.send(&declared).await, 413, "too_large");
    let chunk = format!("{:x}\r\n{}\r\n", 400, " ".repeat(400)).repeat(3);
    let chunked =
        format!("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n{JSON}\r\n");
    is(&rig.send(&format!("{chunked}{chunk}")).await, 413, "too_large");
    let small = format!("{chunked}15\r\n{{\"purpose\":\"billing\"}}\r\n0\r\n\r\n");
    assert_eq!(status(&rig.send(&small).await), 200, "chunks are welcome within the cap");
    rig.handle.stop(false).await;
}

#[actix_web::test]
async fn a06_other_media_types_and_any_encoding_are_415() {
    let rig = rig();
    for headers in [
        "Content-Encoding: gzip\r\nContent-Type: application/json\r\n",
        "Content-Encoding: identity\r\nContent-Type: application/json\r\n",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/json; charset=latin1\r\n",
        "Content-Type: application/json\r\nContent-Type: text/plain\r\n",
        "",
    ] {
        is(&rig.post("/echo", headers, "{}").await, 415, "unsupported_media_type");
    }
    let utf8 = "Content-Type: Application/JSON; charset=UTF-8\r\n";
    assert_eq!(status(&rig.post("/echo", utf8, r#"{"purpose":"p"}"#).await), 200);
    rig.handle.stop(false).await;
}

#[actix_web::test]
async fn a06_other_methods_are_405_and_say_which_are_allowed() {
    let rig = rig();
    for method in ["OPTIONS", "TRACE", "PUT", "DELETE", "POST", "BREW", "get"] {
        let reply = rig.send(&format!("{method} /list HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
        is(&reply, 405, "method_not_allowed");
        assert_eq!(header(&reply, "allow"), Some("GET"));
    }
    let mut stream = rig.connect(&[]).await;
    stream.write_all(b"HEAD /list HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut head = Vec::new();
    let _ = stream.read_to_end(&mut head).await;
    let head = String::from_utf8(head).unwrap();
    assert_eq!((status(&head), header(&head, "allow")), (405, Some("GET")));
    assert!(head.ends_with("\r\n\r\n"), "HEAD has no body");
    let override_header = "GET /echo HTTP/1.1\r\nHost: localhost\r\nX-HTTP-Method-Override: POST\r\n\r\n";
    is(&rig.send(override_header).await, 405, "method_not_allowed");
    rig.handle.stop(false).await;
}

#[actix_web::test]
async fn a06_other_spellings_of_a_path_are_404() {
    let rig = rig();
    for path in [
        "/",
        "/none",
        "//list",
        "/list/",
        "/./list",
        "/x/../list",
        "/%6cist",
        "/list;a=b",
        "/LIST",
        "/list%2f",
    ] {
        is(&rig.get(path).await, 404, "not_found");
    }
    is(&rig.get("http://localhost/list").await, 400, "invalid_request");
    rig.handle.stop(false).await;
}

#[actix_web::test]
async fn a03_long_targets_are_414_and_large_heads_431() {
    let rig = rig();
    is(&rig.get(&format!("/list?limit={}", "1".repeat(9_000))).await, 414, "uri_too_long");
    let long = format!("GET /list HTTP/1.1\r\nHost: localhost\r\nX-A: {}\r\n\r\n", "a".repeat(20_000));
    is(&rig.send(&long).await, 431, "headers_too_large");
    let with = |n: usize| format!("GET /list HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X-A: 1\r\n".repeat(n));
    is(&rig.send(&with(80)).await, 431, "headers_too_large");
    assert_eq!(status(&rig.send(&with(2_000)).await), 431);
    rig.handle.stop(false).await;
}

#[actix_web::test]
async fn a09_no_header_changes_the_peer_and_foreign_hosts_are_refused() {
    let edge = EdgeSettings { hosts: vec!["localhost".into()], ..EdgeSettings::default() };
    let rig = rig_with(&ServerSettings { workers: 1, edge, ..ServerSettings::default() });
    for name in ["X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP"] {
        let reply =
            rig.send(&format!("GET /list HTTP/1.1\r\nHost: localhost:1\r\n{name}: 9.9.9.9\r\n\r\n")).await;
        assert!(reply.ends_with("50 127.0.0.1"), "{reply}");
    }
    is(&rig.send("GET /list HTTP/1.1\r\nHost: evil.example\r\n\r\n").await, 400, "invalid_request");
    let doubled = "GET /list HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n";
    assert_eq!(status(&rig.send(doubled).await), 400, "the framework refuses it already");
    assert_eq!(status(&rig.send("GET /list HTTP/1.1\r\n\r\n").await), 400);
    rig.handle.stop(false).await;
}

#[actix_web::test]
async fn a01_ambiguous_framing_is_400_and_the_connection_ends() {
    let rig = rig();
    let tail = "\r\n5\r\nhello\r\n0\r\n\r\nGET /list HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for framing in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 5, 5\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        "X-A: 1\r\n folded\r\n",
    ] {
        let reply =
            rig.send(&format!("POST /echo HTTP/1.1\r\nHost: localhost\r\n{JSON}{framing}{tail}")).await;
        assert_eq!(status(&reply), 400, "{framing:?} {reply}");
        assert_eq!(reply.matches("HTTP/1.1 ").count(), 1, "{framing:?}");
    }
    rig.handle.stop(false).await;
}

#[actix_web::test]
async fn a05_wrong_types_are_never_echoed_not_even_by_the_framework() {
    let rig = rig();
    let bodies = [
        r#"{"purpose":4111111111111111}"#,
        r#"{"purpose":["CNRY"]}"#,
        r#"{"CNRY":1}"#,
        r#"{"purpose":"p","CNRY":"CNRY"}"#,
        r#"{"purpose":"CNRY"#,
        r#""CNRY""#,
        r#"{"purpose":"CNRY","purpose":"CNRY"}"#,
    ];
    for path in ["/echo", "/framework"] {
        for body in bodies {
            let reply = rig.post(path, JSON, body).await;
            if status(&reply) == 200 && path == "/framework" {
                continue;
            }
            assert_eq!(problem(&reply).0, 400, "{reply}");
            assert!(!reply.contains("CNRY") && !reply.contains("4111111111111111"), "{reply}");
        }
    }
    for path in
        ["/n/CNRY", "/CNRY", "/list?CNRY=1", "/list?limit=CNRY", "/list?limit=1&limit=2", "/list?limit=0"]
    {
        let reply = rig.get(path).await;
        assert!((400..500).contains(&problem(&reply).0) && !reply.contains("CNRY"), "{reply}");
    }
    rig.handle.stop(false).await;
}

#[test]
fn nothing_listens_beyond_loopback_without_tls() {
    let entropy: EntropyFactory = Arc::new(|| Box::new(OsEntropy) as Box<dyn Entropy>);
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let refused = serve_loopback_plain(vec![listener], &ServerSettings::default(), entropy, routes);
    assert!(refused.is_err());
}
