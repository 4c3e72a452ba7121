//! What a shard writes down.

/// Which consultations are recorded, and how long they may wait for their outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordSettings {
    /// The share of calls that are recorded, from 0 to 1. All consultations of a call are, or none.
    pub sample: f64,
    /// Whether those are recorded beside the share in which an application failed, nothing decided,
    /// or the caller got 5xx.
    pub failures: bool,
    /// Bytes of one shard's consultations that wait for their outcome; beyond them the oldest are
    /// written without it.
    pub waiting_bytes: usize,
}

impl Default for RecordSettings {
    fn default() -> Self {
        Self {
            sample: 1.0,
            failures: true,
            waiting_bytes: 64 << 20,
        }
    }
}
