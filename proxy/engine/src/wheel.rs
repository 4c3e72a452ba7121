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

    /// Gives an emptied list back for its capacity, unless a burst has made it large.
    fn restore(&mut self, slot: usize, chunks: Vec<Chunk>) {
        if chunks.capacity() <= LIST_KEPT {
            self.slots[slot] = chunks;
        }
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
/// The longest list of chunks that an empty slot keeps room for.
const LIST_KEPT: usize = 128;

const _: () = assert!(size_of::<Stored>() == 16);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(slot: u32) -> Entry {
        Entry {
            slot,
            generation: slot ^ 0xffff,
            branch: slot as u16,
            kind: Timer::B,
        }
    }

    fn fired(wheel: &mut TimerWheel, now_ms: u64) -> Vec<u32> {
        let mut sink = Vec::new();
        wheel.expire(now_ms, &mut sink);
        sink.iter().map(|entry| entry.slot).collect()
    }

    #[test]
    fn an_entry_comes_back_as_it_went_in() {
        let mut wheel = TimerWheel::new();
        let stored = Entry {
            slot: u32::MAX,
            generation: 7,
            branch: 0x8001,
            kind: Timer::Deadline,
        };
        wheel.insert(0, 5, stored);
        let mut sink = Vec::new();
        wheel.expire(10, &mut sink);
        assert_eq!(sink, [stored]);
    }

    #[test]
    fn nothing_fires_early_and_nothing_more_than_a_tick_late() {
        for start in [0, 3, 9_999, 1_777_777_777_777] {
            for delay in [
                0, 1, 9, 10, 11, 500, 639, 640, 641, 32_000, 180_000, 10_800_000,
            ] {
                let mut wheel = TimerWheel::new();
                wheel.insert(start, delay, entry(1));
                let due = start + u64::from(delay);
                assert!(due == start || fired(&mut wheel, due - 1).is_empty());
                assert_eq!(fired(&mut wheel, due + TICK_MS), [1], "{start} + {delay}");
            }
        }
    }

    #[test]
    fn an_empty_wheel_has_nothing_to_wait_for() {
        let mut wheel = TimerWheel::new();
        assert_eq!(wheel.next_due_ms(), None);
        wheel.insert(1000, 10, entry(1));
        assert_eq!(wheel.next_due_ms(), Some(1010));
        assert_eq!(fired(&mut wheel, 1010), [1]);
        assert_eq!(wheel.next_due_ms(), None);
        assert_eq!(wheel.len(), 0);
    }

    #[test]
    fn entries_of_one_tick_fire_in_the_order_of_insertion_from_whatever_level() {
        let mut wheel = TimerWheel::new();
        wheel.insert(0, 200_000, entry(1));
        assert!(fired(&mut wheel, 100_000).is_empty());
        wheel.insert(100_000, 100_000, entry(2));
        assert!(fired(&mut wheel, 199_900).is_empty());
        wheel.insert(199_900, 100, entry(3));
        wheel.insert(199_900, 91, entry(4));
        wheel.insert(199_900, 90, entry(0));
        assert_eq!(fired(&mut wheel, 300_000), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn an_insertion_between_two_wakes_does_not_overtake_earlier_entries() {
        let mut wheel = TimerWheel::new();
        wheel.insert(0, 700, entry(1));
        assert!(fired(&mut wheel, 639).is_empty());
        wheel.insert(645, 55, entry(2));
        wheel.insert(645, 5, entry(0));
        assert_eq!(fired(&mut wheel, 700), [0, 1, 2]);
    }

    #[test]
    fn the_longest_delay_survives_the_wrap_of_the_stored_tick() {
        let start = (u64::from(u32::MAX) - 5) * TICK_MS;
        let mut wheel = TimerWheel::new();
        wheel.insert(start, 100, entry(1));
        wheel.insert(start, u32::MAX, entry(2));
        assert_eq!(fired(&mut wheel, start + 100), [1]);
        let due = start + u64::from(u32::MAX);
        assert!(fired(&mut wheel, due - 1).is_empty());
        assert_eq!(fired(&mut wheel, due + TICK_MS), [2]);
    }

    #[test]
    fn a_clock_that_steps_back_delays_nothing() {
        let mut wheel = TimerWheel::new();
        wheel.insert(5000, 5000, entry(1));
        assert!(fired(&mut wheel, 6000).is_empty());
        wheel.insert(4000, 100, entry(2));
        assert!(fired(&mut wheel, 5900).is_empty());
        assert_eq!(fired(&mut wheel, 6010), [2]);
    }

    #[test]
    fn memory_follows_the_entries_and_returns_after_a_burst() {
        let mut wheel = TimerWheel::new();
        let mut sink = Vec::new();
        for slot in 0..300_000 {
            wheel.insert(u64::from(slot) / 10, 32_000, entry(slot));
        }
        let full = 300_000 / CHUNK;
        assert!(
            wheel.pool.used <= full + LEVELS * SLOTS,
            "{}",
            wheel.pool.used
        );
        wheel.expire(70_000, &mut sink);
        assert_eq!(sink.len(), 300_000);
        assert_eq!((wheel.len(), wheel.pool.used), (0, 0));
        assert!(wheel.pool.free.len() <= SPARE);
        let lists = wheel.levels.iter().flat_map(|level| &level.slots);
        assert!(lists.map(Vec::capacity).all(|room| room <= LIST_KEPT));
    }

    #[test]
    fn a_steady_load_reuses_its_chunks() {
        let mut wheel = TimerWheel::new();
        let mut sink = Vec::new();
        let mut most = [0; 2];
        for now in 0..200_000 {
            wheel.insert(now, 32_000, entry(now as u32));
            wheel.expire(now, &mut sink);
            let chunks = wheel.pool.used + wheel.pool.free.len();
            let half = &mut most[usize::from(now >= 100_000)];
            *half = chunks.max(*half);
        }
        assert_eq!(most[0], most[1]);
    }

    #[derive(Clone, Debug)]
    enum Act {
        Insert(u32),
        /// Time passes and nobody looks.
        Wait(u64),
        Expire,
        /// As the owner does: to the next wake and no further.
        Wake,
    }

    fn act() -> impl Strategy<Value = Act> {
        let delay = prop_oneof![
            0..40u32,
            Just(500),
            Just(4000),
            Just(32_000),
            Just(180_000),
            0..700_000u32,
            0..20_000_000u32,
            any::<u32>(),
        ];
        let pause = prop_oneof![0..15u64, 0..2000u64, 0..200_000u64, 0..400_000_000u64];
        prop_oneof![
            4 => delay.prop_map(Act::Insert),
            1 => pause.prop_map(Act::Wait),
            1 => Just(Act::Expire),
            2 => Just(Act::Wake),
        ]
    }

    /// The same by sorting: due tick, number, in the order of insertion.
    #[derive(Default)]
    struct Model {
        elapsed: u64,
        entries: Vec<(u64, u32)>,
    }

    impl Model {
        fn insert(&mut self, now: u64, delay: u32, number: u32) {
            if self.entries.is_empty() {
                self.elapsed = self.elapsed.max(now / TICK_MS);
            }
            let due = (now + u64::from(delay)).div_ceil(TICK_MS);
            self.entries.push((due.max(self.elapsed + 1), number));
            self.entries.sort_by_key(|&(due, _)| due);
        }

        fn expire(&mut self, now: u64) -> Vec<u32> {
            self.elapsed = self.elapsed.max(now / TICK_MS);
            let due = self
                .entries
                .partition_point(|&(due, _)| due <= now / TICK_MS);
            self.entries
                .drain(..due)
                .map(|(_, number)| number)
                .collect()
        }

        fn next_due_ms(&self) -> Option<u64> {
            self.entries.first().map(|&(due, _)| due * TICK_MS)
        }
    }

    proptest! {
        #[test]
        fn the_wheel_fires_what_a_sorted_list_would(
            start in prop_oneof![0..100u64, any::<u32>().prop_map(|s| u64::from(s) * 1000)],
            acts in prop::collection::vec(act(), 1..200),
        ) {
            let mut now = start;
            let mut wheel = TimerWheel::new();
            let mut model = Model::default();
            for (number, act) in (0..).zip(acts) {
                match act {
                    Act::Insert(delay) => {
                        wheel.insert(now, delay, entry(number));
                        model.insert(now, delay, number);
                    }
                    Act::Wait(pause) => now += pause,
                    Act::Expire => prop_assert_eq!(fired(&mut wheel, now), model.expire(now)),
                    Act::Wake => {
                        now = now.max(wheel.next_due_ms().unwrap_or(now));
                        prop_assert_eq!(fired(&mut wheel, now), model.expire(now));
                    }
                }
                prop_assert_eq!(wheel.len(), model.entries.len());
                prop_assert!(wheel.next_due_ms() <= model.next_due_ms());
                prop_assert_eq!(wheel.next_due_ms().is_none(), model.entries.is_empty());
            }
            now += 2 * u64::from(u32::MAX);
            prop_assert_eq!(fired(&mut wheel, now), model.expire(now));
            prop_assert_eq!(wheel.len(), 0);
        }
    }
}
