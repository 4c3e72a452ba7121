//! Parallel and serial forking, message by message.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use serde_json::json;
use tidegate_tests::{
    Agent, Application, Message, Proxy, Request, free_port, parallel, serial, target,
};

#[test]
fn the_first_answer_wins_and_the_others_are_cancelled_as_soon_as_they_have_rung() {
    let (proxy, application) = start();
    let (mut caller, mut a, mut b, mut c) =
        (Agent::udp(), Agent::udp(), Agent::udp(), Agent::udp());
    let invite = call(&caller, &proxy);
    application.decide(parallel(&[
        target(&a.uri("a")),
        target(&b.uri("b")),
        target(&c.uri("c")),
    ]));

    let (to_a, to_b, to_c) = (
        a.expect_request("INVITE"),
        b.expect_request("INVITE"),
        c.expect_request("INVITE"),
    );
    assert_ne!(to_a.branch(), to_b.branch());
    assert_ne!(to_b.branch(), to_c.branch());
    a.reply(&to_a, 180);
    let _ = caller.expect_status(100);
    let _ = caller.expect_status(180);
    b.reply(&to_b, 200);
    let answer = caller.expect_status(200);
    caller.send(&invite.in_dialog("ACK", 1, &answer), proxy.sip());
    let _ = b.expect_request("ACK");

    end_cancelled(&mut a, &to_a);
    c.expect_nothing_so_far();
    c.reply(&to_c, 180);
    end_cancelled(&mut c, &to_c);
}

#[test]
fn a_603_ends_the_search_and_is_what_the_caller_gets() {
    let (proxy, application) = start();
    let (mut caller, mut a, mut b) = (Agent::udp(), Agent::udp(), Agent::udp());
    let invite = call(&caller, &proxy);
    application.decide(parallel(&[target(&a.uri("a")), target(&b.uri("b"))]));
    let (to_a, to_b) = (a.expect_request("INVITE"), b.expect_request("INVITE"));
    b.reply(&to_b, 180);
    let _ = caller.expect_status(100);
    let _ = caller.expect_status(180);
    a.reply(&to_a, 603);
    let _ = a.expect_request("ACK");
    end_cancelled(&mut b, &to_b);
    let refusal = caller.expect_status(603);
    caller.send(&invite.ack(&refusal), proxy.sip());
}

#[test]
fn after_503_silence_and_refusal_the_next_target_gets_the_call() {
    let (proxy, application) = start();
    let (mut caller, mut full, mut silent, mut good) =
        (Agent::udp(), Agent::udp(), Agent::udp(), Agent::udp());
    let began = Instant::now();
    let invite = call(&caller, &proxy);
    application.decide(serial(&[
        target(&full.uri("a")),
        json!({"uri": silent.uri("b"), "fr_timer": 300}),
        target(&format!("sip:c@127.0.0.1:{}", free_port())),
        target(&format!("sip:d@127.0.0.1:{};transport=tcp", free_port())),
        target(&good.uri("e")),
    ]));
    let first = full.expect_request("INVITE");
    full.reply(&first, 503);
    let _ = full.expect_request("ACK");
    let second = silent.expect_request("INVITE");
    let last = good.expect_request("INVITE");
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "a refused connection costs no timer"
    );
    let branches = [first.branch(), second.branch(), last.branch()];
    assert!(branches[0] != branches[1] && branches[1] != branches[2] && branches[0] != branches[2]);
    good.reply(&last, 200);
    let answer = caller.expect_final();
    assert_eq!(answer.status(), Some(200));
    caller.send(&invite.in_dialog("ACK", 1, &answer), proxy.sip());
    let _ = good.expect_request("ACK");
}

#[test]
fn a_busy_callee_ends_a_serial_search() {
    let (proxy, application) = start();
    let (mut caller, mut busy, mut next) = (Agent::udp(), Agent::udp(), Agent::udp());
    let _ = call(&caller, &proxy);
    application.decide(serial(&[target(&busy.uri("a")), target(&next.uri("b"))]));
    let invite = busy.expect_request("INVITE");
    busy.reply(&invite, 486);
    assert_eq!(caller.expect_final().status(), Some(486));
    next.expect_nothing_so_far();
}

#[test]
fn exhausted_routes_are_asked_about_with_what_was_tried() {
    let (proxy, application) = start();
    let (mut caller, mut first, mut second) = (Agent::udp(), Agent::udp(), Agent::udp());
    let _ = call(&caller, &proxy);
    let question = application.expect_question();
    application.answer(
        &question,
        json!({"routes": [target(&first.uri("a"))], "on_exhausted": {"action": "ask"}, "context": "round 1"}),
    );
    let invite = first.expect_request("INVITE");
    first.reply(&invite, 503);

    let again = application.expect_question();
    assert_ne!(again["id"], question["id"]);
    assert_eq!(again["call"], question["call"]);
    assert_eq!(
        (&again["attempt"], &again["reason"]),
        (&json!(2), &json!("exhausted"))
    );
    assert_eq!(again["context"], json!("round 1"));
    assert_eq!(again["attempts"][0]["target"], json!(first.uri("a")));
    assert_eq!(again["attempts"][0]["code"], json!(503));
    application.answer(&again, serial(&[target(&second.uri("b"))]));
    let invite = second.expect_request("INVITE");
    second.reply(&invite, 200);
    assert_eq!(caller.expect_final().status(), Some(200));
}

#[test]
fn headers_of_a_target_belong_to_that_target_alone() {
    let (proxy, application) = start();
    let (caller, mut a, mut b) = (Agent::udp(), Agent::udp(), Agent::udp());
    let invite = caller
        .request("INVITE", &proxy.uri("bob"))
        .with("X-Secret", "s")
        .with("x-Kept", "k");
    caller.send(&invite, proxy.sip());
    application.decide(parallel(&[
        json!({"uri": a.uri("a"), "headers": {
            "set": {"P-Asserted-Identity": "<sip:1@example.com>"}, "remove": ["X-Secret"],
            "append": [["X-B", "1"], ["X-B", "2"]], "extra": "X-E: e\r\n"}}),
        target(&b.uri("b")),
    ]));
    let (to_a, to_b) = (a.expect_request("INVITE"), b.expect_request("INVITE"));
    assert_eq!(to_a.one("P-Asserted-Identity"), "<sip:1@example.com>");
    assert_eq!(to_a.all("X-B"), ["1", "2"]);
    assert_eq!((to_a.one("X-E"), to_a.one("x-Kept")), ("e", "k"));
    assert!(to_a.header("X-Secret").is_none());
    assert_eq!(to_b.one("X-Secret"), "s");
    for name in ["P-Asserted-Identity", "X-B", "X-E"] {
        assert!(to_b.header(name).is_none(), "{to_b}");
    }
}

fn start() -> (Proxy, Application) {
    let proxy = Proxy::start();
    let application = Application::connect(proxy.channel());
    (proxy, application)
}

fn call(caller: &Agent, proxy: &Proxy) -> Request {
    let invite = caller.request("INVITE", &proxy.uri("bob"));
    caller.send(&invite, proxy.sip());
    invite
}

/// The branch is cancelled, and says so as a user agent does.
fn end_cancelled(callee: &mut Agent, invite: &Message) {
    let cancel = callee.expect_request("CANCEL");
    assert_eq!(
        (cancel.branch(), cancel.uri()),
        (invite.branch(), invite.uri())
    );
    assert_eq!(cancel.cseq(), (invite.cseq().0, "CANCEL"));
    callee.reply(&cancel, 200);
    callee.reply(invite, 487);
    let ack = callee.expect_request("ACK");
    assert_eq!(ack.branch(), invite.branch());
}
