//! A small SIP endpoint: it sends what it is told to, and hands out what arrives.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::PATIENCE;
use crate::message::Message;
use crate::request::{Request, response};

/// A user agent on loopback, over UDP or TCP.
#[derive(Debug)]
pub struct Agent {
    local: SocketAddr,
    wire: Wire,
    inbox: Receiver<Message>,
    seen: HashMap<Vec<u8>, usize>,
}

#[derive(Debug)]
enum Wire {
    Udp(UdpSocket),
    Tcp(Streams),
}

impl Agent {
    /// Over UDP on 127.0.0.1.
    #[must_use]
    pub fn udp() -> Self {
        Self::udp_on(Ipv4Addr::LOCALHOST.into())
    }

    /// Over UDP on this address.
    #[must_use]
    pub fn udp_on(ip: IpAddr) -> Self {
        let socket = UdpSocket::bind((ip, 0)).expect("a UDP socket");
        let local = socket.local_addr().unwrap();
        let reader = socket.try_clone().unwrap();
        let (sender, inbox) = channel();
        std::thread::spawn(move || read_datagrams(&reader, &sender));
        Self {
            local,
            wire: Wire::Udp(socket),
            inbox,
            seen: HashMap::new(),
        }
    }

    /// Over TCP on 127.0.0.1: it takes connections, and opens one where it sends first.
    #[must_use]
    pub fn tcp() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a TCP listener");
        let local = listener.local_addr().unwrap();
        let (sender, inbox) = channel();
        let streams = Streams {
            open: Arc::default(),
            sender,
        };
        let accepting = streams.clone();
        std::thread::spawn(move || {
            listener
                .incoming()
                .map_while(Result::ok)
                .for_each(|stream| accepting.adopt(&stream));
        });
        Self {
            local,
            wire: Wire::Tcp(streams),
            inbox,
            seen: HashMap::new(),
        }
    }

    /// Its address.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Its transport as a Via names it.
    #[must_use]
    pub fn transport(&self) -> &'static str {
        match self.wire {
            Wire::Udp(_) => "UDP",
            Wire::Tcp(_) => "TCP",
        }
    }

    /// The URI that leads to `user` here.
    #[must_use]
    pub fn uri(&self, user: &str) -> String {
        match self.wire {
            Wire::Udp(_) => format!("sip:{user}@{}", self.local),
            Wire::Tcp(_) => format!("sip:{user}@{};transport=tcp", self.local),
        }
    }

    /// A request outside a dialog.
    #[must_use]
    pub fn request(&self, method: &str, uri: &str) -> Request {
        Request::new(method, uri, self.local, self.transport())
    }

    /// Sends a request.
    pub fn send(&self, request: &Request, to: SocketAddr) {
        self.send_bytes(&request.to_bytes(), to);
    }

    /// Sends any bytes.
    pub fn send_bytes(&self, bytes: &[u8], to: SocketAddr) {
        match &self.wire {
            Wire::Udp(socket) => {
                socket.send_to(bytes, to).expect("a datagram to leave");
            }
            Wire::Tcp(streams) => streams.send(bytes, to),
        }
    }

    /// Answers a request that arrived here.
    pub fn reply(&self, request: &Message, status: u16) {
        let tag = format!("to{}", self.local.port());
        self.send_bytes(
            &response(request, status, &tag, &self.uri("callee")),
            request.peer,
        );
    }

    /// As [`Agent::reply`], with further header fields above the others, in their order.
    pub fn reply_with(&self, request: &Message, status: u16, above: &[(&str, String)]) {
        let tag = format!("to{}", self.local.port());
        let bytes = response(request, status, &tag, &self.uri("callee"));
        let text = String::from_utf8(bytes).expect("a response in UTF-8");
        let (line, rest) = text.split_once("\r\n").expect("a status line");
        let lines: Vec<_> = above
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let text = format!("{line}\r\n{}{rest}", lines.concat());
        self.send_bytes(text.as_bytes(), request.peer);
    }

    /// Answers a request with 302 and these Contact values.
    pub fn redirect(&self, request: &Message, contacts: &[String]) {
        let tag = format!("to{}", self.local.port());
        let own = self.uri("callee");
        let text = String::from_utf8(response(request, 302, &tag, &own)).expect("UTF-8");
        let moved = text.replace(&format!("<{own}>"), &contacts.join(", "));
        self.send_bytes(moved.as_bytes(), request.peer);
    }

    /// The next message. A repetition, byte for byte, is only counted: on a slow machine there may
    /// always be one.
    #[must_use]
    pub fn receive(&mut self) -> Message {
        self.receive_within(PATIENCE)
            .unwrap_or_else(|| panic!("nothing arrived at {}", self.local))
    }

    /// As [`Agent::receive`]; `None` when nothing new arrives for so long.
    #[must_use]
    pub fn receive_within(&mut self, patience: Duration) -> Option<Message> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.inbox.recv_timeout(left).ok()?;
            let count = self.seen.entry(message.raw.clone()).or_default();
            *count += 1;
            if *count == 1 {
                return Some(message);
            }
        }
    }

    /// Waits until `message` arrived `times` times in all.
    pub fn wait_for_repeats(&mut self, message: &Message, times: usize) {
        while self
            .seen
            .get(&message.raw)
            .is_none_or(|count| *count < times)
        {
            let next = self.inbox.recv_timeout(PATIENCE).expect("a repetition");
            *self.seen.entry(next.raw).or_default() += 1;
        }
    }

    /// The next message, which must be this request.
    #[must_use]
    pub fn expect_request(&mut self, method: &str) -> Message {
        let message = self.receive();
        assert_eq!(
            message.method(),
            Some(method),
            "{} got {message}",
            self.local
        );
        message
    }

    /// The next message, which must be a response with this status.
    #[must_use]
    pub fn expect_status(&mut self, status: u16) -> Message {
        let message = self.receive();
        assert_eq!(
            message.status(),
            Some(status),
            "{} got {message}",
            self.local
        );
        message
    }

    /// The next final response; provisional ones before it are passed over.
    #[must_use]
    pub fn expect_final(&mut self) -> Message {
        loop {
            let message = self.receive();
            if message.status().is_some_and(|status| status >= 200) {
                return message;
            }
            assert!(message.status().is_some(), "a request arrived: {message}");
        }
    }

    /// Fails the test if anything new has arrived.
    pub fn expect_nothing_so_far(&mut self) {
        let message = self.receive_within(Duration::ZERO);
        assert!(message.is_none(), "{} got {}", self.local, message.unwrap());
    }
}

#[derive(Debug, Clone)]
struct Streams {
    open: Arc<Mutex<HashMap<SocketAddr, TcpStream>>>,
    sender: Sender<Message>,
}

impl Streams {
    fn send(&self, bytes: &[u8], to: SocketAddr) {
        if !self.open.lock().unwrap().contains_key(&to) {
            self.adopt(&TcpStream::connect(to).expect("a TCP connection"));
        }
        let open = self.open.lock().unwrap();
        let mut stream = open.get(&to).expect("an open connection");
        stream.write_all(bytes).expect("bytes to leave");
    }

    fn adopt(&self, stream: &TcpStream) {
        let Ok(peer) = stream.peer_addr() else { return };
        let reader = stream.try_clone().unwrap();
        self.open
            .lock()
            .unwrap()
            .insert(peer, stream.try_clone().unwrap());
        let streams = self.clone();
        std::thread::spawn(move || {
            read_stream(reader, peer, &streams.sender);
            streams.open.lock().unwrap().remove(&peer);
        });
    }
}

fn read_datagrams(socket: &UdpSocket, sender: &Sender<Message>) {
    let mut buffer = vec![0; 65_536];
    loop {
        match socket.recv_from(&mut buffer) {
            Ok((length, peer)) => {
                if sender
                    .send(Message::parse(&buffer[..length], peer))
                    .is_err()
                {
                    return;
                }
            }
            // An ICMP error for an earlier datagram.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {}
            Err(_) => return,
        }
    }
}

fn read_stream(mut stream: TcpStream, peer: SocketAddr, sender: &Sender<Message>) {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 16_384]);
    while let Ok(length @ 1..) = stream.read(&mut chunk) {
        bytes.extend_from_slice(&chunk[..length]);
        while let Some(whole) = Message::length_in_stream(&bytes) {
            let message = Message::parse(&bytes[..whole], peer);
            bytes.drain(..whole);
            if sender.send(message).is_err() {
                return;
            }
        }
    }
}
