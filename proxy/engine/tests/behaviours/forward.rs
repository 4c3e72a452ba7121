//! What a forwarded request looks like (RFC 3261 section 16.6).

use crate::support::{ALICE, BOB, CAROL, DAVE, Draft, Peer, Seen, World, parallel, serial};
use serde_json::json;

/// Sends the request, routes it to one peer and answers it there; what the peer saw.
fn forwarded(world: &mut World, to: &Peer, request: &Draft) -> Seen {
    world.receive(&ALICE, request);
    world.answer(serial(&[to]));
    let copy = world.expect_to(to);
    world.receive(to, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
    copy
}

fn message(world: &mut World) -> Draft {
    world.request("MESSAGE", &ALICE, "sip:bob@tide.example")
}

/// RFC 3261 section 16.6 step 3.
#[test]
fn b05_max_forwards_is_one_less() {
    for (came, goes) in [("70", "69"), ("1", "0"), ("255", "254")] {
        let mut world = World::new();
        let request = message(&mut world).set("Max-Forwards", came);
        forwarded(&mut world, &BOB, &request).header("Max-Forwards", goes);
    }
}

/// RFC 3261 section 16.6 step 3.
#[test]
fn b05_a_request_without_max_forwards_gets_70() {
    let mut world = World::new();
    let request = message(&mut world).without("Max-Forwards");
    forwarded(&mut world, &BOB, &request).header("Max-Forwards", "70");
}

/// RFC 3261 section 16.6 step 2 with section 19.1.1, table 1.
#[test]
fn b15_a_target_uri_leaves_method_and_headers_behind() {
    let mut world = World::new();
    let options = world.request("OPTIONS", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &options);
    let uri = "sip:b@203.0.113.20;x=1;method=BYE?Route=%3Csip:203.0.113.99%3E&Subject=y";
    world.answer(json!({ "routes": [{ "uri": uri }] }));
    let at_bob = world
        .expect_to(&BOB)
        .request("OPTIONS")
        .uri("sip:b@203.0.113.20;x=1")
        .lacks("Route")
        .lacks("Subject");
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 16.6 step 1: everything else arrives as it was sent.
#[test]
fn b16_headers_keep_their_order_and_bytes_and_the_body_its_zeros() {
    let mut world = World::new();
    let mut request = message(&mut world);
    for number in 0..30 {
        let name = ["X-Same", "s", "k", "X-Other"][number % 4];
        request = request.with(name, format!("{number} ;  a=\"b,{number}\" "));
    }
    request = request.with("X-Folded", "one\r\n two\r\n\tthree").body(
        "multipart/mixed; boundary=\"\u{fc}b\"",
        b"--x\r\n\r\n\0\x01\xff\r\n\r\n--x--".to_vec(),
    );
    let copy = forwarded(&mut world, &BOB, &request);
    let sent = String::from_utf8_lossy(&request.bytes()).into_owned();
    let kept: Vec<&str> = sent
        .lines()
        .skip(1)
        .filter(|line| !line.starts_with("Max-Forwards"))
        .collect();
    let text = copy.text();
    let got: Vec<&str> = text
        .lines()
        .skip(2)
        .filter(|line| !line.starts_with("Max-Forwards"))
        .collect();
    assert_eq!(got, kept);
    assert_eq!(copy.view().body(), request.body);
}

/// RFC 3261 section 16.6 step 8 and section 8.1.1.7.
#[test]
fn b19_every_branch_has_a_via_of_its_own_on_top() {
    let mut world = World::new();
    let invite = world.call_routed(
        &ALICE,
        json!({ "routes": [
        { "routing": "parallel", "routes": [
            { "uri": BOB.uri() }, { "uri": CAROL.uri() }, { "uri": DAVE.uri() }] },
        { "uri": "sip:again@203.0.113.20" }] }),
    );
    let mut branches = Vec::new();
    for peer in [&BOB, &CAROL, &DAVE] {
        let copy = world.expect_to(peer).request("INVITE");
        assert_eq!(copy.vias().len(), 2);
        assert!(copy.vias()[0].starts_with("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK"));
        assert_eq!(copy.vias()[1], invite.get("Via"));
        branches.push(copy.branch());
        world.receive(peer, &copy.reply(500));
        world.expect_to(peer).request("ACK");
    }
    let again = world.expect_to(&BOB).uri("sip:again@203.0.113.20");
    branches.push(again.branch());
    branches.sort_unstable();
    branches.dedup();
    assert_eq!(branches.len(), 4);
    world.receive(&BOB, &again.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 16.6 step 9 and section 18.3.
#[test]
fn b20_a_stream_gets_a_content_length_that_a_datagram_did_not_need() {
    let mut world = World::new();
    let request = message(&mut world)
        .body("text/plain", "low water")
        .without("Content-Length");
    forwarded(&mut world, &BOB.tcp(), &request)
        .header("Content-Length", "9")
        .body(b"low water");
}

/// RFC 3261 section 18.1.1.
#[test]
fn b21_a_request_too_long_for_udp_goes_over_tcp() {
    let mut world = World::new();
    let request = message(&mut world).body("text/plain", vec![b'x'; 1300]);
    world.receive(&ALICE, &request);
    world.answer(serial(&[&BOB]));
    let bob = BOB.tcp();
    let copy = world.expect_to(&bob);
    assert!(copy.vias()[0].starts_with("SIP/2.0/TCP 192.0.2.1:5060;"));
    world.receive(&bob, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 18.1.1: where TCP is refused, UDP is tried after all.
#[test]
fn b21_a_long_request_that_tcp_refuses_is_sent_over_udp() {
    let mut world = World::new();
    let request = message(&mut world).body("text/plain", vec![b'x'; 1300]);
    world.receive(&ALICE, &request);
    world.answer(serial(&[&BOB]));
    let copy = world.expect_to(&BOB.tcp());
    world.undeliverable(&copy.bytes);
    let copy = world.expect_to(&BOB);
    assert!(copy.vias()[0].starts_with("SIP/2.0/UDP 192.0.2.1:5060;"));
    world.receive(&BOB, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 18.1.1: the limit counts what leaves, not what came.
#[test]
fn b21_a_request_that_just_fits_stays_on_udp() {
    let mut world = World::new();
    let lean = message(&mut world).body("text/plain", vec![b'x'; 100]);
    let copy = forwarded(&mut world, &BOB, &lean);
    let room = 1300 - copy.bytes.len();
    let full = message(&mut world).body("text/plain", vec![b'x'; 100 + room]);
    assert_eq!(forwarded(&mut world, &BOB, &full).bytes.len(), 1300);
    let more = message(&mut world).body("text/plain", vec![b'x'; 101 + room]);
    forwarded(&mut world, &BOB.tcp(), &more);
}

/// RFC 3261 section 26.2.2: nothing plain for a sips URI.
#[test]
fn b18_a_sips_request_fails_where_there_is_no_tls() {
    for document in [
        json!({ "routes": [{ "uri": "sips:bob@203.0.113.20" }] }),
        json!({ "routes": [{}] }),
        json!({ "routes": [{ "dst_uri": "sip:203.0.113.20" }] }),
        json!({ "routes": [{ "dst_uri": "sip:203.0.113.20;transport=udp" }] }),
        json!({ "routes": [{ "path": "<sip:203.0.113.20;lr>" }] }),
    ] {
        let mut world = World::new();
        let invite = world.request("INVITE", &ALICE, "sips:bob@203.0.113.20");
        world.receive(&ALICE, &invite);
        world.expect_to(&ALICE).response(100);
        let id = world.asked();
        if world.answer_to(id, document).is_err() {
            world.unavailable();
            let refusal = world.expect_to(&ALICE).response(503);
            world.receive(&ALICE, &invite.ack(&refusal));
            continue;
        }
        let refusal = world.expect_to(&ALICE).response(500);
        world.receive(&ALICE, &invite.ack(&refusal));
        world.expect_nothing();
    }
}

/// Parallel branches are told apart by their own copies, not by what another one changed.
#[test]
fn copies_of_one_request_do_not_share_changes() {
    let mut world = World::new();
    let options = world.request("OPTIONS", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &options);
    world.answer(json!({ "routing": "parallel", "routes": [
        { "uri": BOB.uri(), "headers": { "set": { "X-For": "bob" } } },
        { "uri": CAROL.uri() }] }));
    let at_bob = world.expect_to(&BOB).header("X-For", "bob");
    let at_carol = world.expect_to(&CAROL).lacks("X-For");
    world.receive(&BOB, &at_bob.reply(404));
    world.receive(&CAROL, &at_carol.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// IPv6 on both sides (RFC 5118).
#[test]
fn a_call_between_ipv6_peers_uses_the_ipv6_listener() {
    let alice = ALICE
        .at("[2001:db8::a]:5060".parse().unwrap())
        .by(crate::support::UDP6);
    let bob = BOB
        .at("[2001:db8::b]:5070".parse().unwrap())
        .by(crate::support::UDP6);
    let mut world = World::new();
    let invite = world.call_routed(&alice, serial(&[&bob]));
    let at_bob = world.expect_to(&bob).uri("sip:bob@[2001:db8::b]:5070");
    assert!(at_bob.vias()[0].starts_with("SIP/2.0/UDP [2001:db8::1]:5060;branch="));
    assert_eq!(at_bob.vias()[1], invite.get("Via"));
    world.receive(&bob, &at_bob.reply(200));
    let ok = world.expect_to(&alice).response(200);
    let ack = world.in_dialog("ACK", &invite, &ok);
    world.receive(&alice, &ack);
    world.expect_to(&bob).request("ACK");
}

/// `parallel` starts all targets at one time.
#[test]
fn parallel_targets_leave_at_once() {
    let mut world = World::new();
    world.call_routed(&ALICE, parallel(&[&BOB, &CAROL, &DAVE]));
    for peer in [&BOB, &CAROL, &DAVE] {
        world.expect_to(peer).request("INVITE").sent_at(0);
    }
    world.ignore_the_rest();
}
