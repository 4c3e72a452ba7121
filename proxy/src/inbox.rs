//! What other threads and tasks hand to a shard.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tidegate_engine::{Source, Steer};
use tidegate_sip::{Head, Limits, View};
use tokio::sync::mpsc;

/// Inputs that wait for one shard. Beyond it datagrams are dropped and streams wait.
pub(crate) const DEPTH: usize = 8192;

/// One input of a shard.
#[derive(Debug)]
pub(crate) enum Input {
    /// A message from a stream, or one that came to another shard's socket.
    Message { source: Source, bytes: Bytes },
    /// A message, or its beginning, that could not be delivered.
    Undelivered(Bytes),
    /// The end of a look-up; without addresses it failed.
    Resolved {
        host: String,
        addresses: Vec<IpAddr>,
    },
}

/// The inboxes of all shards.
#[derive(Debug)]
pub(crate) struct Switchboard {
    shards: Vec<mpsc::Sender<Input>>,
    steer: Steer,
    limits: Limits,
    steered: AtomicU64,
    dropped: AtomicU64,
}

impl Switchboard {
    /// Inboxes for `count` shards, with their receiving ends.
    pub(crate) fn new(
        count: u8,
        secret: [u8; 16],
        limits: Limits,
    ) -> (Self, Vec<mpsc::Receiver<Input>>) {
        let (shards, receivers) = (0..count).map(|_| mpsc::channel(DEPTH)).unzip();
        let (steered, dropped) = Default::default();
        let steer = Steer::new(secret, count);
        (
            Self {
                shards,
                steer,
                limits,
                steered,
                dropped,
            },
            receivers,
        )
    }

    /// The shard that owns a message.
    pub(crate) fn owner(&self, view: View<'_>) -> u8 {
        self.steer.owner(view)
    }

    /// Hands a datagram to another shard, or drops it when that one is behind.
    pub(crate) fn pass_on(&self, shard: u8, source: Source, bytes: Bytes) {
        self.steered.fetch_add(1, Ordering::Relaxed);
        self.offer(shard, Input::Message { source, bytes });
    }

    /// Hands over what may be lost.
    pub(crate) fn offer(&self, shard: u8, input: Input) {
        let inbox = self.shards.get(usize::from(shard));
        if inbox.is_none_or(|inbox| inbox.try_send(input).is_err()) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Hands over what may not be lost, waiting while the shard is behind.
    pub(crate) async fn deliver(&self, shard: u8, input: Input) {
        if let Some(inbox) = self.shards.get(usize::from(shard)) {
            let _ = inbox.send(input).await;
        }
    }

    /// Hands a message from a stream to its owner. `head` is scratch space of the caller.
    pub(crate) async fn deliver_message(&self, head: &mut Head, source: Source, bytes: Bytes) {
        let owner = match self.shards.len() {
            1 => 0,
            _ if head.parse(&bytes, &self.limits).is_err() => 0,
            _ => self.owner(head.view(&bytes)),
        };
        self.deliver(owner, Input::Message { source, bytes }).await;
    }

    /// Datagrams that came to another shard than their owner's, and inputs that were dropped.
    pub(crate) fn counters(&self) -> (u64, u64) {
        (
            self.steered.load(Ordering::Relaxed),
            self.dropped.load(Ordering::Relaxed),
        )
    }
}
