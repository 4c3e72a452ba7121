//! Applications come and go under load, over every channel and in both directions of dialling: no
//! call fails.
//!
//! `tests/load/swap` is the same with 20,000 calls at 1000 a second and a release build.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_tests::{Admin, Callee, Caller, Proxy, Router, Settings, free_port};

#[test]
fn while_applications_are_added_drained_killed_and_replaced_no_call_fails() {
    let (calls, rate) = (number("TIDEGATE_CALLS", 3000), number("TIDEGATE_RATE", 200));
    let mut stage = Stage::new();
    stage.start("alpha", Way::TcpDialsIn);
    let caller = Caller::start("caller", stage.proxy.sip(), "bob", false, calls, rate);
    stage.began = Instant::now();
    for (i, (what, act)) in STORY.iter().enumerate() {
        let share = (u64::from(calls) * (i as u64 + 1)) / (STORY.len() as u64 + 1);
        stage.wait_until_asked(share);
        act(&mut stage);
        stage.note(what);
    }
    let (outcome, resent) = caller.finish_counting();
    stage.report(&format!(
        "{} calls succeeded, {} failed, {resent} messages were sent again",
        outcome.succeeded, outcome.failed
    ));
    outcome.assert_all(calls);
    stage.assert_that_all_had_their_share();
}

type Act = fn(&mut Stage);

/// Evenly spread over the load.
const STORY: [(&str, Act); 17] = [
    ("beta is added: asked over HTTP", |it| {
        it.start("beta", Way::HttpAsked);
    }),
    ("gamma is added: WebSocket, dialled by the proxy", |it| {
        it.start("gamma", Way::WebSocketDialled);
    }),
    ("alpha is killed", |it| it.kill("alpha")),
    ("delta dials in: WebSocket", |it| {
        it.start("delta", Way::WebSocketDialsIn);
    }),
    ("beta is drained, ends, and is removed", |it| {
        it.drain("beta");
        it.kill("beta");
        it.remove("beta");
    }),
    ("epsilon is added: TCP, dialled by the proxy", |it| {
        it.start("epsilon", Way::TcpDialled);
    }),
    ("gamma is killed and comes back", |it| {
        it.kill("gamma");
        it.restart("gamma");
    }),
    ("zeta is added over HTTP as a canary of 20 %", |it| {
        it.start("zeta", Way::HttpAsked);
        it.change("zeta", &json!({"canary": 20}));
    }),
    ("zeta is promoted, delta is killed", |it| {
        it.order("POST", "zeta", "/promote", &Value::Null);
        it.kill("delta");
    }),
    ("epsilon gets five times the weight", |it| {
        it.change("epsilon", &json!({"weight": 5}));
    }),
    ("zeta is killed while it is asked over HTTP", |it| {
        it.kill("zeta")
    }),
    ("alpha dials in again", |it| it.restart("alpha")),
    ("alpha freezes", |it| it.running["alpha"].freeze()),
    ("zeta comes back", |it| it.restart("zeta")),
    ("epsilon is removed without a word", |it| {
        it.remove("epsilon");
        it.kill("epsilon");
    }),
    ("alpha thaws", |it| {
        it.running["alpha"].thaw();
        it.wait_until_up("alpha");
    }),
    ("gamma is killed", |it| it.kill("gamma")),
];

/// A channel, and who dials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    TcpDialsIn,
    TcpDialled,
    WebSocketDialsIn,
    WebSocketDialled,
    HttpAsked,
}

struct Stage {
    proxy: Proxy,
    callee: Callee,
    websocket: SocketAddr,
    running: BTreeMap<&'static str, Router>,
    known: BTreeMap<&'static str, (Way, u16)>,
    /// Questions that each got, as far as that was looked at.
    asked: BTreeMap<&'static str, u64>,
    began: Instant,
    notes: Vec<String>,
}

impl Stage {
    fn new() -> Self {
        let websocket = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let proxy = Proxy::with(&Settings {
            more: format!(
                "[[routing.listen]]\ntransport = \"websocket\"\naddress = \"{websocket}\"\n\
                 [[routing.pool]]\nname = \"all\"\neject = {{ pause_ms = 300, max_pause_ms = 600 }}\n"
            ),
            ..Settings::default()
        });
        Self {
            proxy,
            callee: Callee::start("callee", false),
            websocket,
            running: BTreeMap::new(),
            known: BTreeMap::new(),
            asked: BTreeMap::new(),
            began: Instant::now(),
            notes: Vec::new(),
        }
    }

    /// Starts an application that was not there before, and waits until it can be asked.
    fn start(&mut self, name: &'static str, way: Way) {
        let port = match way {
            Way::TcpDialsIn => self.proxy.channel().port(),
            Way::WebSocketDialsIn => self.websocket.port(),
            Way::TcpDialled | Way::WebSocketDialled | Way::HttpAsked => free_port(),
        };
        self.known.insert(name, (way, port));
        self.run(name);
        let place = |scheme: &str| format!("{scheme}://127.0.0.1:{port}");
        let application = match way {
            Way::TcpDialsIn | Way::WebSocketDialsIn => Value::Null,
            Way::TcpDialled => json!({"name": name, "url": place("tcp"), "framing": "lines"}),
            Way::WebSocketDialled => json!({"name": name, "url": place("ws")}),
            Way::HttpAsked => json!({"name": name, "url": place("http")}),
        };
        if !application.is_null() {
            self.admin().order("POST", "/v1/applications", &application);
        }
        self.wait_until_up(name);
    }

    /// Starts one again that was killed.
    fn restart(&mut self, name: &'static str) {
        self.run(name);
        self.wait_until_up(name);
    }

    fn run(&mut self, name: &'static str) {
        let (way, port) = self.known[name];
        let (channel, direction) = match way {
            Way::TcpDialsIn => ("tcp", "dial"),
            Way::TcpDialled => ("tcp", "listen"),
            Way::WebSocketDialsIn => ("websocket", "dial"),
            Way::WebSocketDialled => ("websocket", "listen"),
            Way::HttpAsked => ("http", "listen"),
        };
        let target = self.callee.uri().replace("sip:", "");
        let arguments = [channel, direction, &port.to_string()];
        self.running
            .insert(name, Router::of_load(name, &arguments, &target));
    }

    fn wait_until_up(&self, name: &str) {
        self.admin().wait_for(name, |it| it["state"] == "up");
    }

    fn kill(&mut self, name: &'static str) {
        self.remember(name);
        self.running.remove(name).expect("a running one").kill();
    }

    fn drain(&self, name: &str) {
        self.admin().ctl(&["drain", name, "--wait"]);
    }

    fn change(&self, name: &str, change: &Value) {
        self.order("PATCH", name, "", change);
    }

    fn remove(&mut self, name: &'static str) {
        self.remember(name);
        self.order("DELETE", name, "", &Value::Null);
    }

    fn order(&self, method: &str, name: &str, what: &str, body: &Value) {
        let path = format!("/v1/applications/{name}{what}");
        self.admin().order(method, &path, body);
    }

    /// One that dialled in is forgotten when it is gone.
    fn remember(&mut self, name: &'static str) {
        let application = self.admin().application(name);
        let asked = application["counts"]["asked"].as_u64().unwrap_or_default();
        let most = self.asked.entry(name).or_default();
        *most = asked.max(*most);
    }

    fn admin(&self) -> Admin {
        self.proxy.admin()
    }

    fn wait_until_asked(&self, times: u64) {
        let deadline = Instant::now() + Duration::from_secs(120);
        while self.admin().counter("routing", "asked") < times {
            assert!(Instant::now() < deadline, "no {times} questions");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn note(&mut self, what: &str) {
        let at = self.began.elapsed().as_secs_f64();
        let asked = self.admin().counter("routing", "asked");
        self.notes
            .push(format!("{at:6.1} s {asked:6} asked  {what}"));
    }

    fn report(&self, outcome: &str) {
        println!("{}\n{outcome}", self.notes.join("\n"));
        for group in ["engine", "routing", "channels"] {
            println!("{group}: {}", self.admin().counters(group));
        }
        println!("{}", self.admin().ctl(&["applications"]));
    }

    /// Each was in the game: else nothing was shown.
    fn assert_that_all_had_their_share(&mut self) {
        let names: Vec<_> = self.known.keys().copied().collect();
        for name in names {
            self.remember(name);
            assert!(self.asked[name] > 0, "{name} was never asked");
        }
    }
}

fn number(variable: &str, otherwise: u32) -> u32 {
    let said = std::env::var(variable).ok();
    said.map_or(otherwise, |text| text.parse().expect("a number"))
}
