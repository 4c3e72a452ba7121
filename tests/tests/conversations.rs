//! What the examples say to a proxy that the test plays itself, over TCP.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};
use tidegate_tests::{Language, PATIENCE, Router};

const LANGUAGES: [Language; 3] = [Language::Node, Language::Python, Language::Go];

const ID: &str = "5e1f9a02-00000007-000001c4";

#[test]
fn an_example_comes_back_after_a_lost_connection() {
    for language in LANGUAGES {
        let (lost, listener, router) = meet(language);
        drop(lost);
        let proxy = Proxy::greet(&listener);
        let _ = router
            .log()
            .wait_after(1, |line| line.contains("connected"));
        drop(proxy);
    }
}

#[test]
fn an_example_shows_its_secret_and_subscribes() {
    for language in LANGUAGES {
        let (proxy, _, _router) = meet(language);
        assert_eq!(proxy.hello["token"], "secret", "{language:?}");
        assert_eq!(
            proxy.hello["subscribe"],
            json!(["progress", "answered", "failed", "ended"])
        );
    }
}

#[test]
fn a_repeated_notification_is_acknowledged_and_billed_once() {
    for language in LANGUAGES {
        let (mut proxy, _, router) = meet(language);
        for (event_id, duration_ms) in [("e1", 1000), ("e1", 1000), ("e2", 2000)] {
            proxy.send(&ended(event_id, duration_ms));
            let ack = json!({"type": "ack", "event_id": event_id});
            assert_eq!(proxy.expect("ack"), ack, "{language:?}");
        }
        let _ = router.log().wait_for("2000 ms");
        let billed = router.log().text();
        assert_eq!(billed.matches("1000 ms").count(), 1, "{billed}");
    }
}

#[test]
fn a_ping_is_answered_and_so_is_a_question_that_makes_no_sense() {
    for language in LANGUAGES {
        let (mut proxy, _, _router) = meet(language);
        proxy.send(&json!({"type": "ping"}));
        let _ = proxy.expect("pong");
        proxy.send(&json!({"type": "route", "id": ID, "request": {"uri": 7}}));
        let error = proxy.expect("error");
        assert_eq!(error["id"], ID, "{language:?}");
        assert!(error["code"].is_string() && error["message"].is_string());
    }
}

#[test]
fn what_crosses_the_drain_is_still_answered() {
    for language in LANGUAGES {
        let (mut proxy, _, mut router) = meet(language);
        router.terminate();
        let _ = proxy.expect("drain");
        proxy.send(&json!({"type": "route", "id": ID, "request": {"uri": "sip:900@h"}}));
        let document = proxy.receive();
        assert_eq!(document["id"], ID, "{language:?}");
        assert_eq!(document["reply"]["code"], 403);
        proxy.send(&json!({"type": "pong"}));
        assert!(router.wait_for_end().success(), "{language:?}");
    }
}

/// The proxy's end of one connection.
struct Proxy {
    stream: TcpStream,
    lines: BufReader<TcpStream>,
    hello: Value,
}

impl Proxy {
    fn greet(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap());
        let mut proxy = Self {
            stream,
            lines,
            hello: Value::Null,
        };
        proxy.hello = proxy.expect("hello");
        proxy.send(&json!({"type": "hello", "version": "1.0", "name": "played"}));
        proxy
    }

    fn send(&mut self, message: &Value) {
        self.stream
            .write_all(format!("{message}\n").as_bytes())
            .unwrap();
    }

    /// The next message that is no sign of life.
    fn receive(&mut self) -> Value {
        loop {
            let mut line = String::new();
            self.lines.read_line(&mut line).unwrap();
            let message: Value = serde_json::from_str(&line).expect("a message");
            if message["type"] != "ping" {
                return message;
            }
        }
    }

    fn expect(&mut self, kind: &str) -> Value {
        let message = self.receive();
        assert_eq!(message["type"], kind, "{message}");
        message
    }
}

/// Starts an example and takes its connection.
fn meet(language: Language) -> (Proxy, TcpListener, Router) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let taking = std::thread::spawn(move || (Proxy::greet(&listener), listener));
    let router = Router::example_in(language, &["tcp", "--proxy", &address], "secret");
    let (proxy, listener) = taking.join().unwrap();
    (proxy, listener, router)
}

fn ended(event_id: &str, duration_ms: u64) -> Value {
    json!({
        "type": "call", "event_id": event_id, "seq": 2, "event": "ended", "call": "c", "node": "n",
        "time_ms": 1, "decided_by": "d", "call_id": "i", "from": "sip:a@h", "to": "sip:b@h",
        "uri": "sip:b@h", "code": 200, "reason": "OK", "setup_ms": 1, "duration_ms": duration_ms,
        "cause": "caller_hung_up"
    })
}
