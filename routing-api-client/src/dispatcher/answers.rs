//! What applications say.

use std::sync::Arc;
use std::time::Instant;

use tidegate_schemas::document::{Action, DocumentError};
use tidegate_schemas::record::{AttemptResult, DecisionCause};
use tidegate_schemas::{ConsultationId, RouteDocument};

use super::failures::Kind;
use super::{Dispatcher, Verdict};
use crate::application::ApplicationId;
use crate::dialect::decide_in_the_last_step;
use crate::finished::Leftover;
use crate::inbound::Failure;
use crate::pending::{Attempt, Consultation, State, Trial};
use crate::pool::Seat;

impl Dispatcher {
    pub(super) fn on_document(
        &mut self,
        now: Instant,
        application: ApplicationId,
        id: ConsultationId,
        mut document: Box<RouteDocument>,
    ) -> Verdict {
        if !self.is_open(application, id) {
            self.count_leftover(application, id);
            return Verdict::Nothing;
        }
        let Some(mut consultation) = self.pending.remove(id) else {
            return Verdict::Nothing;
        };
        let Some(at) = self.close(&mut consultation, application, now) else {
            return Verdict::Nothing;
        };
        if consultation.is_last_step() {
            decide_in_the_last_step(&mut document);
        }
        if document.action == Some(Action::Pass) {
            return self.on_pass(now, id, consultation, at, document);
        }
        self.on_decision(now, id, consultation, at, document)
    }

    fn on_decision(
        &mut self,
        now: Instant,
        id: ConsultationId,
        mut consultation: Consultation,
        at: Closed,
        document: Box<RouteDocument>,
    ) -> Verdict {
        self.stats.answered += 1;
        self.stats.late_attempt += u64::from(!at.its_turn);
        self.end(id, &mut consultation, now, true);
        let attempt = consultation.asked.get(at.index);
        self.stats.hedge_won += u64::from(attempt.is_some_and(|attempt| attempt.hedge));
        let name = attempt.map(|attempt| Arc::clone(&attempt.seat.member.name));
        self.answer(id, now, consultation, at.application);
        Verdict::Answered {
            id,
            application: at.application,
            name: name.unwrap_or_default(),
            document,
        }
    }

    /// The next step decides. Who was asked in this one and has not answered is not asked in that:
    /// its answer could not be told from the one to the earlier question.
    fn on_pass(
        &mut self,
        now: Instant,
        id: ConsultationId,
        mut c: Consultation,
        at: Closed,
        document: Box<RouteDocument>,
    ) -> Verdict {
        if c.is_last_step() {
            let error = DocumentError::new("/action", "there is no next application");
            return self.invalid(now, id, c, at, &error);
        }
        self.stats.passed += 1;
        self.stats.late_attempt += u64::from(!at.its_turn);
        if let Some(attempt) = c.asked.get(at.index) {
            self.stats.hedge_won += u64::from(attempt.hedge);
            self.succeed(attempt, now);
        }
        self.withdraw(id, &mut c, Some(now), true);
        self.note_answer(id, now, &c, at.application, &document);
        let attributes = document.attributes.clone();
        c.keep_passed(document);
        c.pass(attributes.as_ref());
        self.pending.insert(id, c);
        Verdict::AskAgain(vec![id])
    }

    pub(super) fn on_invalid(
        &mut self,
        now: Instant,
        application: ApplicationId,
        id: ConsultationId,
        error: &DocumentError,
    ) -> Verdict {
        let Some(mut consultation) = self.take_open(application, id) else {
            return Verdict::Nothing;
        };
        match self.close(&mut consultation, application, now) {
            Some(at) => self.invalid(now, id, consultation, at, error),
            None => Verdict::Nothing,
        }
    }

    /// The consultation that waits for `application`.
    fn take_open(
        &mut self,
        application: ApplicationId,
        id: ConsultationId,
    ) -> Option<Consultation> {
        if self.is_open(application, id) {
            return self.pending.remove(id);
        }
        self.count_leftover(application, id);
        None
    }

    fn invalid(
        &mut self,
        now: Instant,
        id: ConsultationId,
        mut c: Consultation,
        at: Closed,
        error: &DocumentError,
    ) -> Verdict {
        self.stats.invalid += 1;
        self.refuse_document(id, &mut c, now, at.application, error);
        self.go_on(id, c, at.its_turn)
    }

    pub(super) fn on_failed(
        &mut self,
        now: Instant,
        application: ApplicationId,
        id: ConsultationId,
        failure: Failure,
    ) -> Verdict {
        let Some(mut consultation) = self.take_open(application, id) else {
            return Verdict::Nothing;
        };
        let Some(at) = self.close(&mut consultation, application, now) else {
            return Verdict::Nothing;
        };
        match failure {
            Failure::Error => self.stats.error += 1,
            Failure::Refused => self.stats.refused += 1,
            Failure::ClientError(_) => self.stats.http_4xx += 1,
            Failure::ServerError(_) => self.stats.http_5xx += 1,
        }
        self.fail(&mut consultation, at.index, failure.into(), now);
        self.go_on(id, consultation, at.its_turn)
    }

    /// Asks on, if it was its turn and nobody else has time.
    fn go_on(&mut self, id: ConsultationId, c: Consultation, its_turn: bool) -> Verdict {
        let again = its_turn && !c.waits();
        self.pending.insert(id, c);
        match again {
            true => Verdict::AskAgain(vec![id]),
            false => Verdict::Nothing,
        }
    }

    /// Every question that the application held goes to another one.
    pub(super) fn on_lost(&mut self, now: Instant, application: ApplicationId) -> Verdict {
        self.pools.refresh();
        let mut again = Vec::new();
        let mut blamed: Option<(Arc<Seat>, Trial)> = None;
        for (id, c) in self.pending.iter_mut() {
            let Some(attempt) = c.open_by(application) else {
                continue;
            };
            self.stats.lost += 1;
            let its_turn = attempt.state == State::Turn;
            attempt.release(State::Closed);
            (attempt.result, attempt.ended) = (Some(AttemptResult::Lost), Some(now));
            attempt.seat.record.errors.add();
            let trial = std::mem::take(&mut attempt.trial);
            let seat = Arc::clone(&attempt.seat);
            if its_turn && !c.waits() {
                c.next = c.after(&seat, Kind::Lost);
                again.push(id);
            }
            if blamed.as_ref().is_none_or(|_| trial != Trial::None) {
                blamed = Some((seat, trial));
            }
        }
        // One connection is one failure, however many questions it had.
        if let Some((seat, trial)) = blamed {
            self.blame(&seat, trial, now);
        }
        match again.is_empty() {
            true => Verdict::Nothing,
            false => Verdict::AskAgain(again),
        }
    }

    fn is_open(&mut self, application: ApplicationId, id: ConsultationId) -> bool {
        let pending = self.pending.get_mut(id);
        pending.is_some_and(|c| c.open_by(application).is_some())
    }

    /// Takes something that settles an open question.
    fn close(
        &self,
        c: &mut Consultation,
        application: ApplicationId,
        now: Instant,
    ) -> Option<Closed> {
        let is_it = |attempt: &Attempt| attempt.is_by(application) && attempt.open();
        let index = c.asked.iter().position(is_it)?;
        let attempt = c.asked.get_mut(index)?;
        let its_turn = attempt.state == State::Turn;
        attempt.release(State::Closed);
        (attempt.result, attempt.ended) = (None, Some(now));
        attempt.seat.application.trust();
        let took = now.saturating_duration_since(attempt.at);
        attempt.seat.record.took(self.registry.clock(now), took);
        Some(Closed {
            index,
            application,
            its_turn,
        })
    }

    fn count_leftover(&mut self, application: ApplicationId, id: ConsultationId) {
        if id.instance != self.registry.settings().instance {
            self.stats.wrong_instance += 1;
            self.tell(application, |a| a.complain_unknown(id));
            return;
        }
        match self.leftover(application, id) {
            Leftover::Late => {
                self.stats.late += 1;
                if let Some(seat) = self.pools.seat(application) {
                    seat.record.late.add();
                }
            }
            Leftover::Duplicate => self.stats.duplicate += 1,
            Leftover::Unknown => {
                self.stats.unknown += 1;
                self.tell(application, |a| a.complain_unknown(id));
            }
        }
    }

    fn leftover(&mut self, application: ApplicationId, id: ConsultationId) -> Leftover {
        let pending = self.pending.get_mut(id).map(|c| c.asked.iter_mut());
        let asked = pending.and_then(|mut asked| asked.find(|a| a.is_by(application)));
        match asked {
            Some(attempt) if attempt.state == State::Withdrawn => {
                attempt.state = State::Closed;
                Leftover::Late
            }
            Some(_) => Leftover::Duplicate,
            None => self.finished.answered(id, application),
        }
    }

    /// A consultation is over without an answer.
    pub(super) fn forget_timed_out(
        &mut self,
        id: ConsultationId,
        now: Instant,
        mut c: Consultation,
    ) {
        self.stats.timed_out += 1;
        self.withdraw(id, &mut c, None, false);
        self.note_nothing(id, now, &c, DecisionCause::Deadline);
        self.finished.remember(id, &c.asked);
    }
}

/// A question that is settled.
#[derive(Debug, Clone, Copy)]
struct Closed {
    index: usize,
    application: ApplicationId,
    its_turn: bool,
}
