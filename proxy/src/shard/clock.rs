//! The shard's clock.

use std::time::{Duration, Instant};

use tidegate_engine::Time;

/// One moment, as the engine counts time and as the system does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) time: Time,
    pub(crate) instant: Instant,
}

/// Counts from the start of the shard.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    pub(crate) fn now(self) -> Moment {
        self.at(Instant::now())
    }

    /// The instant at which the engine's `time` begins.
    pub(crate) fn instant(self, time: Time) -> Instant {
        self.start + Duration::from_millis(time.0)
    }

    fn at(self, instant: Instant) -> Moment {
        let elapsed = instant.saturating_duration_since(self.start).as_millis();
        Moment {
            time: Time(u64::try_from(elapsed).unwrap_or(u64::MAX)),
            instant,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_the_engine_is_reached_at_its_instant_and_not_before() {
        let clock = Clock::new();
        let at = clock.instant(Time(250));
        assert_eq!(clock.at(at).time, Time(250));
        assert_eq!(clock.at(at - Duration::from_micros(1)).time, Time(249));
    }
}
