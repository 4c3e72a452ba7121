//! The shard's clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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
    /// The same moment by the calendar: milliseconds since 1970-01-01 00:00 UTC.
    start_unix_ms: u64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            start_unix_ms: unix_ms(SystemTime::now()),
        }
    }

    pub(crate) fn now(self) -> Moment {
        self.at(Instant::now())
    }

    /// The instant at which the engine's `time` begins.
    pub(crate) fn instant(self, time: Time) -> Instant {
        self.start + Duration::from_millis(time.0)
    }

    /// Milliseconds since 1970-01-01 00:00 UTC. Steps of the system's clock do not show here.
    pub(crate) fn unix_ms(self, time: Time) -> u64 {
        self.start_unix_ms.saturating_add(time.0)
    }

    fn at(self, instant: Instant) -> Moment {
        let elapsed = instant.saturating_duration_since(self.start).as_millis();
        Moment {
            time: Time(u64::try_from(elapsed).unwrap_or(u64::MAX)),
            instant,
        }
    }
}

/// Milliseconds since 1970-01-01 00:00 UTC.
pub(crate) fn unix_ms(now: SystemTime) -> u64 {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
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
