//! What the proxy keeps of a dialog, as its own requests show it (RFC 3261 section 12).

use serde_json::json;
use tidegate_schemas::call::EndCause;

use super::{Talk, told_answered};
use crate::support::{ALICE, BOB, Draft, OTHER_UDP, Peer, Seen, World, serial};

/// An order ends the call: the BYEs to caller and callee.
fn ended(world: &mut World, caller: &Peer, callee: &Peer) -> (Seen, Seen) {
    let call = world.calls()[0];
    world.terminate(call, "enough").unwrap();
    let to_callee = world.expect_to(callee).request("BYE");
    let to_caller = world.expect_to(caller).request("BYE");
    world.receive(callee, &to_callee.reply(200));
    world.receive(caller, &to_caller.reply(200));
    assert_eq!(world.engine.followed_calls(), 0);
    (to_caller, to_callee)
}

/// RFC 3261 section 12.2.1.1: the number of the caller's last request, plus one.
#[test]
fn numbers_go_on_from_the_last_request_of_either_side() {
    let mut world = World::following();
    let talk = Talk::begin(&mut world, ALICE, BOB);
    for (number, method) in [(17, "INFO"), (18, "UPDATE")] {
        let request = talk.by_caller(&mut world, method);
        let request = request.set("CSeq", format!("{number} {method}"));
        world.receive(&ALICE, &request);
        let copy = world.expect_to(&BOB).request(method);
        world.receive(&BOB, &copy.reply(200));
        world.expect_to(&ALICE).response(200);
    }
    let request = talk.by_callee(&mut world, "INFO");
    let request = request.set("CSeq", "4711 INFO");
    world.receive(&BOB, &request);
    let copy = world.expect_to(&ALICE).request("INFO");
    world.receive(&ALICE, &copy.reply(200));
    world.expect_to(&BOB).response(200);
    let (to_alice, to_bob) = ended(&mut world, &ALICE, &BOB);
    to_bob.header("CSeq", "19 BYE");
    to_alice.header("CSeq", "4712 BYE");
}

/// RFC 3262 section 4: PRACK takes a number before the dialog is confirmed.
#[test]
fn requests_in_the_early_dialog_take_numbers_too() {
    let mut world = World::following();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(183));
    let progress = world.expect_to(&ALICE).response(183);
    let prack = world.in_dialog("PRACK", &invite, &progress);
    world.receive(&ALICE, &prack.set("CSeq", "5 PRACK"));
    let copy = world.expect_to(&BOB).request("PRACK");
    world.receive(&BOB, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
    world.receive(&BOB, &at_bob.reply(200));
    let answered = world.expect_to(&ALICE).response(200);
    let ack = world.in_dialog("ACK", &invite, &answered);
    world.receive(&ALICE, &ack);
    world.ignore_the_rest();
    let (_, to_bob) = ended(&mut world, &ALICE, &BOB);
    to_bob.header("CSeq", "6 BYE");
}

/// RFC 3261 section 12.1: Record-Route values below ours lead to the caller, those above to the
/// callee, in the order in which they are met.
#[test]
fn each_side_is_reached_by_its_own_part_of_the_route_set() {
    let mut world = World::following();
    let (near, far) = (
        Peer::udp("near", [198, 51, 100, 1]),
        Peer::udp("far", [203, 0, 113, 1]),
    );
    let invite = world
        .invite(&near)
        .set("Contact", format!("<{}>", ALICE.uri()));
    let invite = invite
        .with("Record-Route", "<sip:198.51.100.1;lr>")
        .with("Record-Route", "<sip:198.51.100.2;lr>");
    world.receive(&near, &invite);
    world.expect_to(&near).response(100);
    world.answer(serial(&[&far]));
    let at_far = world.expect_to(&far).request("INVITE");
    let routes = format!(
        "<sip:203.0.113.2;lr>, <sip:203.0.113.1;lr>, {}",
        at_far.record_routes().join(", ")
    );
    let ok = at_far
        .reply(200)
        .set("Record-Route", routes)
        .set("Contact", format!("<{}>", BOB.uri()));
    world.receive(&far, &ok);
    let answered = world.expect_to(&near).response(200);
    // The proxies before this one have taken their own values away.
    let ours = at_far.record_routes()[0].clone();
    let left = format!("{ours}, <sip:203.0.113.1;lr>, <sip:203.0.113.2;lr>");
    let ack = world.in_dialog("ACK", &invite, &answered);
    world.receive(&near, &ack.set("Route", left));
    world.expect_to(&far).request("ACK");
    let (to_near, to_far) = ended(&mut world, &near, &far);
    to_far
        .uri(&BOB.uri())
        .header("Route", "<sip:203.0.113.1;lr>, <sip:203.0.113.2;lr>");
    to_near
        .uri(&ALICE.uri())
        .header("Route", "<sip:198.51.100.1;lr>, <sip:198.51.100.2;lr>");
}

/// RFC 3261 section 12.2.1.1: a strict router becomes the Request-URI, the target the last Route.
#[test]
fn a_strict_router_gets_its_uri_as_request_uri() {
    let mut world = World::following();
    let near = Peer::udp("near", [198, 51, 100, 1]);
    let invite = world
        .invite(&near)
        .set("Contact", format!("<{}>", ALICE.uri()));
    let invite = invite.with("Record-Route", "<sip:198.51.100.1>, <sip:198.51.100.2;lr>");
    let talk = Talk::of(&mut world, (near, BOB), invite, serial(&[&BOB]), &[]);
    let ours = talk.at_callee.record_routes()[0].clone();
    let ack = talk.by_caller(&mut world, "ACK").set("Route", ours);
    world.receive(&near, &ack);
    world.expect_to(&BOB).request("ACK");
    let (to_near, _) = ended(&mut world, &near, &BOB);
    to_near.uri("sip:198.51.100.1").header(
        "Route",
        &format!("<sip:198.51.100.2;lr>, <{}>", ALICE.uri()),
    );
}

/// RFC 3261 section 12.2.1.2 and RFC 3311 section 5: Contacts of re-INVITE and UPDATE.
#[test]
fn a_target_refresh_moves_where_requests_go() {
    for method in ["INVITE", "UPDATE"] {
        let mut world = World::following();
        let talk = Talk::begin(&mut world, ALICE, BOB);
        let (alice, bob) = (
            ALICE.at("198.51.100.11:5070".parse().unwrap()),
            BOB.at("203.0.113.21:5070".parse().unwrap()),
        );
        let again = talk.by_caller(&mut world, method);
        let again = again.with("Contact", format!("<{}>", alice.uri()));
        world.receive(&ALICE, &again);
        world.all_to(&ALICE);
        let copy = world.expect_to(&BOB).request(method);
        let ok = copy.reply(200).set("Contact", format!("<{}>", bob.uri()));
        world.receive(&BOB, &ok);
        world.expect_to(&ALICE).response(200);
        let (to_alice, to_bob) = ended(&mut world, &alice, &bob);
        to_alice.uri(&alice.uri());
        to_bob.uri(&bob.uri()).header("CSeq", "3 BYE");
    }
}

/// RFC 3261 section 12.2.1.2: only a 2xx moves the target.
#[test]
fn a_refused_target_refresh_moves_nothing() {
    let mut world = World::following();
    let talk = Talk::begin(&mut world, ALICE, BOB);
    let again = talk.by_caller(&mut world, "INVITE");
    let again = again.with("Contact", "<sip:alice@198.51.100.11:5070>");
    world.receive(&ALICE, &again);
    world.expect_to(&ALICE).response(100);
    let copy = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &copy.reply(488));
    world.expect_to(&BOB).request("ACK");
    let refused = world.expect_to(&ALICE).response(488);
    world.receive(&ALICE, &again.ack(&refused));
    let (to_alice, _) = ended(&mut world, &ALICE, &BOB);
    to_alice.uri(&ALICE.uri());
}

/// The document shows other identities to the callee: each side sees what it knows.
#[test]
fn each_side_sees_the_identities_that_it_knows() {
    let mut world = World::following();
    let document = json!({ "routes": [{ "uri": BOB.uri(), "headers": {
        "from": { "display": "Sales", "uri": "sip:4930@carrier.example" },
        "to": { "uri": "sip:+4989@carrier.example" } } }] });
    let talk = Talk::answered(&mut world, ALICE, BOB, document);
    talk.ack(&mut world);
    let (to_alice, to_bob) = ended(&mut world, &ALICE, &BOB);
    to_bob
        .header("From", talk.ok.get("From"))
        .header("To", talk.ok.get("To"));
    to_alice
        .header("From", &talk.answered.get("To"))
        .header("To", talk.invite.get("From"));
    assert!(talk.ok.get("From").contains("4930@carrier"));
    assert!(talk.answered.get("To").contains("bob@tide"));
}

/// RFC 3261 section 18.1.1 and RFC 5658: each side by its own transport, a connection of the peer's
/// own where it came by one.
#[test]
fn each_side_is_reached_over_its_own_transport() {
    let mut world = World::following();
    let (alice, bob) = (ALICE.connected(7), BOB.by(OTHER_UDP));
    let document = json!({ "routes": [{ "uri": BOB.uri(), "socket": "udp:192.0.2.1:5062" }] });
    let talk = Talk::answered(&mut world, alice, bob, document);
    talk.ack(&mut world);
    let (to_alice, to_bob) = ended(&mut world, &alice, &bob);
    assert_eq!(to_alice.hop.connection, alice.connection);
    assert!(to_alice.vias()[0].starts_with("SIP/2.0/TCP 192.0.2.1:5060;"));
    assert_eq!(to_bob.hop.listener, OTHER_UDP);
    assert!(to_bob.vias()[0].starts_with("SIP/2.0/UDP 192.0.2.1:5062;"));
}

/// A Contact that is a name: the peer is where it was met.
#[test]
fn a_peer_with_a_name_in_its_contact_is_where_it_was_met() {
    let mut world = World::following();
    let invite = world
        .invite(&ALICE)
        .set("Contact", "<sip:alice@phone.invalid>");
    let headers = [("X-Unused", "1")];
    let talk = Talk::of(&mut world, (ALICE, BOB), invite, serial(&[&BOB]), &headers);
    talk.ack(&mut world);
    let (to_alice, _) = ended(&mut world, &ALICE, &BOB);
    to_alice.uri("sip:alice@phone.invalid");
}

/// How a BYE with this status leaves the call.
fn after_bye(status: u16) -> (World, Talk) {
    let mut world = World::following();
    let talk = Talk::begin(&mut world, ALICE, BOB);
    told_answered(&mut world);
    world.pass(1000);
    talk.caller_hangs_up(&mut world, status);
    (world, talk)
}

/// RFC 3261 sections 15.1.1 and 12.2.1.2.
#[test]
fn a_bye_that_finds_nothing_ends_the_call() {
    for status in [200, 202, 408, 481] {
        let (mut world, _) = after_bye(status);
        world.told().ended(EndCause::CallerHungUp, 1000);
    }
}

/// RFC 3261 section 22.2: a challenged BYE is sent again.
#[test]
fn a_bye_that_is_refused_leaves_the_call() {
    for status in [401, 407, 403] {
        let (mut world, talk) = after_bye(status);
        world.expect_untold();
        assert_eq!(world.calls().len(), 1);
        let again = talk.by_caller(&mut world, "BYE");
        world.receive(&ALICE, &again.set("CSeq", "3 BYE"));
        let copy = world.expect_to(&BOB).request("BYE");
        world.receive(&BOB, &copy.reply(200));
        world.expect_to(&ALICE).response(200);
        world.told().ended(EndCause::CallerHungUp, 1000);
    }
}

/// RFC 3261 section 15.1.1: no response at all ends it as well.
#[test]
fn a_bye_that_nobody_answers_ends_the_call() {
    let mut world = World::following();
    let talk = Talk::begin(&mut world, ALICE, BOB);
    told_answered(&mut world);
    world.pass(1000);
    let bye = talk.by_caller(&mut world, "BYE");
    world.receive(&ALICE, &bye);
    world.pass(40_000);
    world.told().ended(EndCause::CallerHungUp, 1000);
    world.ignore_the_rest();
}

/// RFC 5057 section 5.1.
#[test]
fn a_re_invite_that_finds_no_dialog_ends_the_call() {
    for status in [408, 481] {
        let mut world = World::following();
        let talk = Talk::begin(&mut world, ALICE, BOB);
        told_answered(&mut world);
        world.pass(1000);
        let again = talk.by_caller(&mut world, "INVITE");
        world.receive(&ALICE, &again);
        world.expect_to(&ALICE).response(100);
        let copy = world.expect_to(&BOB).request("INVITE");
        world.receive(&BOB, &copy.reply(status));
        world.told().ended(EndCause::PeerGone, 1000);
        world.ignore_the_rest();
    }
}

/// RFC 3261 section 12.2: a request is of the dialog that its tags name.
#[test]
fn a_bye_of_another_dialog_ends_nothing() {
    let mut world = World::following();
    let talk = Talk::begin(&mut world, ALICE, BOB);
    told_answered(&mut world);
    let strange = |draft: Draft, name: &str, value: &str| draft.set(name, value);
    let bye = talk.by_caller(&mut world, "BYE");
    for (name, value) in [
        ("Call-ID", "another"),
        ("From", "<sip:alice@client.example>;tag=other"),
        ("To", "<sip:bob@tide.example>;tag=other"),
    ] {
        let branch = format!("SIP/2.0/UDP {};branch=z9hG4bK-{name}", ALICE.addr);
        let bye = strange(bye.clone(), name, value).set("Via", branch);
        world.receive(&ALICE, &bye);
        let copy = world.expect_to(&BOB).request("BYE");
        world.receive(&BOB, &copy.reply(481));
        world.expect_to(&ALICE).response(481);
    }
    world.expect_untold();
    assert_eq!(world.calls().len(), 1);
    talk.caller_hangs_up(&mut world, 200);
}
