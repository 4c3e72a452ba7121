//! Loops, spirals and breadth (RFC 5393).

use serde_json::json;

use crate::support::{ALICE, BOB, CAROL, DAVE, Draft, Peer, Seen, World, parallel, serial};

/// What the proxy sent, as a request that arrives again from `from`.
fn come_back(copy: &Seen) -> Draft {
    let mut draft = Draft::new(copy.text().lines().next().unwrap_or_default());
    for field in copy.view().all_fields() {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        draft = draft.with(&text(field.raw_name), text(field.value));
    }
    draft
}

/// RFC 5393 section 4.2.
#[test]
fn b50_a_request_that_comes_back_unchanged_gets_482() {
    let mut world = World::new();
    let invite = world.invite(&ALICE);
    world.receive(&ALICE, &invite);
    world.expect_to(&ALICE).response(100);
    world.answer(json!({ "routing": "parallel", "routes": [
        { "dst_uri": "sip:203.0.113.20" }, { "uri": CAROL.uri() }] }));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    let round = come_back(&at_bob);
    world.receive(&BOB, &round);
    let loop_found = world.expect_to(&BOB).response(482);
    world.receive(&BOB, &round.ack(&loop_found));
    assert_eq!((world.consultations(), world.engine.stats().loops), (1, 1));
    world.receive(&BOB, &at_bob.reply(482));
    world.expect_to(&BOB).request("ACK");
    world.receive(&CAROL, &at_carol.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 5393 section 4.2: a spiral changes what decides, and is welcome.
#[test]
fn b50_a_request_that_comes_back_with_another_uri_is_a_spiral() {
    let mut world = World::new();
    world.call_routed(
        &ALICE,
        json!({ "routes": [
        { "uri": "sip:carol@tide.example", "dst_uri": "sip:203.0.113.20" }] }),
    );
    let out = world.expect_to(&BOB).request("INVITE");
    let round = come_back(&out);
    world.receive(&BOB, &round);
    world.expect_to(&BOB).response(100);
    world.answer(serial(&[&CAROL]));
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    assert_eq!(at_carol.vias().len(), 3);
    assert_ne!(at_carol.branch(), out.branch());
    world.receive(&CAROL, &at_carol.reply(200));
    let back = world.expect_to(&BOB).response(200);
    assert_eq!(back.vias().len(), 2);
    world.receive_bytes(&BOB, &back.bytes);
    world.expect_to(&ALICE).response(200);
}

/// RFC 5393 section 4.2: a loop of two rounds, where the second changes the URI back.
#[test]
fn b50_a_loop_of_two_rounds_is_found_when_it_closes() {
    let mut world = World::new();
    let there = json!({ "routes": [
        { "uri": "sip:carol@tide.example", "dst_uri": "sip:203.0.113.20" }] });
    let back = json!({ "routes": [
        { "uri": "sip:bob@tide.example", "dst_uri": "sip:203.0.113.20" }] });
    let message = world.request("MESSAGE", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &message);
    world.answer(there);
    let first = world.expect_to(&BOB).uri("sip:carol@tide.example");
    world.receive(&BOB, &come_back(&first));
    world.answer(back);
    let second = world.expect_to(&BOB).uri("sip:bob@tide.example");
    world.receive(&BOB, &come_back(&second));
    world.expect_to(&BOB).response(482);
    for copy in [second, first] {
        world.receive(&BOB, &copy.reply(482));
    }
    world.expect_to(&BOB).response(482);
    world.expect_to(&ALICE).response(482);
}

/// RFC 5393 section 4.2: the method is not part of what is compared, so that ACK and CANCEL follow
/// their INVITE.
#[test]
fn b50_an_ack_that_spirals_is_no_loop_and_no_answer() {
    let mut world = World::new();
    let ack = world
        .request("ACK", &ALICE, &BOB.uri())
        .with("Route", "<sip:192.0.2.1;lr>")
        .with_to_tag("b");
    world.receive(&ALICE, &ack);
    let out = world.expect_to(&BOB).request("ACK");
    world.receive(&BOB, &come_back(&out));
    world.expect_to(&BOB).request("ACK");
}

/// A call that forks to three peers with this Max-Breadth; Bob's and Carol's copies.
fn narrow(world: &mut World, breadth: &str) -> Draft {
    let invite = world.invite(&ALICE).with("Max-Breadth", breadth);
    world.receive(&ALICE, &invite);
    world.expect_to(&ALICE).response(100);
    world.answer(parallel(&[&BOB, &CAROL, &DAVE]));
    invite
}

fn breadth(world: &mut World, peer: &Peer) -> (Seen, u32) {
    let copy = world.expect_to(peer).request("INVITE");
    let share = copy.get("Max-Breadth").parse().unwrap();
    (copy, share)
}

/// RFC 5393 section 5.3.3.
#[test]
fn b51_a_breadth_of_two_holds_the_third_branch_back() {
    let mut world = World::new();
    let invite = narrow(&mut world, "2");
    let (at_bob, one) = breadth(&mut world, &BOB);
    let (at_carol, two) = breadth(&mut world, &CAROL);
    assert_eq!(one + two, 2);
    world.expect_nothing_until(100);
    world.receive(&BOB, &at_bob.reply(404));
    world.expect_to(&BOB).request("ACK");
    let (at_dave, share) = breadth(&mut world, &DAVE);
    assert_eq!(share, 1);
    for (peer, copy) in [(&CAROL, at_carol), (&DAVE, at_dave)] {
        world.receive(peer, &copy.reply(404));
        world.expect_to(peer).request("ACK");
    }
    let refusal = world.expect_to(&ALICE).response(404);
    world.receive(&ALICE, &invite.ack(&refusal));
}

/// RFC 5393 section 5.3.3: a share that is not used is given to later branches.
#[test]
fn b51_the_breadth_is_divided_among_parallel_branches() {
    let mut world = World::new();
    narrow(&mut world, "9");
    let shares = [&BOB, &CAROL, &DAVE].map(|peer| breadth(&mut world, peer).1);
    assert_eq!(shares.iter().sum::<u32>(), 9);
    assert!(shares.iter().all(|share| *share >= 1));
    world.ignore_the_rest();
}

/// RFC 5393 section 5.3.3.2: no breadth at all.
#[test]
fn b51_a_breadth_of_zero_gets_440() {
    let mut world = World::new();
    let invite = narrow(&mut world, "0");
    let refusal = world.expect_to(&ALICE).response(440);
    world.receive(&ALICE, &invite.ack(&refusal));
}

/// RFC 5393 section 5.3.3: without the header, 60 branches are shared.
#[test]
fn b51_without_the_header_sixty_are_divided() {
    let mut world = World::new();
    world.call_routed(&ALICE, parallel(&[&BOB, &CAROL, &DAVE]));
    let shares = [&BOB, &CAROL, &DAVE].map(|peer| breadth(&mut world, peer).1);
    assert_eq!(shares.iter().sum::<u32>(), 60);
    world.ignore_the_rest();
}

/// RFC 5393 section 5.3.3: more than the proxy allows is cut down to that.
#[test]
fn b51_a_breadth_beyond_the_own_maximum_is_lowered() {
    let mut world = World::new();
    let invite = world.invite(&ALICE).with("Max-Breadth", "4000000000");
    world.receive(&ALICE, &invite);
    world.expect_to(&ALICE).response(100);
    world.answer(serial(&[&BOB]));
    let (at_bob, share) = breadth(&mut world, &BOB);
    assert_eq!(share, 60);
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 5393 section 5.3.3: the value is not a hop counter.
#[test]
fn b51_a_request_that_does_not_fork_keeps_its_breadth() {
    let mut world = World::new();
    let message = world
        .request("MESSAGE", &ALICE, "sip:bob@tide.example")
        .with("Max-Breadth", "7");
    world.receive(&ALICE, &message);
    world.answer(serial(&[&BOB]));
    let copy = world.expect_to(&BOB).header("Max-Breadth", "7");
    world.receive(&BOB, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 5393 section 5.3.3: what waits for breadth is not started for a caller that hung up.
#[test]
fn b51_a_branch_that_waits_for_breadth_is_not_started_after_a_cancel() {
    let mut world = World::new();
    let invite = narrow(&mut world, "1");
    let (at_bob, _) = breadth(&mut world, &BOB);
    world.receive(&BOB, &at_bob.reply(180));
    world.expect_to(&ALICE).response(180);
    world.receive(&ALICE, &invite.cancel());
    world.expect_to(&ALICE).response(200);
    let cancel = world.expect_to(&BOB).request("CANCEL");
    world.receive(&BOB, &cancel.reply(200));
    world.receive(&BOB, &at_bob.reply(487));
    world.expect_to(&BOB).request("ACK");
    let end = world.expect_to(&ALICE).response(487);
    world.receive(&ALICE, &invite.ack(&end));
}

/// RFC 5393 section 5.3.3: nor after another branch was answered.
#[test]
fn b51_a_branch_that_waits_for_breadth_is_not_started_after_a_2xx() {
    let mut world = World::new();
    narrow(&mut world, "1");
    let (at_bob, _) = breadth(&mut world, &BOB);
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
    world.expect_nothing_until(40_000);
}
