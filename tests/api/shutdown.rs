//! The end of serving on the wire: requests under way finish, idle connections are closed at once, a second signal does not
//! wait, and the log is whole either way.

use crate::client::{read_answer, request};
use crate::served::{Plan, Served};
use crate::vault::{path, run};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const BODY: &str = "{\"region\":\"DE\",\"age_attested\":true}";

/// A request whose body is still to come, and the bytes of that.
fn begun(served: &Served) -> (crate::client::Tls, &'static [u8]) {
    let mut stream = served.target.connect();
    let whole = request("POST", "/v1/subjects", Some(served.key("storefront")), Some(BODY), &[]);
    stream.write_all(&whole[..whole.len() - 10]).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    (stream, &BODY.as_bytes()[BODY.len() - 10..])
}

fn verify(served: &Served) {
    let data = served.dir.path().join("d");
    let (ok, out, err) = run(&["audit", "verify", "--data-dir", path(&data)]);
    assert!(ok, "{out} {err}");
    assert_eq!(served.events("shutdown").len(), 1, "the end is on the log");
}

#[test]
fn a_request_under_way_is_answered_and_idle_connections_are_closed_at_once() {
    let mut served = Plan::new().serve();
    let mut idle = served.target.connect();
    idle.write_all(&request("GET", "/v1/whoami", Some(served.key("storefront")), None, &[])).unwrap();
    assert_eq!(read_answer(&mut idle).unwrap().status, 200);
    let (mut under_way, rest) = begun(&served);
    served.signal("TERM");
    idle.sock.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut byte = [0];
    let told = idle.read(&mut byte);
    assert!(
        !told.as_ref().is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock),
        "it is closed: {told:?}"
    );
    under_way.write_all(rest).unwrap();
    let answer = read_answer(&mut under_way).unwrap();
    assert_eq!((answer.status, answer.header("connection")), (201, Some("close")));
    let mut end = Vec::new();
    assert!(under_way.read_to_end(&mut end).is_err() || end.is_empty());
    assert!(served.ended(Duration::from_secs(15)).success());
    assert!(served.log().contains("\"state\":\"drained\""), "{}", served.log());
    let refused = TcpStream::connect(served.target.address).is_err();
    assert!(refused, "nothing is accepted");
    verify(&served);
}

#[test]
fn a_request_that_does_not_end_is_cut_off_and_the_log_says_so() {
    let more = "[http]\ndrain_timeout_s = 2\nbody_timeout_s = 60\nmin_body_rate = 1\n".to_owned();
    let mut served = Plan { more, ..Plan::new() }.serve();
    let (_endless, _) = begun(&served);
    served.signal("TERM");
    assert!(served.ended(Duration::from_secs(20)).success());
    assert!(served.log().contains("\"state\":\"timed_out\""), "{}", served.log());
    verify(&served);
}

#[test]
fn a_second_signal_ends_it_at_once_and_in_order() {
    let more = "[http]\ndrain_timeout_s = 120\nbody_timeout_s = 120\nmin_body_rate = 1\n".to_owned();
    let mut served = Plan { more, ..Plan::new() }.serve();
    let (_endless, _) = begun(&served);
    served.signal("TERM");
    std::thread::sleep(Duration::from_millis(500));
    let second = Instant::now();
    served.signal("INT");
    assert!(served.ended(Duration::from_secs(20)).success());
    assert!(second.elapsed() < Duration::from_secs(15));
    assert!(served.log().contains("\"state\":\"forced\""), "{}", served.log());
    verify(&served);
}
