//! CANCEL: the caller's (RFC 3261 sections 9.2 and 16.10) and ours (section 9.1).

use bytes::Bytes;
use tidegate_sip::{Name, Via, build};

use crate::context::{Cancel, CancelReason, CancelTransaction, Client, Phase};
use crate::core::{CANCEL_BIT, Step};
use crate::engine::Engine;
use crate::output::{Forget, Output};
use crate::reply::LocalReply;
use crate::request::Arrival;
use crate::time::Time;
use crate::transaction::{ClientNonInvite, Effects, Timer};

/// RFC 3326: why a branch is cancelled when another one answered.
const COMPLETED_ELSEWHERE: &[u8] = b"SIP;cause=200;text=\"Call completed elsewhere\"";

impl Engine {
    /// Answers at once, before any branch is heard of, and cancels what is pending. A CANCEL that
    /// matches nothing is forwarded where its Route set or Request-URI leads elsewhere; one for this
    /// proxy gets 481.
    pub(crate) fn on_cancel(
        &mut self,
        now: Time,
        arrival: &Arrival<'_>,
        via: &Via<'_>,
        out: &mut impl Output,
    ) {
        let Some(slot) = self.find(self.core.cancelled_key_of(arrival.view, via)) else {
            if !self.forward_statelessly(arrival, out) {
                let reply = LocalReply::of(481, "Call/Transaction Does Not Exist");
                self.answer_statelessly(arrival, &reply, out);
            }
            return;
        };
        self.core.stats.cancels += 1;
        self.answer_statelessly(arrival, &LocalReply::of(200, "OK"), out);
        let reason = reason_of(arrival);
        self.step(now, slot, out, |step| step.on_caller_cancel(reason));
    }
}

/// The caller's Reason values, as one list.
fn reason_of(arrival: &Arrival<'_>) -> Option<Box<[u8]>> {
    let values: Vec<&[u8]> = arrival
        .view
        .fields(Name::Reason)
        .map(|field| field.value)
        .collect();
    (!values.is_empty()).then(|| values.join(&b", "[..]).into_boxed_slice())
}

impl<O: Output> Step<'_, O> {
    fn on_caller_cancel(&mut self, reason: Option<Box<[u8]>>) {
        if !self.cx.is_invite() || self.cx.is_done() || self.cx.cancelled.is_some() {
            return;
        }
        self.cx.cancelled = Some(reason.clone());
        match &mut self.cx.phase {
            Phase::Suspended(_) => {
                self.core.stats.consultations_cancelled += 1;
                self.withdraw_consultation(Forget::Cancelled);
                self.reply(&LocalReply::of(487, "Request Terminated"));
            }
            Phase::Forwarding(forwarding) => {
                forwarding.halted = true;
                self.cancel_pending(&CancelReason::Upstream(reason));
                self.drive();
            }
            Phase::Done => {}
        }
    }

    /// RFC 3261 section 16.7 step 10.
    pub(crate) fn cancel_pending(&mut self, reason: &CancelReason) {
        for index in 0..self.cx.branches.len() {
            self.cancel_branch(index, reason);
        }
    }

    /// Cancels a branch that has no final response: now when a provisional one has come, else with
    /// the first one (section 9.1). Only INVITE can be cancelled.
    pub(crate) fn cancel_branch(&mut self, index: usize, reason: &CancelReason) {
        let Some(branch) = self.cx.branches.get_mut(index) else {
            return;
        };
        if !matches!(branch.cancel, Cancel::None) {
            return;
        }
        match &branch.client {
            Client::Invite(machine) if machine.is_proceeding() => self.send_cancel(index, reason),
            Client::Invite(machine) if !machine.has_final() && !machine.is_terminated() => {
                branch.cancel = Cancel::Wanted(reason.clone());
            }
            Client::Resolving(_) => self.give_up_branch(index),
            Client::Invite(_) | Client::NonInvite(_) | Client::Terminated => {}
        }
    }

    /// The first provisional response came for a branch that was to be cancelled.
    pub(crate) fn send_wanted_cancel(&mut self, index: usize) {
        let Some(branch) = self.cx.branches.get_mut(index) else {
            return;
        };
        if let Cancel::Wanted(reason) = &branch.cancel {
            let reason = reason.clone();
            self.send_cancel(index, &reason);
        }
    }

    fn send_cancel(&mut self, index: usize, reason: &CancelReason) {
        let Some(branch) = self.cx.branches.get_mut(index) else {
            return;
        };
        let limits = tidegate_sip::Limits::default();
        if self.core.head.parse(&branch.sent, &limits).is_err() {
            return;
        }
        let value = match reason {
            CancelReason::Upstream(value) => value.as_deref(),
            CancelReason::CompletedElsewhere => Some(COMPLETED_ELSEWHERE),
            CancelReason::None => None,
        };
        let header = value.map(|value| (&b"Reason"[..], value));
        self.core.buffer.clear();
        let view = self.core.head.view(&branch.sent);
        build::cancel(view, header.as_slice(), &mut self.core.buffer);
        let sent = Bytes::copy_from_slice(&self.core.buffer);
        let reliable = branch.hop.transport.is_reliable();
        let (client, effects) = ClientNonInvite::start(reliable, &self.core.timing, None);
        self.out.send(&branch.hop, sent.clone());
        branch.cancel = Cancel::Sent(Box::new(CancelTransaction { client, sent }));
        let Ok(number) = u16::try_from(index) else {
            return;
        };
        self.arm_all(number | CANCEL_BIT, &effects);
        // Section 9.1: without a final response in 64*T1 the request counts as cancelled.
        self.arm(number, Timer::CancelGuard, self.core.timing.life());
    }

    /// A response to our CANCEL, or one of its timers.
    pub(crate) fn step_cancel(
        &mut self,
        index: usize,
        step: impl FnOnce(&mut ClientNonInvite) -> Effects,
    ) {
        let Some(branch) = self.cx.branches.get_mut(index) else {
            return;
        };
        let Cancel::Sent(cancel) = &mut branch.cancel else {
            return;
        };
        let effects = step(&mut cancel.client);
        if effects.retransmit {
            self.core.stats.retransmissions += 1;
            self.out.send(&branch.hop, cancel.sent.clone());
        }
        if let Ok(number) = u16::try_from(index) {
            self.arm_all(number | CANCEL_BIT, &effects);
        }
    }
}
