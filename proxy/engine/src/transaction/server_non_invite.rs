//! Non-INVITE server transaction. RFC 3261 17.2.2, RFC 4320 4.1.

use super::{Effects, Timer, Timing};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerNonInvite {
    Trying,
    Proceeding,
    Completed,
    Terminated,
}

impl ServerNonInvite {
    /// The request has come; the owner arms [`Timer::Trying100`] unless it answers at once.
    pub(crate) fn start() -> Self {
        Self::Trying
    }

    /// A retransmission of the request. Never passed up.
    pub(crate) fn on_request_again(&self) -> Effects {
        match self {
            Self::Proceeding | Self::Completed => Effects {
                retransmit: true,
                ..Effects::NONE
            },
            Self::Trying | Self::Terminated => Effects::NONE,
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
            Self::Completed | Self::Terminated => Effects::NONE,
        }
    }

    /// The core has a final response; it goes out if `send` is set.
    pub(crate) fn send_final(&mut self, reliable: bool, t: &Timing) -> Effects {
        match self {
            Self::Trying | Self::Proceeding => self.complete(reliable, t),
            Self::Completed | Self::Terminated => Effects::NONE,
        }
    }

    pub(crate) fn on_timer(&mut self, timer: Timer) -> Effects {
        match (&self, timer) {
            (Self::Trying, Timer::Trying100) => self.answer_with_100(),
            (Self::Completed, Timer::J) => self.finish(),
            _ => Effects::NONE,
        }
    }

    /// No final response has been sent.
    pub(crate) fn is_proceeding(&self) -> bool {
        matches!(self, Self::Trying | Self::Proceeding)
    }

    pub(crate) fn is_terminated(&self) -> bool {
        matches!(self, Self::Terminated)
    }

    // ## Trying => Proceeding   RFC 4320 4.1
    fn answer_with_100(&mut self) -> Effects {
        *self = Self::Proceeding;
        Effects {
            trying: true,
            ..Effects::NONE
        }
    }

    // ## (Trying | Proceeding) => (Completed | Terminated)   RFC 3261 17.2.2
    fn complete(&mut self, reliable: bool, t: &Timing) -> Effects {
        if reliable {
            *self = Self::Terminated;
            return Effects {
                terminated: true,
                ..SEND
            };
        }
        *self = Self::Completed;
        SEND.arming(Timer::J, t.life())
    }

    // ## Completed => Terminated   RFC 3261 17.2.2 (Timer J)
    fn finish(&mut self) -> Effects {
        *self = Self::Terminated;
        Effects {
            terminated: true,
            ..Effects::NONE
        }
    }
}

const SEND: Effects = Effects {
    send: true,
    ..Effects::NONE
};
