//! What is said about a transaction when its final response is out.

use serde_json::json;

use crate::support::{ALICE, BOB, CAROL, World, parallel, reply, serial};

/// RFC 6076 section 4.3.1: the delay ends with the first 18x that the caller gets.
#[test]
fn the_branch_that_answered_and_the_first_ringing_are_named() {
    let mut world = World::new();
    let mut document = serial(&[&BOB, &CAROL]);
    document["routes"][1]["branch_flags"] = json!(7);
    world.call_routed(&ALICE, document);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(480));
    world.expect_to(&BOB).request("ACK");
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.pass(30);
    world.receive(&CAROL, &at_carol.reply(180));
    world.pass(70);
    world.receive(&CAROL, &at_carol.reply(183));
    world.receive(&CAROL, &at_carol.reply(200));
    world.ignore_the_rest();
    let done = &world.finished()[0];
    at_carol.uri(done.target.as_deref().unwrap());
    assert_eq!((done.branch_flags, done.consultations), (Some(7), 1));
    assert_eq!((done.pdd_ms, done.time_ms), (30, 100));
}

#[test]
fn without_any_ringing_the_delay_ends_with_the_final_response() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, parallel(&[&BOB, &CAROL]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.pass(20);
    world.receive(&BOB, &at_bob.reply(404));
    world.expect_to(&BOB).request("ACK");
    world.pass(20);
    world.receive(&CAROL, &at_carol.reply(486));
    world.expect_to(&CAROL).request("ACK");
    let refusal = world.expect_to(&ALICE).response(404);
    world.receive(&ALICE, &invite.ack(&refusal));
    let done = &world.finished()[0];
    at_bob.uri(done.target.as_deref().unwrap());
    assert_eq!((done.branches, done.pdd_ms), (2, 40));
}

#[test]
fn a_response_that_is_made_here_has_no_target() {
    let mut world = World::new();
    world.call_routed(&ALICE, reply(404, "Nobody"));
    world.ignore_the_rest();
    let done = &world.finished()[0];
    assert_eq!((done.status, done.target.as_deref()), (Some(404), None));
}

#[test]
fn a_request_inside_of_a_dialog_asks_nobody() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(200));
    let ok = world.expect_to(&ALICE).response(200);
    let bye = world.in_dialog("BYE", &invite, &ok);
    world.receive(&ALICE, &bye);
    let at_bob = world.expect_to(&BOB).request("BYE");
    world.receive(&BOB, &at_bob.reply(200));
    world.ignore_the_rest();
    let consultations = world.finished().iter().map(|done| done.consultations);
    assert_eq!(consultations.collect::<Vec<_>>(), [1, 0]);
}
