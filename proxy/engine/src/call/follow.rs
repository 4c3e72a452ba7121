//! The INVITE of a call: from the question to its first final response.

use tidegate_schemas::call::CallEventKind;
use tidegate_sip::{Limits, NameAddr, View};

use super::event::CallKinds;
use super::record::{Answer, Call, End, Leg, MOST_LEGS, Party, Side, Stage, about};
use super::request;
use super::step::CallStep;
use super::table::{CallRef, Link};
use super::texts::Texts;
use crate::address::Hop;
use crate::context::sent_request_uri;
use crate::core::Step;
use crate::forward::identity_span;
use crate::output::Output;
use crate::request::session_timer;

/// What a 2xx says about the dialog that it makes.
struct NewLeg<'a> {
    view: View<'a>,
    tag: u64,
    /// The caller's target, while its INVITE is there.
    caller: Option<Box<[u8]>>,
    hops: [Hop; 2],
    /// Record-Route values that this proxy has written.
    own_routes: usize,
}

impl<O: Output> Step<'_, O> {
    /// Begins to follow the call where anybody wants to know.
    pub(crate) fn follow_if_wanted(&mut self) {
        if !self.core.calls.kinds.is_empty() {
            self.begin_call();
        }
    }

    /// Follows the call since it has to be ended at its limit. `false` when there is no room.
    pub(crate) fn follow_to_limit(&mut self, max_call_ms: u32) -> bool {
        if self.followed().is_none() {
            self.begin_call();
        }
        let Some(name) = self.followed() else {
            return false;
        };
        self.core
            .with_named_call(self.now, name, self.out, |step| {
                step.call.max_call = Some(max_call_ms);
            })
            .is_some()
    }

    /// Whether its dialog has to lead through here.
    pub(crate) fn is_followed(&self) -> bool {
        self.followed().is_some()
    }

    fn followed(&self) -> Option<CallRef> {
        match self.cx.call {
            Link::Began(name) => Some(name),
            Link::None | Link::Inside(_) => None,
        }
    }

    fn begin_call(&mut self) {
        let Some(request) = &self.cx.request else {
            return;
        };
        let view = request.message.view();
        let begins = self.cx.is_invite() && view.to().is_ok_and(|to| to.tag().is_none());
        if !begins {
            return;
        }
        let (calls, most) = (&self.core.calls, self.core.config.calls.max_calls);
        let Some(slot) = calls.next_slot().filter(|_| calls.len() < most) else {
            self.core.stats.calls_refused += 1;
            return;
        };
        let id = self.cx.call(self.core.instance, self.core.shard);
        let generation = self.core.next_generation();
        let about = describe(view);
        let tag = about.get(about::CALLER_TAG);
        let key = self.core.calls.keys.key(about.get(about::CALL_ID), tag);
        let kinds = self.core.calls.kinds;
        self.core.calls.insert(Box::new(Call {
            slot,
            generation,
            id,
            key,
            kinds,
            progressed: false,
            stage: Stage::Early,
            seq: 0,
            max_call: None,
            wake: None,
            about,
            early: Vec::new(),
            answer: None,
            legs: smallvec::SmallVec::new(),
            reason: None,
        }));
        self.cx.call = Link::Began(CallRef { slot, generation });
    }

    /// A 101 to 199 has been passed on.
    pub(crate) fn on_call_progress(&mut self, index: usize, view: View<'_>) {
        let Some(name) = self.followed() else { return };
        let known = self.core.calls.get(name);
        if known.is_none_or(|call| call.progressed) {
            return;
        }
        let outcome = self.outcome(index, view.status(), view.reason());
        let wanted = self.wanted();
        self.core.with_named_call(self.now, name, self.out, |step| {
            step.call.progressed = true;
            step.tell(CallEventKind::Progress, wanted, outcome);
        });
    }

    /// A final response other than 2xx is on its way, or none will be.
    pub(super) fn on_call_failed(&mut self, name: CallRef, status: Option<u16>) {
        self.cx.call = Link::None;
        let code = status.unwrap_or(0);
        let reason = self.cx.last_response.clone();
        let reason = reason.as_deref().filter(|_| code > 0);
        let ends = self.cx.branches.iter().rposition(|branch| {
            let end = branch.outcome.as_ref();
            end.is_some_and(|end| end.status == code)
        });
        let index = ends.unwrap_or_else(|| self.cx.branches.len().wrapping_sub(1));
        let outcome = self.outcome(index, code, reason.map_or(b"", phrase));
        let wanted = self.wanted();
        self.core.with_named_call(self.now, name, self.out, |step| {
            step.tell(CallEventKind::Failed, wanted, outcome);
            step.drop_call();
        });
    }

    /// A 2xx is about to be passed on: every one makes a dialog of its own (RFC 3261 section
    /// 13.2.2.4), the first one is the answer.
    pub(crate) fn on_call_answered(&mut self, index: usize, view: View<'_>) {
        let Some(name) = self.followed() else { return };
        let first = self.core.calls.get(name).map(|call| call.answer.is_none());
        let Some(first) = first.filter(|first| !first || self.cx.request.is_some()) else {
            return;
        };
        let outcome = first.then(|| self.outcome(index, view.status(), view.reason()));
        let wanted = self.wanted();
        let own_routes = self.own_record_routes(index, view, name);
        let request = self.cx.request.as_ref();
        let caller = request.and_then(|request| request::target(request.message.view()));
        let Some(branch) = self.cx.branches.get(index) else {
            return;
        };
        let new = NewLeg {
            view,
            tag: self.core.calls.keys.tag(tag_of(view.to().ok())),
            caller,
            hops: [self.cx.upstream, branch.hop],
            own_routes,
        };
        self.core.with_named_call(self.now, name, self.out, |step| {
            if let Some(outcome) = outcome {
                step.answered(wanted, outcome);
            }
            step.add_leg(&new);
        });
    }

    /// What the document leaves of what is wanted.
    fn wanted(&self) -> CallKinds {
        let request = self.cx.request.as_ref();
        let notify = request.and_then(|request| request.labels.notify);
        notify.unwrap_or(CallKinds::ALL)
    }

    /// What is known once there is a response, as far as a branch with this number has one.
    fn outcome(&self, index: usize, code: u16, reason: &[u8]) -> Box<Answer> {
        let request = self.cx.request.as_deref();
        let branch = self.cx.branches.get(index);
        let sent = branch.map_or(&b""[..], |branch| &branch.sent);
        let or_empty = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let tier = request.map_or("", |request| &request.tier);
        let tags = or_empty(request.and_then(|request| request.labels.tags.as_deref()));
        let context = or_empty(request.and_then(|request| request.context.as_deref()));
        Box::new(Answer {
            at: self.now,
            setup_ms: self.now.since(self.cx.began),
            code,
            branch_flags: branch.and_then(|branch| branch.branch_flags),
            texts: Texts::new([
                tier.as_bytes(),
                sent_request_uri(sent),
                reason,
                tags.as_bytes(),
                context.as_bytes(),
            ]),
        })
    }

    /// How many Record-Route values this proxy wrote into the copy that is answered; of a later 2xx,
    /// whose copy is gone, as many as stand above those of the request.
    fn own_record_routes(&mut self, index: usize, view: View<'_>, name: CallRef) -> usize {
        let calls = &self.core.calls;
        let below = calls
            .get(name)
            .map_or(0, |call| count_routes(call.about.get(about::ROUTE)));
        let sent = self.cx.branches.get(index).map(|branch| &branch.sent);
        let limits = Limits::default();
        if let Some(sent) = sent.filter(|sent| !sent.is_empty())
            && self.core.head.parse(sent, &limits).is_ok()
        {
            let all = self.core.head.view(sent).record_routes().count();
            return all.saturating_sub(below);
        }
        usize::from(view.record_routes().count() > below)
    }
}

impl<O: Output> CallStep<'_, O> {
    /// The first 2xx.
    fn answered(&mut self, wanted: CallKinds, outcome: Box<Answer>) {
        self.call.kinds = self.call.kinds.and(wanted);
        self.core.stats.calls += 1;
        self.tell(CallEventKind::Answered, CallKinds::ALL, outcome);
        if self.call.kinds.is_empty() && self.call.max_call.is_none() {
            self.drop_call();
        }
    }

    /// Lets those know who want to.
    fn tell(&mut self, kind: CallEventKind, wanted: CallKinds, outcome: Box<Answer>) {
        let wanted = self.call.kinds.and(wanted).contains(kind);
        self.call.answer = Some(outcome);
        if wanted {
            let event = self.call.event(kind, self.now);
            self.out.call(&event);
        }
        if kind == CallEventKind::Progress {
            self.call.answer = None;
        }
    }

    /// A dialog whose requests do not come by here can't be followed.
    fn add_leg(&mut self, new: &NewLeg<'_>) {
        if self.call.stage == Stage::Dropped || self.call.leg(new.tag).is_some() {
            return;
        }
        if new.own_routes == 0 || self.call.legs.len() >= MOST_LEGS {
            if self.call.legs.is_empty() {
                self.drop_call();
            }
            return;
        }
        let number = self.call.legs.len();
        let leg = self.make_leg(new);
        self.call.legs.push(leg);
        match self.call.stage {
            Stage::Ended => self.end_latecomer(number),
            Stage::Early | Stage::Live | Stage::Dropped => {
                self.call.stage = Stage::Live;
                self.watch();
            }
        }
    }

    fn make_leg(&self, new: &NewLeg<'_>) -> Box<Leg> {
        let view = new.view;
        let below = count_routes(self.call.about.get(about::ROUTE));
        let bytes = view.bytes();
        let routes: Vec<&[u8]> = view
            .record_routes()
            .filter_map(Result::ok)
            .map(|route| route.span.of(bytes))
            .collect();
        let above = routes.len().saturating_sub(below + new.own_routes);
        let route: Vec<&[u8]> = routes.into_iter().take(above).rev().collect();
        let [to_caller, to_callee] = self.call.early_cseq(new.tag);
        let invite = view.cseq().ok().map(|cseq| cseq.number);
        let [caller_hop, callee_hop] = new.hops;
        // The caller's Contact is that of the first dialog where the INVITE is gone.
        let known = self.call.legs.first();
        let known = known.map(|leg| leg.party(Side::Caller).target.clone());
        let caller = new.caller.clone().or(known);
        let party = |target: Box<[u8]>, hop, cseq| Party {
            target,
            hop,
            cseq,
            own: None,
            misses: 0,
        };
        Box::new(Leg {
            tag: new.tag,
            parties: [
                party(
                    caller.unwrap_or_else(|| request::target_at(&caller_hop)),
                    caller_hop,
                    to_caller,
                ),
                party(
                    request::target(view).unwrap_or_else(|| request::target_at(&callee_hop)),
                    callee_hop,
                    to_callee.max(invite),
                ),
            ],
            texts: Texts::new([
                tag_of(view.to().ok()),
                identity(view, view.from().ok()),
                identity(view, view.to().ok()),
                &route.join(&b", "[..]),
            ]),
            acked: false,
            held: false,
            over: false,
            heard: self.now,
            expires: session_timer::interval(view).map(|seconds| self.now + seconds),
        })
    }

    /// A final response or a refresh says when the session ends.
    pub(super) fn refresh(&mut self, leg: usize, view: View<'_>) {
        let expires = session_timer::interval(view).map(|ms| self.now + ms);
        if let Some(dialog) = self.call.legs.get_mut(leg) {
            dialog.expires = expires;
            dialog.heard = self.now;
        }
        self.watch();
    }

    /// The end of a dialog that its sides bring about.
    pub(super) fn end_by_peers(&mut self, tag: u64, end: End<'_>) {
        let legs = self.call.legs.iter();
        let found = legs
            .enumerate()
            .find(|(_, leg)| leg.tag == tag && !leg.over);
        if let Some((leg, _)) = found {
            self.end_leg(leg, end);
        }
    }
}

fn describe(view: View<'_>) -> Texts<8> {
    let uri = |party: Option<NameAddr<'_>>| party.map_or_else(Vec::new, |it| it.uri.to_vec());
    let routes: Vec<&[u8]> = view
        .record_routes()
        .filter_map(Result::ok)
        .map(|route| route.span.of(view.bytes()))
        .collect();
    let caller_tag = view.from().ok();
    let caller_tag = tag_of(caller_tag);
    Texts::new([
        view.call_id().unwrap_or_default(),
        &uri(view.from().ok()),
        &uri(view.to().ok()),
        view.request_uri(),
        identity(view, view.from().ok()),
        identity(view, view.to().ok()),
        caller_tag,
        &routes.join(&b", "[..]),
    ])
}

/// Values of a list that was written here.
fn count_routes(list: &[u8]) -> usize {
    list.iter().filter(|byte| **byte == b'<').count()
}

fn identity<'a>(view: View<'a>, party: Option<NameAddr<'a>>) -> &'a [u8] {
    party.map_or(&b""[..], |party| identity_span(&party).of(view.bytes()))
}

fn tag_of<'a>(party: Option<NameAddr<'a>>) -> &'a [u8] {
    party.and_then(|party| party.tag()).unwrap_or_default()
}

/// The reason phrase of a response that was written here.
fn phrase(sent: &[u8]) -> &[u8] {
    let line = sent.split(|byte| *byte == b'\r').next().unwrap_or_default();
    line.splitn(3, |byte| *byte == b' ')
        .nth(2)
        .unwrap_or_default()
}
