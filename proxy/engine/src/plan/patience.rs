//! How long a branch is waited for.

use super::Target;
use crate::config::Timers;

/// The times of one branch in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// Without any response, where the target or the configuration says it; else 64*T1.
    pub(crate) silence: Option<u32>,
    /// Without a final response after a provisional one: fr_inv_timer, else Timer C.
    pub(crate) ringing: u32,
}

impl Patience {
    pub(crate) fn of(target: Option<&Target>, timers: &Timers) -> Self {
        let fr = target.and_then(|target| target.fr_timer);
        let fr_inv = target.and_then(|target| target.fr_inv_timer);
        Self {
            silence: fr.or(timers.fr_timer),
            ringing: fr_inv.or(timers.fr_inv_timer).unwrap_or(timers.timer_c),
        }
    }

    /// When a branch that says nothing has failed: Timer B and Timer C bound an INVITE (RFC 3261
    /// sections 17.1.1.2 and 16.6 step 11), Timer F anything else (section 17.1.2.2).
    pub(super) fn without_response(self, timers: &Timers, is_invite: bool) -> u32 {
        let life = timers.t1.saturating_mul(64);
        let longest = if is_invite { timers.timer_c } else { life };
        self.silence.unwrap_or(life).min(longest)
    }

    /// The same after a provisional response: counted anew with each one for an INVITE (section 16.7
    /// step 2), from the beginning for anything else.
    pub(super) fn without_final(self, timers: &Timers, is_invite: bool) -> u32 {
        match is_invite {
            true => self.ringing,
            false => timers.t1.saturating_mul(64),
        }
    }
}
