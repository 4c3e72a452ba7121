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

    /// No final response has been sent.
    pub(crate) fn is_proceeding(&self) -> bool {
        matches!(self, Self::Proceeding { .. })
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
        Effects {
            timeout: true,
            terminated: true,
            ..Effects::NONE
        }
    }

    // ## (Completed | Confirmed | Accepted) => Terminated   RFC 3261 17.2.1 (Timer I), RFC 6026 7.1
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

const RETRANSMIT: Effects = Effects {
    retransmit: true,
    ..Effects::NONE
};

// ## Completed => Completed   RFC 3261 17.2.1 (Timer G)
fn repeat(interval: &mut u32, t: &Timing) -> Effects {
    *interval = t.back_off(*interval);
    RETRANSMIT.arming(Timer::G, *interval)
}
