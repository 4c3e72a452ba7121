//! Ends of calls whose peers vanished: probes (RFC 3261 section 12.2.1.2) and session timers
//! (RFC 4028).

use tidegate_schemas::call::EndCause;

use super::{Talk, following_with, told_answered};
use crate::support::{ALICE, BOB, Seen, World, serial};

/// Milliseconds of silence until the first probe.
const SILENCE: u64 = 120_000;

/// A call in which nothing was heard for so long that both sides are asked.
fn probed() -> (World, Talk, Seen, Seen) {
    let mut world = World::following();
    let talk = Talk::begin(&mut world, ALICE, BOB);
    told_answered(&mut world);
    world.expect_nothing_until(SILENCE - 10);
    world.at(SILENCE + 10);
    let to_alice = world.expect_to(&ALICE).request("OPTIONS");
    let to_bob = world.expect_to(&BOB).request("OPTIONS");
    (world, talk, to_alice, to_bob)
}

/// RFC 3261 section 12.2.2: the number is not lower than the last, and takes none.
#[test]
fn after_silence_both_sides_are_asked_with_the_number_that_they_know() {
    let (mut world, talk, to_alice, to_bob) = probed();
    let to_bob = to_bob
        .uri(&BOB.uri())
        .header("From", talk.invite.get("From"))
        .header("To", talk.ok.get("To"))
        .header("CSeq", "1 OPTIONS");
    let to_alice = to_alice.uri(&ALICE.uri()).header("CSeq", "0 OPTIONS");
    world.receive(&ALICE, &to_alice.reply(200));
    world.receive(&BOB, &to_bob.reply(405));
    world.expect_untold();
    world.expect_nothing_until(2 * SILENCE);
    world.at(2 * SILENCE + 20);
    assert_eq!(world.all_to(&ALICE).len(), 1);
    assert_eq!(world.all_to(&BOB).len(), 1);
    world.ignore_the_rest();
}

#[test]
fn a_side_that_does_not_know_the_call_ends_it_and_the_other_gets_a_bye() {
    for status in [404, 408, 481] {
        let (mut world, _, to_alice, to_bob) = probed();
        world.receive(&ALICE, &to_alice.reply(200));
        world.receive(&BOB, &to_bob.reply(status));
        let bye = world.expect_to(&ALICE).request("BYE");
        let bye = bye.header("Reason", r#"Q.850;cause=41;text="The other side is gone""#);
        world.told().ended(EndCause::PeerGone, SILENCE);
        world.receive(&ALICE, &bye.reply(200));
        assert_eq!(world.engine.followed_calls(), 0);
        world.expect_nothing();
    }
}

/// RFC 3261 section 17.1.2.2: Timer F.
#[test]
fn a_side_that_does_not_answer_is_gone() {
    let (mut world, _, to_alice, _) = probed();
    world.receive(&ALICE, &to_alice.reply(200));
    world.at(SILENCE + 31_980);
    world.all_to(&BOB);
    world.expect_untold();
    world.at(SILENCE + 32_040);
    let bye = world.expect_to(&ALICE).request("BYE");
    world.receive(&ALICE, &bye.reply(200));
    world.told().ended(EndCause::PeerGone, SILENCE + 32_000);
}

#[test]
fn a_probe_that_can_not_be_delivered_is_tried_once_more() {
    let (mut world, _, to_alice, to_bob) = probed();
    world.receive(&ALICE, &to_alice.reply(200));
    world.undeliverable(&to_bob.bytes);
    world.expect_untold();
    world.at(2 * SILENCE + 30);
    let to_bob = world.expect_to(&BOB).request("OPTIONS");
    let to_alice = world.expect_to(&ALICE).request("OPTIONS");
    world.receive(&ALICE, &to_alice.reply(200));
    world.undeliverable(&to_bob.bytes);
    let bye = world.expect_to(&ALICE).request("BYE");
    world.receive(&ALICE, &bye.reply(200));
    world.told().ended(EndCause::PeerGone, 2 * SILENCE + 20);
}

#[test]
fn a_call_in_which_something_is_heard_is_not_probed() {
    let mut world = World::following();
    let talk = Talk::begin(&mut world, ALICE, BOB);
    world.at(100_000);
    let info = talk.by_callee(&mut world, "INFO");
    world.receive(&BOB, &info);
    let copy = world.expect_to(&ALICE).request("INFO");
    world.receive(&ALICE, &copy.reply(200));
    world.expect_to(&BOB).response(200);
    world.expect_nothing_until(100_000 + SILENCE - 10);
    world.at(100_000 + SILENCE + 10);
    // The callee's own requests have begun at 7.
    world.expect_to(&ALICE).header("CSeq", "7 OPTIONS");
    world.expect_to(&BOB).header("CSeq", "1 OPTIONS");
    talk.caller_hangs_up_unseen(&mut world);
}

#[test]
fn no_probe_is_sent_where_none_is_wanted() {
    let mut world = following_with(|config| config.calls.probe_ms = None);
    let talk = Talk::begin(&mut world, ALICE, BOB);
    world.expect_nothing_until(3_000_000);
    talk.caller_hangs_up(&mut world, 200);
    assert_eq!(world.engine.stats().probes, 0);
}

/// RFC 4028 section 10: a session that is not refreshed by its end is over.
#[test]
fn a_session_that_nobody_refreshes_is_ended() {
    let mut world = following_with(|config| config.calls.probe_ms = None);
    let invite = world.invite(&ALICE);
    let headers = [("Session-Expires", "90;refresher=uac")];
    let talk = Talk::of(&mut world, (ALICE, BOB), invite, serial(&[&BOB]), &headers);
    talk.ack(&mut world);
    told_answered(&mut world);
    world.expect_nothing_until(89_990);
    world.at(90_010);
    let to_bob = world.expect_to(&BOB).request("BYE");
    let to_bob = to_bob.header("Reason", r#"Q.850;cause=102;text="Session expired""#);
    let to_alice = world.expect_to(&ALICE).request("BYE");
    world.receive(&BOB, &to_bob.reply(200));
    world.receive(&ALICE, &to_alice.reply(200));
    world.told().ended(EndCause::SessionExpired, 90_000);
}

/// RFC 4028 section 8.2: every refresh begins the interval anew, one without Session-Expires ends it.
#[test]
fn a_refresh_keeps_the_session_alive() {
    let mut world = following_with(|config| config.calls.probe_ms = None);
    let invite = world.invite(&ALICE);
    let headers = [("Session-Expires", "90;refresher=uac")];
    let talk = Talk::of(&mut world, (ALICE, BOB), invite, serial(&[&BOB]), &headers);
    talk.ack(&mut world);
    let mut refresh = |at: u64, expires: Option<&str>| {
        world.at(at);
        let update = talk.by_caller(&mut world, "UPDATE");
        world.receive(&ALICE, &update);
        let copy = world.expect_to(&BOB).request("UPDATE");
        let ok = copy.reply(200);
        let ok = match expires {
            Some(value) => ok.with("Session-Expires", value),
            None => ok,
        };
        world.receive(&BOB, &ok);
        world.expect_to(&ALICE).response(200);
    };
    refresh(80_000, Some("90;refresher=uac"));
    refresh(160_000, None);
    world.expect_nothing_until(1_000_000);
    talk.caller_hangs_up(&mut world, 200);
}

impl Talk {
    /// The caller hangs up while other messages are under way.
    fn caller_hangs_up_unseen(&self, world: &mut World) {
        let bye = self.by_caller(world, "BYE");
        world.receive(&self.caller, &bye);
        let copy = world.expect_to(&self.callee).request("BYE");
        world.receive(&self.callee, &copy.reply(200));
        world.ignore_the_rest();
    }
}
