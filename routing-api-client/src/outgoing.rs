//! What waits to be written to one application.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A bounded buffer of rendered messages. Shards fill it, the connection empties it in one go.
#[derive(Debug)]
pub(crate) struct Outgoing {
    queue: Mutex<Queue>,
    wake: Notify,
    full: AtomicBool,
    closed: AtomicBool,
    max_frames: usize,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    frames: usize,
    closed: bool,
}

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotQueued {
    /// The connection is gone.
    Closed,
    /// The application does not read fast enough.
    Full,
}

impl Outgoing {
    pub(crate) fn new(max_frames: usize, max_bytes: usize) -> Self {
        Self {
            queue: Mutex::default(),
            wake: Notify::new(),
            full: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            max_frames,
            max_bytes,
        }
    }

    /// Whether [`push`](Self::push) would find no room. A hint: another thread may be faster.
    pub(crate) fn full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    pub(crate) fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Appends what `render` writes, which is one whole message.
    pub(crate) fn push(&self, render: impl FnOnce(&mut Vec<u8>)) -> Result<(), NotQueued> {
        let mut queue = self.lock();
        self.check(&queue)?;
        render(&mut queue.bytes);
        queue.frames += 1;
        self.full.store(self.is_full(&queue), Ordering::Relaxed);
        drop(queue);
        self.wake.notify_one();
        Ok(())
    }

    /// Exchanges what waits for the empty `chunk`.
    pub(crate) fn take(&self, chunk: &mut Vec<u8>) {
        let mut queue = self.lock();
        std::mem::swap(&mut queue.bytes, chunk);
        queue.frames = 0;
        self.full.store(false, Ordering::Relaxed);
    }

    /// Takes nothing more.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Waits until something was pushed since the last wait.
    pub(crate) async fn pushed(&self) {
        self.wake.notified().await;
    }

    fn check(&self, queue: &Queue) -> Result<(), NotQueued> {
        if queue.closed {
            return Err(NotQueued::Closed);
        }
        if self.is_full(queue) {
            return Err(NotQueued::Full);
        }
        Ok(())
    }

    fn is_full(&self, queue: &Queue) -> bool {
        queue.frames >= self.max_frames || queue.bytes.len() >= self.max_bytes
    }

    /// A panic while rendering leaves at worst half a message, which costs this connection alone.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_bounded_in_messages_and_in_bytes() {
        let outgoing = Outgoing::new(2, 100);
        assert_eq!(outgoing.push(|b| b.push(1)), Ok(()));
        assert!(!outgoing.full());
        assert_eq!(outgoing.push(|b| b.push(2)), Ok(()));
        assert!(outgoing.full());
        assert_eq!(outgoing.push(|b| b.push(3)), Err(NotQueued::Full));

        let mut chunk = Vec::new();
        outgoing.take(&mut chunk);
        assert_eq!(chunk, [1, 2]);
        assert_eq!(outgoing.push(|b| b.resize(100, 0)), Ok(()));
        assert_eq!(outgoing.push(|b| b.push(4)), Err(NotQueued::Full));
    }

    #[test]
    fn takes_nothing_once_closed() {
        let outgoing = Outgoing::new(2, 100);
        outgoing.close();
        assert!(outgoing.closed());
        assert_eq!(outgoing.push(|b| b.push(1)), Err(NotQueued::Closed));
    }
}
