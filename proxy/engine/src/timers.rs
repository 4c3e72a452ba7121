//! Timers that are due find their transaction and tell the machine concerned.

use tidegate_schemas::event::Cause;

use crate::call::is_call;
use crate::context::{CancelReason, Client, Server};
use crate::core::{CANCEL_BIT, SERVER, Step};
use crate::engine::Engine;
use crate::output::Output;
use crate::reply::LocalReply;
use crate::time::Time;
use crate::transaction::{Effects, Timer};
use crate::wheel::Entry;

impl Engine {
    pub(crate) fn fire_timers(&mut self, now: Time, out: &mut impl Output) {
        let mut due = std::mem::take(&mut self.due);
        self.core.wheel.expire(now.0, &mut due);
        for entry in due.drain(..) {
            self.fire(now, &entry, out);
        }
        self.due = due;
    }

    fn fire(&mut self, now: Time, entry: &Entry, out: &mut impl Output) {
        if is_call(entry.branch) {
            return self.core.fire_call(now, entry, out);
        }
        let current = self.contexts.get(entry.slot as usize);
        if current.is_none_or(|cx| cx.generation != entry.generation) {
            return;
        }
        self.step(now, entry.slot, out, |step| {
            let index = usize::from(entry.branch & !CANCEL_BIT);
            if entry.branch == SERVER {
                step.on_server_timer(entry.kind);
            } else if entry.branch & CANCEL_BIT != 0 {
                let timing = step.core.timing;
                step.step_cancel(index, |client| client.on_timer(entry.kind, &timing));
            } else {
                step.on_branch_timer(index, entry.kind);
            }
        });
    }
}

impl<O: Output> Step<'_, O> {
    fn on_server_timer(&mut self, timer: Timer) {
        match timer {
            Timer::Deadline => self.on_deadline(),
            Timer::Trying100 if !self.cx.is_done() => self.send_trying(),
            Timer::F => self.on_caller_about_to_give_up(),
            Timer::CancelGuard => self.forget_dropped(),
            _ => {
                let timing = self.core.timing;
                let effects = match &mut self.cx.server {
                    Server::Invite(machine) => machine.on_timer(timer, &timing),
                    Server::NonInvite(machine) => machine.on_timer(timer),
                };
                self.apply_server(&effects);
            }
        }
    }

    /// Shortly before 64*T1 a non-INVITE gets its answer, while it still is of use: afterwards
    /// nothing may be sent (RFC 4320 section 4.2). The best response that came so far, else 504.
    fn on_caller_about_to_give_up(&mut self) {
        if self.cx.is_done() {
            return;
        }
        self.give_up_consultation();
        let mut ends = self.cx.branches.iter().filter_map(|it| it.outcome.as_ref());
        if ends.any(|end| end.response.is_some()) {
            self.answer_with_best();
        } else {
            self.reply(&LocalReply::of(504, "Server Time-out"));
        }
    }

    fn on_branch_timer(&mut self, index: usize, timer: Timer) {
        if timer == Timer::FrInvite {
            return self.on_final_deadline(index);
        }
        let timing = self.core.timing;
        let Some(branch) = self.cx.branches.get_mut(index) else {
            return;
        };
        let effects = match &mut branch.client {
            Client::Invite(machine) => machine.on_timer(timer),
            Client::NonInvite(machine) => machine.on_timer(timer, &timing),
            Client::Resolving(_) | Client::Terminated => Effects::NONE,
        };
        self.apply_client(index, &effects);
        if effects.timeout {
            self.on_branch_timeout(index);
        }
    }

    fn on_branch_timeout(&mut self, index: usize) {
        if self
            .cx
            .branches
            .get(index)
            .is_none_or(|it| !it.is_pending())
        {
            return;
        }
        self.core.stats.branch_timeouts += 1;
        self.end_branch(index, 408, Cause::Timeout, None);
    }

    /// fr_timer, fr_inv_timer or Timer C (RFC 3261 section 16.8): the branch is cancelled and counts as timed
    /// out now; what it still answers is taken as it comes.
    fn on_final_deadline(&mut self, index: usize) {
        let Some(branch) = self.cx.branches.get_mut(index) else {
            return;
        };
        let Some(deadline) = branch.final_deadline.filter(|_| branch.outcome.is_none()) else {
            return;
        };
        if self.now < deadline {
            let (left, Ok(number)) = (deadline.since(self.now), u16::try_from(index)) else {
                return;
            };
            return self.arm(number, Timer::FrInvite, left);
        }
        if matches!(branch.client, Client::Resolving(_)) {
            return self.fail_branch(index);
        }
        self.cancel_branch(index, &CancelReason::None);
        self.on_branch_timeout(index);
    }

    /// A branch that was to be cancelled before anything was sent.
    pub(crate) fn give_up_branch(&mut self, index: usize) {
        if let Some(branch) = self.cx.branches.get_mut(index) {
            branch.client = Client::Terminated;
        }
        self.end_branch(index, 487, Cause::Cancelled, None);
    }
}
