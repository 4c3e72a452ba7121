//! How the recording is doing, for people.

use tidegate_schemas::admin::{Recording, RecordingSink};

use super::table::table;

const OFF: &str = "\
Nothing is recorded. To record decisions, put one of these or both into the configuration, and restart the proxy:
  [recording.file]
  path = \"decisions.jsonl\"
  [recording.redis]
  url = \"redis://127.0.0.1:6379/\"";

/// One line for each sink, why one fails, and what was lost before. `now_ms` is the time in
/// milliseconds since 1970.
pub(super) fn text(it: &Recording, now_ms: u64) -> String {
    if !it.enabled {
        return OFF.to_owned();
    }
    let mut lines = vec![sinks(&it.sinks, now_ms), String::new()];
    lines.extend(it.sinks.iter().filter_map(reason));
    lines.push(format!("{} lines came from the calls.", it.recorded));
    let troubles = [
        ("dropped: more came than were taken", it.dropped),
        (
            "recorded without an outcome: too many calls rang",
            it.without_outcome,
        ),
        ("not written: they could not be masked", it.mask_failed),
    ];
    let troubles = troubles.iter().filter(|(_, count)| *count > 0);
    lines.extend(troubles.map(|(what, count)| format!("{count} lines were {what}.")));
    lines.join("\n")
}

fn reason(it: &RecordingSink) -> Option<String> {
    let error = it.error.as_ref()?;
    Some(format!("{} fails: {error}", it.name))
}

fn sinks(all: &[RecordingSink], now_ms: u64) -> String {
    let head = [
        "SINK", "STATE", "WRITTEN", "WAITING", "SIZE", "DROPPED", "ERRORS", "RENEWED",
    ];
    let rows: Vec<_> = all.iter().map(|it| row(it, now_ms)).collect();
    table(&head, &rows, 2)
}

fn row(it: &RecordingSink, now_ms: u64) -> Vec<String> {
    vec![
        it.name.clone(),
        state(it.failing_since_ms, now_ms),
        it.written.to_string(),
        it.waiting.to_string(),
        size(it.waiting_bytes),
        it.dropped.to_string(),
        it.errors.to_string(),
        it.renewed.to_string(),
    ]
}

fn state(failing_since_ms: Option<u64>, now_ms: u64) -> String {
    match failing_since_ms {
        None => "working".to_owned(),
        Some(since) => {
            let seconds = now_ms.saturating_sub(since) / 1000;
            format!("failing for {}", lasting(seconds))
        }
    }
}

fn lasting(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn size(bytes: usize) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_767_225_600_000;

    fn recording(dropped: u64) -> Recording {
        serde_json::from_value(json!({
            "enabled": true, "recorded": 1042, "dropped": dropped, "without_outcome": 0,
            "mask_failed": 2,
            "sinks": [
                { "name": "file", "state": "working", "waiting": 0, "waiting_bytes": 0,
                  "written": 1040, "dropped": 0, "errors": 0, "renewed": 3 },
                { "name": "redis", "state": "failing", "failing_since_ms": NOW - 240_999,
                  "error": "Connection refused", "waiting": 40, "waiting_bytes": 75_600,
                  "written": 990, "dropped": 10, "errors": 7, "renewed": 0 },
            ],
        }))
        .unwrap()
    }

    #[test]
    fn each_sink_has_a_line_and_one_that_fails_its_reason() {
        let text = text(&recording(0), NOW);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "SINK   STATE              WRITTEN  WAITING   SIZE  DROPPED  ERRORS  RENEWED",
                "file   working               1040        0    0 B        0       0        3",
                "redis  failing for 4 min      990       40  75 kB       10       7        0",
                "",
                "redis fails: Connection refused",
                "1042 lines came from the calls.",
                "2 lines were not written: they could not be masked.",
            ]
        );
    }

    #[test]
    fn what_no_sink_got_is_said() {
        let text = text(&recording(7), NOW);
        assert!(text.contains("7 lines were dropped: more came"), "{text}");
    }

    #[test]
    fn without_a_sink_it_says_what_to_configure() {
        let text = text(&Recording::default(), NOW);
        assert!(text.starts_with("Nothing is recorded."), "{text}");
        assert!(text.contains("[recording.file]"), "{text}");
    }

    #[test]
    fn a_time_is_as_coarse_as_it_is_long_and_never_negative() {
        let cases = [
            (NOW + 5000, "0 s"),
            (NOW - 119_000, "119 s"),
            (NOW - 7_199_000, "119 min"),
            (NOW - 172_799_000, "47 h"),
            (NOW - 172_800_000, "2 d"),
        ];
        for (since, expected) in cases {
            assert_eq!(state(Some(since), NOW), format!("failing for {expected}"));
        }
    }
}
