//! Runs seeds, on all cores, and says how to see a failure again.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::trace::Trace;
use crate::world::World;

/// Lines of the trace that a failure shows.
const LAST_LINES: usize = 40;
/// Failing seeds after which a sweep stops.
const MOST_FAILURES: usize = 12;

/// What became of one seed.
pub(crate) struct Outcome {
    pub(crate) steps: u64,
    pub(crate) transcript: Vec<u8>,
    pub(crate) trace: Vec<String>,
    pub(crate) failure: Option<String>,
}

pub(crate) struct Summary {
    pub(crate) seeds: u64,
    pub(crate) steps: u64,
    took: Duration,
    pub(crate) failure: Option<String>,
}

pub(crate) fn run(seed: u64, verbose: bool) -> Outcome {
    let trace = Trace::new(verbose);
    let (mut steps, mut transcript) = (0, Vec::new());
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed, trace.clone(), verbose);
        let result = world.run();
        steps = world.steps;
        transcript = world.transcript.take().unwrap_or_default();
        result.err().map(|violation| violation.to_string())
    }));
    Outcome {
        steps,
        transcript,
        trace: trace.lines(),
        failure: result.unwrap_or_else(|_| Some("it panicked, see above".to_owned())),
    }
}

/// Runs seeds from 0 on. After many failures no further seed is begun.
pub(crate) fn sweep(seeds: u64) -> Summary {
    let began = Instant::now();
    let (next, steps) = (AtomicU64::new(0), AtomicU64::new(0));
    let failures = Mutex::new(Vec::new());
    let worker = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds || failures.lock().unwrap().len() >= MOST_FAILURES {
                return;
            }
            let outcome = run(seed, false);
            steps.fetch_add(outcome.steps, Ordering::Relaxed);
            if let Some(failure) = outcome.failure {
                failures.lock().unwrap().push((seed, failure));
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(worker);
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    Summary {
        seeds,
        steps: steps.into_inner(),
        took: began.elapsed(),
        failure: failures.first().map(|(seed, _)| describe(*seed, &failures)),
    }
}

/// The last steps of the failing seed with the lowest number, and what became of the others.
fn describe(seed: u64, failures: &[(u64, String)]) -> String {
    let trace = run(seed, true).trace;
    let from = trace.len().saturating_sub(LAST_LINES);
    let mut text = trace[from..].join("\n") + "\n\n";
    for (seed, failure) in failures {
        text += &format!("seed {seed}: {failure}\n");
    }
    text + &format!("TIDEGATE_SIM_SEED={seed} cargo test -p tidegate-engine --test simulation")
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} seeds, {} steps in {:?}",
            self.seeds, self.steps, self.took
        )
    }
}
