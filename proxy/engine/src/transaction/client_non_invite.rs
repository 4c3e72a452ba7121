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
    /// `answered` tells whether a final response had come.
    Terminated {
        answered: bool,
    },
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
            Self::Completed | Self::Terminated { .. } => Effects::NONE,
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

    /// A provisional response has come and no final one.
    pub(crate) fn is_proceeding(&self) -> bool {
        matches!(self, Self::Proceeding { .. })
    }

    /// A final response has come, whether or not the transaction still lives.
    pub(crate) fn has_final(&self) -> bool {
        matches!(self, Self::Completed | Self::Terminated { answered: true })
    }

    pub(crate) fn is_terminated(&self) -> bool {
        matches!(self, Self::Terminated { .. })
    }

    // ## (Trying | Proceeding) => Proceeding   RFC 3261 17.1.2.2
    fn proceed(&mut self, limits: Limits) -> Effects {
        *self = Self::Proceeding { limits };
        DELIVER
    }

    // ## (Trying | Proceeding) => (Completed | Terminated)   RFC 3261 17.1.2.2
    fn complete(&mut self, reliable: bool, t: &Timing) -> Effects {
        if reliable {
            *self = Self::Terminated { answered: true };
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
            Self::Completed | Self::Terminated { .. } => return Effects::NONE,
        };
        if rest > 0 {
            return Effects::NONE.arming(Timer::F, rest);
        }
        *self = Self::Terminated { answered: false };
        Effects {
            timeout: true,
            terminated: true,
            ..Effects::NONE
        }
    }

    // ## (Trying | Proceeding) => Terminated   RFC 3261 17.1.4
    fn fail(&mut self) -> Effects {
        *self = Self::Terminated { answered: false };
        Effects {
            failed: true,
            terminated: true,
            ..Effects::NONE
        }
    }

    // ## Completed => Terminated   RFC 3261 17.1.2.2 (Timer K)
    fn finish(&mut self) -> Effects {
        *self = Self::Terminated { answered: true };
        Effects {
            terminated: true,
            ..Effects::NONE
        }
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
