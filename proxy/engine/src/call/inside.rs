//! Requests inside of the dialog of a call: what they tell about it.

use tidegate_schemas::call::EndCause;
use tidegate_schemas::event::Cause;
use tidegate_sip::{Method, View};

use super::record::{End, Side};
use super::request;
use super::table::{Inside, Link};
use crate::address::Hop;
use crate::core::Step;
use crate::engine::Engine;
use crate::output::Output;
use crate::time::Time;

impl Engine {
    /// An ACK that goes on to the callee.
    pub(crate) fn on_call_ack(&mut self, now: Time, view: View<'_>, out: &mut impl Output) {
        if self.core.calls.is_empty() {
            return;
        }
        let Some(inside) = self.core.calls.hear(now, view, None) else {
            return;
        };
        for slot in self.core.calls.of(inside.key) {
            self.core.with_call(now, slot, out, |step| {
                let legs = step.call.legs.iter_mut();
                let found = legs.enumerate().find(|(_, leg)| leg.tag == inside.tag);
                if let Some((number, leg)) = found
                    && inside.from == Side::Caller
                {
                    leg.acked = true;
                    step.release_held(number);
                }
            });
        }
    }
}

impl<O: Output> Step<'_, O> {
    /// A request inside of a dialog has arrived.
    pub(crate) fn hear_inside(&mut self, view: View<'_>) {
        if self.core.calls.is_empty() {
            return;
        }
        let hop: Hop = self.cx.upstream;
        if let Some(inside) = self.core.calls.hear(self.now, view, Some(&hop)) {
            self.cx.call = Link::Inside(Box::new(inside));
        }
    }

    /// A 2xx to a request inside of a dialog is about to be passed on. That of a target refresh
    /// moves both remote targets (RFC 3261 section 12.2, RFC 3311 section 5) and begins the session
    /// anew (RFC 4028 section 8.2).
    pub(crate) fn on_refreshed(&mut self, index: usize, view: View<'_>) {
        let Link::Inside(inside) = &self.cx.call else {
            return;
        };
        if !matches!(self.cx.method, Method::Invite | Method::Update) {
            return;
        }
        let Inside { key, tag, from } = **inside;
        let request = self.cx.request.as_ref();
        let asked = request.and_then(|request| request::target(request.message.view()));
        let targets = [asked, request::target(view)];
        let hop = self.cx.branches.get(index).map(|branch| branch.hop);
        for slot in self.core.calls.of(key) {
            let targets = targets.clone();
            self.core.with_call(self.now, slot, self.out, |step| {
                let mut legs = step.call.legs.iter_mut().enumerate();
                let Some((number, leg)) = legs.find(|(_, leg)| leg.tag == tag) else {
                    return;
                };
                for (side, target) in [from, from.other()].into_iter().zip(targets) {
                    if let Some(target) = target {
                        leg.party_mut(side).target = target;
                    }
                }
                if let Some(hop) = hop {
                    leg.party_mut(from.other()).hop = hop;
                }
                step.refresh(number, view);
            });
        }
    }

    /// A transaction has its final response, or will have none.
    pub(crate) fn tell_call(&mut self, status: Option<u16>) {
        match &self.cx.call {
            Link::None => {}
            Link::Began(name) => {
                let name = *name;
                if status.is_none_or(|status| status >= 300) {
                    self.on_call_failed(name, status);
                }
            }
            Link::Inside(inside) => {
                let inside = **inside;
                if let Some(cause) = self.ends_dialog(status, inside.from) {
                    self.end_dialog(inside, cause);
                }
            }
        }
    }

    /// A BYE ends it once it is answered 2xx, 481 or 408, or not at all (RFC 3261 sections 15.1.1 and
    /// 12.2.1.2); a challenge or another refusal leaves it. So do 481 and 408 to a re-INVITE or an
    /// UPDATE (RFC 5057 section 5.1).
    fn ends_dialog(&self, status: Option<u16>, from: Side) -> Option<EndCause> {
        let is_lost = matches!(status, Some(408 | 481));
        match self.cx.method {
            Method::Bye => {
                let ends = matches!(status, None | Some(200..=299)) || is_lost;
                let hung_up = match from {
                    Side::Caller => EndCause::CallerHungUp,
                    Side::Callee => EndCause::CalleeHungUp,
                };
                (ends || self.is_unanswered()).then_some(hung_up)
            }
            Method::Invite | Method::Update => is_lost.then_some(EndCause::PeerGone),
            _ => None,
        }
    }

    /// Whether nobody has answered the request.
    fn is_unanswered(&self) -> bool {
        let mut ends = self.cx.branches.iter().map(|branch| &branch.outcome);
        !self.cx.branches.is_empty()
            && ends.all(|end| {
                let cause = end.as_ref().map(|end| end.cause);
                matches!(cause, None | Some(Cause::Timeout | Cause::Transport))
            })
    }

    /// What the peers end has lasted until they said so.
    fn end_dialog(&mut self, inside: Inside, cause: EndCause) {
        let at = match cause {
            EndCause::PeerGone => self.now,
            _ => self.cx.began,
        };
        let end = End {
            cause,
            at,
            detail: None,
        };
        for slot in self.core.calls.of(inside.key) {
            self.core.with_call(self.now, slot, self.out, |step| {
                step.end_by_peers(inside.tag, end);
            });
        }
    }
}
