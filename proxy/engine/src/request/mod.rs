//! A request arrives (RFC 3261 section 16.3 to 16.5): refused, matched, or begun.

mod examine;
mod loops;
pub(crate) mod route_info;
pub(crate) mod session_timer;

use smallvec::SmallVec;
use tidegate_sip::build::ViaStamp;
use tidegate_sip::{Message, Method, Via, View, check_request};

use crate::address::{Hop, Source};
use crate::call::Link;
use crate::context::{Context, Phase, Request, Server};
use crate::core::{SERVER, Step};
use crate::engine::Engine;
use crate::key::TransactionKey;
use crate::output::Output;
use crate::reply::LocalReply;
use crate::rules::{Rule, Treatment};
use crate::time::Time;
use crate::transaction::{ServerInvite, ServerNonInvite, Timer};
use crate::upstream;

/// A request that can be answered, with what was read of it on the way in.
#[derive(Clone, Copy)]
pub(crate) struct Arrival<'a> {
    pub(crate) source: &'a Source,
    pub(crate) view: View<'a>,
    pub(crate) stamp: ViaStamp,
    pub(crate) upstream: Hop,
}

impl Engine {
    pub(crate) fn on_request(
        &mut self,
        now: Time,
        source: &Source,
        view: View<'_>,
        out: &mut impl Output,
    ) {
        let Some(via) = view.top_via_lenient() else {
            self.core.stats.requests_unanswerable += 1;
            return;
        };
        let stamp = ViaStamp::for_source(&via, source.addr);
        let arrival = Arrival {
            source,
            view,
            stamp,
            upstream: upstream::hop(&via, source),
        };
        if let Err(defect) = check_request(view) {
            self.core.stats.requests_malformed += 1;
            self.answer_statelessly(&arrival, &LocalReply::of(defect.status, defect.reason), out);
            return;
        }
        match view.method() {
            Method::Ack => self.on_ack(now, &arrival, &via, out),
            Method::Cancel => self.on_cancel(now, &arrival, &via, out),
            _ => self.on_other(now, &arrival, &via, out),
        }
    }

    fn on_other(&mut self, now: Time, arrival: &Arrival<'_>, via: &Via<'_>, out: &mut impl Output) {
        let key = self.core.key_of(arrival.view, via);
        if let Some(slot) = self.find(key) {
            self.core.stats.request_repeats += 1;
            self.step(now, slot, out, |step| step.on_request_again());
            return;
        }
        if self.is_too_much(arrival.view) {
            self.core.stats.requests_shed += 1;
            let reply = LocalReply::unavailable(self.core.config.retry_after_s);
            self.answer_statelessly(arrival, &reply, out);
            return;
        }
        self.begin(now, arrival, key, out);
    }

    /// A proxy that shuts down still lets established calls be ended.
    fn is_too_much(&self, view: View<'_>) -> bool {
        let is_new = view.to().is_ok_and(|to| to.tag().is_none());
        (self.draining && is_new) || self.contexts.len() >= self.core.config.max_transactions
    }

    fn begin(
        &mut self,
        now: Time,
        arrival: &Arrival<'_>,
        key: TransactionKey,
        out: &mut impl Output,
    ) {
        let Ok(slot) = u32::try_from(self.contexts.vacant_key()) else {
            return;
        };
        let method = arrival.view.method();
        let server = match method {
            Method::Invite => Server::Invite(ServerInvite::start()),
            _ => Server::NonInvite(ServerNonInvite::start()),
        };
        self.core.stats.requests += 1;
        let context = Context {
            slot,
            generation: self.core.next_generation(),
            key,
            method,
            server,
            source: *arrival.source,
            upstream: arrival.upstream,
            stamp: arrival.stamp,
            began: now,
            request: None,
            last_response: None,
            phase: Phase::Done,
            branches: SmallVec::new(),
            call: Link::None,
            cancelled: None,
        };
        self.insert(context);
        self.step(now, slot, out, |step| step.admit(arrival.view));
    }
}

/// Who decides about a new request.
enum Course {
    Ask(u16),
    /// The document of the rule with this index.
    Rule(usize),
    Straight,
}

impl<O: Output> Step<'_, O> {
    /// Validates a new request and decides who decides about it.
    fn admit(&mut self, view: View<'_>) {
        let request = match examine::examine(self.core, &self.cx.source, view) {
            Ok(admission) => admission.into_request(Message::from_view(view)),
            Err(refusal) => {
                let message = Message::from_view(view);
                self.cx.request = Some(examine::Admission::refused().into_request(message));
                return self.reply(&refusal);
            }
        };
        let treatment = self.treatment(&request);
        self.cx.request = Some(request);
        self.hear_inside(view);
        if self.cx.is_invite() {
            self.follow_if_wanted();
            self.send_trying();
        } else {
            let timing = self.core.timing;
            self.arm(SERVER, Timer::Trying100, timing.until_trying());
            self.arm(SERVER, Timer::F, timing.life().saturating_sub(timing.t1));
        }
        match treatment {
            Course::Ask(chain) => self.ask_chain(chain),
            Course::Straight => self.go_straight(),
            Course::Rule(index) => self.decide_by_rule(index),
        }
    }

    /// What the rules say, else that requests inside of dialogs go straight and all others are asked
    /// about.
    fn treatment(&self, request: &Request) -> Course {
        let in_dialog = request.route.goes_straight;
        let view = request.message.view();
        let rules = &self.core.config.rules;
        let source = self.cx.source.addr.ip().to_canonical();
        match Rule::find(
            rules,
            view,
            request.route.request_uri(view),
            source,
            in_dialog,
        ) {
            None if in_dialog => Course::Straight,
            None => Course::Ask(0),
            Some((_, Treatment::Ask(chain))) => Course::Ask(*chain),
            Some((_, Treatment::Straight)) => Course::Straight,
            Some((index, Treatment::Document(_))) => Course::Rule(index),
        }
    }

    fn ask_chain(&mut self, chain: u16) {
        if let Some(request) = &mut self.cx.request {
            request.chain = chain;
        }
        self.consult(tidegate_schemas::event::AskReason::New);
    }

    /// RFC 3261 section 17.2.1 and 17.2.2: the last response again.
    fn on_request_again(&mut self) {
        let effects = match &mut self.cx.server {
            Server::Invite(machine) => machine.on_request_again(),
            Server::NonInvite(machine) => machine.on_request_again(),
        };
        self.apply_server(&effects);
    }
}
