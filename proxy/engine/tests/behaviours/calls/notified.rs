//! What is told about calls, and to whom.

use serde_json::json;
use tidegate_engine::CallKinds;
use tidegate_schemas::call::{CallEventKind, EndCause};

use super::{Talk, told_answered};
use crate::support::{ALICE, BOB, CAROL, World, parallel, reply, serial};

#[test]
fn a_call_is_told_from_ringing_to_bye() {
    let mut world = World::following();
    let invite = world.call(&ALICE);
    let call = world.asked();
    world.pass(30);
    world.answer(json!({
        "routes": [{ "uri": BOB.uri(), "branch_flags": 8 }],
        "tags": { "account": "7" }, "context": "state" }));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.pass(70);
    for status in [180, 183] {
        world.receive(&BOB, &at_bob.reply(status));
        world.expect_to(&ALICE).response(status);
    }
    world.pass(900);
    let ok = at_bob.reply(200).set("Contact", format!("<{}>", BOB.uri()));
    world.receive(&BOB, &ok);
    let answered = world.expect_to(&ALICE).response(200);

    let progress = world.told().is(CallEventKind::Progress, 1);
    assert_eq!((progress.code, progress.setup_ms), (180, 100));
    let told = world.told().is(CallEventKind::Answered, 2);
    assert_eq!(told.call.slot(), call.slot());
    assert_eq!((told.code, told.setup_ms, told.at), (200, 1000, 1000));
    assert_eq!(told.decided_by, "router");
    assert_eq!(told.call_id, invite.get("Call-ID"));
    assert_eq!(told.from, "sip:alice@client.example");
    assert_eq!(told.to, "sip:bob@tide.example");
    assert_eq!(told.uri, "sip:bob@tide.example");
    assert_eq!(told.target, Some(BOB.uri()));
    assert_eq!(told.branch_flags, Some(8));
    assert_eq!(told.tags.as_deref(), Some(r#"{"account":"7"}"#));
    assert_eq!(told.context.as_deref(), Some("state"));
    assert_eq!(world.calls(), [told.call]);

    world.pass(5000);
    let bye = world.in_dialog("BYE", &invite, &answered);
    world.receive(&ALICE, &bye);
    let copy = world.expect_to(&BOB).request("BYE");
    world.pass(100);
    world.receive(&BOB, &copy.reply(200));
    world.expect_to(&ALICE).response(200);
    let ended = world.told().is(CallEventKind::Ended, 3);
    let ended = ended.ended(EndCause::CallerHungUp, 5000);
    assert_eq!((ended.code, ended.reason.as_str()), (200, "OK"));
    assert_eq!((ended.setup_ms, ended.target), (1000, Some(BOB.uri())));
    assert_eq!(ended.call, told.call);
    assert!(world.calls().is_empty());
    world.expect_untold();
}

#[test]
fn a_bye_of_the_callee_is_told_as_such() {
    let mut world = World::following();
    let talk = Talk::begin(&mut world, ALICE, BOB);
    told_answered(&mut world);
    world.pass(2000);
    let bye = talk.by_callee(&mut world, "BYE");
    world.receive(&BOB, &bye);
    let copy = world.expect_to(&ALICE).request("BYE");
    world.expect_untold();
    world.receive(&ALICE, &copy.reply(200));
    world.expect_to(&BOB).response(200);
    world.told().ended(EndCause::CalleeHungUp, 2000);
}

#[test]
fn a_call_that_is_refused_has_failed() {
    let mut world = World::following();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(486));
    world.expect_to(&BOB).request("ACK");
    let busy = world.expect_to(&ALICE).response(486);
    world.receive(&ALICE, &invite.ack(&busy));
    let failed = world.told().is(CallEventKind::Failed, 1);
    assert_eq!((failed.code, failed.reason.as_str()), (486, "Busy Here"));
    assert_eq!(failed.target, Some(BOB.uri()));
    assert_eq!((failed.duration_ms, failed.cause), (None, None));
    assert_eq!(world.engine.followed_calls(), 0);
}

#[test]
fn a_call_that_the_caller_gives_up_has_failed() {
    let mut world = World::following();
    let invite = world.call_routed(&ALICE, serial(&[&BOB]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    world.receive(&BOB, &at_bob.reply(180));
    world.expect_to(&ALICE).response(180);
    world.told().is(CallEventKind::Progress, 1);
    world.receive(&ALICE, &invite.cancel());
    world.expect_to(&ALICE).response(200);
    world.expect_to(&BOB).request("CANCEL");
    world.expect_untold();
    world.receive(&BOB, &at_bob.reply(487));
    world.expect_to(&BOB).request("ACK");
    let gone = world.expect_to(&ALICE).response(487);
    world.receive(&ALICE, &invite.ack(&gone));
    assert_eq!(world.told().is(CallEventKind::Failed, 2).code, 487);
    world.ignore_the_rest();
}

#[test]
fn what_is_answered_here_has_failed_without_a_target() {
    let mut world = World::following();
    let invite = world.call_routed(&ALICE, reply(402, "No Credit"));
    let refused = world.expect_to(&ALICE).response(402);
    world.receive(&ALICE, &invite.ack(&refused));
    let failed = world.told().is(CallEventKind::Failed, 1);
    assert_eq!((failed.code, failed.reason.as_str()), (402, "No Credit"));
    assert_eq!(
        (failed.target, failed.decided_by.as_str()),
        (None, "router")
    );

    let invite = world.call(&ALICE);
    world.unavailable();
    let refused = world.expect_to(&ALICE).response(503);
    world.receive(&ALICE, &invite.ack(&refused));
    let failed = world.told().is(CallEventKind::Failed, 1);
    assert_eq!(
        (failed.code, failed.decided_by.as_str()),
        (503, "no application")
    );
}

#[test]
fn what_is_dropped_has_failed_without_a_code() {
    let mut world = World::following();
    world.call_routed(&ALICE, json!({ "action": "drop" }));
    let failed = world.told().is(CallEventKind::Failed, 1);
    assert_eq!((failed.code, failed.reason.as_str()), (0, ""));
}

#[test]
fn nobody_is_told_who_does_not_ask() {
    let mut world = World::new();
    let talk = Talk::begin(&mut world, ALICE, BOB);
    assert_eq!(world.engine.followed_calls(), 0);
    talk.caller_hangs_up(&mut world, 200);
    world.expect_untold();
}

#[test]
fn only_what_is_asked_for_is_told_and_numbered() {
    let mut world = World::new();
    let ended: CallKinds = [CallEventKind::Ended].into_iter().collect();
    world.engine.follow_calls(ended);
    let talk = Talk::begin(&mut world, ALICE, BOB);
    world.expect_untold();
    talk.caller_hangs_up(&mut world, 200);
    world.told().is(CallEventKind::Ended, 1);
    world.expect_untold();
}

#[test]
fn a_document_may_rule_notifications_out() {
    let mut world = World::following();
    let document = json!({ "routes": [{ "uri": BOB.uri() }], "notify": [] });
    let talk = Talk::answered(&mut world, ALICE, BOB, document);
    assert_eq!(world.engine.followed_calls(), 0);
    talk.ack(&mut world);
    talk.caller_hangs_up(&mut world, 200);
    world.expect_untold();
}

#[test]
fn a_document_may_choose_among_notifications() {
    let mut world = World::following();
    let document = json!({ "routes": [{ "uri": BOB.uri() }], "notify": ["ended", "failed"] });
    let talk = Talk::answered(&mut world, ALICE, BOB, document);
    talk.ack(&mut world);
    world.expect_untold();
    talk.caller_hangs_up(&mut world, 200);
    world.told().is(CallEventKind::Ended, 1);
}

/// RFC 3261 section 16.6 step 4: who wants to know the end has to stay on the path.
#[test]
fn a_followed_call_leads_through_here_whatever_is_configured() {
    let mut world = super::following_with(|config| config.record_route = false);
    let talk = Talk::begin(&mut world, ALICE, BOB);
    assert_eq!(talk.at_callee.record_routes().len(), 1);
    talk.caller_hangs_up(&mut world, 200);
    told_answered(&mut world);
    world.told().is(CallEventKind::Ended, 2);
}

#[test]
fn a_call_that_does_not_lead_through_here_is_told_up_to_its_answer() {
    let mut world = World::following();
    let document = json!({ "routes": [{ "uri": BOB.uri() }], "record_route": false });
    Talk::answered(&mut world, ALICE, BOB, document);
    told_answered(&mut world);
    assert_eq!(world.engine.followed_calls(), 0);
    world.expect_untold();
}

#[test]
fn the_branch_that_answers_is_the_one_that_is_told() {
    let mut world = World::following();
    let invite = world.call_routed(&ALICE, parallel(&[&BOB, &CAROL]));
    let at_bob = world.expect_to(&BOB).request("INVITE");
    let at_carol = world.expect_to(&CAROL).request("INVITE");
    world.receive(&CAROL, &at_carol.reply(200));
    world.expect_to(&ALICE).response(200);
    assert_eq!(world.told().target, Some(CAROL.uri()));
    world.receive(&BOB, &at_bob.reply(486));
    world.expect_to(&BOB).request("ACK");
    drop(invite);
    world.expect_untold();
    world.ignore_the_rest();
}

#[test]
fn beyond_the_most_calls_none_is_followed_and_the_refusal_is_counted() {
    let mut world = super::following_with(|config| config.calls.max_calls = 1);
    let first = Talk::begin(&mut world, ALICE, BOB);
    told_answered(&mut world);
    let second = Talk::begin(&mut world, ALICE, CAROL);
    world.expect_untold();
    assert_eq!(world.engine.stats().calls_refused, 1);
    second.caller_hangs_up(&mut world, 200);
    first.caller_hangs_up(&mut world, 200);
    world.told().is(CallEventKind::Ended, 2);
}

#[test]
fn a_call_with_a_limit_that_could_not_be_kept_is_refused() {
    let mut world = super::following_with(|config| config.calls.max_calls = 0);
    let document = json!({ "routes": [{ "uri": BOB.uri() }], "max_call_ms": 1000 });
    let invite = world.call_routed(&ALICE, document);
    let refused = world.expect_to(&ALICE).response(503);
    world.receive(&ALICE, &invite.ack(&refused));
    assert!(world.engine.stats().calls_refused > 0);
}
