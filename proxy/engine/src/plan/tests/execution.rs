//! Which target starts when.

use serde_json::{Value, json};

use super::super::{BranchOutcome, Plan, Progress, TargetId};
use BranchOutcome::{Status, Timeout, Transport};
use Progress::{Exhausted, Running, Stopped};

/// A plan whose targets are called by the user of their URI.
struct Run {
    plan: Plan,
    progress: Progress,
}

impl Run {
    fn of(document: Value) -> (Self, Vec<String>) {
        let mut plan = super::plan(document);
        let mut launch = Vec::new();
        let progress = plan.start(&mut launch);
        let run = Self { plan, progress };
        let names = run.names(&launch);
        (run, names)
    }

    /// What starts when the target `user` ends so.
    fn ends(&mut self, user: &str, outcome: BranchOutcome) -> Vec<String> {
        let id = (0..self.plan.targets.len())
            .map(|index| TargetId(u16::try_from(index).unwrap()))
            .find(|&id| self.name(id) == user)
            .unwrap();
        let mut launch = Vec::new();
        self.progress = self.plan.finished(id, outcome, &mut launch);
        self.names(&launch)
    }

    fn names(&self, launch: &[TargetId]) -> Vec<String> {
        launch.iter().map(|&id| self.name(id)).collect()
    }

    fn name(&self, id: TargetId) -> String {
        let uri = self.plan.target(id).uri.as_deref().unwrap();
        let uri = std::str::from_utf8(uri).unwrap();
        uri.trim_start_matches("sip:")
            .split('@')
            .next()
            .unwrap()
            .to_owned()
    }
}

fn to(user: &str) -> Value {
    json!({ "uri": format!("sip:{user}@example.com") })
}

fn serial(routes: &[Value]) -> Value {
    json!({ "routing": "serial", "routes": routes })
}

fn parallel(routes: &[Value]) -> Value {
    json!({ "routing": "parallel", "routes": routes })
}

fn with(mut value: Value, key: &str, words: &[&str]) -> Value {
    value[key] = json!(words);
    value
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_serial_group_tries_one_route_after_the_other() {
    let (mut run, started) = Run::of(serial(&[to("a"), to("b"), to("c")]));
    assert_eq!(started, ["a"]);
    assert_eq!(run.ends("a", Status(480)), ["b"]);
    assert_eq!(run.ends("b", Timeout), ["c"]);
    assert_eq!(run.progress, Running);
    assert_eq!(run.ends("c", Transport), NOTHING);
    assert_eq!(run.progress, Exhausted);
}

#[test]
fn a_busy_callee_ends_a_serial_group() {
    let (mut run, _) = Run::of(serial(&[to("a"), to("b")]));
    assert_eq!(run.ends("a", Status(486)), NOTHING);
    assert_eq!(run.progress, Stopped);
}

#[test]
fn a_busy_last_route_stops_and_does_not_exhaust() {
    let (mut run, _) = Run::of(serial(&[to("a")]));
    run.ends("a", Status(486));
    assert_eq!(run.progress, Stopped);
}

#[test]
fn a_parallel_group_starts_all_and_waits_for_all() {
    let (mut run, started) = Run::of(parallel(&[to("a"), to("b"), to("c")]));
    assert_eq!(started, ["a", "b", "c"]);
    run.ends("b", Status(486));
    run.ends("a", Status(503));
    assert_eq!(run.progress, Running);
    run.ends("c", Status(480));
    assert_eq!(run.progress, Stopped);
}

#[test]
fn busy_inside_a_parallel_group_stops_the_serial_group_around_it() {
    let (mut run, started) = Run::of(serial(&[parallel(&[to("a"), to("b")]), to("c")]));
    assert_eq!(started, ["a", "b"]);
    assert_eq!(run.ends("a", Status(486)), NOTHING);
    assert_eq!(run.progress, Running);
    assert_eq!(run.ends("b", Timeout), NOTHING);
    assert_eq!(run.progress, Stopped);
}

#[test]
fn when_nobody_in_a_parallel_group_answers_the_next_route_starts() {
    let (mut run, _) = Run::of(serial(&[parallel(&[to("a"), to("b")]), to("c")]));
    assert_eq!(run.ends("a", Timeout), NOTHING);
    assert_eq!(run.ends("b", Status(480)), ["c"]);
}

#[test]
fn a_serial_group_inside_a_parallel_one_hunts_on_its_own() {
    let (mut run, started) = Run::of(parallel(&[to("a"), serial(&[to("b"), to("c")])]));
    assert_eq!(started, ["a", "b"]);
    assert_eq!(run.ends("a", Status(486)), NOTHING);
    assert_eq!(run.ends("b", Timeout), ["c"]);
    assert_eq!(run.ends("c", Timeout), NOTHING);
    assert_eq!(run.progress, Stopped);
}

#[test]
fn a_stop_deep_inside_stops_every_serial_group_around_it() {
    let inner = serial(&[serial(&[to("a"), to("b")]), to("c")]);
    let (mut run, started) = Run::of(serial(&[inner, to("d")]));
    assert_eq!(started, ["a"]);
    assert_eq!(run.ends("a", Status(404)), NOTHING);
    assert_eq!(run.progress, Stopped);
}

#[test]
fn a_group_behind_a_target_starts_whole() {
    let (mut run, _) = Run::of(serial(&[
        to("a"),
        parallel(&[to("b"), serial(&[to("c"), to("d")])]),
    ]));
    assert_eq!(run.ends("a", Status(503)), ["b", "c"]);
}

/// RFC 3261 section 16.7 step 6: the best response speaks for the group.
#[test]
fn the_lowest_class_speaks_for_a_parallel_group() {
    let group = with(parallel(&[to("a"), to("b")]), "continue_on", &["404"]);
    let (mut run, _) = Run::of(serial(&[group, to("c")]));
    run.ends("a", Status(404));
    assert_eq!(run.ends("b", Status(503)), ["c"]);
}

#[test]
fn the_policy_of_a_target_counts_before_that_of_its_group() {
    let first = with(to("a"), "stop_on", &["timeout"]);
    let group = with(serial(&[first, to("b"), to("c")]), "continue_on", &["4xx"]);
    let (mut run, _) = Run::of(group.clone());
    run.ends("a", Timeout);
    assert_eq!(run.progress, Stopped);
    let (mut run, _) = Run::of(group);
    assert_eq!(run.ends("a", Status(486)), ["b"]);
    assert_eq!(run.ends("b", Timeout), ["c"]);
}

#[test]
fn the_policy_of_a_group_counts_before_that_of_the_document() {
    let group = with(serial(&[to("a"), to("b")]), "continue_on", &["486"]);
    let document = with(serial(&[group, to("c")]), "stop_on", &["486", "503"]);
    let (mut run, _) = Run::of(document.clone());
    assert_eq!(run.ends("a", Status(486)), ["b"]);
    assert_eq!(run.ends("b", Status(486)), ["c"]);
    run.ends("c", Status(486));
    assert_eq!(run.progress, Stopped);
    let (mut run, _) = Run::of(document);
    run.ends("a", Status(503));
    assert_eq!(run.progress, Stopped);
}

#[test]
fn what_no_level_mentions_keeps_its_default() {
    let (mut run, _) = Run::of(with(
        serial(&[to("a"), to("b"), to("c")]),
        "continue_on",
        &["404"],
    ));
    assert_eq!(run.ends("a", Status(404)), ["b"]);
    assert_eq!(run.ends("b", Status(503)), ["c"]);
}

/// RFC 3261 section 16.7 step 5: after a 6xx nothing new starts, whatever else comes in.
#[test]
fn a_decline_stops_everything_while_others_still_ring() {
    let (mut run, started) = Run::of(serial(&[
        parallel(&[to("a"), serial(&[to("b"), to("c")])]),
        to("d"),
    ]));
    assert_eq!(started, ["a", "b"]);
    assert_eq!(run.ends("a", Status(603)), NOTHING);
    assert_eq!(run.progress, Stopped);
    assert_eq!(run.ends("b", Timeout), NOTHING);
    assert_eq!(run.progress, Stopped);
}

#[test]
fn a_decline_goes_on_where_a_policy_names_it() {
    for word in ["603", "6xx"] {
        let first = with(to("a"), "continue_on", &[word]);
        let (mut run, _) = Run::of(serial(&[parallel(&[first, to("b")]), to("c")]));
        run.ends("a", Status(603));
        assert_eq!(run.progress, Running);
        assert_eq!(run.ends("b", Timeout), ["c"], "{word}");
    }
}

/// RFC 3261 section 16.5.
#[test]
fn a_target_that_is_named_twice_starts_once() {
    let again = json!({ "uri": "sip:%61@EXAMPLE.com" });
    let (mut run, started) = Run::of(serial(&[
        parallel(&[to("a"), to("a"), again]),
        to("a"),
        to("b"),
    ]));
    assert_eq!(started, ["a"]);
    assert_eq!(run.ends("a", Status(480)), ["b"]);
}

#[test]
fn a_group_of_repeats_is_passed_over() {
    let (mut run, _) = Run::of(serial(&[
        to("a"),
        parallel(&[to("a"), serial(&[to("a")])]),
        to("b"),
    ]));
    assert_eq!(run.plan.nodes.len(), 3, "the root, a and b");
    assert_eq!(run.ends("a", Status(480)), ["b"]);
    run.ends("b", Status(480));
    assert_eq!(run.progress, Exhausted);
}

#[test]
fn an_empty_plan_is_exhausted_from_the_start() {
    let (run, started) = Run::of(json!({ "routing": "serial", "routes": [] }));
    assert_eq!(started, NOTHING);
    assert_eq!(run.progress, Exhausted);
}

#[test]
fn a_second_start_starts_nothing() {
    let (mut run, started) = Run::of(parallel(&[to("a"), serial(&[to("b"), to("c")])]));
    assert_eq!(started, ["a", "b"]);
    let mut launch = Vec::new();
    assert_eq!(run.plan.start(&mut launch), Running);
    assert!(launch.is_empty());
}

#[test]
fn an_end_that_is_told_twice_counts_once() {
    let (mut run, _) = Run::of(serial(&[to("a"), to("b"), to("c")]));
    assert_eq!(run.ends("a", Timeout), ["b"]);
    assert_eq!(run.ends("a", Timeout), NOTHING);
    assert_eq!(run.ends("c", Timeout), NOTHING);
    assert_eq!(run.progress, Running);
    assert_eq!(run.ends("b", Timeout), ["c"]);
}
