//! Calls that are ended here: at their limit, or by an order (RFC 3261 sections 12.2.1.1 and 15).

use serde_json::json;
use tidegate_schemas::call::{CallEventKind, EndCause};

use super::{Talk, told_answered};
use crate::support::{ALICE, BOB, Seen, World, serial};

fn limited(world: &mut World, max_call_ms: u32) -> Talk {
    let document = json!({ "routes": [{ "uri": BOB.uri() }], "max_call_ms": max_call_ms });
    Talk::answered(world, ALICE, BOB, document)
}

/// Both BYEs are answered.
fn answer_both(world: &mut World, to_alice: &Seen, to_bob: &Seen) {
    world.receive(&ALICE, &to_alice.reply(200));
    world.receive(&BOB, &to_bob.reply(200));
    assert_eq!(world.engine.followed_calls(), 0);
}

/// RFC 3261 section 12.2.1.1: BYE to both sides, each in the name of the other; RFC 3326: why.
#[test]
fn a_call_is_ended_at_its_limit_with_bye_to_both_sides() {
    let mut world = World::following();
    let talk = limited(&mut world, 60_000);
    talk.ack(&mut world);
    told_answered(&mut world);
    world.at(59_990);
    world.expect_nothing();
    world.at(60_010);

    let to_bob = world.expect_to(&BOB).request("BYE").uri(&BOB.uri());
    let to_bob = to_bob
        .header("From", talk.invite.get("From"))
        .header("To", talk.ok.get("To"))
        .header("Call-ID", talk.invite.get("Call-ID"))
        .header("CSeq", "2 BYE")
        .header("Max-Forwards", "70")
        .header(
            "Reason",
            r#"Q.850;cause=102;text="Call duration limit reached""#,
        )
        .lacks("Route");
    assert_eq!(to_bob.vias().len(), 1);
    assert!(to_bob.vias()[0].starts_with("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK"));

    let to_alice = world.expect_to(&ALICE).request("BYE").uri(&ALICE.uri());
    let to_alice = to_alice
        .header("From", &talk.answered.get("To"))
        .header("To", talk.invite.get("From"))
        .header("CSeq", "1 BYE")
        .lacks("Route");
    assert_ne!(to_alice.branch(), to_bob.branch());

    let ended = world.told().is(CallEventKind::Ended, 2);
    let ended = ended.ended(EndCause::MaxDuration, 60_000);
    assert_eq!(ended.detail, None);
    assert!(world.calls().is_empty());
    answer_both(&mut world, &to_alice, &to_bob);
    let stats = world.engine.stats();
    assert_eq!((stats.calls_ended_here, stats.calls_ended), (1, 1));
}

#[test]
fn a_limit_alone_makes_a_call_followed_and_keeps_it_on_the_path() {
    let mut world = World::with(|config| config.record_route = false);
    let talk = limited(&mut world, 5_000);
    assert_eq!(talk.at_callee.record_routes().len(), 1);
    talk.ack(&mut world);
    world.at(5_010);
    let to_bob = world.expect_to(&BOB).request("BYE");
    let to_alice = world.expect_to(&ALICE).request("BYE");
    answer_both(&mut world, &to_alice, &to_bob);
    world.expect_untold();
}

/// RFC 3261 section 17.1.2.2: Timers E and F.
#[test]
fn a_bye_is_repeated_until_it_is_answered_or_given_up() {
    let mut world = World::following();
    let talk = limited(&mut world, 1_000);
    talk.ack(&mut world);
    world.at(1_010);
    let to_bob = world.expect_to(&BOB).request("BYE");
    let to_alice = world.expect_to(&ALICE).request("BYE");
    world.receive(&BOB, &to_bob.reply(200));
    world.at(1_520);
    world.expect_nothing_to_bob_but_alice(&to_alice);
    world.at(40_000);
    assert_eq!(world.all_to(&ALICE).len(), 9);
    world.expect_nothing();
    assert_eq!(world.engine.followed_calls(), 0);
}

#[test]
fn an_order_ends_a_call_and_its_words_come_back() {
    let mut world = World::following();
    let talk = Talk::begin(&mut world, ALICE, BOB);
    let call = world.told().is(CallEventKind::Answered, 1).call;
    world.pass(7_000);
    world.terminate(call, "out of \"credit\"").unwrap();
    let to_bob = world.expect_to(&BOB).request("BYE");
    let to_bob = to_bob.header("Reason", r#"Q.850;cause=31;text="out of \"credit\"""#);
    let to_alice = world.expect_to(&ALICE).request("BYE");
    let ended = world.told().ended(EndCause::Terminated, 7_000);
    assert_eq!(ended.detail.as_deref(), Some("out of \"credit\""));
    assert!(world.terminate(call, "again").is_err());
    answer_both(&mut world, &to_alice, &to_bob);
    assert!(world.terminate(call, "and again").is_err());
    drop(talk);
}

#[test]
fn a_call_that_only_rings_is_not_ended_by_an_order() {
    let mut world = World::following();
    world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(180));
    world.expect_to(&ALICE).response(180);
    let call = world.told().is(CallEventKind::Progress, 1).call;
    assert!(world.terminate(call, "no").is_err());
    assert!(world.calls().is_empty());
    world.ignore_the_rest();
}

/// RFC 3261 section 15: the callee's side must not send BYE before the ACK has come.
#[test]
fn the_caller_gets_its_bye_once_it_has_acknowledged() {
    let mut world = World::following();
    let talk = limited(&mut world, 1_000);
    told_answered(&mut world);
    world.at(1_010);
    let to_bob = world.expect_to(&BOB).request("BYE");
    world.told().ended(EndCause::MaxDuration, 1_000);
    world.receive(&BOB, &to_bob.reply(200));
    world.expect_nothing_until(3_000);
    talk.ack(&mut world);
    let to_alice = world.expect_to(&ALICE).request("BYE");
    world.receive(&ALICE, &to_alice.reply(200));
    assert_eq!(world.engine.followed_calls(), 0);
}

/// RFC 3261 section 15: or after 64*T1.
#[test]
fn a_caller_that_never_acknowledges_gets_its_bye_after_64_t1() {
    let mut world = World::following();
    limited(&mut world, 1_000);
    told_answered(&mut world);
    world.at(1_010);
    let to_bob = world.expect_to(&BOB).request("BYE");
    world.receive(&BOB, &to_bob.reply(200));
    world.expect_nothing_until(31_990);
    world.at(32_020);
    let to_alice = world.expect_to(&ALICE).request("BYE");
    world.receive(&ALICE, &to_alice.reply(200));
}

/// RFC 3261 section 15.1.2: a BYE that crosses ours is passed on and answered as any other.
#[test]
fn a_bye_that_crosses_ours_is_passed_on() {
    let mut world = World::following();
    let talk = limited(&mut world, 1_000);
    talk.ack(&mut world);
    told_answered(&mut world);
    world.at(1_010);
    let to_bob = world.expect_to(&BOB).request("BYE");
    let to_alice = world.expect_to(&ALICE).request("BYE");
    world.told().ended(EndCause::MaxDuration, 1_000);
    let bye = talk.by_caller(&mut world, "BYE");
    world.receive(&ALICE, &bye);
    let copy = world.expect_to(&BOB).request("BYE");
    assert_ne!(copy.branch(), to_bob.branch());
    world.receive(&BOB, &to_bob.reply(200));
    world.receive(&BOB, &copy.reply(481));
    world.expect_to(&ALICE).response(481);
    world.receive(&ALICE, &to_alice.reply(481));
    world.expect_untold();
    assert_eq!(world.engine.followed_calls(), 0);
}

#[test]
fn a_call_whose_bye_is_under_way_is_ended_at_its_limit_all_the_same() {
    let mut world = World::following();
    let talk = limited(&mut world, 2_000);
    talk.ack(&mut world);
    told_answered(&mut world);
    world.at(1_990);
    let bye = talk.by_caller(&mut world, "BYE");
    world.receive(&ALICE, &bye);
    let copy = world.expect_to(&BOB).request("BYE");
    world.at(2_010);
    // The number is beyond that of the caller's own BYE.
    let to_bob = world.expect_to(&BOB).request("BYE").header("CSeq", "3 BYE");
    let to_alice = world.expect_to(&ALICE).request("BYE");
    world.told().ended(EndCause::MaxDuration, 2_000);
    world.receive(&BOB, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
    answer_both(&mut world, &to_alice, &to_bob);
    world.expect_untold();
}

#[test]
fn responses_to_our_bye_end_here_and_forged_ones_mean_nothing() {
    let mut world = World::following();
    let talk = limited(&mut world, 1_000);
    talk.ack(&mut world);
    world.at(1_010);
    let to_bob = world.expect_to(&BOB).request("BYE");
    let to_alice = world.expect_to(&ALICE).request("BYE");
    let stray = world.engine.stats().responses_stray;
    let other_method = to_bob.reply(200).set("CSeq", "2 INFO");
    world.receive(&BOB, &other_method);
    let other_host = to_bob.vias()[0].replace("192.0.2.1:5060", "192.0.2.9:5060");
    world.receive(&BOB, &to_bob.reply(200).set("Via", other_host));
    assert_eq!(world.engine.stats().responses_stray, stray + 2);
    assert_eq!(world.engine.followed_calls(), 1);
    world.receive(&BOB, &to_bob.reply(100));
    world.receive(&BOB, &to_bob.reply(407));
    world.receive(&ALICE, &to_alice.reply(500));
    assert_eq!(world.engine.followed_calls(), 0);
}

#[test]
fn a_bye_that_can_not_be_delivered_is_given_up() {
    let mut world = World::following();
    let talk = limited(&mut world, 1_000);
    talk.ack(&mut world);
    world.at(1_010);
    let to_bob = world.expect_to(&BOB).request("BYE");
    let to_alice = world.expect_to(&ALICE).request("BYE");
    world.undeliverable(&to_bob.bytes);
    world.receive(&ALICE, &to_alice.reply(200));
    assert_eq!(world.engine.followed_calls(), 0);
}

impl World {
    /// Only the BYE to Alice was repeated.
    fn expect_nothing_to_bob_but_alice(&mut self, to_alice: &Seen) {
        let again = self.expect_to(&ALICE);
        again.same_as(to_alice);
        self.expect_nothing();
    }
}
