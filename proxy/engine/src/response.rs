//! A response arrives (RFC 3261 section 16.7).

use bytes::Bytes;
use tidegate_schemas::document::OnRedirect;
use tidegate_schemas::event::Cause;
use tidegate_sip::{
    Edits, Limits, Message, Method, Name, NameAddr, Span, Uri, View, check_response, remove_value,
    remove_values,
};

use crate::branch::BranchHandle;
use crate::call::is_call;
use crate::context::{Answer, Branch, BranchEnd, CancelReason, Client, Context, Originals, Phase};
use crate::core::Step;
use crate::engine::Engine;
use crate::forward::identity_span;
use crate::output::{Forget, Output};
use crate::time::Time;
use crate::transaction::Effects;

impl Engine {
    /// Steps 1 to 3: the branch that we wrote finds its transaction; everything else is dropped
    /// (RFC 6026 section 6).
    pub(crate) fn on_response(&mut self, now: Time, view: View<'_>, out: &mut impl Output) {
        match self.branch_of(view) {
            Some(handle) if is_call(handle.branch) => {
                self.on_own_response(now, &handle, view, out);
            }
            Some(handle) => {
                self.core.stats.responses += 1;
                let index = usize::from(handle.branch);
                self.step(now, handle.slot, out, |step| {
                    step.on_branch_response(index, view);
                });
            }
            None => self.core.stats.responses_stray += 1,
        }
    }

    fn branch_of(&self, view: View<'_>) -> Option<BranchHandle> {
        let mut vias = view.vias();
        let ours = vias.next()?.ok()?;
        let (handle, _) = self.core.codec.decode(ours.branch()?)?;
        if is_call(handle.branch) {
            return Some(handle);
        }
        // With our own Via alone it is not for anybody behind us, unless it answers our own CANCEL.
        if view.cseq().ok()?.method != b"CANCEL" {
            vias.next()?.ok()?;
        }
        let cx = self.contexts.get(handle.slot as usize)?;
        let branch = cx.branches.get(usize::from(handle.branch))?;
        let fits = handle.shard == self.core.shard
            && handle.generation == cx.generation
            && ours.sent_by == self.core.sent_by(branch.hop.listener).as_bytes()
            && check_response(view).is_ok();
        fits.then_some(handle)
    }
}

impl<O: Output> Step<'_, O> {
    fn on_branch_response(&mut self, index: usize, view: View<'_>) {
        let status = view.status();
        let timing = self.core.timing;
        let Ok(cseq) = view.cseq() else { return };
        let Some(branch) = self.cx.branches.get_mut(index) else {
            return;
        };
        let reliable = branch.hop.transport.is_reliable();
        let method = Method::from_bytes(cseq.method);
        if method == Method::Cancel && self.cx.method != Method::Cancel {
            return self.step_cancel(index, |client| {
                client.on_response(status, reliable, &timing)
            });
        }
        if method != self.cx.method {
            return;
        }
        let effects = match &mut branch.client {
            Client::Invite(machine) => machine.on_response(status, reliable, &timing),
            Client::NonInvite(machine) => machine.on_response(status, reliable, &timing),
            Client::Resolving(_) | Client::Terminated => return,
        };
        self.apply_client(index, &effects);
        if effects.ack {
            self.acknowledge(index, effects.deliver, view);
        }
        if effects.deliver {
            self.on_delivered(index, status, view);
        }
    }

    /// Does what a client transaction asks for, beside ACK and delivery.
    pub(crate) fn apply_client(&mut self, index: usize, effects: &Effects) {
        // A branch that was given up after its fr_timer waits in silence.
        if effects.retransmit
            && let Some(branch) = self.cx.branches.get(index)
            && branch.is_pending()
        {
            self.core.stats.retransmissions += 1;
            self.out.send(&branch.hop, branch.sent.clone());
        }
        if let Ok(number) = u16::try_from(index) {
            self.arm_all(number, effects);
        }
    }

    /// RFC 3261 section 17.1.1.3: the ACK for a failure response, made once and repeated with it.
    fn acknowledge(&mut self, index: usize, first: bool, response: View<'_>) {
        let Some(branch) = self.cx.branches.get_mut(index) else {
            return;
        };
        if first {
            let limits = Limits::default();
            if self.core.head.parse(&branch.sent, &limits).is_err() {
                return;
            }
            self.core.buffer.clear();
            let sent = self.core.head.view(&branch.sent);
            tidegate_sip::build::ack(sent, response, &mut self.core.buffer);
            branch.sent = Bytes::copy_from_slice(&self.core.buffer);
        }
        self.out.send(&branch.hop, branch.sent.clone());
    }

    fn on_delivered(&mut self, index: usize, status: u16, view: View<'_>) {
        match status {
            100..=199 => self.on_provisional(index, status, view),
            200..=299 if self.cx.is_invite() => self.on_invite_success(index, status, view),
            200..=299 => self.on_success(index, status, view),
            _ => self.on_failure(index, status, view),
        }
    }

    /// Step 2, and step 5 for 1xx: 100 ends here, and so does any 1xx to a non-INVITE (RFC 4320).
    fn on_provisional(&mut self, index: usize, status: u16, view: View<'_>) {
        if !self.cx.is_invite() {
            return;
        }
        self.send_wanted_cancel(index);
        let Some(branch) = self.cx.branches.get(index) else {
            return;
        };
        if !branch.is_pending() {
            return;
        }
        self.restart_timer_c(index, status);
        if status > 100 && !self.cx.is_done() {
            self.note_progress(status);
            self.relay(index, view, status, &[]);
            self.on_call_progress(index, view);
        }
    }

    /// Step 5: every 2xx to an INVITE goes upstream at once, also after the final response.
    fn on_invite_success(&mut self, index: usize, status: u16, view: View<'_>) {
        self.on_call_answered(index, view);
        self.on_refreshed(index, view);
        self.end_with_success(index, status);
        self.withdraw_consultation(Forget::Answered);
        self.relay(index, view, status, &[]);
        self.cancel_pending(&CancelReason::CompletedElsewhere);
    }

    fn on_success(&mut self, index: usize, status: u16, view: View<'_>) {
        self.on_refreshed(index, view);
        self.end_with_success(index, status);
        if !self.cx.is_done() && self.caller_listens() {
            self.relay(index, view, status, &[]);
        }
    }

    fn end_with_success(&mut self, index: usize, status: u16) {
        self.note_answer(index);
        if let Some(branch) = self.cx.branches.get_mut(index) {
            branch.sent = Bytes::new();
            let end = BranchEnd {
                status,
                cause: Cause::Response,
                response: None,
                followed: false,
            };
            branch.outcome.get_or_insert(end);
        }
    }

    fn on_failure(&mut self, index: usize, status: u16, view: View<'_>) {
        // A branch that was given up failed already (RFC 3261 section 16.8).
        let branch = self.cx.branches.get(index);
        if branch.is_none_or(|branch| !branch.is_pending()) {
            return;
        }
        if self.cx.is_done() {
            if let Some(branch) = self.cx.branches.get_mut(index) {
                let end = BranchEnd {
                    status,
                    cause: Cause::Response,
                    response: None,
                    followed: false,
                };
                branch.outcome.get_or_insert(end);
            }
            return;
        }
        let may_follow = (300..400).contains(&status) && self.follows_redirects();
        if may_follow && let Some(untried) = self.follow(index, view) {
            if let Some(branch) = self.cx.branches.get_mut(index) {
                branch.outcome = Some(BranchEnd {
                    status,
                    cause: Cause::Response,
                    response: untried.map(Box::new),
                    followed: true,
                });
            }
            return self.drive();
        }
        self.end_branch(
            index,
            status,
            Cause::Response,
            Some(Message::from_view(view)),
        );
    }

    /// The first 2xx, or the failure that was chosen, is about to be passed on.
    pub(crate) fn note_answer(&mut self, index: usize) {
        let branch = self.cx.branches.get(index);
        if let (Some(branch), Some(request)) = (branch, &mut self.cx.request) {
            request.answer = Some(Answer {
                sent: branch.sent.clone(),
                branch_flags: branch.branch_flags,
            });
        }
    }

    fn note_progress(&mut self, status: u16) {
        if let Some(request) = &mut self.cx.request
            && (180..190).contains(&status)
        {
            request.rang.get_or_insert(self.now);
        }
    }

    /// Step 3 and 9: without our Via, with the caller's own From and To, to the server transaction.
    pub(crate) fn relay(&mut self, index: usize, view: View<'_>, status: u16, extra: &[&[u8]]) {
        let originals = self
            .cx
            .branches
            .get(index)
            .and_then(|branch| branch.originals.as_deref());
        let mut edits = std::mem::take(&mut self.core.edits);
        edits.clear();
        if let Ok(via) = view.top_via() {
            remove_top_via(view, via.span, &mut edits);
        }
        if let Some(originals) = originals {
            restore(view, originals, &mut edits);
        }
        for line in extra {
            edits.insert(view.headers_end(), line);
        }
        self.core.buffer.clear();
        let applied = edits.apply(view.bytes(), &mut self.core.buffer);
        self.core.edits = edits;
        if applied.is_ok() {
            let bytes = Bytes::copy_from_slice(&self.core.buffer);
            self.send_response(status, bytes);
        }
    }

    /// Step 2: any response ends fr_timer; what comes in its place runs anew with each 101 to 199.
    fn restart_timer_c(&mut self, index: usize, status: u16) {
        let (_, patience) = self.patience(index);
        let Some(branch) = self.cx.branches.get_mut(index) else {
            return;
        };
        let is_first = !std::mem::replace(&mut branch.has_responded, true);
        let started = branch.started;
        if status > 100 {
            self.wait_for_final(index, self.now + patience);
        } else if is_first {
            self.wait_for_final(index, started + patience);
        }
    }

    /// As the document says; else, where the configuration wants it, for a Request-URI that this
    /// proxy is responsible for (section 16.5).
    fn follows_redirects(&self) -> bool {
        if let Phase::Forwarding(forwarding) = &self.cx.phase
            && let Some(wanted) = forwarding.plan.on_redirect
        {
            return wanted == OnRedirect::Follow;
        }
        let Some(request) = self.cx.request.as_ref() else {
            return false;
        };
        let uri = Uri::parse(request.route.request_uri(request.message.view()));
        self.core.config.follow_redirects && uri.is_ok_and(|uri| self.core.own.is_ours(&uri))
    }

    /// Step 4: the Contacts of a 3xx become targets. `None` when there is nothing to follow; else the
    /// response with the Contacts that are not tried here, if any are left.
    fn follow(&mut self, index: usize, view: View<'_>) -> Option<Option<Message>> {
        let target = self.cx.branches.get(index)?.target;
        let request = self.cx.request.as_ref()?;
        let uri = request.route.request_uri(request.message.view());
        let Phase::Forwarding(forwarding) = &mut self.cx.phase else {
            return None;
        };
        let contacts = view.contacts().filter_map(Result::ok);
        let offered = contacts.map(|contact| (contact.uri, contact.q().unwrap_or(1000)));
        let waiting = &mut forwarding.waiting;
        if !forwarding.plan.redirect(target, uri, offered, waiting) {
            return None;
        }
        let contacts: Vec<NameAddr<'_>> = view.contacts().filter_map(Result::ok).collect();
        let tried = contacts
            .iter()
            .filter(|contact| forwarding.plan.has_uri(contact.uri, uri));
        let tried: Vec<Span> = tried.map(|contact| contact.span).collect();
        if tried.len() == contacts.len() {
            return Some(None);
        }
        let mut edits = Edits::new();
        let mut bytes = Vec::new();
        remove_values(view, &mut edits, &tried);
        edits.apply(view.bytes(), &mut bytes).ok()?;
        Some(Message::parse(bytes.into(), &Limits::default()).ok())
    }

    /// RFC 4320 section 4.2: after 64*T1 the caller of a non-INVITE has given up.
    pub(crate) fn caller_listens(&self) -> bool {
        self.now.since(self.cx.began) < self.core.timing.life()
    }
}

impl Context {
    pub(crate) fn pending_branches(&self) -> impl Iterator<Item = &Branch> {
        self.branches
            .iter()
            .map(AsRef::as_ref)
            .filter(|branch| branch.is_pending())
    }
}

/// Mostly it is alone in its line.
fn remove_top_via(view: View<'_>, value: Span, edits: &mut Edits) {
    match view.field(Name::Via) {
        Some(field) if field.value_span == value => edits.remove(field.line),
        _ => remove_value(view, edits, value),
    }
}

/// Gives the caller back what it knows the call by.
fn restore(view: View<'_>, originals: &Originals, edits: &mut Edits) {
    let mut put = |address: Option<NameAddr<'_>>, original: &Option<Box<[u8]>>| {
        if let (Some(address), Some(original)) = (address, original) {
            edits.replace(identity_span(&address), original);
        }
    };
    put(view.from().ok(), &originals.from);
    put(view.to().ok(), &originals.to);
}
