//! Small SIP peers on loopback for tests that start a proxy in-process.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub(crate) mod managed;

use std::net::SocketAddr;
use std::time::Duration;

use tidegate::Proxy;
use tidegate::config::{Config, Overrides, SipTransport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;

/// How long an expected event may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A proxy on free ports that sends everything to `targets`, one after the other.
pub(crate) fn proxy(targets: &[String], more: &str) -> Proxy {
    let routes: Vec<_> = targets
        .iter()
        .map(|uri| format!("{{ dst_uri = \"{uri}\" }}"))
        .collect();
    let mut text = format!(
        "{more}\n[admin]\nenabled = false\n[[routing.listen]]\naddress = \"127.0.0.1:0\"\n"
    );
    if !routes.is_empty() {
        let routes = routes.join(", ");
        text += &format!("[routing.fallback]\ndocument = {{ routes = [{routes}] }}\n");
    }
    let overrides = Overrides {
        listen: ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"]
            .map(|l| l.parse().unwrap())
            .to_vec(),
        ..Overrides::default()
    };
    Proxy::start(Config::from_toml(&text, None, &overrides).unwrap()).unwrap()
}

pub(crate) fn address(proxy: &Proxy, transport: SipTransport) -> SocketAddr {
    proxy
        .addresses()
        .iter()
        .find(|a| a.transport == transport)
        .unwrap()
        .address
}

pub(crate) fn uri(transport: &str, address: SocketAddr) -> String {
    format!("sip:{address};transport={transport}")
}

/// A request from `via` (`UDP 127.0.0.1:5060`).
pub(crate) fn request(method: &str, call: &str, via: &str) -> String {
    format!(
        "{method} sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/{via};branch=z9hG4bK{call}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=a\r\nTo: <sip:bob@example.com>\r\n\
         Call-ID: {call}\r\nCSeq: 1 {method}\r\nContact: <sip:alice@127.0.0.1>\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

/// The answer of a callee to `request`.
pub(crate) fn response(request: &str, status: &str) -> String {
    let kept = ["Via:", "From:", "To:", "Call-ID:", "CSeq:", "Record-Route:"];
    let lines = request
        .split("\r\n")
        .filter(|l| kept.iter().any(|name| l.starts_with(name)));
    let lines: Vec<_> = lines
        .map(|l| {
            if l.starts_with("To:") {
                format!("{l};tag=b")
            } else {
                l.to_owned()
            }
        })
        .collect();
    format!(
        "SIP/2.0 {status}\r\n{}\r\nContent-Length: 0\r\n\r\n",
        lines.join("\r\n")
    )
}

pub(crate) fn field<'a>(message: &'a str, name: &str) -> &'a str {
    let line = message.split("\r\n").find(|line| line.starts_with(name));
    line.unwrap_or_else(|| panic!("{name} in {message}"))
        .split_once(": ")
        .unwrap()
        .1
}

pub(crate) async fn udp() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").await.unwrap()
}

pub(crate) async fn tcp() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// An address where nothing listens.
pub(crate) async fn closed_udp() -> SocketAddr {
    udp().await.local_addr().unwrap()
}

pub(crate) async fn closed_tcp() -> SocketAddr {
    tcp().await.local_addr().unwrap()
}

pub(crate) async fn receive(socket: &UdpSocket) -> (String, SocketAddr) {
    let mut buffer = [0; 65_536];
    let received = timeout(PATIENCE, socket.recv_from(&mut buffer)).await;
    let (length, from) = received.expect("a datagram in time").unwrap();
    (String::from_utf8(buffer[..length].to_vec()).unwrap(), from)
}

/// The next message that is not a 100.
pub(crate) async fn receive_answer(socket: &UdpSocket) -> String {
    loop {
        let (message, _) = receive(socket).await;
        if !message.starts_with("SIP/2.0 100") {
            return message;
        }
    }
}

/// One end of a stream that carries bodiless messages.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
}

impl Peer {
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        Self::new(TcpStream::connect(to).await.unwrap())
    }

    pub(crate) async fn accept(listener: &TcpListener) -> Self {
        let accepted = timeout(PATIENCE, listener.accept()).await;
        Self::new(accepted.expect("a connection in time").unwrap().0)
    }

    pub(crate) fn via(&self) -> String {
        format!("TCP {}", self.stream.local_addr().unwrap())
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// The next message; empty when the stream ended.
    pub(crate) async fn receive(&mut self) -> String {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                let message = self.buffer.drain(..end + 4).collect();
                return String::from_utf8(message).unwrap();
            }
            let mut chunk = [0; 4096];
            let read = timeout(PATIENCE, self.stream.read(&mut chunk)).await;
            match read.expect("bytes in time").unwrap_or(0) {
                0 => return String::new(),
                length => self.buffer.extend_from_slice(&chunk[..length]),
            }
        }
    }

    /// The next message that is not a 100.
    pub(crate) async fn receive_answer(&mut self) -> String {
        loop {
            let message = self.receive().await;
            if !message.starts_with("SIP/2.0 100") {
                return message;
            }
        }
    }

    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
        }
    }
}
