//! What an answer is worth.

use routing_api_client::{Difference, SampleAnswer, SampleError, compare};
use serde::Serialize;
use tidegate_engine::plan::describe;
use tidegate_schemas::document::{Action, DocumentError, RouteDocument};
use tidegate_schemas::record::Record;

use super::Options;
use crate::ask::engine;

/// What became of one question.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The answer means the same as the recorded document.
    Same,
    /// It does not.
    Differs(Vec<Difference>, Box<RouteDocument>),
    /// It can't be executed, or is no document.
    Invalid(DocumentError),
    /// There is none.
    NoAnswer(SampleError),
}

/// What became of the call then: what is at stake where the decision is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stake {
    /// It got a 2xx.
    Answered,
    /// It got another final response, or none.
    Failed,
    /// The recording does not say.
    Unknown,
}

impl Stake {
    pub(super) fn of(record: &Record<'_>) -> Self {
        match &record.outcome {
            None => Self::Unknown,
            Some(outcome) if outcome.code.is_some_and(|code| code / 100 == 2) => Self::Answered,
            Some(_) => Self::Failed,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// Judges one answer by what was decided then.
pub(super) fn judge(
    record: &Record<'_>,
    expected: &RouteDocument,
    answer: Result<SampleAnswer, SampleError>,
    options: &Options,
) -> Verdict {
    let found = match answer {
        Ok(answer) => answer.document,
        Err(SampleError::Invalid(error)) => return Verdict::Invalid(error),
        Err(error) => return Verdict::NoAnswer(error),
    };
    let differences = compare(expected, &found, &options.tolerances);
    if differences.is_empty() {
        return Verdict::Same;
    }
    match refusal(record, expected, &found, options) {
        Some(error) => Verdict::Invalid(error),
        None => Verdict::Differs(differences, Box::new(found)),
    }
}

/// Why the proxy would refuse the document. A configuration by which the recorded one would be
/// refused as well is not the one of the recording, and says nothing.
fn refusal(
    record: &Record<'_>,
    expected: &RouteDocument,
    found: &RouteDocument,
    options: &Options,
) -> Option<DocumentError> {
    if found.action == Some(Action::Pass) {
        return None;
    }
    let engine = engine(&options.config, options.is_configured, Some(&record.event));
    let is_invite = record.event.request.method == "INVITE";
    let error = describe(found, &engine, is_invite).err()?;
    let is_judged = describe(expected, &engine, is_invite).is_ok();
    is_judged.then_some(error)
}

#[cfg(test)]
pub(super) mod samples {
    use serde_json::json;

    /// A line about a call of `uri`, which was answered.
    pub(in crate::replay) fn record(call: &str, uri: &str, fr_timer: u32) -> String {
        json!({
            "type": "consultation",
            "version": "1.0",
            "time_ms": 1_790_000_000_000_u64,
            "id": "00000001-00000002-00000003",
            "call": call,
            "node": "edge",
            "event": {
                "id": "00000001-00000002-00000003",
                "call": call,
                "node": "edge",
                "deadline_ms": 2000,
                "attempt": 1,
                "reason": "new",
                "source": { "transport": "udp", "ip": "192.0.2.1", "port": 5060,
                            "listener": "udp:192.0.2.9:5060" },
                "request": { "method": "INVITE", "uri": uri, "from": { "uri": "sip:a@h" },
                             "to": { "uri": uri }, "call_id": call, "cseq": 1, "headers": [] },
            },
            "document": { "routes": [{ "uri": uri, "fr_timer": fr_timer }] },
            "application": { "name": "core", "release": "7" },
            "tier": "core",
            "cause": "answered",
            "latency_us": 400,
            "outcome": { "code": 200, "branches": 1, "pdd_ms": 100, "setup_ms": 2000 },
        })
        .to_string()
    }
}
