//! Several 2xx: each makes a dialog of its own (RFC 3261 section 13.2.2.4).

use serde_json::json;
use tidegate_schemas::call::{CallEventKind, EndCause};

use crate::support::{ALICE, BOB, CAROL, Draft, Seen, World, parallel};

/// A call that Bob and Carol answer.
struct Fork {
    invite: Draft,
    bob: Seen,
    carol: Seen,
}

fn answered_twice(world: &mut World, document: serde_json::Value) -> Fork {
    let invite = world.call_routed(&ALICE, document);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.receive(&BOB, &at_bob.reply(200));
    let bob = world.expect_to(&ALICE).response(200);
    world.receive(&CAROL, &at_carol.reply(200));
    let carol = world.expect_to(&ALICE).response(200);
    for (peer, answered) in [(&BOB, &bob), (&CAROL, &carol)] {
        let ack = world.in_dialog("ACK", &invite, answered);
        world.receive(&ALICE, &ack);
        world.expect_to(peer).request("ACK");
    }
    world.told().is(CallEventKind::Answered, 1);
    world.expect_untold();
    assert_eq!(world.calls().len(), 1);
    Fork { invite, bob, carol }
}

fn hang_up(world: &mut World, fork: &Fork, answered: &Seen, peer: &crate::support::Peer) {
    let bye = world.in_dialog("BYE", &fork.invite, answered);
    world.receive(&ALICE, &bye);
    let copy = world.expect_to(peer).request("BYE");
    world.receive(peer, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}

#[test]
fn a_call_with_two_answers_is_over_when_the_last_dialog_is() {
    let mut world = World::following();
    let fork = answered_twice(&mut world, parallel(&[&BOB, &CAROL]));
    world.pass(500);
    hang_up(&mut world, &fork, &fork.carol, &CAROL);
    world.expect_untold();
    world.pass(500);
    hang_up(&mut world, &fork, &fork.bob, &BOB);
    world.told().ended(EndCause::CallerHungUp, 1000);
}

#[test]
fn the_limit_ends_every_dialog_of_the_call() {
    let mut world = World::following();
    let mut document = parallel(&[&BOB, &CAROL]);
    document["max_call_ms"] = json!(5000);
    answered_twice(&mut world, document);
    world.at(5010);
    for peer in [&BOB, &CAROL] {
        let bye = world.expect_to(peer).request("BYE").header("CSeq", "2 BYE");
        world.receive(peer, &bye.reply(200));
        let bye = world.expect_to(&ALICE).request("BYE").uri(&ALICE.uri());
        world.receive(&ALICE, &bye.reply(200));
    }
    world.told().ended(EndCause::MaxDuration, 5000);
    world.expect_untold();
    assert_eq!(world.engine.followed_calls(), 0);
}

#[test]
fn an_answer_that_comes_while_the_call_is_ended_is_ended_too() {
    let mut world = World::following();
    world.call_routed(&ALICE, parallel(&[&BOB, &CAROL]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
    let call = world.told().call;
    world.terminate(call, "enough").unwrap();
    world.expect_to(&BOB).request("BYE");
    world.told().ended(EndCause::Terminated, 0);
    world.receive(&CAROL, &at_carol.reply(200));
    world.expect_to(&ALICE).response(200);
    let bye = world.expect_to(&CAROL).request("BYE");
    world.receive(&CAROL, &bye.reply(200));
    world.expect_untold();
    world.ignore_the_rest();
}

/// RFC 3261 section 13.3.1.4: the callee repeats its 2xx until the ACK comes.
#[test]
fn a_repeated_2xx_makes_no_second_dialog() {
    let mut world = World::following();
    let invite = world.call_routed(&ALICE, parallel(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    for _ in 0..3 {
        world.receive(&BOB, &at_bob.reply(200));
        world.expect_to(&ALICE).response(200);
    }
    world.told().is(CallEventKind::Answered, 1);
    world.receive(&BOB, &at_bob.reply(200));
    let bob = world.expect_to(&ALICE).response(200);
    let bye = world.in_dialog("BYE", &invite, &bob);
    world.receive(&ALICE, &bye);
    let copy = world.expect_to(&BOB).request("BYE");
    world.receive(&BOB, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
    world.told().ended(EndCause::CallerHungUp, 0);
    world.expect_untold();
}
