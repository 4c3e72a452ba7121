//! The examples are in order as they stand, and decide what they say.

#![allow(clippy::unwrap_used, reason = "what can't be set up fails the test")]

use std::path::PathBuf;

use reference_router::service::Service;
use reference_router::setup::Setup;
use reference_router::watch;
use routing_application::Answer;
use routing_application::{Application, Identity};
use serde_json::{Value, json};

fn example(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("../examples/reference-router").join(name)
}

async fn ask(name: &str, uri: &str, step: Option<&str>) -> Value {
    let current = watch::follow(&example(name)).unwrap();
    let service = Service::new(Identity::new("test"), Vec::new(), current).unwrap();
    let event = json!({
        "id": "00000001-00000002-00000003", "call": "c", "node": "edge", "deadline_ms": 5000,
        "attempt": 1, "reason": "new", "step": step,
        "source": {"transport": "udp", "ip": "192.0.2.1", "port": 5060,
                   "listener": "udp:192.0.2.2:5060"},
        "request": {"method": "INVITE", "uri": uri, "from": {"uri": "sip:alice@example.com"},
                    "to": {"uri": uri}, "call_id": "x", "cseq": 1, "headers": []},
    })
    .to_string();
    let event = serde_json::from_str(&event).unwrap();
    let answer = service.answer(&event).await;
    assert!(matches!(answer, Answer::Document(_)), "{answer:?}");
    serde_json::from_slice(&answer.into_json(event.id)).unwrap()
}

fn uris(document: &Value) -> Vec<&str> {
    let routes = document["routes"].as_array().unwrap();
    routes
        .iter()
        .map(|route| route["uri"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn all_are_in_order() {
    for name in ["lcr.toml", "did.toml", "prepaid.toml", "chain.toml"] {
        let setup = Setup::load(&example(name), None).map_err(|(error, _)| error.to_string());
        assert_eq!(setup.unwrap().warnings(), [""; 0], "{name}");
    }
}

#[tokio::test]
async fn the_cheapest_carrier_comes_first_also_for_a_ported_number() {
    let own = ask("lcr.toml", "sip:+4940123@example.com", None).await;
    assert_eq!(
        uris(&own),
        [
            "sip:004940123;npdi@beta.example.net",
            "sip:040123;npdi@gamma.example.net",
            "sip:+4940123;npdi@alpha.example.net",
        ]
    );
    let ported = ask("lcr.toml", "sip:+4930123456@example.com", None).await;
    assert_eq!(
        uris(&ported)[0],
        "sip:030123456;npdi;rn=+4919912345@gamma.example.net"
    );
    let blocked = ask("lcr.toml", "sip:+8821312@example.com", None).await;
    assert_eq!(blocked["reply"]["code"], 603);
}

#[tokio::test]
async fn a_number_of_our_own_rings_all_its_telephones() {
    let alice = ask("did.toml", "sip:+49301001@example.com", None).await;
    assert_eq!(alice["routing"], "parallel");
    assert_eq!(
        uris(&alice),
        ["sip:alice@127.0.0.1:5076", "sip:alice@example.com"]
    );
    let extension = ask("did.toml", "sip:+49302042@example.com", None).await;
    assert_eq!(uris(&extension), ["sip:42@127.0.0.1:5078"]);
    let other = ask("did.toml", "sip:+1@example.com", None).await;
    assert_eq!(other["reply"]["code"], 404);
}

#[tokio::test]
async fn a_step_of_the_chain_passes_on_what_it_does_not_decide() {
    let passed = ask("chain.toml", "sip:+49301001@example.com", Some("authorise")).await;
    assert_eq!(passed["action"], "pass");
    let routed = ask("chain.toml", "sip:+49301001@example.com", Some("routing")).await;
    assert_eq!(uris(&routed).len(), 2);
}
