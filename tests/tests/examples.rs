//! The routing applications in `examples/`, each over each channel that it speaks, beside the real
//! proxy: all behave alike.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::net::{Ipv4Addr, SocketAddr};

use tidegate_tests::{
    Agent, Callee, Caller, Language, Outcome, Proxy, Router, Settings, free_port,
};

/// The behaviours that every example has on every channel.
macro_rules! examples {
    ($($name:ident: $language:ident over $channel:ident;)*) => { $(mod $name {
        use super::*;

        fn bench() -> Bench {
            Bench::new(Language::$language, Channel::$channel)
        }

        #[test]
        fn a_call_goes_to_the_target_in_its_line_of_the_table() {
            route_a_call(&bench());
        }

        #[test]
        fn an_unknown_number_is_refused_with_404() {
            refuse_an_unknown_number(&bench());
        }

        #[test]
        fn a_dead_first_target_is_followed_by_the_second() {
            fail_over(&bench());
        }

        #[test]
        fn the_billing_hook_hears_what_becomes_of_a_call() {
            bill(&bench());
        }

        #[test]
        fn when_one_is_killed_in_mid_load_the_next_takes_over() {
            take_over(&bench(), |dying| dying.kill());
        }

        #[test]
        fn on_sigterm_it_answers_what_it_was_asked_and_ends_well() {
            take_over(&bench(), |leaving| {
                leaving.terminate();
                assert!(leaving.wait_for_end().success());
            });
        }
    })* };
}

examples! {
    node_over_tcp: Node over Tcp;
    node_over_websocket: Node over WebSocket;
    node_over_websocket_dialled_by_the_proxy: Node over WebSocketDialled;
    node_over_http: Node over Http;
    python_over_tcp: Python over Tcp;
    python_over_websocket: Python over WebSocket;
    python_over_http: Python over Http;
    go_over_tcp: Go over Tcp;
    go_over_http: Go over Http;
}

fn route_a_call(bench: &Bench) {
    let (mut first, second) = (Agent::udp(), Agent::udp());
    let _router = bench.start(0, [&uri(&first), &uri(&second)]);
    assert_eq!(bench.call("bob", &mut first), Some(200));
}

fn refuse_an_unknown_number(bench: &Bench) {
    let mut phone = Agent::udp();
    let _router = bench.start(0, [&uri(&phone), &uri(&phone)]);
    assert_eq!(bench.refused("4930123456"), Some(404));
    assert_eq!(bench.refused("900"), Some(403));
    phone.expect_nothing_so_far();
}

fn fail_over(bench: &Bench) {
    let mut second = Agent::udp();
    let dead = format!("sip:127.0.0.1:{}", free_port());
    let _router = bench.start(0, [&dead, &uri(&second)]);
    assert_eq!(bench.call("201", &mut second), Some(200));
}

fn bill(bench: &Bench) {
    let mut first = Agent::udp();
    let router = bench.start(0, [&uri(&first), &uri(&first)]);
    assert_eq!(bench.call("201", &mut first), Some(200));
    let ended = router.log().wait_for("ended: sip:caller@");
    assert!(ended.contains("to sip:201@"), "{ended}");
    assert!(ended.contains("tariff failover"), "{ended}");
    assert!(ended.contains("caller_hung_up"), "{ended}");
    let _ = router.log().wait_for("answered: sip:caller@");
    assert_eq!(bench.refused("900"), Some(403));
    let _ = router.log().wait_for("failed: sip:caller@");
}

fn take_over(bench: &Bench, leave: impl FnOnce(&mut Router)) {
    let callee = Callee::start("callee", false);
    let targets = [&*callee.uri(), &callee.uri()];
    let mut leaving = bench.start(0, targets);
    let _staying = bench.start(1, targets);
    let caller = Caller::start("caller", bench.proxy.sip(), "bob", false, 200, 100);
    caller.wait_for(50);
    leave(&mut leaving);
    assert_eq!(
        caller.finish(),
        Outcome {
            succeeded: 200,
            failed: 0,
            traces: None
        }
    );
}

/// How an example and the proxy find each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Channel {
    /// The application dials in.
    Tcp,
    /// The application dials in.
    WebSocket,
    /// The proxy dials the application.
    WebSocketDialled,
    /// The proxy posts to the application.
    Http,
}

const TOKEN: &str = "not-for-strangers";

/// A proxy with places for two applications.
struct Bench {
    language: Language,
    channel: Channel,
    proxy: Proxy,
    /// Where the proxy finds the applications; or they it, in the first.
    places: [SocketAddr; 2],
}

impl Bench {
    fn new(language: Language, channel: Channel) -> Self {
        let places = [(); 2].map(|()| SocketAddr::from((Ipv4Addr::LOCALHOST, free_port())));
        let both = |scheme| application(0, scheme, places[0]) + &application(1, scheme, places[1]);
        let token = format!("token = \"{TOKEN}\"\n");
        let more = match channel {
            // It stands behind the listener that every test has.
            Channel::Tcp => token,
            Channel::WebSocket => format!(
                "[[routing.listen]]\ntransport = \"websocket\"\naddress = \"{}\"\n{token}",
                places[0]
            ),
            Channel::WebSocketDialled => both("ws"),
            Channel::Http => both("http"),
        };
        let settings = Settings {
            more,
            ..Settings::default()
        };
        Self {
            language,
            channel,
            proxy: Proxy::with(&settings),
            places,
        }
    }

    /// Starts the first (0) or the second (1) application; returns when the proxy may ask it.
    fn start(&self, which: usize, targets: [&str; 2]) -> Router {
        let place = self.places[which].to_string();
        let tcp = self.proxy.channel().to_string();
        let websocket = format!("ws://{}", self.places[0]);
        let mut arguments = match self.channel {
            Channel::Tcp => vec!["tcp", "--proxy", &tcp],
            Channel::WebSocket => vec!["websocket", "--proxy", &websocket],
            Channel::WebSocketDialled => vec!["websocket", "--listen", &place],
            Channel::Http => vec!["http", "--listen", &place],
        };
        let name = format!("example-{which}");
        arguments.extend(["--name", &name]);
        arguments.extend(["--first", targets[0], "--second", targets[1]]);
        let router = Router::example_in(self.language, &arguments, TOKEN);
        let connected = |line: &str| line.contains("application connected") && line.contains(&name);
        let _ = self.proxy.log().wait_after(0, connected);
        router
    }

    /// A call of `user` that `callee` takes and the caller hangs up; what it was answered with.
    fn call(&self, user: &str, callee: &mut Agent) -> Option<u16> {
        let mut caller = Agent::udp();
        let invite = caller.request("INVITE", &self.proxy.uri(user));
        caller.send(&invite, self.proxy.sip());
        let arrived = callee.expect_request("INVITE");
        assert_eq!(arrived.uri(), callee.uri(user));
        let routed_by = format!("examples/{}", self.language.name());
        assert_eq!(arrived.one("X-Routed-By"), routed_by);
        callee.reply(&arrived, 200);
        let answer = caller.expect_final();
        caller.send(&invite.in_dialog("ACK", 1, &answer), self.proxy.sip());
        let _ = callee.expect_request("ACK");
        caller.send(&invite.in_dialog("BYE", 2, &answer), self.proxy.sip());
        let bye = callee.expect_request("BYE");
        callee.reply(&bye, 200);
        assert_eq!(caller.expect_final().status(), Some(200));
        answer.status()
    }

    /// What a call of `user` is refused with.
    fn refused(&self, user: &str) -> Option<u16> {
        let mut caller = Agent::udp();
        let invite = caller.request("INVITE", &self.proxy.uri(user));
        caller.send(&invite, self.proxy.sip());
        let refusal = caller.expect_final();
        caller.send(&invite.ack(&refusal), self.proxy.sip());
        refusal.status()
    }
}

fn uri(phone: &Agent) -> String {
    format!("sip:{}", phone.local())
}

fn application(which: usize, scheme: &str, place: SocketAddr) -> String {
    format!(
        "[[routing.application]]\nname = \"example-{which}\"\nurl = \"{scheme}://{place}\"\ntoken = \"{TOKEN}\"\n"
    )
}
