//! From and To that a document changed: each side of the dialog goes on seeing its own.

use serde_json::{Value, json};

use crate::support::{ALICE, BOB, Draft, Seen, World};

const SHOWN_FROM: &str = "\"Front desk\" <sip:100@tide.example>";
const SHOWN_TO: &str = "<sip:bob@inside.example>";

fn disguised() -> Value {
    json!({ "routes": [{ "uri": BOB.uri(), "headers": {
        "from": { "display": "Front desk", "uri": "sip:100@tide.example" },
        "to": { "uri": "sip:bob@inside.example" } } }] })
}

struct Dialog {
    world: World,
    invite: Draft,
    at_bob: Seen,
    bobs_ok: Draft,
    ok: Seen,
}

fn dialog(document: Value) -> Dialog {
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, document);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let bobs_ok = at_bob.reply(200);
    world.receive(&BOB, &bobs_ok);
    let ok = world.expect_to(&ALICE).response(200);
    Dialog {
        world,
        invite,
        at_bob,
        bobs_ok,
        ok,
    }
}

fn identity(header: &str) -> &str {
    header.split(";tag=").next().unwrap_or_default()
}

#[test]
fn the_callee_sees_what_the_document_says_and_the_caller_its_own() {
    let Dialog {
        invite, at_bob, ok, ..
    } = dialog(disguised());
    assert_eq!(identity(&at_bob.get("From")), SHOWN_FROM);
    assert_eq!(identity(&at_bob.get("To")), SHOWN_TO);
    assert_eq!(ok.get("From"), invite.get("From"));
    assert_eq!(identity(&ok.get("To")), identity(invite.get("To")));
}

#[test]
fn requests_of_the_caller_show_the_callee_what_it_knows() {
    let Dialog {
        mut world,
        invite,
        ok,
        bobs_ok,
        ..
    } = dialog(disguised());
    let ack = world.in_dialog("ACK", &invite, &ok);
    world.receive(&ALICE, &ack);
    let at_bob = world.expect_to(&BOB).request("ACK");
    assert_eq!(at_bob.get("From"), bobs_ok.get("From"));
    assert_eq!(at_bob.get("To"), bobs_ok.get("To"));
    let bye = world.in_dialog("BYE", &invite, &ok);
    world.receive(&ALICE, &bye);
    let at_bob = world.expect_to(&BOB).request("BYE");
    assert_eq!(at_bob.get("From"), bobs_ok.get("From"));
    assert_eq!(at_bob.get("To"), bobs_ok.get("To"));
    world.receive(&BOB, &at_bob.reply(200));
    let done = world.expect_to(&ALICE).response(200);
    assert_eq!(done.get("From"), bye.get("From"));
    assert_eq!(done.get("To"), bye.get("To"));
}

#[test]
fn requests_of_the_callee_show_the_caller_what_it_knows() {
    let Dialog {
        mut world,
        ok,
        at_bob,
        bobs_ok,
        ..
    } = dialog(disguised());
    let bye = world.callee_request("BYE", &BOB, &at_bob, &bobs_ok);
    world.receive(&BOB, &bye);
    let at_alice = world.expect_to(&ALICE).request("BYE");
    assert_eq!(at_alice.get("From"), ok.get("To"));
    assert_eq!(at_alice.get("To"), ok.get("From"));
    world.receive(&ALICE, &at_alice.reply(200));
    let done = world.expect_to(&BOB).response(200);
    assert_eq!(done.get("From"), bye.get("From"));
    assert_eq!(done.get("To"), bye.get("To"));
}

#[test]
fn a_restarted_proxy_still_knows_what_to_show() {
    let Dialog {
        mut world,
        invite,
        ok,
        bobs_ok,
        ..
    } = dialog(disguised());
    let bye = world.in_dialog("BYE", &invite, &ok);
    let mut restarted = World::new();
    restarted.receive(&ALICE, &bye);
    let at_bob = restarted.expect_to(&BOB).request("BYE");
    assert_eq!(at_bob.get("From"), bobs_ok.get("From"));
    assert_eq!(at_bob.get("To"), bobs_ok.get("To"));
    restarted.receive(&BOB, &at_bob.reply(200));
    restarted
        .expect_to(&ALICE)
        .response(200)
        .header("To", bye.get("To"));
    world.pass(1);
}

/// Without Record-Route nothing could be shown later.
#[test]
fn who_changes_from_or_to_stays_on_the_path_unless_told_not_to() {
    for (told, stays) in [(None, true), (Some(false), false)] {
        let mut world = World::with(|config| config.record_route = false);
        let mut document = disguised();
        document["record_route"] = json!(told);
        world.call_routed(&ALICE, document);
        let at_bob = world.expect_to(&BOB).request("INVITE");
        assert_eq!(at_bob.record_routes().len(), usize::from(stays));
        world.receive(&BOB, &at_bob.reply(200));
        world.expect_to(&ALICE).response(200);
    }
}

/// RFC 5658: of two values it is enough to have it in one.
#[test]
fn a_dialog_between_two_transports_keeps_its_names() {
    let mut document = disguised();
    document["routes"][0]["socket"] = json!("udp:192.0.2.1:5062");
    let Dialog {
        mut world,
        at_bob,
        bobs_ok,
        ok,
        ..
    } = dialog(document);
    assert_eq!(at_bob.record_routes().len(), 2);
    let carrying = at_bob.record_routes();
    let carrying = carrying.iter().filter(|value| value.contains(";tga="));
    assert_eq!(carrying.count(), 1);
    let bye = world.callee_request("BYE", &BOB, &at_bob, &bobs_ok);
    world.receive(&BOB, &bye);
    let at_alice = world.expect_to(&ALICE).request("BYE");
    assert_eq!(at_alice.get("To"), ok.get("From"));
    world.receive(&ALICE, &at_alice.reply(200));
    world.expect_to(&BOB).response(200);
}

#[test]
fn a_request_of_a_third_party_with_that_route_is_left_alone() {
    let Dialog {
        mut world,
        invite,
        ok,
        ..
    } = dialog(disguised());
    let info = world
        .in_dialog("INFO", &invite, &ok)
        .set("From", "<sip:mallory@client.example>;tag=other");
    world.receive(&ALICE, &info);
    let at_bob = world.expect_to(&BOB).request("INFO");
    assert_eq!(at_bob.get("From"), info.get("From"));
    assert_eq!(at_bob.get("To"), info.get("To"));
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}
