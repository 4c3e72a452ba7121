//! Counters of all streams together.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What happened on streams.
        #[derive(Debug, Default)]
        pub(crate) struct StreamCounters { $($(#[$doc])* pub(crate) $name: Counter,)* }

        impl StreamCounters {
            /// Every counter with its name.
            pub(crate) fn each(&self, mut f: impl FnMut(&'static str, u64)) {
                $(f(stringify!($name), self.$name.get());)*
            }
        }
    };
}

counters! {
    accepted,
    connected,
    connect_failed,
    closed,
    /// Connections beyond the limit.
    refused,
    idle,
    stalled,
    unframeable,
    received,
    sent,
    undelivered,
    pings,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
