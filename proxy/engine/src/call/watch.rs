//! What time does to a call: its limit, silence (RFC 3261 section 12.2.1.2 at work), and sessions
//! that nobody refreshes (RFC 4028).

use tidegate_schemas::call::EndCause;

use super::client::Outcome;
use super::record::{End, Leg, OwnKind, Side, Stage};
use super::step::{CALL, CallStep, is_call};
use crate::core::Core;
use crate::output::Output;
use crate::time::Time;
use crate::transaction::Timer;
use crate::wheel::Entry;

/// A call looks at least as often as this what it waits for, so that the timers of those that ended
/// do not pile up.
const LONGEST_NAP: u32 = 120_000;
/// Probes in a row that can't be sent, before the peer counts as gone.
const MOST_MISSES: u8 = 2;

impl Core {
    /// A timer of a call or of one of its requests.
    pub(crate) fn fire_call(&mut self, now: Time, entry: &Entry, out: &mut impl Output) {
        debug_assert!(is_call(entry.branch), "{entry:?}");
        self.with_call(now, entry.slot, out, |step| {
            if entry.branch != CALL {
                step.on_own_timer(entry.branch, entry.generation, entry.kind);
            } else if step.call.generation == entry.generation {
                step.on_wake();
            }
        });
    }
}

impl<O: Output> CallStep<'_, O> {
    /// Arms the timer for what comes next.
    pub(super) fn watch(&mut self) {
        let Some(due) = self.next_due() else { return };
        let at = due.min(self.now + LONGEST_NAP).max(self.now);
        let armed = self.call.wake.filter(|wake| *wake > self.now);
        if armed.is_none_or(|armed| at < armed) {
            self.call.wake = Some(at);
            let (generation, ms) = (self.call.generation, at.since(self.now));
            self.arm(CALL, generation, Timer::Call, ms);
        }
    }

    fn on_wake(&mut self) {
        if self.call.wake.is_some_and(|wake| wake > self.now) {
            return;
        }
        self.call.wake = None;
        self.release_all();
        if self.call.stage == Stage::Live {
            self.look();
        }
        self.watch();
    }

    fn look(&mut self) {
        if self.limit().is_some_and(|limit| limit <= self.now) {
            return self.end_here(self.end(EndCause::MaxDuration));
        }
        for leg in 0..self.call.legs.len() {
            let Some(dialog) = self.call.legs.get(leg).filter(|dialog| !dialog.over) else {
                continue;
            };
            if dialog.expires.is_some_and(|at| at <= self.now) {
                let end = self.end(EndCause::SessionExpired);
                self.end_leg_here(leg, &Side::BOTH, end);
            } else if self.probe_at(dialog).is_some_and(|at| at <= self.now) {
                self.probe(leg);
            }
        }
    }

    fn release_all(&mut self) {
        if self.hold_until().is_some_and(|until| until <= self.now) {
            for leg in 0..self.call.legs.len() {
                self.release_held(leg);
            }
        }
    }

    /// Both sides are asked whether they still know the dialog.
    fn probe(&mut self, leg: usize) {
        for side in Side::BOTH {
            self.core.stats.probes += 1;
            self.send_own(leg, side, OwnKind::Probe);
        }
    }

    /// 481 or no answer at all: the dialog is over (RFC 3261 section 12.2.1.2), and so it is where the
    /// next hop knows nobody of that name (404). Any other answer is a sign of life.
    pub(super) fn on_probed(&mut self, leg: usize, side: Side, outcome: Outcome) {
        let now = self.now;
        let Some(dialog) = self.call.legs.get_mut(leg).filter(|dialog| !dialog.over) else {
            return;
        };
        let party = dialog.party_mut(side);
        let gone = match outcome {
            Outcome::Answered(status) => matches!(status, 404 | 408 | 481),
            Outcome::TimedOut => true,
            Outcome::Undelivered => {
                party.misses += 1;
                party.misses >= MOST_MISSES
            }
        };
        if !gone {
            if outcome != Outcome::Undelivered {
                party.misses = 0;
            }
            dialog.heard = now;
            return self.watch();
        }
        self.core.stats.probes_failed += 1;
        let end = self.end(EndCause::PeerGone);
        self.end_leg_here(leg, &[side.other()], end);
    }

    fn end(&self, cause: EndCause) -> End<'static> {
        End {
            cause,
            at: self.now,
            detail: None,
        }
    }

    fn next_due(&self) -> Option<Time> {
        match self.call.stage {
            Stage::Early | Stage::Dropped => None,
            Stage::Ended => self.hold_until(),
            Stage::Live => {
                let legs = self.call.legs.iter().filter(|dialog| !dialog.over);
                let dues = legs.flat_map(|dialog| [dialog.expires, self.probe_at(dialog)]);
                dues.flatten()
                    .chain(self.limit())
                    .chain(self.hold_until())
                    .min()
            }
        }
    }

    fn limit(&self) -> Option<Time> {
        Some(self.call.answer.as_ref()?.at + self.call.max_call?)
    }

    fn hold_until(&self) -> Option<Time> {
        let held = self.call.legs.iter().any(|dialog| dialog.held);
        let answer = self.call.answer.as_ref().filter(|_| held)?;
        Some(answer.at + self.core.timing.life())
    }

    /// `None` while an answer is awaited.
    fn probe_at(&self, dialog: &Leg) -> Option<Time> {
        let silence = self.core.config.calls.probe_ms?;
        dialog.is_quiet().then(|| dialog.heard + silence)
    }
}
