//! Proxies that ask over HTTP.

use std::net::SocketAddr;

use reqwest::{Client, Response};
use routing_application::channel::http;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::scene::{FIRST, Scene, notification, question, reply_with};

pub(crate) struct Served {
    pub(crate) scene: Scene,
    pub(crate) address: SocketAddr,
    client: Client,
}

impl Served {
    pub(crate) async fn of(scene: Scene) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = http::serve(listener, scene.host.clone(), scene.stop.clone());
        tokio::spawn(serving);
        Self {
            scene,
            address,
            client: Client::new(),
        }
    }

    pub(crate) async fn post(&self, message: &Value) -> Response {
        let url = format!("http://{}/route", self.address);
        self.client.post(url).json(message).send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let url = format!("http://{}{path}", self.address);
        self.client
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_question_is_answered_with_its_document() {
    let served = Served::of(Scene::new(&reply_with(404))).await;
    let answer = served.post(&question(FIRST)).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/json");
    let document: Value = answer.json().await.unwrap();
    assert_eq!(document["id"], FIRST);
    assert_eq!(document["reply"]["code"], 404);
}

#[tokio::test]
async fn hello_and_ping_are_answered_and_drain_is_taken() {
    let served = Served::of(Scene::new(&reply_with(404))).await;
    let hello = served
        .post(&json!({"type": "hello", "version": "1.0", "name": "edge"}))
        .await;
    assert_eq!(
        hello.json::<Value>().await.unwrap(),
        json!({"type": "hello", "version": "1.0", "name": "test", "release": "7.1",
               "max_in_flight": 7})
    );
    let pong = served.post(&json!({"type": "ping"})).await;
    assert_eq!(pong.json::<Value>().await.unwrap(), json!({"type": "pong"}));
    assert_eq!(served.post(&json!({"type": "drain"})).await.status(), 204);
}

#[tokio::test]
async fn a_notification_that_nobody_needs_is_acknowledged() {
    let served = Served::of(Scene::new(&reply_with(404))).await;
    let ack = served.post(&notification("ended", "c", Some(1000))).await;
    assert_eq!(ack.status(), 200);
    assert_eq!(
        ack.json::<Value>().await.unwrap(),
        json!({"type": "ack", "event_id": "c-ended"})
    );
}

#[tokio::test]
async fn what_can_not_be_read_is_refused() {
    let served = Served::of(Scene::new(&reply_with(404))).await;
    for junk in [json!({}), json!([]), json!({"type": "route", "id": FIRST})] {
        let refused = served.post(&junk).await;
        assert_eq!(refused.status(), 400, "{junk}");
        let error: Value = refused.json().await.unwrap();
        assert_eq!(error["code"], "bad_message");
    }
    let half_event = json!({"type": "call", "event_id": "e", "call": "c"});
    assert_eq!(served.post(&half_event).await.status(), 400);
}

#[tokio::test]
async fn a_stranger_is_refused() {
    let scene = Scene::with_files(&reply_with(404), &[], Some("s3cret"));
    let served = Served::of(scene).await;
    assert_eq!(served.post(&question(FIRST)).await.status(), 401);
    let url = format!("http://{}/route", served.address);
    for (token, status) in [("s3cret", 200), ("s3creT", 401)] {
        let asking = served
            .client
            .post(&url)
            .bearer_auth(token)
            .json(&question(FIRST));
        assert_eq!(asking.send().await.unwrap().status(), status, "{token}");
    }
}

#[tokio::test]
async fn what_is_loaded_and_counted_can_be_seen() {
    let mut scene = Scene::new(&reply_with(404));
    scene.rewrite("router.toml", "[[rule]]").await;
    let served = Served::of(scene).await;
    served.post(&question(FIRST)).await;
    let health = served.get("/health").await;
    assert_eq!(health["status"], "old data");
    assert!(
        health["problem"].as_str().unwrap().contains("line 1"),
        "{health}"
    );
    assert_eq!(
        served.get("/data").await["modules"],
        json!({"rules": {"rules": 1}})
    );
    let counters = served.get("/counters").await;
    assert_eq!(
        (&counters["questions"], &counters["replies"]),
        (&json!(1), &json!(1))
    );
}

#[tokio::test]
async fn who_leaves_says_so_to_the_next_ping_and_answers_until_then() {
    let served = Served::of(Scene::new(&reply_with(404))).await;
    let hello = json!({"type": "hello", "version": "1.0", "name": "edge"});
    served.post(&hello).await;
    served.scene.stop.cancel();
    assert_eq!(served.post(&question(FIRST)).await.status(), 200);
    let drain = served.post(&json!({"type": "ping"})).await;
    assert_eq!(
        drain.json::<Value>().await.unwrap(),
        json!({"type": "drain"})
    );
}
