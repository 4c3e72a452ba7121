//! Lines that wait for one sink.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;

/// A bounded queue. When it is full the oldest lines make room: after a pause of the sink the
/// recording has one gap, and is complete up to the present.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<Bytes>,
    bytes: usize,
    dropped: u64,
    end: Option<Instant>,
}

impl Queue {
    /// Holds at most `capacity` bytes.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            changed: Condvar::new(),
            capacity,
        }
    }

    /// Puts lines behind those that wait.
    pub(crate) fn push(&self, lines: &[Bytes]) {
        let mut waiting = self.lock();
        for line in lines {
            waiting.bytes += line.len();
            waiting.lines.push_back(line.clone());
        }
        while waiting.bytes > self.capacity {
            waiting.drop_oldest();
        }
        drop(waiting);
        self.changed.notify_one();
    }

    /// Takes lines of about `most` bytes, at least one if there is one. Waits for them at most
    /// `within`, and not at all once the queue is closed.
    pub(crate) fn take(&self, most: usize, within: Duration, into: &mut VecDeque<Bytes>) {
        let is_idle = |waiting: &mut Waiting| waiting.lines.is_empty() && waiting.end.is_none();
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), within, is_idle);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let mut taken = 0;
        while let Some(line) = waiting.lines.front()
            && (taken == 0 || taken + line.len() <= most)
        {
            taken += line.len();
            waiting.bytes -= line.len();
            into.extend(waiting.lines.pop_front());
        }
    }

    /// Waits for `time`; less when the queue is closed in the meantime, or has to end before that.
    pub(crate) fn pause(&self, time: Duration) {
        let waiting = self.lock();
        if let Some(end) = waiting.end {
            drop(waiting);
            thread::sleep(time.min(end.saturating_duration_since(Instant::now())));
            return;
        }
        let is_open = |waiting: &mut Waiting| waiting.end.is_none();
        drop(self.changed.wait_timeout_while(waiting, time, is_open));
    }

    /// Nothing more comes; what is there may be taken until `end`.
    pub(crate) fn close(&self, end: Instant) {
        self.lock().end = Some(end);
        self.changed.notify_all();
    }

    /// Whether a sink is done: closed, and empty or out of time.
    pub(crate) fn is_over(&self) -> bool {
        let waiting = self.lock();
        let is_late = |end| waiting.lines.is_empty() || Instant::now() >= end;
        waiting.end.is_some_and(is_late)
    }

    /// Whether the time of a closed queue has run out.
    pub(crate) fn is_late(&self) -> bool {
        self.lock().end.is_some_and(|end| Instant::now() >= end)
    }

    /// Counts what waits as dropped.
    pub(crate) fn give_up(&self) {
        let mut waiting = self.lock();
        while !waiting.lines.is_empty() {
            waiting.drop_oldest();
        }
    }

    /// Lines and bytes that wait.
    pub(crate) fn size(&self) -> (usize, usize) {
        let waiting = self.lock();
        (waiting.lines.len(), waiting.bytes)
    }

    /// Lines that were given up.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn drop_oldest(&mut self) {
        if let Some(line) = self.lines.pop_front() {
            self.bytes -= line.len();
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    fn taken(queue: &Queue, most: usize) -> Vec<Bytes> {
        let mut lines = VecDeque::new();
        queue.take(most, Duration::ZERO, &mut lines);
        lines.into()
    }

    #[test]
    fn the_oldest_lines_make_room_and_are_counted() {
        let queue = Queue::new(5);
        queue.push(&[line("aa"), line("bb"), line("cc")]);
        assert_eq!((queue.dropped(), queue.size()), (1, (2, 4)));
        assert_eq!(taken(&queue, 100), ["bb", "cc"]);
        queue.push(&[line("too long")]);
        assert_eq!((queue.dropped(), queue.size()), (2, (0, 0)));
    }

    #[test]
    fn a_batch_has_at_least_one_line_and_no_more_bytes_than_wanted() {
        let queue = Queue::new(100);
        queue.push(&[line("aaaa"), line("b"), line("c"), line("d")]);
        assert_eq!(taken(&queue, 2), ["aaaa"]);
        assert_eq!(taken(&queue, 2), ["b", "c"]);
    }

    #[test]
    fn nobody_waits_for_lines_or_sleeps_once_it_is_closed() {
        let queue = Queue::new(100);
        queue.push(&[line("a")]);
        queue.close(Instant::now());
        assert!(queue.is_over() && queue.is_late());
        let begun = Instant::now();
        queue.pause(Duration::from_secs(60));
        queue.take(1, Duration::from_secs(60), &mut VecDeque::new());
        queue.take(1, Duration::from_secs(60), &mut VecDeque::new());
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn what_is_given_up_is_counted() {
        let queue = Queue::new(100);
        queue.push(&[line("a"), line("b")]);
        queue.give_up();
        assert_eq!((queue.dropped(), queue.size()), (2, (0, 0)));
    }
}
