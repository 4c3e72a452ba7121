//! Proxies that dial the router over TCP.

use routing_application::channel::tcp;
use serde_json::json;
use tidegate_schemas::frame::Framing;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::dialled::Proxy;
use crate::scene::{FIRST, PATIENCE, Scene, reply_with};

async fn connect_with(token: Option<&str>, framing: Framing) -> (Scene, Proxy, JoinHandle<()>) {
    let scene = Scene::with_files(&reply_with(404), &[], token);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tcp::serve(
        listener,
        Framing::Lines,
        scene.host.clone(),
        scene.stop.clone(),
    );
    let router = tokio::spawn(serving);
    let stream = TcpStream::connect(address).await.unwrap();
    (scene, Proxy::new(stream, framing), router)
}

async fn connect(token: Option<&str>) -> (Scene, Proxy, JoinHandle<()>) {
    connect_with(token, Framing::Lines).await
}

#[tokio::test]
async fn a_proxy_that_begins_is_answered_in_its_own_framing() {
    for framing in [Framing::Lines, Framing::Netstring] {
        let (_scene, mut proxy, _router) = connect_with(None, framing).await;
        proxy
            .send(&json!({"type": "hello", "version": "1.0", "name": "edge"}))
            .await;
        assert_eq!(proxy.receive().await.unwrap()["type"], "hello");
        assert_eq!(proxy.framing_seen(), Some(framing));
        assert_eq!(proxy.ask(FIRST).await["id"], FIRST);
    }
}

#[tokio::test]
async fn a_proxy_that_dials_is_greeted_served_and_left_in_good_order() {
    let (scene, mut proxy, router) = connect(None).await;
    let hello = proxy.receive().await.unwrap();
    assert_eq!(
        hello,
        json!({"type": "hello", "version": "1.0", "name": "test", "release": "7.1",
               "max_in_flight": 7})
    );
    proxy
        .send(&json!({"type": "hello", "version": "1.0", "name": "edge"}))
        .await;
    assert_eq!(proxy.ask(FIRST).await["reply"]["code"], 404);
    scene.stop.cancel();
    assert_eq!(proxy.receive().await, Some(json!({"type": "drain"})));
    assert_eq!(proxy.receive().await, None);
    timeout(PATIENCE, router).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stranger_is_not_served() {
    let (_scene, mut proxy, _router) = connect(Some("s3cret")).await;
    let hello = proxy.receive().await.unwrap();
    assert_eq!(
        hello.get("token"),
        None,
        "the secret is not shown to who dials"
    );
    proxy
        .send(&json!({"type": "hello", "version": "1.0", "name": "x", "token": "no"}))
        .await;
    assert_eq!(proxy.receive().await, None);
}

#[tokio::test]
async fn who_knows_the_secret_is_served() {
    let (_scene, mut proxy, _router) = connect(Some("s3cret")).await;
    proxy.receive().await.unwrap();
    let hello = json!({"type": "hello", "version": "1.0", "name": "x", "token": "s3cret"});
    proxy.send(&hello).await;
    assert_eq!(proxy.ask(FIRST).await["id"], FIRST);
}
