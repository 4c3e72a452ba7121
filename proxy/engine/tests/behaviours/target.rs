//! Which targets a request gets (RFC 3261 section 16.5), and redirections (section 16.7 step 4).

use serde_json::json;

use crate::support::{ALICE, BOB, CAROL, DAVE, Draft, World, reply, serial};

fn redirection(draft: Draft, contacts: &str) -> Draft {
    draft.with("Contact", contacts)
}

/// RFC 3261 section 16.5: for a domain that is not ours the Request-URI stays.
#[test]
fn b12_a_request_for_a_foreign_domain_keeps_its_uri_and_its_3xx_goes_upstream() {
    let mut world = World::with(|config| config.follow_redirects = true);
    let invite = world.request("INVITE", &ALICE, "sip:bob@203.0.113.20");
    world.receive(&ALICE, &invite);
    world.expect_to(&ALICE).response(100);
    world.answer(json!({ "routes": [{}] }));
    let at_bob = world.expect_to(&BOB).uri("sip:bob@203.0.113.20");
    let contacts = "<sip:carol@203.0.113.30>;q=0.7, <sip:dave@203.0.113.40>";
    world.receive(&BOB, &redirection(at_bob.reply(302), contacts));
    world.expect_to(&BOB).request("ACK");
    let moved = world
        .expect_to(&ALICE)
        .response(302)
        .header("Contact", contacts);
    world.receive(&ALICE, &invite.ack(&moved));
}

/// RFC 3261 section 16.5: a URI is not tried twice.
#[test]
fn b13_a_uri_that_the_document_names_twice_is_tried_once() {
    let mut world = World::new();
    let invite = world.call_routed(
        &ALICE,
        json!({ "routing": "parallel", "routes": [
        { "uri": "sip:bob@203.0.113.20:5060" },
        { "uri": "sip:bob@203.0.113.20:5060;newparam=5" },
        { "uri": "sip:%62ob@203.0.113.20:5060" }] }),
    );
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.expect_nothing();
    world.receive(&BOB, &at_bob.reply(486));
    world.expect_to(&BOB).request("ACK");
    let busy = world.expect_to(&ALICE).response(486);
    world.receive(&ALICE, &invite.ack(&busy));
}

/// RFC 3261 section 16.5: the Request-URI itself counts, named or not.
#[test]
fn b13_a_target_without_uri_is_the_request_uri() {
    let mut world = World::new();
    let options = world.request("OPTIONS", &ALICE, "sip:bob@203.0.113.20");
    world.receive(&ALICE, &options);
    world.answer(json!({ "routing": "parallel", "routes": [
        {}, { "uri": "sip:bob@203.0.113.20" }] }));
    let at_bob = world.expect_to(&BOB).request("OPTIONS");
    world.expect_nothing();
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 16.5: also not when a redirection names it again.
#[test]
fn b13_a_redirection_to_what_was_tried_is_not_followed() {
    let mut world = World::with(|config| config.follow_redirects = true);
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let contacts = format!("<{}>, <{}>", BOB.uri(), CAROL.uri());
    world.receive(&BOB, &redirection(at_bob.reply(302), &contacts));
    world.expect_to(&BOB).request("ACK");
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.receive(&CAROL, &redirection(at_carol.reply(302), &contacts));
    world.expect_to(&CAROL).request("ACK");
    let last = world.expect_to(&ALICE).response(302);
    world.receive(&ALICE, &invite.ack(&last));
}

/// RFC 3261 section 16.5: the application knows no such user.
#[test]
fn b14_an_unknown_user_gets_the_404_of_the_application() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, reply(404, "Not Found"));
    let refusal = world.expect_to(&ALICE).response(404);
    assert!(refusal.to_tag().is_some());
    world.receive(&ALICE, &invite.ack(&refusal));
}

/// RFC 3261 section 16.5: an empty target set.
#[test]
fn b14_no_targets_get_480() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, json!({ "routing": "serial", "routes": [] }));
    let refusal = world.expect_to(&ALICE).response(480);
    world.receive(&ALICE, &invite.ack(&refusal));
}

/// RFC 3261 sections 16.5 and 16.7 step 4.
#[test]
fn b37_contacts_of_a_redirection_are_tried_by_q() {
    let mut world = World::with(|config| config.follow_redirects = true);
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let contacts = format!("<{}>;q=0.2, <{}>;q=0.9", CAROL.uri(), DAVE.uri());
    world.receive(&BOB, &redirection(at_bob.reply(302), &contacts));
    world.expect_to(&BOB).request("ACK");
    let at_dave = world.expect_to(&DAVE).request("INVITE").uri(&DAVE.uri());
    world.expect_nothing();
    world.receive(&DAVE, &at_dave.reply(480));
    world.expect_to(&DAVE).request("ACK");
    let at_carol = world.expect_to(&CAROL).request("INVITE").uri(&CAROL.uri());
    world.receive(&CAROL, &at_carol.reply(404));
    world.expect_to(&CAROL).request("ACK");
    let refusal = world.expect_to(&ALICE).response(404);
    world.receive(&ALICE, &invite.ack(&refusal));
}

/// RFC 3261 section 16.7 step 4: Contacts that were tried are taken out of what goes upstream.
#[test]
fn b37_a_tried_contact_does_not_go_upstream() {
    let mut world = World::with(|config| config.follow_redirects = true);
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let contacts = format!("<{}>, <tel:+4930123456>", CAROL.uri());
    world.receive(&BOB, &redirection(at_bob.reply(302), &contacts));
    world.expect_to(&BOB).request("ACK");
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.receive(&CAROL, &at_carol.reply(500));
    world.expect_to(&CAROL).request("ACK");
    let moved = world
        .expect_to(&ALICE)
        .response(302)
        .header("Contact", "<tel:+4930123456>");
    world.receive(&ALICE, &invite.ack(&moved));
}

/// RFC 3261 section 16.7 step 4: following is an option.
#[test]
fn b37_without_recursion_a_redirection_goes_upstream_intact() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let contacts = "<sip:carol@203.0.113.30>;q=0.7, <sip:dave@203.0.113.40>";
    world.receive(&BOB, &redirection(at_bob.reply(302), contacts));
    world.expect_to(&BOB).request("ACK");
    let moved = world
        .expect_to(&ALICE)
        .response(302)
        .header("Contact", contacts);
    world.receive(&ALICE, &invite.ack(&moved));
}

/// RFC 3261 section 16.5: a sip Contact is no answer to a sips request.
#[test]
fn b37_a_sips_request_does_not_follow_a_sip_contact() {
    let tls = tidegate_engine::ListenerId(4);
    let bob = crate::support::Peer {
        transport: tidegate_engine::Transport::Tls,
        ..BOB.at("203.0.113.20:5061".parse().unwrap())
    };
    let mut world = World::with(|config| {
        config.follow_redirects = true;
        config.listeners.push(tidegate_engine::Listener::new(
            tidegate_engine::Transport::Tls,
            "192.0.2.1:5061".parse().unwrap(),
        ));
    });
    let invite = world.request("INVITE", &ALICE, "sips:bob@tide.example");
    world.receive(&ALICE, &invite);
    world.expect_to(&ALICE).response(100);
    world.answer(json!({ "routes": [{ "dst_uri": "sips:203.0.113.20" }] }));
    let at_bob = world.expect_to(&bob).uri("sips:bob@tide.example");
    assert_eq!(at_bob.hop.listener, tls);
    world.receive(
        &bob,
        &redirection(at_bob.reply(302), "<sip:carol@203.0.113.30>"),
    );
    world.expect_to(&bob).request("ACK");
    let moved = world
        .expect_to(&ALICE)
        .response(302)
        .header("Contact", "<sip:carol@203.0.113.30>");
    world.receive(&ALICE, &invite.ack(&moved));
}

/// `redirect` of the routing contract.
#[test]
fn the_application_redirects_with_its_contacts() {
    let mut world = World::new();
    let invite = world.call_routed(
        &ALICE,
        json!({
        "action": "redirect",
        "contacts": [{ "uri": "sip:a@x.example", "q": 0.5 }, { "uri": "sip:b@x.example" }] }),
    );
    let moved = world
        .expect_to(&ALICE)
        .response(302)
        .header("Contact", "<sip:a@x.example>;q=0.5, <sip:b@x.example>");
    world.receive(&ALICE, &invite.ack(&moved));
}

/// `drop` of the routing contract: not a word more, and repeats are absorbed.
#[test]
fn a_dropped_request_gets_no_final_response_and_repeats_ask_nobody() {
    let mut world = World::new();
    let options = world.request("OPTIONS", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &options);
    world.answer(json!({ "action": "drop" }));
    for ms in [500, 1500, 3500, 7500, 31_500] {
        world.expect_nothing_until(ms);
        world.receive(&ALICE, &options);
    }
    assert_eq!(world.consultations(), 1);
    assert_eq!(world.finished()[0].status, None);
}

/// `drop` of an INVITE: the 100 is out already, and nothing follows.
#[test]
fn a_dropped_invite_gets_nothing_beyond_its_100() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, json!({ "action": "drop" }));
    world.expect_nothing_until(500);
    world.receive(&ALICE, &invite);
    world.expect_nothing_until(32_100);
    assert_eq!(world.engine.live(), 0);
}
