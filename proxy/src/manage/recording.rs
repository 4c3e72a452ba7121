//! How the recording is doing.

use routing_api_client as client;
use tidegate_schemas::admin::{Recording, RecordingSink, SinkState};

use super::Manager;
use crate::shard::unix_ms;

impl Manager {
    /// What was recorded and lost, and how each sink is.
    pub(crate) fn recording(&self) -> Recording {
        let recorder = self.shared.recorder.as_ref();
        recorder.map_or_else(Recording::default, |it| recording(it.stats()))
    }
}

fn recording(stats: client::RecorderStats) -> Recording {
    Recording {
        enabled: true,
        recorded: stats.spools.recorded,
        dropped: stats.spools.dropped,
        without_outcome: stats.spools.without_outcome,
        mask_failed: stats.mask_failed,
        sinks: stats.sinks.into_iter().map(sink).collect(),
    }
}

fn sink(it: client::SinkState) -> RecordingSink {
    let failing_since_ms = it.failing_since.map(unix_ms);
    RecordingSink {
        name: it.name.to_owned(),
        state: match failing_since_ms {
            Some(_) => SinkState::Failing,
            None => SinkState::Working,
        },
        failing_since_ms,
        error: it.error,
        waiting: it.waiting,
        waiting_bytes: it.waiting_bytes,
        written: it.written,
        dropped: it.dropped,
        errors: it.errors,
        renewed: it.renewed,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use serde_json::json;

    use super::*;

    fn state(failing: Option<(u64, &str)>) -> client::SinkState {
        client::SinkState {
            name: "redis",
            failing_since: failing.map(|(ms, _)| UNIX_EPOCH + Duration::from_millis(ms)),
            error: failing.map(|(_, why)| why.to_owned()),
            waiting: 2,
            waiting_bytes: 3600,
            written: 40,
            dropped: 5,
            errors: 6,
            renewed: 1,
        }
    }

    #[test]
    fn a_sink_that_fails_says_since_when_and_why() {
        let shown =
            serde_json::to_value(sink(state(Some((1_767_225_600_123, "refused"))))).unwrap();
        let expected = json!({
            "name": "redis", "state": "failing", "failing_since_ms": 1_767_225_600_123_u64,
            "error": "refused", "waiting": 2, "waiting_bytes": 3600, "written": 40, "dropped": 5,
            "errors": 6, "renewed": 1,
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_sink_that_works_has_no_trouble_to_tell_of() {
        let shown = serde_json::to_value(sink(state(None))).unwrap();
        assert_eq!(shown["state"], "working");
        assert_eq!(
            (shown.get("failing_since_ms"), shown.get("error")),
            (None, None)
        );
    }
}
