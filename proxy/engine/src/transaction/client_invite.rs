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
            Self::Calling { .. } | Self::Proceeding => self.first_final(status, reliable, t),
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

    /// A CANCEL went out: without a final response the transaction ends after 64*T1.
    /// RFC 3261 9.1.
    pub(crate) fn on_cancel_sent(&self, t: &Timing) -> Effects {
        match self {
            Self::Calling { .. } | Self::Proceeding => {
                Effects::NONE.arming(Timer::CancelGuard, t.life())
            }
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
    fn first_final(&mut self, status: u16, reliable: bool, t: &Timing) -> Effects {
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
        Effects {
            timeout: true,
            terminated: true,
            ..Effects::NONE
        }
    }

    // ## Calling => Terminated   RFC 3261 17.1.4
    fn fail(&mut self) -> Effects {
        *self = Self::Terminated { answered: false };
        Effects {
            failed: true,
            terminated: true,
            ..Effects::NONE
        }
    }

    // ## (Accepted | Completed) => Terminated   RFC 3261 17.1.1.2 (Timer D), RFC 6026 7.2 (Timer M)
    fn finish(&mut self) -> Effects {
        *self = Self::Terminated { answered: true };
        Effects {
            terminated: true,
            ..Effects::NONE
        }
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
