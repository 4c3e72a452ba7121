//! CANCEL from the caller and to the branches (RFC 3261 sections 9 and 16.10).

use tidegate_engine::Forget;

use crate::support::{ALICE, BOB, CAROL, Draft, Seen, World, parallel, serial};

/// A call that rings at Bob's.
fn ringing(world: &mut World) -> (Draft, Seen) {
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(180));
    world.expect_to(&ALICE).response(180);
    (invite, at_bob)
}

/// The caller cancels and gets its 200.
fn hang_up(world: &mut World, invite: &Draft) {
    world.receive(&ALICE, &invite.cancel());
    world
        .expect_to(&ALICE)
        .response(200)
        .header("CSeq", "1 CANCEL");
}

/// Bob ends a cancelled branch, and the caller gets the end of its call.
fn end_cancelled(world: &mut World, invite: &Draft, at_bob: &Seen) {
    let cancel = world.expect_to(&BOB).request("CANCEL");
    world.receive(&BOB, &cancel.reply(200));
    world.receive(&BOB, &at_bob.reply(487));
    world.expect_to(&BOB).request("ACK");
    let end = world.expect_to(&ALICE).response(487);
    world.receive(&ALICE, &invite.ack(&end));
}

/// RFC 3261 sections 16.10 and 9.2.
#[test]
fn b38_a_cancel_is_answered_at_once_and_ends_all_branches() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, parallel(&[&BOB, &CAROL]));
    let copies = [&BOB, &CAROL].map(|peer| (peer, world.expect_to(peer).request("INVITE")));
    for (peer, copy) in &copies {
        world.receive(peer, &copy.reply(180));
        world.expect_to(&ALICE).response(180);
    }
    hang_up(&mut world, &invite);
    for (peer, _) in &copies {
        let cancel = world.expect_to(peer).request("CANCEL");
        world.receive(peer, &cancel.reply(200));
    }
    for (peer, copy) in &copies {
        world.expect_nothing_until(world.now() + 50);
        world.receive(peer, &copy.reply(487));
        world.expect_to(peer).request("ACK");
    }
    let end = world.expect_to(&ALICE).response(487);
    world.receive(&ALICE, &invite.ack(&end));
    assert_eq!(world.finished().len(), 1);
}

/// RFC 3261 section 9.2: the 200 for the CANCEL and the 487 have one To tag.
#[test]
fn b38_the_response_to_a_cancel_has_the_to_tag_of_the_refusal() {
    let mut world = World::new();
    let invite = world.call(&ALICE);
    world.receive(&ALICE, &invite.cancel());
    let ok = world.expect_to(&ALICE).response(200);
    let end = world.expect_to(&ALICE).response(487);
    assert_eq!(ok.to_tag(), end.to_tag());
    world.receive(&ALICE, &invite.ack(&end));
}

/// RFC 3261 section 9.1: (a) the first 1xx releases the CANCEL.
#[test]
fn b39_a_cancel_waits_for_the_first_provisional_response() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    hang_up(&mut world, &invite);
    world.expect_nothing_until(400);
    world.receive(&BOB, &at_bob.reply(100));
    end_cancelled(&mut world, &invite, &at_bob);
}

/// RFC 3261 section 9.1: (b) the call was answered before it could be cancelled.
#[test]
fn b39_a_200_before_any_provisional_response_goes_upstream_without_cancel() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    hang_up(&mut world, &invite);
    world.receive(&BOB, &at_bob.reply(200));
    let ok = world.expect_to(&ALICE).response(200);
    world.expect_nothing_until(5000);
    let ack = world.in_dialog("ACK", &invite, &ok);
    world.receive(&ALICE, &ack);
    world.expect_to(&BOB).request("ACK");
}

/// RFC 3261 section 9.1: (c) nothing ever comes.
#[test]
fn b39_a_cancelled_branch_without_any_response_ends_with_timer_b() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    hang_up(&mut world, &invite);
    world.at(32_010);
    assert!(
        world
            .all_to(&BOB)
            .iter()
            .all(|seen| seen.text().starts_with("INVITE"))
    );
    let end = world.expect_to(&ALICE).response(487).sent_at(32_000);
    world.receive(&ALICE, &invite.ack(&end));
}

/// RFC 3261 section 9.1: the last paragraph.
#[test]
fn b39_a_cancelled_branch_that_rang_and_falls_silent_ends_after_64_t1() {
    let mut world = World::new();
    let (invite, _) = ringing(&mut world);
    hang_up(&mut world, &invite);
    world.at(32_010);
    assert!(
        world
            .all_to(&BOB)
            .iter()
            .all(|seen| seen.text().starts_with("CANCEL"))
    );
    let end = world.expect_to(&ALICE).response(487).sent_at(32_000);
    world.receive(&ALICE, &invite.ack(&end));
}

/// RFC 3261 section 9.1.
#[test]
fn b40_a_cancel_is_the_shadow_of_its_invite() {
    let mut world = World::new();
    let invite = world
        .invite(&ALICE)
        .with(
            "Route",
            "<sip:192.0.2.1;lr>, <sip:203.0.113.20;lr>, <sip:far.example;lr>",
        )
        .with("Require", "100rel")
        .with("Supported", "timer");
    world.receive(&ALICE, &invite);
    world.expect_to(&ALICE).response(100);
    world.answer(serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(180));
    world.expect_to(&ALICE).response(180);
    hang_up(&mut world, &invite);
    let cancel = world
        .expect_to(&BOB)
        .request("CANCEL")
        .uri(&BOB.uri())
        .header("Call-ID", invite.get("Call-ID"))
        .header("To", invite.get("To"))
        .header("From", invite.get("From"))
        .header("CSeq", "1 CANCEL")
        .header("Via", &at_bob.vias()[0])
        .lacks("Require")
        .lacks("Proxy-Require")
        .lacks("Supported")
        .lacks("Contact");
    assert_eq!(cancel.routes(), at_bob.routes());
    assert_eq!(cancel.hop, at_bob.hop);
    world.receive(&BOB, &cancel.reply(200));
    world.receive(&BOB, &at_bob.reply(487));
    world.expect_to(&BOB).request("ACK");
    let end = world.expect_to(&ALICE).response(487);
    world.receive(&ALICE, &invite.ack(&end));
}

/// RFC 3261 section 17.1.2: a CANCEL is a non-INVITE transaction of its own.
#[test]
fn b40_a_cancel_that_is_not_answered_is_repeated() {
    let mut world = World::new();
    let (invite, at_bob) = ringing(&mut world);
    hang_up(&mut world, &invite);
    let cancel = world.expect_to(&BOB).request("CANCEL");
    world.at(510);
    world.expect_to(&BOB).same_as(&cancel).sent_at(500);
    world.receive(&BOB, &cancel.reply(200));
    world.expect_nothing_until(5000);
    world.receive(&BOB, &at_bob.reply(487));
    world.expect_to(&BOB).request("ACK");
    let end = world.expect_to(&ALICE).response(487);
    world.receive(&ALICE, &invite.ack(&end));
}

/// RFC 3261 sections 9.2 and 16.10.
#[test]
fn b41_a_cancel_while_the_application_thinks_ends_the_call_and_the_late_answer_is_ignored() {
    let mut world = World::new();
    let invite = world.call(&ALICE);
    let id = world.asked();
    world.pass(300);
    hang_up(&mut world, &invite);
    let end = world.expect_to(&ALICE).response(487);
    assert_eq!(world.forgotten(), [Forget::Cancelled]);
    world.receive(&ALICE, &invite.ack(&end));
    assert!(world.answer_to(id, serial(&[&BOB])).is_err());
    world.expect_nothing_until(40_000);
    assert_eq!(world.engine.stats().documents_unknown, 1);
}

/// RFC 3261 sections 16.10 and 9.2: forwarded without state where it leads elsewhere.
#[test]
fn b42_a_cancel_that_matches_nothing_is_forwarded_or_gets_481() {
    let mut world = World::new();
    let elsewhere = world
        .request("CANCEL", &ALICE, "sip:bob@far.example")
        .with("Route", "<sip:192.0.2.1;lr>, <sip:203.0.113.20;lr>");
    world.receive(&ALICE, &elsewhere);
    let copy = world
        .expect_to(&BOB)
        .request("CANCEL")
        .header("Max-Forwards", "69");
    assert_eq!(copy.vias().len(), 2);
    let here = world.request("CANCEL", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &here);
    world.expect_to(&ALICE).response(481);
    assert_eq!(world.engine.live(), 0);
}

/// RFC 3261 section 9.2: after the final response a CANCEL has no effect.
#[test]
fn b42_a_cancel_after_the_final_response_gets_200_and_does_nothing() {
    for status in [200, 486] {
        let mut world = World::new();
        let (invite, at_bob) = ringing(&mut world);
        world.receive(&BOB, &at_bob.reply(status));
        world.ignore_the_rest();
        world.receive(&ALICE, &invite.cancel());
        world
            .expect_to(&ALICE)
            .response(200)
            .header("CSeq", "1 CANCEL");
        world.expect_nothing();
    }
}

/// RFC 3261 section 9.2: CANCEL and 200 cross each other; the 200 wins.
#[test]
fn a_200_that_races_with_a_cancel_is_forwarded() {
    let mut world = World::new();
    let (invite, at_bob) = ringing(&mut world);
    hang_up(&mut world, &invite);
    let cancel = world.expect_to(&BOB).request("CANCEL");
    world.receive(&BOB, &at_bob.reply(200));
    let ok = world
        .expect_to(&ALICE)
        .response(200)
        .header("CSeq", "1 INVITE");
    world.receive(&BOB, &cancel.reply(481));
    let ack = world.in_dialog("ACK", &invite, &ok);
    world.receive(&ALICE, &ack);
    world.expect_to(&BOB).request("ACK");
    world.expect_nothing_until(40_000);
}

/// A cancelled call goes on to no other target, whatever its branches answer.
#[test]
fn a_cancelled_call_tries_no_further_target() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB, &CAROL]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(180));
    world.expect_to(&ALICE).response(180);
    hang_up(&mut world, &invite);
    world.expect_to(&BOB).request("CANCEL");
    world.receive(&BOB, &at_bob.reply(500));
    world.expect_to(&BOB).request("ACK");
    let end = world.expect_to(&ALICE).response(487);
    world.receive(&ALICE, &invite.ack(&end));
    world.ignore_the_rest();
}

/// A repeated CANCEL is answered and has no further effect.
#[test]
fn a_repeated_cancel_is_answered_again_and_cancels_once() {
    let mut world = World::new();
    let (invite, at_bob) = ringing(&mut world);
    hang_up(&mut world, &invite);
    hang_up(&mut world, &invite);
    end_cancelled(&mut world, &invite, &at_bob);
}

/// RFC 3261 section 9.1: only INVITE can be cancelled.
#[test]
fn a_cancel_of_another_method_changes_nothing() {
    let mut world = World::new();
    let message = world.request("MESSAGE", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &message);
    world.receive(&ALICE, &message.cancel());
    world.expect_to(&ALICE).response(481);
    world.answer(serial(&[&BOB]));
    let copy = world.expect_to(&BOB).request("MESSAGE");
    world.receive(&BOB, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// The application is asked a second time, and the caller hangs up.
#[test]
fn a_cancel_during_a_later_question_ends_the_call_too() {
    let mut world = World::new();
    let mut document = serial(&[&BOB]);
    document["on_exhausted"] = serde_json::json!({ "action": "ask" });
    let invite = world.call_routed(&ALICE, document);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(480));
    world.expect_to(&BOB).request("ACK");
    assert_eq!(world.waiting(), 1);
    hang_up(&mut world, &invite);
    let end = world.expect_to(&ALICE).response(487);
    world.receive(&ALICE, &invite.ack(&end));
    assert_eq!(world.forgotten(), [Forget::Cancelled]);
}

/// A re-INVITE is cancelled like the first one.
#[test]
fn an_invite_inside_a_dialog_can_be_cancelled() {
    let mut world = World::new();
    let invite = world
        .request("INVITE", &ALICE, &BOB.uri())
        .with("Route", "<sip:192.0.2.1;lr>")
        .with_to_tag("b");
    world.receive(&ALICE, &invite);
    world.expect_to(&ALICE).response(100);
    let at_bob = world
        .expect_to(&BOB)
        .request("INVITE")
        .lacks("Record-Route");
    world.receive(&BOB, &at_bob.reply(180));
    world.expect_to(&ALICE).response(180);
    hang_up(&mut world, &invite);
    end_cancelled(&mut world, &invite, &at_bob);
}

/// A CANCEL of somebody else, who knows the Call-ID but not the branch, cancels nothing.
#[test]
fn a_cancel_with_another_branch_cancels_nothing() {
    let mut world = World::new();
    let (invite, at_bob) = ringing(&mut world);
    let forged = invite.cancel().set("Via", ALICE.via("z9hG4bK-guess"));
    world.receive(&ALICE, &forged);
    world.expect_to(&ALICE).response(481);
    world.expect_nothing();
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}
