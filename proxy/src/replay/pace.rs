//! When a question is asked.

use std::time::Duration;

use tokio::time::Instant;

/// How fast questions are asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// As fast as answers come.
    Free,
    /// This many a second.
    Rate(f64),
    /// As they were asked then, this many times as fast.
    AsRecorded(f64),
}

/// The times of one run.
#[derive(Debug)]
pub(super) struct Clock {
    pace: Pace,
    began: Instant,
    asked: u64,
    /// When the first one was asked, in milliseconds since 1970.
    first_ms: Option<u64>,
}

impl Clock {
    pub(super) fn new(pace: Pace, began: Instant) -> Self {
        Self {
            pace,
            began,
            asked: 0,
            first_ms: None,
        }
    }

    /// When the next question is due, which was asked at `time_ms` then.
    pub(super) fn due(&mut self, time_ms: u64) -> Instant {
        let first_ms = *self.first_ms.get_or_insert(time_ms);
        let number = self.asked;
        self.asked += 1;
        let after = match self.pace {
            Pace::Free => 0.0,
            #[expect(clippy::cast_precision_loss, reason = "a time, not a count")]
            Pace::Rate(rate) => number as f64 / rate,
            Pace::AsRecorded(speed) => {
                let later = Duration::from_millis(time_ms.saturating_sub(first_ms));
                later.as_secs_f64() / speed
            }
        };
        let after = Duration::try_from_secs_f64(after).unwrap_or_default();
        self.began.checked_add(after).unwrap_or(self.began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(pace: Pace, times: [u64; 3]) -> [u128; 3] {
        let began = Instant::now();
        let mut clock = Clock::new(pace, began);
        times.map(|time| (clock.due(time) - began).as_millis())
    }

    #[test]
    fn questions_are_due_at_their_rate_or_as_they_were_asked() {
        let times = [5000, 5400, 5100];
        assert_eq!(millis(Pace::Free, times), [0, 0, 0]);
        assert_eq!(millis(Pace::Rate(20.0), times), [0, 50, 100]);
        assert_eq!(millis(Pace::AsRecorded(1.0), times), [0, 400, 100]);
        assert_eq!(millis(Pace::AsRecorded(10.0), times), [0, 40, 10]);
    }
}
