//! A decision in the shard's hands: honoured or refused.

use std::sync::Arc;
use std::time::Instant;

use tidegate_schemas::document::DocumentError;
use tidegate_schemas::event::AskReason;
use tidegate_schemas::message::FromProxy;
use tidegate_schemas::{ConsultationId, RouteDocument, RouteEvent};

use super::ask::Decided;
use super::failures::Kind;
use super::{Asked, Dispatcher};
use crate::application::{Application, ApplicationId};
use crate::cache::{Cache, Draft};
use crate::outgoing::NotQueued;
use crate::pending::{Attempt, Consultation, Next, State, Trial};

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// An application.
    Application(ApplicationId),
    /// An earlier decision, before anybody was asked.
    Fresh,
    /// An earlier decision, since nobody answered.
    Stale,
    /// A document of the configuration.
    Document,
    /// A redirect server, which is asked by the call.
    Redirect,
}

/// The latest decision. A shard executes one after the other.
#[derive(Debug)]
pub(super) struct Settling {
    id: ConsultationId,
    at: Instant,
    consultation: Consultation,
    by: By,
    /// What was decided, where it came from the cache.
    cached: Option<Arc<RouteDocument>>,
    draft: Option<Draft>,
}

impl Dispatcher {
    pub(super) fn decide(
        &mut self,
        id: ConsultationId,
        now: Instant,
        mut consultation: Consultation,
        decided: Decided,
    ) -> Asked {
        let early = now < consultation.step_end;
        self.end(id, &mut consultation, now, early);
        let is_cached = matches!(decided.by, By::Fresh | By::Stale);
        self.settle(Settling {
            id,
            at: now,
            consultation,
            by: decided.by,
            cached: is_cached.then(|| Arc::clone(&decided.document)),
            draft: None,
        });
        Asked::Decided {
            tier: decided.tier,
            document: decided.document,
        }
    }

    /// The answer of an application goes to the shard.
    pub(super) fn answer(
        &mut self,
        id: ConsultationId,
        now: Instant,
        consultation: Consultation,
        application: ApplicationId,
    ) {
        self.settle(Settling {
            id,
            at: now,
            consultation,
            by: By::Application(application),
            cached: None,
            draft: None,
        });
    }

    /// An earlier one that nobody said anything about was honoured.
    fn settle(&mut self, settling: Settling) {
        let earlier = self.settling.replace(settling);
        if let Some(earlier) = earlier {
            self.honoured(&earlier);
        }
    }

    pub(super) fn on_accepted(
        &mut self,
        id: ConsultationId,
        application: ApplicationId,
        now: Instant,
        document: &RouteDocument,
    ) {
        let is_it = |s: &mut Settling| s.id == id && s.by == By::Application(application);
        let Some(mut settling) = self.settling.take_if(is_it) else {
            return;
        };
        self.honoured(&settling);
        self.note_answer(id, now, &settling.consultation, application, document);
        if let Some(draft) = settling.draft.take() {
            self.store(draft, now);
        }
    }

    pub(super) fn on_tier_accepted(
        &mut self,
        id: ConsultationId,
        now: Instant,
        tier: &str,
        document: &RouteDocument,
    ) {
        let Some(settling) = self.settling.take_if(|s| s.id == id) else {
            return;
        };
        let (c, by) = (&settling.consultation, settling.by);
        self.note_tier(id, now, c, by, tier, document);
    }

    fn honoured(&mut self, settling: &Settling) {
        let By::Application(application) = settling.by else {
            return;
        };
        let mut attempts = settling.consultation.asked.iter();
        if let Some(attempt) = attempts.find(|attempt| attempt.is_by(application)) {
            self.succeed(attempt, settling.at);
        }
    }

    /// An application did well.
    pub(super) fn succeed(&mut self, attempt: &Attempt, at: Instant) {
        let seat = &attempt.seat;
        seat.record.answered.add();
        if attempt.trial == Trial::None {
            seat.member.health.succeeded();
            return;
        }
        let took = at.saturating_duration_since(attempt.at);
        let clock = self.registry.clock(at);
        if seat.member.health.recovered(took, clock, &seat.eject) {
            self.stats.recovered += 1;
        } else {
            self.stats.ejected += 1;
        }
    }

    pub(super) fn on_rejected(
        &mut self,
        id: ConsultationId,
        application: ApplicationId,
        error: &DocumentError,
    ) {
        self.stats.invalid += 1;
        let is_it = |s: &mut Settling| s.id == id && s.by == By::Application(application);
        let Some(settling) = self.settling.take_if(is_it) else {
            self.tell(application, |a| a.complain_about_document(id, error));
            return;
        };
        let mut consultation = settling.consultation;
        self.refuse_document(id, &mut consultation, settling.at, application, error);
        self.reopen(id, consultation);
    }

    /// The application hears what is wrong with its document, and it counts as a failure of it.
    pub(super) fn refuse_document(
        &mut self,
        id: ConsultationId,
        c: &mut Consultation,
        now: Instant,
        application: ApplicationId,
        error: &DocumentError,
    ) {
        let Some(at) = c.asked.iter().position(|a| a.is_by(application)) else {
            return;
        };
        if let Some(attempt) = c.asked.get_mut(at) {
            attempt.detail = Some(error.to_string().into());
            let told = attempt.seat.application.complain_about_document(id, error);
            self.count_notice(told);
        }
        self.fail(c, at, Kind::Invalid, now);
    }

    pub(super) fn on_tier_rejected(&mut self, id: ConsultationId) {
        let Some(settling) = self.settling.take_if(|s| s.id == id) else {
            return;
        };
        self.stats.invalid += 1;
        if let Some(document) = &settling.cached {
            self.registry.cache.remove(document);
        }
        let mut consultation = settling.consultation;
        consultation.next = match settling.by {
            By::Application(_) | By::Fresh | By::Redirect => Next::Pools,
            By::Stale | By::Document => Next::Otherwise,
        };
        self.reopen(id, consultation);
    }

    /// It is asked about again, or ends with its deadline.
    fn reopen(&mut self, id: ConsultationId, mut consultation: Consultation) {
        consultation.hedge_at = None;
        consultation.wait_until(consultation.deadline);
        self.pending.insert(id, consultation);
    }

    pub(super) fn draft(
        &mut self,
        event: &RouteEvent<'_>,
        id: ConsultationId,
        document: &RouteDocument,
    ) {
        let settling = self.settling.as_mut().filter(|s| s.id == id);
        let Some(settling) = settling.filter(|_| event.reason == AskReason::New) else {
            return;
        };
        let at = settling.consultation.place();
        settling.draft = at.and_then(|at| Cache::draft(&at, event, document, &mut self.scratch));
    }

    pub(super) fn store(&mut self, draft: Draft, now: Instant) {
        let stored = self.registry.cache.store(draft, now);
        self.stats.cache_stored += u64::from(stored.stored);
        self.stats.cache_evicted += stored.evicted;
    }

    /// Nothing more is hoped from those that were asked. `decided` is when somebody else was faster:
    /// it took them at least so long.
    pub(super) fn withdraw(
        &self,
        id: ConsultationId,
        c: &mut Consultation,
        decided: Option<Instant>,
        notify: bool,
    ) {
        for attempt in c.asked.iter_mut().filter(|attempt| attempt.open()) {
            attempt.release(State::Withdrawn);
            if attempt.trial == Trial::Probe {
                attempt.seat.member.health.abandon_probe();
            }
            if let Some(now) = decided {
                let took = now.saturating_duration_since(attempt.at);
                attempt.seat.record.took(self.registry.clock(now), took);
            }
            if notify {
                let message = FromProxy::Cancelled { id };
                let told = attempt.seat.application.notify(&message);
                self.count_notice(told);
            }
        }
    }

    pub(super) fn tell(
        &self,
        application: ApplicationId,
        say: impl FnOnce(&Application) -> Result<(), NotQueued>,
    ) {
        if let Some(seat) = self.pools.seat(application) {
            self.count_notice(say(&seat.application));
        }
    }

    /// Notices are not worth waiting for: one that finds no room is dropped.
    pub(super) fn count_notice(&self, told: Result<(), NotQueued>) {
        if told == Err(NotQueued::Full) {
            self.registry.counters.notices_dropped.add();
        }
    }
}
