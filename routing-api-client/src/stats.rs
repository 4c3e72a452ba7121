//! Counters.

use std::sync::atomic::{AtomicU64, Ordering};

/// What one shard counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Questions that went out, repeats included.
    pub asked: u64,
    /// Questions that went to a further application for a consultation already begun.
    pub reasked: u64,
    /// Consultations that ended with a document.
    pub answered: u64,
    /// Of these, with the answer to an attempt that had timed out.
    pub late_attempt: u64,
    /// Answers to a consultation that is over.
    pub late: u64,
    /// Further answers from an application that had answered.
    pub duplicate: u64,
    /// Answers to what the application was never asked.
    pub unknown: u64,
    /// Answers to another start of the proxy.
    pub wrong_instance: u64,
    /// Answers that are no route document, or none that can be honoured.
    pub invalid: u64,
    /// Questions that the application answered with `error`.
    pub error: u64,
    /// Questions that did not reach the application.
    pub refused: u64,
    /// Questions that were answered with HTTP 400 to 499.
    pub http_4xx: u64,
    /// Questions that were answered with HTTP 500 to 599, or with nothing usable.
    pub http_5xx: u64,
    /// Questions that were in flight on a connection that was lost.
    pub lost: u64,
    /// Attempts whose share of the time ran out.
    pub attempt_timed_out: u64,
    /// Consultations that ran out of time.
    pub timed_out: u64,
    /// Consultations that the caller ended.
    pub cancelled: u64,
    /// Times that no application could be asked, and nothing stood in for them.
    pub unavailable: u64,
    /// Consultations that nobody was to decide after a failure, as the policy has it.
    pub given_up: u64,
    /// Times that an application was passed over since its outgoing queue was full.
    pub queue_full: u64,
    /// Times that an application or a pool was passed over since it had as many questions as the
    /// policy allows.
    pub limited: u64,
    /// Questions that were asked of the same application once more.
    pub retried: u64,
    /// Questions to a second application beside a slow one.
    pub hedged: u64,
    /// Of these, those whose answer came first.
    pub hedge_won: u64,
    /// Times that an application was left out for its failures or its slowness.
    pub ejected: u64,
    /// Questions that tried whether such an application is well again.
    pub probes: u64,
    /// Times that one was.
    pub recovered: u64,
    /// Steps of a chain that passed.
    pub passed: u64,
    /// Calls that were sent to a SIP redirect server.
    pub redirect_server: u64,
    /// Steps that were decided as the same question was before, without asking.
    pub cache_hit: u64,
    /// Decisions that may be used again.
    pub cache_stored: u64,
    /// Decisions that had to give way to others.
    pub cache_evicted: u64,
    /// Steps decided by an earlier decision, since no application did.
    pub otherwise_cached: u64,
    /// Steps decided by a document of the configuration, since no application did.
    pub otherwise_document: u64,
    /// Steps left to the next one, since no application decided.
    pub otherwise_pass: u64,
}

/// What all connections counted together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChannelStats {
    /// Connections that were established.
    pub connected: u64,
    /// Connections that ended.
    pub disconnected: u64,
    /// Connections that were turned away: too many, no hello, wrong token, version or subprotocol.
    pub turned_away: u64,
    /// Connections closed for a message past the limit.
    pub too_large: u64,
    /// Connections closed for broken framing.
    pub bad_frame: u64,
    /// Connections closed for their silence.
    pub silent: u64,
    /// Connections closed since they did not read.
    pub stalled: u64,
    /// Connections that ended in the TLS handshake: strangers, and whoever speaks no TLS.
    pub tls_failed: u64,
    /// Attempts to reach an application that failed.
    pub dial_failed: u64,
    /// HTTP: requests sent once more since their idle connection was closed under them.
    pub repeated: u64,
    /// Messages that could not be understood, or that belong to nothing.
    pub bad_message: u64,
    /// Notices to an application that were left out: its queue was full, or it got too many.
    pub notices_dropped: u64,
}

macro_rules! counters {
    ($($name:ident),*) => {
        /// The shared side of [`ChannelStats`].
        #[derive(Debug, Default)]
        pub(crate) struct ChannelCounters { $(pub(crate) $name: Counter),* }

        impl ChannelCounters {
            pub(crate) fn read(&self) -> ChannelStats {
                ChannelStats { $($name: self.$name.read()),* }
            }
        }
    };
}

counters!(
    connected,
    disconnected,
    turned_away,
    too_large,
    bad_frame,
    silent,
    stalled,
    tls_failed,
    dial_failed,
    repeated,
    bad_message,
    notices_dropped
);

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
