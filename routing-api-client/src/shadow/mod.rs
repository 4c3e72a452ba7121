//! Applications that only look on: each gets copies of questions, and what it answers is compared
//! with what was decided.
//!
//! The shards do no more for it than copy the question and the decision into a bounded
//! [queue](queue::Queue); all else happens on the thread of [`ask_shadows`].

mod counts;
mod queue;
mod report;
mod samples;
mod worker;

use std::collections::BTreeMap;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::ArcSwap;
use foldhash::quality::FixedState;
use smallvec::SmallVec;
use tidegate_schemas::RouteDocument;
use tidegate_schemas::document::DocumentError;

use crate::compare::Tolerances;

use counts::Ledger;
use queue::{Job, Queue};

pub use counts::ShadowCounts;
pub use report::{ShadowLatency, ShadowReport};
pub use samples::ShadowSample;
pub use worker::ask_shadows;

/// Other calls than those of canaries.
const SEED: u64 = 2;

/// The shadows that get one question.
pub(crate) type Names = SmallVec<[Arc<str>; 1]>;

/// How shadows are asked, and what counts as a difference. May be changed while calls run.
#[derive(Debug, Clone)]
pub struct ShadowSettings {
    /// Most questions that wait for the thread that asks.
    pub queue: usize,
    /// Most bytes of them.
    pub queue_bytes: usize,
    /// Questions in flight for one shadow, unless its own bound says otherwise.
    pub max_in_flight: u32,
    /// Differing answers that are kept of each shadow.
    pub samples: usize,
    /// Most bytes of them.
    pub sample_bytes: usize,
    /// What may differ.
    pub tolerances: Tolerances,
    /// Whether a call could be routed by an answer.
    pub judge: Judge,
}

impl Default for ShadowSettings {
    fn default() -> Self {
        Self {
            queue: 10_000,
            queue_bytes: 32 << 20,
            max_in_flight: 100,
            samples: 50,
            sample_bytes: 1 << 20,
            tolerances: Tolerances::default(),
            judge: Judge::default(),
        }
    }
}

type Check = dyn Fn(&RouteDocument) -> Result<(), DocumentError> + Send + Sync;

/// Says whether a call could be routed by a document; without a check it always could.
#[derive(Clone, Default)]
pub struct Judge(Option<Arc<Check>>);

impl Judge {
    /// Judges by `check`.
    pub fn new(
        check: impl Fn(&RouteDocument) -> Result<(), DocumentError> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(check)))
    }

    fn check(&self, document: &RouteDocument) -> Result<(), DocumentError> {
        self.0.as_ref().map_or(Ok(()), |check| check(document))
    }
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let judges = self.0.as_ref().map(|_| "…");
        f.debug_tuple("Judge").field(&judges).finish()
    }
}

/// All that is known of shadows. One for the process, held by the [`Registry`](crate::Registry).
#[derive(Debug, Default)]
pub struct Shadows {
    settings: ArcSwap<ShadowSettings>,
    queue: Queue,
    /// By name; one that is promoted keeps its own.
    ledgers: RwLock<BTreeMap<Arc<str>, Arc<Ledger>>>,
}

/// Whether a shadow that gets this percentage of the calls gets this one: with all its questions, and
/// the same in every shard and every proxy.
pub(crate) fn looks_at(call_id: &str, percentage: u8) -> bool {
    let hash = FixedState::with_seed(SEED).hash_one(call_id);
    hash % 100 < u64::from(percentage)
}

/// A question that was decided.
#[derive(Clone, Copy)]
pub(crate) struct Decided<'a> {
    /// As the applications saw it, as JSON.
    pub(crate) event: &'a [u8],
    /// What was decided, as JSON.
    pub(crate) document: &'a [u8],
    /// Who decided.
    pub(crate) by: &'a str,
    /// No step comes behind this one.
    pub(crate) in_last_step: bool,
}

impl Shadows {
    /// Replaces the settings.
    pub fn configure(&self, settings: ShadowSettings) {
        self.queue.set_bounds(settings.queue, settings.queue_bytes);
        self.settings.store(Arc::new(settings));
        let ledgers = self.ledgers.read().unwrap_or_else(PoisonError::into_inner);
        ledgers.values().for_each(|ledger| ledger.forget_bound());
    }

    /// Forgets the differing answers of one shadow; `false` when there is none of that name.
    pub fn forget_samples(&self, name: &str) -> bool {
        let ledger = self.find(name);
        ledger.map(|ledger| ledger.samples().clear()).is_some()
    }

    /// Begins to count anew, for one shadow; `false` when there is none of that name.
    pub fn reset(&self, name: &str) -> bool {
        let ledger = self.find(name);
        ledger.map(|ledger| ledger.reset()).is_some()
    }

    /// Offers a question to `shadows`. Never waits. For those that have enough to do it is not even
    /// copied: one that hangs costs next to nothing.
    pub(crate) fn offer(&self, shadows: &Names, decided: Decided<'_>) {
        let shadows = &self.idle(shadows);
        if shadows.is_empty() {
            return;
        }
        let size = decided.event.len() + decided.document.len();
        let taken = self.queue.push(size, || Job {
            shadows: shadows.clone(),
            event: decided.event.into(),
            document: decided.document.into(),
            decided_by: decided.by.into(),
            in_last_step: decided.in_last_step,
        });
        if !taken {
            self.count(shadows, |counts| counts.queue_full += 1);
        }
    }

    /// Nothing was decided that they could be compared with.
    pub(crate) fn count_undecided(&self, shadows: &Names) {
        self.count(shadows, |counts| counts.undecided += 1);
    }

    /// Who would be asked, and who decided.
    #[cfg(test)]
    pub(crate) fn take_offers(&self) -> Vec<(Vec<String>, String)> {
        let jobs = self.queue.take().into_iter();
        let names = |job: &Job| job.shadows.iter().map(ToString::to_string).collect();
        jobs.map(|job| (names(&job), job.decided_by.into()))
            .collect()
    }

    fn idle(&self, shadows: &Names) -> Names {
        let is_idle = |name: &&Arc<str>| {
            let ledger = self.ledger(name);
            let is_busy = ledger.is_busy();
            if is_busy {
                ledger.counts().busy += 1;
            }
            !is_busy
        };
        shadows.iter().filter(is_idle).map(Arc::clone).collect()
    }

    fn totals(&self) -> ShadowCounts {
        let ledgers = self.ledgers.read().unwrap_or_else(PoisonError::into_inner);
        let mut totals = ShadowCounts::default();
        for ledger in ledgers.values() {
            totals.add(&ledger.counts());
        }
        totals
    }

    fn count(&self, shadows: &Names, count: impl Fn(&mut ShadowCounts)) {
        for name in shadows {
            count(&mut self.ledger(name).counts());
        }
    }

    fn find(&self, name: &str) -> Option<Arc<Ledger>> {
        let ledgers = self.ledgers.read().unwrap_or_else(PoisonError::into_inner);
        ledgers.get(name).map(Arc::clone)
    }

    /// Its own, made when it is looked at first.
    fn ledger(&self, name: &Arc<str>) -> Arc<Ledger> {
        if let Some(ledger) = self.find(name) {
            return ledger;
        }
        let mut ledgers = self.ledgers.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(ledgers.entry(Arc::clone(name)).or_default())
    }
}

#[cfg(test)]
mod tests;
