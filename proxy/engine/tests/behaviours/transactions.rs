//! Server and client transactions as they show on the wire (RFC 3261 section 17, RFC 6026).

use crate::support::{ALICE, BOB, CAROL, Draft, World, parallel, serial};

/// RFC 3261 section 17.2.1.
#[test]
fn b22_an_invite_gets_100_while_the_application_thinks_and_repeats_ask_nobody() {
    let mut world = World::with(|config| config.deadline_ms = 6000);
    let invite = world.invite(&ALICE);
    world.receive(&ALICE, &invite);
    let trying = world.expect_to(&ALICE).response(100).sent_at(0);
    assert_eq!(trying.to_tag(), None);
    for ms in [500, 1500, 3500] {
        world.expect_nothing_until(ms);
        world.receive(&ALICE, &invite);
        world.expect_to(&ALICE).response(100).same_as(&trying);
    }
    world.expect_nothing_until(5000);
    assert_eq!(world.consultations(), 1);
    world.answer(serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE").sent_at(5000);
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 17.2.1: Timers G and H.
#[test]
fn b23_a_failure_is_repeated_until_its_ack_which_is_absorbed() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(486));
    world.expect_to(&BOB).request("ACK");
    let busy = world.expect_to(&ALICE).response(486);
    for ms in [500, 1500, 3500, 7500, 11_500] {
        world.at(ms + 10);
        world.expect_to(&ALICE).same_as(&busy).sent_at(ms);
    }
    world.receive(&ALICE, &invite.ack(&busy));
    world.expect_nothing_until(40_000);
    assert_eq!(world.engine.stats().acks_absorbed, 1);
}

/// RFC 3261 section 17.2.1: Timer H.
#[test]
fn b23_a_failure_that_nobody_acknowledges_is_repeated_for_64_t1() {
    let mut world = World::new();
    world.call_routed(&ALICE, crate::support::reply(404, "Not Found"));
    world.at(100_000);
    let repeats = world.all_to(&ALICE);
    let times: Vec<u64> = repeats.iter().map(|seen| seen.at.0 / 100 * 100).collect();
    let due = [
        0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
    ];
    assert_eq!(times, due);
}

/// RFC 3261 section 17.2.1: a reliable transport needs no repeats.
#[test]
fn b23_over_tcp_a_failure_is_sent_once() {
    let mut world = World::new();
    let alice = ALICE.connected(1);
    let invite = world.call_routed(&alice, crate::support::reply(404, "Not Found"));
    let refusal = world.expect_to(&alice).response(404);
    world.expect_nothing_until(20_000);
    world.receive(&alice, &invite.ack(&refusal));
    assert_eq!(world.engine.live(), 0);
}

/// RFC 3261 section 17.1.1.2: Timers A and B; section 17.1.1.3: the ACK.
#[test]
fn b24_a_silent_callee_gets_repeats_and_its_failures_our_own_ack() {
    let mut world = World::new();
    let invite = world.invite(&ALICE).with("Route", "<sip:203.0.113.20;lr>");
    world.receive(&ALICE, &invite);
    world.expect_to(&ALICE).response(100);
    world.answer(serial(&[&BOB]));
    let first = world.expect_to(&BOB).request("INVITE");
    for ms in [500, 1500, 3500, 7500] {
        world.at(ms + 10);
        world.expect_to(&BOB).same_as(&first).sent_at(ms);
    }
    let busy = first.reply(486);
    world.receive(&BOB, &busy);
    let ack = world
        .expect_to(&BOB)
        .request("ACK")
        .uri(&BOB.uri())
        .header("CSeq", "1 ACK")
        .header("To", busy.get("To"))
        .header("From", invite.get("From"))
        .header("Call-ID", invite.get("Call-ID"))
        .header("Route", "<sip:203.0.113.20;lr>");
    assert_eq!(ack.vias(), [first.vias()[0].clone()]);
    let refusal = world.expect_to(&ALICE).response(486);
    world.receive(&ALICE, &invite.ack(&refusal));
    for ms in [8000, 9000, 30_000] {
        world.expect_nothing_until(ms);
        world.receive(&BOB, &busy);
        world.expect_to(&BOB).same_as(&ack);
    }
}

/// RFC 3261 section 17.1.1.2: Timer A goes on until Timer B.
#[test]
fn b24_a_dead_callee_gets_seven_invites() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    world.at(32_010);
    let times: Vec<u64> = world
        .all_to(&BOB)
        .iter()
        .map(|seen| seen.at.0 / 100 * 100)
        .collect();
    assert_eq!(times, [0, 500, 1500, 3500, 7500, 15_500, 31_500]);
    let timeout = world.expect_to(&ALICE).response(408).sent_at(32_000);
    world.receive(&ALICE, &invite.ack(&timeout));
}

/// RFC 3261 sections 17.1.2 and 17.2.2.
#[test]
fn b25_lost_responses_of_a_non_invite_are_repeated_on_both_sides() {
    let mut world = World::new();
    let message = world.request("MESSAGE", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &message);
    world.answer(serial(&[&BOB]));
    let first = world.expect_to(&BOB).request("MESSAGE");
    world.at(510);
    world.expect_to(&BOB).same_as(&first).sent_at(500);
    world.receive(&ALICE, &message);
    world.at(1510);
    world.expect_to(&BOB).same_as(&first).sent_at(1500);
    world.receive(&BOB, &first.reply(200));
    let ok = world.expect_to(&ALICE).response(200);
    for ms in [2000, 4000, 20_000] {
        world.expect_nothing_until(ms);
        world.receive(&ALICE, &message);
        world.expect_to(&ALICE).same_as(&ok);
    }
    assert_eq!(world.consultations(), 1);
}

/// RFC 3261 section 17.1.2.2: Timer E doubles up to T2 and goes on.
#[test]
fn b25_a_silent_callee_of_a_non_invite_gets_repeats_up_to_t2() {
    let mut world = World::new();
    let message = world.request("MESSAGE", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &message);
    world.answer(serial(&[&BOB]));
    world.at(31_000);
    let times: Vec<u64> = world
        .all_to(&BOB)
        .iter()
        .map(|seen| seen.at.0 / 100 * 100)
        .collect();
    let due = [
        0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500,
    ];
    assert_eq!(times, due);
    world.ignore_the_rest();
}

/// RFC 3261 section 17.2.3: a branch without the cookie names nothing.
fn old_invite(world: &mut World) -> Draft {
    world
        .invite(&ALICE)
        .set("Via", "SIP/2.0/UDP 198.51.100.10:5060;branch=1")
}

/// RFC 3261 section 17.2.3.
#[test]
fn b26_repeat_ack_and_cancel_of_an_rfc2543_invite_are_matched() {
    let mut world = World::new();
    let invite = old_invite(&mut world);
    world.receive(&ALICE, &invite);
    world.expect_to(&ALICE).response(100);
    world.receive(&ALICE, &invite);
    world.expect_to(&ALICE).response(100);
    world.answer(serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(180));
    world.expect_to(&ALICE).response(180);
    world.receive(&ALICE, &invite);
    world.expect_to(&ALICE).response(180);
    world.receive(&ALICE, &invite.cancel());
    world
        .expect_to(&ALICE)
        .response(200)
        .header("CSeq", "1 CANCEL");
    let cancel = world.expect_to(&BOB).request("CANCEL");
    world.receive(&BOB, &cancel.reply(200));
    world.receive(&BOB, &at_bob.reply(487));
    world.expect_to(&BOB).request("ACK");
    let end = world.expect_to(&ALICE).response(487);
    world.receive(&ALICE, &invite.ack(&end));
    world.expect_nothing_until(20_000);
    assert_eq!(world.engine.stats().acks_absorbed, 1);
    assert_eq!(world.consultations(), 1);
}

/// RFC 3261 section 17.2.3: with another branch it is another request.
#[test]
fn b26_rfc2543_requests_without_branch_are_told_apart_by_call_id() {
    let mut world = World::new();
    for _ in 0..2 {
        let message = world
            .request("MESSAGE", &ALICE, "sip:bob@tide.example")
            .set("Via", "SIP/2.0/UDP 198.51.100.10:5060");
        world.receive(&ALICE, &message);
        world.answer(serial(&[&BOB]));
        let at_bob = world.expect_to(&BOB).request("MESSAGE");
        world.receive(&BOB, &at_bob.reply(200));
        world.expect_to(&ALICE).response(200);
    }
}

/// RFC 6026 section 7.1: the 2xx is repeated by its author.
#[test]
fn b49_every_repeat_of_a_2xx_is_forwarded() {
    let mut world = World::new();
    world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(200));
    let ok = world.expect_to(&ALICE).response(200);
    for ms in [500, 1500, 15_500, 31_500] {
        world.expect_nothing_until(ms);
        world.receive(&BOB, &at_bob.reply(200));
        world.expect_to(&ALICE).same_as(&ok);
    }
    world.expect_nothing_until(32_100);
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_nothing();
    assert_eq!(world.engine.stats().responses_stray, 1);
}

/// RFC 6026 section 7.1: in Accepted, a repeat of the INVITE is absorbed.
#[test]
fn b49_an_invite_repeated_after_its_2xx_goes_nowhere() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
    world.pass(100);
    world.receive(&ALICE, &invite);
    world.expect_nothing();
    assert_eq!(world.consultations(), 1);
}

/// RFC 3261 section 16.7 step 5 and RFC 6026 section 8: every 2xx goes upstream.
#[test]
fn b49_a_second_branch_that_answers_too_is_forwarded() {
    let mut world = World::new();
    world.call_routed(&ALICE, parallel(&[&BOB, &CAROL]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.receive(&BOB, &at_bob.reply(200));
    let first = world.expect_to(&ALICE).response(200);
    world.pass(200);
    world.receive(&CAROL, &at_carol.reply(200));
    let second = world.expect_to(&ALICE).response(200);
    assert_ne!(first.to_tag(), second.to_tag());
    assert_eq!(world.finished().len(), 1);
}

/// RFC 3261 section 16.7 step 5: a 2xx passes whatever was sent before, and takes its place.
#[test]
fn a_2xx_after_a_failure_is_forwarded_and_ends_the_repeats_of_the_failure() {
    let mut world = World::new();
    world.call_routed(
        &ALICE,
        serde_json::json!({ "routes": [{ "uri": BOB.uri(), "fr_inv_timer": 1000 }] }),
    );
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(180));
    world.expect_to(&ALICE).response(180);
    world.at(1010);
    let cancel = world.expect_to(&BOB).request("CANCEL");
    world.receive(&BOB, &cancel.reply(200));
    world.expect_to(&ALICE).response(408);
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
    world.expect_nothing_until(40_000);
}
