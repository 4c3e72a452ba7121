//! WebSocket in both roles.

use futures_util::{SinkExt, StreamExt};
use routing_application::channel::dial::{self, Settings};
use serde_json::{Value, json};
use tidegate_schemas::frame::Framing;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, client_async};

use crate::http::Served;
use crate::scene::{FIRST, PATIENCE, Scene, question, reply_with};

const SUBPROTOCOL: &str = "tidegate.routing.v1";

type Socket = WebSocketStream<TcpStream>;

async fn send(socket: &mut Socket, message: &Value) {
    let text = message.to_string();
    socket.send(Message::Text(text.into())).await.unwrap();
}

/// The next message; nothing when the router has closed the connection.
async fn receive(socket: &mut Socket) -> Option<Value> {
    loop {
        match timeout(PATIENCE, socket.next()).await.unwrap() {
            Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            Some(Ok(other)) => panic!("{other:?}"),
        }
    }
}

async fn open(served: &Served, subprotocol: &str, token: Option<&str>) -> Result<Socket, Error> {
    let url = format!("ws://{}/route", served.address);
    let mut request = url.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("Sec-WebSocket-Protocol", subprotocol.parse().unwrap());
    if let Some(token) = token {
        headers.insert("Authorization", format!("Bearer {token}").parse().unwrap());
    }
    let stream = TcpStream::connect(served.address).await.unwrap();
    Ok(client_async(request, stream).await?.0)
}

fn status(refused: Result<Socket, Error>) -> u16 {
    match refused {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_proxy_that_dials_is_greeted_served_and_left_in_good_order() {
    let served = Served::of(Scene::new(&reply_with(404))).await;
    let mut proxy = open(&served, SUBPROTOCOL, None).await.unwrap();
    assert_eq!(receive(&mut proxy).await.unwrap()["type"], "hello");
    send(&mut proxy, &json!({"type": "ping"})).await;
    assert_eq!(receive(&mut proxy).await, Some(json!({"type": "pong"})));
    send(&mut proxy, &question(FIRST)).await;
    assert_eq!(receive(&mut proxy).await.unwrap()["id"], FIRST);
    served.scene.stop.cancel();
    assert_eq!(receive(&mut proxy).await, Some(json!({"type": "drain"})));
    send(&mut proxy, &question(FIRST)).await;
    assert_eq!(receive(&mut proxy).await.unwrap()["id"], FIRST);
    assert_eq!(receive(&mut proxy).await, None);
}

#[tokio::test]
async fn another_subprotocol_is_refused() {
    let served = Served::of(Scene::new(&reply_with(404))).await;
    assert_eq!(status(open(&served, "chat", None).await), 400);
}

#[tokio::test]
async fn the_secret_may_come_in_the_header_or_in_hello() {
    let scene = Scene::with_files(&reply_with(404), &[], Some("s3cret"));
    let served = Served::of(scene).await;
    assert_eq!(status(open(&served, SUBPROTOCOL, Some("wrong")).await), 401);
    let mut shown = open(&served, SUBPROTOCOL, Some("s3cret")).await.unwrap();
    receive(&mut shown).await.unwrap();
    send(&mut shown, &question(FIRST)).await;
    assert_eq!(receive(&mut shown).await.unwrap()["id"], FIRST);
    let mut said = open(&served, SUBPROTOCOL, None).await.unwrap();
    receive(&mut said).await.unwrap();
    let hello = json!({"type": "hello", "version": "1.0", "name": "e", "token": "s3cret"});
    send(&mut said, &hello).await;
    send(&mut said, &question(FIRST)).await;
    assert_eq!(receive(&mut said).await.unwrap()["id"], FIRST);
    let mut stranger = open(&served, SUBPROTOCOL, None).await.unwrap();
    receive(&mut stranger).await.unwrap();
    send(&mut stranger, &question(FIRST)).await;
    assert_eq!(receive(&mut stranger).await, None);
}

#[expect(clippy::result_large_err, reason = "the callback of the crate")]
fn agree(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let asked = |name: &str| {
        request
            .headers()
            .get(name)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(asked("Sec-WebSocket-Protocol"), SUBPROTOCOL);
    assert_eq!(asked("Authorization"), "Bearer s3cret");
    let headers = response.headers_mut();
    headers.insert("Sec-WebSocket-Protocol", SUBPROTOCOL.parse().unwrap());
    Ok(response)
}

#[tokio::test]
async fn a_proxy_is_dialled_and_dialled_again() {
    let scene = Scene::with_files(&reply_with(404), &[], Some("s3cret"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = Settings {
        proxy: format!("ws://{}", listener.local_addr().unwrap())
            .parse()
            .unwrap(),
        framing: Framing::Lines,
        tls: Default::default(),
    };
    let router = tokio::spawn(dial::run(settings, scene.host.clone(), scene.stop.clone()));
    let accept = async || {
        let (stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        accept_hdr_async(stream, agree).await.unwrap()
    };
    for _ in 0..2 {
        let mut proxy = accept().await;
        let hello = receive(&mut proxy).await.unwrap();
        assert_eq!(
            (&hello["type"], &hello["token"]),
            (&json!("hello"), &json!("s3cret"))
        );
        send(&mut proxy, &question(FIRST)).await;
        assert_eq!(receive(&mut proxy).await.unwrap()["id"], FIRST);
    }
    let mut proxy = accept().await;
    receive(&mut proxy).await.unwrap();
    scene.stop.cancel();
    assert_eq!(receive(&mut proxy).await, Some(json!({"type": "drain"})));
    assert_eq!(receive(&mut proxy).await, None);
    timeout(PATIENCE, router).await.unwrap().unwrap();
}
