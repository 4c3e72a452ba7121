//! What is done with a decision.

use std::borrow::Cow;

use tidegate_schemas::event::AskReason;

use crate::context::{Forwarding, Phase, Server};
use crate::core::{SERVER, Step};
use crate::output::Output;
use crate::plan::{Decision, Labels, Plan, RedirectPlan, ReplyPlan};
use crate::reply::LocalReply;
use crate::transaction::Timer;

/// How a request is called in logs that its Route set or Request-URI routes.
const STRAIGHT: &str = "route set";

impl<O: Output> Step<'_, O> {
    /// Executes the decision of `tier`.
    pub(crate) fn decide(&mut self, decision: Decision, tier: &str) {
        self.set_tier(tier);
        self.execute(decision);
    }

    /// The Route set or the Request-URI says where it goes (RFC 3261 section 16.5).
    pub(crate) fn go_straight(&mut self) {
        self.set_tier(STRAIGHT);
        self.forward(Plan::straight());
    }

    pub(crate) fn execute(&mut self, decision: Decision) {
        match decision {
            Decision::Route(plan) => self.forward(plan),
            Decision::Reply(mut reply) => {
                self.label(std::mem::take(&mut reply.labels));
                self.reply(&local_reply(reply));
            }
            Decision::Redirect(mut redirect) => {
                self.label(std::mem::take(&mut redirect.labels));
                self.reply(&moved(redirect));
            }
            Decision::Ask { context } => {
                if let (Some(context), Some(request)) = (context, &mut self.cx.request) {
                    request.context = Some(context);
                }
                self.consult(AskReason::Exhausted);
            }
            Decision::Drop => self.drop_silently(),
        }
    }

    pub(crate) fn set_tier(&mut self, tier: &str) {
        if let Some(request) = &mut self.cx.request
            && *request.tier != *tier
        {
            request.tier = tier.into();
        }
    }

    /// What a later document does not say stays as an earlier one said it.
    fn label(&mut self, labels: Labels) {
        if let Some(request) = &mut self.cx.request {
            let Labels { tags, notify } = labels;
            request.labels.tags = tags.or_else(|| request.labels.tags.take());
            request.labels.notify = notify.or(request.labels.notify);
        }
    }

    fn forward(&mut self, mut plan: Plan) {
        self.label(std::mem::take(&mut plan.labels));
        if let Some(limit) = plan.max_call_ms
            && !self.follow_to_limit(limit)
        {
            return self.reply(&LocalReply::unavailable(self.core.config.retry_after_s));
        }
        if let (Some(context), Some(request)) = (&plan.context, &mut self.cx.request) {
            request.context = Some(context.clone());
        }
        let mut forwarding = Box::new(Forwarding::new(plan));
        forwarding.start();
        self.cx.phase = Phase::Forwarding(forwarding);
        self.drive();
    }

    /// Repeats are absorbed for as long as the caller may send them.
    fn drop_silently(&mut self) {
        self.conclude(None);
        self.cx.last_response = None;
        self.arm(SERVER, Timer::CancelGuard, self.core.timing.life());
    }

    /// The end of [`Step::drop_silently`].
    pub(crate) fn forget_dropped(&mut self) {
        if self.cx.is_done() {
            match &mut self.cx.server {
                Server::Invite(machine) => machine.terminate(),
                Server::NonInvite(machine) => machine.terminate(),
            }
        }
    }
}

fn local_reply(plan: ReplyPlan) -> LocalReply {
    LocalReply {
        status: plan.code,
        reason: plan
            .reason
            .map_or(Cow::Borrowed(""), |reason| Cow::Owned(reason.into())),
        headers: plan
            .headers
            .into_iter()
            .map(|(name, value)| (Cow::Owned(name.into()), String::from(value).into_bytes()))
            .collect(),
        body: plan.body.into(),
        content_type: plan
            .content_type
            .map(|text| String::from(text).into_bytes()),
    }
}

fn moved(plan: RedirectPlan) -> LocalReply {
    LocalReply::of(302, "Moved Temporarily").with_header("Contact", plan.contact.into())
}
