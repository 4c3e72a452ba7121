//! Why a branch is cancelled (RFC 3326).

use crate::support::{ALICE, BOB, CAROL, World, parallel};

/// RFC 3326 section 3.1: the caller's Reason goes to every branch.
#[test]
fn b59_the_reason_of_the_caller_is_in_every_cancel() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, parallel(&[&BOB, &CAROL]));
    for peer in [&BOB, &CAROL] {
        let copy = world.expect_to(peer).request("INVITE");
        world.receive(peer, &copy.reply(180));
        world.expect_to(&ALICE).response(180);
    }
    let cancel = invite
        .cancel()
        .with("Reason", "Q.850;cause=16;text=\"Terminated\"");
    world.receive(&ALICE, &cancel);
    world.expect_to(&ALICE).response(200);
    for peer in [&BOB, &CAROL] {
        world
            .expect_to(peer)
            .request("CANCEL")
            .header("Reason", "Q.850;cause=16;text=\"Terminated\"");
    }
    world.ignore_the_rest();
}

/// RFC 3326 section 2: also when the CANCEL had to wait for the first 1xx.
#[test]
fn b59_a_cancel_that_had_to_wait_keeps_its_reason() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, parallel(&[&BOB]));
    let copy = world.expect_to(&BOB).request("INVITE");
    world.receive(&ALICE, &invite.cancel().with("Reason", "SIP;cause=600"));
    world.expect_to(&ALICE).response(200);
    world.receive(&BOB, &copy.reply(180));
    world
        .expect_to(&BOB)
        .request("CANCEL")
        .header("Reason", "SIP;cause=600");
    world.ignore_the_rest();
}

/// RFC 3326 section 3.1.
#[test]
fn b59_branches_that_lost_are_told_that_the_call_was_completed_elsewhere() {
    let mut world = World::new();
    world.call_routed(&ALICE, parallel(&[&BOB, &CAROL]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.receive(&CAROL, &at_carol.reply(180));
    world.expect_to(&ALICE).response(180);
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
    world
        .expect_to(&CAROL)
        .request("CANCEL")
        .header("Reason", "SIP;cause=200;text=\"Call completed elsewhere\"");
    world.ignore_the_rest();
}

/// A caller without Reason gives none.
#[test]
fn b59_a_cancel_without_reason_has_none_downstream() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, parallel(&[&BOB]));
    let copy = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &copy.reply(180));
    world.expect_to(&ALICE).response(180);
    world.receive(&ALICE, &invite.cancel());
    world.expect_to(&ALICE).response(200);
    world.expect_to(&BOB).request("CANCEL").lacks("Reason");
    world.ignore_the_rest();
}
