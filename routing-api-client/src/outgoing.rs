//! What waits to be written to one application.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_schemas::ConsultationId;
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
    batch: Batch,
    frames: usize,
    marked: bool,
    closed: bool,
}

/// Messages that leave together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    /// Where each message ends, and what it is about; only where the channel wants to know.
    marks: Vec<Mark>,
    /// What was written of both.
    written: usize,
    passed: usize,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    end: usize,
    about: About,
}

/// What a message is about, for channels that do not just write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// A notification about a call.
    Call,
    /// The answer to a question is of no use any more.
    Cancelled(ConsultationId),
    /// The first message.
    Hello,
    /// Anything that needs no answer.
    Notice,
    /// A sign of life is wanted.
    Ping,
    /// A question, and the time for it in milliseconds.
    Question(ConsultationId, u32),
}

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotQueued {
    /// The connection is gone.
    Closed,
    /// The application does not read fast enough.
    Full,
}

/// A buffer that a burst made larger than this is not kept.
const KEEP: usize = 256 * 1024;

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

    /// From here on each message is marked with what it is about.
    pub(crate) fn mark(&self) {
        self.lock().marked = true;
    }

    /// Whether [`push`](Self::push) would find no room. A hint: another thread may be faster.
    pub(crate) fn full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    pub(crate) fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Appends what `render` writes, which is one whole message.
    pub(crate) fn push(
        &self,
        about: About,
        render: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), NotQueued> {
        let mut queue = self.lock();
        self.check(&queue)?;
        render(&mut queue.batch.bytes);
        if queue.marked {
            queue.batch.mark(about);
        }
        queue.frames += 1;
        self.full.store(self.is_full(&queue), Ordering::Relaxed);
        drop(queue);
        self.wake.notify_one();
        Ok(())
    }

    /// Notes something that is no message to be written, where the channel wants to know.
    pub(crate) fn note(&self, about: About) -> Result<(), NotQueued> {
        if !self.lock().marked {
            return Ok(());
        }
        self.push(about, |_| ())
    }

    /// Exchanges what waits for the `batch`, which is done with.
    pub(crate) fn take(&self, batch: &mut Batch) {
        batch.reset();
        let mut queue = self.lock();
        std::mem::swap(&mut queue.batch, batch);
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
        queue.frames >= self.max_frames || queue.batch.bytes.len() >= self.max_bytes
    }

    /// A panic while rendering leaves at worst half a message, which costs this connection alone.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Batch {
    /// The bytes that are not written.
    pub(crate) fn rest(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    pub(crate) fn advance(&mut self, written: usize) {
        self.written += written;
    }

    /// Whether everything is written.
    pub(crate) fn is_done(&self) -> bool {
        self.written >= self.bytes.len() && self.passed >= self.marks.len()
    }

    /// The next line that is not written, with its end.
    pub(crate) fn line(&self) -> &[u8] {
        let rest = self.rest();
        let end = memchr::memchr(b'\n', rest);
        end.map_or(rest, |end| rest.get(..=end).unwrap_or(rest))
    }

    /// Takes the next message that was marked.
    pub(crate) fn marked(&mut self) -> Option<(About, &[u8])> {
        let Mark { end, about } = *self.marks.get(self.passed)?;
        self.passed += 1;
        let begin = std::mem::replace(&mut self.written, end);
        Some((about, self.bytes.get(begin..end).unwrap_or_default()))
    }

    fn mark(&mut self, about: About) {
        let end = self.bytes.len();
        self.marks.push(Mark { end, about });
    }

    fn reset(&mut self) {
        if self.bytes.capacity() > KEEP {
            *self = Self::default();
        }
        self.bytes.clear();
        self.marks.clear();
        self.written = 0;
        self.passed = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(outgoing: &Outgoing, byte: u8) -> Result<(), NotQueued> {
        outgoing.push(About::Notice, |b| b.push(byte))
    }

    #[test]
    fn is_bounded_in_messages_and_in_bytes() {
        let outgoing = Outgoing::new(2, 100);
        assert_eq!(push(&outgoing, 1), Ok(()));
        assert!(!outgoing.full());
        assert_eq!(push(&outgoing, 2), Ok(()));
        assert!(outgoing.full());
        assert_eq!(push(&outgoing, 3), Err(NotQueued::Full));

        let mut batch = Batch::default();
        outgoing.take(&mut batch);
        assert_eq!(batch.rest(), [1, 2]);
        assert_eq!(outgoing.push(About::Notice, |b| b.resize(100, 0)), Ok(()));
        assert_eq!(push(&outgoing, 4), Err(NotQueued::Full));
    }

    #[test]
    fn takes_nothing_once_closed() {
        let outgoing = Outgoing::new(2, 100);
        outgoing.close();
        assert!(outgoing.closed());
        assert_eq!(push(&outgoing, 1), Err(NotQueued::Closed));
    }

    #[test]
    fn messages_are_marked_only_where_that_is_wanted() {
        let outgoing = Outgoing::new(9, 100);
        assert_eq!(outgoing.note(About::Ping), Ok(()));
        let mut batch = Batch::default();
        outgoing.take(&mut batch);
        assert!(batch.is_done());

        outgoing.mark();
        push(&outgoing, 1).unwrap();
        outgoing.note(About::Ping).unwrap();
        push(&outgoing, 2).unwrap();
        outgoing.take(&mut batch);
        assert_eq!(batch.marked(), Some((About::Notice, &[1][..])));
        assert_eq!(batch.marked(), Some((About::Ping, &[][..])));
        assert!(!batch.is_done());
        assert_eq!(batch.marked(), Some((About::Notice, &[2][..])));
        assert!(batch.is_done());
    }

    #[test]
    fn lines_come_one_by_one() {
        let outgoing = Outgoing::new(9, 100);
        let text = b"{}\n[]\n";
        outgoing
            .push(About::Notice, |b| b.extend_from_slice(text))
            .unwrap();
        let mut batch = Batch::default();
        outgoing.take(&mut batch);
        for line in ["{}\n", "[]\n", ""] {
            assert_eq!(batch.line(), line.as_bytes());
            batch.advance(line.len());
        }
    }
}
