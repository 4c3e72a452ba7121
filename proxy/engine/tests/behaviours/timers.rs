//! Timer C and the timers of targets (RFC 3261 sections 16.6 step 11, 16.7 step 2, 16.8).

use serde_json::json;

use crate::support::{ALICE, BOB, CAROL, Draft, Seen, World, serial};

/// A world whose Timer C is 10 s, and a call that is on its way to Bob.
fn impatient() -> (World, Draft, Seen) {
    let mut world = World::with(|config| config.timers.timer_c = 10_000);
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    (world, invite, at_bob)
}

/// RFC 3261 section 16.8.
#[test]
fn b43_timer_c_cancels_a_branch_that_rings_for_too_long() {
    let (mut world, invite, at_bob) = impatient();
    world.receive(&BOB, &at_bob.reply(180));
    world.expect_to(&ALICE).response(180);
    world.expect_nothing_until(9_990);
    world.at(10_010);
    let cancel = world.expect_to(&BOB).request("CANCEL").sent_at(10_000);
    world.receive(&BOB, &cancel.reply(200));
    world.receive(&BOB, &at_bob.reply(487));
    world.expect_to(&BOB).request("ACK");
    let end = world.expect_to(&ALICE).response(408);
    world.receive(&ALICE, &invite.ack(&end));
}

/// RFC 3261 section 16.7 step 2.
#[test]
fn b43_every_provisional_response_but_100_restarts_timer_c() {
    let (mut world, invite, at_bob) = impatient();
    for ms in [4000, 8000, 16_000] {
        world.at(ms);
        world.receive(&BOB, &at_bob.reply(183));
        world.ignore_the_rest();
        world.expect_nothing();
    }
    world.at(20_000);
    world.receive(&BOB, &at_bob.reply(100));
    world.expect_nothing_until(25_990);
    world.at(26_010);
    world.expect_to(&BOB).request("CANCEL").sent_at(26_000);
    let end = world.expect_to(&ALICE).response(408);
    world.receive(&ALICE, &invite.ack(&end));
}

/// RFC 3261 section 16.8: without a provisional response it is as if a 408 had come.
#[test]
fn b43_timer_c_without_any_provisional_response_counts_as_408() {
    let (mut world, invite, at_bob) = impatient();
    world.at(10_010);
    let end = world.expect_to(&ALICE).response(408).sent_at(10_000);
    world.receive(&ALICE, &invite.ack(&end));
    world.ignore_the_rest();
    world.receive(&BOB, &at_bob.reply(180));
    world.expect_to(&BOB).request("CANCEL");
    world.ignore_the_rest();
}

/// RFC 3261 section 16.6 step 11: Timer C is longer than three minutes.
#[test]
fn b43_by_default_a_call_may_ring_for_three_minutes() {
    let mut world = World::new();
    world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(180));
    world.expect_to(&ALICE).response(180);
    world.expect_nothing_until(180_000);
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// `fr_timer` of a target: no response at all.
#[test]
fn a_target_without_any_response_is_left_after_its_own_fr_timer() {
    let mut world = World::new();
    world.call_routed(
        &ALICE,
        json!({ "routes": [
        { "uri": BOB.uri(), "fr_timer": 1000 }, { "uri": CAROL.uri() }] }),
    );
    let first = world.expect_to(&BOB).request("INVITE");
    world.at(1020);
    world.expect_to(&BOB).same_as(&first).sent_at(500);
    let at_carol = world.expect_to(&CAROL).request("INVITE").sent_at(1000);
    world.receive(&CAROL, &at_carol.reply(200));
    world.expect_to(&ALICE).response(200);
    world.expect_nothing_until(60_000);
}

/// A callee that wakes up after its `fr_timer` is told that nobody waits for it any more.
#[test]
fn a_target_that_rings_after_its_fr_timer_is_cancelled() {
    let mut world = World::new();
    let invite = world.call_routed(
        &ALICE,
        json!({ "routes": [
        { "uri": BOB.uri(), "fr_timer": 400 }, { "uri": CAROL.uri() }] }),
    );
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.at(410);
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.receive(&BOB, &at_bob.reply(180));
    let cancel = world.expect_to(&BOB).request("CANCEL");
    world.expect_nothing();
    world.receive(&BOB, &cancel.reply(200));
    world.receive(&BOB, &at_bob.reply(487));
    world.expect_to(&BOB).request("ACK");
    world.receive(&CAROL, &at_carol.reply(486));
    world.expect_to(&CAROL).request("ACK");
    let busy = world.expect_to(&ALICE).response(486);
    world.receive(&ALICE, &invite.ack(&busy));
}

/// RFC 3261 section 16.7 step 5: a 200 is worth having, however late it comes.
#[test]
fn a_target_that_answers_after_its_fr_timer_still_wins() {
    let mut world = World::new();
    world.call_routed(
        &ALICE,
        json!({ "routes": [
        { "uri": BOB.uri(), "fr_timer": 400 }, { "uri": CAROL.uri() }] }),
    );
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.at(410);
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.receive(&CAROL, &at_carol.reply(180));
    world.expect_to(&ALICE).response(180);
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
    let cancel = world.expect_to(&CAROL).request("CANCEL");
    world.receive(&CAROL, &cancel.reply(200));
    world.receive(&CAROL, &at_carol.reply(487));
    world.expect_to(&CAROL).request("ACK");
}

/// `fr_timer` longer than 64*T1 takes the place of Timer B.
#[test]
fn a_long_fr_timer_outlasts_timer_b() {
    let mut world = World::new();
    let invite = world.call_routed(
        &ALICE,
        json!({ "routes": [
        { "uri": BOB.uri(), "fr_timer": 50_000 }] }),
    );
    world.at(50_020);
    let end = world.expect_to(&ALICE).response(408).sent_at(50_000);
    world.receive(&ALICE, &invite.ack(&end));
    world.ignore_the_rest();
}

/// `fr_inv_timer` of a target: ringing without an answer.
#[test]
fn a_target_that_rings_is_cancelled_after_its_own_fr_inv_timer() {
    let mut world = World::new();
    let invite = world.call_routed(
        &ALICE,
        json!({ "routes": [
        { "uri": BOB.uri(), "fr_inv_timer": 5000 }, { "uri": CAROL.uri() }] }),
    );
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.at(1000 - 10);
    world.ignore_the_rest();
    world.receive(&BOB, &at_bob.reply(180));
    world.expect_to(&ALICE).response(180);
    world.expect_nothing_until(5980);
    world.at(6000);
    let cancel = world.expect_to(&BOB).request("CANCEL");
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.receive(&BOB, &cancel.reply(200));
    world.receive(&BOB, &at_bob.reply(487));
    world.expect_to(&BOB).request("ACK");
    world.receive(&CAROL, &at_carol.reply(180));
    world.expect_to(&ALICE).response(180);
    world.expect_nothing_until(60_000);
    world.receive(&CAROL, &at_carol.reply(486));
    world.expect_to(&CAROL).request("ACK");
    let busy = world.expect_to(&ALICE).response(486);
    world.receive(&ALICE, &invite.ack(&busy));
}

/// Timers belong to one target: the next one has its own, or the default.
#[test]
fn the_timer_of_a_target_is_not_inherited_by_the_next_one() {
    let mut world = World::new();
    let invite = world.call_routed(
        &ALICE,
        json!({ "routes": [
        { "uri": BOB.uri(), "fr_timer": 400 }, { "uri": CAROL.uri() }] }),
    );
    world.at(410);
    world.expect_to(&BOB).request("INVITE");
    world.at(32_300);
    assert_eq!(world.all_to(&CAROL).len(), 7);
    world.expect_nothing();
    world.at(32_420);
    let end = world.expect_to(&ALICE).response(408).sent_at(32_400);
    world.receive(&ALICE, &invite.ack(&end));
}

/// `fr_timer` of a non-INVITE.
#[test]
fn a_non_invite_is_left_after_its_fr_timer_too() {
    let mut world = World::new();
    let message = world.request("MESSAGE", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &message);
    world.answer(json!({ "routes": [
        { "uri": BOB.uri(), "fr_timer": 400 }, { "uri": CAROL.uri() }] }));
    world.expect_to(&BOB).request("MESSAGE");
    world.at(410);
    let copy = world.expect_to(&CAROL).request("MESSAGE").sent_at(400);
    world.receive(&CAROL, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}
