//! Messages on a connection, and less than messages.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpStream};

use serde_json::Value;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

use super::{Channel, http};

const SUBPROTOCOL: &str = "tidegate.routing.v1";

/// An established connection. What fails to be written is the peer's end, which reading tells.
pub(super) enum Wire {
    Tcp(BufReader<TcpStream>),
    WebSocket(Box<WebSocket<TcpStream>>),
    Http(BufReader<TcpStream>),
}

impl Wire {
    pub(super) fn accept(channel: Channel, stream: TcpStream) -> Option<Self> {
        stream.set_nodelay(true).ok()?;
        Some(match channel {
            Channel::Tcp => Self::Tcp(BufReader::new(stream)),
            Channel::WebSocket => Self::WebSocket(Box::new(upgrade(stream)?)),
            Channel::Http => Self::Http(BufReader::new(stream)),
        })
    }

    /// The next message; `None` when the connection is over.
    pub(super) fn read(&mut self) -> Option<Value> {
        match self {
            Self::Tcp(reader) => {
                let mut line = String::new();
                reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
                serde_json::from_str(&line).ok()
            }
            Self::WebSocket(socket) => loop {
                match socket.read().ok()? {
                    Message::Text(text) => return serde_json::from_str(&text).ok(),
                    Message::Close(_) => return None,
                    _ => {}
                }
            },
            Self::Http(reader) => http::read(reader),
        }
    }

    /// A whole message.
    pub(super) fn write(&mut self, text: &[u8]) {
        let _ = match self {
            Self::Tcp(reader) => reader.get_ref().write_all(&[text, b"\n"].concat()),
            Self::WebSocket(socket) => {
                let text = String::from_utf8_lossy(text).into_owned();
                socket.send(Message::text(text)).map_err(io::Error::other)
            }
            Self::Http(reader) => http::write(reader.get_mut(), text, text.len()),
        };
    }

    /// The first half of a message, in a frame that announces the whole.
    pub(super) fn write_half(&mut self, text: &[u8]) {
        let half = text.len() / 2;
        let _ = match self {
            Self::Tcp(reader) => reader.get_ref().write_all(&text[..half]),
            Self::WebSocket(socket) => {
                let length = u16::try_from(text.len()).unwrap().to_be_bytes();
                let head = [0x81, 126, length[0], length[1]];
                socket.get_mut().write_all(&[&head, &text[..half]].concat())
            }
            Self::Http(reader) => http::write(reader.get_mut(), text, half),
        };
    }

    /// Bytes below all framing.
    pub(super) fn write_raw(&mut self, bytes: &[u8]) {
        let _ = self.stream().write_all(bytes);
    }

    pub(super) fn close(&mut self) {
        let _ = self.stream().shutdown(Shutdown::Both);
    }

    fn stream(&mut self) -> &mut TcpStream {
        match self {
            Self::Tcp(reader) | Self::Http(reader) => reader.get_mut(),
            Self::WebSocket(socket) => socket.get_mut(),
        }
    }
}

fn upgrade(stream: TcpStream) -> Option<WebSocket<TcpStream>> {
    // The error is tungstenite's own type.
    #[allow(clippy::result_large_err, clippy::unnecessary_wraps)]
    let agree = |_: &Request, mut response: Response| {
        let name = "Sec-WebSocket-Protocol";
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(SUBPROTOCOL));
        Ok(response)
    };
    tungstenite::accept_hdr(stream, agree).ok()
}
