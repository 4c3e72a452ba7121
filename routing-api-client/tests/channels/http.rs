//! The far end of HTTP/1.1, by hand: what a test wants to be wrong, is.

use std::collections::HashMap;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::common::PATIENCE;
use crate::way::BoxIo;

/// How a response is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    AtOnce,
    InPieces,
    AndClose,
}

/// A request that waits for its response.
pub(crate) struct Request {
    /// Request line and headers.
    pub(crate) head: String,
    pub(crate) body: Value,
    /// Which connection it came over, counted from 1.
    pub(crate) connection: usize,
    reply: oneshot::Sender<(Vec<u8>, How)>,
    gone: oneshot::Receiver<()>,
}

impl Request {
    pub(crate) fn respond(self, status: u16, body: &str) {
        self.write(status, body, How::AtOnce);
    }

    pub(crate) fn respond_in_pieces(self, status: u16, body: &str) {
        self.write(status, body, How::InPieces);
    }

    fn write(self, status: u16, body: &str, how: How) {
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let whole = format!("{head}{body}").into_bytes();
        let _ = self.reply.send((whole, how));
    }

    /// Whatever it is.
    pub(crate) fn write_and_close(self, bytes: Vec<u8>) {
        let _ = self.reply.send((bytes, How::AndClose));
    }

    /// Closes the connection without a response.
    pub(crate) fn close(self) {
        drop(self.reply);
    }

    /// Waits until the proxy gave the request up.
    pub(crate) async fn given_up(self) {
        let gone = timeout(PATIENCE, self.gone).await;
        gone.expect("it is not given up").unwrap();
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1);
        lines.find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

pub(crate) type Requests = mpsc::UnboundedSender<Request>;

/// Takes requests until either side closes.
pub(crate) async fn serve(mut io: BoxIo, connection: usize, requests: Requests) {
    let mut buffer = Vec::new();
    loop {
        let Some((head, body)) = read_request(&mut io, &mut buffer).await else {
            return;
        };
        let (reply, replied) = oneshot::channel();
        let (leave, gone) = oneshot::channel();
        let request = Request {
            head,
            body,
            connection,
            reply,
            gone,
        };
        if requests.send(request).is_err() {
            return;
        }
        let mut byte = [0; 1];
        tokio::select! {
            bytes = replied => {
                let Ok((bytes, how)) = bytes else { return };
                let size = if how == How::InPieces { 1 } else { bytes.len() };
                for piece in bytes.chunks(size) {
                    if io.write_all(piece).await.is_err() || io.flush().await.is_err() {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
                if how == How::AndClose {
                    return;
                }
            }
            _ = io.read(&mut byte) => {
                let _ = leave.send(());
                return;
            }
        }
    }
}

async fn read_request(io: &mut BoxIo, buffer: &mut Vec<u8>) -> Option<(String, Value)> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        read_some(io, buffer).await?;
    };
    let head = String::from_utf8(buffer.drain(..head_end).collect()).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let length = name
            .eq_ignore_ascii_case("content-length")
            .then_some(value)?;
        length.trim().parse::<usize>().ok()
    });
    let length = length.unwrap_or(0);
    while buffer.len() < length {
        read_some(io, buffer).await?;
    }
    let body: Vec<u8> = buffer.drain(..length).collect();
    Some((head, serde_json::from_slice(&body).unwrap()))
}

async fn read_some(io: &mut BoxIo, buffer: &mut Vec<u8>) -> Option<()> {
    match io.read_buf(buffer).await {
        Ok(1..) => Some(()),
        _ => None,
    }
}

/// Requests that wait for their responses, so that they can be answered as messages are.
#[derive(Default)]
pub(crate) struct Waiting(HashMap<String, Request>);

impl Waiting {
    /// Keeps a request, unless it needs no answer.
    pub(crate) fn keep(&mut self, request: Request) -> Value {
        let body = request.body.clone();
        match body["type"].as_str().unwrap() {
            kind @ ("hello" | "ping") => drop(self.0.insert(kind.to_owned(), request)),
            "route" => drop(
                self.0
                    .insert(body["id"].as_str().unwrap().to_owned(), request),
            ),
            _ => request.respond(204, ""),
        }
        body
    }

    /// Answers what `message` is the answer to; what is none goes out with the next `pong`.
    pub(crate) fn answer(&mut self, message: &Value) {
        let asked = match (message["type"].as_str(), message["id"].as_str()) {
            (Some("hello"), _) => "hello",
            (_, Some(id)) => id,
            _ => "ping",
        };
        if let Some(request) = self.0.remove(asked) {
            request.respond(200, &message.to_string());
        }
    }

    pub(crate) fn take(&mut self, id: &str) -> Option<Request> {
        self.0.remove(id)
    }
}
