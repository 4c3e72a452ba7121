//! Changes that a document makes to the headers of a target.

use serde_json::{Value, json};

use crate::support::{ALICE, BOB, CAROL, World};

fn to_bob(headers: &Value) -> Value {
    json!({ "routes": [{ "uri": BOB.uri(), "headers": headers }] })
}

#[test]
fn headers_are_removed_set_and_appended_in_this_order() {
    let mut world = World::new();
    let message = world
        .request("MESSAGE", &ALICE, "sip:bob@tide.example")
        .with("X-Secret", "1")
        .with("X-Keep", "2")
        .with("x-secret", "3")
        .with("X-B", "b");
    world.receive(&ALICE, &message);
    world.answer(to_bob(&json!({
        "remove": ["X-SECRET"],
        "set": { "P-Asserted-Identity": "<sip:alice@tide.example>", "x-b": "new" },
        "append": [["X-B", "c"], ["X-B", "d"]],
        "extra": "X-A: b\r\nX-A: c\r\n" })));
    let copy = world
        .expect_to(&BOB)
        .lacks("X-Secret")
        .header("X-Keep", "2")
        .header("P-Asserted-Identity", "<sip:alice@tide.example>")
        .headers("X-B", &["new", "c", "d"])
        .headers("X-A", &["b", "c"]);
    world.receive(&BOB, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// Compact forms mean the same header.
#[test]
fn a_compact_header_is_removed_by_its_long_name_and_the_other_way_round() {
    let mut world = World::new();
    let message = world
        .request("MESSAGE", &ALICE, "sip:bob@tide.example")
        .with("s", "secret")
        .with("Event", "presence");
    world.receive(&ALICE, &message);
    world.answer(to_bob(&json!({ "remove": ["Subject", "o"] })));
    let copy = world.expect_to(&BOB).lacks("Subject").lacks("Event");
    world.receive(&BOB, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// The caller gets back what it called.
#[test]
fn a_rewritten_from_and_to_are_restored_in_every_response() {
    let mut world = World::new();
    let invite = world.call_routed(
        &ALICE,
        to_bob(&json!({
        "from": { "display": "The \"Sea\"", "uri": "sip:anonymous@tide.example" },
        "to": { "uri": "sip:102@inner.example" } })),
    );
    let tag = invite.get("From").split(";tag=").nth(1).unwrap_or_default();
    let at_bob = world
        .expect_to(&BOB)
        .header(
            "From",
            &format!("\"The \\\"Sea\\\"\" <sip:anonymous@tide.example>;tag={tag}"),
        )
        .header("To", "<sip:102@inner.example>");
    for status in [180, 200] {
        world.receive(&BOB, &at_bob.reply(status).with_to_tag("b"));
        world
            .expect_to(&ALICE)
            .response(status)
            .header("From", invite.get("From"))
            .header("To", "<sip:bob@tide.example>;tag=b");
    }
}

/// Our own ACK and CANCEL follow what the branch shows.
#[test]
fn ack_and_cancel_of_a_branch_show_its_rewritten_identities() {
    let mut world = World::new();
    let invite = world.call_routed(
        &ALICE,
        to_bob(&json!({
        "from": { "uri": "sip:anonymous@tide.example" } })),
    );
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(180));
    world.expect_to(&ALICE).response(180);
    world.receive(&ALICE, &invite.cancel());
    world.expect_to(&ALICE).response(200);
    let from = at_bob.get("From");
    let cancel = world
        .expect_to(&BOB)
        .request("CANCEL")
        .header("From", &from);
    world.receive(&BOB, &cancel.reply(200));
    world.receive(&BOB, &at_bob.reply(487));
    world.expect_to(&BOB).request("ACK").header("From", &from);
    let end = world
        .expect_to(&ALICE)
        .response(487)
        .header("From", invite.get("From"));
    world.receive(&ALICE, &invite.ack(&end));
}

/// An addr-spec without angle brackets keeps its tag outside of them.
#[test]
fn a_from_without_brackets_is_rewritten_and_restored() {
    let mut world = World::new();
    let message = world
        .request("MESSAGE", &ALICE, "sip:bob@tide.example")
        .set("From", "sip:alice@client.example;tag=a");
    world.receive(&ALICE, &message);
    world.answer(to_bob(&json!({ "from": { "uri": "sip:x@tide.example" } })));
    let copy = world
        .expect_to(&BOB)
        .header("From", "<sip:x@tide.example>;tag=a");
    world.receive(&BOB, &copy.reply(200));
    world
        .expect_to(&ALICE)
        .header("From", "sip:alice@client.example;tag=a");
}

/// Each target has its own changes, in serial groups as well.
#[test]
fn changes_for_one_target_do_not_reach_the_next_one() {
    let mut world = World::new();
    world.call_routed(
        &ALICE,
        json!({ "routes": [
        { "uri": BOB.uri(), "headers": {
            "extra": "X-A: 1\r\n", "from": { "uri": "sip:x@tide.example" } } },
        { "uri": CAROL.uri() }] }),
    );
    let at_bob = world.expect_to(&BOB).header("X-A", "1");
    world.receive(&BOB, &at_bob.reply(503));
    world.expect_to(&BOB).request("ACK");
    let at_carol = world.expect_to(&CAROL).request("INVITE").lacks("X-A");
    assert!(
        at_carol
            .get("From")
            .starts_with("<sip:alice@client.example>")
    );
    world.receive(&CAROL, &at_carol.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// What the application answers itself may carry headers and a body.
#[test]
fn a_reply_has_the_headers_and_the_body_of_the_document() {
    let mut world = World::new();
    let options = world.request("OPTIONS", &ALICE, "sip:tide.example");
    world.receive(&ALICE, &options);
    world.answer(json!({ "action": "reply", "reply": {
        "code": 200, "reason": "Fine", "headers": [["Allow", "INVITE"], ["X-A", "b"]],
        "body": "hello", "content_type": "text/plain" } }));
    let ok = world
        .expect_to(&ALICE)
        .response(200)
        .header("Allow", "INVITE")
        .header("X-A", "b")
        .header("Content-Type", "text/plain")
        .header("Content-Length", "5")
        .body(b"hello");
    assert_eq!(ok.view().reason(), b"Fine");
}
