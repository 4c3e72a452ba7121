//! Another configuration while calls run.

use std::sync::Arc;

use serde_json::json;
use tidegate_engine::{Config, OtherListeners};

use crate::support::{ALICE, BOB, CAROL, World, serial};

fn impatient() -> Config {
    let fallback = json!({ "action": "reply", "reply": { "code": 480 } });
    Config {
        deadline_ms: 100,
        fallback: Some(serde_json::from_value(fallback).unwrap()),
        ..World::config()
    }
}

#[test]
fn what_lives_goes_on_and_what_comes_is_handled_anew() {
    let mut world = World::new();
    world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.engine.reconfigure(Arc::new(impatient())).unwrap();
    world.receive(&BOB, &at_bob.reply(200));
    world.expect_to(&ALICE).response(200);
    let invite = world.call(&CAROL);
    world.at(110);
    let end = world.expect_to(&CAROL).response(480).sent_at(100);
    world.receive(&CAROL, &invite.ack(&end));
    world.ignore_the_rest();
}

#[test]
fn a_consultation_that_waits_keeps_its_deadline() {
    let mut world = World::new();
    let invite = world.call(&ALICE);
    world.engine.reconfigure(Arc::new(impatient())).unwrap();
    world.expect_nothing_until(1_990);
    world.at(2_010);
    let end = world.expect_to(&ALICE).response(480).sent_at(2_000);
    world.receive(&ALICE, &invite.ack(&end));
    world.ignore_the_rest();
}

#[test]
fn other_listeners_are_refused() {
    let mut world = World::new();
    let other = Arc::new(Config::new(Vec::new()));
    assert_eq!(world.engine.reconfigure(other), Err(OtherListeners));
}
