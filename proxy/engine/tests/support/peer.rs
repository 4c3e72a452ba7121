//! Who talks to the proxy.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tidegate_engine::{ConnectionId, Hop, ListenerId, Source, Transport};

use super::world::{TCP, UDP};

/// An element next to the proxy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) transport: Transport,
    pub(crate) addr: SocketAddr,
    /// The proxy's end.
    pub(crate) listener: ListenerId,
    /// The stream on which it talks, where it opened one itself.
    pub(crate) connection: Option<ConnectionId>,
}

pub(crate) const ALICE: Peer = Peer::udp("alice", [198, 51, 100, 10]);
pub(crate) const BOB: Peer = Peer::udp("bob", [203, 0, 113, 20]);
pub(crate) const CAROL: Peer = Peer::udp("carol", [203, 0, 113, 30]);
pub(crate) const DAVE: Peer = Peer::udp("dave", [203, 0, 113, 40]);

impl Peer {
    /// A peer at port 5060 of this address, over UDP.
    pub(crate) const fn udp(name: &'static str, ip: [u8; 4]) -> Self {
        let [a, b, c, d] = ip;
        let addr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), 5060);
        Self {
            name,
            transport: Transport::Udp,
            addr,
            listener: UDP,
            connection: None,
        }
    }

    /// The same peer, which listens for TCP at this address.
    pub(crate) const fn tcp(self) -> Self {
        Self {
            transport: Transport::Tcp,
            listener: TCP,
            ..self
        }
    }

    /// The same peer over a TCP connection that it opened from some port.
    pub(crate) const fn connected(self, connection: u64) -> Self {
        Self {
            connection: Some(ConnectionId(connection)),
            ..self.tcp()
        }
    }

    /// The same peer at another address.
    pub(crate) const fn at(self, addr: SocketAddr) -> Self {
        Self { addr, ..self }
    }

    /// The same peer, talking to another listener of the proxy.
    pub(crate) const fn by(self, listener: ListenerId) -> Self {
        Self { listener, ..self }
    }

    /// Its URI, as it stands in its Contact.
    pub(crate) fn uri(&self) -> String {
        match self.transport {
            Transport::Udp => format!("sip:{}@{}", self.name, self.addr),
            other => format!("sip:{}@{};transport={}", self.name, self.addr, other.name()),
        }
    }

    /// Its Via with this branch.
    pub(crate) fn via(&self, branch: &str) -> String {
        format!(
            "SIP/2.0/{} {};branch={branch}",
            self.transport.via_name(),
            self.addr
        )
    }

    pub(crate) fn source(&self) -> Source {
        Source {
            transport: self.transport,
            addr: self.addr,
            listener: self.listener,
            connection: self.connection,
        }
    }

    /// Whether what is sent to `hop` reaches it: on its own connection, or at its address.
    pub(crate) fn is_reached_by(&self, hop: &Hop) -> bool {
        match hop.connection {
            Some(connection) => self.connection == Some(connection),
            None => hop.transport == self.transport && hop.addr == self.addr,
        }
    }
}
