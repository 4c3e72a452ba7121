//! Whether an application lives.

use tokio::time::{Duration, Instant, Interval, MissedTickBehavior, interval_at};

/// Counts intervals in which nothing was heard. Any byte is a sign of life.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    interval: Interval,
    timeout: Duration,
    heard: bool,
    silence: Duration,
}

/// The state at the end of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pulse {
    /// Something was heard.
    Alive,
    /// Nothing was heard: ask for a sign of life.
    Quiet,
    /// Nothing was heard for too long.
    Silent,
}

/// Shorter intervals would be a flood.
const SHORTEST: Duration = Duration::from_millis(10);

impl Heartbeat {
    pub(crate) fn new(every: Duration, timeout: Duration) -> Self {
        let every = every.max(SHORTEST);
        let mut interval = interval_at(Instant::now() + every, every);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            interval,
            timeout,
            heard: true,
            silence: Duration::ZERO,
        }
    }

    pub(crate) fn heard(&mut self) {
        self.heard = true;
    }

    /// Waits for the end of the interval.
    pub(crate) async fn tick(&mut self) {
        self.interval.tick().await;
    }

    pub(crate) fn pulse(&mut self) -> Pulse {
        if std::mem::take(&mut self.heard) {
            self.silence = Duration::ZERO;
            return Pulse::Alive;
        }
        self.silence += self.interval.period();
        match self.silence >= self.timeout {
            true => Pulse::Silent,
            false => Pulse::Quiet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn asks_after_one_silent_interval_and_gives_up_after_the_timeout() {
        let mut heartbeat = Heartbeat::new(Duration::from_secs(5), Duration::from_secs(10));
        assert_eq!(heartbeat.pulse(), Pulse::Alive);
        assert_eq!(heartbeat.pulse(), Pulse::Quiet);
        heartbeat.heard();
        assert_eq!(heartbeat.pulse(), Pulse::Alive);
        assert_eq!(heartbeat.pulse(), Pulse::Quiet);
        assert_eq!(heartbeat.pulse(), Pulse::Silent);
    }
}
