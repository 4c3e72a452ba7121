//! TCP connections of a running proxy.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::*;
use tidegate::Proxy;
use tidegate::config::SipTransport::{Tcp, Udp};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

async fn wait_for(proxy: &Proxy, group: &str, counter: &str, least: u64) {
    let reached = async {
        while proxy.stats().await.get(group, counter) < least {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, reached).await.expect(counter);
}

#[tokio::test]
async fn requests_to_one_address_share_a_connection() {
    let callee = tcp().await;
    let proxy = proxy(&[uri("tcp", callee.local_addr().unwrap())], "");
    let caller = udp().await;
    let via = format!("UDP {}", caller.local_addr().unwrap());
    for call in ["one", "two", "three"] {
        caller
            .send_to(
                request("OPTIONS", call, &via).as_bytes(),
                address(&proxy, Udp),
            )
            .await
            .unwrap();
    }
    let mut peer = Peer::accept(&callee).await;
    for _ in 0..3 {
        let arrived = peer.receive().await;
        peer.send(&response(&arrived, "200 OK")).await;
        assert!(receive_answer(&caller).await.starts_with("SIP/2.0 200"));
    }
    assert_eq!(proxy.stats().await.get("streams", "connected"), 1);
    proxy.stop().await;
}

/// RFC 3261 section 16.9: a refused connection is a 503 of its branch.
#[tokio::test]
async fn a_refused_connection_is_followed_by_the_next_target_at_once() {
    let callee = udp().await;
    let dead = uri("tcp", closed_tcp().await);
    let proxy = proxy(&[dead, uri("udp", callee.local_addr().unwrap())], "");
    let mut caller = Peer::connect(address(&proxy, Tcp)).await;
    let invite = request("INVITE", "refused", &caller.via());
    caller.send(&invite).await;
    let (arrived, from) = receive(&callee).await;
    callee
        .send_to(response(&arrived, "200 OK").as_bytes(), from)
        .await
        .unwrap();
    assert!(caller.receive_answer().await.starts_with("SIP/2.0 200"));
    proxy.stop().await;
}

/// B44: the peer dies with a request that it has not answered.
#[tokio::test]
async fn a_connection_that_dies_with_a_request_is_followed_by_the_next_target() {
    let (first, second) = (tcp().await, udp().await);
    let targets = [
        uri("tcp", first.local_addr().unwrap()),
        uri("udp", second.local_addr().unwrap()),
    ];
    let proxy = proxy(&targets, "");
    let mut caller = Peer::connect(address(&proxy, Tcp)).await;
    let invite = request("INVITE", "dies", &caller.via());
    caller.send(&invite).await;
    let mut peer = Peer::accept(&first).await;
    assert!(peer.receive().await.starts_with("INVITE"));
    drop(peer);
    let (arrived, from) = receive(&second).await;
    second
        .send_to(response(&arrived, "200 OK").as_bytes(), from)
        .await
        .unwrap();
    assert!(caller.receive_answer().await.starts_with("SIP/2.0 200"));
    proxy.stop().await;
}

/// B45, RFC 3261 section 18.3.
#[tokio::test]
async fn an_unframeable_stream_gets_400_and_ends_and_others_go_on() {
    let callee = udp().await;
    let proxy = proxy(&[uri("udp", callee.local_addr().unwrap())], "");
    let mut good = Peer::connect(address(&proxy, Tcp)).await;
    for (call, length) in [
        ("negative", "Content-Length: -1"),
        ("none", "X: y"),
        ("nan", "l: x"),
    ] {
        let mut bad = Peer::connect(address(&proxy, Tcp)).await;
        let broken = request("OPTIONS", call, &bad.via()).replace("Content-Length: 0", length);
        bad.send(&broken).await;
        let answer = bad.receive().await;
        assert!(answer.starts_with("SIP/2.0 400"), "{answer}");
        assert_eq!(field(&answer, "Call-ID"), call);
        assert_eq!(bad.receive().await, "", "the connection ends");
    }
    let options = request("OPTIONS", "good", &good.via());
    good.send(&options).await;
    let (arrived, from) = receive(&callee).await;
    callee
        .send_to(response(&arrived, "200 OK").as_bytes(), from)
        .await
        .unwrap();
    assert!(good.receive_answer().await.starts_with("SIP/2.0 200"));
    assert_eq!(proxy.stats().await.get("streams", "unframeable"), 3);
    proxy.stop().await;
}

/// RFC 5626 section 4.4.1.
#[tokio::test]
async fn a_ping_is_answered_with_a_pong() {
    let proxy = proxy(&[], "");
    let mut peer = Peer::connect(address(&proxy, Tcp)).await;
    peer.send("\r\n\r\n").await;
    let mut pong = [0; 2];
    timeout(PATIENCE, peer.stream.read_exact(&mut pong))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&pong, b"\r\n");
    proxy.stop().await;
}

/// B46, RFC 3261 section 18.2.2.
#[tokio::test]
async fn an_answer_after_the_connection_closed_goes_to_the_address_in_the_via() {
    let (home, callee) = (tcp().await, udp().await);
    let proxy = proxy(&[uri("udp", callee.local_addr().unwrap())], "");
    let mut caller = Peer::connect(address(&proxy, Tcp)).await;
    let via = format!("TCP {}", home.local_addr().unwrap());
    caller.send(&request("INVITE", "moved", &via)).await;
    let (arrived, from) = receive(&callee).await;
    drop(caller);
    wait_for(&proxy, "streams", "closed", 1).await;
    callee
        .send_to(response(&arrived, "200 OK").as_bytes(), from)
        .await
        .unwrap();
    let mut back = Peer::accept(&home).await;
    assert!(back.receive_answer().await.starts_with("SIP/2.0 200"));
    proxy.stop().await;
}

#[tokio::test]
async fn connections_beyond_the_limit_are_refused() {
    let proxy = proxy(&[], "[streams]\nmax_connections = 1");
    let mut first = Peer::connect(address(&proxy, Tcp)).await;
    wait_for(&proxy, "streams", "accepted", 1).await;
    let mut second = Peer::connect(address(&proxy, Tcp)).await;
    assert_eq!(second.receive().await, "");
    assert_eq!(proxy.stats().await.get("streams", "refused"), 1);
    first.send("\r\n\r\n").await;
    let mut pong = [0; 2];
    timeout(PATIENCE, first.stream.read_exact(&mut pong))
        .await
        .unwrap()
        .unwrap();
    proxy.stop().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let proxy = proxy(&[], "[streams]\nidle_s = 1");
    let mut peer = Peer::connect(address(&proxy, Tcp)).await;
    assert_eq!(peer.receive().await, "");
    assert_eq!(proxy.stats().await.get("streams", "idle"), 1);
    proxy.stop().await;
}
