//! Transport errors and names with several addresses (RFC 3261 section 16.9, RFC 3263 section 4).

use std::net::IpAddr;

use serde_json::json;

use crate::support::{ALICE, BOB, CAROL, DAVE, World, parallel, reply, serial};

fn ips(addresses: &[&str]) -> Vec<IpAddr> {
    addresses.iter().map(|ip| ip.parse().unwrap()).collect()
}

/// RFC 3261 section 16.9.
#[test]
fn b44_an_unreachable_target_is_left_at_once() {
    let mut world = World::new();
    world.call_routed(&ALICE, serial(&[&BOB, &CAROL]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.pass(20);
    world.undeliverable(&at_bob.bytes);
    let at_carol = world.expect_to(&CAROL).request("INVITE").sent_at(20);
    world.receive(&CAROL, &at_carol.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 18.4: ICMP gives back as little as it likes.
#[test]
fn b44_an_icmp_payload_may_be_cut_behind_the_branch() {
    let mut world = World::new();
    world.call_routed(&ALICE, serial(&[&BOB, &CAROL]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let text = at_bob.text();
    let branch = text.find(&at_bob.branch()).unwrap() + at_bob.branch().len();
    for cut in [0, 3, 20, branch - 1] {
        world.undeliverable(&at_bob.bytes[..cut]);
        world.expect_nothing();
    }
    world.undeliverable(&at_bob.bytes[..branch]);
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.receive(&CAROL, &at_carol.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 16.7 step 6: a failed transport is a 503, which becomes 500.
#[test]
fn b44_when_nothing_is_reachable_the_caller_gets_500() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, parallel(&[&BOB.tcp(), &CAROL]));
    for peer in [&BOB.tcp(), &CAROL] {
        let copy = world.expect_to(peer).request("INVITE");
        world.undeliverable(&copy.bytes);
    }
    let refusal = world.expect_to(&ALICE).response(500);
    world.receive(&ALICE, &invite.ack(&refusal));
}

/// RFC 3261 section 16.9: a response that can't be delivered changes nothing.
#[test]
fn b44_a_lost_response_does_not_cancel_the_other_branches() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, parallel(&[&BOB, &CAROL]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.receive(&BOB, &at_bob.reply(180));
    let ringing = world.expect_to(&ALICE).response(180);
    world.undeliverable(&ringing.bytes);
    world.expect_nothing();
    assert_eq!(world.engine.stats().send_failures, 1);
    world.receive(&CAROL, &at_carol.reply(200));
    let ok = world.expect_to(&ALICE).response(200);
    world.undeliverable(&ok.bytes);
    let ack = world.in_dialog("ACK", &invite, &ok);
    world.receive(&ALICE, &ack);
    world.expect_to(&CAROL).request("ACK");
    world.ignore_the_rest();
}

/// RFC 3261 section 17.1.4: an ACK or a CANCEL that gets lost ends no call.
#[test]
fn b44_undeliverable_acks_and_cancels_are_harmless() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(180));
    world.expect_to(&ALICE).response(180);
    world.receive(&ALICE, &invite.cancel());
    world.expect_to(&ALICE).response(200);
    let cancel = world.expect_to(&BOB).request("CANCEL");
    world.undeliverable(&cancel.bytes);
    world.receive(&BOB, &at_bob.reply(486));
    let ack = world.expect_to(&BOB).request("ACK");
    world.undeliverable(&ack.bytes);
    let end = world.expect_to(&ALICE).response(487);
    world.receive(&ALICE, &invite.ack(&end));
}

/// RFC 3261 section 16.9: an error about a branch that has answered means nothing.
#[test]
fn b44_an_error_for_a_branch_that_rings_is_ignored() {
    let mut world = World::new();
    world.call_routed(&ALICE, serial(&[&BOB, &CAROL]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(180));
    world.expect_to(&ALICE).response(180);
    world.undeliverable(&at_bob.bytes);
    world.expect_nothing();
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// A forged or foreign payload finds nothing.
#[test]
fn errors_about_messages_of_others_are_counted_and_dropped() {
    let mut world = World::new();
    let options = world.request("OPTIONS", &ALICE, "sip:bob@tide.example");
    world.undeliverable(&options.bytes());
    world.undeliverable(b"");
    world.undeliverable(b"\xff\xfe\0");
    world.undeliverable(b"INVITE sip:a SIP/2.0\r\nVia: ;branch=");
    assert_eq!(world.engine.stats().send_failures, 4);
}

/// RFC 3263 section 4.3: refused, then 503, then 200: each address with a branch of its own.
#[test]
fn b47_the_addresses_of_a_name_are_tried_one_after_the_other() {
    let mut world = World::new();
    world.call_routed(
        &ALICE,
        json!({ "routes": [{ "uri": "sip:bob@pool.example:5060" }] }),
    );
    world.resolve(
        "pool.example",
        &ips(&["203.0.113.20", "203.0.113.30", "203.0.113.40"]),
    );
    let first = world.expect_to(&BOB).uri("sip:bob@pool.example:5060");
    world.undeliverable(&first.bytes);
    let second = world.expect_to(&CAROL).request("INVITE");
    world.receive(&CAROL, &second.reply(503));
    world.expect_to(&CAROL).request("ACK");
    let third = world.expect_to(&DAVE).request("INVITE");
    assert_ne!(first.branch(), second.branch());
    assert_ne!(second.branch(), third.branch());
    world.receive(&DAVE, &third.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3263 section 4.3: a server that works on the request is not failed over.
#[test]
fn b47_after_ringing_and_a_500_no_further_address_is_tried() {
    let mut world = World::new();
    let invite = world.call_routed(
        &ALICE,
        json!({ "routes": [{ "uri": "sip:bob@pool.example" }] }),
    );
    world.resolve("pool.example", &ips(&["203.0.113.20", "203.0.113.30"]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(180));
    world.expect_to(&ALICE).response(180);
    world.receive(&BOB, &at_bob.reply(500));
    world.expect_to(&BOB).request("ACK");
    let refusal = world.expect_to(&ALICE).response(500);
    world.receive(&ALICE, &invite.ack(&refusal));
}

/// RFC 3263 section 4.3: a transaction that times out without any response is a failed address.
#[test]
fn b47_a_silent_address_is_followed_by_the_next_one() {
    let mut world = World::new();
    world.call_routed(
        &ALICE,
        json!({ "routes": [
        { "uri": "sip:bob@pool.example", "fr_timer": 400 }] }),
    );
    world.resolve("pool.example", &ips(&["203.0.113.20", "203.0.113.30"]));
    world.expect_to(&BOB).request("INVITE");
    world.at(410);
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.receive(&CAROL, &at_carol.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3263 section 4.3: who rang for too long was not out of order.
#[test]
fn b47_an_address_that_rang_until_its_timer_is_not_followed_by_the_next_one() {
    let mut world = World::new();
    let invite = world.call_routed(
        &ALICE,
        json!({ "routes": [
        { "uri": "sip:bob@pool.example", "fr_inv_timer": 2000 }] }),
    );
    world.resolve("pool.example", &ips(&["203.0.113.20", "203.0.113.30"]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(180));
    world.expect_to(&ALICE).response(180);
    world.at(2010);
    world.expect_to(&BOB).request("CANCEL");
    let end = world.expect_to(&ALICE).response(408);
    world.receive(&ALICE, &invite.ack(&end));
    world.ignore_the_rest();
}

/// RFC 3263 section 4.2: a numeric host needs no look-up, and UDP and TLS have their own ports.
#[test]
fn b47_numeric_hosts_are_not_looked_up() {
    let mut world = World::new();
    let message = world.request("MESSAGE", &ALICE, "sip:bob@203.0.113.20");
    world.receive(&ALICE, &message);
    world.answer(json!({ "routes": [{}] }));
    let copy = world.expect_to(&BOB);
    world.receive(&BOB, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// Addresses of a family that no listener has are passed over.
#[test]
fn an_address_that_no_listener_reaches_is_passed_over() {
    let mut world = World::with(|config| config.listeners.truncate(2));
    world.call_routed(
        &ALICE,
        json!({ "routes": [{ "uri": "sip:bob@pool.example" }] }),
    );
    world.resolve("pool.example", &ips(&["2001:db8::b", "203.0.113.20"]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// A name without any address is a failed target.
#[test]
fn a_name_without_address_fails_its_target() {
    let mut world = World::new();
    world.call_routed(
        &ALICE,
        json!({ "routes": [
        { "uri": "sip:bob@nowhere.example" }, { "uri": CAROL.uri() }] }),
    );
    world.resolve("nowhere.example", &[]);
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.receive(&CAROL, &at_carol.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// A look-up that never ends is given up.
#[test]
fn a_look_up_without_answer_fails_its_target_after_five_seconds() {
    let mut world = World::new();
    world.call_routed(
        &ALICE,
        json!({ "routes": [
        { "uri": "sip:bob@slow.example" }, { "uri": CAROL.uri() }] }),
    );
    world.expect_nothing_until(4990);
    world.at(5010);
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.resolve("slow.example", &ips(&["203.0.113.20"]));
    world.expect_nothing();
    world.receive(&CAROL, &at_carol.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// The caller does not wait for a look-up.
#[test]
fn a_cancel_during_a_look_up_ends_the_call_at_once() {
    let mut world = World::new();
    let invite = world.call_routed(
        &ALICE,
        json!({ "routes": [{ "uri": "sip:bob@slow.example" }] }),
    );
    world.receive(&ALICE, &invite.cancel());
    world.expect_to(&ALICE).response(200);
    let end = world.expect_to(&ALICE).response(487);
    world.receive(&ALICE, &invite.ack(&end));
    world.resolve("slow.example", &ips(&["203.0.113.20"]));
    world.expect_nothing();
}

/// RFC 3261 section 16.11: an ACK for a name waits for its address.
#[test]
fn an_ack_for_a_name_is_sent_once_its_address_is_known() {
    let mut world = World::new();
    let ack = world
        .request("ACK", &ALICE, "sip:bob@far.example")
        .with("Route", "<sip:192.0.2.1;lr>, <sip:edge.example;lr>")
        .with_to_tag("b");
    world.receive(&ALICE, &ack);
    world.expect_nothing();
    world.resolve("edge.example", &ips(&["203.0.113.20"]));
    world.expect_to(&BOB).request("ACK");
}

/// Beyond the limit of live transactions the proxy says so, without remembering anything.
#[test]
fn a_full_proxy_answers_503_with_retry_after() {
    let mut world = World::with(|config| config.max_transactions = 1);
    let first = world.call(&ALICE);
    let options = world.request("OPTIONS", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &options);
    world
        .expect_to(&ALICE)
        .response(503)
        .header("Retry-After", "5");
    world.receive(&ALICE, &first);
    world.expect_to(&ALICE).response(100);
    world.answer(reply(404, "Not Found"));
    let refusal = world.expect_to(&ALICE).response(404);
    world.receive(&ALICE, &first.ack(&refusal));
    assert_eq!(world.engine.stats().requests_shed, 1);
}

/// Draining: what lives goes on, what is new is sent away.
#[test]
fn a_draining_proxy_finishes_its_calls_and_takes_no_new_ones() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.engine.drain();
    let options = world.request("OPTIONS", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &options);
    world
        .expect_to(&ALICE)
        .response(503)
        .header("Retry-After", "5");
    world.receive(&BOB, &at_bob.reply(200));
    let ok = world.expect_to(&ALICE).response(200);
    let ack = world.in_dialog("ACK", &invite, &ok);
    world.receive(&ALICE, &ack);
    world.expect_to(&BOB).request("ACK");
    assert_eq!(world.engine.unanswered(), 0);
}

/// Calls that are up can be ended while the proxy drains.
#[test]
fn a_draining_proxy_still_ends_established_calls() {
    let mut world = World::new();
    world.engine.drain();
    let bye = world
        .request("BYE", &ALICE, &BOB.uri())
        .with("Route", "<sip:192.0.2.1;lr>")
        .with_to_tag("b");
    world.receive(&ALICE, &bye);
    let at_bob = world.expect_to(&BOB).request("BYE");
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}
