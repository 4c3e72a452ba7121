//! Applications that die, hang, lie, or are not there: the caller gets a final answer all the same.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use serde_json::json;
use tidegate_tests::{
    Agent, Application, Callee, Caller, PATIENCE, Proxy, Request, Router, Settings, calls, serial,
    target,
};

#[test]
fn with_a_second_application_the_death_of_the_first_in_mid_load_costs_no_call() {
    let proxy = Proxy::start();
    let callee = Callee::start("callee", false);
    let mut dying = Router::example(proxy.channel(), &[&callee.uri()]);
    let _living = Router::example(proxy.channel(), &[&callee.uri()]);
    let caller = Caller::start("caller", proxy.sip(), "bob", false, calls(), 500);
    caller.wait_for(calls() / 4);
    dying.kill();
    caller.finish().assert_all(calls());
}

#[test]
fn without_a_second_application_every_call_gets_a_final_answer_when_the_first_dies() {
    let proxy = Proxy::start();
    let callee = Callee::start("callee", false);
    let mut dying = Router::example(proxy.channel(), &[&callee.uri()]);
    let caller = Caller::start("any-outcome", proxy.sip(), "bob", false, calls(), 500);
    caller.wait_for(calls() / 4);
    dying.kill();
    caller.finish().assert_all(calls());
}

#[test]
fn what_a_dead_application_held_is_asked_again_at_once() {
    let (proxy, mut caller, mut callee) = patient();
    let one = Application::connect(proxy.channel());
    let two = Application::connect(proxy.channel());
    let _ = call(&caller, &proxy);
    let (holder, other) = whoever_is_asked(one, two);
    holder.vanish();
    other.decide(serial(&[target(&callee.uri("bob"))]));
    let arrived = callee.expect_request("INVITE");
    callee.reply(&arrived, 200);
    assert_eq!(caller.expect_final().status(), Some(200));
}

#[test]
fn a_silent_application_costs_only_its_share_of_the_time() {
    let proxy = Proxy::with(&Settings {
        deadline_ms: 2000,
        ..Settings::default()
    });
    let (mut caller, mut callee) = (Agent::udp(), Agent::udp());
    let one = Application::connect(proxy.channel());
    let two = Application::connect(proxy.channel());
    let _ = call(&caller, &proxy);
    let (_silent, other) = whoever_is_asked(one, two);
    other.decide(serial(&[target(&callee.uri("bob"))]));
    let arrived = callee.expect_request("INVITE");
    callee.reply(&arrived, 200);
    assert_eq!(caller.expect_final().status(), Some(200));
}

#[test]
fn with_no_application_the_caller_gets_503_with_retry_after_at_once() {
    let (proxy, mut caller, _) = patient();
    let began = Instant::now();
    let invite = call(&caller, &proxy);
    let refusal = caller.expect_final();
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "nothing is waited for"
    );
    assert_eq!(refusal.status(), Some(503));
    assert!(refusal.one("Retry-After").parse::<u32>().unwrap() > 0);
    assert!(refusal.tag("To").is_some());
    caller.send(&invite.ack(&refusal), proxy.sip());
}

#[test]
fn an_application_that_never_answers_leaves_a_503_at_the_deadline() {
    let proxy = Proxy::with(&Settings {
        deadline_ms: 500,
        ..Settings::default()
    });
    let application = Application::connect(proxy.channel());
    let mut caller = Agent::udp();
    let began = Instant::now();
    let _ = call(&caller, &proxy);
    let _ = application.expect_question();
    let refusal = caller.expect_final();
    assert_eq!(refusal.status(), Some(503));
    assert!(
        began.elapsed() >= Duration::from_millis(450),
        "the deadline was not waited for"
    );
}

#[test]
fn the_static_document_decides_when_no_application_is_there() {
    let mut callee = Agent::udp();
    let document = format!(
        "document = {{ routes = [ {{ uri = \"{}\" }} ] }}",
        callee.uri("night")
    );
    let proxy = Proxy::with(&Settings {
        more: format!("[routing.fallback]\n{document}"),
        ..Settings::default()
    });
    let mut caller = Agent::udp();
    let _ = call(&caller, &proxy);
    let arrived = callee.expect_request("INVITE");
    assert_eq!(arrived.uri(), callee.uri("night"));
    callee.reply(&arrived, 200);
    assert_eq!(caller.expect_final().status(), Some(200));
}

#[test]
fn a_document_that_can_not_be_honoured_is_refused_with_a_pointer() {
    let (proxy, mut caller, mut callee) = patient();
    let application = Application::connect(proxy.channel());
    let _ = call(&caller, &proxy);
    let question = application.expect_question();
    let forged = json!({"routes": [
        {"uri": callee.uri("bob"), "headers": {"set": {"Call-ID": "mine"}}}]});
    application.answer(&question, forged);
    let error = application.expect("error");
    assert_eq!(
        (&error["id"], &error["code"]),
        (&question["id"], &json!("invalid_document"))
    );
    let pointer = error["pointer"].as_str().unwrap();
    assert!(pointer.starts_with("/routes/0/headers/set"), "{error}");
    assert!(caller.expect_final().status().unwrap() >= 500);
    callee.expect_nothing_so_far();
}

#[test]
fn nonsense_from_an_application_harms_nobody_else() {
    let (proxy, mut caller, mut callee) = patient();
    let good = Application::connect(proxy.channel());
    for nonsense in [
        &b"\xff\xfe\x00garbage\n"[..],
        b"99999999999:{",
        b"{\"type\":\"hello\",\"version\":\"1.0\",\"name\":\"x\"}\n{\"id\":",
        b"{\"routes\":[{}],\"id\":\"00000000-00000000-00000000\"}\n[[[[[[[[\n",
    ] {
        use std::io::Write as _;
        let mut stream = std::net::TcpStream::connect(proxy.channel()).unwrap();
        stream.write_all(nonsense).unwrap();
    }
    let _ = call(&caller, &proxy);
    good.decide(serial(&[target(&callee.uri("bob"))]));
    let arrived = callee.expect_request("INVITE");
    callee.reply(&arrived, 200);
    assert_eq!(caller.expect_final().status(), Some(200));
}

#[test]
fn an_answer_split_anywhere_is_taken() {
    let (proxy, mut caller, mut callee) = patient();
    let application = Application::connect(proxy.channel());
    let _ = call(&caller, &proxy);
    let question = application.expect_question();
    let mut document = serial(&[target(&callee.uri("bob"))]);
    document["id"] = question["id"].clone();
    for byte in format!("{document}\n").bytes() {
        application.send_bytes(&[byte]);
    }
    let arrived = callee.expect_request("INVITE");
    callee.reply(&arrived, 200);
    assert_eq!(caller.expect_final().status(), Some(200));
}

/// With a deadline that no test waits for, so that only what happens at once passes.
fn patient() -> (Proxy, Agent, Agent) {
    let proxy = Proxy::with(&Settings {
        deadline_ms: 60_000,
        ..Settings::default()
    });
    (proxy, Agent::udp(), Agent::udp())
}

/// The one of two applications that has a question, which is left unanswered, and the other.
fn whoever_is_asked(one: Application, two: Application) -> (Application, Application) {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if one.question_within(Duration::from_millis(10)).is_some() {
            return (one, two);
        }
        if two.question_within(Duration::from_millis(10)).is_some() {
            return (two, one);
        }
    }
    panic!("no application was asked");
}

fn call(caller: &Agent, proxy: &Proxy) -> Request {
    let invite = caller.request("INVITE", &proxy.uri("bob"));
    caller.send(&invite, proxy.sip());
    invite
}
