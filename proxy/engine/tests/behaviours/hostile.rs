//! Damaged and forged input: nothing panics, nothing broken is sent, nothing lives for ever.

use fastrand::Rng;

use crate::support::{ALICE, BOB, CAROL, Draft, Seen, World, parallel};

/// A request with something of everything that the proxy reads.
fn rich(world: &mut World, method: &str) -> Draft {
    world
        .request(method, &ALICE, "sip:bob@tide.example;maddr=192.0.2.1?x=y")
        .starting(format!("{method} sip:bob@tide.example SIP/2.0"))
        .with("Route", "<sip:192.0.2.1;lr>, <sip:203.0.113.20;lr>")
        .with("Record-Route", "\"a, b\" <sip:198.51.100.9;lr>;x=\"\\\"\"")
        .with("Max-Breadth", "20")
        .with("Session-Expires", "90;refresher=uac")
        .with("Reason", "SIP;cause=200")
        .with("s", "tide\r\n table")
        .body("text/plain", "water")
}

/// Changes some bytes, or cuts, doubles or swaps some.
fn damage(rng: &mut Rng, bytes: &mut Vec<u8>) {
    const MARKS: &[u8] = b"\r\n \t:;,<>\"\\@?=%[]0z\0\xff";
    for _ in 0..rng.usize(1..4) {
        let at = rng.usize(0..bytes.len());
        let end = (at + rng.usize(1..20)).min(bytes.len());
        match rng.u8(0..5) {
            0 => bytes[at] = MARKS[rng.usize(0..MARKS.len())],
            1 => bytes.insert(at, MARKS[rng.usize(0..MARKS.len())]),
            2 => drop(bytes.drain(at..end)),
            3 => bytes.extend_from_within(at..end),
            _ => bytes[at..end].reverse(),
        }
        if bytes.is_empty() {
            bytes.push(b'x');
        }
    }
}

/// Everything that waits for a document gets one.
fn decide(world: &mut World) {
    while world.waiting() > 0 {
        let id = world.oldest();
        let document = serde_json::json!({ "routing": "parallel", "routes": [
            { "uri": BOB.uri(), "headers": { "from": { "uri": "sip:x@tide.example" },
                "remove": ["Subject"], "set": { "X-A": "b" } } },
            { "uri": CAROL.uri() }] });
        world.answer_to(id, document).unwrap();
    }
}

#[test]
fn damaged_requests_neither_panic_nor_make_the_proxy_send_rubbish() {
    let mut rng = Rng::with_seed(0x7ade);
    for round in 0..400 {
        let mut world = World::with(|config| config.min_session_expires = Some(120));
        let method = ["INVITE", "ACK", "CANCEL", "MESSAGE", "BYE"][round % 5];
        for _ in 0..10 {
            let mut bytes = rich(&mut world, method).bytes();
            damage(&mut rng, &mut bytes);
            world.receive_bytes(&ALICE, &bytes);
            decide(&mut world);
        }
        world.ignore_the_rest();
    }
}

#[test]
fn damaged_responses_neither_panic_nor_make_the_proxy_send_rubbish() {
    let mut rng = Rng::with_seed(0x7ade);
    for _ in 0..400 {
        let mut world = World::with(|config| config.follow_redirects = true);
        world.call_routed(&ALICE, parallel(&[&BOB, &CAROL]));
        let copies: [Seen; 2] = [&BOB, &CAROL].map(|peer| world.expect_to(peer));
        for _ in 0..10 {
            let copy = &copies[rng.usize(0..2)];
            let status = [100, 180, 183, 200, 302, 401, 486, 503, 603][rng.usize(0..9)];
            let mut bytes = copy
                .reply(status)
                .with("WWW-Authenticate", "Digest realm=\"a\"")
                .with("Contact", "<sip:dave@203.0.113.40>;q=0.5, <tel:+1>")
                .bytes();
            damage(&mut rng, &mut bytes);
            world.receive_bytes(&BOB, &bytes);
        }
        world.ignore_the_rest();
    }
}

#[test]
fn damaged_error_payloads_are_harmless() {
    let mut rng = Rng::with_seed(0x7ade);
    let mut world = World::new();
    world.call_routed(&ALICE, parallel(&[&BOB, &CAROL]));
    let copy = world.expect_to(&BOB);
    for _ in 0..5000 {
        let mut bytes = copy.bytes.to_vec();
        damage(&mut rng, &mut bytes);
        bytes.truncate(rng.usize(0..bytes.len()));
        world.undeliverable(&bytes);
    }
    world.ignore_the_rest();
}
