//! Pools: applications that share the work.

use routing_api_client as client;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Applications that share the work, and what their failures lead to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pool {
    /// Its name, by which steps, applications and listeners find it.
    pub name: String,
    /// Who is asked first. `least_in_flight`: the one with the fewest open questions for its weight.
    /// `sticky_by_call`: for one Call-ID always the same, while it can be asked.
    pub choose: Choose,
    /// What part of the time that is left one application gets while another could follow it: above
    /// 0, at most 1.
    pub share: f32,
    /// Ask a second application too when the first one is slower than it usually is (its p95). The
    /// first answer counts.
    pub hedge: bool,
    /// Questions in flight in the whole pool. Without it as many as its applications take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<u32>,
    /// What each kind of failure leads to: `next` asks the next application, `retry` asks the same
    /// one once more and then the next, `otherwise` asks nobody else and goes on with the step's
    /// `otherwise`, `refuse` answers 503 with Retry-After.
    pub on_failure: FailureTable,
    /// When an application is left out for a while.
    pub eject: Eject,
}

/// Who is asked first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Choose {
    /// The one with the fewest questions in flight for its weight.
    #[default]
    LeastInFlight,
    /// The same one for the same Call-ID, while it can be asked.
    StickyByCall,
}

/// What a failure leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// The next application is asked.
    #[default]
    Next,
    /// The same one is asked once more, then the next one.
    Retry,
    /// Nobody else is asked: the step's `otherwise` decides.
    Otherwise,
    /// Nothing decides: 503 with Retry-After.
    Refuse,
}

/// What each kind of failure leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FailureTable {
    /// It could not be reached, or was lost before it answered.
    pub refused: OnFailure,
    /// Its share of the time ran out.
    pub timeout: OnFailure,
    /// HTTP 400 to 499.
    pub http_4xx: OnFailure,
    /// HTTP 500 to 599, and all else that is not 2xx.
    pub http_5xx: OnFailure,
    /// Its answer is no route document, or none that can be executed.
    pub invalid: OnFailure,
    /// It said `error`.
    pub error: OnFailure,
}

/// When an application is left out, and when it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Eject {
    /// Failures in a row after which it is left out. 0: never.
    pub failures: u32,
    /// A p95 in milliseconds beyond which it is left out while the pool has a faster one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slower_than_ms: Option<u32>,
    /// Milliseconds that it is left out for at first. Then it gets one question; when that fails
    /// too, it is left out for twice as long.
    pub pause_ms: u32,
    /// Milliseconds that it is left out for at most.
    pub max_pause_ms: u32,
}

impl Pool {
    /// A pool with the defaults.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        let pool = client::Pool::named("");
        Self {
            name: name.into(),
            choose: Choose::default(),
            share: pool.share,
            hedge: pool.hedge,
            max_in_flight: pool.max_in_flight,
            on_failure: FailureTable::default(),
            eject: Eject::default(),
        }
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::named("")
    }
}

impl Default for Eject {
    fn default() -> Self {
        let eject = client::Eject::default();
        let millis =
            |time: std::time::Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        Self {
            failures: eject.failures,
            slower_than_ms: eject.slower_than.map(millis),
            pause_ms: millis(eject.pause),
            max_pause_ms: millis(eject.max_pause),
        }
    }
}
