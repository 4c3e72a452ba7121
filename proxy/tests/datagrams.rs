//! UDP of a running proxy, and its shards.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::HashSet;

use common::*;
use tidegate::config::SipTransport::Udp;

/// B44: ICMP ends a branch at once, without the 32 seconds of Timer B.
#[tokio::test]
async fn a_closed_port_is_followed_by_the_next_target_at_once() {
    let callee = udp().await;
    let dead = uri("udp", closed_udp().await);
    let proxy = proxy(&[dead, uri("udp", callee.local_addr().unwrap())], "");
    let caller = udp().await;
    let via = format!("UDP {}", caller.local_addr().unwrap());
    let invite = request("INVITE", "closed", &via);
    caller
        .send_to(invite.as_bytes(), address(&proxy, Udp))
        .await
        .unwrap();
    let (arrived, from) = receive(&callee).await;
    callee
        .send_to(response(&arrived, "200 OK").as_bytes(), from)
        .await
        .unwrap();
    assert!(receive_answer(&caller).await.starts_with("SIP/2.0 200"));
    proxy.stop().await;
}

#[tokio::test]
async fn a_target_with_a_host_name_is_looked_up_once() {
    let callee = udp().await;
    let port = callee.local_addr().unwrap().port();
    let proxy = proxy(&[format!("sip:localhost:{port};transport=udp")], "");
    let caller = udp().await;
    let via = format!("UDP {}", caller.local_addr().unwrap());
    for call in ["one", "two"] {
        let options = request("OPTIONS", call, &via);
        caller
            .send_to(options.as_bytes(), address(&proxy, Udp))
            .await
            .unwrap();
        let (arrived, from) = receive(&callee).await;
        callee
            .send_to(response(&arrived, "200 OK").as_bytes(), from)
            .await
            .unwrap();
        assert!(receive_answer(&caller).await.starts_with("SIP/2.0 200"));
    }
    let stats = proxy.stats().await;
    assert_eq!(stats.get("resolver", "lookups"), 1);
    assert_eq!(stats.get("resolver", "cached"), 1);
    proxy.stop().await;
}

#[tokio::test]
async fn keepalives_and_garbage_are_counted_and_not_answered() {
    let callee = udp().await;
    let proxy = proxy(&[uri("udp", callee.local_addr().unwrap())], "");
    let (caller, to) = (udp().await, address(&proxy, Udp));
    for crumb in [
        &b"\r\n\r\n"[..],
        b"\0\0\0\0",
        b"this is not SIP at all\r\n\r\n",
    ] {
        caller.send_to(crumb, to).await.unwrap();
    }
    let via = format!("UDP {}", caller.local_addr().unwrap());
    caller
        .send_to(request("OPTIONS", "after", &via).as_bytes(), to)
        .await
        .unwrap();
    let (arrived, from) = receive(&callee).await;
    callee
        .send_to(response(&arrived, "200 OK").as_bytes(), from)
        .await
        .unwrap();
    assert!(receive_answer(&caller).await.starts_with("SIP/2.0 200"));
    let stats = proxy.stats().await;
    assert_eq!(stats.get("shards", "keepalives"), 2);
    assert_eq!(stats.get("shards", "unparsable"), 1);
    proxy.stop().await;
}

#[tokio::test]
async fn with_several_shards_every_message_finds_the_owner_of_its_transaction() {
    const CALLS: usize = 64;
    let callee = udp().await;
    let proxy = proxy(&[uri("udp", callee.local_addr().unwrap())], "shards = 4");
    let (caller, to) = (udp().await, address(&proxy, Udp));
    let via = format!("UDP {}", caller.local_addr().unwrap());
    for call in 0..CALLS {
        let invite = request("INVITE", &format!("call{call}"), &via);
        for _ in 0..2 {
            caller.send_to(invite.as_bytes(), to).await.unwrap();
        }
        let (arrived, from) = receive(&callee).await;
        callee
            .send_to(response(&arrived, "486 Busy Here").as_bytes(), from)
            .await
            .unwrap();
        let (ack, _) = receive(&callee).await;
        assert!(
            ack.starts_with("ACK"),
            "a repeat was taken for a new call: {ack}"
        );
        let answer = receive_answer(&caller).await;
        assert!(answer.starts_with("SIP/2.0 486"), "{answer}");
        let ack = invite
            .replace("INVITE", "ACK")
            .replace("bob@example.com>", "bob@example.com>;tag=b");
        caller.send_to(ack.as_bytes(), to).await.unwrap();
    }
    let stats = proxy.stats().await;
    assert_eq!(stats.get("engine", "requests"), CALLS as u64);
    assert_eq!(stats.get("engine", "responses_stray"), 0);
    assert!(stats.get("shards", "steered") > 0);
    assert_eq!(stats.get("shards", "dropped"), 0);
    proxy.stop().await;
}

#[tokio::test]
async fn ports_are_reported_and_two_proxies_live_side_by_side() {
    let proxies = [proxy(&[], ""), proxy(&[], "")];
    let ports: HashSet<_> = proxies.iter().map(|p| address(p, Udp).port()).collect();
    assert_eq!(ports.len(), 2);
    for proxy in proxies {
        assert_ne!(proxy.routing_addresses()[0].port(), 0);
        proxy.shutdown().await;
    }
}
