//! The answer when no branch succeeded (RFC 3261 section 16.7 steps 6 to 8).

use tidegate_schemas::event::Cause;
use tidegate_sip::{Message, Name};

use crate::context::BranchEnd;
use crate::core::Step;
use crate::output::Output;
use crate::reply::LocalReply;

impl<O: Output> Step<'_, O> {
    /// Sends the best response that the branches gave; 480 when there was none to ask.
    pub(crate) fn answer_with_best(&mut self) {
        let best = (0..self.cx.branches.len())
            .filter_map(|index| Some((self.end_of(index)?, index)))
            .filter(|(end, _)| !end.followed || end.response.is_some())
            .map(|(end, index)| (rank(end), index))
            .min();
        let Some((_, index)) = best else {
            return self.reply(&LocalReply::of(480, "Temporarily Unavailable"));
        };
        self.answer_with(index);
    }

    /// The caller cancelled: the response of a branch that was cancelled, else our own 487.
    pub(crate) fn answer_cancelled(&mut self) {
        let terminated = (0..self.cx.branches.len()).find(|index| {
            self.end_of(*index)
                .is_some_and(|end| end.status == 487 && end.response.is_some())
        });
        match terminated {
            Some(index) => self.answer_with(index),
            None => self.reply(&LocalReply::of(487, "Request Terminated")),
        }
    }

    fn end_of(&self, index: usize) -> Option<&BranchEnd> {
        self.cx.branches.get(index)?.outcome.as_ref()
    }

    fn answer_with(&mut self, index: usize) {
        let Some(branch) = self.cx.branches.get_mut(index) else {
            return;
        };
        let Some(end) = &mut branch.outcome else {
            return;
        };
        let (status, cause) = (end.status, end.cause);
        match end.response.take() {
            // Step 6: a 503 of a next hop says nothing about this proxy.
            Some(_) if status == 503 => self.reply(&LocalReply::of(500, "Server Internal Error")),
            Some(response) => self.relay_best(index, status, &response),
            None => self.reply(&made_up(status, cause, self.cx.is_invite())),
        }
    }

    fn relay_best(&mut self, index: usize, status: u16, response: &Message) {
        if !self.cx.is_invite() && !self.caller_listens() {
            self.conclude(None);
            return self.forget_dropped();
        }
        let challenges = if matches!(status, 401 | 407) {
            self.challenges_but(index)
        } else {
            Vec::new()
        };
        let lines: Vec<&[u8]> = challenges.iter().map(Vec::as_slice).collect();
        self.note_answer(index);
        self.relay(index, response.view(), status, &lines);
    }

    /// Step 7: the challenges of the other branches go along, as they came.
    fn challenges_but(&self, chosen: usize) -> Vec<Vec<u8>> {
        let others = self
            .cx
            .branches
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != chosen);
        let ends = others.filter_map(|(_, branch)| branch.outcome.as_ref());
        ends.filter(|end| matches!(end.status, 401 | 407))
            .filter_map(|end| end.response.as_ref())
            .flat_map(|response| {
                let view = response.view();
                [Name::WwwAuthenticate, Name::ProxyAuthenticate]
                    .into_iter()
                    .flat_map(move |name| view.fields(name))
                    .map(move |field| field.line.of(view.bytes()).to_vec())
            })
            .collect()
    }
}

/// Lower is better: 6xx, then the lowest class; inside a class what the caller can act upon
/// (step 6), then the lowest code.
fn rank(end: &BranchEnd) -> (u16, u16, u16) {
    let class = match end.status / 100 {
        6 => 0,
        class => class,
    };
    let preferred = match end.status {
        401 | 407 | 415 | 420 | 484 => 0,
        408 if end.cause == Cause::Timeout => 2,
        _ => 1,
    };
    (class, preferred, end.status)
}

/// The response for a branch that gave none. A 408 never answers a non-INVITE (RFC 4320 section 4.2).
fn made_up(status: u16, cause: Cause, is_invite: bool) -> LocalReply {
    match (status, cause) {
        (408, _) if is_invite => LocalReply::of(408, "Request Timeout"),
        (408, _) => LocalReply::of(504, "Server Time-out"),
        (487, _) => LocalReply::of(487, "Request Terminated"),
        _ => LocalReply::of(500, "Server Internal Error"),
    }
}
