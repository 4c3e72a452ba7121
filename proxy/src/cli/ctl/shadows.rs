//! What applications did that only look on, for people.

use serde_json::Value;
use tidegate_schemas::admin::{Shadow, ShadowDifference, ShadowSample};

use super::show::{state, time};
use super::table::table;

/// One line for each.
pub(super) fn list(all: &[Shadow]) -> String {
    if all.is_empty() {
        return "No application only looks on. Let one: tidegate ctl shadow NAME 100".to_owned();
    }
    let head = [
        "NAME",
        "POOL",
        "STATE",
        "SHARE",
        "ASKED",
        "AGREED",
        "DIFFERED",
        "INVALID",
        "FAILED",
        "DROPPED",
        "AGREEMENT",
        "P95",
    ];
    let rows: Vec<_> = all.iter().map(row).collect();
    table(&head, &rows, 3)
}

fn row(it: &Shadow) -> Vec<String> {
    let p95 = it
        .latency
        .map_or_else(|| "-".to_owned(), |it| time(it.p95_us));
    vec![
        it.name.clone(),
        it.pool.clone(),
        state(it.state, None, false),
        format!("{}%", it.shadow),
        it.asked.to_string(),
        it.agreed.to_string(),
        it.differed.to_string(),
        it.invalid.to_string(),
        failed(it).to_string(),
        dropped(it).to_string(),
        agreement(it),
        p95,
    ]
}

fn failed(it: &Shadow) -> u64 {
    it.failed.timeout + it.failed.lost + it.failed.refused + it.failed.error
}

fn dropped(it: &Shadow) -> u64 {
    it.dropped.queue_full + it.dropped.busy + it.dropped.down
}

/// Of the answers.
#[allow(clippy::cast_precision_loss)]
fn agreement(it: &Shadow) -> String {
    let answers = it.agreed + it.differed + it.invalid;
    match answers {
        0 => "-".to_owned(),
        // 100 % means all of them, whatever is rounded.
        _ if it.agreed == answers => "100 %".to_owned(),
        _ => {
            let percent = it.agreed as f64 * 100.0 / answers as f64;
            format!("{:.2} %", percent.min(99.99))
        }
    }
}

/// All about one.
pub(super) fn one(it: &Shadow) -> String {
    let mut lines = vec![list(std::slice::from_ref(it)), String::new()];
    let mut fields: Vec<_> = it.fields.iter().collect();
    fields.sort_by_key(|(field, count)| (std::cmp::Reverse(**count), *field));
    if !fields.is_empty() {
        let rows = fields
            .into_iter()
            .map(|(field, count)| vec![field.clone(), count.to_string()]);
        let rows: Vec<_> = rows.collect();
        lines.push(table(&["DIFFERS IN", "ANSWERS"], &rows, 1));
        lines.push(String::new());
    }
    let causes = [
        ("not answered in time", it.failed.timeout),
        ("lost with the connection", it.failed.lost),
        ("not reached", it.failed.refused),
        ("answered with an error", it.failed.error),
        ("not asked: too many waited", it.dropped.queue_full),
        ("not asked: it had as many as it takes", it.dropped.busy),
        ("not asked: not connected, or draining", it.dropped.down),
        ("not asked: no application had decided", it.undecided),
    ];
    let causes = causes.iter().filter(|(_, count)| *count > 0);
    lines.extend(causes.map(|(cause, count)| format!("{count} questions {cause}.")));
    lines.push(match it.samples {
        0 => "No differing answer is kept.".to_owned(),
        n => format!(
            "{n} differing answers are kept: tidegate ctl shadows {} --samples",
            it.name
        ),
    });
    lines.join("\n")
}

/// What was asked, what was decided, what the shadow would have done.
pub(super) fn samples(all: &[ShadowSample]) -> String {
    if all.is_empty() {
        return "No differing answer is kept.".to_owned();
    }
    let all: Vec<_> = all.iter().map(sample).collect();
    all.join("\n\n")
}

fn sample(it: &ShadowSample) -> String {
    let request = &it.event["request"];
    let mut lines = vec![
        format!(
            "call {}: {} {}, attempt {}, {}",
            it.call,
            words(&request["method"]),
            words(&request["uri"]),
            words(&it.event["attempt"]),
            words(&it.event["reason"]),
        ),
        format!("  {}: {}", it.decided_by, it.expected),
        match &it.found {
            Some(found) => format!("  shadow: {found}"),
            None => "  shadow: no route document".to_owned(),
        },
    ];
    lines.extend(it.differences.iter().map(difference));
    let problem = it.problem.as_ref();
    lines.extend(problem.map(|problem| format!("  - no call could be routed by it: {problem}")));
    lines.join("\n")
}

fn difference(it: &ShadowDifference) -> String {
    let shown = |value: &Option<Value>| match value {
        Some(value) => value.to_string(),
        None => "(absent)".to_owned(),
    };
    let (expected, found) = (shown(&it.expected), shown(&it.found));
    format!("  - {} at {}: {expected} → {found}", it.field, it.pointer)
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shadow(agreed: u64, differed: u64) -> Shadow {
        serde_json::from_value(json!({
            "name": "new", "pool": "core", "state": "up", "shadow": 20, "asked": 100,
            "agreed": agreed, "differed": differed, "invalid": 0,
            "failed": { "timeout": 2, "lost": 0, "refused": 0, "error": 0 },
            "dropped": { "queue_full": 0, "busy": 5, "down": 0 },
            "undecided": 0, "fields": { "fr_timer": 1, "uri": 3 }, "samples": 3,
        }))
        .unwrap()
    }

    #[test]
    fn only_full_agreement_is_100_percent() {
        assert_eq!(agreement(&shadow(0, 0)), "-");
        assert_eq!(agreement(&shadow(7, 0)), "100 %");
        assert_eq!(agreement(&shadow(999_999, 1)), "99.99 %");
        assert_eq!(agreement(&shadow(3, 1)), "75.00 %");
    }

    #[test]
    fn what_differs_most_comes_first() {
        let text = one(&shadow(95, 3));
        let [uri, timer] = ["uri ", "fr_timer "].map(|it| text.find(it).unwrap());
        assert!(uri < timer, "{text}");
        assert!(text.contains("2 questions not answered in time."), "{text}");
        assert!(
            text.contains("5 questions not asked: it had as many"),
            "{text}"
        );
    }

    #[test]
    fn a_sample_says_what_each_would_have_done() {
        let sample = serde_json::from_value(json!({
            "time_ms": 1, "call": "c", "decided_by": "old",
            "event": { "attempt": 1, "reason": "new",
                       "request": { "method": "INVITE", "uri": "sip:b@x" } },
            "expected": { "routes": [] }, "found": { "routes": [{}] },
            "differences": [{ "field": "targets", "pointer": "/routes/0", "found": {} }],
        }))
        .unwrap();
        let text = samples(&[sample]);
        assert!(
            text.starts_with("call c: INVITE sip:b@x, attempt 1, new\n"),
            "{text}"
        );
        assert!(
            text.contains("- targets at /routes/0: (absent) → {}"),
            "{text}"
        );
    }
}
