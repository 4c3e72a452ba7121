//! INVITE server transaction. RFC 3261 17.2.1, RFC 6026 7.1.

use super::{Effects, Timer, Timing};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerInvite {
    /// `answered` tells whether a provisional response has been sent that can be repeated.
    Proceeding {
        answered: bool,
    },
    Accepted,
    /// A non-2xx final was sent; `interval` is what Timer G was last set to.
    Completed {
        interval: u32,
    },
    Confirmed,
    Terminated,
}

impl ServerInvite {
    /// The INVITE has come; the owner answers it with a 100 unless it knows better at once.
    pub(crate) fn start() -> Self {
        Self::Proceeding { answered: false }
    }

    /// A retransmission of the INVITE. Never a new response, never passed up.
    pub(crate) fn on_request_again(&self) -> Effects {
        match self {
            Self::Proceeding { answered: true } | Self::Completed { .. } => RETRANSMIT,
            // RFC 6026 7.1: absorbed, the 2xx is repeated by its author.
            Self::Accepted => Effects::NONE,
            Self::Proceeding { answered: false } | Self::Confirmed | Self::Terminated => {
                Effects::NONE
            }
        }
    }

    /// An ACK that matches this transaction; `deliver` asks to pass it on.
    pub(crate) fn on_ack(&mut self, reliable: bool, t: &Timing) -> Effects {
        match self {
            Self::Completed { .. } if reliable => self.finish(),
            Self::Completed { .. } => self.confirm(t),
            // RFC 6026 7.1: the ACK to a 2xx is not for this transaction.
            Self::Accepted => Effects {
                deliver: true,
                ..Effects::NONE
            },
            Self::Proceeding { .. } | Self::Confirmed | Self::Terminated => Effects::NONE,
        }
    }

    /// The core has a provisional response; it goes out if `send` is set.
    // ## Proceeding => Proceeding   RFC 3261 17.2.1
    pub(crate) fn send_provisional(&mut self) -> Effects {
        match self {
            Self::Proceeding { answered } => {
                *answered = true;
                SEND
            }
            _ => Effects::NONE,
        }
    }

    /// The core has a final response; it goes out if `send` is set.
    pub(crate) fn send_final(&mut self, status: u16, reliable: bool, t: &Timing) -> Effects {
        match (&self, status) {
            (Self::Proceeding { .. }, 200..=299) => self.accept(t),
            (Self::Proceeding { .. }, _) => self.complete(reliable, t),
            // ## Accepted => Accepted   RFC 6026 7.1
            (Self::Accepted, 200..=299) => SEND,
            _ => Effects::NONE,
        }
    }

    pub(crate) fn on_timer(&mut self, timer: Timer, t: &Timing) -> Effects {
        match (&mut *self, timer) {
            (Self::Completed { interval }, Timer::G) => repeat(interval, t),
            (Self::Completed { .. }, Timer::H) => self.give_up(),
            (Self::Confirmed, Timer::I) | (Self::Accepted, Timer::L) => self.finish(),
            _ => Effects::NONE,
        }
    }

    /// The core gives the request up without a final response.
    pub(crate) fn terminate(&mut self) {
        *self = Self::Terminated;
    }

    /// A 2xx has been sent and further ones still pass.
    pub(crate) fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted)
    }

    pub(crate) fn is_terminated(&self) -> bool {
        matches!(self, Self::Terminated)
    }

    // ## Proceeding => Accepted   RFC 6026 7.1
    fn accept(&mut self, t: &Timing) -> Effects {
        *self = Self::Accepted;
        SEND.arming(Timer::L, t.life())
    }

    // ## Proceeding => Completed   RFC 3261 17.2.1
    fn complete(&mut self, reliable: bool, t: &Timing) -> Effects {
        *self = Self::Completed { interval: t.t1 };
        let effects = if reliable {
            SEND
        } else {
            SEND.arming(Timer::G, t.t1)
        };
        effects.arming(Timer::H, t.life())
    }

    // ## Completed => Confirmed   RFC 3261 17.2.1
    fn confirm(&mut self, t: &Timing) -> Effects {
        *self = Self::Confirmed;
        Effects::NONE.arming(Timer::I, t.t4)
    }

    // ## Completed => Terminated   RFC 3261 17.2.1 (Timer H)
    fn give_up(&mut self) -> Effects {
        *self = Self::Terminated;
        Effects::TIMED_OUT
    }

    // ## (Completed | Confirmed | Accepted) => Terminated   RFC 3261 17.2.1 (Timer I), RFC 6026 7.1
    fn finish(&mut self) -> Effects {
        *self = Self::Terminated;
        Effects::OVER
    }
}

const SEND: Effects = Effects {
    send: true,
    ..Effects::NONE
};

const RETRANSMIT: Effects = Effects {
    retransmit: true,
    ..Effects::NONE
};

// ## Completed => Completed   RFC 3261 17.2.1 (Timer G)
fn repeat(interval: &mut u32, t: &Timing) -> Effects {
    *interval = t.back_off(*interval);
    RETRANSMIT.arming(Timer::G, *interval)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transaction::harness::{Harness, NOTHING};

    type Seen = Vec<&'static str>;

    fn start(reliable: bool) -> Harness<ServerInvite> {
        Harness::new(ServerInvite::start(), reliable, Effects::NONE)
    }

    fn again(h: &mut Harness<ServerInvite>) -> Seen {
        h.step(|m, _, _| m.on_request_again())
    }

    fn ring(h: &mut Harness<ServerInvite>) -> Seen {
        h.step(|m, _, _| m.send_provisional())
    }

    fn answer(h: &mut Harness<ServerInvite>, status: u16) -> Seen {
        h.step(|m, reliable, t| m.send_final(status, reliable, t))
    }

    fn ack(h: &mut Harness<ServerInvite>) -> Seen {
        h.step(|m, reliable, t| m.on_ack(reliable, t))
    }

    /// RFC 3261 17.2.1.
    #[test]
    fn repeats_get_the_last_provisional_once_there_is_one() {
        let mut h = start(false);
        assert_eq!(again(&mut h), NOTHING);
        assert_eq!(ring(&mut h), ["send"]);
        assert_eq!(again(&mut h), ["retransmit"]);
        assert_eq!(ring(&mut h), ["send"]);
        assert_eq!(again(&mut h), ["retransmit"]);
        assert_eq!(ack(&mut h), NOTHING);
        h.run(1_000_000);
        assert_eq!(h.machine, ServerInvite::Proceeding { answered: true });
    }

    /// RFC 3261 17.2.1, Timers G and H.
    #[test]
    fn a_486_repeats_up_to_t2_apart_until_64_t1() {
        let mut h = start(false);
        ring(&mut h);
        assert_eq!(answer(&mut h, 486), ["send"]);
        h.run(200_000);
        let expected = [
            500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
        ];
        assert_eq!(h.times("retransmit"), expected);
        assert_eq!(h.times("timeout"), [32_000]);
        assert!(h.machine.is_terminated());
    }

    /// RFC 3261 17.2.1, Timer I.
    #[test]
    fn a_486_repeats_until_its_ack_and_then_absorbs() {
        let mut h = start(false);
        answer(&mut h, 486);
        h.run(2000);
        assert_eq!(ack(&mut h), NOTHING);
        assert_eq!(h.machine, ServerInvite::Confirmed);
        assert_eq!(ack(&mut h), NOTHING);
        assert_eq!(again(&mut h), NOTHING);
        h.run(200_000);
        assert_eq!(h.times("retransmit"), [500, 1500]);
        assert_eq!(h.times("terminated"), [7000]);
        assert!(h.times("timeout").is_empty());
    }

    /// RFC 3261 17.2.1.
    #[test]
    fn repeats_of_the_request_get_the_final_at_once() {
        let mut h = start(false);
        ring(&mut h);
        answer(&mut h, 503);
        assert_eq!(again(&mut h), ["retransmit"]);
        assert_eq!(again(&mut h), ["retransmit"]);
    }

    /// RFC 3261 17.2.1: no Timer G, Timer H all the same, Timer I is zero.
    #[test]
    fn a_final_over_a_reliable_transport_is_sent_once() {
        let mut silent = start(true);
        answer(&mut silent, 486);
        silent.run(200_000);
        assert!(silent.times("retransmit").is_empty());
        assert_eq!(silent.times("timeout"), [32_000]);

        let mut acknowledged = start(true);
        answer(&mut acknowledged, 486);
        acknowledged.run(100);
        assert_eq!(ack(&mut acknowledged), ["terminated"]);
        acknowledged.run(200_000);
        assert!(acknowledged.times("timeout").is_empty());
    }

    /// RFC 3261 17.2.1: other responses are discarded in Completed.
    #[test]
    fn nothing_follows_a_failure() {
        for confirmed in [false, true] {
            let mut h = start(false);
            answer(&mut h, 486);
            if confirmed {
                ack(&mut h);
            }
            let before = h.machine;
            assert_eq!(ring(&mut h), NOTHING);
            assert_eq!(answer(&mut h, 503), NOTHING);
            assert_eq!(answer(&mut h, 200), NOTHING);
            assert_eq!(h.machine, before);
        }
    }

    /// RFC 6026 7.1: Timer L, with both kinds of transport.
    #[test]
    fn accepted_absorbs_requests_and_passes_2xx_and_ack_for_64_t1() {
        for reliable in [false, true] {
            let mut h = start(reliable);
            ring(&mut h);
            assert_eq!(answer(&mut h, 200), ["send"]);
            assert!(h.machine.is_accepted());
            for at in [500, 1500, 31_999] {
                h.run(at);
                assert_eq!(again(&mut h), NOTHING);
                assert_eq!(answer(&mut h, 200), ["send"]);
                assert_eq!(ack(&mut h), ["deliver"]);
            }
            assert_eq!(ring(&mut h), NOTHING);
            assert_eq!(answer(&mut h, 487), NOTHING);
            h.run(200_000);
            assert_eq!(h.times("terminated"), [32_000]);
            assert!(h.times("timeout").is_empty() && h.times("retransmit").is_empty());
        }
    }

    #[test]
    fn nothing_happens_in_terminated() {
        let mut h = start(true);
        ring(&mut h);
        h.machine.terminate();
        let before = h.times("terminated");
        assert_eq!(again(&mut h), NOTHING);
        assert_eq!(ack(&mut h), NOTHING);
        assert_eq!(ring(&mut h), NOTHING);
        assert_eq!(answer(&mut h, 200), NOTHING);
        assert_eq!(h.times("terminated"), before);
    }
}
