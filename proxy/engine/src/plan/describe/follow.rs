//! What follows an outcome, by letting it happen to a copy of the plan.

use tidegate_schemas::document::Routing;

use super::super::policy::{Ruling, Verdict};
use super::super::tree::{Kind, Stage};
use super::super::{BranchOutcome, Plan, Progress, TargetId};
use super::{OutcomeDescription, Outcomes, Rule, Then};

/// The targets that start at once.
pub(super) fn first(plan: &Plan) -> Vec<u16> {
    let mut launch = Vec::new();
    plan.clone().start(&mut launch);
    numbers(&launch)
}

/// What follows each outcome of a target.
pub(super) fn outcomes(plan: &Plan, target: TargetId) -> Vec<OutcomeDescription> {
    let leaf = plan.target(target).node;
    let mut kinds: Vec<(Verdict, bool, Vec<BranchOutcome>)> = Vec::new();
    for outcome in all() {
        let verdict = Verdict::new(outcome, plan.ruling(leaf, outcome));
        let is_final = outcome.is_global_failure() && verdict.then == Ruling::Stop;
        let alike = kinds
            .iter_mut()
            .find(|(known, known_final, _)| (known.then, *known_final) == (verdict.then, is_final));
        match alike {
            Some((.., outcomes)) => outcomes.push(outcome),
            None => kinds.push((verdict, is_final, vec![outcome])),
        }
    }
    kinds.sort_by_key(|(verdict, is_final, _)| (std::cmp::Reverse(verdict.then), *is_final));
    let described = kinds
        .iter()
        .map(|(verdict, _, outcomes)| OutcomeDescription {
            rule: rule(verdict.then),
            then: after(plan, target, outcomes.first().copied()),
            outcomes: Outcomes::of(outcomes),
        });
    described.collect()
}

/// What follows the end of a parallel group, for each ruling about its best outcome.
pub(super) fn ended(plan: &Plan, node: u16, ruling: Ruling) -> Then {
    let mut plan = plan.clone();
    let mut launch = Vec::new();
    let verdict = Verdict::new(BranchOutcome::Status(404), Some(ruling));
    let progress = plan.climb(node, verdict, &mut launch);
    then(&plan, node, progress, &launch)
}

/// The rulings that some target in here may end with.
pub(super) fn rulings(plan: &Plan, targets: &[TargetId]) -> Vec<Ruling> {
    let mut known: Vec<Ruling> = Vec::new();
    for &target in targets {
        let leaf = plan.target(target).node;
        for outcome in all() {
            let ruling = Verdict::new(outcome, plan.ruling(leaf, outcome)).then;
            if !known.contains(&ruling) {
                known.push(ruling);
            }
        }
    }
    known.sort_by_key(|&ruling| std::cmp::Reverse(ruling));
    known
}

pub(super) fn rule(ruling: Ruling) -> Rule {
    match ruling {
        Ruling::Stop => Rule::Stops,
        Ruling::AskFailed => Rule::Asks,
        Ruling::AskRedirected => Rule::AsksRedirected,
        Ruling::GoOn => Rule::GoesOn,
    }
}

/// All that a branch may end with.
fn all() -> impl Iterator<Item = BranchOutcome> {
    let made_here = [BranchOutcome::Timeout, BranchOutcome::Transport];
    (300..700).map(BranchOutcome::Status).chain(made_here)
}

fn after(plan: &Plan, target: TargetId, outcome: Option<BranchOutcome>) -> Then {
    let mut plan = plan.clone();
    let leaf = plan.target(target).node;
    if let Kind::Leaf { stage, .. } = &mut plan.node_mut(leaf).kind {
        *stage = Stage::Started;
    }
    let mut launch = Vec::new();
    let outcome = outcome.unwrap_or(BranchOutcome::Timeout);
    let progress = plan.finished(target, outcome, &mut launch);
    then(&plan, leaf, progress, &launch)
}

fn then(plan: &Plan, node: u16, progress: Progress, launch: &[TargetId]) -> Then {
    match progress {
        Progress::Running if launch.is_empty() => Then::Waits {
            group: waiting(plan, node),
        },
        Progress::Running => Then::Starts {
            targets: numbers(launch),
        },
        Progress::Asks(reason) => Then::Asked { reason },
        Progress::Exhausted => Then::Exhausted,
        Progress::Stopped => Then::Stopped,
    }
}

/// The nearest parallel group around a node that has members left.
fn waiting(plan: &Plan, node: u16) -> u16 {
    let around = std::iter::successors(plan.node(node).parent, |&node| plan.node(node).parent);
    let mut around = around.filter(|&node| match &plan.node(node).kind {
        Kind::Group(group) => group.routing == Routing::Parallel && group.open > 0,
        Kind::Leaf { .. } => false,
    });
    around.next().unwrap_or(0)
}

fn numbers(targets: &[TargetId]) -> Vec<u16> {
    targets.iter().map(|target| target.0).collect()
}
