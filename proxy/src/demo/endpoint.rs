//! A small SIP user agent on loopback.

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tidegate_sip::stream::{Frame, Framer};
use tidegate_sip::{Limits, Method};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc;

use super::mailbox::{Arrival, Mailbox, Missing, Step};
use super::message::Message;
use super::trace::{Actor, Fate, Trace};

/// Largest datagram.
const DATAGRAM: usize = 65_535;

/// One who calls or is called. All that it sends goes to the proxy.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) actor: Actor,
    pub(super) address: SocketAddr,
    proxy: SocketAddr,
    wire: Wire,
    mailbox: Mailbox<Message>,
    trace: Trace,
}

#[derive(Debug)]
enum Wire {
    Udp(Arc<UdpSocket>),
    Tcp(OwnedWriteHalf),
}

impl Endpoint {
    pub(super) fn udp(
        actor: Actor,
        socket: UdpSocket,
        proxy: SocketAddr,
        trace: &Trace,
    ) -> io::Result<Self> {
        let address = socket.local_addr()?;
        let socket = Arc::new(socket);
        let (mailbox, ear) = Ear::new(actor, trace);
        tokio::spawn(hear_datagrams(Arc::clone(&socket), address, ear));
        Ok(Self {
            actor,
            address,
            proxy,
            wire: Wire::Udp(socket),
            mailbox,
            trace: trace.clone(),
        })
    }

    /// Connects to the proxy.
    pub(super) async fn tcp(actor: Actor, proxy: SocketAddr, trace: &Trace) -> io::Result<Self> {
        let stream = TcpStream::connect(proxy).await?;
        stream.set_nodelay(true)?;
        let address = stream.local_addr()?;
        let (reader, writer) = stream.into_split();
        let (mailbox, ear) = Ear::new(actor, trace);
        tokio::spawn(hear_stream(reader, ear));
        Ok(Self {
            actor,
            address,
            proxy,
            wire: Wire::Tcp(writer),
            mailbox,
            trace: trace.clone(),
        })
    }

    /// As a Via names it.
    pub(super) const fn transport(&self) -> &'static str {
        match self.wire {
            Wire::Udp(_) => "UDP",
            Wire::Tcp(_) => "TCP",
        }
    }

    /// The URI that leads here.
    pub(super) fn uri(&self) -> String {
        let plain = format!("sip:{}@{}", self.actor, self.address);
        match self.wire {
            Wire::Udp(_) => plain,
            Wire::Tcp(_) => plain + ";transport=tcp",
        }
    }

    pub(super) async fn send(&mut self, bytes: Vec<u8>) -> Step<Message> {
        let message = Message::parse(Bytes::from(bytes)).map_err(|error| self.unable(&error))?;
        let fate = Fate::Expected;
        self.trace.sip(self.actor, Actor::Tidegate, &message, fate);
        let bytes = message.view().bytes();
        match &mut self.wire {
            Wire::Udp(socket) => {
                socket.send_to(bytes, self.proxy).await?;
            }
            Wire::Tcp(writer) => writer.write_all(bytes).await?,
        }
        Ok(message)
    }

    /// Waits for a request.
    pub(super) async fn request(&mut self, method: Method) -> Step<Message> {
        let fits = |message: &Message| message.is_request(method);
        self.mailbox.expect(method.as_str(), fits).await
    }

    /// Waits for a response to a request with this method.
    pub(super) async fn response(&mut self, status: u16, method: Method) -> Step<Message> {
        let what = format!("{status} for its {}", method.as_str());
        let fits = |message: &Message| message.is_response(status, method);
        self.mailbox.expect(&what, fits).await
    }

    /// Closes the port, and keeps others from taking it: datagrams that come here are answered with
    /// ICMP "port unreachable", as a connected socket takes those of its peer only.
    pub(super) async fn switch_off(&mut self) -> Step {
        self.close().await?;
        if let Wire::Udp(socket) = &self.wire {
            socket.connect((Ipv4Addr::LOCALHOST, 9)).await?;
        }
        self.trace.note(self.actor, "switched off");
        Ok(())
    }

    /// Completes when all that was sent to this endpoint is in the trace. Over TCP, the proxy has to
    /// close the connection.
    pub(super) async fn close(&mut self) -> Step {
        if let Wire::Udp(socket) = &self.wire {
            // What it sends to itself comes behind all that is on its way here.
            socket.send_to(b"\r\n", self.address).await?;
        }
        self.mailbox.closed().await;
        Ok(())
    }

    fn unable(&self, error: &tidegate_sip::ParseError) -> Missing {
        Missing(format!("{} wrote no SIP message: {error}", self.actor))
    }
}

/// Takes what arrives at an endpoint.
struct Ear {
    actor: Actor,
    trace: Trace,
    seen: HashSet<Bytes>,
    mailbox: mpsc::Sender<Arrival<Message>>,
}

impl Ear {
    fn new(actor: Actor, trace: &Trace) -> (Mailbox<Message>, Self) {
        let (mailbox, sender) = Mailbox::new(actor, trace.clone());
        let ear = Self {
            actor,
            trace: trace.clone(),
            seen: HashSet::new(),
            mailbox: sender,
        };
        (mailbox, ear)
    }

    /// Repeats, as there may be on a slow machine, are only recorded.
    async fn hear(&mut self, bytes: Bytes) {
        let Ok(value) = Message::parse(bytes.clone()) else {
            self.trace.note(self.actor, "got something unreadable");
            return;
        };
        let fresh = self.seen.insert(bytes);
        let fate = if fresh {
            Fate::Unexpected
        } else {
            Fate::Repeated
        };
        let number = self.trace.sip(Actor::Tidegate, self.actor, &value, fate);
        if fresh {
            let _ = self.mailbox.send(Arrival { number, value }).await;
        }
    }
}

/// Until the socket sends something to itself.
async fn hear_datagrams(socket: Arc<UdpSocket>, own: SocketAddr, mut ear: Ear) {
    let mut buffer = vec![0; DATAGRAM];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        if from == own {
            return;
        }
        let datagram = buffer.get(..length).unwrap_or_default();
        ear.hear(Bytes::copy_from_slice(datagram)).await;
    }
}

async fn hear_stream(mut reader: OwnedReadHalf, mut ear: Ear) {
    let mut framer = Framer::new(Limits::default());
    let mut buffer = BytesMut::new();
    while let Ok(1..) = reader.read_buf(&mut buffer).await {
        while let Ok(Some(frame)) = framer.next(&mut buffer) {
            if let Frame::Message(bytes) = frame {
                ear.hear(bytes).await;
            }
        }
    }
}
