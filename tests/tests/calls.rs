//! Calls by the hundred: SIPp on both sides, and the node.js example that decides each of them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use tidegate_tests::{Agent, Callee, Caller, Outcome, Proxy, Router, Settings, calls, free_port};

const RATE: u32 = 500;

#[test]
fn calls_over_udp_that_the_node_example_routes_all_succeed() {
    route_all_calls(false, false);
}

#[test]
fn calls_over_tcp_that_the_node_example_routes_all_succeed() {
    route_all_calls(true, true);
}

#[test]
fn calls_from_udp_to_a_callee_on_tcp_all_succeed() {
    route_all_calls(false, true);
}

#[test]
fn calls_from_tcp_to_a_callee_on_udp_all_succeed() {
    route_all_calls(true, false);
}

#[test]
fn a_fork_gives_each_call_to_the_callee_that_answers_and_cancels_the_one_that_rings() {
    let proxy = Proxy::start();
    let (answers, rings) = (
        Callee::start("callee", false),
        Callee::start("ringing-callee", false),
    );
    let _router = node(&proxy, &rings.uri(), &answers.uri());
    let outcome = Caller::start("caller", proxy.sip(), "101", false, 200, 100).finish();
    assert_all_succeeded(&outcome, 200);
    assert_eq!(
        rings.finished_calls(200),
        200,
        "each ringing call was cancelled and acknowledged"
    );
}

#[test]
fn a_callee_without_a_free_line_is_followed_by_the_next() {
    let proxy = Proxy::start();
    let (full, free) = (
        Callee::start("unavailable", false),
        Callee::start("callee", false),
    );
    let _router = node(&proxy, &full.uri(), &free.uri());
    let outcome = Caller::start("caller", proxy.sip(), "201", false, 200, 100).finish();
    assert_all_succeeded(&outcome, 200);
    assert_eq!(full.finished_calls(200), 200, "each 503 was acknowledged");
}

#[test]
fn a_silent_callee_is_followed_by_the_next() {
    let proxy = Proxy::start();
    let (silent, free) = (Agent::udp(), Callee::start("callee", false));
    let _router = node(&proxy, &format!("sip:{}", silent.local()), &free.uri());
    let outcome = Caller::start("caller", proxy.sip(), "201", false, 50, 50).finish();
    assert_all_succeeded(&outcome, 50);
}

#[test]
fn a_dead_callee_is_followed_by_the_next() {
    for transport in ["udp", "tcp"] {
        let proxy = Proxy::start();
        let dead = format!("sip:127.0.0.1:{};transport={transport}", free_port());
        let free = Callee::start("callee", false);
        let _router = node(&proxy, &dead, &free.uri());
        let outcome = Caller::start("caller", proxy.sip(), "201", false, 200, 100).finish();
        assert_all_succeeded(&outcome, 200);
    }
}

#[test]
fn an_application_written_for_kamailio_routes_unchanged() {
    let proxy = Proxy::with(&Settings {
        dialect: "kamailio",
        ..Settings::default()
    });
    let callee = Callee::start("callee", false);
    let target = callee.uri().replace("sip:", "");
    let _router = Router::node(
        "tests/load/kamailio-router.js",
        proxy.channel(),
        &[("TARGET", target)],
    );
    let outcome = Caller::start("caller", proxy.sip(), "bob", false, 200, 200).finish();
    assert_all_succeeded(&outcome, 200);
}

fn route_all_calls(caller_tcp: bool, callee_tcp: bool) {
    let proxy = Proxy::start();
    let callee = Callee::start("callee", callee_tcp);
    let _router = node(&proxy, &callee.uri(), "sip:127.0.0.1:9");
    let outcome = Caller::start("caller", proxy.sip(), "bob", caller_tcp, calls(), RATE).finish();
    assert_all_succeeded(&outcome, calls());
}

fn node(proxy: &Proxy, target: &str, second: &str) -> Router {
    Router::example(proxy.channel(), &[target, second])
}

fn assert_all_succeeded(outcome: &Outcome, calls: u32) {
    assert_eq!(
        *outcome,
        Outcome {
            succeeded: calls,
            failed: 0,
            traces: None
        }
    );
}
