//! From a shard to the writer: lines that wait to be taken.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::Thread;

use arc_swap::ArcSwapOption;

/// A bounded queue of lines. The shard never waits: what finds no room is counted and dropped. The
/// writer looks at it at intervals, and is woken only when it is half full, so that a line costs no
/// wake-up.
#[derive(Debug)]
pub struct Spool {
    lines: Mutex<Lines>,
    capacity: usize,
    taken: AtomicU64,
    dropped: AtomicU64,
    without_outcome: AtomicU64,
    writer: ArcSwapOption<Thread>,
}

#[derive(Debug, Default)]
struct Lines {
    queue: VecDeque<Box<[u8]>>,
    bytes: usize,
}

/// What a spool counted since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpoolStats {
    /// Lines that were put in.
    pub recorded: u64,
    /// Lines that found no room.
    pub dropped: u64,
    /// Lines that were put in before their outcome was known, since too many waited.
    pub without_outcome: u64,
}

impl Spool {
    /// Holds at most `capacity` bytes.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            lines: Mutex::default(),
            capacity,
            taken: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            without_outcome: AtomicU64::new(0),
            writer: ArcSwapOption::empty(),
        }
    }

    /// The thread to be unparked when half of the room is taken.
    pub fn set_writer(&self, writer: Thread) {
        self.writer.store(Some(writer.into()));
    }

    /// Puts one line in: JSON without a line end.
    pub fn push(&self, line: Box<[u8]>) {
        let size = line.len();
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let before = lines.bytes;
        if before + size > self.capacity {
            drop(lines);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        lines.bytes += size;
        lines.queue.push_back(line);
        drop(lines);
        self.taken.fetch_add(1, Ordering::Relaxed);
        let half = self.capacity / 2;
        if before < half && before + size >= half {
            self.wake();
        }
    }

    /// Takes all that waits, in its order, and puts it behind what `into` has.
    pub fn drain(&self, into: &mut VecDeque<Box<[u8]>>) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.bytes = 0;
        into.append(&mut lines.queue);
    }

    /// What was counted.
    #[must_use]
    pub fn stats(&self) -> SpoolStats {
        SpoolStats {
            recorded: self.taken.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            without_outcome: self.without_outcome.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn count_without_outcome(&self) {
        self.without_outcome.fetch_add(1, Ordering::Relaxed);
    }

    fn wake(&self) {
        if let Some(writer) = &*self.writer.load() {
            writer.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(size: usize) -> Box<[u8]> {
        vec![b'x'; size].into()
    }

    #[test]
    fn what_finds_no_room_is_counted_and_dropped() {
        let spool = Spool::new(100);
        spool.push(line(60));
        spool.push(line(41));
        spool.push(line(40));
        assert_eq!((spool.stats().recorded, spool.stats().dropped), (2, 1));
    }

    #[test]
    fn what_was_taken_makes_room() {
        let spool = Spool::new(100);
        let mut taken = VecDeque::new();
        spool.push(line(100));
        spool.drain(&mut taken);
        spool.push(line(99));
        spool.drain(&mut taken);
        let sizes: Vec<usize> = taken.iter().map(|line| line.len()).collect();
        assert_eq!(sizes, [100, 99]);
    }
}
