//! The end of the process.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use tidegate_tests::{Agent, Application, Proxy, Settings, serial, target};

/// Transactions linger for 64 times T1; nobody shall wait half a minute for a test.
const SHORT: &str = "[sip.timers]\nt1 = 40\nt2 = 160\nt4 = 200";

#[test]
fn on_sigterm_a_ringing_call_is_still_answered_and_then_the_process_ends_well() {
    let mut proxy = short_lived();
    let application = Application::connect(proxy.channel());
    let (mut caller, mut callee) = (Agent::udp(), Agent::udp());
    let invite = caller.request("INVITE", &proxy.uri("bob"));
    caller.send(&invite, proxy.sip());
    application.decide(serial(&[target(&callee.uri("bob"))]));
    let arrived = callee.expect_request("INVITE");
    callee.reply(&arrived, 180);
    let _ = caller.expect_status(100);
    let _ = caller.expect_status(180);

    proxy.terminate();
    let _ = application.expect("drain");
    let mut late = Agent::udp();
    late.send(&late.request("INVITE", &proxy.uri("carol")), proxy.sip());
    assert_eq!(
        late.expect_final().status(),
        Some(503),
        "nothing new is begun"
    );
    callee.reply(&arrived, 200);
    let answer = caller.expect_status(200);
    caller.send(&invite.in_dialog("ACK", 1, &answer), proxy.sip());
    let _ = callee.expect_request("ACK");
    assert!(proxy.wait_for_end().success());
}

#[test]
fn on_sigterm_an_idle_proxy_ends() {
    let mut proxy = short_lived();
    proxy.terminate();
    assert!(proxy.wait_for_end().success());
}

#[test]
fn the_transactions_of_finished_calls_are_given_back() {
    let proxy = short_lived();
    let application = Application::connect(proxy.channel());
    let (mut caller, mut callee) = (Agent::udp(), Agent::udp());
    for round in 0..20 {
        let invite = caller.request("INVITE", &proxy.uri("bob"));
        caller.send(&invite, proxy.sip());
        application.decide(serial(&[target(&callee.uri(&round.to_string()))]));
        let arrived = callee.expect_request("INVITE");
        callee.reply(&arrived, 200);
        let answer = caller.expect_final();
        caller.send(&invite.in_dialog("ACK", 1, &answer), proxy.sip());
        let _ = callee.expect_request("ACK");
    }
    proxy.wait_for_counter("engine", "live", |live| live == 0);
}

fn short_lived() -> Proxy {
    Proxy::with(&Settings {
        more: SHORT.to_owned(),
        ..Settings::default()
    })
}
