//! Where responses go (RFC 3261 section 18.2, RFC 3581).

use std::net::SocketAddr;

use tidegate_engine::ConnectionId;

use crate::support::{ALICE, BOB, Draft, Peer, Seen, World, serial};

/// A peer at an address of its choice.
fn caller(addr: &str) -> Peer {
    ALICE.at(addr.parse().unwrap())
}

/// Sends a MESSAGE with this Via and answers it; Bob's copy and the response.
fn through(world: &mut World, from: &Peer, to: &Peer, via: &str) -> (Seen, Seen) {
    let message = world
        .request("MESSAGE", from, "sip:bob@tide.example")
        .set("Via", via);
    world.receive(from, &message);
    world.answer(serial(&[&BOB]));
    let copy = world.expect_to(&BOB).request("MESSAGE");
    world.receive(&BOB, &copy.reply(200));
    let response = world.expect_to(to).response(200);
    (copy, response)
}

/// RFC 3581 section 4.
#[test]
fn b48_with_rport_the_answer_goes_where_the_request_came_from() {
    let mut world = World::new();
    let from = caller("198.51.100.77:40000");
    let via = "SIP/2.0/UDP 10.0.0.9:9999;rport;branch=z9hG4bKr";
    let (copy, response) = through(&mut world, &from, &from, via);
    let stamped = "SIP/2.0/UDP 10.0.0.9:9999;rport=40000;branch=z9hG4bKr;received=198.51.100.77";
    let via = &copy.vias()[1];
    assert!(
        via.contains(";rport=40000") && via.contains(";received=198.51.100.77"),
        "{via}"
    );
    assert_eq!(via.len(), stamped.len());
    assert_eq!(&response.vias()[0], via);
    assert_eq!(response.hop.listener, from.listener);
}

/// RFC 3261 sections 18.2.1 and 18.2.2.
#[test]
fn b48_without_rport_the_answer_goes_to_the_port_of_the_via() {
    let mut world = World::new();
    let from = caller("198.51.100.77:40000");
    let to = caller("198.51.100.77:9999");
    let via = "SIP/2.0/UDP 10.0.0.9:9999;branch=z9hG4bKr";
    let (copy, _) = through(&mut world, &from, &to, via);
    assert!(copy.vias()[1].contains(";received=198.51.100.77"));
    assert!(!copy.vias()[1].contains("rport"));
}

/// RFC 3261 section 18.2.1: nobody can say for himself where he was received from.
#[test]
fn b48_a_received_of_the_caller_is_replaced() {
    let mut world = World::new();
    let from = caller("198.51.100.77:5060");
    let via = "SIP/2.0/UDP 10.0.0.9;received=203.0.113.99;branch=z9hG4bKr";
    let (copy, _) = through(&mut world, &from, &from, via);
    let via = &copy.vias()[1];
    assert_eq!(via.matches("received=").count(), 1, "{via}");
    assert!(via.contains("received=198.51.100.77"), "{via}");
}

/// RFC 3261 section 18.2.1: an address that is right needs no `received`.
#[test]
fn b48_a_via_that_tells_the_truth_is_left_as_it_is() {
    let mut world = World::new();
    let from = caller("198.51.100.77:5060");
    let via = "SIP/2.0/UDP 198.51.100.77:5060;branch=z9hG4bKr";
    let (copy, response) = through(&mut world, &from, &from, via);
    assert_eq!(
        (copy.vias()[1].as_str(), response.vias()[0].as_str()),
        (via, via)
    );
}

/// RFC 3261 section 18.2.2: multicast or somebody else's address.
#[test]
fn b46_a_maddr_in_the_via_is_where_the_answer_goes() {
    let mut world = World::new();
    let from = caller("198.51.100.77:5060");
    let to = caller("198.51.100.99:7000");
    let via = "SIP/2.0/UDP 198.51.100.77:7000;maddr=198.51.100.99;branch=z9hG4bKr";
    through(&mut world, &from, &to, via);
}

fn connected_request(world: &mut World) -> Draft {
    world
        .request("MESSAGE", &ALICE.connected(7), "sip:bob@tide.example")
        .set("Via", "SIP/2.0/TCP 10.0.0.9:7070;branch=z9hG4bKr")
}

/// RFC 3261 section 18.2.2: a stream is answered on that stream; where it is gone, at the received
/// address and the port of the Via.
#[test]
fn b46_a_stream_is_answered_on_its_connection_or_at_the_port_of_its_via() {
    let mut world = World::new();
    let alice = ALICE
        .at("198.51.100.10:51234".parse().unwrap())
        .connected(7);
    let message = connected_request(&mut world);
    world.receive(&alice, &message);
    world.answer(serial(&[&BOB]));
    let copy = world.expect_to(&BOB).request("MESSAGE");
    world.receive(&BOB, &copy.reply(200));
    let response = world.expect_to(&alice).response(200);
    assert_eq!(response.hop.connection, Some(ConnectionId(7)));
    let fallback: SocketAddr = "198.51.100.10:7070".parse().unwrap();
    assert_eq!(response.hop.addr, fallback);
}
