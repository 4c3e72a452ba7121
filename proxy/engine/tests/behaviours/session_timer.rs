//! Session timers (RFC 4028 section 8).

use crate::support::{ALICE, BOB, Draft, Seen, World, serial};

/// Sends an INVITE with these headers and routes it to Bob; his copy.
fn routed(world: &mut World, headers: &[(&str, &str)]) -> (Draft, Seen) {
    let mut invite = world.invite(&ALICE);
    for (name, value) in headers {
        invite = invite.with(name, *value);
    }
    world.receive(&ALICE, &invite);
    world.expect_to(&ALICE).response(100);
    world.answer(serial(&[&BOB]));
    let copy = world.expect_to(&BOB).request("INVITE");
    (invite, copy)
}

/// RFC 4028 section 8.1: a proxy without interest stays out of it.
#[test]
fn b53_without_interest_the_session_timer_passes_unchanged_both_ways() {
    let mut world = World::new();
    let timer = "60;refresher=uac;x=y";
    let headers = [
        ("Session-Expires", timer),
        ("Min-SE", "30"),
        ("Supported", "timer"),
    ];
    let (_, copy) = routed(&mut world, &headers);
    let copy = copy.header("Session-Expires", timer).header("Min-SE", "30");
    world.receive(
        &BOB,
        &copy.reply(200).with("Session-Expires", "60;refresher=uas"),
    );
    world
        .expect_to(&ALICE)
        .response(200)
        .header("Session-Expires", "60;refresher=uas");
}

/// RFC 4028 section 8.1: who supports the timer is told the minimum.
#[test]
fn b53_too_small_an_interval_gets_422_where_the_caller_supports_the_timer() {
    let mut world = World::with(|config| config.min_session_expires = Some(300));
    let invite = world
        .invite(&ALICE)
        .with("x", "120;refresher=uac")
        .with("k", "replaces, Timer");
    world.receive(&ALICE, &invite);
    let refusal = world
        .expect_to(&ALICE)
        .response(422)
        .header("Min-SE", "300");
    world.receive(&ALICE, &invite.ack(&refusal));
    assert_eq!(world.consultations(), 0);
}

/// RFC 4028 section 8.1: for who does not support it, the interval and Min-SE are raised.
#[test]
fn b53_too_small_an_interval_is_raised_where_the_caller_does_not_support_the_timer() {
    let mut world = World::with(|config| config.min_session_expires = Some(300));
    let (_, copy) = routed(&mut world, &[("Session-Expires", "120 ;refresher=uas")]);
    let copy = copy
        .header("Session-Expires", "300 ;refresher=uas")
        .header("Min-SE", "300");
    world.receive(&BOB, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 4028 section 8.1: never below a Min-SE that is there.
#[test]
fn b53_the_interval_is_not_raised_to_less_than_min_se() {
    let mut world = World::with(|config| config.min_session_expires = Some(300));
    let headers = [("Session-Expires", "120"), ("Min-SE", "400")];
    let (_, copy) = routed(&mut world, &headers);
    let copy = copy
        .header("Session-Expires", "400")
        .header("Min-SE", "400");
    world.receive(&BOB, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
}

/// RFC 4028 section 8.1: an interval that is long enough is left alone, and so is its absence.
#[test]
fn b53_a_long_interval_and_none_at_all_are_left_alone() {
    for headers in [&[("Session-Expires", "1800;refresher=uac")][..], &[]] {
        let mut world = World::with(|config| config.min_session_expires = Some(300));
        let (_, copy) = routed(&mut world, headers);
        let values: Vec<&str> = headers.iter().map(|(_, value)| *value).collect();
        let copy = copy.headers("Session-Expires", &values).lacks("Min-SE");
        world.receive(&BOB, &copy.reply(200));
        world.expect_to(&ALICE).response(200);
    }
}
