//! INVITE client transaction. RFC 3261 17.1.1, RFC 6026 7.2.

use super::{Effects, Timer, Timing};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientInvite {
    /// Nothing has come back; `interval` is what Timer A was last set to.
    Calling {
        interval: u32,
    },
    Proceeding,
    Accepted,
    Completed,
    /// `answered` tells whether a final response had come.
    Terminated {
        answered: bool,
    },
}

impl ClientInvite {
    /// The request has been sent once. `fr` takes the place of the 64*T1 of Timer B.
    pub(crate) fn start(reliable: bool, t: &Timing, fr: Option<u32>) -> (Self, Effects) {
        let patience = fr.unwrap_or_else(|| t.life());
        let effects = if reliable {
            Effects::NONE
        } else {
            Effects::NONE.arming(Timer::A, t.t1)
        };
        let calling = Self::Calling { interval: t.t1 };
        (calling, effects.arming(Timer::B, patience))
    }

    pub(crate) fn on_response(&mut self, status: u16, reliable: bool, t: &Timing) -> Effects {
        match self {
            Self::Calling { .. } | Self::Proceeding => self.on_first_responses(status, reliable, t),
            Self::Accepted => Self::after_accept(status),
            Self::Completed => Self::after_reject(status),
            Self::Terminated { .. } => Effects::NONE,
        }
    }

    pub(crate) fn on_timer(&mut self, timer: Timer) -> Effects {
        match (&mut *self, timer) {
            (Self::Calling { interval }, Timer::A) => repeat(interval),
            (Self::Calling { .. }, Timer::B)
            | (Self::Calling { .. } | Self::Proceeding, Timer::CancelGuard) => self.give_up(),
            (Self::Accepted, Timer::M) | (Self::Completed, Timer::D) => self.finish(),
            _ => Effects::NONE,
        }
    }

    /// The request, or the ACK, could not be sent. RFC 3261 17.1.4.
    pub(crate) fn on_transport_error(&mut self) -> Effects {
        match self {
            Self::Calling { .. } => self.fail(),
            Self::Completed => self.finish(),
            _ => Effects::NONE,
        }
    }

    /// A provisional response has come and no final one: a CANCEL may be sent.
    pub(crate) fn is_proceeding(&self) -> bool {
        matches!(self, Self::Proceeding)
    }

    /// A final response has come, whether or not the transaction still lives.
    pub(crate) fn has_final(&self) -> bool {
        matches!(
            self,
            Self::Accepted | Self::Completed | Self::Terminated { answered: true }
        )
    }

    pub(crate) fn is_terminated(&self) -> bool {
        matches!(self, Self::Terminated { .. })
    }

    // ## Calling => (Proceeding | Accepted | Completed | Terminated)   RFC 3261 17.1.1.2
    // ## Proceeding => (Proceeding | Accepted | Completed | Terminated)   RFC 3261 17.1.1.2
    fn on_first_responses(&mut self, status: u16, reliable: bool, t: &Timing) -> Effects {
        match status {
            0..=199 => self.proceed(),
            200..=299 => self.accept(t),
            _ if reliable => self.complete_at_once(),
            _ => self.complete(t),
        }
    }

    fn proceed(&mut self) -> Effects {
        *self = Self::Proceeding;
        DELIVER
    }

    fn accept(&mut self, t: &Timing) -> Effects {
        *self = Self::Accepted;
        DELIVER.arming(Timer::M, t.life())
    }

    fn complete(&mut self, t: &Timing) -> Effects {
        *self = Self::Completed;
        DELIVER_AND_ACK.arming(Timer::D, t.absorb_finals())
    }

    fn complete_at_once(&mut self) -> Effects {
        *self = Self::Terminated { answered: true };
        Effects {
            terminated: true,
            ..DELIVER_AND_ACK
        }
    }

    // ## Accepted => Accepted   RFC 6026 7.2
    fn after_accept(status: u16) -> Effects {
        match status {
            200..=299 => DELIVER,
            _ => Effects::NONE,
        }
    }

    // ## Completed => Completed   RFC 3261 17.1.1.2
    fn after_reject(status: u16) -> Effects {
        Effects {
            ack: status >= 300,
            ..Effects::NONE
        }
    }

    // ## (Calling | Proceeding) => Terminated   RFC 3261 17.1.1.2 (Timer B), 9.1
    fn give_up(&mut self) -> Effects {
        *self = Self::Terminated { answered: false };
        Effects::TIMED_OUT
    }

    // ## Calling => Terminated   RFC 3261 17.1.4
    fn fail(&mut self) -> Effects {
        *self = Self::Terminated { answered: false };
        Effects::FAILED
    }

    // ## (Accepted | Completed) => Terminated   RFC 3261 17.1.1.2 (Timer D), RFC 6026 7.2 (Timer M)
    fn finish(&mut self) -> Effects {
        *self = Self::Terminated { answered: true };
        Effects::OVER
    }
}

const DELIVER: Effects = Effects {
    deliver: true,
    ..Effects::NONE
};

const DELIVER_AND_ACK: Effects = Effects {
    ack: true,
    ..DELIVER
};

// ## Calling => Calling   RFC 3261 17.1.1.2 (Timer A)
fn repeat(interval: &mut u32) -> Effects {
    *interval = interval.saturating_mul(2);
    let effects = Effects {
        retransmit: true,
        ..Effects::NONE
    };
    effects.arming(Timer::A, *interval)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transaction::harness::{Harness, NOTHING};

    fn start(reliable: bool, fr: Option<u32>) -> Harness<ClientInvite> {
        let (machine, effects) = ClientInvite::start(reliable, &Timing::default(), fr);
        Harness::new(machine, reliable, effects)
    }

    fn respond(h: &mut Harness<ClientInvite>, status: u16) -> Vec<&'static str> {
        h.step(|m, reliable, t| m.on_response(status, reliable, t))
    }

    /// What the owner arms with the CANCEL.
    fn cancel(h: &mut Harness<ClientInvite>) {
        h.step(|_, _, t| Effects::NONE.arming(Timer::CancelGuard, t.life()));
    }

    /// RFC 3261 17.1.1.2, Timers A and B.
    #[test]
    fn invite_repeats_at_doubling_intervals_until_64_t1() {
        let mut h = start(false, None);
        h.run(200_000);
        assert_eq!(
            h.times("retransmit"),
            [500, 1500, 3500, 7500, 15_500, 31_500]
        );
        assert_eq!(h.times("timeout"), [32_000]);
        assert_eq!(h.times("terminated"), [32_000]);
        assert!(!h.machine.has_final());
    }

    /// RFC 3261 17.1.1.2: no Timer A, Timer B all the same.
    #[test]
    fn invite_over_a_reliable_transport_is_sent_once_and_times_out() {
        let mut h = start(true, None);
        h.run(200_000);
        assert!(h.times("retransmit").is_empty());
        assert_eq!(h.times("timeout"), [32_000]);
    }

    #[test]
    fn a_target_with_its_own_limit_times_out_by_it() {
        let mut h = start(false, Some(2000));
        h.run(200_000);
        assert_eq!(h.times("retransmit"), [500, 1500]);
        assert_eq!(h.times("timeout"), [2000]);
    }

    #[test]
    fn a_limit_beyond_64_t1_repeats_without_a_cap() {
        let mut h = start(false, Some(100_000));
        h.run(200_000);
        assert_eq!(h.times("retransmit").last(), Some(&63_500));
        assert_eq!(h.times("timeout"), [100_000]);
    }

    /// RFC 3261 17.1.1.2: neither Timer A nor Timer B counts in Proceeding.
    #[test]
    fn a_provisional_response_stops_repeats_and_timeout() {
        let mut h = start(false, None);
        h.run(600);
        assert_eq!(respond(&mut h, 100), ["deliver"]);
        assert!(h.machine.is_proceeding());
        assert_eq!(respond(&mut h, 183), ["deliver"]);
        h.run(500_000);
        assert_eq!(h.times("retransmit"), [500]);
        assert!(h.times("timeout").is_empty());
        assert!(h.machine.is_proceeding());
    }

    /// RFC 3261 17.1.1.2, 17.1.1.3: only the first final goes up, every one is acknowledged.
    #[test]
    fn a_486_is_delivered_once_and_acknowledged_each_time() {
        let mut h = start(false, None);
        h.run(100);
        respond(&mut h, 180);
        assert_eq!(respond(&mut h, 486), ["ack", "deliver"]);
        assert!(h.machine.has_final() && !h.machine.is_proceeding());
        for at in [600, 1600, 3600] {
            h.run(at);
            assert_eq!(respond(&mut h, 486), ["ack"]);
        }
        assert_eq!(respond(&mut h, 180), NOTHING);
        assert_eq!(respond(&mut h, 200), NOTHING);
        h.run(200_000);
        assert_eq!(h.times("terminated"), [32_100]);
        assert!(h.machine.has_final() && h.machine.is_terminated());
        assert_eq!(respond(&mut h, 486), NOTHING);
    }

    #[test]
    fn every_failure_class_is_acknowledged_from_calling_and_from_proceeding() {
        for status in [300, 302, 401, 408, 487, 503, 600, 699] {
            for ringing in [false, true] {
                let mut h = start(false, None);
                if ringing {
                    respond(&mut h, 180);
                }
                assert_eq!(respond(&mut h, status), ["ack", "deliver"]);
                assert_eq!(h.machine, ClientInvite::Completed);
            }
        }
    }

    /// RFC 3261 17.1.1.2: Timer D is zero on a reliable transport.
    #[test]
    fn a_failure_over_a_reliable_transport_ends_the_transaction() {
        let mut h = start(true, None);
        respond(&mut h, 180);
        assert_eq!(respond(&mut h, 603), ["ack", "deliver", "terminated"]);
        assert!(h.machine.has_final());
        h.run(200_000);
        assert_eq!(h.times("terminated"), [0]);
    }

    /// RFC 6026 7.2: Timer M, with both kinds of transport.
    #[test]
    fn accepted_passes_every_2xx_for_64_t1() {
        for reliable in [false, true] {
            let mut h = start(reliable, None);
            assert_eq!(respond(&mut h, 200), ["deliver"]);
            for at in [500, 1500, 31_999] {
                h.run(at);
                assert_eq!(respond(&mut h, 200), ["deliver"]);
            }
            assert_eq!(respond(&mut h, 180), NOTHING);
            assert_eq!(respond(&mut h, 486), NOTHING);
            h.run(32_000);
            assert_eq!(h.times("terminated"), [32_000]);
            assert_eq!(respond(&mut h, 200), NOTHING);
            assert!(h.times("timeout").is_empty());
        }
    }

    /// RFC 3261 17.1.4.
    #[test]
    fn an_invite_that_cannot_be_sent_has_failed() {
        let mut h = start(false, None);
        let seen = h.step(|m, _, _| m.on_transport_error());
        assert_eq!(seen, ["failed", "terminated"]);
        h.run(200_000);
        assert!(h.times("timeout").is_empty() && h.times("retransmit").is_empty());
    }

    /// RFC 3261 17.1.1.2: the failure of an ACK is no failure of the branch.
    #[test]
    fn an_ack_that_cannot_be_sent_ends_the_transaction_quietly() {
        let mut h = start(false, None);
        respond(&mut h, 486);
        let seen = h.step(|m, _, _| m.on_transport_error());
        assert_eq!(seen, ["terminated"]);
        assert!(h.machine.has_final());
    }

    #[test]
    fn transport_errors_mean_nothing_while_nothing_is_sent() {
        for status in [180, 200] {
            let mut h = start(false, None);
            respond(&mut h, status);
            let before = h.machine;
            assert_eq!(h.step(|m, _, _| m.on_transport_error()), NOTHING);
            assert_eq!(h.machine, before);
        }
    }

    /// RFC 3261 9.1.
    #[test]
    fn a_cancelled_invite_without_a_final_ends_after_64_t1() {
        let mut h = start(false, None);
        respond(&mut h, 180);
        h.run(10_000);
        cancel(&mut h);
        h.run(41_999);
        assert!(h.times("timeout").is_empty());
        h.run(42_000);
        assert_eq!(h.times("timeout"), [42_000]);
        assert!(h.machine.is_terminated());
    }

    /// RFC 3261 9.1: a final response came in time.
    #[test]
    fn the_guard_of_a_cancel_does_not_end_an_answered_invite() {
        for (status, end) in [(487, 33_000), (200, 33_000)] {
            let mut h = start(false, None);
            respond(&mut h, 180);
            cancel(&mut h);
            h.run(1000);
            respond(&mut h, status);
            h.run(200_000);
            assert!(h.times("timeout").is_empty());
            assert_eq!(h.times("terminated"), [end]);
        }
        let mut h = start(false, None);
        respond(&mut h, 200);
        cancel(&mut h);
        h.run(200_000);
        assert!(h.times("timeout").is_empty());
    }
}
