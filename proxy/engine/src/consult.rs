//! Suspension of a transaction while an application decides, and resumption: re-entrant, each
//! consultation with a generation number of its own.

use tidegate_schemas::event::AskReason;
use tidegate_schemas::{ConsultationId, RouteDocument};

use crate::context::{Phase, Suspended};
use crate::core::{SERVER, Step};
use crate::engine::{AnswerError, Engine};
use crate::output::{Forget, Output};
use crate::plan::{self, Scope};
use crate::reply::LocalReply;
use crate::rules::Treatment;
use crate::time::Time;
use crate::transaction::Timer;

/// How the static document is called in logs.
const STATIC: &str = "static document";
/// How it is called that nothing decides.
const NOBODY: &str = "no application";

impl Engine {
    /// The slot of a transaction that waits for just this consultation.
    pub(crate) fn suspended(&self, id: ConsultationId) -> Option<u32> {
        let ours = id.instance == self.core.instance && id.shard() == self.core.shard;
        let cx = self.contexts.get(id.slot() as usize).filter(|_| ours)?;
        let waits = matches!(&cx.phase, Phase::Suspended(s) if s.label == id.label);
        waits.then_some(id.slot())
    }

    pub(crate) fn resume(
        &mut self,
        now: Time,
        id: ConsultationId,
        document: &RouteDocument,
        tier: &str,
        out: &mut impl Output,
    ) -> Result<(), AnswerError> {
        let Some(slot) = self.suspended(id) else {
            self.core.stats.documents_unknown += 1;
            return Err(AnswerError::Unknown);
        };
        let is_invite = self
            .contexts
            .get(slot as usize)
            .is_some_and(|cx| cx.is_invite());
        let request = self
            .contexts
            .get(slot as usize)
            .and_then(|cx| cx.request.as_ref());
        let request_uri = request.map_or(&b""[..], |it| it.route.request_uri(it.message.view()));
        let scope = Scope {
            request_uri,
            ..Scope::of(&self.core.config, is_invite)
        };
        let decision = plan::compile(document, &scope).inspect_err(|_| {
            self.core.stats.documents_invalid += 1;
        })?;
        self.core.stats.documents += 1;
        self.step(now, slot, out, |step| step.decide(decision, tier));
        Ok(())
    }
}

impl<O: Output> Step<'_, O> {
    /// Suspends the transaction and asks.
    pub(crate) fn consult(&mut self, reason: AskReason) {
        let Some(request) = &mut self.cx.request else {
            return;
        };
        request.rounds += 1;
        if request.rounds > self.core.config.max_rounds {
            return self.answer_with_best();
        }
        let deadline_ms = self.core.config.deadline_ms;
        let label = self.core.next_generation();
        let deadline = self.now + deadline_ms;
        self.core.stats.consultations += 1;
        self.cx.phase = Phase::Suspended(Suspended {
            label,
            deadline,
            reason,
        });
        self.arm(SERVER, Timer::Deadline, deadline_ms);
        let id = self.cx.id(self.core.instance, self.core.shard, label);
        self.out.consult(id, deadline);
    }

    /// The total deadline of a consultation, whatever became of its attempts.
    pub(crate) fn on_deadline(&mut self) {
        let Phase::Suspended(suspended) = &self.cx.phase else {
            return;
        };
        if self.now >= suspended.deadline {
            self.give_up_consultation();
            self.decide_alone();
        }
    }

    /// The caller gets its answer without one from an application.
    pub(crate) fn give_up_consultation(&mut self) {
        if matches!(self.cx.phase, Phase::Suspended(_)) {
            self.core.stats.deadlines += 1;
            self.withdraw_consultation(Forget::Deadline);
        }
    }

    /// Where an application is asked, its answer is of no use any more.
    pub(crate) fn withdraw_consultation(&mut self, why: Forget) {
        if let Phase::Suspended(suspended) = &self.cx.phase {
            let (instance, shard) = (self.core.instance, self.core.shard);
            let id = self.cx.id(instance, shard, suspended.label);
            self.out.forget(id, why);
        }
    }

    /// The document of a rule decides, and nobody is asked; one that can't be executed is as none.
    pub(crate) fn decide_by_rule(&mut self, index: usize) {
        let config = self.core.config.clone();
        let Some(rule) = config.rules.get(index) else {
            return self.decide_alone();
        };
        let Treatment::Document(document) = &rule.then else {
            return self.decide_alone();
        };
        let scope = Scope {
            may_ask: false,
            ..Scope::of(&config, self.cx.is_invite())
        };
        match plan::compile(document, &scope) {
            Ok(decision) => self.decide(decision, &rule.name),
            Err(_) => self.decide_alone(),
        }
    }

    /// No application decides: the static document, else the best response that branches of an
    /// earlier round gave, else 503 with Retry-After.
    pub(crate) fn decide_alone(&mut self) {
        let config = self.core.config.clone();
        let scope = Scope {
            may_ask: false,
            ..Scope::of(&config, self.cx.is_invite())
        };
        let document = config.fallback.as_ref();
        match document.and_then(|document| plan::compile(document, &scope).ok()) {
            Some(decision) => {
                self.core.stats.fallbacks += 1;
                self.decide(decision, STATIC);
            }
            None if self.cx.branches.iter().any(|it| it.outcome.is_some()) => {
                self.core.stats.undecided += 1;
                self.answer_with_best();
            }
            None => {
                self.core.stats.undecided += 1;
                self.set_tier(NOBODY);
                self.reply(&LocalReply::unavailable(config.retry_after_s));
            }
        }
    }
}
