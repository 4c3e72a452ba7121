//! A routing application that a test holds in its hand: newline-delimited JSON on the native channel.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::PATIENCE;

/// A connected application.
#[derive(Debug)]
pub struct Application {
    stream: TcpStream,
    inbox: Receiver<Value>,
}

impl Application {
    /// Dials in and says hello; returns when the proxy has said hello too.
    #[must_use]
    pub fn connect(channel: SocketAddr) -> Self {
        Self::connect_as(
            channel,
            &json!({"type": "hello", "version": "1.0", "name": "test"}),
        )
    }

    /// Dials in with this first message.
    #[must_use]
    pub fn connect_as(address: SocketAddr, hello: &Value) -> Self {
        let stream = TcpStream::connect(address).expect("the routing channel");
        stream.set_nodelay(true).unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        let (sender, inbox) = channel();
        std::thread::spawn(move || {
            for line in reader
                .lines()
                .map_while(Result::ok)
                .filter(|line| !line.is_empty())
            {
                let message = serde_json::from_str(&line).expect("JSON from the proxy");
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let application = Self { stream, inbox };
        application.send(hello);
        let _ = application.expect("hello");
        application
    }

    /// The next message, which must be of this type.
    #[must_use]
    pub fn expect(&self, kind: &str) -> Value {
        loop {
            let message = self
                .inbox
                .recv_timeout(PATIENCE)
                .expect("a message from the proxy");
            match message["type"].as_str() {
                Some("ping") if kind != "ping" => self.send(&json!({"type": "pong"})),
                Some(got) if got == kind => return message,
                _ => panic!("{kind} was to come, and this came: {message}"),
            }
        }
    }

    /// The next question.
    #[must_use]
    pub fn expect_question(&self) -> Value {
        self.expect("route")
    }

    /// The next question; `None` when none comes for so long.
    #[must_use]
    pub fn question_within(&self, patience: Duration) -> Option<Value> {
        self.within("route", patience)
    }

    /// The next question, whatever else the proxy says; `None` when none comes for so long.
    #[must_use]
    pub fn any_question_within(&self, patience: Duration) -> Option<Value> {
        loop {
            let message = self.inbox.recv_timeout(patience).ok()?;
            match message["type"].as_str() {
                Some("ping") => self.send(&json!({"type": "pong"})),
                Some("route") => return Some(message),
                _ => {}
            }
        }
    }

    /// Answers a question with a document.
    pub fn answer(&self, question: &Value, mut document: Value) {
        document["id"] = question["id"].clone();
        document["version"] = json!("1.0");
        self.send(&document);
    }

    /// Waits for a question and answers it.
    pub fn decide(&self, document: Value) {
        let question = self.expect_question();
        self.answer(&question, document);
    }

    /// Sends any message.
    pub fn send(&self, message: &Value) {
        self.send_bytes(format!("{message}\n").as_bytes());
    }

    /// Sends any bytes.
    pub fn send_bytes(&self, bytes: &[u8]) {
        (&self.stream).write_all(bytes).expect("bytes to leave");
    }

    fn within(&self, kind: &str, patience: Duration) -> Option<Value> {
        loop {
            let message = self.inbox.recv_timeout(patience).ok()?;
            match message["type"].as_str() {
                Some("ping") if kind != "ping" => self.send(&json!({"type": "pong"})),
                Some(got) if got == kind => return Some(message),
                _ => panic!("{kind} was to come, and this came: {message}"),
            }
        }
    }

    /// Goes away without a word.
    pub fn vanish(self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// A document that tries `routes` one after the other.
#[must_use]
pub fn serial(routes: &[Value]) -> Value {
    json!({"routing": "serial", "routes": routes})
}

/// A document that tries `routes` all at once.
#[must_use]
pub fn parallel(routes: &[Value]) -> Value {
    json!({"routing": "parallel", "routes": routes})
}

/// A route to this URI.
#[must_use]
pub fn target(uri: &str) -> Value {
    json!({"uri": uri})
}
