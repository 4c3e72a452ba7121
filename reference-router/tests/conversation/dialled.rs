//! Proxies that the router dials over TCP.

use bytes::BytesMut;
use routing_application::channel::dial::{self, Settings};
use serde_json::{Value, json};
use tidegate_schemas::frame::{Decoder, Framing, encode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::scene::{FIRST, PATIENCE, SECOND, Scene, question, reply_with};

struct Dialled {
    scene: Scene,
    listener: TcpListener,
    router: JoinHandle<()>,
}

impl Dialled {
    async fn begin(framing: Framing) -> Self {
        Self::of(
            Scene::with_files(&reply_with(404), &[], Some("s3cret")),
            framing,
        )
        .await
    }

    async fn of(scene: Scene, framing: Framing) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = tokio::spawn(dial(&scene, &address.to_string(), framing));
        Self {
            scene,
            listener,
            router,
        }
    }

    async fn accept(&self, framing: Framing) -> Proxy {
        let accepted = timeout(PATIENCE, self.listener.accept()).await;
        Proxy::new(accepted.unwrap().unwrap().0, framing)
    }
}

fn dial(scene: &Scene, proxy: &str, framing: Framing) -> impl Future<Output = ()> + use<> {
    let settings = Settings {
        proxy: proxy.parse().unwrap(),
        framing,
        tls: Default::default(),
    };
    dial::run(settings, scene.host.clone(), scene.stop.clone())
}

pub(crate) struct Proxy {
    stream: TcpStream,
    framing: Framing,
    decoder: Decoder,
    input: BytesMut,
}

impl Proxy {
    pub(crate) fn new(stream: TcpStream, framing: Framing) -> Self {
        Self {
            stream,
            framing,
            decoder: Decoder::detect(),
            input: BytesMut::new(),
        }
    }

    /// How the router tells messages apart, once it has sent one.
    pub(crate) fn framing_seen(&self) -> Option<Framing> {
        self.decoder.framing()
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        let mut out = Vec::new();
        encode(self.framing, message.to_string().as_bytes(), &mut out);
        self.stream.write_all(&out).await.unwrap();
    }

    /// The next message; nothing when the router has closed the connection.
    pub(crate) async fn receive(&mut self) -> Option<Value> {
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

    pub(crate) async fn ask(&mut self, id: &str) -> Value {
        self.send(&question(id)).await;
        self.receive().await.unwrap()
    }
}

#[tokio::test]
async fn hello_comes_first_and_says_who_is_there() {
    let scene = Dialled::begin(Framing::Lines).await;
    let mut proxy = scene.accept(Framing::Lines).await;
    let hello = proxy.receive().await.unwrap();
    assert_eq!(
        hello,
        json!({"type": "hello", "version": "1.0", "name": "test", "token": "s3cret",
               "release": "7.1",
               "max_in_flight": 7})
    );
    assert_eq!(proxy.decoder.framing(), Some(Framing::Lines));
}

#[tokio::test]
async fn an_event_is_answered_under_its_id_in_either_framing() {
    for framing in [Framing::Lines, Framing::Netstring] {
        let scene = Dialled::begin(framing).await;
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
    let mut scene = Dialled::begin(Framing::Lines).await;
    let mut proxy = scene.accept(Framing::Lines).await;
    proxy.receive().await.unwrap();
    assert_eq!(proxy.ask(FIRST).await["reply"]["code"], 404);
    scene.scene.rewrite("router.toml", &reply_with(410)).await;
    assert_eq!(proxy.ask(SECOND).await["reply"]["code"], 410);
}

#[tokio::test]
async fn a_new_file_in_the_place_of_the_old_one_is_seen() {
    let mut scene = Dialled::begin(Framing::Lines).await;
    let replace = |scene: &Scene| {
        std::fs::write(scene.file("new"), reply_with(410)).unwrap();
        std::fs::rename(scene.file("new"), scene.file("router.toml")).unwrap();
    };
    scene.scene.changed(replace).await;
    let mut proxy = scene.accept(Framing::Lines).await;
    proxy.receive().await.unwrap();
    assert_eq!(proxy.ask(FIRST).await["reply"]["code"], 410);
}

#[tokio::test]
async fn a_broken_file_leaves_the_old_rules_in_force() {
    let mut scene = Dialled::begin(Framing::Lines).await;
    let mut proxy = scene.accept(Framing::Lines).await;
    proxy.receive().await.unwrap();
    scene
        .scene
        .rewrite("router.toml", "[[rule]]\n\nuser = 5\n")
        .await;
    let problem = scene.scene.problem().unwrap();
    assert!(problem.contains("line 3"), "{problem}");
    assert_eq!(proxy.ask(FIRST).await["reply"]["code"], 404);
    scene.scene.rewrite("router.toml", &reply_with(410)).await;
    assert_eq!(scene.scene.problem(), None);
    assert_eq!(proxy.ask(SECOND).await["reply"]["code"], 410);
}

#[tokio::test]
async fn a_ping_is_answered() {
    let scene = Dialled::begin(Framing::Lines).await;
    let mut proxy = scene.accept(Framing::Lines).await;
    proxy.receive().await.unwrap();
    proxy.send(&json!({"type": "ping"})).await;
    assert_eq!(proxy.receive().await, Some(json!({"type": "pong"})));
}

#[tokio::test]
async fn a_lost_connection_is_made_anew_and_begins_with_hello() {
    let scene = Dialled::begin(Framing::Lines).await;
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
    let scene = Dialled::begin(Framing::Lines).await;
    let mut proxy = scene.accept(Framing::Lines).await;
    proxy.receive().await.unwrap();
    scene.scene.stop.cancel();
    assert_eq!(proxy.receive().await, Some(json!({"type": "drain"})));
    assert_eq!(proxy.ask(FIRST).await["id"], FIRST);
    assert_eq!(proxy.receive().await, None);
    timeout(PATIENCE, scene.router).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_proxy_that_is_down_keeps_nobody_from_being_served() {
    let up = Dialled::begin(Framing::Lines).await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let down = tokio::spawn(dial(&up.scene, &address, Framing::Lines));
    let mut proxy = up.accept(Framing::Lines).await;
    proxy.receive().await.unwrap();
    assert_eq!(proxy.ask(FIRST).await["id"], FIRST);
    assert!(!down.is_finished());
    let late = TcpListener::bind(&address).await.unwrap();
    let accepted = timeout(PATIENCE, late.accept()).await.unwrap().unwrap();
    let mut proxy = Proxy::new(accepted.0, Framing::Lines);
    assert_eq!(proxy.receive().await.unwrap()["type"], "hello");
}

#[tokio::test]
async fn a_silent_proxy_is_asked_and_then_left() {
    let scene = Dialled::begin(Framing::Lines).await;
    let mut silent = scene.accept(Framing::Lines).await;
    silent.receive().await.unwrap();
    assert_eq!(silent.receive().await, Some(json!({"type": "ping"})));
    assert_eq!(silent.receive().await, None);
    let mut anew = scene.accept(Framing::Lines).await;
    assert_eq!(anew.receive().await.unwrap()["type"], "hello");
}

#[tokio::test]
async fn a_table_that_has_changed_is_read_and_a_broken_one_is_not_used() {
    let did = "[did]\nfile = \"did.csv\"";
    let files = [("did.csv", "number,uri\n+49301,sip:first@h")];
    let mut scene = Scene::with_files(did, &files, None);
    let dialled = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(dial(&scene, &address, Framing::Lines));
        listener.accept().await.unwrap().0
    };
    let mut proxy = Proxy::new(dialled, Framing::Lines);
    proxy.receive().await.unwrap();
    assert_eq!(proxy.ask(FIRST).await["routes"][0]["uri"], "sip:first@h");
    scene.rewrite("did.csv", "number,uri\n+49301,second").await;
    let problem = scene.problem().unwrap();
    assert!(problem.contains("did.csv line 2"), "{problem}");
    assert_eq!(proxy.ask(SECOND).await["routes"][0]["uri"], "sip:first@h");
    scene
        .rewrite("did.csv", "number,uri\n+49301,sip:second@h")
        .await;
    assert_eq!(proxy.ask(FIRST).await["routes"][0]["uri"], "sip:second@h");
}
