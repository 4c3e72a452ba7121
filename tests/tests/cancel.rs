//! The caller hangs up while the application thinks.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use tidegate_tests::{Agent, Application, Proxy, Settings, serial, target};

#[test]
fn a_caller_that_hangs_up_while_the_application_thinks_is_answered_at_once() {
    let proxy = Proxy::with(&Settings {
        deadline_ms: 60_000,
        ..Settings::default()
    });
    let application = Application::connect(proxy.channel());
    let (mut caller, mut callee) = (Agent::udp(), Agent::udp());
    let invite = caller.request("INVITE", &proxy.uri("bob"));
    caller.send(&invite, proxy.sip());
    let _ = caller.expect_status(100);
    let question = application.expect_question();

    let began = Instant::now();
    caller.send(&invite.cancel(), proxy.sip());
    let mut answers = [caller.receive(), caller.receive()];
    answers.sort_by_key(tidegate_tests::Message::status);
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "nothing is waited for"
    );
    let [ok, terminated] = answers;
    assert_eq!((ok.status(), ok.cseq()), (Some(200), ("1", "CANCEL")));
    assert_eq!(
        (terminated.status(), terminated.cseq()),
        (Some(487), ("1", "INVITE"))
    );
    caller.send(&invite.ack(&terminated), proxy.sip());
    assert_eq!(
        application.expect("cancelled")["id"],
        question["id"],
        "the application is told"
    );

    // Its late answer has no effect: what the callee gets first is the next call.
    application.answer(&question, serial(&[target(&callee.uri("late"))]));
    let next = caller.request("INVITE", &proxy.uri("bob"));
    caller.send(&next, proxy.sip());
    application.decide(serial(&[target(&callee.uri("next"))]));
    let arrived = callee.expect_request("INVITE");
    assert_eq!(arrived.uri(), callee.uri("next"));
    callee.reply(&arrived, 200);
    assert_eq!(caller.expect_final().one("Call-ID"), next.header("Call-ID"));
}

#[test]
fn a_retransmitted_invite_is_asked_about_once() {
    let proxy = Proxy::start();
    let application = Application::connect(proxy.channel());
    let (mut caller, mut callee) = (Agent::udp(), Agent::udp());
    let invite = caller.request("INVITE", &proxy.uri("bob"));
    caller.send(&invite, proxy.sip());
    let trying = caller.expect_status(100);
    assert!(trying.tag("To").is_none());
    caller.send(&invite, proxy.sip());
    caller.wait_for_repeats(&trying, 2);
    let question = application.expect_question();
    application.answer(&question, serial(&[target(&callee.uri("bob"))]));
    let arrived = callee.expect_request("INVITE");
    callee.reply(&arrived, 486);
    assert_eq!(caller.expect_final().status(), Some(486));

    let other = caller.request("INVITE", &proxy.uri("carol"));
    caller.send(&other, proxy.sip());
    let next = application.expect_question();
    assert_eq!(next["request"]["call_id"], other.header("Call-ID"));
}

#[test]
fn a_caller_that_hangs_up_while_it_rings_gets_487_after_the_callee_ended() {
    let proxy = Proxy::start();
    let application = Application::connect(proxy.channel());
    let (mut caller, mut callee) = (Agent::udp(), Agent::udp());
    let invite = caller.request("INVITE", &proxy.uri("bob"));
    caller.send(&invite, proxy.sip());
    application.decide(serial(&[target(&callee.uri("bob"))]));
    let arrived = callee.expect_request("INVITE");
    callee.reply(&arrived, 180);
    let _ = caller.expect_status(100);
    let _ = caller.expect_status(180);
    let reason = "Q.850;cause=16;text=\"Terminated\"";
    caller.send(&invite.cancel().with("Reason", reason), proxy.sip());
    let ok = caller.expect_status(200);
    assert_eq!(ok.cseq(), ("1", "CANCEL"));
    let cancel = callee.expect_request("CANCEL");
    assert_eq!(cancel.one("Reason"), reason, "RFC 3326 section 2");
    callee.reply(&cancel, 200);
    callee.reply(&arrived, 487);
    let _ = callee.expect_request("ACK");
    let terminated = caller.expect_status(487);
    caller.send(&invite.ack(&terminated), proxy.sip());
}
