//! Route information preprocessing and routing by Route sets (RFC 3261 sections 16.4 and 16.6).

use crate::support::{ALICE, BOB, CAROL, World, serial};
use serde_json::json;

const OWN: &str = "<sip:192.0.2.1:5060;lr>";

/// RFC 3261 section 16.4: our own Route value is taken off, the rest decides.
#[test]
fn b08_the_own_route_value_goes_and_the_next_one_decides() {
    let mut world = World::new();
    let request = world
        .request("MESSAGE", &ALICE, "sip:dave@elsewhere.example")
        .with("Route", format!("{OWN}, <sip:203.0.113.20;lr>"))
        .with("Route", "<sip:203.0.113.30;lr>")
        .with_to_tag("in-dialog");
    world.receive(&ALICE, &request);
    assert_eq!(world.consultations(), 0);
    let at_bob = world.expect_to(&BOB).uri("sip:dave@elsewhere.example");
    assert_eq!(
        at_bob.routes(),
        ["<sip:203.0.113.20;lr>", "<sip:203.0.113.30;lr>"]
    );
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 16.4: outside of a dialog the application decides, and what is left of the Route
/// set is still followed.
#[test]
fn b08_a_preloaded_route_is_followed_after_the_application_was_asked() {
    let mut world = World::new();
    let request = world
        .request("MESSAGE", &ALICE, "sip:bob@tide.example")
        .with("Route", format!("{OWN},<sip:203.0.113.30;lr>"));
    world.receive(&ALICE, &request);
    world.answer(serial(&[&BOB]));
    let copy = world.expect_to(&CAROL).uri(&BOB.uri());
    assert_eq!(copy.routes(), ["<sip:203.0.113.30;lr>"]);
    world.receive(&CAROL, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 16.4, first paragraph: a strict router put our Record-Route URI in the
/// Request-URI.
#[test]
fn b09_behind_a_strict_router_the_last_route_value_becomes_the_request_uri() {
    let mut world = World::new();
    let request = world
        .request("MESSAGE", &ALICE, "sip:192.0.2.1:5060;lr")
        .with("Route", "<sip:203.0.113.20;lr>, <sip:dave@203.0.113.40>")
        .with_to_tag("in-dialog");
    world.receive(&ALICE, &request);
    let at_bob = world.expect_to(&BOB).uri("sip:dave@203.0.113.40");
    assert_eq!(at_bob.routes(), ["<sip:203.0.113.20;lr>"]);
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 16.4: with the target as the only Route value nothing is left of the Route set.
#[test]
fn b09_behind_a_strict_router_the_only_route_value_is_the_target() {
    let mut world = World::new();
    let request = world
        .request("MESSAGE", &ALICE, "sip:192.0.2.1:5060;lr")
        .with("Route", format!("<{}>", BOB.uri()))
        .with_to_tag("in-dialog");
    world.receive(&ALICE, &request);
    let at_bob = world.expect_to(&BOB).uri(&BOB.uri()).lacks("Route");
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 16.6 step 6.
#[test]
fn b10_a_strict_router_gets_its_own_uri_as_request_uri() {
    let mut world = World::new();
    let request = world
        .request("MESSAGE", &ALICE, "sip:dave@203.0.113.40")
        .with("Route", format!("{OWN}, <sip:203.0.113.20>"))
        .with("Route", "<sip:203.0.113.30;lr>")
        .with_to_tag("in-dialog");
    world.receive(&ALICE, &request);
    let at_bob = world.expect_to(&BOB).uri("sip:203.0.113.20");
    assert_eq!(
        at_bob.routes(),
        ["<sip:203.0.113.30;lr>", "<sip:dave@203.0.113.40>"]
    );
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 16.6 step 6: the strict router's value was the only one.
#[test]
fn b10_a_lone_strict_router_leaves_the_target_as_only_route_value() {
    let mut world = World::new();
    let request = world
        .request("MESSAGE", &ALICE, "sip:dave@203.0.113.40")
        .with("Route", OWN)
        .with("Route", "<sip:203.0.113.20>")
        .with_to_tag("in-dialog");
    world.receive(&ALICE, &request);
    let at_bob = world.expect_to(&BOB).uri("sip:203.0.113.20");
    assert_eq!(at_bob.routes(), ["<sip:dave@203.0.113.40>"]);
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 16.4, third paragraph.
#[test]
fn b11_an_own_maddr_is_stripped_with_the_port_and_the_transport() {
    let mut world = World::new();
    let uri = "sip:bob@tide.example:5060;maddr=192.0.2.1;transport=udp;user=phone";
    let request = world.request("MESSAGE", &ALICE, uri);
    world.receive(&ALICE, &request);
    world.answer(json!({ "routes": [{ "dst_uri": "sip:203.0.113.20" }] }));
    let at_bob = world.expect_to(&BOB).uri("sip:bob@tide.example;user=phone");
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 16.4, third paragraph: another port is somebody else.
#[test]
fn b11_an_own_maddr_with_another_port_is_forwarded_to_that_port() {
    let mut world = World::new();
    let uri = "sip:bob@tide.example:5099;maddr=192.0.2.1";
    let request = world.request("MESSAGE", &ALICE, uri);
    world.receive(&ALICE, &request);
    assert_eq!(world.consultations(), 0);
    let neighbour = BOB.at("192.0.2.1:5099".parse().unwrap());
    let copy = world.expect_to(&neighbour).uri(uri);
    world.receive(&neighbour, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 16.5: a request that follows our Record-Route goes where its Request-URI says.
#[test]
fn a_request_in_a_dialog_with_our_route_alone_goes_to_its_request_uri() {
    let mut world = World::new();
    let bye = world
        .request("BYE", &ALICE, "sip:bob@203.0.113.20:5060")
        .with("Route", OWN)
        .with_to_tag("b");
    world.receive(&ALICE, &bye);
    assert_eq!(world.consultations(), 0);
    let at_bob = world.expect_to(&BOB).request("BYE");
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
    assert_eq!(world.finished()[0].tier, "route set");
}

/// Anybody can write a To tag: without a Route of ours the application decides.
#[test]
fn a_to_tag_alone_does_not_get_a_request_past_the_application() {
    let mut world = World::new();
    for route in ["<sip:203.0.113.40;lr>", ""] {
        let bye = world
            .request("BYE", &ALICE, "sip:bob@203.0.113.20:5060")
            .with_to_tag("b");
        let bye = if route.is_empty() {
            bye
        } else {
            bye.with("Route", route)
        };
        world.receive(&ALICE, &bye);
        world.answer(json!({ "action": "reply", "reply": { "code": 481 } }));
        world.expect_to(&ALICE).response(481);
    }
}

/// A request inside a dialog whose target is this proxy itself can't be routed without an answer.
#[test]
fn a_request_in_a_dialog_for_the_proxy_itself_is_a_question_for_the_application() {
    let mut world = World::new();
    let request = world
        .request("MESSAGE", &ALICE, "sip:bob@tide.example")
        .with("Route", OWN)
        .with_to_tag("b");
    world.receive(&ALICE, &request);
    world.answer(serial(&[&BOB]));
    let copy = world.expect_to(&BOB).lacks("Route");
    world.receive(&BOB, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// A path of the document stands above the Route values that came with the request.
#[test]
fn a_path_is_put_in_front_of_the_route_set() {
    let mut world = World::new();
    let request = world
        .request("MESSAGE", &ALICE, "sip:bob@tide.example")
        .with("Route", "<sip:203.0.113.40;lr>");
    world.receive(&ALICE, &request);
    world.answer(json!({ "routes": [{
        "uri": "sip:bob@far.example",
        "path": "<sip:203.0.113.20;lr>, <sip:203.0.113.30;lr>" }] }));
    let copy = world.expect_to(&BOB).uri("sip:bob@far.example");
    assert_eq!(
        copy.routes(),
        [
            "<sip:203.0.113.20;lr>",
            "<sip:203.0.113.30;lr>",
            "<sip:203.0.113.40;lr>"
        ]
    );
    world.receive(&BOB, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 16.6 step 7: `dst_uri` wins over the Route set, which stays as it is.
#[test]
fn a_dst_uri_says_the_next_hop_and_changes_nothing_else() {
    let mut world = World::new();
    let request = world
        .request("MESSAGE", &ALICE, "sip:bob@tide.example")
        .with("Route", "<sip:203.0.113.40;lr>");
    world.receive(&ALICE, &request);
    world.answer(json!({ "routes": [{ "dst_uri": "sip:203.0.113.20:5060" }] }));
    let copy = world.expect_to(&BOB).uri("sip:bob@tide.example");
    assert_eq!(copy.routes(), ["<sip:203.0.113.40;lr>"]);
    world.receive(&BOB, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}
