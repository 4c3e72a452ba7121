//! Between transports and address families.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};

use tidegate_tests::{Agent, Application, Message, PATIENCE, Proxy, Settings, serial, target};

#[test]
fn a_call_from_udp_to_tcp_stays_on_the_path_with_two_record_routes() {
    let proxy = Proxy::start();
    call_between(&proxy, Agent::udp(), Agent::tcp(), proxy.sip());
}

#[test]
fn a_call_from_tcp_to_udp_stays_on_the_path_with_two_record_routes() {
    let proxy = Proxy::start();
    call_between(&proxy, Agent::tcp(), Agent::udp(), proxy.sip());
}

#[test]
fn a_call_within_ipv6_goes_through() {
    let proxy = both_families();
    let (caller, callee) = (on_ipv6(), on_ipv6());
    let invite_at_callee = call_between(&proxy, caller, callee, proxy.sip6());
    assert!(
        invite_at_callee.header("Via").unwrap().contains("[::1]:"),
        "{invite_at_callee}"
    );
}

#[test]
fn a_call_from_ipv6_to_ipv4_goes_through() {
    let proxy = both_families();
    let invite_at_callee = call_between(&proxy, on_ipv6(), Agent::udp(), proxy.sip6());
    assert!(
        invite_at_callee
            .header("Via")
            .unwrap()
            .contains("127.0.0.1:"),
        "{invite_at_callee}"
    );
}

#[test]
fn a_call_from_ipv4_to_ipv6_goes_through() {
    let proxy = both_families();
    let _ = call_between(&proxy, Agent::udp(), on_ipv6(), proxy.sip());
}

#[test]
fn an_answer_goes_where_the_request_came_from_when_the_caller_asks_for_it() {
    let proxy = Proxy::start();
    let mut caller = Agent::udp();
    let options = caller.request("OPTIONS", &proxy.uri("bob"));
    let via = "SIP/2.0/UDP 192.0.2.9:9999;rport;branch=z9hG4bKrport";
    caller.send(&options.replacing("Via", via), proxy.sip());
    let answer = caller.expect_final();
    let via = answer.one("Via");
    assert!(
        via.contains(&format!("rport={}", caller.local().port())),
        "{via}"
    );
    assert!(via.contains("received=127.0.0.1"), "{via}");
}

#[test]
fn two_requests_in_one_segment_and_one_in_many_are_all_answered() {
    let proxy = Proxy::start();
    let mut caller = Agent::tcp();
    let requests: Vec<_> = (0..3)
        .map(|_| caller.request("OPTIONS", &proxy.uri("bob")))
        .collect();
    let two = [requests[0].to_bytes(), requests[1].to_bytes()].concat();
    caller.send_bytes(&two, proxy.sip());
    for piece in requests[2].to_bytes().chunks(20) {
        caller.send_bytes(piece, proxy.sip());
    }
    let mut answered: Vec<_> = (0..3)
        .map(|_| caller.expect_final().one("Call-ID").to_owned())
        .collect();
    let mut asked: Vec<_> = requests
        .iter()
        .map(|r| r.header("Call-ID").to_owned())
        .collect();
    answered.sort();
    asked.sort();
    assert_eq!(answered, asked);
}

#[test]
fn a_stream_that_can_not_be_framed_is_closed_and_harms_no_other() {
    let proxy = Proxy::start();
    let mut caller = Agent::tcp();
    for length in [
        "-1",
        "18446744073709551615",
        "4294967296",
        "0\r\nContent-Length: 1",
        "x",
    ] {
        let options = caller.request("OPTIONS", &proxy.uri("bob")).to_bytes();
        let text = String::from_utf8(options).unwrap();
        let broken = text.replace("Content-Length: 0", &format!("Content-Length: {length}"));
        let mut stream = TcpStream::connect(proxy.sip()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(broken.as_bytes()).unwrap();
        let closed = stream.read_to_end(&mut Vec::new());
        assert!(
            closed.is_ok(),
            "Content-Length: {length} leaves the stream open: {closed:?}"
        );
        caller.send(&caller.request("OPTIONS", &proxy.uri("bob")), proxy.sip());
        let _ = caller.expect_final();
    }
}

#[test]
fn a_binary_body_and_unknown_headers_arrive_as_they_left() {
    let proxy = Proxy::start();
    let application = Application::connect(proxy.channel());
    let (mut caller, mut callee) = (Agent::udp(), Agent::udp());
    let body: Vec<u8> = (0..=255)
        .chain(*b"\r\n\r\nSIP/2.0 200 OK\r\n\0\0")
        .collect();
    let message = caller
        .request("MESSAGE", &proxy.uri("bob"))
        .with("X-Folded", "one\r\n  two")
        .with("x-oDD-caSe", "a  ,b;c = \"d\"")
        .with("Date", "yesterday")
        .with_body("application/octet-stream", &body);
    caller.send(&message, proxy.sip());
    application.decide(serial(&[target(&callee.uri("bob"))]));
    let arrived = callee.expect_request("MESSAGE");
    assert_eq!(arrived.body, body);
    let text = String::from_utf8_lossy(&arrived.raw);
    for line in [
        "X-Folded: one\r\n  two\r\n",
        "x-oDD-caSe: a  ,b;c = \"d\"\r\n",
        "Date: yesterday\r\n",
    ] {
        assert!(text.contains(line), "{line:?} in {arrived}");
    }
    callee.reply(&arrived, 200);
    assert_eq!(caller.expect_final().status(), Some(200));
}

fn both_families() -> Proxy {
    Proxy::with(&Settings {
        ips: vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        ..Settings::default()
    })
}

fn on_ipv6() -> Agent {
    Agent::udp_on(Ipv6Addr::LOCALHOST.into())
}

/// A whole call; each side hangs up on nobody but through the proxy. Returns the INVITE as it arrived.
fn call_between(proxy: &Proxy, mut caller: Agent, mut callee: Agent, entry: SocketAddr) -> Message {
    let application = Application::connect(proxy.channel());
    let invite = caller.request("INVITE", &format!("sip:bob@{entry}"));
    caller.send(&invite, entry);
    application.decide(serial(&[target(&callee.uri("bob"))]));
    let arrived = callee.expect_request("INVITE");
    assert!(
        arrived
            .header("Via")
            .unwrap()
            .starts_with(&format!("SIP/2.0/{}", callee.transport()))
    );
    let same_side = caller.transport() == callee.transport()
        && caller.local().is_ipv4() == callee.local().is_ipv4();
    assert_eq!(
        arrived.all("Record-Route").len(),
        if same_side { 1 } else { 2 },
        "{arrived}"
    );
    callee.reply(&arrived, 180);
    callee.reply(&arrived, 200);

    let _ = caller.expect_status(100);
    let _ = caller.expect_status(180);
    let answer = caller.expect_status(200);
    assert_eq!(answer.all("Record-Route"), arrived.all("Record-Route"));
    caller.send(&invite.in_dialog("ACK", 1, &answer), entry);
    let ack = callee.expect_request("ACK");
    assert_eq!(
        (ack.uri(), ack.all("Route").len()),
        (callee.uri("callee").as_str(), 0),
        "{ack}"
    );

    caller.send(&invite.in_dialog("BYE", 2, &answer), entry);
    let bye = callee.expect_request("BYE");
    callee.reply(&bye, 200);
    let ok = caller.expect_status(200);
    assert_eq!(ok.cseq(), ("2", "BYE"));
    arrived
}
