//! The connections that are alive, by their id and by their remote address.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use dashmap::DashMap;
use tidegate_engine::{ConnectionId, Hop, ListenerId, Transport};

use super::counters::StreamCounters;
use super::queue::{self, NotQueued, Outgoing, Receiver, Sender};
use crate::config::Streams;
use crate::inbox::Switchboard;

/// Bounds and times for every connection.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) connections: usize,
    pub(crate) connect: Duration,
    pub(crate) write: Duration,
    pub(crate) write_bytes: usize,
    pub(crate) idle: Duration,
    pub(crate) message: tidegate_sip::Limits,
}

impl Limits {
    pub(crate) fn new(streams: &Streams, message: tidegate_sip::Limits) -> Self {
        Self {
            connections: streams.max_connections,
            connect: Duration::from_millis(streams.connect_timeout_ms.into()),
            write: Duration::from_millis(streams.write_timeout_ms.into()),
            write_bytes: streams.write_queue_bytes,
            idle: Duration::from_secs(streams.idle_s.into()),
            message,
        }
    }
}

/// All connections of the proxy. Only copies leave it.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) limits: Limits,
    pub(crate) counters: StreamCounters,
    pub(crate) switchboard: Arc<Switchboard>,
    /// The addresses of the listeners, by their id.
    pub(super) listeners: Vec<SocketAddr>,
    connections: DashMap<ConnectionId, Sender>,
    by_remote: DashMap<(Transport, SocketAddr), ConnectionId>,
    alive: AtomicUsize,
    next_id: AtomicU64,
}

/// A place in the registry; leaving it gives the place back.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) id: ConnectionId,
    pub(super) transport: Transport,
    pub(super) remote: SocketAddr,
    pub(super) listener: ListenerId,
    pub(super) queue: Sender,
    registry: Arc<Registry>,
}

impl Registry {
    pub(crate) fn new(
        limits: Limits,
        switchboard: Arc<Switchboard>,
        listeners: Vec<SocketAddr>,
    ) -> Arc<Self> {
        Arc::new(Self {
            limits,
            counters: StreamCounters::default(),
            switchboard,
            listeners,
            connections: DashMap::new(),
            by_remote: DashMap::new(),
            alive: AtomicUsize::new(0),
            next_id: AtomicU64::new(1),
        })
    }

    /// Sends over the connection that `hop` names while it lives (RFC 3261 section 18.2.2), else over
    /// one to its address, which is opened where there is none. What can't be queued is given back.
    pub(crate) fn send(self: &Arc<Self>, shard: u8, hop: &Hop, bytes: Bytes) -> Result<(), Bytes> {
        let mut message = Outgoing {
            shard: Some(shard),
            bytes,
        };
        for id in [hop.connection, self.connection_to(hop)]
            .into_iter()
            .flatten()
        {
            match self.push(id, message) {
                Ok(()) => return Ok(()),
                Err(NotQueued::Full(lost)) => return Err(lost.bytes),
                Err(NotQueued::Gone(back)) => message = back,
            }
        }
        super::connect::open(self, hop, message).map_err(|lost| lost.bytes)
    }

    /// Connections that are alive.
    pub(crate) fn alive(&self) -> usize {
        self.alive.load(Ordering::Relaxed)
    }

    /// Whether every connection has written all that it was given.
    pub(crate) fn is_flushed(&self) -> bool {
        self.connections
            .iter()
            .all(|entry| entry.value().is_empty())
    }

    /// Takes a place for a new connection; `None` when all are taken.
    pub(super) fn join(
        self: &Arc<Self>,
        transport: Transport,
        remote: SocketAddr,
        listener: ListenerId,
    ) -> Option<(Place, Receiver)> {
        let limit = self.limits.connections;
        let one_more = |alive| (alive < limit).then_some(alive + 1);
        let taken = self
            .alive
            .try_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        if taken.is_err() {
            self.counters.refused.add(1);
            return None;
        }
        let id = ConnectionId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let (queue, receiver) = queue::channel(self.limits.write_bytes);
        self.connections.insert(id, queue.clone());
        self.by_remote.insert((transport, remote), id);
        let registry = Arc::clone(self);
        Some((
            Place {
                id,
                transport,
                remote,
                listener,
                queue,
                registry,
            },
            receiver,
        ))
    }

    fn connection_to(&self, hop: &Hop) -> Option<ConnectionId> {
        self.by_remote.get(&(hop.transport, hop.addr)).map(|id| *id)
    }

    fn push(&self, id: ConnectionId, message: Outgoing) -> Result<(), NotQueued> {
        let queue = self.connections.get(&id).map(|queue| queue.clone());
        match queue {
            Some(queue) => queue.push(message),
            None => Err(NotQueued::Gone(message)),
        }
    }
}

impl Place {
    pub(super) fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let registry = &self.registry;
        registry.connections.remove(&self.id);
        let key = (self.transport, self.remote);
        registry.by_remote.remove_if(&key, |_, id| *id == self.id);
        registry.alive.fetch_sub(1, Ordering::Relaxed);
        registry.counters.closed.add(1);
    }
}
