//! What tests of modules begin with.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::chain;
use crate::setup::Setup;

/// A configuration and its data files, in a directory of its own.
pub(crate) struct Fixture {
    directory: TempDir,
}

impl Fixture {
    pub(crate) fn new(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory }.file("router.toml", text)
    }

    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.directory.path().join(name), text).unwrap();
        self
    }

    pub(crate) fn load(&self) -> Setup {
        let loaded = Setup::load(&self.path(), None);
        loaded.unwrap_or_else(|(error, _)| panic!("{error}"))
    }

    pub(crate) fn refused(&self) -> String {
        Setup::load(&self.path(), None).unwrap_err().0.to_string()
    }

    /// The answer as JSON, also where it is an error.
    pub(crate) async fn ask(&self, question: &Question<'_>) -> Value {
        let setup = self.load();
        let json = question.to_json().to_string();
        let event = serde_json::from_str(&json).unwrap();
        let selection = setup.steps.for_event(question.step);
        let now = UNIX_EPOCH + Duration::from_secs(question.time);
        let answer = chain::decide(&setup, &selection, &event, now).await;
        serde_json::from_slice(&answer.into_json(event.id)).unwrap()
    }

    fn path(&self) -> std::path::PathBuf {
        Path::new(self.directory.path()).join("router.toml")
    }
}

/// A question, of which only what matters is said.
pub(crate) struct Question<'a> {
    pub(crate) from: &'a str,
    pub(crate) uri: &'a str,
    pub(crate) ip: &'a str,
    pub(crate) time: u64,
    pub(crate) step: Option<&'a str>,
    pub(crate) attributes: Value,
    pub(crate) headers: Value,
    pub(crate) attempts: Value,
}

impl Default for Question<'_> {
    fn default() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Self {
            from: "sip:alice@example.com",
            uri: "sip:102@example.com",
            ip: "192.0.2.1",
            time: now.as_secs(),
            step: None,
            attributes: Value::Null,
            headers: json!([]),
            attempts: json!([]),
        }
    }
}

impl Question<'_> {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "id": "00000001-00000002-00000003", "call": "c", "node": "edge", "deadline_ms": 1000,
            "attempt": 1, "reason": "new", "step": self.step, "attributes": self.attributes,
            "attempts": self.attempts,
            "source": {"transport": "udp", "ip": self.ip, "port": 5060,
                       "listener": "udp:192.0.2.2:5060"},
            "request": {"method": "INVITE", "uri": self.uri, "from": {"uri": self.from, "tag": "1"},
                        "to": {"uri": self.uri}, "call_id": "x", "cseq": 1,
                        "headers": self.headers},
        })
    }
}

/// An HTTP server that says just this, again and again: status, headers and body.
pub(crate) async fn answering_http(answer: &'static str) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let answer = format!(
                "HTTP/1.1 {}",
                answer.replacen("\r\n", "\r\nConnection: close\r\n", 1)
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    address
}
