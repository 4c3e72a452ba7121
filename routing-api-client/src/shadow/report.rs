//! Shadows, for people to look at.

use std::sync::Arc;
use std::time::Duration;

use super::counts::{Ledger, ShadowCounts, Times};
use super::samples::ShadowSample;
use crate::policy::Member;
use crate::registry::{Latency, Registry};

/// Milliseconds up to which answers are counted.
const BOUNDS_MS: [u64; 12] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

/// One shadow.
#[derive(Debug, Clone, PartialEq)]
pub struct ShadowReport {
    /// Its name.
    pub name: Arc<str>,
    /// Its pool.
    pub pool: Arc<str>,
    /// The percentage of its pool's questions that it gets.
    pub percentage: u8,
    /// What came of them since the start, or since it was begun anew.
    pub counts: ShadowCounts,
    /// How long its answers took; nothing without any.
    pub latency: Option<ShadowLatency>,
    /// Differing answers that are kept.
    pub samples: usize,
}

/// How long answers took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowLatency {
    /// The usual percentiles.
    pub percentiles: Latency,
    /// Answers that took no longer than so many milliseconds, for some of these.
    pub up_to_ms: Vec<(u64, u64)>,
    /// All of them.
    pub count: u64,
    /// All of them one after the other.
    pub sum: Duration,
}

impl Registry {
    /// The applications that only look on, by name.
    #[must_use]
    pub fn shadow_reports(&self) -> Vec<ShadowReport> {
        let policy = Arc::clone(&self.policy().borrow());
        let pool = |member: &Member| policy.pools.get(member.pool).map(|it| Arc::clone(&it.name));
        let shadows = policy.applications.iter();
        let shadows = shadows.filter_map(|it| Some((it, it.shadow?)));
        let mut reports: Vec<_> = shadows
            .map(|(member, percentage)| {
                let ledger = self.shadows().ledger(&member.name);
                report(
                    &ledger,
                    member,
                    pool(member).unwrap_or_default(),
                    percentage,
                )
            })
            .collect();
        reports.sort_by(|a, b| a.name.cmp(&b.name));
        reports
    }

    /// What all shadows counted together, those that are none any more too.
    #[must_use]
    pub fn shadow_totals(&self) -> ShadowCounts {
        self.shadows().totals()
    }

    /// The differing answers of one shadow that are kept, the newest first; nothing for a name that
    /// no shadow has.
    #[must_use]
    pub fn shadow_samples(&self, name: &str) -> Option<Vec<ShadowSample>> {
        let policy = Arc::clone(&self.policy().borrow());
        let mut members = policy.applications.iter();
        let member = members.find(|it| *it.name == *name && it.shadow.is_some())?;
        Some(self.shadows().ledger(&member.name).samples().all())
    }
}

fn report(ledger: &Ledger, member: &Member, pool: Arc<str>, percentage: u8) -> ShadowReport {
    ShadowReport {
        name: Arc::clone(&member.name),
        pool,
        percentage,
        counts: ledger.counts().clone(),
        latency: latency(&ledger.times()),
        samples: ledger.samples().len(),
    }
}

fn latency(times: &Times) -> Option<ShadowLatency> {
    let histogram = times.histogram()?;
    let at = |quantile| Duration::from_micros(histogram.value_at_quantile(quantile));
    let up_to = BOUNDS_MS.map(|ms| (ms, histogram.count_between(0, ms * 1000)));
    Some(ShadowLatency {
        percentiles: Latency {
            p50: at(0.50),
            p95: at(0.95),
            p99: at(0.99),
        },
        up_to_ms: up_to.to_vec(),
        count: histogram.len(),
        sum: times.sum,
    })
}
