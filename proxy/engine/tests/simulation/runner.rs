//! Runs seeds, on all cores, and says how to see a failure again.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tidegate_engine::Stats;

use crate::trace::Trace;
use crate::world::World;

/// Lines of the trace that a failure shows.
const LAST_LINES: usize = 40;
/// Failing seeds after which a sweep stops.
const MOST_FAILURES: usize = 12;

/// What became of one seed.
#[derive(Default)]
pub(crate) struct Outcome {
    steps: u64,
    stats: Stats,
    pub(crate) transcript: Vec<u8>,
    pub(crate) trace: Vec<String>,
    pub(crate) failure: Option<String>,
}

/// What became of many.
#[derive(Default)]
pub(crate) struct Summary {
    pub(crate) seeds: u64,
    pub(crate) steps: u64,
    /// The engine's counters, over all seeds.
    pub(crate) counters: BTreeMap<&'static str, u64>,
    failures: Vec<(u64, String)>,
    took: Duration,
}

pub(crate) fn run(seed: u64, verbose: bool) -> Outcome {
    let trace = Trace::new(verbose);
    let mut outcome = Outcome::default();
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed, trace.clone(), verbose);
        let result = world.run();
        outcome.steps = world.steps;
        outcome.stats = world.stats();
        outcome.transcript = world.transcript.take().unwrap_or_default();
        result.err().map(|violation| violation.to_string())
    }));
    outcome.failure = result.unwrap_or_else(|_| Some("it panicked, see above".to_owned()));
    outcome.trace = trace.lines();
    outcome
}

/// Runs seeds from 0 on. After many failures no further seed is begun.
pub(crate) fn sweep(seeds: u64) -> Summary {
    let began = Instant::now();
    let next = AtomicU64::new(0);
    let summary = Mutex::new(Summary {
        seeds,
        ..Summary::default()
    });
    let worker = || {
        while summary.lock().unwrap().failures.len() < MOST_FAILURES {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return;
            }
            let outcome = run(seed, false);
            summary.lock().unwrap().add(seed, outcome);
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(worker);
        }
    });
    let mut summary = summary.into_inner().unwrap();
    summary.failures.sort();
    summary.took = began.elapsed();
    summary
}

impl Summary {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.steps += outcome.steps;
        let counters = &mut self.counters;
        outcome
            .stats
            .each(|name, value| *counters.entry(name).or_default() += value);
        self.failures
            .extend(outcome.failure.map(|failure| (seed, failure)));
    }

    /// The last steps of the failing seed with the lowest number, and what became of the others.
    pub(crate) fn failure(&self) -> Option<String> {
        let (first, _) = self.failures.first()?;
        let trace = run(*first, true).trace;
        let mut text = trace[trace.len().saturating_sub(LAST_LINES)..].join("\n");
        text += "\n\n";
        for (seed, failure) in &self.failures {
            text += &format!("seed {seed}: {failure}\n");
        }
        text +=
            &format!("TIDEGATE_SIM_SEED={first} cargo test -p tidegate-engine --test simulation");
        Some(text)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seeds, steps, took) = (self.seeds, self.steps, self.took);
        write!(
            f,
            "{seeds} seeds, {steps} steps in {took:?}: {:?}",
            self.counters
        )
    }
}
