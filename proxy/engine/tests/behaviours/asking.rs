//! Being asked again while a call is under way, and not being asked at all.

use serde_json::json;
use tidegate_engine::{Rule, Treatment};
use tidegate_schemas::RouteDocument;

use crate::support::{ALICE, BOB, CAROL, DAVE, Peer, Seen, World, parallel, serial};

fn fail(world: &mut World, peer: &Peer, copy: &Seen, status: u16) {
    world.receive(peer, &copy.reply(status));
    world.expect_to(peer).request("ACK");
}

#[test]
fn an_outcome_in_ask_on_leads_to_a_question_instead_of_the_next_route() {
    let mut world = World::new();
    let mut document = serial(&[&BOB, &CAROL]);
    document["ask_on"] = json!(["486"]);
    document["context"] = json!("first");
    world.call_routed(&ALICE, document);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    fail(&mut world, &BOB, &at_bob, 486);
    let question = world.question();
    assert_eq!(question["reason"], "branch_failed");
    assert_eq!(
        (&question["attempt"], &question["context"]),
        (&json!(2), &json!("first"))
    );
    assert_eq!(question["attempts"][0]["code"], 486);
    world.answer(serial(&[&DAVE]));
    let at_dave = world.expect_to(&DAVE).request("INVITE");
    world.receive(&DAVE, &at_dave.reply(200));
    world.expect_to(&ALICE).response(200);
}

#[test]
fn ask_on_wins_over_the_other_lists_and_leaves_other_outcomes_alone() {
    let mut world = World::new();
    let mut document = serial(&[&BOB, &CAROL]);
    document["ask_on"] = json!(["5xx"]);
    document["stop_on"] = json!(["503"]);
    world.call_routed(&ALICE, document);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    fail(&mut world, &BOB, &at_bob, 480);
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    fail(&mut world, &CAROL, &at_carol, 503);
    assert_eq!(world.question()["attempts"].as_array().unwrap().len(), 2);
    world.answer(serial(&[&DAVE]));
    let at_dave = world.expect_to(&DAVE).request("INVITE");
    world.receive(&DAVE, &at_dave.reply(200));
    world.expect_to(&ALICE).response(200);
}

#[test]
fn a_parallel_group_is_waited_for_before_the_question() {
    let mut world = World::new();
    let mut document = parallel(&[&BOB, &CAROL]);
    document["ask_on"] = json!(["486"]);
    world.call_routed(&ALICE, document);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    fail(&mut world, &BOB, &at_bob, 486);
    assert_eq!(world.waiting(), 0);
    fail(&mut world, &CAROL, &at_carol, 480);
    assert_eq!(world.question()["reason"], "branch_failed");
    world.answer(serial(&[&DAVE]));
    let at_dave = world.expect_to(&DAVE).request("INVITE");
    world.receive(&DAVE, &at_dave.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 16.7 step 6: there is a response, so it is better than one of our own.
#[test]
fn a_further_question_that_nobody_answers_leaves_the_best_response() {
    let mut world = World::new();
    let mut document = serial(&[&BOB]);
    document["ask_on"] = json!(["486"]);
    let invite = world.call_routed(&ALICE, document);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    fail(&mut world, &BOB, &at_bob, 486);
    world.unavailable();
    let refusal = world.expect_to(&ALICE).response(486);
    world.receive(&ALICE, &invite.ack(&refusal));
}

#[test]
fn questions_are_bounded_however_often_the_application_wants_one() {
    let mut world = World::with(|config| config.max_rounds = 2);
    let document = || json!({ "routes": [{ "uri": BOB.uri() }], "ask_on": ["486"] });
    let invite = world.call_routed(&ALICE, document());
    let at_bob = world.expect_to(&BOB).request("INVITE");
    fail(&mut world, &BOB, &at_bob, 486);
    world.answer(document());
    let at_bob = world.expect_to(&BOB).request("INVITE");
    fail(&mut world, &BOB, &at_bob, 486);
    let refusal = world.expect_to(&ALICE).response(486);
    world.receive(&ALICE, &invite.ack(&refusal));
}

#[test]
fn a_3xx_is_handed_to_the_application_with_its_contacts() {
    let mut world = World::new();
    let mut document = serial(&[&BOB, &CAROL]);
    document["on_redirect"] = json!("ask");
    world.call_routed(&ALICE, document);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let moved = at_bob
        .reply(302)
        .set("Contact", "<sip:x@h.example>;q=0.7, <sip:y@h.example>");
    world.receive(&BOB, &moved);
    world.expect_to(&BOB).request("ACK");
    let question = world.question();
    assert_eq!(question["reason"], "redirected");
    let contacts = &question["attempts"][0]["contacts"];
    assert_eq!(contacts[0]["uri"], "sip:x@h.example");
    assert!((contacts[0]["q"].as_f64().unwrap() - 0.7).abs() < 1e-6);
    assert_eq!(contacts[1], json!({ "uri": "sip:y@h.example" }));
    world.answer(serial(&[&DAVE]));
    let at_dave = world.expect_to(&DAVE).request("INVITE");
    world.receive(&DAVE, &at_dave.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 3261 section 16.7 step 4.
#[test]
fn a_document_may_have_redirects_followed_or_not_whatever_is_configured() {
    for (configured, wanted, followed) in [(false, "follow", true), (true, "stop", false)] {
        let mut world = World::with(|config| config.follow_redirects = configured);
        let mut document = serial(&[&BOB]);
        document["on_redirect"] = json!(wanted);
        let invite = world.call_routed(&ALICE, document);
        let at_bob = world.expect_to(&BOB).request("INVITE");
        let moved = at_bob
            .reply(302)
            .set("Contact", format!("<{}>", CAROL.uri()));
        world.receive(&BOB, &moved);
        world.expect_to(&BOB).request("ACK");
        if followed {
            let at_carol = world.expect_to(&CAROL).request("INVITE");
            world.receive(&CAROL, &at_carol.reply(200));
            world.expect_to(&ALICE).response(200);
        } else {
            let refusal = world.expect_to(&ALICE).response(302);
            world.receive(&ALICE, &invite.ack(&refusal));
        }
    }
}

fn rule(numbers: &[&str], in_dialog: bool, then: Treatment) -> Rule {
    Rule {
        name: "the rule".to_owned(),
        methods: Vec::new(),
        domains: Vec::new(),
        numbers: numbers.iter().map(|&number| number.to_owned()).collect(),
        sources: Vec::new(),
        in_dialog,
        then,
    }
}

fn static_route(document: serde_json::Value) -> Treatment {
    let document: RouteDocument = serde_json::from_value(document).unwrap();
    Treatment::Document(Box::new(document))
}

#[test]
fn an_emergency_number_is_routed_without_a_question() {
    let then = static_route(serial(&[&BOB]));
    let mut world = World::with(|config| config.rules = vec![rule(&["112"], false, then)]);
    let invite = world.request("INVITE", &ALICE, "sip:112@tide.example");
    world.receive(&ALICE, &invite);
    world.expect_to(&ALICE).response(100);
    assert_eq!(world.consultations(), 0);
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
    assert_eq!(world.finished()[0].tier, "the rule");
}

#[test]
fn the_rule_of_a_request_names_the_chain_that_is_asked() {
    let rules = vec![rule(&["49*"], false, Treatment::Ask(3))];
    let mut world = World::with(|config| config.rules = rules);
    for (number, chain) in [("491", 3), ("481", 0)] {
        let uri = format!("sip:{number}@tide.example");
        let invite = world.request("INVITE", &ALICE, &uri);
        world.receive(&ALICE, &invite);
        world.expect_to(&ALICE).response(100);
        assert_eq!(world.engine.chain(world.asked()), chain);
        world.answer(crate::support::reply(404, "Not Found"));
        let refusal = world.expect_to(&ALICE).response(404);
        world.receive(&ALICE, &invite.ack(&refusal));
    }
}

#[test]
fn requests_inside_of_dialogs_are_asked_about_where_a_rule_says_so() {
    let rules = vec![rule(&[], true, Treatment::Ask(1))];
    let mut world = World::with(|config| config.rules = rules);
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(200));
    let ok = world.expect_to(&ALICE).response(200);
    let info = world.in_dialog("INFO", &invite, &ok);
    world.receive(&ALICE, &info);
    assert_eq!(world.question()["request"]["method"], "INFO");
    world.answer(json!({ "routes": [{}] }));
    let at_bob = world.expect_to(&BOB).request("INFO");
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
}

#[test]
fn a_header_tells_what_decided_and_no_caller_can_make_it_up() {
    let mut world = World::with(|config| config.decision_header = Some("X-Decided-By".to_owned()));
    let invite = world.invite(&ALICE).with("x-decided-by", "mallory");
    world.receive(&ALICE, &invite);
    world.expect_to(&ALICE).response(100).lacks("X-Decided-By");
    world.answer(serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    assert_eq!(at_bob.all("X-Decided-By"), ["router"]);
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);

    let invite = world.call(&ALICE);
    world.unavailable();
    let refusal = world.expect_to(&ALICE).response(503);
    assert_eq!(refusal.get("X-Decided-By"), "no application");
    world.receive(&ALICE, &invite.ack(&refusal));
}
