//! What one shard knows of one application: counts, and how long its answers took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

/// Milliseconds after which a window is closed. Figures are those of the last one to two windows.
const WINDOW: u64 = 30_000;
/// The longest time that is told apart, in microseconds.
const LONGEST: u64 = 60_000_000;
/// Enough for figures that are right to a percent.
const DIGITS: u8 = 2;

/// Written by one shard alone, so that counting takes no more than a load and a store, and the lock
/// is free but while somebody looks.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) asked: Count,
    pub(crate) answered: Count,
    pub(crate) errors: Count,
    pub(crate) timeouts: Count,
    pub(crate) late: Count,
    pub(crate) invalid: Count,
    latencies: Mutex<Windows>,
}

/// A number that one thread writes.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self) {
        let value = self.0.load(Ordering::Relaxed);
        self.0.store(value.wrapping_add(1), Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A copy of the counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) asked: u64,
    pub(crate) answered: u64,
    pub(crate) errors: u64,
    pub(crate) timeouts: u64,
    pub(crate) late: u64,
    pub(crate) invalid: u64,
}

impl std::ops::Add for Tally {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self {
            asked: self.asked + more.asked,
            answered: self.answered + more.answered,
            errors: self.errors + more.errors,
            timeouts: self.timeouts + more.timeouts,
            late: self.late + more.late,
            invalid: self.invalid + more.invalid,
        }
    }
}

impl Record {
    pub(crate) fn tally(&self) -> Tally {
        Tally {
            asked: self.asked.get(),
            answered: self.answered.get(),
            errors: self.errors.get(),
            timeouts: self.timeouts.get(),
            late: self.late.get(),
            invalid: self.invalid.get(),
        }
    }

    /// Notes how long an answer took.
    pub(crate) fn took(&self, clock: u64, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(LONGEST);
        self.windows().record(clock, micros.clamp(1, LONGEST));
    }

    pub(crate) fn forget_latencies(&self) {
        *self.windows() = Windows::default();
    }

    fn windows(&self) -> MutexGuard<'_, Windows> {
        self.latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The window that is being filled, and the one before. Made with the first answer.
#[derive(Debug, Default)]
struct Windows {
    began: u64,
    current: Option<Histogram<u32>>,
    last: Option<Histogram<u32>>,
}

impl Windows {
    fn record(&mut self, clock: u64, micros: u64) {
        self.rotate(clock);
        if self.current.is_none() {
            self.began = clock;
            self.current = histogram();
        }
        if let Some(current) = &mut self.current {
            current.saturating_record(micros);
        }
    }

    fn rotate(&mut self, clock: u64) {
        let age = clock.saturating_sub(self.began);
        if age < WINDOW {
            return;
        }
        std::mem::swap(&mut self.current, &mut self.last);
        if age >= 2 * WINDOW {
            clear(&mut self.last);
        }
        clear(&mut self.current);
        self.began = clock;
    }

    /// Those that are not too old.
    fn recent(&self, clock: u64) -> impl Iterator<Item = &Histogram<u32>> {
        let age = clock.saturating_sub(self.began);
        let current = self.current.iter().filter(move |_| age < 2 * WINDOW);
        current.chain(self.last.iter().filter(move |_| age < WINDOW))
    }
}

fn clear(window: &mut Option<Histogram<u32>>) {
    if let Some(window) = window {
        window.reset();
    }
}

/// The bounds are constants that it takes.
fn histogram() -> Option<Histogram<u32>> {
    Histogram::new_with_bounds(1, LONGEST, DIGITS).ok()
}

/// How long answers took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Percentiles {
    pub(crate) count: u64,
    pub(crate) p50: Duration,
    pub(crate) p95: Duration,
    pub(crate) p99: Duration,
}

impl Percentiles {
    /// Of all shards together; nothing without an answer.
    pub(crate) fn of<'a>(records: impl Iterator<Item = &'a Record>, clock: u64) -> Option<Self> {
        let mut all = histogram()?;
        for record in records {
            for window in record.windows().recent(clock) {
                all.add(window).ok()?;
            }
        }
        let at = |quantile| Duration::from_micros(all.value_at_quantile(quantile));
        (!all.is_empty()).then(|| Self {
            count: all.len(),
            p50: at(0.50),
            p95: at(0.95),
            p99: at(0.99),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    #[track_caller]
    fn assert_near(is: Duration, expected: Duration) {
        let ratio = is.as_secs_f64() / expected.as_secs_f64();
        assert!((0.98..1.02).contains(&ratio), "{is:?}, not {expected:?}");
    }

    #[test]
    fn percentiles_are_those_of_all_shards_together() {
        let shards = [Record::default(), Record::default()];
        for n in 1..=100 {
            shards[n as usize % 2].took(0, MILLI * n);
        }
        let all = Percentiles::of(shards.iter(), 0).unwrap();
        assert_eq!(all.count, 100);
        assert_near(all.p50, MILLI * 50);
        assert_near(all.p95, MILLI * 95);
        assert_near(all.p99, MILLI * 99);
    }

    #[test]
    fn what_is_older_than_two_windows_does_not_count() {
        let record = Record::default();
        record.took(0, MILLI * 500);
        record.took(WINDOW, MILLI);
        let of = |clock| Percentiles::of([&record].into_iter(), clock);
        assert_eq!(of(WINDOW).unwrap().count, 2);
        assert_eq!(of(2 * WINDOW).unwrap().count, 1);
        assert_near(of(2 * WINDOW).unwrap().p99, MILLI);
        assert_eq!(of(3 * WINDOW), None);
        record.took(9 * WINDOW, MILLI);
        assert_eq!(of(9 * WINDOW).unwrap().count, 1);
    }

    #[test]
    fn times_beyond_the_scale_are_the_longest() {
        let record = Record::default();
        record.took(0, Duration::ZERO);
        record.took(0, Duration::from_secs(3600));
        let all = Percentiles::of([&record].into_iter(), 0).unwrap();
        assert_near(all.p99, Duration::from_micros(LONGEST));
    }
}
