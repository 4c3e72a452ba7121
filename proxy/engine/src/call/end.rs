//! How calls end: by themselves, or here.

use tidegate_schemas::call::{CallEventKind, EndCause};
use tidegate_sip::build;

use super::event::UnknownCall;
use super::record::{End, OwnKind, Side, Stage};
use super::step::CallStep;
use crate::engine::Engine;
use crate::output::Output;
use crate::time::Time;
use tidegate_schemas::ConsultationId;

/// Longest text of a Reason, in characters.
const LONGEST_REASON: usize = 128;

impl Engine {
    pub(crate) fn end_by_order(
        &mut self,
        now: Time,
        call: ConsultationId,
        detail: Option<&str>,
        out: &mut impl Output,
    ) -> Result<(), UnknownCall> {
        let name = self.core.calls.find(call).ok_or(UnknownCall)?;
        let end = End {
            cause: EndCause::Terminated,
            at: now,
            detail,
        };
        let ended = self.core.with_named_call(now, name, out, |step| {
            let lives = step.call.stage == Stage::Live;
            if lives {
                step.end_here(end);
            }
            lives
        });
        ended.filter(|lives| *lives).map(|_| ()).ok_or(UnknownCall)
    }
}

impl<O: Output> CallStep<'_, O> {
    /// Ends the whole call with BYE to both sides of every dialog.
    pub(super) fn end_here(&mut self, end: End<'_>) {
        self.core.stats.calls_ended_here += 1;
        self.give_reason(end);
        for leg in 0..self.call.legs.len() {
            if self.call.legs.get(leg).is_some_and(|dialog| !dialog.over) {
                self.hang_up(leg, &Side::BOTH);
            }
        }
        self.tell_ended(end);
    }

    /// Ends one dialog with BYE to these sides.
    pub(super) fn end_leg_here(&mut self, leg: usize, sides: &[Side], end: End<'_>) {
        self.core.stats.calls_ended_here += 1;
        self.give_reason(end);
        self.hang_up(leg, sides);
        self.end_leg(leg, end);
    }

    /// A dialog is over. With the last of them, the call is.
    pub(super) fn end_leg(&mut self, leg: usize, end: End<'_>) {
        if let Some(dialog) = self.call.legs.get_mut(leg) {
            dialog.over = true;
        }
        if self.call.legs.iter().all(|dialog| dialog.over) {
            self.tell_ended(end);
        }
    }

    /// A further branch has answered while the call is being ended.
    pub(super) fn end_latecomer(&mut self, leg: usize) {
        self.hang_up(leg, &Side::BOTH);
    }

    /// The caller has acknowledged the 2xx, or had the time to.
    pub(super) fn release_held(&mut self, leg: usize) {
        if let Some(dialog) = self.call.legs.get_mut(leg)
            && std::mem::take(&mut dialog.held)
        {
            self.send_own(leg, Side::Caller, OwnKind::Bye);
        }
    }

    /// RFC 3261 section 15: the callee's side, in whose name the caller gets its BYE, has to wait for
    /// the ACK or for 64*T1; the caller's side has not.
    fn hang_up(&mut self, leg: usize, sides: &[Side]) {
        let waits = self.acks_are_awaited();
        let Some(dialog) = self.call.legs.get_mut(leg) else {
            return;
        };
        dialog.over = true;
        let held = waits && !dialog.acked && sides.contains(&Side::Caller);
        dialog.held = held;
        // A probe is of no use any more.
        for party in &mut dialog.parties {
            party.own = None;
        }
        for side in sides {
            if *side == Side::Callee || !held {
                self.send_own(leg, *side, OwnKind::Bye);
            }
        }
        if held {
            self.watch();
        }
    }

    fn acks_are_awaited(&self) -> bool {
        let answer = self.call.answer.as_ref();
        let life = self.core.timing.life();
        answer.is_some_and(|answer| self.now.since(answer.at) < life)
    }

    fn tell_ended(&mut self, end: End<'_>) {
        if self.call.stage != Stage::Live {
            return;
        }
        self.call.stage = Stage::Ended;
        self.core.stats.calls_ended += 1;
        self.watch();
        let answered = self.call.answer.as_ref().map_or(end.at, |it| it.at);
        if !self.call.kinds.contains(CallEventKind::Ended) {
            return;
        }
        let mut event = self.call.event(CallEventKind::Ended, self.now);
        event.duration_ms = Some(end.at.since(answered).into());
        event.cause = Some(end.cause);
        event.detail = end.detail;
        self.out.call(&event);
    }

    /// RFC 3326: why our BYE comes.
    fn give_reason(&mut self, end: End<'_>) {
        let (cause, text) = match end.cause {
            EndCause::MaxDuration => (102, "Call duration limit reached"),
            EndCause::SessionExpired => (102, "Session expired"),
            EndCause::PeerGone => (41, "The other side is gone"),
            EndCause::Terminated | EndCause::CallerHungUp | EndCause::CalleeHungUp => {
                (31, end.detail.unwrap_or("Terminated"))
            }
        };
        let text: String = text.chars().take(LONGEST_REASON).collect();
        let mut reason = Vec::new();
        build::reason("Q.850", cause, &text, &mut reason);
        self.call.reason = Some(reason.into());
    }
}
