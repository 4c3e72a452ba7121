//! Both ends of a wire, one by the kit's means and one by others.

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::*;
use crate::serve::AcceptTransport;

const PATIENCE: Duration = Duration::from_secs(5);

async fn door(transport: AcceptTransport) -> (Door, String) {
    let any = "127.0.0.1:0".parse().unwrap();
    let door = Door::open(any, transport, None, 1 << 20).await.unwrap();
    let address = door.address().unwrap().to_string();
    (door, address)
}

fn reach(url: &str) -> Reach {
    Reach {
        endpoint: url.parse().unwrap(),
        framing: Framing::Lines,
        token: Some(Token::new("s3cret")),
        tls: TlsClient::default(),
        max_frame: 1 << 20,
        within: PATIENCE,
    }
}

/// A wire to an application that dialled in, and its plain end.
async fn awaited() -> (Wire, TcpStream) {
    let (door, address) = door(AcceptTransport::Tcp).await;
    let (wire, stream) = tokio::join!(door.accept(PATIENCE), TcpStream::connect(address));
    (wire.unwrap(), stream.unwrap())
}

async fn next(wire: &mut Wire) -> Received {
    wire.receive(Instant::now() + PATIENCE).await
}

fn text(text: &'static str) -> Received {
    Received::Text(Bytes::from_static(text.as_bytes()))
}

#[tokio::test]
async fn both_sides_of_a_connection_are_heard_whoever_dialled() {
    for (scheme, transport) in [
        ("tcp", AcceptTransport::Tcp),
        ("ws", AcceptTransport::WebSocket),
    ] {
        let (door, address) = door(transport).await;
        let reach = reach(&format!("{scheme}://{address}"));
        let (one, other) = tokio::join!(dial(&reach), door.accept(PATIENCE));
        let (mut one, mut other) = (one.unwrap(), other.unwrap());
        one.send("{\"a\":1}", PATIENCE).await.unwrap();
        assert_eq!(next(&mut other).await, text("{\"a\":1}"));
        other.send("{\"b\":2}", PATIENCE).await.unwrap();
        assert_eq!(next(&mut one).await, text("{\"b\":2}"));
        let shown = (scheme == "ws").then_some("s3cret");
        assert_eq!(other.bearer(), shown);
        one.close().await;
        assert!(matches!(next(&mut other).await, Received::Closed(_)));
    }
}

#[tokio::test]
async fn the_framing_is_that_of_the_applications_first_byte() {
    let (mut wire, mut application) = awaited().await;
    application.write_all(b"{\"a\":1}\n").await.unwrap();
    assert_eq!(next(&mut wire).await, text("{\"a\":1}"));
    assert_eq!(wire.framing(), Some(Framing::Lines));
    assert_eq!(wire.framed("{}"), Some(b"{}\n".to_vec()));
}

#[tokio::test]
async fn bytes_go_out_in_pieces() {
    let (mut wire, mut application) = awaited().await;
    wire.send_bytes(b"2:{},", 1, PATIENCE).await.unwrap();
    let mut got = [0; 5];
    application.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"2:{},");
}

#[tokio::test]
async fn the_end_is_told_again_and_again_with_its_reason() {
    let (mut wire, mut application) = awaited().await;
    application.write_all(b"<html>").await.unwrap();
    for _ in 0..2 {
        let Received::Closed(Closing::Broken(why)) = next(&mut wire).await else {
            panic!("not closed");
        };
        assert!(why.contains("byte 0"), "{why}");
    }
}

#[tokio::test]
async fn nothing_is_waited_for_longer_than_said() {
    let (mut wire, _application) = awaited().await;
    let soon = Instant::now() + Duration::from_millis(10);
    assert_eq!(wire.receive(soon).await, Received::Nothing);
}

#[tokio::test]
async fn a_websocket_says_with_which_code_it_was_closed() {
    let (door, address) = door(AcceptTransport::WebSocket).await;
    let mut request = format!("ws://{address}/").into_client_request().unwrap();
    let protocol = crate::connection::SUBPROTOCOL.parse().unwrap();
    request
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", protocol);
    let application = async {
        let stream = TcpStream::connect(&address).await.unwrap();
        tokio_tungstenite::client_async(request, stream)
            .await
            .unwrap()
            .0
    };
    let (wire, mut application) = tokio::join!(door.accept(PATIENCE), application);
    let frame = CloseFrame {
        code: 1008.into(),
        reason: "no token".into(),
    };
    application.send(Message::Close(Some(frame))).await.unwrap();
    let mut wire = wire.unwrap();
    let told = Received::Closed(Closing::Code(1008, "no token".to_owned()));
    assert_eq!(next(&mut wire).await, told);
    drop(application.next().await);
}

#[tokio::test]
async fn a_flood_ends_and_is_held_in_little_memory() {
    let (mut wire, mut application) = awaited().await;
    let line = [b"{".as_slice(), &[b' '; 100_000], b"}\n"].concat();
    let flood = tokio::spawn(async move { while application.write_all(&line).await.is_ok() {} });
    let waiting = Arc::clone(&wire.waiting);
    let full = async {
        while waiting.load(Ordering::Relaxed) <= MOST_WAITING {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(4 * PATIENCE, full).await.unwrap();
    flood.abort();
    let mut taken = 0;
    loop {
        match next(&mut wire).await {
            Received::Text(text) => taken += text.len(),
            Received::Closed(closing) => {
                assert_eq!(closing, Closing::Flooded);
                break;
            }
            Received::Nothing => panic!("it neither ends nor goes on"),
        }
    }
    assert!(taken < 2 * MOST_WAITING, "{taken}");
}
