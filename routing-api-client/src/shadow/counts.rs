//! What is counted of one shadow.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

use super::samples::Samples;
use crate::compare::Difference;

/// Names of fields that are counted one by one; the others are counted together.
const FIELDS: usize = 64;
/// Longest name of a field that is counted by itself.
const FIELD_NAME: usize = 64;
/// What those are called that are counted together.
const OTHER: &str = "other";
/// The longest time that is told apart, in microseconds.
const LONGEST: u64 = 60_000_000;
/// Enough for figures that are right to a percent.
const DIGITS: u8 = 2;

/// Everything about one shadow, whatever becomes of its connections.
#[derive(Debug)]
pub(super) struct Ledger {
    counts: Mutex<ShadowCounts>,
    times: Mutex<Times>,
    samples: Mutex<Samples>,
    in_flight: AtomicU32,
    /// Most questions at once, as of the last that it was to be asked.
    bound: AtomicU32,
}

/// What came of the questions for one shadow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShadowCounts {
    /// Questions that it got.
    pub asked: u64,
    /// Answers that mean what was decided.
    pub agreed: u64,
    /// Answers that mean something else.
    pub differed: u64,
    /// Answers that are no route document, or none that a call could be routed by.
    pub invalid: u64,
    /// Questions that it did not answer in time.
    pub timeout: u64,
    /// Questions that were in flight on a connection that was lost.
    pub lost: u64,
    /// Questions that did not reach it.
    pub refused: u64,
    /// Questions that it answered with an error.
    pub error: u64,
    /// Questions that it did not get since too many waited to be asked.
    pub queue_full: u64,
    /// Questions that it did not get since it had as many as it takes.
    pub busy: u64,
    /// Questions that it did not get since it was not connected, or draining.
    pub down: u64,
    /// Questions that it did not get since no application decided them.
    pub undecided: u64,
    /// Answers that differ in each field; `other` for those in fields that are not told apart.
    pub fields: BTreeMap<Box<str>, u64>,
}

/// How long answers took.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// Made with the first answer.
    micros: Option<Histogram<u64>>,
    pub(super) sum: Duration,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            counts: Mutex::default(),
            times: Mutex::default(),
            samples: Mutex::default(),
            in_flight: AtomicU32::new(0),
            bound: AtomicU32::new(u32::MAX),
        }
    }
}

impl Ledger {
    pub(super) fn counts(&self) -> MutexGuard<'_, ShadowCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn samples(&self) -> MutexGuard<'_, Samples> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn reset(&self) {
        *self.counts() = ShadowCounts::default();
        *self.times() = Times::default();
        self.samples().clear();
    }

    /// Whether it has as many questions as it takes, as far as that is known.
    pub(super) fn is_busy(&self) -> bool {
        let in_flight = self.in_flight();
        in_flight > 0 && in_flight >= self.bound.load(Ordering::Relaxed)
    }

    /// The bound may be another one from here on.
    pub(super) fn forget_bound(&self) {
        self.bound.store(u32::MAX, Ordering::Relaxed);
    }

    /// Whether another question may be put to one that takes so many at once.
    pub(super) fn has_room(&self, bound: u32) -> bool {
        self.bound.store(bound, Ordering::Relaxed);
        self.in_flight() < bound
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn sent(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.counts().asked += 1;
    }

    pub(super) fn settled(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl ShadowCounts {
    /// The sum of both; fields are not told apart in it.
    pub(super) fn add(&mut self, more: &Self) {
        self.asked += more.asked;
        self.agreed += more.agreed;
        self.differed += more.differed;
        self.invalid += more.invalid;
        self.timeout += more.timeout;
        self.lost += more.lost;
        self.refused += more.refused;
        self.error += more.error;
        self.queue_full += more.queue_full;
        self.busy += more.busy;
        self.down += more.down;
        self.undecided += more.undecided;
    }

    /// One answer differs in these; each field counts once.
    pub(super) fn differ(&mut self, differences: &[Difference]) {
        self.differed += 1;
        let mut fields: Vec<&str> = differences.iter().map(|it| it.field.as_str()).collect();
        fields.sort_unstable();
        fields.dedup();
        let mut counts_others = false;
        for field in fields {
            if let Some(count) = self.fields.get_mut(field) {
                *count += 1;
            } else if self.fields.len() < FIELDS && field.len() <= FIELD_NAME {
                self.fields.insert(field.into(), 1);
            } else {
                counts_others = true;
            }
        }
        if counts_others {
            *self.fields.entry(OTHER.into()).or_default() += 1;
        }
    }
}

impl Times {
    pub(super) fn record(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(LONGEST);
        if self.micros.is_none() {
            // The bounds are constants that it takes.
            self.micros = Histogram::new_with_bounds(1, LONGEST, DIGITS).ok();
        }
        if let Some(histogram) = &mut self.micros {
            histogram.saturating_record(micros.clamp(1, LONGEST));
        }
        self.sum += took;
    }

    pub(super) fn histogram(&self) -> Option<&Histogram<u64>> {
        self.micros.as_ref().filter(|it| !it.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(field: &str) -> Difference {
        Difference {
            field: field.to_owned(),
            pointer: String::new(),
            expected: None,
            found: None,
        }
    }

    #[test]
    fn an_answer_counts_once_in_each_field_in_which_it_differs() {
        let mut counts = ShadowCounts::default();
        counts.differ(&["uri", "uri", "fr_timer"].map(difference));
        counts.differ(&["uri"].map(difference));
        assert_eq!(counts.differed, 2);
        let fields = [("fr_timer".into(), 1), ("uri".into(), 2)];
        assert_eq!(counts.fields, BTreeMap::from(fields));
    }

    #[test]
    fn fields_beyond_the_bound_are_counted_together() {
        let mut counts = ShadowCounts::default();
        for n in 0..200 {
            counts.differ(&[difference(&format!("headers.set.x-{n}"))]);
        }
        counts.differ(&[difference(&"x".repeat(FIELD_NAME + 1))]);
        assert_eq!(counts.fields.len(), FIELDS + 1);
        assert_eq!(counts.fields[OTHER], 200 - FIELDS as u64 + 1);
        assert_eq!(counts.differed, 201);
    }
}
