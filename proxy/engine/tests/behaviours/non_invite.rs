//! Non-INVITE transactions, which have little time (RFC 4320).

use crate::support::{ALICE, BOB, CAROL, World, parallel, serial};

/// RFC 4320 section 4.1.
#[test]
fn b52_a_silent_callee_lets_a_100_go_upstream_only_after_3500_ms() {
    let mut world = World::new();
    let message = world.request("MESSAGE", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &message);
    world.answer(serial(&[&BOB]));
    let copy = world.expect_to(&BOB).request("MESSAGE");
    world.at(3520);
    let trying = world.expect_to(&ALICE).response(100).sent_at(3500);
    assert_eq!(trying.to_tag(), None);
    world.all_to(&BOB);
    world.receive(&BOB, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 4320 section 4.1: 100 is the only provisional response.
#[test]
fn b52_no_other_provisional_response_goes_upstream() {
    let mut world = World::new();
    let message = world.request("MESSAGE", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &message);
    world.answer(serial(&[&BOB]));
    let copy = world.expect_to(&BOB).request("MESSAGE");
    for status in [100, 180, 183] {
        world.receive(&BOB, &copy.reply(status));
    }
    world.expect_nothing();
    world.receive(&BOB, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 4320 section 4.2, on both kinds of transport: an answer comes in time or not at all, and
/// never is it a 408.
#[test]
fn b52_no_408_ever_goes_upstream() {
    for alice in [ALICE, ALICE.connected(1)] {
        for bob in [BOB, BOB.tcp()] {
            let mut world = World::new();
            let message = world.request("MESSAGE", &alice, "sip:bob@tide.example");
            world.receive(&alice, &message);
            world.answer(serial(&[&bob]));
            world.at(40_000);
            for seen in world.all_to(&alice) {
                assert_ne!(seen.view().status(), 408);
                let is_timely = seen.view().status() == 100 || seen.at.0 < 32_000;
                assert!(is_timely, "{}", seen.summary());
            }
            world.ignore_the_rest();
        }
    }
}

/// RFC 4320 section 4.2: also not one from downstream.
#[test]
fn b52_a_408_from_downstream_is_not_forwarded() {
    let mut world = World::new();
    let message = world.request("MESSAGE", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &message);
    world.answer(serial(&[&BOB]));
    let copy = world.expect_to(&BOB).request("MESSAGE");
    world.receive(&BOB, &copy.reply(408));
    world.at(40_000);
    let statuses: Vec<u16> = world
        .all_to(&ALICE)
        .iter()
        .map(|seen| seen.view().status())
        .collect();
    assert!(!statuses.contains(&408), "{statuses:?}");
}

/// RFC 4320 section 4.2: who has given up does not want the answer.
#[test]
fn b52_a_late_final_response_is_not_forwarded() {
    let mut world = World::new();
    let message = world.request("MESSAGE", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &message);
    world.pass(1500);
    world.answer(serial(&[&BOB]));
    let copy = world.expect_to(&BOB).request("MESSAGE");
    world.at(32_500);
    world.all_to(&ALICE);
    world.all_to(&BOB);
    world.receive(&BOB, &copy.reply(200));
    world.expect_nothing();
    world.ignore_the_rest();
}

/// RFC 3261 section 16.7 step 5: the first 2xx to a non-INVITE is the only one.
#[test]
fn only_the_first_2xx_of_a_forked_non_invite_goes_upstream() {
    let mut world = World::new();
    let message = world.request("MESSAGE", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &message);
    world.answer(parallel(&[&BOB, &CAROL]));
    let at_bob = world.expect_to(&BOB).request("MESSAGE");
    let at_carol = world.expect_to(&CAROL).request("MESSAGE");
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
    world.receive(&CAROL, &at_carol.reply(202));
    world.receive(&CAROL, &at_carol.reply(202));
    world.expect_nothing();
}

/// A non-INVITE fails over like an INVITE.
#[test]
fn a_non_invite_tries_the_next_target_after_a_503() {
    let mut world = World::new();
    let message = world.request("MESSAGE", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &message);
    world.answer(serial(&[&BOB, &CAROL]));
    let at_bob = world.expect_to(&BOB).request("MESSAGE");
    world.receive(&BOB, &at_bob.reply(503));
    let at_carol = world.expect_to(&CAROL).request("MESSAGE");
    world.receive(&CAROL, &at_carol.reply(200));
    world.expect_to(&ALICE).response(200);
}
