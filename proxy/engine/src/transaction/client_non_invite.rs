//! Non-INVITE client transaction. RFC 3261 17.1.2.

use super::{Effects, Timer, Timing};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientNonInvite {
    /// Nothing has come back; `interval` is what Timer E was last set to.
    Trying {
        interval: u32,
        limits: Limits,
    },
    Proceeding {
        limits: Limits,
    },
    Completed,
    Terminated,
}

/// What was left of the two limits, in milliseconds, when Timer F was last armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Until any response.
    silence: u32,
    /// Until the final response.
    total: u32,
}

impl ClientNonInvite {
    /// The request has been sent once. `fr` takes the place of the 64*T1 of Timer F until the
    /// first response; from then on it is 64*T1 from the start again.
    pub(crate) fn start(reliable: bool, t: &Timing, fr: Option<u32>) -> (Self, Effects) {
        let limits = Limits {
            silence: fr.unwrap_or_else(|| t.life()),
            total: t.life(),
        };
        let effects = if reliable {
            Effects::NONE
        } else {
            Effects::NONE.arming(Timer::E, t.t1)
        };
        let trying = Self::Trying {
            interval: t.t1,
            limits,
        };
        (trying, effects.arming(Timer::F, limits.nearest()))
    }

    pub(crate) fn on_response(&mut self, status: u16, reliable: bool, t: &Timing) -> Effects {
        match self {
            Self::Trying { limits, .. } | Self::Proceeding { limits } if status < 200 => {
                let limits = *limits;
                self.proceed(limits)
            }
            Self::Trying { .. } | Self::Proceeding { .. } => self.complete(reliable, t),
            // Repeats of the final response are absorbed. RFC 3261 17.1.2.2.
            Self::Completed | Self::Terminated => Effects::NONE,
        }
    }

    pub(crate) fn on_timer(&mut self, timer: Timer, t: &Timing) -> Effects {
        match (&mut *self, timer) {
            (Self::Trying { interval, .. }, Timer::E) => {
                *interval = t.back_off(*interval);
                repeat_after(*interval)
            }
            (Self::Proceeding { .. }, Timer::E) => repeat_after(t.t2),
            (Self::Trying { .. } | Self::Proceeding { .. }, Timer::F) => self.on_limit(),
            (Self::Completed, Timer::K) => self.finish(),
            _ => Effects::NONE,
        }
    }

    /// The request could not be sent. RFC 3261 17.1.4.
    pub(crate) fn on_transport_error(&mut self) -> Effects {
        match self {
            Self::Trying { .. } | Self::Proceeding { .. } => self.fail(),
            _ => Effects::NONE,
        }
    }

    pub(crate) fn is_terminated(&self) -> bool {
        matches!(self, Self::Terminated)
    }

    // ## (Trying | Proceeding) => Proceeding   RFC 3261 17.1.2.2
    fn proceed(&mut self, limits: Limits) -> Effects {
        *self = Self::Proceeding { limits };
        DELIVER
    }

    // ## (Trying | Proceeding) => (Completed | Terminated)   RFC 3261 17.1.2.2
    fn complete(&mut self, reliable: bool, t: &Timing) -> Effects {
        if reliable {
            *self = Self::Terminated;
            return Effects {
                terminated: true,
                ..DELIVER
            };
        }
        *self = Self::Completed;
        DELIVER.arming(Timer::K, t.t4)
    }

    // ## (Trying | Proceeding) => Terminated   RFC 3261 17.1.2.2 (Timer F)
    fn on_limit(&mut self) -> Effects {
        let rest = match self {
            Self::Trying { limits, .. } => limits.elapse().silence,
            Self::Proceeding { limits } => limits.elapse().total,
            Self::Completed | Self::Terminated => return Effects::NONE,
        };
        if rest > 0 {
            return Effects::NONE.arming(Timer::F, rest);
        }
        *self = Self::Terminated;
        Effects::TIMED_OUT
    }

    // ## (Trying | Proceeding) => Terminated   RFC 3261 17.1.4
    fn fail(&mut self) -> Effects {
        *self = Self::Terminated;
        Effects::FAILED
    }

    // ## Completed => Terminated   RFC 3261 17.1.2.2 (Timer K)
    fn finish(&mut self) -> Effects {
        *self = Self::Terminated;
        Effects::OVER
    }
}

impl Limits {
    /// What Timer F is armed with: the nearer of the limits that are not used up.
    fn nearest(self) -> u32 {
        match (self.silence, self.total) {
            (rest, 0) | (0, rest) => rest,
            (silence, total) => silence.min(total),
        }
    }

    /// Timer F fired: that much is gone from both.
    fn elapse(&mut self) -> Self {
        let passed = self.nearest();
        self.silence = self.silence.saturating_sub(passed);
        self.total = self.total.saturating_sub(passed);
        *self
    }
}

const DELIVER: Effects = Effects {
    deliver: true,
    ..Effects::NONE
};

// ## Trying => Trying, Proceeding => Proceeding   RFC 3261 17.1.2.2 (Timer E)
fn repeat_after(delay: u32) -> Effects {
    let effects = Effects {
        retransmit: true,
        ..Effects::NONE
    };
    effects.arming(Timer::E, delay)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transaction::harness::{Harness, NOTHING};

    fn start(reliable: bool, fr: Option<u32>) -> Harness<ClientNonInvite> {
        let (machine, effects) = ClientNonInvite::start(reliable, &Timing::default(), fr);
        Harness::new(machine, reliable, effects)
    }

    fn respond(h: &mut Harness<ClientNonInvite>, status: u16) -> Vec<&'static str> {
        h.step(|m, reliable, t| m.on_response(status, reliable, t))
    }

    /// RFC 3261 17.1.2.2, Timers E and F.
    #[test]
    fn a_request_repeats_up_to_t2_apart_until_64_t1() {
        let mut h = start(false, None);
        h.run(200_000);
        let expected = [
            500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
        ];
        assert_eq!(h.times("retransmit"), expected);
        assert_eq!(h.times("timeout"), [32_000]);
        assert_eq!(h.times("terminated"), [32_000]);
        assert!(h.machine.is_terminated());
    }

    #[test]
    fn a_request_over_a_reliable_transport_is_sent_once_and_times_out() {
        let mut h = start(true, None);
        h.run(200_000);
        assert!(h.times("retransmit").is_empty());
        assert_eq!(h.times("timeout"), [32_000]);
    }

    /// RFC 3261 17.1.2.2: in Proceeding Timer E is T2 flat, Timer F runs on.
    #[test]
    fn a_provisional_response_slows_repeats_to_t2() {
        let mut h = start(false, None);
        h.run(700);
        assert_eq!(respond(&mut h, 100), ["deliver"]);
        assert!(matches!(h.machine, ClientNonInvite::Proceeding { .. }));
        h.run(200_000);
        let expected = [
            500, 1500, 5500, 9500, 13_500, 17_500, 21_500, 25_500, 29_500,
        ];
        assert_eq!(h.times("retransmit"), expected);
        assert_eq!(h.times("timeout"), [32_000]);
    }

    /// RFC 3261 17.1.2.2: Timer K.
    #[test]
    fn repeats_of_the_final_response_are_absorbed_for_t4() {
        let mut h = start(false, None);
        h.run(700);
        assert_eq!(respond(&mut h, 200), ["deliver"]);
        assert_eq!(h.machine, ClientNonInvite::Completed);
        h.run(3000);
        assert_eq!(respond(&mut h, 200), NOTHING);
        assert_eq!(respond(&mut h, 100), NOTHING);
        h.run(200_000);
        assert_eq!(h.times("retransmit"), [500]);
        assert_eq!(h.times("terminated"), [5700]);
        assert!(h.times("timeout").is_empty());
        assert!(h.machine.is_terminated());
    }

    /// RFC 3261 17.1.2.2: Timer K is zero on a reliable transport.
    #[test]
    fn a_final_over_a_reliable_transport_ends_the_transaction() {
        for ringing in [false, true] {
            let mut h = start(true, None);
            if ringing {
                assert_eq!(respond(&mut h, 100), ["deliver"]);
            }
            assert_eq!(respond(&mut h, 404), ["deliver", "terminated"]);
            assert!(h.machine.is_terminated());
            assert_eq!(respond(&mut h, 404), NOTHING);
        }
    }

    #[test]
    fn a_target_with_its_own_limit_times_out_by_it() {
        let mut h = start(false, Some(2000));
        h.run(200_000);
        assert_eq!(h.times("retransmit"), [500, 1500]);
        assert_eq!(h.times("timeout"), [2000]);
    }

    #[test]
    fn once_answered_the_limit_is_64_t1_from_the_start_again() {
        let mut h = start(false, Some(2000));
        h.run(1900);
        respond(&mut h, 100);
        h.run(31_999);
        assert!(h.times("timeout").is_empty());
        h.run(200_000);
        assert_eq!(h.times("timeout"), [32_000]);
    }

    #[test]
    fn a_longer_limit_counts_for_silence_only() {
        let mut silent = start(true, Some(40_000));
        silent.run(200_000);
        assert_eq!(silent.times("timeout"), [40_000]);

        let mut answered = start(true, Some(40_000));
        answered.run(10_000);
        respond(&mut answered, 100);
        answered.run(200_000);
        assert_eq!(answered.times("timeout"), [32_000]);

        let mut late = start(true, Some(40_000));
        late.run(35_000);
        respond(&mut late, 100);
        late.run(200_000);
        assert_eq!(late.times("timeout"), [40_000]);
    }

    /// RFC 3261 17.1.4.
    #[test]
    fn a_request_that_cannot_be_sent_has_failed() {
        for ringing in [false, true] {
            let mut h = start(false, None);
            if ringing {
                respond(&mut h, 100);
            }
            let seen = h.step(|m, _, _| m.on_transport_error());
            assert_eq!(seen, ["failed", "terminated"]);
            h.run(200_000);
            assert!(h.times("timeout").is_empty());
        }
    }

    #[test]
    fn transport_errors_after_the_final_mean_nothing() {
        let mut h = start(false, None);
        respond(&mut h, 200);
        assert_eq!(h.step(|m, _, _| m.on_transport_error()), NOTHING);
        assert_eq!(h.machine, ClientNonInvite::Completed);
    }
}
