//! The application's end of a channel.

use bytes::BytesMut;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tidegate_schemas::frame::{self, Framing};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::common::{PATIENCE, id};
use crate::http::{Request, Waiting};
use crate::way::{BoxIo, Way};

/// The application's end of a channel.
pub(crate) enum Far {
    Stream {
        io: BoxIo,
        framing: Framing,
        decoder: frame::Decoder,
        buffer: BytesMut,
    },
    Ws(WebSocketStream<BoxIo>),
    Http(HttpFar),
}

pub(crate) struct HttpFar {
    pub(crate) requests: mpsc::UnboundedReceiver<Request>,
    pub(crate) waiting: Waiting,
    #[expect(dead_code, reason = "ends the server")]
    pub(crate) server: AbortOnDrop,
}

pub(crate) struct AbortOnDrop(pub(crate) JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Far {
    pub(crate) fn on(io: BoxIo, framing: Framing) -> Self {
        Self::Stream {
            io,
            framing,
            decoder: frame::Decoder::new(framing),
            buffer: BytesMut::new(),
        }
    }

    /// Says hello and hears the proxy's.
    pub(crate) async fn introduce(&mut self, way: Way, more: &Value) -> Value {
        let mut hello = json!({"type": "hello", "version": "1.0"});
        let fields = hello.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        let heard = match way.is_dialled() {
            true => {
                let mut heard = self.receive().await;
                // Requests to the one that was there before may still arrive.
                while way.is_http() && heard["type"] != "hello" {
                    heard = self.receive().await;
                }
                self.send(&hello).await;
                heard
            }
            false => {
                self.send(&hello).await;
                self.receive().await
            }
        };
        assert_eq!(heard["type"], "hello");
        heard
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        let text = message.to_string();
        match self {
            Self::Stream { io, framing, .. } => {
                let mut bytes = Vec::new();
                frame::encode(*framing, text.as_bytes(), &mut bytes);
                io.write_all(&bytes).await.unwrap();
                io.flush().await.unwrap();
            }
            Self::Ws(websocket) => websocket.send(Message::text(text)).await.unwrap(),
            Self::Http(http) => http.waiting.answer(message),
        }
    }

    pub(crate) async fn answer(&mut self, n: u32) {
        self.send(&crate::common::document(n)).await;
    }

    /// The answer in as many pieces as the way allows.
    pub(crate) async fn answer_in_pieces(&mut self, n: u32) {
        let text = crate::common::document(n).to_string();
        match self {
            Self::Stream { io, framing, .. } => {
                let mut bytes = Vec::new();
                frame::encode(*framing, text.as_bytes(), &mut bytes);
                for byte in bytes {
                    io.write_all(&[byte]).await.unwrap();
                    io.flush().await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
            Self::Ws(websocket) => {
                let last = text.len() - 1;
                for (at, byte) in text.into_bytes().into_iter().enumerate() {
                    let kind = match at {
                        0 => OpCode::Data(Data::Text),
                        _ => OpCode::Data(Data::Continue),
                    };
                    let frame = Frame::message(vec![byte], kind, at == last);
                    websocket.send(Message::Frame(frame)).await.unwrap();
                }
            }
            Self::Http(http) => {
                let request = http.waiting.take(&id(n).to_string()).unwrap();
                request.respond_in_pieces(200, &text);
            }
        }
    }

    /// An answer that breaks whatever the way has to be broken.
    pub(crate) async fn garbage(&mut self, n: u32) {
        match self {
            Self::Stream {
                io,
                framing: Framing::Lines,
                ..
            } => {
                let line = format!("{{\"id\":\"{}\",\"routes\":\"garbage\"}}\n", id(n));
                io.write_all(line.as_bytes()).await.unwrap();
                io.flush().await.unwrap();
            }
            Self::Stream { io, .. } => {
                io.write_all(b"\0garbage").await.unwrap();
                io.flush().await.unwrap();
            }
            Self::Ws(websocket) => {
                let binary = Message::binary(b"\0garbage".as_slice());
                websocket.send(binary).await.unwrap();
            }
            Self::Http(http) => {
                let request = http.waiting.take(&id(n).to_string()).unwrap();
                request.respond(200, "\0garbage");
            }
        }
    }

    pub(crate) async fn receive(&mut self) -> Value {
        let received = timeout(PATIENCE, self.next()).await;
        received
            .expect("nothing arrives")
            .expect("the channel ended")
    }

    /// Waits for the end, and gives back the last message.
    pub(crate) async fn closed(&mut self) -> Option<Value> {
        let mut last = None;
        let end = async {
            while let Some(message) = self.next().await {
                last = Some(message);
            }
        };
        timeout(PATIENCE, end).await.expect("it stays open");
        last
    }

    /// Takes the request of an HTTP application.
    pub(crate) async fn request(&mut self) -> Request {
        let Self::Http(http) = self else {
            panic!("there are no requests");
        };
        let received = timeout(PATIENCE, http.requests.recv()).await;
        received.expect("no request arrives").unwrap()
    }

    /// The next request of this type; others succeed.
    pub(crate) async fn request_of(&mut self, kind: &str) -> Request {
        loop {
            let request = self.request().await;
            if request.body["type"] == kind {
                return request;
            }
            request.respond(204, "");
        }
    }

    /// The request that asks the `n`th question, after it was received.
    pub(crate) fn asked(&mut self, n: u32) -> Request {
        let Self::Http(http) = self else {
            panic!("there are no requests");
        };
        http.waiting.take(&id(n).to_string()).unwrap()
    }

    async fn next(&mut self) -> Option<Value> {
        match self {
            Self::Stream {
                io,
                decoder,
                buffer,
                ..
            } => loop {
                if let Some(message) = decoder.next(buffer).unwrap() {
                    return Some(serde_json::from_slice(&message).unwrap());
                }
                if !matches!(io.read_buf(buffer).await, Ok(1..)) {
                    return None;
                }
            },
            Self::Ws(websocket) => loop {
                match websocket.next().await {
                    Some(Ok(Message::Text(text))) => {
                        return Some(serde_json::from_str(&text).unwrap());
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                    Some(Ok(_)) => {}
                }
            },
            Self::Http(http) => {
                let request = http.requests.recv().await?;
                Some(http.waiting.keep(request))
            }
        }
    }
}
