//! Whether an application is left out.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::policy::Eject;

/// Failures in a row, and what came of them. Times are milliseconds on the registry's clock.
///
/// While all is well, a question costs one load here and an answer another one.
#[derive(Debug, Default)]
pub(crate) struct Health {
    failures: AtomicU32,
    /// The end of the pause; 0 while it is asked like the others.
    out_until: AtomicU64,
    /// The pause that it had last.
    pause: AtomicU64,
    /// Somebody's question tries whether it is well again.
    probing: AtomicBool,
    /// It was left out for its slowness, beyond this many microseconds.
    too_slow: AtomicU64,
}

/// Where an application stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is asked like the others.
    In,
    /// It is left out.
    Out,
    /// It is left out, but one question may try it.
    Due,
}

impl Health {
    pub(crate) fn standing(&self, clock: u64) -> Standing {
        match self.out_until.load(Ordering::Relaxed) {
            0 => Standing::In,
            until if until > clock || self.probing.load(Ordering::Relaxed) => Standing::Out,
            _ => Standing::Due,
        }
    }

    /// Milliseconds until it is tried again; nothing while it is asked like the others.
    pub(crate) fn out_for(&self, clock: u64) -> Option<u64> {
        let until = self.out_until.load(Ordering::Relaxed);
        (until != 0).then(|| until.saturating_sub(clock))
    }

    /// Claims the one question that tries it.
    pub(crate) fn begin_probe(&self) -> bool {
        !self.probing.swap(true, Ordering::Relaxed)
    }

    /// The question that tried it came to nothing that tells anything.
    pub(crate) fn abandon_probe(&self) {
        self.probing.store(false, Ordering::Relaxed);
    }

    /// It answered a question that it got like the others.
    pub(crate) fn succeeded(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// It answered a question that it got while it was left out. Whether it is back.
    pub(crate) fn recovered(&self, took: Duration, clock: u64, eject: &Eject) -> bool {
        let too_slow = self.too_slow.load(Ordering::Relaxed);
        if too_slow != 0 && took.as_micros() > u128::from(too_slow) {
            self.leave_out(clock, eject);
            return false;
        }
        self.failures.store(0, Ordering::Relaxed);
        self.pause.store(0, Ordering::Relaxed);
        self.too_slow.store(0, Ordering::Relaxed);
        self.out_until.store(0, Ordering::Relaxed);
        self.abandon_probe();
        true
    }

    /// It failed. Whether it is left out for that.
    pub(crate) fn failed(&self, clock: u64, eject: &Eject, probe: bool) -> bool {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        let is_out = self.out_until.load(Ordering::Relaxed) != 0;
        let leave_out = match is_out {
            true => probe,
            false => eject.failures != 0 && failures >= eject.failures,
        };
        if leave_out {
            self.leave_out(clock, eject);
        }
        leave_out
    }

    /// Its p95 is beyond what is allowed. Whether it is left out for that.
    pub(crate) fn lagged(&self, clock: u64, eject: &Eject, allowed: Duration) -> bool {
        if self.standing(clock) != Standing::In {
            return false;
        }
        let allowed = u64::try_from(allowed.as_micros()).unwrap_or(u64::MAX);
        self.too_slow.store(allowed.max(1), Ordering::Relaxed);
        self.leave_out(clock, eject);
        true
    }

    /// For twice as long as the last time, if it did not recover since.
    fn leave_out(&self, clock: u64, eject: &Eject) {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let last = self.pause.load(Ordering::Relaxed);
        let longest = millis(eject.max_pause).max(millis(eject.pause)).max(1);
        let pause = match last {
            0 => millis(eject.pause).max(1),
            last => last.saturating_mul(2).min(longest),
        };
        self.pause.store(pause, Ordering::Relaxed);
        self.out_until
            .store(clock.saturating_add(pause), Ordering::Relaxed);
        self.abandon_probe();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EJECT: Eject = Eject {
        failures: 2,
        slower_than: None,
        pause: Duration::from_millis(100),
        max_pause: Duration::from_millis(300),
    };
    const QUICK: Duration = Duration::from_millis(1);

    #[test]
    fn failures_in_a_row_leave_it_out_and_a_success_between_them_does_not() {
        let health = Health::default();
        assert!(!health.failed(1, &EJECT, false));
        health.succeeded();
        assert!(!health.failed(2, &EJECT, false));
        assert_eq!(health.standing(2), Standing::In);
        assert!(health.failed(3, &EJECT, false));
        assert_eq!(health.standing(102), Standing::Out);
        assert_eq!(health.out_for(50), Some(53));
        assert_eq!(health.standing(103), Standing::Due);
    }

    #[test]
    fn the_pause_doubles_up_to_the_longest_and_begins_anew_after_a_recovery() {
        let health = Health::default();
        let mut clock = 0;
        health.failed(clock, &EJECT, false);
        for pause in [100, 200, 300, 300] {
            assert!(health.failed(clock, &EJECT, true), "{pause}");
            assert_eq!(health.out_for(clock), Some(pause));
            clock += pause;
            assert_eq!(health.standing(clock), Standing::Due);
            assert!(health.begin_probe());
        }
        assert!(health.recovered(QUICK, clock, &EJECT));
        assert_eq!(health.standing(clock), Standing::In);
        health.failed(clock, &EJECT, false);
        health.failed(clock, &EJECT, false);
        assert_eq!(health.out_for(clock), Some(100));
    }

    #[test]
    fn one_question_tries_it_and_another_one_when_that_told_nothing() {
        let health = Health::default();
        health.failed(0, &EJECT, false);
        health.failed(0, &EJECT, false);
        assert!(health.begin_probe());
        assert!(!health.begin_probe());
        assert_eq!(health.standing(100), Standing::Out);
        health.abandon_probe();
        assert_eq!(health.standing(100), Standing::Due);
    }

    #[test]
    fn failures_of_questions_that_were_under_way_do_not_make_the_pause_longer() {
        let health = Health::default();
        health.failed(0, &EJECT, false);
        health.failed(0, &EJECT, false);
        assert!(!health.failed(90, &EJECT, false));
        assert_eq!(health.out_for(90), Some(10));
    }

    #[test]
    fn what_was_left_out_for_its_slowness_comes_back_when_it_is_quick() {
        let health = Health::default();
        let allowed = Duration::from_millis(10);
        assert!(health.lagged(0, &EJECT, allowed));
        assert!(!health.lagged(1, &EJECT, allowed));
        assert!(!health.recovered(allowed * 2, 100, &EJECT));
        assert_eq!(health.out_for(100), Some(200));
        assert!(health.recovered(allowed, 300, &EJECT));
        assert_eq!(health.out_for(300), None);
    }

    #[test]
    fn without_a_number_of_failures_it_is_never_left_out() {
        let health = Health::default();
        let never = Eject {
            failures: 0,
            ..EJECT
        };
        assert!((0..100).all(|n| !health.failed(n, &never, false)));
    }
}
