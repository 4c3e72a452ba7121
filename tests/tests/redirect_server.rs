//! A SIP redirect server in the place of a routing application.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use tidegate_tests::{Agent, Application, Proxy, Request, Settings, serial, target};

/// A proxy that asks `server`, and then the applications that dial in.
fn start(server: &Agent) -> Proxy {
    Proxy::with(&Settings {
        deadline_ms: 600,
        more: format!(
            r#"
[[routing.pool]]
name = "applications"

[[routing.pool]]
name = "redirect"

[[routing.application]]
name = "redirect server"
url = "sip:{}"
pool = "redirect"

[[routing.chain]]
name = "default"

[[routing.chain.step]]
ask = ["redirect", "applications"]
"#,
            server.local()
        ),
        ..Settings::default()
    })
}

fn call(caller: &Agent, proxy: &Proxy) -> Request {
    let invite = caller.request("INVITE", &proxy.uri("bob"));
    caller.send(&invite, proxy.sip());
    invite
}

#[test]
fn the_contacts_of_its_302_are_tried_by_their_q() {
    let (mut server, mut low, mut high) = (Agent::udp(), Agent::udp(), Agent::udp());
    let proxy = start(&server);
    let mut caller = Agent::udp();
    let invite = call(&caller, &proxy);
    let asked = server.expect_request("INVITE");
    assert_eq!(asked.uri(), proxy.uri("bob"));
    server.redirect(
        &asked,
        &[
            format!("<{}>;q=0.3", low.uri("low")),
            format!("<{}>;q=0.8", high.uri("high")),
        ],
    );
    let _ = server.expect_request("ACK");
    let first = high.expect_request("INVITE");
    assert_eq!(first.uri(), high.uri("high"));
    low.expect_nothing_so_far();
    high.reply(&first, 503);
    let _ = high.expect_request("ACK");
    let second = low.expect_request("INVITE");
    low.reply(&second, 200);
    let answer = caller.expect_final();
    assert_eq!(answer.status(), Some(200));
    caller.send(&invite.in_dialog("ACK", 1, &answer), proxy.sip());
    let _ = low.expect_request("ACK");
}

#[test]
fn what_it_refuses_is_refused() {
    let mut server = Agent::udp();
    let proxy = start(&server);
    let mut caller = Agent::udp();
    let invite = call(&caller, &proxy);
    let asked = server.expect_request("INVITE");
    server.reply(&asked, 603);
    let _ = server.expect_request("ACK");
    let refusal = caller.expect_final();
    assert_eq!(refusal.status(), Some(603));
    caller.send(&invite.ack(&refusal), proxy.sip());
}

#[test]
fn when_it_is_silent_the_next_application_is_asked() {
    let (server, mut callee) = (Agent::udp(), Agent::udp());
    let proxy = start(&server);
    let application = Application::connect(proxy.channel());
    let mut caller = Agent::udp();
    let invite = call(&caller, &proxy);
    application.decide(serial(&[target(&callee.uri("bob"))]));
    let arrived = callee.expect_request("INVITE");
    callee.reply(&arrived, 200);
    let answer = caller.expect_final();
    assert_eq!(answer.status(), Some(200));
    caller.send(&invite.in_dialog("ACK", 1, &answer), proxy.sip());
    let _ = callee.expect_request("ACK");
}
