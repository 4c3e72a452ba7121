//! The recording: what was asked, what was decided, and what came of it. One line of JSON each.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::call::EndCause;
use crate::document::RouteDocument;
use crate::event::RouteEvent;
use crate::id::ConsultationId;

/// One line of a recording.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Line<'a> {
    /// A consultation, written when its call got a final response.
    Consultation(#[serde(borrow)] Box<Record<'a>>),
    /// A call that is on record is over.
    Ended(#[serde(borrow)] Ended<'a>),
}

/// One consultation: a question, its decision, and what became of the call. In a chain each step is
/// a consultation of its own, with the same id.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Record<'a> {
    /// Version of the contract, `1.0`.
    #[serde(borrow)]
    pub version: Cow<'a, str>,
    /// When it was asked: milliseconds since 1970-01-01 00:00 UTC.
    pub time_ms: u64,
    /// The consultation, as `id` of the event.
    pub id: ConsultationId,
    /// The same for every consultation about one transaction.
    #[serde(borrow)]
    pub call: Cow<'a, str>,
    /// The name of the proxy that asked.
    #[serde(borrow)]
    pub node: Cow<'a, str>,
    /// The question, complete: it can be asked again.
    #[serde(borrow)]
    pub event: RouteEvent<'a>,
    /// The decision; absent where nothing decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Box<RouteDocument>>,
    /// The application that decided; absent where something else did.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub application: Option<RecordedApplication<'a>>,
    /// What decided: the application's name, `cached decision`, the name of a static document;
    /// `none` where nothing did.
    #[serde(borrow)]
    pub tier: Cow<'a, str>,
    /// Why that tier.
    pub cause: DecisionCause,
    /// Microseconds from the question to the decision.
    pub latency_us: u64,
    /// The applications that were asked, in their order.
    #[serde(default, borrow, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<RecordedAttempt<'a>>,
    /// What became of the request; absent where the recording had no room to wait for it.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<RecordedOutcome<'a>>,
    /// The pointers at which values were masked before they were written.
    #[serde(default, borrow, skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<Cow<'a, str>>,
}

/// Who decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordedApplication<'a> {
    /// Its name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// Its own version, where it says one: `release` of its `hello`.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub release: Option<Cow<'a, str>>,
}

/// Why a decision is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionCause {
    /// An application answered.
    Answered,
    /// An earlier decision was used again, and nobody was asked.
    Cached,
    /// The caller hung up before anything was decided.
    Cancelled,
    /// The deadline passed before anything was decided.
    Deadline,
    /// A document of the configuration stood in for the applications.
    Document,
    /// The request was sent to a SIP redirect server.
    RedirectServer,
    /// An earlier decision stood in for the applications.
    Stale,
    /// No application could be asked or none answered, and nothing stood in for them.
    Unavailable,
}

/// A question to one application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordedAttempt<'a> {
    /// Its name.
    #[serde(borrow)]
    pub application: Cow<'a, str>,
    /// Its own version, where it says one.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub release: Option<Cow<'a, str>>,
    /// Microseconds from the beginning of the consultation to this question.
    pub at_us: u64,
    /// Microseconds from this question to its end.
    pub took_us: u64,
    /// What came of it.
    pub result: AttemptResult,
    /// For a document that was refused: where and why.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Cow<'a, str>>,
}

/// What came of a question to one application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptResult {
    /// Its answer is the decision.
    Answered,
    /// It said `error`.
    Error,
    /// HTTP 400 to 499.
    #[serde(rename = "http_4xx")]
    Http4xx,
    /// HTTP 500 to 599, and all else that is not 2xx.
    #[serde(rename = "http_5xx")]
    Http5xx,
    /// Its answer was no route document, or none that could be honoured.
    Invalid,
    /// Its connection was lost before it answered.
    Lost,
    /// It could not be reached.
    Refused,
    /// Its share of the time ran out.
    Timeout,
    /// Something else decided, or the caller hung up, before it answered.
    Withdrawn,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordedOutcome<'a> {
    /// The final code that the caller got; absent where nothing was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// The Request-URI of the branch whose final response the caller got; absent where it came
    /// from the proxy.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub target: Option<Cow<'a, str>>,
    /// That target's own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch_flags: Option<u32>,
    /// Branches that were tried.
    pub branches: u32,
    /// Post-dial delay: milliseconds from the request to the first 18x that the caller got, or to
    /// the final response where there was none (RFC 6076 section 4.3).
    pub pdd_ms: u32,
    /// Milliseconds from the request to its final response.
    pub setup_ms: u32,
    /// Milliseconds from the answer to the end of the call. In a line only where it is known by
    /// then; readers take it from the line `ended`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// A call that is on record is over. Written where calls are followed to their end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ended<'a> {
    /// Version of the contract, `1.0`.
    #[serde(borrow)]
    pub version: Cow<'a, str>,
    /// When it ended: milliseconds since 1970-01-01 00:00 UTC.
    pub time_ms: u64,
    /// The call, as in its consultations.
    #[serde(borrow)]
    pub call: Cow<'a, str>,
    /// The name of the proxy.
    #[serde(borrow)]
    pub node: Cow<'a, str>,
    /// Milliseconds from the answer to the end.
    pub duration_ms: u64,
    /// Why it ended.
    pub cause: EndCause,
}
