//! What everybody shares: the time, the dice, the plan of events and the network.

use bytes::Bytes;
use fastrand::Rng;
use tidegate_engine::{Hop, Source, Transport};

use crate::event::{Event, Queue};
use crate::network::{Direction, Network};
use crate::rng::Choose;
use crate::scene::{PeerId, Scene};

#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) now: u64,
    pub(crate) rng: Rng,
    pub(crate) scene: Scene,
    pub(crate) queue: Queue,
    network: Network,
    last_number: u64,
}

impl Stage {
    pub(crate) fn new(mut rng: Rng) -> Self {
        Self {
            now: 0,
            scene: Scene::new(&mut rng),
            network: Network::new(&mut rng),
            queue: Queue::default(),
            last_number: 0,
            rng,
        }
    }

    /// A number that was not given before.
    pub(crate) fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    pub(crate) fn plan(&mut self, delay: u64, event: Event) {
        self.queue.plan(self.now + delay, event);
    }

    /// A peer sends to the proxy.
    pub(crate) fn send_to_proxy(&mut self, peer: PeerId, source: Source, bytes: &Bytes) {
        if source.transport.is_reliable() {
            let at = self
                .network
                .segment(&mut self.rng, self.now, peer, Direction::ToProxy);
            let bytes = bytes.clone();
            return self.queue.plan(at, Event::Arrives { source, bytes });
        }
        for at in self.network.datagram(&mut self.rng, self.now) {
            let bytes = self.spoiled(bytes);
            self.queue.plan(at, Event::Arrives { source, bytes });
        }
        if self.rng.permille(self.network.replays) {
            let (delay, bytes) = (self.rng.u64(0..100_000), bytes.clone());
            self.plan(delay, Event::Arrives { source, bytes });
        }
    }

    /// The proxy sends.
    pub(crate) fn carry_from_proxy(&mut self, hop: Hop, bytes: Bytes) {
        if let Some(listener) = self.scene.own(&hop) {
            let source = Source {
                transport: hop.transport,
                addr: self.scene.listeners[usize::from(hop.listener.0)].addr,
                listener,
                connection: None,
            };
            return self.plan(1, Event::Arrives { source, bytes });
        }
        match self.scene.peer_at(&hop) {
            Some(peer) if !self.scene.peers[peer].refuses(hop.transport) => {
                self.deliver(peer, hop, &bytes);
            }
            Some(_) => self.refuse(&bytes),
            None if hop.transport == Transport::Udp => {}
            None => self.refuse(&bytes),
        }
    }

    fn deliver(&mut self, peer: PeerId, hop: Hop, bytes: &Bytes) {
        let times = if hop.transport.is_reliable() {
            let network = &mut self.network;
            vec![network.segment(&mut self.rng, self.now, peer, Direction::ToPeer)]
        } else {
            self.network.datagram(&mut self.rng, self.now)
        };
        for at in times {
            let bytes = bytes.clone();
            self.queue.plan(at, Event::Reaches { peer, hop, bytes });
        }
    }

    /// The sender hears of it, often with the beginning of the message only, as with ICMP.
    fn refuse(&mut self, bytes: &Bytes) {
        let rng = &mut self.rng;
        let length = if rng.percent(30) {
            rng.usize(0..=bytes.len())
        } else {
            bytes.len()
        };
        let delay = if rng.bool() { 0 } else { rng.u64(0..100) };
        let payload = bytes.slice(..length);
        self.plan(delay, Event::Undelivered { payload });
    }

    fn spoiled(&mut self, bytes: &Bytes) -> Bytes {
        if bytes.is_empty() || !self.rng.permille(self.network.corruption) {
            return bytes.clone();
        }
        let mut spoiled = bytes.to_vec();
        for _ in 0..self.rng.u32(1..4) {
            let at = self.rng.usize(0..spoiled.len());
            spoiled[at] ^= 1 << self.rng.u32(0..8);
        }
        spoiled.into()
    }
}
