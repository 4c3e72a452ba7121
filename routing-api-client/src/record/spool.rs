//! From a shard to the writer: lines that wait to be taken.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::Thread;

use arc_swap::ArcSwapOption;

/// A bounded buffer of lines, each with its line end. The shard never waits: what finds no room is
/// counted and dropped. The writer looks at it at intervals, and is woken only when it is half full,
/// so that a line costs no wake-up; it gives the buffer of the last time back, so that a line costs
/// no memory that is new to the shard.
#[derive(Debug)]
pub struct Spool {
    lines: Mutex<Vec<u8>>,
    capacity: usize,
    taken: AtomicU64,
    dropped: AtomicU64,
    without_outcome: AtomicU64,
    writer: ArcSwapOption<Thread>,
}

/// A buffer that a burst made larger than this is not kept.
const KEEP: usize = 1 << 20;

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
    pub fn push(&self, line: &[u8]) {
        let size = line.len() + 1;
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let before = lines.len();
        if before + size > self.capacity {
            drop(lines);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        lines.extend_from_slice(line);
        lines.push(b'\n');
        drop(lines);
        self.taken.fetch_add(1, Ordering::Relaxed);
        let half = self.capacity / 2;
        if before < half && before + size >= half {
            self.wake();
        }
    }

    /// Exchanges all that waits, in its order, for the buffer in `lines`; what is in that is done with.
    pub fn drain(&self, lines: &mut Vec<u8>) {
        lines.clear();
        lines.shrink_to(KEEP);
        let mut waiting = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut *waiting, lines);
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

    fn line(size: usize) -> Vec<u8> {
        vec![b'x'; size]
    }

    #[test]
    fn what_finds_no_room_is_counted_and_dropped() {
        let spool = Spool::new(100);
        spool.push(&line(60));
        spool.push(&line(39));
        spool.push(&line(38));
        assert_eq!((spool.stats().recorded, spool.stats().dropped), (2, 1));
    }

    #[test]
    fn what_was_taken_makes_room() {
        let spool = Spool::new(100);
        let mut taken = Vec::new();
        spool.push(&line(99));
        spool.drain(&mut taken);
        assert_eq!(taken.len(), 100);
        spool.push(b"first");
        spool.push(b"second");
        spool.drain(&mut taken);
        assert_eq!(taken, b"first\nsecond\n");
    }

    #[test]
    fn a_buffer_goes_back_and_forth_unless_a_burst_made_it_large() {
        let spool = Spool::new(4 * KEEP);
        let mut taken = Vec::with_capacity(1000);
        let buffer = taken.as_ptr();
        spool.drain(&mut taken);
        spool.push(&line(500));
        spool.drain(&mut taken);
        assert_eq!(taken.as_ptr(), buffer);
        spool.drain(&mut taken);
        spool.push(&line(2 * KEEP));
        spool.drain(&mut taken);
        spool.drain(&mut taken);
        spool.drain(&mut taken);
        assert!(taken.capacity() <= KEEP);
    }
}
