//! Who is there: the proxy's listeners, callers, callees, and where they are.

use std::net::{IpAddr, SocketAddr};

use fastrand::Rng;
use tidegate_engine::{ConnectionId, Hop, Listener, ListenerId, Source, Transport};

use crate::rng::Choose;

/// Index of a peer.
pub(crate) type PeerId = usize;

const CALLERS: usize = 6;
const CALLEES: usize = 8;

const UDP: ListenerId = ListenerId(0);
const TCP: ListenerId = ListenerId(1);
const UDP_V6: ListenerId = ListenerId(2);
const UDP_SECOND: ListenerId = ListenerId(3);

#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) listeners: Vec<Listener>,
    pub(crate) peers: Vec<Peer>,
}

#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) addr: SocketAddr,
    /// What it speaks when it speaks first.
    pub(crate) transport: Transport,
    /// The listener that it speaks to.
    pub(crate) listener: ListenerId,
    /// Nobody listens there.
    pub(crate) refuses_udp: bool,
    pub(crate) refuses_tcp: bool,
    /// Its Via shows an address that is not its own.
    pub(crate) behind_nat: bool,
}

impl Scene {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let callers = (0..CALLERS).map(|index| caller(rng, index));
        let callers: Vec<Peer> = callers.collect();
        let callees = (0..CALLEES).map(|index| callee(rng, index));
        Self {
            listeners: listeners(),
            peers: callers.into_iter().chain(callees).collect(),
        }
    }

    pub(crate) fn some_caller(&self, rng: &mut Rng) -> PeerId {
        rng.usize(0..CALLERS)
    }

    pub(crate) fn some_callee(&self, rng: &mut Rng) -> PeerId {
        rng.usize(CALLERS..self.peers.len())
    }

    /// Who gets what is sent there. `None`: nobody, or the proxy itself.
    pub(crate) fn peer_at(&self, hop: &Hop) -> Option<PeerId> {
        match hop.connection {
            Some(ConnectionId(number)) => usize::try_from(number).ok(),
            None => self.peers.iter().position(|peer| peer.addr == hop.addr),
        }
    }

    /// The proxy's own listener at an address.
    pub(crate) fn own(&self, hop: &Hop) -> Option<ListenerId> {
        let fits =
            |listener: &Listener| listener.addr == hop.addr && listener.transport == hop.transport;
        let index = self.listeners.iter().position(fits)?;
        u16::try_from(index).ok().map(ListenerId)
    }

    /// Where a message of this peer comes from.
    pub(crate) fn source(&self, id: PeerId, transport: Transport, listener: ListenerId) -> Source {
        Source {
            transport,
            addr: self.peers[id].addr,
            listener,
            connection: transport.is_reliable().then_some(ConnectionId(id as u64)),
        }
    }

    pub(crate) fn usual_source(&self, id: PeerId) -> Source {
        let peer = &self.peers[id];
        self.source(id, peer.transport, peer.listener)
    }

    /// The addresses that a name may resolve to.
    pub(crate) fn callee_addresses(&self) -> Vec<IpAddr> {
        let callees = &self.peers[CALLERS..];
        callees.iter().map(|peer| peer.addr.ip()).collect()
    }
}

impl Peer {
    pub(crate) fn refuses(&self, transport: Transport) -> bool {
        if transport.is_reliable() {
            self.refuses_tcp
        } else {
            self.refuses_udp
        }
    }
}

fn listeners() -> Vec<Listener> {
    let at = |transport, addr: &str| Listener::new(transport, addr.parse().unwrap());
    vec![
        at(Transport::Udp, "192.0.2.1:5060"),
        at(Transport::Tcp, "192.0.2.1:5060"),
        at(Transport::Udp, "[2001:db8::1]:5060"),
        at(Transport::Udp, "192.0.2.2:5062"),
    ]
}

fn caller(rng: &mut Rng, index: usize) -> Peer {
    let (transport, listener) = rng.pick(&[
        (Transport::Udp, UDP),
        (Transport::Udp, UDP),
        (Transport::Udp, UDP_SECOND),
        (Transport::Udp, UDP_V6),
        (Transport::Tcp, TCP),
    ]);
    let ip = match listener {
        UDP_V6 => format!("[2001:db8:1::{index}]"),
        _ => format!("198.51.100.{}", 10 + index),
    };
    Peer {
        addr: format!("{ip}:5060").parse().unwrap(),
        transport,
        listener,
        refuses_udp: rng.percent(5),
        refuses_tcp: rng.percent(5),
        behind_nat: rng.percent(25),
    }
}

fn callee(rng: &mut Rng, index: usize) -> Peer {
    let is_v6 = index == 0;
    let (ip, transport, listener) = if is_v6 {
        ("[2001:db8:2::1]".to_owned(), Transport::Udp, UDP_V6)
    } else {
        let ip = format!("203.0.113.{}", 10 + index);
        let (transport, listener) = rng.pick(&[(Transport::Udp, UDP), (Transport::Tcp, TCP)]);
        (ip, transport, listener)
    };
    Peer {
        addr: format!("{ip}:5060").parse().unwrap(),
        transport,
        listener,
        refuses_udp: rng.percent(10),
        refuses_tcp: is_v6 || rng.percent(30),
        behind_nat: false,
    }
}
