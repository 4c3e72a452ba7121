//! Staying on the path of a dialog (RFC 3261 section 16.6 step 4, RFC 5658).

use serde_json::json;
use tidegate_engine::{Config, Listener, Transport};

use crate::support::{ALICE, BOB, Draft, OTHER_UDP, Peer, Seen, UDP6, World, serial};

/// A call that Bob answers: the INVITE, Bob's copy, his 200 and what Alice saw of it.
struct Call {
    invite: Draft,
    at_bob: Seen,
    ok: Draft,
    answered: Seen,
}

fn establish(world: &mut World, alice: &Peer, bob: &Peer) -> Call {
    let invite = world.call_routed(alice, serial(&[bob]));
    let at_bob = world.expect_to(bob).request("INVITE");
    let contact = format!("<{}>", bob.uri());
    let ok = at_bob.reply(200).set("Contact", contact);
    world.receive(bob, &ok);
    let answered = world.expect_to(alice).response(200);
    Call {
        invite,
        at_bob,
        ok,
        answered,
    }
}

/// ACK and BYE of the caller, then BYE of the callee, all through the proxy.
fn talk(world: &mut World, alice: &Peer, bob: &Peer, call: &Call) {
    let ack = world.in_dialog("ACK", &call.invite, &call.answered);
    world.receive(alice, &ack);
    world
        .expect_to(bob)
        .request("ACK")
        .uri(&bob.uri())
        .lacks("Route");
    let info = world.in_dialog("INFO", &call.invite, &call.answered);
    world.receive(alice, &info);
    let copy = world.expect_to(bob).request("INFO").lacks("Route");
    world.receive(bob, &copy.reply(200));
    world.expect_to(alice).response(200);
    let bye = world.callee_request("BYE", bob, &call.at_bob, &call.ok);
    world.receive(bob, &bye);
    let copy = world
        .expect_to(alice)
        .request("BYE")
        .uri(&alice.uri())
        .lacks("Route");
    world.receive(alice, &copy.reply(200));
    world.expect_to(bob).response(200);
    assert_eq!(world.consultations(), 1);
}

/// RFC 3261 section 16.6 step 4.
#[test]
fn b17_the_own_record_route_stands_above_older_ones() {
    let mut world = World::new();
    let invite = world
        .invite(&ALICE)
        .with("Record-Route", "<sip:198.51.100.99;lr>");
    world.receive(&ALICE, &invite);
    world.expect_to(&ALICE).response(100);
    world.answer(serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    assert_eq!(
        at_bob.record_routes(),
        ["<sip:192.0.2.1:5060;lr>", "<sip:198.51.100.99;lr>"]
    );
    world.receive(&BOB, &at_bob.reply(200));
    let ok = world.expect_to(&ALICE).response(200);
    assert_eq!(ok.record_routes(), at_bob.record_routes());
}

/// RFC 3261 section 16.4: one listener, one Record-Route, both directions.
#[test]
fn b17_a_dialog_over_one_listener_goes_through_the_proxy_both_ways() {
    let mut world = World::new();
    let call = establish(&mut world, &ALICE, &BOB);
    assert_eq!(call.at_bob.record_routes().len(), 1);
    talk(&mut world, &ALICE, &BOB, &call);
}

/// RFC 5658: the transport changes, so both sides are named.
#[test]
fn b17_between_udp_and_tcp_the_record_route_is_doubled() {
    let mut world = World::new();
    let bob = BOB.tcp();
    let call = establish(&mut world, &ALICE, &bob);
    assert_eq!(
        call.at_bob.record_routes(),
        [
            "<sip:192.0.2.1:5060;transport=tcp;lr>",
            "<sip:192.0.2.1:5060;lr>"
        ]
    );
    talk(&mut world, &ALICE, &bob, &call);
}

/// RFC 5658: the same for address families and interfaces.
#[test]
fn b17_between_address_families_the_record_route_is_doubled() {
    let mut world = World::new();
    let bob = BOB.at("[2001:db8::b]:5060".parse().unwrap()).by(UDP6);
    let call = establish(&mut world, &ALICE, &bob);
    assert_eq!(
        call.at_bob.record_routes(),
        ["<sip:[2001:db8::1]:5060;lr>", "<sip:192.0.2.1:5060;lr>"]
    );
    talk(&mut world, &ALICE, &bob, &call);
}

/// RFC 5658: `socket` of the document makes the other listener the way out.
#[test]
fn b17_a_socket_of_the_document_is_named_and_used_both_ways() {
    let mut world = World::new();
    let bob = BOB.by(OTHER_UDP);
    let invite = world.call_routed(
        &ALICE,
        json!({ "routes": [
        { "uri": BOB.uri(), "socket": "udp:192.0.2.1:5062" }] }),
    );
    let at_bob = world.expect_to(&bob).request("INVITE");
    assert_eq!(at_bob.hop.listener, OTHER_UDP);
    assert!(at_bob.vias()[0].starts_with("SIP/2.0/UDP 192.0.2.1:5062;"));
    let ok = at_bob.reply(200).set("Contact", format!("<{}>", bob.uri()));
    world.receive(&bob, &ok);
    let answered = world.expect_to(&ALICE).response(200);
    let call = Call {
        invite,
        at_bob,
        ok,
        answered,
    };
    talk(&mut world, &ALICE, &bob, &call);
}

/// RFC 5658: a request of the dialog leaves by the listener that its Route value names.
#[test]
fn b17_requests_of_the_dialog_leave_by_the_listener_of_the_far_side() {
    let mut world = World::new();
    let bob = BOB.by(OTHER_UDP);
    let bye = world
        .request("BYE", &ALICE, &bob.uri())
        .with("Route", "<sip:192.0.2.1:5060;lr>, <sip:192.0.2.1:5062;lr>")
        .with_to_tag("b");
    world.receive(&ALICE, &bye);
    let copy = world.expect_to(&bob).request("BYE").lacks("Route");
    assert_eq!(copy.hop.listener, OTHER_UDP);
    world.receive(&bob, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// `record_route: false` of a document.
#[test]
fn a_document_may_keep_the_proxy_off_the_path() {
    let mut world = World::new();
    let mut document = serial(&[&BOB]);
    document["record_route"] = json!(false);
    world.call_routed(&ALICE, document);
    let at_bob = world
        .expect_to(&BOB)
        .request("INVITE")
        .lacks("Record-Route");
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// `record_route: true` of a document, where the configuration says otherwise.
#[test]
fn a_document_may_put_the_proxy_on_the_path() {
    let mut world = World::with(|config| config.record_route = false);
    world.call_routed(&ALICE, serial(&[&BOB]));
    let plain = world.expect_to(&BOB).lacks("Record-Route");
    world.receive(&BOB, &plain.reply(200));
    world.expect_to(&ALICE).response(200);
    let mut document = serial(&[&BOB]);
    document["record_route"] = json!(true);
    world.call_routed(&ALICE, document);
    let at_bob = world
        .expect_to(&BOB)
        .header("Record-Route", "<sip:192.0.2.1:5060;lr>");
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 16.6 step 4: a request that makes no dialog needs none.
#[test]
fn a_request_that_makes_no_dialog_gets_no_record_route() {
    let mut world = World::new();
    let message = world.request("MESSAGE", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &message);
    world.answer(serial(&[&BOB]));
    let copy = world.expect_to(&BOB).lacks("Record-Route");
    world.receive(&BOB, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}

const TLS: tidegate_engine::ListenerId = tidegate_engine::ListenerId(4);

fn with_tls(config: &mut Config) {
    let addr = "192.0.2.1:5061".parse().unwrap();
    config.listeners.push(Listener::new(Transport::Tls, addr));
}

fn over_tls(peer: Peer) -> Peer {
    let addr = std::net::SocketAddr::new(peer.addr.ip(), 5061);
    Peer {
        transport: Transport::Tls,
        ..peer.at(addr).by(TLS)
    }
}

/// RFC 3261 sections 16.6 step 4 and 26.2.1: recorded whatever the configuration says.
#[test]
fn b18_a_sips_request_records_a_sips_route() {
    let mut world = World::with(|config| {
        config.record_route = false;
        with_tls(config);
    });
    let bob = over_tls(BOB);
    let invite = world.request("INVITE", &ALICE, "sips:bob@tide.example");
    world.receive(&ALICE, &invite);
    world.expect_to(&ALICE).response(100);
    world.answer(json!({ "routes": [{ "uri": "sips:bob@203.0.113.20" }] }));
    let at_bob = world.expect_to(&bob).uri("sips:bob@203.0.113.20");
    assert!(at_bob.vias()[0].starts_with("SIP/2.0/TLS 192.0.2.1:5061;"));
    let routes = at_bob.record_routes();
    assert!(
        routes.iter().all(|route| route.starts_with("<sips:")),
        "{routes:?}"
    );
    assert_eq!(routes[0], "<sips:192.0.2.1:5061;lr>");
    world.receive(&bob, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 16.6 step 4: what counts is the Request-URI of the copy.
#[test]
fn b18_a_target_that_is_sips_records_a_sips_route() {
    let mut world = World::with(with_tls);
    let bob = over_tls(BOB);
    world.call_routed(
        &ALICE,
        json!({ "routes": [{ "uri": "sips:bob@203.0.113.20" }] }),
    );
    let at_bob = world.expect_to(&bob).uri("sips:bob@203.0.113.20");
    assert_eq!(at_bob.record_routes()[0], "<sips:192.0.2.1:5061;lr>");
    world.receive(&bob, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}
