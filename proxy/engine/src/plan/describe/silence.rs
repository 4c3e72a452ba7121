//! What becomes of a plan when nobody says anything.

use serde::Serialize;

use super::super::patience::Patience;
use super::super::{BranchOutcome, Plan, Progress, TargetId};
use super::Then;
use crate::config::Timers;

/// How a plan ends when no target gives any response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Silence {
    /// Milliseconds from its beginning.
    pub ends_ms: u64,
    /// How.
    #[serde(flatten)]
    pub then: Then,
}

/// Runs a copy, with the timers alone. Also, when each target started.
pub(super) fn run(plan: &Plan, timers: &Timers, is_invite: bool) -> (Silence, Vec<Option<u64>>) {
    let mut plan = plan.clone();
    let mut times = vec![None; plan.targets.len()];
    let mut running: Vec<(u64, TargetId)> = Vec::new();
    let mut launch = Vec::new();
    let mut now = 0;
    let mut progress = plan.start(&mut launch);
    loop {
        for target in launch.drain(..) {
            if let Some(time) = times.get_mut(usize::from(target.0)) {
                *time = Some(now);
            }
            let patience = Patience::of(Some(plan.target(target)), timers);
            let lasts = patience.without_response(timers, is_invite);
            running.push((now + u64::from(lasts), target));
        }
        if progress != Progress::Running {
            break;
        }
        let first = running
            .iter()
            .enumerate()
            .min_by_key(|(_, (at, target))| (*at, *target));
        let Some((place, &(at, target))) = first else {
            break;
        };
        running.swap_remove(place);
        now = at;
        progress = plan.finished(target, BranchOutcome::Timeout, &mut launch);
    }
    let then = match progress {
        Progress::Asks(reason) => Then::Asked { reason },
        Progress::Running | Progress::Exhausted => Then::Exhausted,
        Progress::Stopped => Then::Stopped,
    };
    (Silence { ends_ms: now, then }, times)
}
