//! A hierarchical timing wheel: five levels of 64 slots, each level 64 times as coarse as the one
//! below. Entries are never taken out before they are due; who no longer wants one ignores it.

use crate::transaction::Timer;

/// Milliseconds in a tick.
pub(crate) const TICK_MS: u64 = 10;

/// What fires. The generation tells an owner of the slot from its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
    pub(crate) branch: u16,
    pub(crate) kind: Timer,
}

/// Entries by due time. Fires never early, and at most one tick late.
#[derive(Debug)]
pub(crate) struct TimerWheel {
    /// The last tick whose entries have fired.
    elapsed: u64,
    len: usize,
    levels: [Level; LEVELS],
    pool: Pool,
}

impl TimerWheel {
    pub(crate) fn new() -> Self {
        Self {
            elapsed: 0,
            len: 0,
            levels: std::array::from_fn(Level::new),
            pool: Pool::default(),
        }
    }

    /// Entries that have not fired, wanted or not.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn insert(&mut self, now_ms: u64, delay_ms: u32, entry: Entry) {
        if self.len == 0 {
            self.elapsed = self.elapsed.max(now_ms / TICK_MS);
        }
        let due = now_ms.saturating_add(u64::from(delay_ms)).div_ceil(TICK_MS);
        let due = due.clamp(self.elapsed + 1, self.elapsed + REACH);
        self.len += 1;
        self.place(Stored {
            due: due as u32,
            entry,
        });
    }

    /// When `expire` has to be called next; it may find nothing to fire then.
    pub(crate) fn next_due_ms(&self) -> Option<u64> {
        self.next_slot().map(|next| next.tick * TICK_MS)
    }

    /// Appends everything due, earliest first, in the order of insertion within a tick.
    pub(crate) fn expire(&mut self, now_ms: u64, sink: &mut Vec<Entry>) {
        let now = now_ms / TICK_MS;
        while let Some(next) = self.next_slot().filter(|next| next.tick <= now) {
            self.elapsed = next.tick;
            if next.level == 0 {
                self.fire(next.slot, sink);
            } else {
                self.cascade(next);
            }
        }
        self.elapsed = self.elapsed.max(now);
        self.pool.trim();
    }

    /// The lowest level holds the nearest entries: each level's lie beyond the span of those below.
    fn next_slot(&self) -> Option<Next> {
        let (index, level) = self
            .levels
            .iter()
            .enumerate()
            .find(|(_, l)| l.occupied != 0)?;
        Some(level.next(index, self.elapsed))
    }

    fn place(&mut self, stored: Stored) {
        let due = stored.due_tick(self.elapsed);
        let level = level_for(self.elapsed, due);
        self.levels[level].push(slot_for(level, due), stored, &mut self.pool);
    }

    fn fire(&mut self, slot: usize, sink: &mut Vec<Entry>) {
        let mut chunks = self.levels[0].take(slot);
        for chunk in chunks.drain(..) {
            self.len -= chunk.len();
            sink.extend(chunk.iter().map(|stored| stored.entry));
            self.pool.give(chunk);
        }
        self.levels[0].restore(slot, chunks);
    }

    /// Moves a slot whose time has begun to the levels below.
    fn cascade(&mut self, next: Next) {
        let mut chunks = self.levels[next.level].take(next.slot);
        for chunk in chunks.drain(..) {
            for &stored in &chunk {
                self.place(stored);
            }
            self.pool.give(chunk);
        }
        self.levels[next.level].restore(next.slot, chunks);
    }
}

/// An entry with the low bits of its due tick, which suffice as no delay reaches 2^32 ticks.
#[derive(Clone, Copy, Debug)]
struct Stored {
    due: u32,
    entry: Entry,
}

/// A slot and the first tick of its span.
#[derive(Clone, Copy, Debug)]
struct Next {
    level: usize,
    slot: usize,
    tick: u64,
}

type Chunk = Vec<Stored>;

#[derive(Debug)]
struct Level {
    /// One bit for each slot that holds entries.
    occupied: u64,
    slots: [Vec<Chunk>; SLOTS],
}

/// Empty chunks for reuse.
#[derive(Debug, Default)]
struct Pool {
    free: Vec<Chunk>,
    used: usize,
}

impl Stored {
    fn due_tick(&self, elapsed: u64) -> u64 {
        elapsed + u64::from(self.due.wrapping_sub(elapsed as u32))
    }
}

impl Level {
    fn new(_: usize) -> Self {
        Self {
            occupied: 0,
            slots: std::array::from_fn(|_| Vec::new()),
        }
    }

    /// The next occupied slot at or after `elapsed`, in rotation. Not for an empty level.
    fn next(&self, level: usize, elapsed: u64) -> Next {
        let shift = BITS * level as u32;
        let current = elapsed >> shift;
        let ahead = self
            .occupied
            .rotate_right((current & MASK) as u32)
            .trailing_zeros();
        let index = current + u64::from(ahead);
        Next {
            level,
            slot: (index & MASK) as usize,
            tick: index << shift,
        }
    }

    fn push(&mut self, slot: usize, stored: Stored, pool: &mut Pool) {
        self.occupied |= 1 << slot;
        let chunks = &mut self.slots[slot];
        match chunks.last_mut().filter(|chunk| chunk.len() < CHUNK) {
            Some(chunk) => chunk.push(stored),
            None => chunks.push(pool.take(stored)),
        }
    }

    fn take(&mut self, slot: usize) -> Vec<Chunk> {
        self.occupied &= !(1 << slot);
        std::mem::take(&mut self.slots[slot])
    }

    /// Gives an emptied list back for its capacity.
    fn restore(&mut self, slot: usize, chunks: Vec<Chunk>) {
        self.slots[slot] = chunks;
    }
}

impl Pool {
    fn take(&mut self, first: Stored) -> Chunk {
        self.used += 1;
        let mut chunk = self.free.pop().unwrap_or_else(|| Vec::with_capacity(CHUNK));
        chunk.push(first);
        chunk
    }

    fn give(&mut self, mut chunk: Chunk) {
        self.used -= 1;
        chunk.clear();
        self.free.push(chunk);
    }

    /// Frees what a burst has left behind.
    fn trim(&mut self) {
        self.free.truncate(self.used / 2 + SPARE);
    }
}

fn level_for(elapsed: u64, due: u64) -> usize {
    let differing = (elapsed ^ due) | MASK;
    let level = (63 - differing.leading_zeros()) / BITS;
    (level as usize).min(LEVELS - 1)
}

fn slot_for(level: usize, due: u64) -> usize {
    (due >> (BITS * level as u32) & MASK) as usize
}

const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
const MASK: u64 = SLOTS as u64 - 1;
const LEVELS: usize = 5;
/// The furthest that an entry lies ahead: less than a rotation of the top level, and more than
/// any delay in milliseconds that fits 32 bits.
const REACH: u64 = 62 << (BITS * (LEVELS as u32 - 1));
/// Entries in a chunk: 1 KiB.
const CHUNK: usize = 64;
/// Chunks that an idle wheel keeps.
const SPARE: usize = 64;
