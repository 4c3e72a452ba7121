//! The times in the description of a document are those at which things happen.

use serde_json::{Value, json};
use tidegate_engine::Config;
use tidegate_engine::plan::{Description, RouteDescription, Then, describe};

use crate::support::{ALICE, BOB, CAROL, World};

fn route(config: &Config, document: &Value, is_invite: bool) -> RouteDescription {
    let document = serde_json::from_value(document.clone()).unwrap();
    match describe(&document, config, is_invite).unwrap() {
        Description::Route(route) => *route,
        other => panic!("not a route: {other:?}"),
    }
}

/// Bob with these keys, then Carol.
fn first_bob(keys: &Value) -> Value {
    let mut bob = json!({ "uri": BOB.uri() });
    let bob_has = bob.as_object_mut().unwrap();
    bob_has.extend(keys.as_object().unwrap().clone());
    json!({ "routes": [bob, { "uri": CAROL.uri() }] })
}

fn starts(route: &RouteDescription, target: usize) -> u64 {
    let target = route.tree.targets().nth(target).unwrap();
    target.starts_ms.unwrap()
}

fn short_timer_c(config: &mut Config) {
    config.timers.timer_c = 20_000;
}

fn configured(config: &mut Config) {
    config.timers.fr_timer = Some(7000);
    config.timers.fr_inv_timer = Some(9000);
}

/// RFC 3261 sections 17.1.1.2 and 16.6 step 11.
#[test]
fn a_silent_target_of_an_invite_gives_way_when_it_is_said_to() {
    let changes: [fn(&mut Config); 3] = [|_| (), short_timer_c, configured];
    for change in changes {
        for keys in [
            json!({}),
            json!({ "fr_timer": 1500 }),
            json!({ "fr_timer": 60_000 }),
        ] {
            let mut config = World::config();
            change(&mut config);
            let document = first_bob(&keys);
            let at = starts(&route(&config, &document, true), 1);
            let mut world = World::with(change);
            world.call_routed(&ALICE, document);
            world.ignore_the_rest();
            world.at(at + 10);
            world.expect_to(&CAROL).request("INVITE").sent_at(at);
            world.ignore_the_rest();
        }
    }
}

/// RFC 3261 section 17.1.2.2.
#[test]
fn a_silent_target_of_another_request_gives_way_when_it_is_said_to() {
    let document = first_bob(&json!({ "fr_timer": 1500 }));
    let at = starts(&route(&World::config(), &document, false), 1);
    let mut world = World::new();
    let message = world.request("MESSAGE", &ALICE, "sip:bob@tide.example");
    world.receive(&ALICE, &message);
    world.answer(document);
    world.ignore_the_rest();
    world.at(at + 10);
    world.expect_to(&CAROL).request("MESSAGE").sent_at(at);
    world.ignore_the_rest();
}

/// RFC 3261 section 16.7 step 2.
#[test]
fn a_ringing_target_gives_way_when_it_is_said_to() {
    let changes: [fn(&mut Config); 3] = [|_| (), short_timer_c, configured];
    for change in changes {
        for keys in [json!({}), json!({ "fr_inv_timer": 4000 })] {
            let mut config = World::config();
            change(&mut config);
            let document = first_bob(&keys);
            let described = route(&config, &document, true);
            let bob = described.tree.targets().next().unwrap();
            let at = 1000 + u64::from(bob.no_final.ms);
            let mut world = World::with(change);
            world.call_routed(&ALICE, document);
            let at_bob = world.expect_to(&BOB).request("INVITE");
            world.at(1000);
            world.receive(&BOB, &at_bob.reply(180));
            world.ignore_the_rest();
            world.at(at + 10);
            world.expect_to(&CAROL).request("INVITE").sent_at(at);
            world.ignore_the_rest();
        }
    }
}

#[test]
fn the_end_in_silence_is_when_it_is_said_to_be() {
    let document = first_bob(&json!({ "fr_timer": 1500 }));
    let silence = route(&World::config(), &document, true).silence;
    assert_eq!(silence.then, Then::Exhausted);
    let mut world = World::new();
    let invite = world.call_routed(&ALICE, document);
    world.ignore_the_rest();
    world.at(silence.ends_ms + 10);
    let end = world
        .expect_to(&ALICE)
        .response(408)
        .sent_at(silence.ends_ms);
    world.receive(&ALICE, &invite.ack(&end));
    world.ignore_the_rest();
}
