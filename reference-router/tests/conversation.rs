//! Conversations with a proxy that is only a socket.

#![allow(clippy::unwrap_used, reason = "what can't be set up fails the test")]

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use bytes::BytesMut;
use reference_router::channel::{self, Settings};
use reference_router::watch::{self, Current};
use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_schemas::frame::{Decoder, Framing, encode};
use tidegate_schemas::message::Hello;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// An event that never comes fails the test instead of hanging it.
const PATIENCE: Duration = Duration::from_secs(20);

const FIRST: &str = "00000001-00000002-00000003";
const SECOND: &str = "00000001-00000002-00000004";

struct Scene {
    listener: TcpListener,
    rules: PathBuf,
    current: tokio::sync::watch::Receiver<Current>,
    stop: CancellationToken,
    router: JoinHandle<()>,
    _folder: TempDir,
}

impl Scene {
    async fn begin(framing: Framing) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let rules = folder.path().join("rules.toml");
        fs::write(&rules, reply_with(404)).unwrap();
        let current = watch::follow(&rules).unwrap();
        let stop = CancellationToken::new();
        let settings = Settings {
            proxy: listener.local_addr().unwrap().to_string(),
            framing,
            hello: Hello {
                version: "1.0".into(),
                name: "test".into(),
                token: Some("s3cret".into()),
                max_in_flight: Some(7),
                ..Hello::default()
            },
        };
        let router = tokio::spawn(channel::run(settings, current.clone(), stop.clone()));
        Self {
            listener,
            rules,
            current,
            stop,
            router,
            _folder: folder,
        }
    }

    async fn accept(&self, framing: Framing) -> Proxy {
        let (stream, _) = timeout(PATIENCE, self.listener.accept())
            .await
            .unwrap()
            .unwrap();
        Proxy {
            stream,
            framing,
            decoder: Decoder::detect(),
            input: BytesMut::new(),
        }
    }

    /// Writes the file and waits until the router has seen it.
    async fn rewrite(&mut self, text: &str) {
        self.current.mark_unchanged();
        fs::write(&self.rules, text).unwrap();
        timeout(PATIENCE, self.current.changed())
            .await
            .unwrap()
            .unwrap();
    }
}

struct Proxy {
    stream: TcpStream,
    framing: Framing,
    decoder: Decoder,
    input: BytesMut,
}

impl Proxy {
    async fn send(&mut self, message: &Value) {
        let mut out = Vec::new();
        encode(self.framing, message.to_string().as_bytes(), &mut out);
        self.stream.write_all(&out).await.unwrap();
    }

    /// The next message; nothing when the router has closed the connection.
    async fn receive(&mut self) -> Option<Value> {
        loop {
            if let Some(frame) = self.decoder.next(&mut self.input).unwrap() {
                return Some(serde_json::from_slice(&frame).unwrap());
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.input)).await;
            if read.unwrap().unwrap() == 0 {
                return None;
            }
        }
    }

    async fn ask(&mut self, id: &str) -> Value {
        self.send(&question(id)).await;
        self.receive().await.unwrap()
    }
}

fn reply_with(code: u16) -> String {
    format!("[[rule]]\nname = \"all\"\nreply = {{ code = {code} }}\n")
}

fn question(id: &str) -> Value {
    json!({
        "type": "route", "version": "1.0", "id": id, "call": "c", "node": "edge",
        "deadline_ms": 1000, "attempt": 1, "reason": "new",
        "source": {"transport": "udp", "ip": "192.0.2.1", "port": 5060,
                   "listener": "udp:192.0.2.2:5060"},
        "request": {"method": "INVITE", "uri": "sip:102@example.com",
                    "from": {"uri": "sip:alice@example.com", "tag": "1"},
                    "to": {"uri": "sip:102@example.com"}, "call_id": "x", "cseq": 1,
                    "headers": [["Subject", "one"]]},
    })
}

#[tokio::test]
async fn hello_comes_first_and_says_who_is_there() {
    let scene = Scene::begin(Framing::Lines).await;
    let mut proxy = scene.accept(Framing::Lines).await;
    let hello = proxy.receive().await.unwrap();
    assert_eq!(
        hello,
        json!({"type": "hello", "version": "1.0", "name": "test", "token": "s3cret",
               "max_in_flight": 7})
    );
    assert_eq!(proxy.decoder.framing(), Some(Framing::Lines));
}

#[tokio::test]
async fn an_event_is_answered_under_its_id_in_either_framing() {
    for framing in [Framing::Lines, Framing::Netstring] {
        let scene = Scene::begin(framing).await;
        let mut proxy = scene.accept(framing).await;
        proxy.receive().await.unwrap();
        assert_eq!(proxy.decoder.framing(), Some(framing));
        proxy
            .send(&json!({"type": "hello", "version": "1.0", "name": "edge"}))
            .await;
        let answer = proxy.ask(FIRST).await;
        assert_eq!(answer["id"], FIRST);
        assert_eq!(answer["reply"], json!({"code": 404}));
        assert_eq!(proxy.ask(SECOND).await["id"], SECOND);
    }
}

#[tokio::test]
async fn a_change_of_the_file_changes_the_next_answer() {
    let mut scene = Scene::begin(Framing::Lines).await;
    let mut proxy = scene.accept(Framing::Lines).await;
    proxy.receive().await.unwrap();
    assert_eq!(proxy.ask(FIRST).await["reply"]["code"], 404);
    scene.rewrite(&reply_with(410)).await;
    assert_eq!(proxy.ask(SECOND).await["reply"]["code"], 410);
}

#[tokio::test]
async fn a_new_file_in_the_place_of_the_old_one_is_seen() {
    let mut scene = Scene::begin(Framing::Lines).await;
    let new = scene.rules.with_extension("new");
    scene.current.mark_unchanged();
    fs::write(&new, reply_with(410)).unwrap();
    fs::rename(&new, &scene.rules).unwrap();
    timeout(PATIENCE, scene.current.changed())
        .await
        .unwrap()
        .unwrap();
    let mut proxy = scene.accept(Framing::Lines).await;
    proxy.receive().await.unwrap();
    assert_eq!(proxy.ask(FIRST).await["reply"]["code"], 410);
}

#[tokio::test]
async fn a_broken_file_leaves_the_old_rules_in_force() {
    let mut scene = Scene::begin(Framing::Lines).await;
    let mut proxy = scene.accept(Framing::Lines).await;
    proxy.receive().await.unwrap();
    scene.rewrite("[[rule]]\n\nuser = 5\n").await;
    let problem = scene.current.borrow().problem.clone().unwrap().to_string();
    assert!(problem.contains("line 3"), "{problem}");
    assert_eq!(proxy.ask(FIRST).await["reply"]["code"], 404);
    scene.rewrite(&reply_with(410)).await;
    assert!(scene.current.borrow().problem.is_none());
    assert_eq!(proxy.ask(SECOND).await["reply"]["code"], 410);
}

#[tokio::test]
async fn a_ping_is_answered() {
    let scene = Scene::begin(Framing::Lines).await;
    let mut proxy = scene.accept(Framing::Lines).await;
    proxy.receive().await.unwrap();
    proxy.send(&json!({"type": "ping"})).await;
    assert_eq!(proxy.receive().await, Some(json!({"type": "pong"})));
}

#[tokio::test]
async fn a_lost_connection_is_made_anew_and_begins_with_hello() {
    let scene = Scene::begin(Framing::Lines).await;
    let mut first = scene.accept(Framing::Lines).await;
    first.receive().await.unwrap();
    drop(first);
    let mut broken = scene.accept(Framing::Lines).await;
    broken.receive().await.unwrap();
    broken
        .stream
        .write_all(&[b'{'; 2 * 1024 * 1024])
        .await
        .unwrap_or_default();
    let mut second = scene.accept(Framing::Lines).await;
    assert_eq!(second.receive().await.unwrap()["type"], "hello");
    assert_eq!(second.ask(FIRST).await["id"], FIRST);
}

#[tokio::test]
async fn who_leaves_says_so_and_answers_what_crossed() {
    let scene = Scene::begin(Framing::Lines).await;
    let mut proxy = scene.accept(Framing::Lines).await;
    proxy.receive().await.unwrap();
    scene.stop.cancel();
    assert_eq!(proxy.receive().await, Some(json!({"type": "drain"})));
    assert_eq!(proxy.ask(FIRST).await["id"], FIRST);
    assert_eq!(proxy.receive().await, None);
    timeout(PATIENCE, scene.router).await.unwrap().unwrap();
}
