//! Our own requests on their way: client transactions (RFC 3261 section 17.1.2) without a server
//! side. Their responses end here.

use tidegate_sip::{Method, View, check_response};

use super::record::{OwnKind, OwnRequest, Side};
use super::request;
use super::step::{CallStep, own_number, own_place};
use crate::branch::BranchHandle;
use crate::engine::Engine;
use crate::output::Output;
use crate::time::Time;
use crate::transaction::{ClientNonInvite, Effects, Timer};

/// How our request came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Answered(u16),
    TimedOut,
    Undelivered,
}

impl Engine {
    /// A response to a request that was made here.
    pub(crate) fn on_own_response(
        &mut self,
        now: Time,
        handle: &BranchHandle,
        view: View<'_>,
        out: &mut impl Output,
    ) {
        let step = |step: &mut CallStep<'_, _>| step.on_response(handle, view);
        if handle.shard != self.core.shard
            || self.core.with_call(now, handle.slot, out, step) != Some(true)
        {
            self.core.stats.responses_stray += 1;
        }
    }

    /// A request that was made here could not be delivered.
    pub(crate) fn on_own_undelivered(
        &mut self,
        now: Time,
        handle: &BranchHandle,
        out: &mut impl Output,
    ) {
        if handle.shard == self.core.shard {
            self.core.with_call(now, handle.slot, out, |step| {
                step.run(handle.branch, handle.generation, |client| {
                    client.on_transport_error()
                });
            });
        }
    }
}

impl<O: Output> CallStep<'_, O> {
    /// Sends a request to this side of a dialog. One that runs already is given up for it.
    pub(super) fn send_own(&mut self, leg: usize, side: Side, kind: OwnKind) {
        let Some(dialog) = self.call.legs.get(leg) else {
            return;
        };
        let branch = own_number(leg, side as usize);
        let handle = BranchHandle {
            shard: self.core.shard,
            slot: self.call.slot,
            generation: self.core.next_generation(),
            branch,
        };
        let hop = request::hop(self.core, self.call, dialog, side);
        let cseq = next_cseq(dialog.party(side).cseq, kind);
        let sent = request::write(
            self.core,
            self.call,
            dialog,
            (side, &hop),
            (kind, cseq),
            &handle,
        );
        let reliable = hop.transport.is_reliable();
        let (client, effects) = ClientNonInvite::start(reliable, &self.core.timing, None);
        self.out.send(&hop, sent.clone());
        if let Some(dialog) = self.call.legs.get_mut(leg) {
            let party = dialog.party_mut(side);
            if kind == OwnKind::Bye {
                party.cseq = Some(cseq);
            }
            party.own = Some(Box::new(OwnRequest {
                generation: handle.generation,
                kind,
                client,
                hop,
                sent,
            }));
        }
        self.arm_all(branch, handle.generation, &effects);
    }

    /// Whether it was for a request that runs.
    fn on_response(&mut self, handle: &BranchHandle, view: View<'_>) -> bool {
        let Some(own) = self.own(handle.branch, handle.generation) else {
            return false;
        };
        let method = match own.kind {
            OwnKind::Bye => Method::Bye,
            OwnKind::Probe => Method::Options,
        };
        let hop = own.hop;
        let fits = view
            .cseq()
            .is_ok_and(|cseq| Method::from_bytes(cseq.method) == method)
            && view
                .top_via()
                .is_ok_and(|via| via.sent_by == self.core.sent_by(hop.listener).as_bytes())
            && check_response(view).is_ok();
        if fits {
            self.core.stats.responses += 1;
            let (status, timing) = (view.status(), self.core.timing);
            let reliable = hop.transport.is_reliable();
            if status < 200 {
                self.run(handle.branch, handle.generation, |client| {
                    client.on_response(status, reliable, &timing)
                });
            } else {
                self.finish(handle.branch, Outcome::Answered(status));
            }
        }
        fits
    }

    /// A timer of one of our requests.
    pub(super) fn on_own_timer(&mut self, branch: u16, generation: u32, timer: Timer) {
        let timing = self.core.timing;
        self.run(branch, generation, |client| client.on_timer(timer, &timing));
    }

    fn run(
        &mut self,
        branch: u16,
        generation: u32,
        step: impl FnOnce(&mut ClientNonInvite) -> Effects,
    ) {
        let Some(own) = self.own(branch, generation) else {
            return;
        };
        let effects = step(&mut own.client);
        let (hop, sent) = (own.hop, own.sent.clone());
        if effects.retransmit {
            self.core.stats.retransmissions += 1;
            self.out.send(&hop, sent);
        }
        self.arm_all(branch, generation, &effects);
        if effects.timeout {
            self.finish(branch, Outcome::TimedOut);
        } else if effects.failed {
            self.finish(branch, Outcome::Undelivered);
        }
    }

    fn own(&mut self, branch: u16, generation: u32) -> Option<&mut OwnRequest> {
        let (leg, side) = own_place(branch);
        let party = self.call.legs.get_mut(leg)?.parties.get_mut(side)?;
        let own = party.own.as_deref_mut()?;
        (own.generation == generation).then_some(own)
    }

    fn finish(&mut self, branch: u16, outcome: Outcome) {
        let (leg, side) = own_place(branch);
        let party = self.call.legs.get_mut(leg);
        let party = party.and_then(|dialog| dialog.parties.get_mut(side));
        let Some(own) = party.and_then(|party| party.own.take()) else {
            return;
        };
        let side = match side {
            0 => Side::Caller,
            _ => Side::Callee,
        };
        match own.kind {
            // Whatever comes back, the dialog is over (RFC 3261 section 15.1.1).
            OwnKind::Bye => {}
            OwnKind::Probe => self.on_probed(leg, side, outcome),
        }
    }
}

/// A BYE has the next number (RFC 3261 section 12.2.1.1). A probe has the last one again: it is not
/// lower than what its receiver expects (section 12.2.2), and takes none from the side in whose name
/// it is sent.
fn next_cseq(last: Option<u32>, kind: OwnKind) -> u32 {
    match kind {
        OwnKind::Bye => last.map_or(1, |last| last.saturating_add(1)),
        OwnKind::Probe => last.unwrap_or(0),
    }
}
