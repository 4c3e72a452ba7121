//! TCP connections.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bounds on TCP connections that carry SIP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Streams {
    /// Connections at once, in both directions together. More are refused.
    pub max_connections: usize,
    /// Milliseconds for an outgoing connection to be established; then the next target is tried.
    pub connect_timeout_ms: u32,
    /// Milliseconds for a peer to take what is written to it; then the connection is closed.
    pub write_timeout_ms: u32,
    /// Bytes that wait for one peer; when there are more, the connection is closed.
    pub write_queue_bytes: usize,
    /// Seconds without a byte in either direction after which a connection is closed.
    pub idle_s: u32,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            connect_timeout_ms: 5000,
            write_timeout_ms: 5000,
            write_queue_bytes: 1 << 20,
            idle_s: 600,
        }
    }
}
