//! Drives a plan: starts what it names, tells it how branches ended, and concludes when nothing is
//! left (RFC 3261 section 16.7 steps 4 to 6).

use tidegate_schemas::event::Cause;
use tidegate_sip::Message;

use crate::context::{AttemptRecord, BranchEnd, CancelReason, Forwarding, Phase};
use crate::core::Step;
use crate::output::Output;
use crate::plan::{BranchOutcome, Plan, Progress, TargetId};
use crate::reply::LocalReply;

/// Branches of one transaction, over all rounds.
pub(super) const MAX_BRANCHES: usize = 256;

/// Contacts of one 3xx that an application gets to see.
const MAX_CONTACTS: usize = 64;

impl Forwarding {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            plan,
            waiting: Vec::new(),
            halted: false,
            driving: false,
            progress: Progress::Running,
        }
    }

    pub(crate) fn start(&mut self) {
        self.progress = self.plan.start(&mut self.waiting);
    }
}

impl<O: Output> Step<'_, O> {
    /// Starts what waits, as far as the breadth goes, and concludes when nothing runs any more.
    pub(crate) fn drive(&mut self) {
        if self.set_driving(true) {
            return;
        }
        while let Some((target, breadth)) = self.next_target() {
            self.launch(target, breadth);
        }
        self.set_driving(false);
        self.settle();
    }

    /// The value before.
    fn set_driving(&mut self, driving: bool) -> bool {
        match &mut self.cx.phase {
            Phase::Forwarding(forwarding) => std::mem::replace(&mut forwarding.driving, driving),
            Phase::Suspended(_) | Phase::Done => false,
        }
    }

    /// The next target with its share of the breadth (RFC 5393 section 5.3.3): what running branches
    /// leave, divided among those that wait.
    fn next_target(&mut self) -> Option<(TargetId, u32)> {
        let used: u32 = self
            .cx
            .pending_branches()
            .map(|branch| branch.breadth)
            .sum();
        let available = self.cx.request.as_ref()?.breadth.saturating_sub(used);
        let Phase::Forwarding(forwarding) = &mut self.cx.phase else {
            return None;
        };
        if forwarding.halted || self.cx.branches.len() >= MAX_BRANCHES {
            forwarding.waiting.clear();
        }
        let waiting = u32::try_from(forwarding.waiting.len()).unwrap_or(u32::MAX);
        if waiting == 0 || available == 0 {
            return None;
        }
        let target = forwarding.waiting.remove(0);
        Some((target, (available / waiting).max(1)))
    }

    /// Nothing runs and nothing waits: the caller gets its answer, or the plan its sequel.
    fn settle(&mut self) {
        if self.cx.pending_branches().next().is_some() {
            return;
        }
        let Phase::Forwarding(forwarding) = &mut self.cx.phase else {
            return;
        };
        if self.cx.cancelled.is_some() {
            return self.answer_cancelled();
        }
        if !forwarding.waiting.is_empty() {
            return self.reply(&LocalReply::of(440, "Max-Breadth Exceeded"));
        }
        if let (Progress::Asks(reason), false) = (forwarding.progress, forwarding.halted) {
            return self.consult(reason);
        }
        let goes_on = forwarding.progress == Progress::Exhausted && !forwarding.halted;
        match forwarding.plan.on_exhausted.take().filter(|_| goes_on) {
            Some(next) => self.execute(*next),
            None => self.answer_with_best(),
        }
    }

    /// A branch has come to its end without a 2xx.
    pub(crate) fn end_branch(
        &mut self,
        index: usize,
        status: u16,
        cause: Cause,
        response: Option<Message>,
    ) {
        let Some(branch) = self.cx.branches.get_mut(index) else {
            return;
        };
        if branch.outcome.is_some() {
            return;
        }
        let target = branch.target;
        let more = is_out_of_service(status, cause, branch.has_responded);
        let alternates = std::mem::take(&mut branch.alternates);
        branch.outcome = Some(BranchEnd {
            status,
            cause,
            response: response.map(Box::new),
            followed: false,
        });
        self.record_attempt(index);
        let Phase::Forwarding(forwarding) = &mut self.cx.phase else {
            return;
        };
        if more && !alternates.is_empty() && !forwarding.halted {
            return self.launch_alternate(index, target, &alternates);
        }
        let outcome = match cause {
            Cause::Timeout => BranchOutcome::Timeout,
            Cause::Transport => BranchOutcome::Transport,
            Cause::Cancelled | Cause::Response => BranchOutcome::Status(status),
        };
        let progress = forwarding
            .plan
            .finished(target, outcome, &mut forwarding.waiting);
        forwarding.progress = progress;
        if progress == Progress::Stopped && !std::mem::replace(&mut forwarding.halted, true) {
            self.cancel_pending(&CancelReason::None);
        }
        self.drive();
    }

    /// Keeps what an application that is asked again wants to know.
    fn record_attempt(&mut self, index: usize) {
        let (Some(branch), Some(request)) =
            (self.cx.branches.get(index), self.cx.request.as_deref_mut())
        else {
            return;
        };
        let (Phase::Forwarding(forwarding), Some(end)) = (&self.cx.phase, &branch.outcome) else {
            return;
        };
        if !forwarding.plan.may_ask {
            return;
        }
        let target = forwarding.plan.target(branch.target);
        let uri = target.uri.as_deref();
        let reason = end
            .response
            .as_ref()
            .map(|response| response.view().reason());
        request.attempts.push(AttemptRecord {
            target: uri
                .unwrap_or_else(|| request.route.request_uri(request.message.view()))
                .into(),
            code: end.status,
            reason: reason.unwrap_or_else(|| made_here(end.cause)).into(),
            cause: end.cause,
            time_ms: self.now.since(branch.started),
            branch_flags: target.branch_flags,
            contacts: end.response.as_deref().map_or_else(Vec::new, contacts),
        });
    }
}

/// The Contacts of a 3xx.
fn contacts(response: &Message) -> Vec<(Box<[u8]>, Option<u16>)> {
    let view = response.view();
    if view.status() / 100 != 3 {
        return Vec::new();
    }
    let contacts = view.contacts().filter_map(Result::ok).take(MAX_CONTACTS);
    contacts.map(|it| (it.uri.into(), it.q())).collect()
}

/// Whether another address of the same next hop may do better (RFC 3263 section 4.3).
fn is_out_of_service(status: u16, cause: Cause, has_responded: bool) -> bool {
    match cause {
        Cause::Transport => true,
        Cause::Timeout => !has_responded,
        Cause::Response => status == 503,
        Cause::Cancelled => false,
    }
}

fn made_here(cause: Cause) -> &'static [u8] {
    match cause {
        Cause::Cancelled => b"Request Terminated",
        Cause::Response => b"",
        Cause::Timeout => b"Request Timeout",
        Cause::Transport => b"Service Unavailable",
    }
}
