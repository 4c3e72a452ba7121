//! The four transaction machines of RFC 3261 section 17 as amended by RFC 6026.
//!
//! A machine holds its state and nothing else: no bytes, no clock. It is told what happened and
//! answers with [`Effects`], which its owner carries out. Timers are never taken back: one that
//! fires in a state where it means nothing changes nothing.

mod client_invite;
mod client_non_invite;
mod server_invite;
mod server_non_invite;

pub(crate) use client_invite::ClientInvite;
pub(crate) use client_non_invite::ClientNonInvite;
pub(crate) use server_invite::ServerInvite;
pub(crate) use server_non_invite::ServerNonInvite;

/// The base intervals, in milliseconds. RFC 3261 17.1.1.1, 17.1.2.1, Table 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timing {
    /// Estimate of the round trip time.
    pub(crate) t1: u32,
    /// Longest interval between repeats of non-INVITE requests and of INVITE responses.
    pub(crate) t2: u32,
    /// Longest time a message stays in the network.
    pub(crate) t4: u32,
}

/// Everything that can be armed for a transaction or one of its branches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Timer {
    /// Repeats of an INVITE request.
    A,
    /// INVITE without any response.
    B,
    /// Repeats of a non-2xx final that still have to be acknowledged.
    D,
    /// Repeats of a non-INVITE request.
    E,
    /// Non-INVITE without a final response.
    F,
    /// Repeats of a non-2xx final response to an INVITE.
    G,
    /// Final response without an ACK.
    H,
    /// Repeats of the ACK.
    I,
    /// Repeats of a non-INVITE request that still have to be answered.
    J,
    /// Repeats of the final response to a non-INVITE request.
    K,
    /// INVITE server transaction after a 2xx. RFC 6026 7.1.
    L,
    /// INVITE client transaction after a 2xx. RFC 6026 7.2.
    M,
    /// 100 to a non-INVITE request whose answer takes long; belongs to the proxy core.
    /// RFC 4320 4.1.
    Trying100,
    /// INVITE without a final response: Timer C (RFC 3261 16.6(11)) or the target's own limit in
    /// its place; belongs to the proxy core.
    FrInvite,
    /// Cancelled INVITE without a final response. RFC 3261 9.1.
    CancelGuard,
    /// Consultation of the routing application; belongs to the proxy core.
    Deadline,
    /// What a call waits for; belongs to the proxy core.
    Call,
}

/// What the owner has to do after a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Effects {
    /// Send the stored request, or the last response, once more.
    pub(crate) retransmit: bool,
    /// Server: the response just offered goes out; without it, it has to be dropped.
    pub(crate) send: bool,
    /// Client INVITE: build and send the ACK for this non-2xx.
    pub(crate) ack: bool,
    /// Pass the message up to the proxy core.
    pub(crate) deliver: bool,
    /// Tell the core that nothing came: no response (a 408), or no ACK at a server transaction.
    pub(crate) timeout: bool,
    /// Tell the core that the request could not be sent (a 503). RFC 3261 16.9.
    pub(crate) failed: bool,
    /// The transaction is over.
    pub(crate) terminated: bool,
    /// Timers to arm.
    pub(crate) arm: ArmList,
}

/// Up to two timers with their delays in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ArmList([Option<(Timer, u32)>; 2]);

impl Default for Timing {
    fn default() -> Self {
        Self {
            t1: 500,
            t2: 4000,
            t4: 5000,
        }
    }
}

impl Timing {
    /// 64*T1, the life of a transaction that gets no answer.
    pub(crate) fn life(&self) -> u32 {
        self.t1.saturating_mul(64)
    }

    /// Timer D is at least 32 seconds, however short T1 is. RFC 3261 17.1.1.2.
    fn absorb_finals(&self) -> u32 {
        self.life().max(32_000)
    }

    /// How long Timer E takes to be reset to T2: when a non-INVITE without an answer gets its 100.
    /// RFC 4320 4.1.
    pub(crate) fn until_trying(&self) -> u32 {
        let mut interval = self.t1.max(1);
        let mut elapsed: u32 = 0;
        while interval < self.t2 {
            elapsed = elapsed.saturating_add(interval);
            interval = interval.saturating_mul(2);
        }
        elapsed
    }

    /// The interval after `interval` in the series of Timers E and G.
    fn back_off(&self, interval: u32) -> u32 {
        interval.saturating_mul(2).min(self.t2)
    }
}

impl Effects {
    pub(crate) const NONE: Self = Self {
        retransmit: false,
        send: false,
        ack: false,
        deliver: false,
        timeout: false,
        failed: false,
        terminated: false,
        arm: ArmList([None; 2]),
    };

    /// The transaction is over.
    const OVER: Self = Self {
        terminated: true,
        ..Self::NONE
    };

    /// It is over since nothing came.
    const TIMED_OUT: Self = Self {
        timeout: true,
        ..Self::OVER
    };

    /// It is over since the request could not be sent.
    const FAILED: Self = Self {
        failed: true,
        ..Self::OVER
    };

    fn arming(mut self, timer: Timer, delay: u32) -> Self {
        self.arm.push(timer, delay);
        self
    }
}

impl ArmList {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Timer, u32)> {
        self.0.iter().flatten()
    }

    fn push(&mut self, timer: Timer, delay: u32) {
        let free = self.0.iter_mut().find(|place| place.is_none());
        debug_assert!(free.is_some(), "a step arms two timers at most");
        if let Some(place) = free {
            *place = Some((timer, delay));
        }
    }
}

#[cfg(test)]
mod harness {
    //! Virtual time around one machine. As in the engine, an armed timer always fires, wanted or
    //! not.

    use super::*;

    pub(super) trait Machine {
        fn fire(&mut self, timer: Timer, t: &Timing) -> Effects;
    }

    pub(super) struct Harness<M> {
        pub(super) machine: M,
        pub(super) t: Timing,
        pub(super) reliable: bool,
        now: u32,
        armed: Vec<(u32, Timer)>,
        seen: Vec<(u32, &'static str)>,
    }

    impl Machine for ClientInvite {
        fn fire(&mut self, timer: Timer, _: &Timing) -> Effects {
            self.on_timer(timer)
        }
    }

    impl Machine for ClientNonInvite {
        fn fire(&mut self, timer: Timer, t: &Timing) -> Effects {
            self.on_timer(timer, t)
        }
    }

    impl Machine for ServerInvite {
        fn fire(&mut self, timer: Timer, t: &Timing) -> Effects {
            self.on_timer(timer, t)
        }
    }

    impl Machine for ServerNonInvite {
        fn fire(&mut self, timer: Timer, _: &Timing) -> Effects {
            self.on_timer(timer)
        }
    }

    impl<M: Machine> Harness<M> {
        pub(super) fn new(machine: M, reliable: bool, effects: Effects) -> Self {
            let mut harness = Self {
                machine,
                t: Timing::default(),
                reliable,
                now: 0,
                armed: Vec::new(),
                seen: Vec::new(),
            };
            harness.apply(effects);
            harness
        }

        /// Something happens to the machine at the present moment.
        pub(super) fn step(
            &mut self,
            f: impl FnOnce(&mut M, bool, &Timing) -> Effects,
        ) -> Vec<&'static str> {
            let effects = f(&mut self.machine, self.reliable, &self.t);
            self.apply(effects);
            names(&effects)
        }

        /// Lets time pass, and timers fire, up to and including `until`.
        pub(super) fn run(&mut self, until: u32) {
            while let Some(next) = self.next_armed().filter(|&i| self.armed[i].0 <= until) {
                let (due, timer) = self.armed.remove(next);
                self.now = due;
                let effects = self.machine.fire(timer, &self.t);
                self.apply(effects);
            }
            self.now = until;
        }

        /// When something was to be done.
        pub(super) fn times(&self, what: &str) -> Vec<u32> {
            let of_that = self.seen.iter().filter(|(_, seen)| *seen == what);
            of_that.map(|&(at, _)| at).collect()
        }

        fn next_armed(&self) -> Option<usize> {
            (0..self.armed.len()).min_by_key(|&i| self.armed[i].0)
        }

        fn apply(&mut self, effects: Effects) {
            let now = self.now;
            self.seen
                .extend(names(&effects).into_iter().map(|name| (now, name)));
            let arm = effects
                .arm
                .iter()
                .map(|&(timer, delay)| (now + delay, timer));
            self.armed.extend(arm);
        }
    }

    pub(super) const NOTHING: [&str; 0] = [];

    fn names(effects: &Effects) -> Vec<&'static str> {
        let all = [
            (effects.retransmit, "retransmit"),
            (effects.send, "send"),
            (effects.ack, "ack"),
            (effects.deliver, "deliver"),
            (effects.timeout, "timeout"),
            (effects.failed, "failed"),
            (effects.terminated, "terminated"),
        ];
        all.into_iter()
            .filter(|(set, _)| *set)
            .map(|(_, name)| name)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3261 Table 4.
    #[test]
    fn default_intervals_are_those_of_the_rfc() {
        let t = Timing::default();
        assert_eq!((t.t1, t.t2, t.t4, t.life()), (500, 4000, 5000, 32_000));
    }

    /// RFC 4320 4.1: 0.5 + 1 + 2 seconds pass before Timer E is set to T2.
    #[test]
    fn a_slow_non_invite_gets_its_100_when_timer_e_reaches_t2() {
        assert_eq!(Timing::default().until_trying(), 3500);
        let coarse = Timing {
            t1: 3000,
            ..Timing::default()
        };
        assert_eq!(coarse.until_trying(), 3000);
        let odd = Timing {
            t1: 0,
            t2: u32::MAX,
            t4: 0,
        };
        assert_eq!(odd.until_trying(), u32::MAX);
    }

    /// RFC 3261 17.1.1.2: Timer D is at least 32 seconds.
    #[test]
    fn finals_are_absorbed_for_32_seconds_however_short_t1_is() {
        let fast = Timing {
            t1: 10,
            ..Timing::default()
        };
        assert_eq!(fast.absorb_finals(), 32_000);
        let slow = Timing {
            t1: 1000,
            ..Timing::default()
        };
        assert_eq!(slow.absorb_finals(), 64_000);
    }

    #[test]
    fn machines_and_effects_stay_small() {
        assert!(size_of::<ClientInvite>() <= 8);
        assert!(size_of::<ClientNonInvite>() <= 16);
        assert!(size_of::<ServerInvite>() <= 8);
        assert!(size_of::<ServerNonInvite>() <= 2);
        assert!(size_of::<Effects>() <= 32);
    }
}
