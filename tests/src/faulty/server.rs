//! An application that waits to be dialled or asked, with a fault.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use super::deed::{Deed, LATE};
use super::wire::Wire;
use super::{Channel, Fault};
use crate::free_port;

/// A faulty application; it is gone when dropped.
#[derive(Debug)]
pub struct Faulty {
    channel: Channel,
    address: SocketAddr,
    open: Open,
    /// Sockets that have to stay open for the fault's sake.
    _kept: Vec<Socket>,
}

/// The connections, to be closed at the end.
type Open = Arc<Mutex<Vec<TcpStream>>>;

impl Faulty {
    /// Listens, as far as the fault allows; good documents lead to `target`.
    #[must_use]
    pub fn start(channel: Channel, fault: Fault, target: &str) -> Self {
        let open = Open::default();
        let (address, kept) = match fault {
            Fault::Refused => ((Ipv4Addr::LOCALHOST, free_port()).into(), Vec::new()),
            Fault::BlackHoled => black_hole(),
            Fault::NeverAccepts => {
                let listener = listen(16);
                (address_of(&listener), vec![listener])
            }
            _ => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
                let address = listener.local_addr().unwrap();
                serve(
                    listener,
                    channel,
                    fault,
                    target.to_owned(),
                    Arc::clone(&open),
                );
                (address, Vec::new())
            }
        };
        Self {
            channel,
            address,
            open,
            _kept: kept,
        }
    }

    /// What makes the proxy dial or ask it, in TOML.
    #[must_use]
    pub fn configuration(&self) -> String {
        let scheme = self.channel.scheme();
        let framing = match self.channel {
            Channel::Tcp => "framing = \"lines\"\n",
            _ => "",
        };
        let url = format!("{scheme}://{}", self.address);
        format!("[[routing.application]]\nname = \"faulty\"\nurl = \"{url}\"\n{framing}")
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        for stream in self.open.lock().unwrap().iter() {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        // The one that accepts notices that it is over.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_millis(100));
    }
}

fn serve(listener: TcpListener, channel: Channel, fault: Fault, target: String, open: Open) {
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            // The test holds the other one.
            if Arc::strong_count(&open) == 1 {
                return;
            }
            let mut open = open.lock().unwrap();
            open.push(stream.try_clone().unwrap());
            if fault != Fault::SlowReader || open.len() == 1 {
                let target = target.clone();
                std::thread::spawn(move || converse(channel, stream, fault, &target));
            }
        }
    });
}

/// Until the other side closes. A connection that nobody reads any more stays open.
fn converse(channel: Channel, stream: TcpStream, fault: Fault, target: &str) -> Option<()> {
    let mut wire = Wire::accept(channel, stream)?;
    loop {
        let message = wire.read()?;
        if message["type"] != "route" {
            small_talk(channel, &mut wire, &message);
            if fault == Fault::SlowReader {
                return Some(());
            }
            continue;
        }
        match fault.deed(&message, target) {
            Deed::Say(text) => wire.write(&text),
            Deed::SayLate(text) => {
                std::thread::sleep(LATE);
                wire.write(&text);
            }
            Deed::SayHalf(text) => wire.write_half(&text),
            Deed::Write(bytes) => wire.write_raw(bytes),
            Deed::Nothing => {}
            Deed::Close => wire.close(),
        }
    }
}

fn small_talk(channel: Channel, wire: &mut Wire, message: &Value) {
    match message["type"].as_str() {
        Some("hello") => {
            let hello = json!({"type": "hello", "version": "1.0", "name": "faulty"});
            wire.write(hello.to_string().as_bytes());
        }
        Some("ping") => wire.write(b"{\"type\":\"pong\"}"),
        _ if channel == Channel::Http => wire.write(b"{}"),
        _ => {}
    }
}

/// A port whose backlog is full: the kernel drops each further SYN.
fn black_hole() -> (SocketAddr, Vec<Socket>) {
    let listener = listen(0);
    let address = address_of(&listener);
    let mut kept = vec![listener];
    loop {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        match socket.connect_timeout(&address.into(), Duration::from_millis(200)) {
            Ok(()) => kept.push(socket),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return (address, kept),
            Err(error) => panic!("{address}: {error}"),
        }
    }
}

fn listen(backlog: i32) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&address.into()).unwrap();
    socket.listen(backlog).unwrap();
    socket
}

fn address_of(socket: &Socket) -> SocketAddr {
    socket.local_addr().unwrap().as_socket().unwrap()
}
