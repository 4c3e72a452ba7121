//! A seeded simulation of the engine: callers, callees, routing applications and a network that
//! misbehave, in virtual time, with the invariants of a proxy checked after every step.
//!
//! One seed decides everything. A seed that fails is named with the command that replays it:
//! `TIDEGATE_SIM_SEED=… cargo test -p tidegate-engine --test simulation`. `TIDEGATE_SIM_SEEDS=n`
//! runs n seeds instead of the usual number.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "what can't go on fails the test, and a replay prints its trace"
)]

mod callee;
mod caller;
mod dialog;
mod draft;
mod event;
mod invariants;
mod network;
mod plan_generator;
mod recorder;
mod resolver;
mod rng;
mod router;
mod runner;
mod scene;
mod settings;
mod stage;
mod trace;
mod world;

use runner::{Outcome, Summary, run, sweep};

/// Seeds of the normal test suite.
const SEEDS: u64 = 2048;

#[test]
fn no_seed_breaks_an_invariant() {
    if let Some(seed) = number("TIDEGATE_SIM_SEED") {
        return replay(seed);
    }
    let summary = sweep(number("TIDEGATE_SIM_SEEDS").unwrap_or(SEEDS));
    println!("{summary}");
    if let Some(failure) = summary.failure() {
        panic!("{failure}");
    }
    check_coverage(&summary);
}

/// A simulation that never gets somewhere proves nothing about it.
fn check_coverage(summary: &Summary) {
    assert!(summary.steps / summary.seeds > 200, "{summary}");
    let is_counter = |name: &str| !matches!(name, "live" | "unanswered" | "calls_live");
    let mut idle = summary
        .counters
        .iter()
        .filter(|(name, count)| is_counter(name) && **count == 0);
    assert_eq!(idle.next(), None, "the simulation never leads there");
}

#[test]
fn the_same_seed_twice_gives_the_same_bytes() {
    for seed in 0..8 {
        let transcript = || run(seed, true).transcript;
        let first = transcript();
        assert!(first.len() > 10_000, "seed {seed} says next to nothing");
        assert!(first == transcript(), "seed {seed} differs from itself");
    }
}

fn replay(seed: u64) {
    let Outcome { trace, failure, .. } = run(seed, true);
    println!("{}", trace.join("\n"));
    if let Some(failure) = failure {
        panic!("{failure}");
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}
