//! Calls that are followed.

use routing_api_client as client;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How calls are followed for those who are notified of them or limit them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Calls {
    /// Live calls that are followed in one shard. Beyond them a call is not followed, and one with
    /// `max_call_ms` is refused.
    pub max_calls: usize,
    /// Seconds of silence in a call after which both sides are asked, with OPTIONS, whether they
    /// still know it. 0: never.
    pub probe_s: u32,
    /// Notifications that wait for one application; beyond them the oldest are given up.
    pub notify_queue: usize,
    /// Bytes of them.
    pub notify_bytes: usize,
    /// Seconds that notifications wait for an application that is away.
    pub notify_keep_s: u32,
    /// Milliseconds that an application has to acknowledge a notification; then it is sent again.
    pub ack_timeout_ms: u32,
}

impl Default for Calls {
    fn default() -> Self {
        let calls = tidegate_engine::CallSettings::default();
        let client = client::Settings::default();
        Self {
            max_calls: calls.max_calls,
            probe_s: calls.probe_ms.map_or(0, |ms| ms / 1000),
            notify_queue: client.notify_queue,
            notify_bytes: client.notify_bytes,
            notify_keep_s: u32::try_from(client.notify_keep.as_secs()).unwrap_or(u32::MAX),
            ack_timeout_ms: u32::try_from(client.ack_timeout.as_millis()).unwrap_or(u32::MAX),
        }
    }
}
