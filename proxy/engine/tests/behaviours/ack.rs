//! ACK at a proxy: forwarded for a 2xx, absorbed for a failure, never answered.

use crate::support::{ALICE, BOB, World, reply, serial};

/// RFC 3261 section 16.6 and section 17: the ACK for a 2xx is a request of its own.
#[test]
fn b27_the_ack_for_a_2xx_is_forwarded_once_with_a_new_branch() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(200));
    let ok = world.expect_to(&ALICE).response(200);
    let ack = world.in_dialog("ACK", &invite, &ok);
    world.receive(&ALICE, &ack);
    let copy = world
        .expect_to(&BOB)
        .request("ACK")
        .header("Max-Forwards", "69")
        .lacks("Route")
        .header("CSeq", "1 ACK");
    assert_eq!(copy.vias().len(), 2);
    assert_ne!(copy.branch(), at_bob.branch());
    world.expect_nothing();
    world.receive(&ALICE, &ack);
    let again = world.expect_to(&BOB);
    assert_eq!(again.branch(), copy.branch(), "a repeat keeps its branch");
}

/// RFC 3261 section 16.11: an ACK is forwarded by its Route set without any state.
#[test]
fn b27_an_ack_that_matches_nothing_goes_where_its_route_leads() {
    let mut world = World::new();
    let ack = world
        .request("ACK", &ALICE, "sip:bob@far.example")
        .with("Route", "<sip:192.0.2.1;lr>, <sip:203.0.113.20;lr>")
        .with_to_tag("b");
    world.receive(&ALICE, &ack);
    world
        .expect_to(&BOB)
        .request("ACK")
        .uri("sip:bob@far.example");
    assert_eq!(world.engine.live(), 0);
}

/// RFC 3261 section 17: there is no response to an ACK, whatever is wrong with it.
#[test]
fn b27_an_ack_is_never_answered() {
    let mut world = World::new();
    let ack = world
        .request("ACK", &ALICE, "sip:bob@tide.example")
        .with_to_tag("b");
    for wrong in [
        ack.clone(),
        ack.clone().set("Max-Forwards", "0"),
        ack.clone().set("Max-Forwards", "many"),
        ack.clone().with("Proxy-Require", "foo"),
        ack.clone().set("CSeq", "ACK"),
        ack.clone().starting("ACK strange:x SIP/2.0"),
        ack.with("Route", "<sip:203.0.113.20;lr>")
            .set("Max-Forwards", "0"),
    ] {
        world.receive(&ALICE, &wrong);
        world.expect_nothing();
    }
}

/// RFC 3261 section 17.2.1: also when the proxy itself refused.
#[test]
fn b27_the_ack_for_a_refusal_of_the_proxy_ends_here() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, reply(403, "Forbidden"));
    let refusal = world.expect_to(&ALICE).response(403);
    world.receive(&ALICE, &invite.ack(&refusal));
    world.expect_nothing_until(10_000);
}

/// The ACK for a refusal that was sent without a transaction is known by its To tag.
#[test]
fn the_ack_for_a_stateless_refusal_is_absorbed() {
    let mut world = World::with(|config| config.max_transactions = 0);
    let invite = world.request("INVITE", &ALICE, "sip:bob@203.0.113.20");
    world.receive(&ALICE, &invite);
    let refusal = world.expect_to(&ALICE).response(503);
    world.receive(&ALICE, &invite.ack(&refusal));
    world.expect_nothing();
    assert_eq!(world.engine.stats().acks_absorbed, 1);
}

/// RFC 3261 section 17.2.1: in Confirmed, repeats of the ACK are absorbed as well.
#[test]
fn a_repeated_ack_for_a_failure_is_absorbed() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, reply(404, "Not Found"));
    let refusal = world.expect_to(&ALICE).response(404);
    for _ in 0..3 {
        world.receive(&ALICE, &invite.ack(&refusal));
        world.pass(100);
    }
    assert_eq!(world.engine.stats().acks_absorbed, 3);
}

/// RFC 6026 section 7.1: also from a caller that gives the ACK for a 2xx the branch of its INVITE.
#[test]
fn an_ack_for_a_2xx_that_reuses_the_branch_of_its_invite_is_forwarded() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(200));
    let ok = world.expect_to(&ALICE).response(200);
    let ack = world
        .in_dialog("ACK", &invite, &ok)
        .set("Via", invite.get("Via"));
    world.receive(&ALICE, &ack);
    world.expect_to(&BOB).request("ACK").lacks("Route");
}
