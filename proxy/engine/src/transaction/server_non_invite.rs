//! Non-INVITE server transaction. RFC 3261 17.2.2, RFC 4320.

use super::{Effects, Timer, Timing};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerNonInvite {
    Trying,
    Proceeding,
    /// `silent` if the outcome was one that must not be told.
    Completed {
        silent: bool,
    },
    Terminated,
}

impl ServerNonInvite {
    /// The request has come; the owner sends a 100 after [`Timing::until_trying`] without an answer.
    pub(crate) fn start() -> Self {
        Self::Trying
    }

    /// A retransmission of the request. Never passed up.
    pub(crate) fn on_request_again(&self) -> Effects {
        match self {
            Self::Proceeding | Self::Completed { silent: false } => Effects {
                retransmit: true,
                ..Effects::NONE
            },
            Self::Trying | Self::Completed { silent: true } | Self::Terminated => Effects::NONE,
        }
    }

    /// The core has a 100; no other provisional response goes to a non-INVITE (RFC 4320 4.1). It
    /// goes out if `send` is set.
    // ## (Trying | Proceeding) => Proceeding   RFC 3261 17.2.2
    pub(crate) fn send_provisional(&mut self) -> Effects {
        match self {
            Self::Trying | Self::Proceeding => {
                *self = Self::Proceeding;
                SEND
            }
            Self::Completed { .. } | Self::Terminated => Effects::NONE,
        }
    }

    /// The core has a final response; it goes out if `send` is set. A 408 never does: it would
    /// come too late to be believed (RFC 4320 4.2).
    pub(crate) fn send_final(&mut self, status: u16, reliable: bool, t: &Timing) -> Effects {
        match self {
            Self::Trying | Self::Proceeding => self.complete(status == 408, reliable, t),
            Self::Completed { .. } | Self::Terminated => Effects::NONE,
        }
    }

    pub(crate) fn on_timer(&mut self, timer: Timer) -> Effects {
        match (&self, timer) {
            (Self::Completed { .. }, Timer::J) => self.finish(),
            _ => Effects::NONE,
        }
    }

    /// The core gives the request up without a final response.
    pub(crate) fn terminate(&mut self) {
        *self = Self::Terminated;
    }

    pub(crate) fn is_terminated(&self) -> bool {
        matches!(self, Self::Terminated)
    }

    // ## (Trying | Proceeding) => (Completed | Terminated)   RFC 3261 17.2.2
    fn complete(&mut self, silent: bool, reliable: bool, t: &Timing) -> Effects {
        let send = !silent;
        if reliable {
            *self = Self::Terminated;
            return Effects {
                send,
                terminated: true,
                ..Effects::NONE
            };
        }
        *self = Self::Completed { silent };
        let effects = Effects {
            send,
            ..Effects::NONE
        };
        effects.arming(Timer::J, t.life())
    }

    // ## Completed => Terminated   RFC 3261 17.2.2 (Timer J)
    fn finish(&mut self) -> Effects {
        *self = Self::Terminated;
        Effects::OVER
    }
}

const SEND: Effects = Effects {
    send: true,
    ..Effects::NONE
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transaction::harness::{Harness, NOTHING};

    type Seen = Vec<&'static str>;

    fn start(reliable: bool) -> Harness<ServerNonInvite> {
        Harness::new(ServerNonInvite::start(), reliable, Effects::NONE)
    }

    fn again(h: &mut Harness<ServerNonInvite>) -> Seen {
        h.step(|m, _, _| m.on_request_again())
    }

    fn answer(h: &mut Harness<ServerNonInvite>) -> Seen {
        h.step(|m, reliable, t| m.send_final(200, reliable, t))
    }

    fn time_out(h: &mut Harness<ServerNonInvite>) -> Seen {
        h.step(|m, reliable, t| m.send_final(408, reliable, t))
    }

    /// RFC 3261 17.2.2.
    #[test]
    fn repeats_are_discarded_before_any_response() {
        let mut h = start(false);
        assert_eq!(again(&mut h), NOTHING);
        assert_eq!(h.machine, ServerNonInvite::Trying);
    }

    /// RFC 3261 17.2.2.
    #[test]
    fn repeats_get_the_100_once_there_is_one() {
        let mut h = start(true);
        assert_eq!(h.step(|m, _, _| m.send_provisional()), ["send"]);
        assert_eq!(h.machine, ServerNonInvite::Proceeding);
        assert_eq!(again(&mut h), ["retransmit"]);
        assert_eq!(answer(&mut h), ["send", "terminated"]);
    }

    /// RFC 3261 17.2.2, Timer J.
    #[test]
    fn repeats_get_the_final_response_for_64_t1() {
        for slow in [0, 5000] {
            let mut h = start(false);
            h.run(slow);
            assert_eq!(answer(&mut h), ["send"]);
            assert_eq!(h.machine, ServerNonInvite::Completed { silent: false });
            h.run(slow + 31_999);
            assert_eq!(again(&mut h), ["retransmit"]);
            h.run(200_000);
            assert_eq!(h.times("terminated"), [slow + 32_000]);
            assert_eq!(again(&mut h), NOTHING);
        }
    }

    /// RFC 3261 17.2.2: Timer J is zero on a reliable transport.
    #[test]
    fn a_final_over_a_reliable_transport_ends_the_transaction() {
        let mut h = start(true);
        assert_eq!(answer(&mut h), ["send", "terminated"]);
        assert!(h.machine.is_terminated());
    }

    /// RFC 4320 4.2: no 408, and repeats are absorbed all the same.
    #[test]
    fn a_408_is_never_sent() {
        let mut h = start(false);
        h.run(4000);
        assert_eq!(time_out(&mut h), NOTHING);
        assert_eq!(again(&mut h), NOTHING);
        assert_eq!(answer(&mut h), NOTHING);
        h.run(200_000);
        assert_eq!(h.times("terminated"), [36_000]);
        assert_eq!(time_out(&mut start(true)), ["terminated"]);
    }

    #[test]
    fn a_request_that_was_given_up_gets_nothing() {
        let mut h = start(false);
        h.step(|m, _, _| m.send_provisional());
        h.machine.terminate();
        assert_eq!(again(&mut h), NOTHING);
        assert_eq!(answer(&mut h), NOTHING);
        assert!(h.machine.is_terminated());
    }

    /// RFC 3261 17.2.2: other final responses are discarded in Completed.
    #[test]
    fn nothing_follows_a_final_response() {
        for reliable in [false, true] {
            let mut h = start(reliable);
            answer(&mut h);
            let before = h.machine;
            assert_eq!(answer(&mut h), NOTHING);
            assert_eq!(h.step(|m, _, _| m.send_provisional()), NOTHING);
            assert_eq!(h.machine, before);
        }
    }
}
