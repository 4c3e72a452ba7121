//! Responses on their way back (RFC 3261 section 16.7).

use crate::support::{ALICE, BOB, CAROL, DAVE, Peer, Seen, World, parallel, serial};

const EVA: Peer = Peer::udp("eva", [203, 0, 113, 50]);

/// Forks a call to these peers; the copies.
fn fork<const N: usize>(
    world: &mut World,
    peers: [&Peer; N],
) -> (crate::support::Draft, [Seen; N]) {
    let invite = world.call_routed(&ALICE, parallel(&peers));
    let copies = peers.map(|peer| world.expect_to(peer).request("INVITE"));
    (invite, copies)
}

/// A final failure from a peer, which the proxy acknowledges.
fn fail(world: &mut World, peer: &Peer, copy: &Seen, status: u16) {
    world.receive(peer, &copy.reply(status));
    world.expect_to(peer).request("ACK");
}

/// RFC 6026 section 6, in place of RFC 3261 section 16.7 step 3.
#[test]
fn b28_stray_responses_are_neither_forwarded_nor_answered() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let ringing = at_bob.reply(180);
    let caller = invite.get("Via");
    let forged = at_bob.vias()[0].replace("branch=z9hG4bK", "branch=z9hG4bKa");
    let flipped = flip_last(&at_bob.vias()[0]);
    for vias in [
        vec![at_bob.vias()[0].as_str()],
        vec!["SIP/2.0/UDP 203.0.113.99;branch=z9hG4bK1", caller],
        vec!["SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", caller],
        vec![forged.as_str(), caller],
        vec![flipped.as_str(), caller],
        vec![caller],
    ] {
        let mut stray = ringing.clone().without("Via");
        for via in vias.iter().rev() {
            stray = stray.on_top("Via", *via);
        }
        world.receive(&BOB, &stray);
        world.expect_nothing();
    }
    assert_eq!(world.engine.stats().responses_stray, 6);
    world.receive(&BOB, &ringing);
    world.expect_to(&ALICE).response(180);
    fail(&mut world, &BOB, &at_bob, 486);
    let busy = world.expect_to(&ALICE).response(486);
    world.receive(&ALICE, &invite.ack(&busy));
}

/// The same text with its last character changed.
fn flip_last(text: &str) -> String {
    let (rest, last) = text.split_at(text.len() - 1);
    format!("{rest}{}", if last == "a" { "b" } else { "a" })
}

/// RFC 3261 section 16.7 step 5.
#[test]
fn b29_provisional_responses_go_upstream_at_once_but_no_100() {
    let mut world = World::new();
    let (invite, [at_bob, at_carol]) = fork(&mut world, [&BOB, &CAROL]);
    world.receive(&BOB, &at_bob.reply(100));
    world.receive(&CAROL, &at_carol.reply(100));
    world.expect_nothing();
    world.receive(&BOB, &at_bob.reply(180));
    let ringing = world.expect_to(&ALICE).response(180);
    assert_eq!(ringing.vias(), [invite.get("Via")]);
    world.receive(
        &CAROL,
        &at_carol.reply(183).body("application/sdp", "v=0\r\n"),
    );
    let progress = world.expect_to(&ALICE).response(183).body(b"v=0\r\n");
    assert_eq!(progress.vias(), [invite.get("Via")]);
    assert_ne!(progress.to_tag(), ringing.to_tag());
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
    world.ignore_the_rest();
}

/// RFC 3261 section 16.7 steps 5 and 10, section 9.1.
#[test]
fn b30_a_200_goes_upstream_and_cancels_the_other_branches() {
    let mut world = World::new();
    let (_, [at_bob, at_carol, at_dave, at_eva]) = fork(&mut world, [&BOB, &CAROL, &DAVE, &EVA]);
    world.receive(&CAROL, &at_carol.reply(180));
    world.receive(&DAVE, &at_dave.reply(180));
    world.expect_to(&ALICE).response(180);
    world.expect_to(&ALICE).response(180);
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
    for (peer, copy) in [(&CAROL, &at_carol), (&DAVE, &at_dave)] {
        let cancel = world.expect_to(peer).request("CANCEL");
        world.receive(peer, &cancel.reply(200));
        fail(&mut world, peer, copy, 487);
    }
    world.expect_nothing();
    world.receive(&EVA, &at_eva.reply(180));
    let cancel = world.expect_to(&EVA).request("CANCEL");
    world.receive(&EVA, &cancel.reply(200));
    fail(&mut world, &EVA, &at_eva, 487);
    world.expect_nothing();
}

/// RFC 3261 section 16.7 step 5.
#[test]
fn b31_a_6xx_cancels_what_rings_and_waits_for_it() {
    let mut world = World::new();
    let invite = world.call_routed(
        &ALICE,
        serde_json::json!({ "routes": [
        parallel(&[&BOB, &CAROL]), { "uri": DAVE.uri() }] }),
    );
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.receive(&CAROL, &at_carol.reply(180));
    world.expect_to(&ALICE).response(180);
    fail(&mut world, &BOB, &at_bob, 603);
    let cancel = world.expect_to(&CAROL).request("CANCEL");
    world.expect_nothing_until(100);
    world.receive(&CAROL, &cancel.reply(200));
    fail(&mut world, &CAROL, &at_carol, 487);
    let decline = world.expect_to(&ALICE).response(603);
    world.receive(&ALICE, &invite.ack(&decline));
    world.expect_nothing();
}

/// RFC 3261 section 16.7 step 5: a 2xx wins over a 6xx that is held.
#[test]
fn b31_a_200_after_a_6xx_is_what_the_caller_gets() {
    let mut world = World::new();
    let (_, [at_bob, at_carol]) = fork(&mut world, [&BOB, &CAROL]);
    world.receive(&CAROL, &at_carol.reply(180));
    world.expect_to(&ALICE).response(180);
    fail(&mut world, &BOB, &at_bob, 603);
    world.expect_to(&CAROL).request("CANCEL");
    world.receive(&CAROL, &at_carol.reply(200));
    world.expect_to(&ALICE).response(200);
    assert_eq!(world.finished()[0].status, Some(200));
    world.ignore_the_rest();
}

/// RFC 3261 section 16.7 step 6.
#[test]
fn b32_the_best_response_is_the_one_that_tells_the_caller_how_to_go_on() {
    let mut world = World::new();
    let peers = [&BOB, &CAROL, &DAVE, &EVA];
    let (invite, copies) = fork(&mut world, peers);
    for ((peer, copy), status) in peers.iter().zip(&copies).zip([404, 501, 407, 503]) {
        world.expect_nothing();
        fail(&mut world, peer, copy, status);
    }
    let challenge = world.expect_to(&ALICE).response(407);
    world.receive(&ALICE, &invite.ack(&challenge));
    world.expect_nothing();
}

/// RFC 3261 section 16.7 step 6: the lowest class, then the lowest code.
#[test]
fn b32_classes_and_codes_are_ranked() {
    for (first, second, best) in [
        (302, 404, 302),
        (486, 404, 404),
        (500, 480, 480),
        (484, 404, 484),
        (404, 415, 415),
        (603, 404, 603),
        (501, 500, 500),
    ] {
        let mut world = World::new();
        let (invite, [at_bob, at_carol]) = fork(&mut world, [&BOB, &CAROL]);
        fail(&mut world, &BOB, &at_bob, first);
        if first == 603 {
            world.receive(&CAROL, &at_carol.reply(100));
            world.expect_to(&CAROL).request("CANCEL");
        }
        fail(&mut world, &CAROL, &at_carol, second);
        let refusal = world.expect_to(&ALICE).response(best);
        world.receive(&ALICE, &invite.ack(&refusal));
        world.ignore_the_rest();
    }
}

/// RFC 3261 section 16.7 step 6: 503 says something about the next hop, not about the proxy.
#[test]
fn b33_a_503_alone_goes_upstream_as_500() {
    let mut world = World::new();
    let (invite, [at_bob, at_carol]) = fork(&mut world, [&BOB, &CAROL]);
    world.receive(&BOB, &at_bob.reply(503).with("Retry-After", "3600"));
    world.expect_to(&BOB).request("ACK");
    fail(&mut world, &CAROL, &at_carol, 503);
    let refusal = world.expect_to(&ALICE).response(500).lacks("Retry-After");
    assert!(refusal.to_tag().is_some());
    world.receive(&ALICE, &invite.ack(&refusal));
}

/// RFC 3261 section 16.7 step 6 and section 16.8.
#[test]
fn b34_branches_that_all_time_out_make_one_408() {
    let mut world = World::new();
    let (invite, _) = fork(&mut world, [&BOB, &CAROL]);
    world.at(32_010);
    let timeout = world.expect_to(&ALICE).response(408).sent_at(32_000);
    assert!(timeout.to_tag().is_some());
    world.receive(&ALICE, &invite.ack(&timeout));
    world.ignore_the_rest();
}

/// RFC 3261 section 16.7 step 7.
#[test]
fn b35_all_challenges_go_along_with_the_best_response() {
    let mut world = World::new();
    let (invite, [at_bob, at_carol, at_dave]) = fork(&mut world, [&BOB, &CAROL, &DAVE]);
    let (a, b) = (
        "Digest realm=\"a\", nonce=\"1\"",
        "Digest  realm=\"b\",nonce=\"2\"",
    );
    let (c, d) = (
        "Digest realm=\"c\"",
        "Digest realm=\"d\", algorithm=SHA-256",
    );
    world.receive(&BOB, &at_bob.reply(401).with("WWW-Authenticate", a));
    world.expect_to(&BOB).request("ACK");
    world.receive(&CAROL, &at_carol.reply(407).with("Proxy-Authenticate", b));
    world.expect_to(&CAROL).request("ACK");
    let both = at_dave
        .reply(401)
        .with("WWW-Authenticate", d)
        .with("WWW-Authenticate", c);
    world.receive(&DAVE, &both);
    world.expect_to(&DAVE).request("ACK");
    let challenge = world
        .expect_to(&ALICE)
        .response(401)
        .headers("WWW-Authenticate", &[a, d, c])
        .header("Proxy-Authenticate", b);
    world.receive(&ALICE, &invite.ack(&challenge));
}

/// RFC 3261 section 22.3: credentials for others pass.
#[test]
fn b35_credentials_of_all_realms_are_forwarded() {
    let mut world = World::new();
    let message = world
        .request("MESSAGE", &ALICE, "sip:bob@tide.example")
        .with("Authorization", "Digest realm=\"a\"")
        .with("Proxy-Authorization", "Digest realm=\"b\"");
    world.receive(&ALICE, &message);
    world.answer(serial(&[&BOB]));
    let copy = world
        .expect_to(&BOB)
        .header("Authorization", "Digest realm=\"a\"")
        .header("Proxy-Authorization", "Digest realm=\"b\"");
    world.receive(&BOB, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 8.2.6.2: the tag belongs to the callee; the proxy tags only what it makes.
#[test]
fn b36_to_tags_of_callees_stay_and_own_failures_have_one() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world
        .expect_to(&BOB)
        .request("INVITE")
        .header("To", invite.get("To"));
    world.receive(&BOB, &at_bob.reply(180).with_to_tag("early"));
    world
        .expect_to(&ALICE)
        .header("To", "<sip:bob@tide.example>;tag=early");
    world.receive(&BOB, &at_bob.reply(183).set("To", "<sip:bob@tide.example>"));
    world
        .expect_to(&ALICE)
        .response(183)
        .header("To", "<sip:bob@tide.example>");
    world.receive(&BOB, &at_bob.reply(200).with_to_tag("late"));
    world
        .expect_to(&ALICE)
        .header("To", "<sip:bob@tide.example>;tag=late");
    let other = world.call_routed(&ALICE, crate::support::reply(404, "No"));
    let refusal = world.expect_to(&ALICE).response(404);
    assert!(refusal.to_tag().is_some_and(|tag| tag.len() >= 8));
    world.receive(&ALICE, &other.ack(&refusal));
}

/// RFC 3261 section 8.2.6.2: inside a dialog the tag is there already.
#[test]
fn b36_a_refusal_inside_a_dialog_keeps_the_to_tag() {
    let mut world = World::new();
    let bye = world
        .request("BYE", &ALICE, "sip:bob@203.0.113.20")
        .with_to_tag("known")
        .set("Max-Forwards", "0");
    world.receive(&ALICE, &bye);
    let refusal = world.expect_to(&ALICE).response(483);
    assert_eq!(refusal.to_tag().as_deref(), Some("known"));
}

/// RFC 3261 section 16.7 step 5: later provisional responses of a losing branch are of no use.
#[test]
fn nothing_provisional_follows_a_final_response() {
    let mut world = World::new();
    let (_, [at_bob, at_carol]) = fork(&mut world, [&BOB, &CAROL]);
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
    world.receive(&CAROL, &at_carol.reply(183));
    world.expect_to(&CAROL).request("CANCEL");
    world.expect_nothing();
    world.ignore_the_rest();
}

/// A response that is not well-formed is dropped, and the transaction goes on.
#[test]
fn a_malformed_response_is_dropped() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(180).set("CSeq", "INVITE"));
    world.receive(&BOB, &at_bob.reply(180).set("CSeq", "1 BYE"));
    world.receive(&BOB, &at_bob.reply(180).set("Content-Length", "12"));
    world.expect_nothing();
    fail(&mut world, &BOB, &at_bob, 404);
    let refusal = world.expect_to(&ALICE).response(404);
    world.receive(&ALICE, &invite.ack(&refusal));
}

/// RFC 3261 section 7.3.1: a callee may write all Vias into one line, in the compact form.
#[test]
fn our_via_is_taken_off_a_line_that_it_shares_with_others() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let line = at_bob.vias().join(" ,\r\n ");
    let ok = at_bob.reply(200).without("Via").on_top("v", line);
    world.receive(&BOB, &ok);
    let answered = world.expect_to(&ALICE).response(200);
    assert_eq!(answered.vias(), [invite.get("Via")]);
}

/// What the callee says arrives as it was said.
#[test]
fn a_response_keeps_its_phrase_its_headers_and_its_body() {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let odd = at_bob
        .reply(486)
        .starting("SIP/2.0 486 Besch\u{e4}ftigt  und weg")
        .with("X-Folded", "a\r\n  b")
        .with("X-Same", "1")
        .with("Retry-After", "60 (in a minute)")
        .with("X-Same", "2")
        .body("application/octet-stream", b"\0\r\n\r\n\xff".to_vec());
    world.receive(&BOB, &odd);
    world.expect_to(&BOB).request("ACK");
    let busy = world.expect_to(&ALICE).response(486).body(&odd.body);
    let sent = String::from_utf8_lossy(&odd.bytes()).into_owned();
    let sent: Vec<&str> = sent.lines().collect();
    let got = busy.text();
    let got: Vec<&str> = got.lines().collect();
    assert_eq!(got[0], sent[0]);
    assert_eq!(got[1..], sent[2..]);
    world.receive(&ALICE, &invite.ack(&busy));
}
