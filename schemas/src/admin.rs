//! The admin API: what an operator asks of a running proxy, and what it answers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::call::CallSummary;

/// `GET /v1/health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// `running`, or `draining` while it ends.
    pub status: String,
    /// The proxy's name.
    pub node: String,
    /// The program's version.
    pub version: String,
    /// Seconds since it was started.
    pub uptime_s: u64,
    /// Threads that handle SIP.
    pub shards: usize,
    /// Applications that can be asked.
    pub applications: usize,
}

/// `GET /v1/applications`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Applications {
    /// By pool and name.
    pub applications: Vec<Application>,
}

/// One application, as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// Its pool.
    pub pool: String,
    /// Where the proxy reaches it; absent for one that dials in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What it speaks, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// Whether it is asked.
    pub state: State,
    /// Milliseconds for which it stays ejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ejected_for_ms: Option<u64>,
    /// Whether an operator wants it to get no new questions, connected or not.
    #[serde(default)]
    pub draining: bool,
    /// Its connections; for HTTP 1 while it answers.
    pub connections: usize,
    /// Questions that it has not answered.
    pub in_flight: u32,
    /// Its share of the work relative to the others of its pool.
    pub weight: u32,
    /// The percentage of its pool's calls that it gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<u8>,
    /// The percentage of its pool's calls of which it gets copies of the questions, while it only
    /// looks on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<u8>,
    /// How well it agrees with what is decided, while it only looks on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
    /// How fast it answered of late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// What it did since the proxy's start.
    pub counts: Counts,
    /// Where the proxy knows it from.
    pub origin: Origin,
}

/// Whether an application is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is asked.
    Up,
    /// It can't be reached.
    Down,
    /// It gets no new questions.
    Draining,
    /// It is left out for a while, since it failed or lagged.
    Ejected,
}

/// Where the proxy knows an application from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// From the configuration.
    File,
    /// From this API: added here, or changed here after the configuration was read.
    Runtime,
    /// It dialled in, and nothing else is known of it.
    DialIn,
}

/// Times to answer in microseconds, of about the last minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// Half of the answers were faster.
    pub p50_us: u64,
    /// 95 of 100 were faster.
    pub p95_us: u64,
    /// 99 of 100 were faster.
    pub p99_us: u64,
}

/// What an application did since the proxy's start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Questions that it got.
    pub asked: u64,
    /// Answers that were used.
    pub answered: u64,
    /// Failures other than those below.
    pub errors: u64,
    /// Questions that it did not answer in its share of the time.
    pub timeouts: u64,
    /// Answers that came after that.
    pub late: u64,
    /// Answers that are no route document, or none that can be executed.
    pub invalid: u64,
}

/// What came of the questions for a shadow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Agreement {
    /// Answers that mean what was decided.
    pub agreed: u64,
    /// Answers that mean something else.
    pub differed: u64,
    /// Answers that are no route document, or none that a call could be routed by.
    pub invalid: u64,
    /// Questions without an answer.
    pub failed: u64,
    /// Questions that it did not get.
    pub dropped: u64,
}

/// `PATCH /v1/applications/{name}`: what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApplicationChange {
    /// Its share of the work relative to the others of its pool; 0 gets none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// The percentage of its pool's calls that it gets; `null`: no canary any more.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<u8>")]
    pub canary: Option<Option<u8>>,
    /// The percentage of its pool's calls of which it gets copies of the questions, from 1 to 100; it
    /// decides nothing then. `null`: it decides. A shadow that is made a canary is none any more, and
    /// the other way round.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<u8>")]
    pub shadow: Option<Option<u8>>,
    /// Whether it gets no new questions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draining: Option<bool>,
    /// Questions that it gets at once; `null`: as many as it takes.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<u32>")]
    pub max_in_flight: Option<Option<u32>>,
}

/// Tells `null` from absent.
fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// `POST /v1/applications/{name}/promote`: a shadow becomes a canary, a canary a full member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Promotion {
    /// Whether all others of its pool get no new questions from then on. It is a full member then, and
    /// a shadow may become one at once.
    pub alone: bool,
    /// The percentage of its pool's calls that it gets as a canary. Without it, a shadow gets 5, and
    /// a canary becomes a full member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<u8>,
}

/// `POST /v1/applications/{name}/ask`: a question outside of any call. What is absent is made up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SampleQuestion {
    /// The SIP method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The Request-URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The URI in From.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The URI in To; the Request-URI when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The address that the request came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<std::net::IpAddr>,
    /// Headers, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// A whole event in the place of all that. Its `id` is replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Map<String, Value>>,
    /// Milliseconds to wait for the answer; as configured when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u32>,
}

/// What came of a sample question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SampleAnswer {
    /// Whether a call could be routed by it.
    pub valid: bool,
    /// The answer, where there was one that could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Value>,
    /// What is wrong, where something is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Fault>,
    /// Microseconds from the question to the answer.
    pub took_us: u64,
    /// What was asked.
    pub event: Value,
}

/// `GET /v1/calls`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calls<'a> {
    /// Those that are followed: an application subscribed to them, or they have a limit.
    #[serde(borrow)]
    pub calls: Vec<CallSummary<'a>>,
}

/// `POST /v1/calls/{call}/terminate`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Termination {
    /// Goes into the Reason of the BYEs and into the notification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `GET /v1/shadows`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shadows {
    /// The applications that only look on, by name.
    pub shadows: Vec<Shadow>,
}

/// One application that only looks on, and how well it agrees with what is decided. The counts are
/// those since the proxy's start, or since they were begun anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shadow {
    /// Its name.
    pub name: String,
    /// Its pool.
    pub pool: String,
    /// Whether it can be asked.
    pub state: State,
    /// The percentage of its pool's calls of which it gets copies of the questions.
    pub shadow: u8,
    /// Questions that it got.
    pub asked: u64,
    /// Answers that mean what was decided.
    pub agreed: u64,
    /// Answers that mean something else.
    pub differed: u64,
    /// Answers that are no route document, or none that a call could be routed by.
    pub invalid: u64,
    /// Questions without an answer.
    pub failed: ShadowFailed,
    /// Questions that it did not get.
    pub dropped: ShadowDropped,
    /// Questions that it did not get since no application decided them.
    pub undecided: u64,
    /// How many answers differ in each field; `other` for the fields beyond the first 64.
    pub fields: BTreeMap<String, u64>,
    /// How long all its answers took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// Differing answers that are kept.
    pub samples: usize,
}

/// Questions that a shadow did not answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShadowFailed {
    /// Not in time.
    pub timeout: u64,
    /// Its connection was lost.
    pub lost: u64,
    /// They did not reach it.
    pub refused: u64,
    /// It answered with an error.
    pub error: u64,
}

/// Questions that a shadow did not get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShadowDropped {
    /// Too many waited to be asked.
    pub queue_full: u64,
    /// It had as many as it takes.
    pub busy: u64,
    /// It was not connected, or draining.
    pub down: u64,
}

/// `GET /v1/shadows/{name}/samples`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShadowSamples {
    /// The last ones, the newest first.
    pub samples: Vec<ShadowSample>,
}

/// An answer of a shadow that differs from what was decided, or that can't be used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShadowSample {
    /// When it came, in milliseconds since 1970.
    pub time_ms: u64,
    /// The call, as in its events.
    pub call: String,
    /// Who decided.
    pub decided_by: String,
    /// The question.
    pub event: Value,
    /// What was decided.
    pub expected: Value,
    /// What the shadow answered; absent where that is no route document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Value>,
    /// In what they differ.
    pub differences: Vec<ShadowDifference>,
    /// What is wrong with the answer by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// One thing in which two documents differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShadowDifference {
    /// What differs: `uri`, `fr_timer`, `headers.set.x-carrier`, …
    pub field: String,
    /// Where: a JSON Pointer.
    pub pointer: String,
    /// What was decided; absent for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// What the shadow says; absent for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Value>,
}

/// `GET /v1/recording`. The counts are those since the proxy's start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recording {
    /// Whether a file or a Redis is configured. Without one nothing is recorded.
    pub enabled: bool,
    /// Lines that the shards handed over.
    pub recorded: u64,
    /// Lines that no sink got, since more came than were taken.
    pub dropped: u64,
    /// Lines that were handed over before their outcome was known, since too many calls rang.
    pub without_outcome: u64,
    /// Lines that could not be masked, and were not written.
    pub mask_failed: u64,
    /// Where lines go.
    pub sinks: Vec<RecordingSink>,
}

/// One of the places where lines go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordingSink {
    /// `file` or `redis`.
    pub name: String,
    /// Whether lines can be written.
    pub state: SinkState,
    /// Since when it fails, in milliseconds since 1970; absent while it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since_ms: Option<u64>,
    /// Why it fails; absent while it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Lines that wait to be written.
    pub waiting: usize,
    /// Bytes of them.
    pub waiting_bytes: usize,
    /// Lines that were written.
    pub written: u64,
    /// Lines that were given up: the oldest, when too many waited.
    pub dropped: u64,
    /// Attempts that failed.
    pub errors: u64,
    /// Rotations of the file; connections to Redis after the first.
    pub renewed: u64,
}

/// Whether lines of the recording can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SinkState {
    /// The last attempt succeeded.
    Working,
    /// The last attempt failed; it is tried again until it succeeds.
    Failing,
}

/// `GET /v1/counters`: groups, and the counters in them.
pub type Counters = BTreeMap<String, BTreeMap<String, u64>>;

/// `POST /v1/reload`, and what SIGHUP does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reloaded {
    /// Whether the configuration is in place. `false` after a dry run.
    pub applied: bool,
    /// What differs between the configuration as it was and as the file has it, in the order of the
    /// keys.
    pub changes: Vec<Change>,
    /// Applications whose changes at runtime were given up, since the file says something new about
    /// them.
    pub overruled: Vec<String>,
    /// Keys among the changes that need a restart; while there is one, nothing is applied.
    pub needs_restart: Vec<String>,
}

/// One key whose value differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The key: `routing.application[core-a].weight`.
    pub key: String,
    /// Its value before; absent where there was none. Secrets are masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// Its value after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

/// Every answer that is no success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// What is wrong.
    pub error: Fault,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// For programs: `unknown_application`, `invalid`, …
    pub code: String,
    /// For people.
    pub message: String,
    /// What it is about: a JSON Pointer into the body, or into the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_tells_null_from_absent() {
        let read = |json: &str| serde_json::from_str::<ApplicationChange>(json).unwrap();
        assert_eq!(read("{}").canary, None);
        assert_eq!(read(r#"{"canary":null}"#).canary, Some(None));
        assert_eq!(read(r#"{"canary":5}"#).canary, Some(Some(5)));
        assert!(serde_json::from_str::<ApplicationChange>(r#"{"wieght":1}"#).is_err());
    }

    #[test]
    fn what_is_not_to_change_is_not_written() {
        let change = ApplicationChange {
            canary: Some(None),
            ..ApplicationChange::default()
        };
        let json = serde_json::to_string(&change).unwrap();
        assert_eq!(json, r#"{"canary":null}"#);
    }
}
