//! What happens to a call after the decision: notifications, and what an application may ask for.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A notification about one call. Delivered at least once, in the order of `seq` for each call: a
/// receiver that keeps `event_id` can tell a repeat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallEvent<'a> {
    /// Unique for each notification; to be sent back in `ack`.
    #[serde(borrow)]
    pub event_id: Cow<'a, str>,
    /// 1 for the first notification about this call, one more for each further one.
    pub seq: u32,
    /// What happened.
    pub event: CallEventKind,
    /// The same as in the questions about the request that began the call.
    #[serde(borrow)]
    pub call: Cow<'a, str>,
    /// The proxy's name.
    #[serde(borrow)]
    pub node: Cow<'a, str>,
    /// When it happened: milliseconds since 1970-01-01 00:00 UTC.
    pub time_ms: u64,
    /// What decided: an application's name, or the tier.
    #[serde(borrow)]
    pub decided_by: Cow<'a, str>,
    /// Call-ID.
    #[serde(borrow)]
    pub call_id: Cow<'a, str>,
    /// The caller's URI.
    #[serde(borrow)]
    pub from: Cow<'a, str>,
    /// The URI in To.
    #[serde(borrow)]
    pub to: Cow<'a, str>,
    /// The Request-URI as it arrived.
    #[serde(borrow)]
    pub uri: Cow<'a, str>,
    /// The Request-URI of the branch that it is about; absent where no branch was tried.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub target: Option<Cow<'a, str>>,
    /// The target's own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch_flags: Option<u32>,
    /// The response: 180 for `progress`, 200 for `answered` and `ended`, the final one for `failed`.
    pub code: u16,
    /// Its reason phrase.
    #[serde(borrow)]
    pub reason: Cow<'a, str>,
    /// Milliseconds from the request to the final response; to this response for `progress`.
    pub setup_ms: u64,
    /// `ended`: milliseconds from the answer to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// `ended`: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EndCause>,
    /// `ended` by `terminate`: the words given there.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Cow<'a, str>>,
    /// The document's labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<serde_json::Map<String, serde_json::Value>>,
    /// The document's own string.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub context: Option<Cow<'a, str>>,
}

/// What happens to a call.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum CallEventKind {
    /// The first 101 to 199 that reached the caller.
    Progress,
    /// The first 2xx.
    Answered,
    /// A final response other than 2xx, or none that could be sent.
    Failed,
    /// The dialog is over.
    Ended,
}

impl CallEventKind {
    /// All of them, in the order in which they happen.
    pub const ALL: [Self; 4] = [Self::Progress, Self::Answered, Self::Failed, Self::Ended];

    /// The word in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Progress => "progress",
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Ended => "ended",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Why a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndCause {
    /// The caller sent BYE.
    CallerHungUp,
    /// The callee sent BYE.
    CalleeHungUp,
    /// `max_call_ms` passed.
    MaxDuration,
    /// An application or an operator ended it.
    Terminated,
    /// A peer does not know the dialog any more, or does not answer.
    PeerGone,
    /// Nobody refreshed the session in time (RFC 4028).
    SessionExpired,
}

/// One live call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallSummary<'a> {
    /// Its name in events and notifications.
    #[serde(borrow)]
    pub call: Cow<'a, str>,
    /// What decided.
    #[serde(borrow)]
    pub decided_by: Cow<'a, str>,
    /// Call-ID.
    #[serde(borrow)]
    pub call_id: Cow<'a, str>,
    /// The caller's URI.
    #[serde(borrow)]
    pub from: Cow<'a, str>,
    /// The URI in To.
    #[serde(borrow)]
    pub to: Cow<'a, str>,
    /// The Request-URI of the branch that answered.
    #[serde(borrow)]
    pub target: Cow<'a, str>,
    /// Milliseconds since the answer.
    pub duration_ms: u64,
    /// Milliseconds until the proxy ends it, where that is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining_ms: Option<u64>,
    /// The document's labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<serde_json::Map<String, serde_json::Value>>,
}
