//! Which requests are refused, and how (RFC 3261 section 16.3).

use tidegate_sip::stream::{FrameError, Framer};

use crate::support::{ALICE, BOB, World, serial};

/// RFC 3261 section 16.3 step 1: what the proxy does not need to understand passes.
#[test]
fn b01_unknown_methods_and_headers_and_a_bad_date_pass_unchanged() {
    let mut world = World::new();
    let foo = world
        .request("FOO", &ALICE, "sip:bob@tide.example")
        .with("X-Foo", "a;b=\"c\",, d")
        .with("Date", "the day before yesterday");
    world.receive(&ALICE, &foo);
    world.answer(serial(&[&BOB]));
    let at_bob = world
        .expect_to(&BOB)
        .request("FOO")
        .header("X-Foo", "a;b=\"c\",, d")
        .header("Date", "the day before yesterday")
        .header("CSeq", "1 FOO");
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 sections 16.3 step 1 and 8.2.
#[test]
fn b02_what_cannot_be_parsed_gets_one_400_and_goes_nowhere() {
    let broken: [(&str, &str); 8] = [
        ("CSeq", "INVITE 1"),
        ("CSeq", "99999999999 INVITE"),
        ("Call-ID", ""),
        ("From", "<sip:alice@client.example;tag=1"),
        ("To", "\"Bob <sip:bob@tide.example>"),
        ("Content-Length", "eleven"),
        ("Content-Length", "-1"),
        ("Max-Forwards", "many"),
    ];
    for (name, value) in broken {
        let mut world = World::new();
        let invite = world.invite(&ALICE).set(name, value);
        world.receive(&ALICE, &invite);
        world.expect_to(&ALICE).response(400);
        world.expect_nothing();
        assert_eq!(
            (world.engine.live(), world.waiting()),
            (0, 0),
            "{name}: {value}"
        );
    }
}

/// RFC 3261 sections 16.3 step 1 and 8.2.
#[test]
fn b02_a_bad_request_uri_gets_400_and_an_unknown_version_505() {
    for (start, status) in [
        ("INVITE <sip:bob@tide.example> SIP/2.0", 400),
        ("INVITE sip:bob@tide.example  SIP/2.0", 400),
        ("INVITE bob SIP/2.0", 400),
        ("INVITE sip:bob@tide.example SIP/7.0", 505),
    ] {
        let mut world = World::new();
        let invite = world.invite(&ALICE).starting(start);
        world.receive(&ALICE, &invite);
        world.expect_to(&ALICE).response(status);
    }
}

/// RFC 3261 section 16.3 step 1: a Via with a bad parameter still says where the 400 goes.
#[test]
fn b02_a_via_with_a_bad_parameter_is_good_enough_for_the_400() {
    let mut world = World::new();
    let via = format!("{};;,", ALICE.via("z9hG4bK-1"));
    let invite = world.invite(&ALICE).set("Via", via);
    world.receive(&ALICE, &invite);
    world.expect_to(&ALICE).response(400);
}

/// RFC 3261 section 16.3 step 1: without any Via there is nobody to answer.
#[test]
fn b02_a_request_without_via_is_dropped_in_silence() {
    let mut world = World::new();
    let invite = world.invite(&ALICE).without("Via");
    world.receive(&ALICE, &invite);
    assert_eq!(world.engine.stats().requests_unanswerable, 1);
    assert_eq!(world.engine.live(), 0);
}

/// RFC 3261 section 16.3 step 2.
#[test]
fn b03_an_unknown_scheme_gets_416_and_to_is_not_used_for_routing() {
    let mut world = World::new();
    let invite = world
        .request("INVITE", &ALICE, "nobodyKnowsThisScheme:x")
        .set("To", format!("<{}>", BOB.uri()));
    world.receive(&ALICE, &invite);
    let refusal = world.expect_to(&ALICE).response(416);
    world.receive(&ALICE, &invite.ack(&refusal));
    assert_eq!(world.consultations(), 0);
}

/// RFC 3261 section 16.3 step 3.
#[test]
fn b04_a_request_without_hops_left_gets_483() {
    for method in ["INVITE", "OPTIONS", "MESSAGE"] {
        let mut world = World::new();
        let request = world
            .request(method, &ALICE, "sip:bob@tide.example")
            .set("Max-Forwards", "0");
        world.receive(&ALICE, &request);
        let refusal = world.expect_to(&ALICE).response(483);
        if method == "INVITE" {
            world.receive(&ALICE, &request.ack(&refusal));
        }
        assert_eq!(world.consultations(), 0);
    }
}

/// RFC 3261 section 16.3 step 5: only what the proxy has to understand counts.
#[test]
fn b06_an_unknown_proxy_require_gets_420_that_names_it() {
    let mut world = World::new();
    let invite = world
        .invite(&ALICE)
        .with("Proxy-Require", "foo")
        .with("Require", "bar")
        .with("Proxy-Require", "baz");
    world.receive(&ALICE, &invite);
    let refusal = world
        .expect_to(&ALICE)
        .response(420)
        .header("Unsupported", "foo, baz");
    world.receive(&ALICE, &invite.ack(&refusal));
}

/// RFC 3261 section 20.32: Require is for the callee.
#[test]
fn b06_require_alone_is_left_to_the_callee() {
    let mut world = World::new();
    let options = world
        .request("OPTIONS", &ALICE, "sip:bob@tide.example")
        .with("Require", "bar");
    world.receive(&ALICE, &options);
    world.answer(serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).header("Require", "bar");
    world.receive(&BOB, &at_bob.reply(420).with("Unsupported", "bar"));
    world
        .expect_to(&ALICE)
        .response(420)
        .header("Unsupported", "bar");
}

/// RFC 3261 section 16.3: merging is the callee's business (section 8.2.2.2).
#[test]
fn b07_the_same_request_by_two_paths_is_forwarded_twice() {
    let mut world = World::new();
    let first = world.request("MESSAGE", &ALICE, "sip:bob@tide.example");
    let second = first.clone().set("Via", ALICE.via("z9hG4bK-other-path"));
    for copy in [&first, &second] {
        world.receive(&ALICE, copy);
        world.answer(serial(&[&BOB]));
    }
    let one = world.expect_to(&BOB).request("MESSAGE");
    let two = world.expect_to(&BOB).request("MESSAGE");
    assert_ne!(one.branch(), two.branch());
    for copy in [one, two] {
        world.receive(&BOB, &copy.reply(200));
        world.expect_to(&ALICE).response(200);
    }
}

/// RFC 3261 section 18.3: a datagram shorter than its Content-Length is refused.
#[test]
fn b45_a_datagram_that_lacks_a_part_of_its_body_gets_400() {
    let mut world = World::new();
    let invite = world
        .invite(&ALICE)
        .body("text/plain", "tide")
        .set("Content-Length", "99");
    world.receive(&ALICE, &invite);
    world.expect_to(&ALICE).response(400);
}

/// RFC 3261 section 18.3: what follows the body of a datagram is not part of the message.
#[test]
fn b45_the_tail_of_a_datagram_is_not_forwarded() {
    let mut world = World::new();
    let message = world
        .request("MESSAGE", &ALICE, "sip:bob@tide.example")
        .body("text/plain", "high tide and rubbish")
        .set("Content-Length", "9");
    world.receive(&ALICE, &message);
    world.answer(serial(&[&BOB]));
    let at_bob = world
        .expect_to(&BOB)
        .header("Content-Length", "9")
        .body(b"high tide");
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 18.3: what the framer cuts out of a stream is what the engine takes.
#[test]
fn b45_two_messages_of_one_segment_are_both_handled() {
    let mut world = World::new();
    let alice = ALICE.connected(1);
    let one = world.request("MESSAGE", &alice, "sip:bob@tide.example");
    let two = world.request("MESSAGE", &alice, "sip:bob@tide.example");
    let segment = [one.bytes(), two.bytes()].concat();
    for piece in [segment.len(), segment.len().div_ceil(40)] {
        let mut framer = Framer::new(tidegate_sip::Limits::default());
        let mut buffer = bytes::BytesMut::new();
        for bytes in segment.chunks(piece) {
            buffer.extend_from_slice(bytes);
            while let Some(frame) = framer.next(&mut buffer).unwrap() {
                let tidegate_sip::stream::Frame::Message(message) = frame else {
                    panic!("a ping")
                };
                world.receive_bytes(&alice, &message);
            }
        }
    }
    assert_eq!(world.engine.stats().requests, 2);
    assert_eq!(world.engine.stats().request_repeats, 2);
    world.pass(2000);
    for _ in 0..2 {
        world.expect_to(&alice).response(503);
    }
}

/// RFC 3261 section 18.3.
#[test]
fn b45_a_stream_without_a_good_content_length_is_an_error() {
    let mut world = World::new();
    let alice = ALICE.connected(1);
    let good = world.request("MESSAGE", &alice, "sip:bob@tide.example");
    let error = |draft: &crate::support::Draft| {
        let mut buffer = bytes::BytesMut::from(&draft.bytes()[..]);
        Framer::new(tidegate_sip::Limits::default()).next(&mut buffer)
    };
    let negative = good.clone().set("Content-Length", "-5");
    assert_eq!(error(&negative), Err(FrameError::BadContentLength));
    let double = good.with("Content-Length", "0").with("Content-Length", "0");
    assert_eq!(error(&double), Err(FrameError::ManyContentLengths));
}
