//! Answers of the admin API, for people.

use std::time::SystemTime;

use serde::Deserialize;
use serde_json::Value;
use tidegate_schemas::admin::{
    self, Application, Applications, Calls, Counters, Recording, Reloaded, SampleAnswer, Shadow,
    ShadowSamples, Shadows, State,
};

use super::Command;
use super::commands::pretty;
use super::table::table;
use super::{recording, shadows};
use crate::shard::unix_ms;

/// An answer in words; as JSON where it is none that is known here.
pub(super) fn text(command: &Command, answer: &Value) -> String {
    let shown = match command {
        Command::Applications => read(answer, |it: Applications| applications(&it.applications)),
        Command::Add(_)
        | Command::Drain { .. }
        | Command::Resume { .. }
        | Command::Weight { .. }
        | Command::Canary { .. }
        | Command::Shadow { .. }
        | Command::Promote { .. } => read(answer, |it: Application| applications(&[it])),
        Command::Remove { name } => Some(format!("{name} is removed.")),
        Command::Terminate { call, .. } => Some(format!("{call} is being ended.")),
        Command::Ask(_) => read(answer, |it: SampleAnswer| sample(&it)),
        Command::Calls => read(answer, |it: Calls<'_>| calls(&it)),
        Command::Counters { group } => read(answer, |it: Counters| counters(&it, group.as_deref())),
        Command::Recording => {
            let now_ms = unix_ms(SystemTime::now());
            read(answer, |it: Recording| recording::text(&it, now_ms))
        }
        Command::Reload { .. } => read(answer, |it: Reloaded| reloaded(&it)),
        Command::Shadows {
            name: Some(_),
            samples: true,
            ..
        } => read(answer, |it: ShadowSamples| shadows::samples(&it.samples)),
        Command::Shadows { name: Some(_), .. } => read(answer, |it: Shadow| shadows::one(&it)),
        Command::Shadows { name: None, .. } => {
            read(answer, |it: Shadows| shadows::list(&it.shadows))
        }
        Command::Config | Command::Health => None,
    };
    shown.unwrap_or_else(|| pretty(answer))
}

fn read<'a, T: Deserialize<'a>>(
    answer: &'a Value,
    show: impl FnOnce(T) -> String,
) -> Option<String> {
    T::deserialize(answer).ok().map(show)
}

fn applications(all: &[Application]) -> String {
    if all.is_empty() {
        return "There is no application.".to_owned();
    }
    let head = [
        "NAME",
        "POOL",
        "STATE",
        "WEIGHT",
        "IN FLIGHT",
        "P50",
        "P95",
        "P99",
        "ASKED",
        "ERRORS",
        "TIMEOUTS",
        "LATE",
    ];
    let rows: Vec<_> = all.iter().map(row).collect();
    table(&head, &rows, 3)
}

fn row(it: &Application) -> Vec<String> {
    let latency = |of: fn(&admin::Latency) -> u64| {
        it.latency
            .as_ref()
            .map_or_else(|| "-".to_owned(), |latency| time(of(latency)))
    };
    let weight = match (it.shadow, it.canary) {
        (Some(percent), _) => format!("shadow {percent}%"),
        (_, Some(percent)) => format!("{percent}%"),
        _ => it.weight.to_string(),
    };
    let counts = it.counts;
    vec![
        it.name.clone(),
        it.pool.clone(),
        state(it.state, it.ejected_for_ms, it.draining),
        weight,
        it.in_flight.to_string(),
        latency(|it| it.p50_us),
        latency(|it| it.p95_us),
        latency(|it| it.p99_us),
        counts.asked.to_string(),
        (counts.errors + counts.invalid).to_string(),
        counts.timeouts.to_string(),
        counts.late.to_string(),
    ]
}

pub(super) fn state(state: State, ejected_for_ms: Option<u64>, draining: bool) -> String {
    match (state, ejected_for_ms) {
        (State::Up, _) => "up".to_owned(),
        (State::Down, _) if draining => "down, draining".to_owned(),
        (State::Down, _) => "down".to_owned(),
        (State::Draining, _) => "draining".to_owned(),
        (State::Ejected, None) => "ejected".to_owned(),
        (State::Ejected, Some(ms)) => format!("ejected {} s", ms.div_ceil(1000)),
    }
}

#[allow(clippy::cast_precision_loss)]
pub(super) fn time(us: u64) -> String {
    match us {
        0..1000 => format!("{us} us"),
        1000..10_000 => format!("{:.1} ms", us as f64 / 1000.0),
        10_000..10_000_000 => format!("{} ms", us / 1000),
        _ => format!("{} s", us / 1_000_000),
    }
}

fn sample(answer: &SampleAnswer) -> String {
    let mut text = String::new();
    if let Some(document) = &answer.document {
        text = format!("{}\n\n", pretty(document));
    }
    let took = time(answer.took_us);
    match &answer.problem {
        None => text + &format!("Valid: a call could be routed by it. Answered in {took}."),
        Some(problem) => {
            let at = problem.pointer.as_ref().map(|at| format!(" at {at}"));
            let at = at.unwrap_or_default();
            text + &format!("Not valid{at}: {}. After {took}.", problem.message)
        }
    }
}

fn calls(calls: &Calls<'_>) -> String {
    if calls.calls.is_empty() {
        return "No call that is followed is live.".to_owned();
    }
    let seconds = |ms: u64| format!("{} s", ms / 1000);
    let rows = calls.calls.iter().map(|call| {
        vec![
            call.call.to_string(),
            call.from.to_string(),
            call.to.to_string(),
            call.target.to_string(),
            call.decided_by.to_string(),
            seconds(call.duration_ms),
            call.remaining_ms.map_or_else(|| "-".to_owned(), seconds),
        ]
    });
    let head = [
        "CALL",
        "FROM",
        "TO",
        "TARGET",
        "DECIDED BY",
        "LASTS",
        "LEFT",
    ];
    table(&head, &rows.collect::<Vec<_>>(), 5)
}

fn counters(counters: &Counters, wanted: Option<&str>) -> String {
    let groups = counters.iter();
    let groups = groups.filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name));
    let lines = groups.flat_map(|(group, counters)| {
        let moved = counters.iter().filter(|(_, value)| **value > 0);
        moved.map(move |(name, value)| format!("{group}.{name} {value}"))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn reloaded(reloaded: &Reloaded) -> String {
    let mut lines: Vec<_> = reloaded.changes.iter().map(change).collect();
    if lines.is_empty() {
        lines.push("No key differs.".to_owned());
    }
    let overruled = reloaded.overruled.iter();
    lines.extend(
        overruled.map(|name| format!("{name}: the file overrules what was changed at runtime")),
    );
    lines.push(
        match (reloaded.applied, reloaded.needs_restart.as_slice()) {
            (true, _) => "Applied.".to_owned(),
            (false, []) => "Nothing was applied: it was a dry run.".to_owned(),
            (false, keys) => format!(
                "It would not be applied: a restart is needed for {}.",
                keys.join(", ")
            ),
        },
    );
    lines.join("\n")
}

fn change(change: &admin::Change) -> String {
    let shown = |value: &Option<Value>| match value {
        Some(value) => value.to_string(),
        None => "(absent)".to_owned(),
    };
    format!(
        "{}: {} → {}",
        change.key,
        shown(&change.old),
        shown(&change.new)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn applications_are_a_table_that_people_can_read() {
        let answer = json!({ "applications": [{
            "name": "core-a", "pool": "core", "state": "ejected", "ejected_for_ms": 4100,
            "connections": 1, "in_flight": 3, "weight": 2, "origin": "file",
            "latency": { "p50_us": 850, "p95_us": 4200, "p99_us": 120_000 },
            "counts": { "asked": 90, "answered": 80, "errors": 1, "timeouts": 4, "late": 2, "invalid": 3 },
        }] });
        let text = text(&Command::Applications, &answer);
        let line = text.lines().nth(1).unwrap();
        let cells: Vec<_> = line
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .collect();
        let expected = [
            "core-a",
            "core",
            "ejected 5 s",
            "2",
            "3",
            "850 us",
            "4.2 ms",
            "120 ms",
            "90",
            "4",
            "4",
            "2",
        ];
        assert_eq!(cells, expected);
    }

    #[test]
    fn a_verdict_says_where_a_document_is_wrong() {
        let answer = json!({
            "valid": false, "took_us": 900, "event": {}, "document": { "routes": [] },
            "problem": { "code": "invalid_document", "message": "it has no routes", "pointer": "/routes" },
        });
        let shown = read(&answer, |it: SampleAnswer| sample(&it)).unwrap();
        assert!(
            shown.contains("Not valid at /routes: it has no routes"),
            "{shown}"
        );
    }

    #[test]
    fn a_reload_shows_each_key() {
        let answer = json!({
            "applied": false, "overruled": [], "needs_restart": ["shards"],
            "changes": [{ "key": "shards", "new": 3 }],
        });
        let shown = read(&answer, |it: Reloaded| reloaded(&it)).unwrap();
        assert!(shown.starts_with("shards: (absent) → 3\n"), "{shown}");
        assert!(shown.contains("restart is needed for shards"), "{shown}");
    }
}
