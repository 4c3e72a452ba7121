//! How long to wait before the next attempt to connect.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// Waits that double up to a bound, each shortened at random, so that many applications that lost
/// one proxy do not come back in step.
#[derive(Debug)]
pub(crate) struct Backoff {
    step: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { step: FIRST }
    }

    /// The connection was of use: the next loss begins anew.
    pub(crate) fn reset(&mut self) {
        self.step = FIRST;
    }

    pub(crate) fn next(&mut self) -> Duration {
        let wait = self.step.mul_f64(fastrand::f64().mul_add(0.5, 0.5));
        self.step = LONGEST.min(self.step * 2);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_begin_anew_after_success() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..20).map(|_| backoff.next()).collect();
        assert!(
            waits
                .iter()
                .all(|wait| (FIRST / 2..=LONGEST).contains(wait)),
            "{waits:?}"
        );
        assert!(
            waits.iter().skip(10).all(|wait| *wait >= LONGEST / 2),
            "{waits:?}"
        );
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}
