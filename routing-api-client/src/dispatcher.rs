//! One shard's questions to the applications.

mod answers;
mod ask;
mod failures;
mod hedge;
mod otherwise;
mod records;
mod redirects;
mod settle;
mod steps;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_schemas::document::DocumentError;
use tidegate_schemas::record::DecisionCause;
use tidegate_schemas::{ConsultationId, RouteDocument, RouteEvent};

use crate::application::ApplicationId;
use crate::finished::Finished;
use crate::inbound::{Inbound, Order};
use crate::pending::{Consultation, Next, Pending};
use crate::pool::Pools;
use crate::record::Notebook;
use crate::registry::Registry;
use crate::stats::Stats;
use ask::Outcome;
use redirects::Redirects;
use settle::Settling;

/// How long before the end of a consultation the step's `otherwise` decides; a quarter of the time
/// where that is less.
const MARGIN: Duration = Duration::from_millis(10);

/// Asks applications on behalf of one shard, and sorts what comes back. Does no I/O, reads no clock.
///
/// An application is asked at most once about one step of a consultation on one connection, unless
/// the policy says `retry`: a question that was written to a live connection needs no repetition,
/// and its answer counts as long as the step is open, even after the next application was asked.
#[derive(Debug)]
pub struct Dispatcher {
    registry: Arc<Registry>,
    pools: Pools,
    pending: Pending,
    finished: Finished,
    /// The decision that the shard has in hand.
    settling: Option<Settling>,
    redirects: Redirects,
    notebook: Notebook,
    fallback: Option<Arc<RouteDocument>>,
    stats: Stats,
    /// Where keys are written.
    scratch: Vec<u8>,
}

/// What becomes of a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// An application has it.
    Waiting(ApplicationId),
    /// It is decided without waiting.
    Decided {
        /// What decides: `cached decision`, the name of a document or of a SIP redirect server.
        tier: Arc<str>,
        /// The decision; without an id.
        document: Arc<RouteDocument>,
    },
    /// No application can be asked, none that was asked may yet answer, and nothing stands in for
    /// them. The consultation is forgotten.
    Unavailable,
}

/// What the shard has to do about something that arrived.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// A consultation has its answer.
    Answered {
        /// Which one.
        id: ConsultationId,
        /// Who answered; for [`Dispatcher::accepted`] and [`Dispatcher::reject`].
        application: ApplicationId,
        /// What it calls itself.
        name: Arc<str>,
        /// The answer.
        document: Box<RouteDocument>,
    },
    /// These have to be asked again: [`Dispatcher::ask`] with the same id.
    AskAgain(Vec<ConsultationId>),
    /// An application wants something about calls.
    Order {
        /// Who.
        application: ApplicationId,
        /// What.
        order: Order,
    },
    /// Nothing. What was wrong is counted.
    Nothing,
}

impl Dispatcher {
    /// Makes the dispatcher of one shard.
    #[must_use]
    pub fn new(registry: Arc<Registry>) -> Self {
        Self {
            pools: Pools::new(Arc::clone(&registry)),
            registry,
            pending: Pending::default(),
            finished: Finished::default(),
            settling: None,
            redirects: Redirects::default(),
            notebook: Notebook::default(),
            fallback: None,
            stats: Stats::default(),
            scratch: Vec::new(),
        }
    }

    /// Asks an application, as chain number `chain` of the policy has it. One that can be asked is
    /// connected, not draining, not left out, below every bound, with room in its outgoing queue, and
    /// was not asked about `id` before; among these the pool's way to choose decides, and such as let
    /// a question time out of late come only when no other is left.
    ///
    /// Called for a new consultation, and again when [`Verdict::AskAgain`] or
    /// [`Dispatcher::on_timeout`] names it, or after [`Dispatcher::reject`] and
    /// [`Dispatcher::reject_tier`]. When no further application can be asked but one that was may yet
    /// answer, that one keeps the rest of the time and its name is returned.
    pub fn ask(
        &mut self,
        id: ConsultationId,
        now: Instant,
        deadline: Instant,
        chain: u16,
        event: &RouteEvent<'_>,
    ) -> Asked {
        self.pools.refresh();
        let mut consultation = self.take_or_begin(id, now, deadline, chain);
        self.store_passed(now, &mut consultation, event);
        match self.pursue(id, now, &mut consultation, event) {
            Outcome::Waiting(application) => {
                self.pending.insert(id, consultation);
                Asked::Waiting(application)
            }
            Outcome::Decided(decided) => self.decide(id, now, consultation, decided),
            Outcome::Nothing => {
                self.stats.unavailable += 1;
                let early = now < consultation.step_end;
                self.end(id, &mut consultation, now, early);
                self.note_nothing(id, now, &consultation, DecisionCause::Unavailable);
                Asked::Unavailable
            }
        }
    }

    /// Ends a consultation whose answer is of no use any more. Applications that work on it are
    /// told, as far as their dialect can say it.
    pub fn cancel(&mut self, id: ConsultationId, now: Instant) {
        if let Some(mut consultation) = self.pending.remove(id) {
            self.stats.cancelled += 1;
            self.withdraw(id, &mut consultation, None, true);
            self.note_nothing(id, now, &consultation, DecisionCause::Cancelled);
            self.finished.remember(id, &consultation.asked);
        }
    }

    /// Ends a consultation whose deadline passed, before [`Dispatcher::on_timeout`] notices. The
    /// applications know the deadline and are not told.
    pub fn expire(&mut self, id: ConsultationId, now: Instant) {
        if let Some(mut consultation) = self.pending.remove(id) {
            self.time_out(&mut consultation, now);
            self.forget_timed_out(id, now, consultation);
        }
    }

    /// Takes what a connection delivered.
    pub fn on_inbound(&mut self, now: Instant, inbound: Inbound) -> Verdict {
        match inbound {
            Inbound::Answer {
                application,
                id,
                document: Ok(document),
            } => self.on_document(now, application, id, document),
            Inbound::Answer {
                application,
                id,
                document: Err(error),
            } => self.on_invalid(now, application, id, &error),
            Inbound::Failed {
                application,
                id,
                failure,
            } => self.on_failed(now, application, id, failure),
            Inbound::Order { application, order } => Verdict::Order { application, order },
            Inbound::Lost { application } => self.on_lost(now, application),
            Inbound::Up { .. } | Inbound::Draining { .. } => {
                self.pools.refresh();
                Verdict::Nothing
            }
        }
    }

    /// The document of [`Verdict::Answered`] is honoured.
    pub fn accepted(
        &mut self,
        id: ConsultationId,
        application: ApplicationId,
        now: Instant,
        document: &RouteDocument,
    ) {
        self.on_accepted(id, application, now, document);
    }

    /// The document of [`Asked::Decided`] is honoured.
    pub fn accepted_tier(
        &mut self,
        id: ConsultationId,
        now: Instant,
        tier: &str,
        document: &RouteDocument,
    ) {
        self.on_tier_accepted(id, now, tier, document);
    }

    /// Prepares to use the document of [`Verdict::Answered`] again, where it says that it may be:
    /// called with the question, before the document is executed. It is used once it was
    /// [accepted](Dispatcher::accepted).
    pub fn remember(
        &mut self,
        event: &RouteEvent<'_>,
        id: ConsultationId,
        document: &RouteDocument,
    ) {
        self.draft(event, id, document);
    }

    /// Tells an application that its document, delivered as [`Verdict::Answered`], can't be honoured.
    /// The next call of [`Dispatcher::ask`] for `id` leaves it out.
    pub fn reject(
        &mut self,
        id: ConsultationId,
        application: ApplicationId,
        error: &DocumentError,
    ) {
        self.on_rejected(id, application, error);
    }

    /// The document of [`Asked::Decided`] can't be honoured. The next call of [`Dispatcher::ask`] for
    /// `id` goes on behind it.
    pub fn reject_tier(&mut self, id: ConsultationId) {
        self.on_tier_rejected(id);
    }

    /// Ends the attempts whose time ran out, and appends to `again` those consultations that have to
    /// be asked about again: the next application, a second one beside a slow one, or what stands in
    /// for them all. A consultation whose whole time ran out is forgotten: the engine has its own
    /// timer for that.
    pub fn on_timeout(&mut self, now: Instant, again: &mut Vec<ConsultationId>) {
        while let Some((id, mut consultation)) = self.pending.take_ended(now) {
            if now < consultation.attempt_end {
                consultation.next = Next::Hedge;
                consultation.hedge_at = None;
                consultation.until = consultation.attempt_end;
            } else {
                self.time_out(&mut consultation, now);
                if consultation.deadline <= now {
                    self.forget_timed_out(id, now, consultation);
                    continue;
                }
                self.stats.attempt_timed_out += 1;
                consultation.wait_until(consultation.deadline);
            }
            self.pending.insert(id, consultation);
            again.push(id);
        }
    }

    /// When [`Dispatcher::on_timeout`] has something to do.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        self.pending.next_end()
    }

    /// How many consultations have no answer.
    #[must_use]
    pub fn open(&self) -> usize {
        self.pending.len()
    }

    /// What was counted since the start.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// A consultation whose document was rejected comes back with the applications that it asked.
    fn take_or_begin(
        &mut self,
        id: ConsultationId,
        now: Instant,
        deadline: Instant,
        chain: u16,
    ) -> Consultation {
        if let Some(consultation) = self.pending.remove(id) {
            return consultation;
        }
        let policy = Arc::clone(self.pools.policy());
        let mut consultation = Consultation::new(policy, chain, deadline);
        let falls_back = consultation
            .chain()
            .is_some_and(|chain| chain.steps.iter().any(|step| !step.otherwise.is_empty()));
        if falls_back {
            let margin = MARGIN.min(deadline.saturating_duration_since(now) / 4);
            consultation.decide_by = deadline.checked_sub(margin).unwrap_or(deadline);
        }
        consultation
    }

    /// Gives back every place that is still taken.
    fn end(&mut self, id: ConsultationId, c: &mut Consultation, now: Instant, notify: bool) {
        self.withdraw(id, c, Some(now), notify);
        self.finished.remember(id, &c.asked);
    }
}

#[cfg(test)]
mod tests;
