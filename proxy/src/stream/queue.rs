//! What waits to be written to one connection, bounded by bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};

/// A message on its way to a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    /// Who hears about it when it can't be delivered; nobody for what the stream itself says.
    pub(crate) shard: Option<u8>,
    pub(crate) bytes: Bytes,
}

/// Why a message was not queued. It is given back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotQueued {
    /// The connection has ended.
    Gone(Outgoing),
    /// The peer reads too slowly; the connection ends.
    Full(Outgoing),
}

/// The side of the shards.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    queue: mpsc::UnboundedSender<Outgoing>,
    state: Arc<State>,
}

/// The side of the connection's task.
#[derive(Debug)]
pub(crate) struct Receiver {
    queue: mpsc::UnboundedReceiver<Outgoing>,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    waiting: AtomicUsize,
    limit: usize,
    overflow: Notify,
}

/// A queue for at most `limit` bytes.
pub(crate) fn channel(limit: usize) -> (Sender, Receiver) {
    let (tx, rx) = mpsc::unbounded_channel();
    let overflow = Notify::new();
    let state = Arc::new(State {
        waiting: AtomicUsize::new(0),
        limit,
        overflow,
    });
    (
        Sender {
            queue: tx,
            state: Arc::clone(&state),
        },
        Receiver { queue: rx, state },
    )
}

impl Sender {
    /// Queues a message.
    pub(crate) fn push(&self, message: Outgoing) -> Result<(), NotQueued> {
        let length = message.bytes.len();
        let before = self.state.waiting.fetch_add(length, Ordering::Relaxed);
        if before + length > self.state.limit {
            self.state.waiting.fetch_sub(length, Ordering::Relaxed);
            self.state.overflow.notify_one();
            return Err(NotQueued::Full(message));
        }
        self.queue
            .send(message)
            .map_err(|unsent| NotQueued::Gone(unsent.0))
    }

    /// Whether everything was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.state.waiting.load(Ordering::Relaxed) == 0 || self.queue.is_closed()
    }
}

impl Receiver {
    /// Waits for messages and appends some to `batch`. `false`: there will be no more.
    pub(crate) async fn receive(&mut self, batch: &mut Vec<Outgoing>) -> bool {
        self.queue.recv_many(batch, 64).await > 0
    }

    /// To be told of what `receive` gave, once it is written or lost.
    pub(crate) fn done(&self, bytes: usize) {
        self.state.waiting.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Completes when a message found no room.
    pub(crate) fn overflow(&self) -> impl Future<Output = ()> + use<> {
        let state = Arc::clone(&self.state);
        async move { state.overflow.notified().await }
    }

    /// Ends the queue and gives what is left in it.
    pub(crate) fn close(&mut self) -> Vec<Outgoing> {
        self.queue.close();
        std::iter::from_fn(|| self.queue.try_recv().ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: usize) -> Outgoing {
        Outgoing {
            shard: Some(0),
            bytes: Bytes::from(vec![b'x'; length]),
        }
    }

    #[tokio::test]
    async fn the_queue_is_bounded_by_bytes_and_room_comes_back() {
        let (tx, mut rx) = channel(10);
        tx.push(message(6)).unwrap();
        assert_eq!(tx.push(message(5)), Err(NotQueued::Full(message(5))));
        rx.overflow().await;
        let mut batch = Vec::new();
        assert!(rx.receive(&mut batch).await);
        rx.done(6);
        assert!(tx.is_empty());
        tx.push(message(10)).unwrap();
        assert_eq!(rx.close(), [message(10)]);
        assert_eq!(tx.push(message(0)), Err(NotQueued::Gone(message(0))));
    }
}
