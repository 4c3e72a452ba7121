//! Serial, parallel and nested routes, what ends them and what follows.

use serde_json::json;

use crate::support::{ALICE, BOB, CAROL, DAVE, Draft, Peer, Seen, World, parallel, serial};

fn fail(world: &mut World, peer: &Peer, copy: &Seen, status: u16) {
    world.receive(peer, &copy.reply(status));
    world.expect_to(peer).request("ACK");
}

fn refused(world: &mut World, invite: &Draft, status: u16) {
    let refusal = world.expect_to(&ALICE).response(status);
    world.receive(&ALICE, &invite.ack(&refusal));
}

#[test]
fn serial_targets_are_tried_in_their_order() {
    let mut world = World::new();
    let peers = [&BOB, &CAROL, &DAVE];
    let invite = world.call_routed(&ALICE, serial(&peers));
    for (peer, status) in peers.iter().zip([408, 480, 500]) {
        let copy = world.expect_to(peer).request("INVITE");
        world.expect_nothing();
        fail(&mut world, peer, &copy, status);
    }
    refused(&mut world, &invite, 408);
    assert_eq!(world.finished()[0].branches, 3);
    assert_eq!(world.finished()[0].tier, "router");
}

#[test]
fn a_busy_callee_ends_a_serial_search() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB, &CAROL]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    fail(&mut world, &BOB, &at_bob, 486);
    refused(&mut world, &invite, 486);
    world.expect_nothing();
}

#[test]
fn continue_on_and_stop_on_decide_what_is_tried_next() {
    let mut world = World::new();
    let mut document = serial(&[&BOB, &CAROL, &DAVE]);
    document["continue_on"] = json!(["486"]);
    document["stop_on"] = json!(["5xx"]);
    let invite = world.call_routed(&ALICE, document);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    fail(&mut world, &BOB, &at_bob, 486);
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    fail(&mut world, &CAROL, &at_carol, 500);
    refused(&mut world, &invite, 486);
}

/// RFC 3261 section 16.7 step 5: a 6xx ends everything, also what waits.
#[test]
fn a_6xx_ends_a_serial_search_unless_the_document_says_otherwise() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB, &CAROL]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    fail(&mut world, &BOB, &at_bob, 600);
    refused(&mut world, &invite, 600);
    let mut document = serial(&[&BOB, &CAROL]);
    document["continue_on"] = json!(["6xx"]);
    world.call_routed(&ALICE, document);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    fail(&mut world, &BOB, &at_bob, 600);
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.receive(&CAROL, &at_carol.reply(200));
    world.expect_to(&ALICE).response(200);
}

#[test]
fn groups_nest_parallel_in_serial() {
    let mut world = World::new();
    world.call_routed(
        &ALICE,
        json!({ "routes": [
        parallel(&[&BOB, &CAROL]), { "uri": DAVE.uri() }] }),
    );
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    fail(&mut world, &BOB, &at_bob, 480);
    world.expect_nothing();
    fail(&mut world, &CAROL, &at_carol, 503);
    let at_dave = world.expect_to(&DAVE).request("INVITE");
    world.receive(&DAVE, &at_dave.reply(200));
    world.expect_to(&ALICE).response(200);
}

#[test]
fn groups_nest_serial_in_parallel() {
    let mut world = World::new();
    world.call_routed(
        &ALICE,
        json!({ "routing": "parallel", "routes": [
        serial(&[&BOB, &CAROL]), { "uri": DAVE.uri() }] }),
    );
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let at_dave = world.expect_to(&DAVE).request("INVITE");
    fail(&mut world, &BOB, &at_bob, 480);
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.receive(&CAROL, &at_carol.reply(200));
    world.expect_to(&ALICE).response(200);
    world.receive(&DAVE, &at_dave.reply(180));
    let cancel = world.expect_to(&DAVE).request("CANCEL");
    world.receive(&DAVE, &cancel.reply(200));
    fail(&mut world, &DAVE, &at_dave, 487);
}

#[test]
fn an_exhausted_document_is_followed_by_the_one_inside_it() {
    let mut world = World::new();
    let mut document = serial(&[&BOB]);
    document["on_exhausted"] = serial(&[&CAROL]);
    document["on_exhausted"]["on_exhausted"] = crate::support::reply(480, "Nobody there");
    let invite = world.call_routed(&ALICE, document);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    fail(&mut world, &BOB, &at_bob, 480);
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    fail(&mut world, &CAROL, &at_carol, 500);
    let refusal = world.expect_to(&ALICE).response(480);
    assert_eq!(refusal.view().reason(), b"Nobody there");
    world.receive(&ALICE, &invite.ack(&refusal));
    assert_eq!(world.finished()[0].branches, 2);
}

/// The best response counts over all rounds (RFC 3261 section 16.7 step 6).
#[test]
fn the_best_response_may_come_from_an_earlier_round() {
    let mut world = World::new();
    let mut document = parallel(&[&BOB, &CAROL]);
    document["continue_on"] = json!(["4xx"]);
    document["on_exhausted"] = serial(&[&DAVE]);
    let invite = world.call_routed(&ALICE, document);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    fail(&mut world, &BOB, &at_bob, 484);
    fail(&mut world, &CAROL, &at_carol, 404);
    let at_dave = world.expect_to(&DAVE).request("INVITE");
    fail(&mut world, &DAVE, &at_dave, 500);
    refused(&mut world, &invite, 484);
}

#[test]
fn a_stopped_document_is_not_followed_by_another() {
    let mut world = World::new();
    let mut document = serial(&[&BOB]);
    document["on_exhausted"] = serial(&[&CAROL]);
    let invite = world.call_routed(&ALICE, document);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    fail(&mut world, &BOB, &at_bob, 486);
    refused(&mut world, &invite, 486);
}

#[test]
fn an_application_that_is_asked_again_is_told_what_was_tried() {
    let mut world = World::new();
    let invite = world.call(&ALICE);
    let first = world.question();
    assert_eq!(
        (&first["attempt"], &first["reason"]),
        (&json!(1), &json!("new"))
    );
    assert!(
        first
            .get("attempts")
            .is_none_or(|tried| tried == &json!([]))
    );
    let mut document = json!({ "routes": [
        { "uri": BOB.uri() }, { "uri": CAROL.uri(), "fr_timer": 1000 }, { "uri": DAVE.uri() }] });
    document["on_exhausted"] = json!({ "action": "ask" });
    document["context"] = json!("round one");
    world.answer(document);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.pass(200);
    world.receive(
        &BOB,
        &at_bob.reply(480).starting("SIP/2.0 480 Gone Fishing"),
    );
    world.expect_to(&BOB).request("ACK");
    world.pass(1010);
    world.all_to(&CAROL);
    let at_dave = world.expect_to(&DAVE).request("INVITE");
    world.undeliverable(&at_dave.bytes);
    let again = world.question();
    assert_eq!(
        (&again["attempt"], &again["reason"]),
        (&json!(2), &json!("exhausted"))
    );
    assert_eq!(again["context"], "round one");
    assert_eq!(again["call"], first["call"]);
    assert_ne!(again["id"], first["id"]);
    let tried = &again["attempts"];
    assert_eq!(tried[0]["target"], BOB.uri());
    assert_eq!(tried[0]["code"], 480);
    assert_eq!(tried[0]["reason"], "Gone Fishing");
    assert_eq!(tried[0]["cause"], "response");
    assert_eq!(tried[0]["time_ms"], 200);
    assert_eq!(
        (&tried[1]["code"], &tried[1]["cause"]),
        (&json!(408), &json!("timeout"))
    );
    assert_eq!(
        (&tried[2]["code"], &tried[2]["cause"]),
        (&json!(503), &json!("transport"))
    );
    world.answer(crate::support::reply(480, "Enough"));
    refused(&mut world, &invite, 480);
}

#[test]
fn an_application_that_asks_for_ever_is_stopped() {
    let mut world = World::with(|config| config.max_rounds = 3);
    let invite = world.call(&ALICE);
    for round in 0..3 {
        let mut document = serial(&[&BOB]);
        document["on_exhausted"] = json!({ "action": "ask" });
        assert_eq!(world.question()["attempt"], round + 1);
        world.answer(document);
        let copy = world.expect_to(&BOB).request("INVITE");
        fail(&mut world, &BOB, &copy, 480);
    }
    refused(&mut world, &invite, 480);
    assert_eq!(world.consultations(), 3);
}

/// A round with fewer targets than the one before it, whose branches answer late.
#[test]
fn late_responses_of_an_earlier_round_are_harmless() {
    let mut world = World::new();
    let mut document = serial(&[&BOB, &CAROL]);
    document["on_exhausted"] = serial(&[&DAVE]);
    let invite = world.call_routed(&ALICE, document);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    fail(&mut world, &BOB, &at_bob, 480);
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    fail(&mut world, &CAROL, &at_carol, 480);
    let at_dave = world.expect_to(&DAVE).request("INVITE");
    for (peer, copy) in [(&BOB, &at_bob), (&CAROL, &at_carol)] {
        world.receive(peer, &copy.reply(180));
        world.expect_nothing();
        fail(&mut world, peer, copy, 480);
        world.receive(peer, &copy.reply(200));
        world.expect_nothing();
    }
    fail(&mut world, &DAVE, &at_dave, 404);
    refused(&mut world, &invite, 404);
}

/// A 2xx of a branch that was given up in an earlier round is taken, and ends the later one.
#[test]
fn a_late_200_of_an_earlier_round_ends_the_search() {
    let mut world = World::new();
    let document = json!({
        "routes": [{ "uri": BOB.uri() }, { "uri": CAROL.uri(), "fr_inv_timer": 1000 }],
        "on_exhausted": serial(&[&DAVE]) });
    world.call_routed(&ALICE, document);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    fail(&mut world, &BOB, &at_bob, 480);
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.receive(&CAROL, &at_carol.reply(180));
    world.expect_to(&ALICE).response(180);
    world.pass(1010);
    world.expect_to(&CAROL).request("CANCEL");
    let at_dave = world.expect_to(&DAVE).request("INVITE");
    world.receive(&DAVE, &at_dave.reply(180));
    world.expect_to(&ALICE).response(180);
    world.receive(&CAROL, &at_carol.reply(183));
    world.expect_nothing();
    world.receive(&CAROL, &at_carol.reply(200));
    world.expect_to(&ALICE).response(200);
    world.expect_to(&DAVE).request("CANCEL");
    fail(&mut world, &DAVE, &at_dave, 487);
    world.ignore_the_rest();
}

/// A late 2xx may come while the application thinks about the next round.
#[test]
fn a_late_200_ends_a_consultation_that_is_under_way() {
    let mut world = World::new();
    let document = json!({
        "routes": [{ "uri": BOB.uri(), "fr_inv_timer": 1000 }],
        "on_exhausted": { "action": "ask" } });
    world.call_routed(&ALICE, document);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(180));
    world.expect_to(&ALICE).response(180);
    world.pass(1010);
    world.expect_to(&BOB).request("CANCEL");
    let id = world.asked();
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
    assert_eq!((world.waiting(), world.forgotten().len()), (0, 1));
    assert!(world.answer_to(id, serial(&[&CAROL])).is_err());
    world.expect_nothing();
    world.ignore_the_rest();
}

/// A document as long as any may be, none of whose targets can be reached.
#[test]
fn thousands_of_unreachable_targets_are_tried_in_bounded_space() {
    for routing in ["serial", "parallel"] {
        let mut world = World::with(|config| config.max_targets = 2000);
        let routes: Vec<_> = (0..2000)
            .map(|number| json!({ "uri": format!("sips:{number}@203.0.113.20") }))
            .collect();
        let invite = world.call_routed(&ALICE, json!({ "routing": routing, "routes": routes }));
        refused(&mut world, &invite, 500);
    }
}

/// RFC 3261 section 16.7 step 5: a 6xx also ends targets whose names are still being looked up.
#[test]
fn a_6xx_ends_look_ups_too() {
    let mut world = World::new();
    let invite = world.call_routed(
        &ALICE,
        json!({ "routing": "parallel", "routes": [
            { "uri": BOB.uri() },
            { "uri": "sip:a@one.example" },
            { "uri": "sip:b@two.example" }] }),
    );
    let at_bob = world.expect_to(&BOB).request("INVITE");
    fail(&mut world, &BOB, &at_bob, 603);
    refused(&mut world, &invite, 603);
    for name in ["one.example", "two.example"] {
        world.resolve(name, &["203.0.113.30".parse().unwrap()]);
        world.expect_nothing();
    }
}

/// RFC 3261 section 16.7 step 10: so does a 2xx, and nothing takes their place.
#[test]
fn a_2xx_ends_look_ups_and_what_would_follow_them() {
    let mut world = World::new();
    world.call_routed(
        &ALICE,
        json!({ "routing": "parallel", "routes": [
            { "uri": BOB.uri() },
            { "routes": [{ "uri": "sip:a@one.example" }, { "uri": CAROL.uri() }] }] }),
    );
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
    world.resolve("one.example", &["203.0.113.30".parse().unwrap()]);
    world.expect_nothing();
}
