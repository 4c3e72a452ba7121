//! Documents in, launches out.

mod accepted;
mod execution;
mod properties;
mod redirection;
mod refusals;

use serde_json::Value;
use tidegate_schemas::RouteDocument;

use super::{Decision, Plan, Scope, compile};
use crate::address::Transport;
use crate::config::{Config, Listener};

/// Listens on UDP and TCP port 5060 of 192.0.2.1, in this order.
fn config() -> Config {
    let addr = "192.0.2.1:5060".parse().unwrap();
    Config::new(vec![
        Listener::new(Transport::Udp, addr),
        Listener::new(Transport::Tcp, addr),
    ])
}

fn document(value: Value) -> RouteDocument {
    serde_json::from_value(value).unwrap()
}

fn invite(config: &Config) -> Scope<'_> {
    Scope {
        request_uri: b"sip:own@example.com",
        ..Scope::of(config, true)
    }
}

fn decide(value: Value) -> Decision {
    compile(&document(value), &invite(&config())).unwrap()
}

fn plan(value: Value) -> Plan {
    match decide(value) {
        Decision::Route(plan) => plan,
        other => panic!("not a plan: {other:?}"),
    }
}
