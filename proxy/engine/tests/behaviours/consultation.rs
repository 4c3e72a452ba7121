//! Suspension while an application decides, and everything it may do wrong.

use serde_json::json;
use tidegate_engine::{AnswerError, Forget};
use tidegate_schemas::{ConsultationId, RouteDocument};

use crate::support::{ALICE, BOB, CAROL, World, reply, serial};

/// Everything the application may want to know stands in the question.
#[test]
fn the_question_describes_the_request_and_where_it_came_from() {
    let mut world = World::with(|config| config.include_body = true);
    let invite = world
        .invite(&ALICE)
        .set(
            "From",
            "\"Alice \\\"A\\\" Sea\" <sip:alice@client.example>;tag=a1",
        )
        .with("X-Twice", "1")
        .with("x-twice", "2")
        .body("text/plain", "water");
    world.receive(&ALICE, &invite);
    world.expect_to(&ALICE).response(100);
    let question = world.question();
    assert_eq!(question["deadline_ms"], 2000);
    assert_eq!(question["node"], "tidegate");
    let source = &question["source"];
    assert_eq!(
        (&source["transport"], &source["ip"]),
        (&json!("udp"), &json!("198.51.100.10"))
    );
    assert_eq!(
        (&source["port"], &source["listener"]),
        (&json!(5060), &json!("udp:192.0.2.1:5060"))
    );
    let request = &question["request"];
    assert_eq!(
        (&request["method"], &request["uri"]),
        (&json!("INVITE"), &json!("sip:bob@tide.example"))
    );
    assert_eq!(request["from"]["display"], "Alice \"A\" Sea");
    assert_eq!(request["from"]["tag"], "a1");
    assert_eq!(request["body"], "water");
    let headers = request["headers"].as_array().unwrap();
    assert_eq!(headers.len(), invite.headers.len() + 1);
    assert!(
        headers.contains(&json!(["X-Twice", "1"])) && headers.contains(&json!(["x-twice", "2"]))
    );
    world.answer(reply(404, "Not Found"));
    let refusal = world.expect_to(&ALICE).response(404);
    world.receive(&ALICE, &invite.ack(&refusal));
}

/// The deadline in the question is what is left of it.
#[test]
fn a_question_that_is_read_later_has_less_time_left() {
    let mut world = World::new();
    let invite = world.call(&ALICE);
    world.pass(700);
    assert_eq!(world.question()["deadline_ms"], 1300);
    world.answer(reply(404, "Not Found"));
    let refusal = world.expect_to(&ALICE).response(404);
    world.receive(&ALICE, &invite.ack(&refusal));
}

#[test]
fn a_second_answer_to_the_same_question_is_refused() {
    let mut world = World::new();
    world.call(&ALICE);
    let id = world.asked();
    world.answer(serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    assert_eq!(
        world.answer_to(id, serial(&[&CAROL])),
        Err(AnswerError::Unknown)
    );
    world.expect_nothing();
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
    assert_eq!(world.engine.stats().documents_unknown, 1);
}

#[test]
fn answers_with_a_wrong_label_slot_shard_or_instance_find_nothing() {
    let mut world = World::new();
    let invite = world.call(&ALICE);
    let id = world.asked();
    for wrong in [
        ConsultationId {
            label: id.label + 1,
            ..id
        },
        ConsultationId { label: 0, ..id },
        ConsultationId {
            instance: id.instance ^ 1,
            ..id
        },
        ConsultationId {
            index: id.index + 1,
            ..id
        },
        ConsultationId {
            index: id.index | 1 << 24,
            ..id
        },
        ConsultationId {
            index: u32::MAX,
            ..id
        },
    ] {
        assert_eq!(
            world.answer_to(wrong, serial(&[&BOB])),
            Err(AnswerError::Unknown)
        );
    }
    world.expect_nothing();
    world.answer(reply(404, "Not Found"));
    let refusal = world.expect_to(&ALICE).response(404);
    world.receive(&ALICE, &invite.ack(&refusal));
}

#[test]
fn an_invalid_document_leaves_the_question_open_for_another() {
    let mut world = World::new();
    world.call(&ALICE);
    let id = world.asked();
    let invalid = json!({ "routes": [
        { "uri": BOB.uri(), "headers": { "set": { "Via": "x" } } }] });
    let error = world.answer_to(id, invalid).unwrap_err();
    assert!(matches!(&error, AnswerError::Invalid(_)));
    assert!(
        error.to_string().contains("/routes/0/headers/set/Via"),
        "{error}"
    );
    world.expect_nothing();
    assert_eq!(world.waiting(), 1);
    world.answer(serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
    assert_eq!(world.engine.stats().documents_invalid, 1);
}

#[test]
fn without_any_application_the_caller_gets_503_with_retry_after() {
    let mut world = World::new();
    let invite = world.call(&ALICE);
    world.unavailable();
    let refusal = world
        .expect_to(&ALICE)
        .response(503)
        .sent_at(0)
        .header("Retry-After", "5");
    world.receive(&ALICE, &invite.ack(&refusal));
    assert_eq!(world.finished()[0].tier, "no application");
}

fn fallback() -> RouteDocument {
    serde_json::from_value(serial(&[&BOB])).unwrap()
}

#[test]
fn without_any_application_the_static_document_decides() {
    let mut world = World::with(|config| config.fallback = Some(fallback()));
    world.call(&ALICE);
    world.unavailable();
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
    assert_eq!(world.finished()[0].tier, "static document");
}

#[test]
fn after_the_deadline_the_static_document_decides_and_the_late_answer_is_ignored() {
    let mut world = World::with(|config| config.fallback = Some(fallback()));
    world.call(&ALICE);
    let id = world.asked();
    world.expect_nothing_until(1990);
    world.at(2010);
    let at_bob = world.expect_to(&BOB).request("INVITE").sent_at(2000);
    assert_eq!(world.forgotten(), [Forget::Deadline]);
    assert_eq!(
        world.answer_to(id, serial(&[&CAROL])),
        Err(AnswerError::Unknown)
    );
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

#[test]
fn after_the_deadline_the_caller_gets_503_where_nothing_else_decides() {
    let mut world = World::with(|config| config.deadline_ms = 750);
    let invite = world.call(&ALICE);
    world.at(770);
    let refusal = world.expect_to(&ALICE).response(503).sent_at(750);
    world.receive(&ALICE, &invite.ack(&refusal));
    assert_eq!(world.engine.stats().deadlines, 1);
}

/// The deadline of the first question does not end the second.
#[test]
fn every_question_has_a_deadline_of_its_own() {
    let mut world = World::new();
    let invite = world.call(&ALICE);
    world.pass(1900);
    let mut document = serial(&[&BOB]);
    document["on_exhausted"] = json!({ "action": "ask" });
    world.answer(document);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(480));
    world.expect_to(&BOB).request("ACK");
    assert_eq!(world.question()["deadline_ms"], 2000);
    world.expect_nothing_until(3890);
    world.at(3920);
    let refusal = world.expect_to(&ALICE).response(480).sent_at(3900);
    world.receive(&ALICE, &invite.ack(&refusal));
}

/// A static document may itself ask, which must not end in a circle.
#[test]
fn a_static_document_that_asks_again_comes_to_an_end() {
    let mut document = serial(&[&BOB]);
    document["on_exhausted"] = json!({ "action": "ask" });
    let document: RouteDocument = serde_json::from_value(document).unwrap();
    let mut world = World::with(|config| config.fallback = Some(document));
    let invite = world.call(&ALICE);
    for _ in 0..100 {
        if world.waiting() == 0 {
            break;
        }
        world.unavailable();
        for copy in world.all_to(&BOB) {
            if copy.text().starts_with("INVITE") {
                world.receive(&BOB, &copy.reply(480));
            }
        }
    }
    world.all_to(&BOB);
    let refusal = world.expect_to(&ALICE);
    assert!(refusal.view().status() >= 300);
    world.receive(&ALICE, &invite.ack(&refusal));
}

/// A non-INVITE waits for the application too, and gets its 100 only when it has to.
#[test]
fn a_non_invite_gets_nothing_while_the_application_thinks() {
    let mut world = World::new();
    let message = world.request("MESSAGE", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &message);
    for ms in [500, 1500] {
        world.expect_nothing_until(ms);
        world.receive(&ALICE, &message);
    }
    assert_eq!(world.consultations(), 1);
    world.answer(reply(200, "OK"));
    world.expect_to(&ALICE).response(200);
}

/// An application that is slower than any caller.
#[test]
fn a_deadline_beyond_the_patience_of_a_non_invite_still_gives_an_answer_in_time() {
    let mut world = World::with(|config| config.deadline_ms = 60_000);
    let message = world.request("MESSAGE", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &message);
    let id = world.asked();
    world.at(32_000);
    world.expect_to(&ALICE).response(100);
    let refusal = world.expect_to(&ALICE);
    assert!(refusal.view().status() >= 500 && refusal.at.0 < 32_000);
    assert_eq!(
        world.answer_to(id, serial(&[&BOB])),
        Err(AnswerError::Unknown)
    );
    world.expect_nothing_until(60_100);
    assert_eq!(world.forgotten(), [Forget::Deadline]);
}
