//! One shard's questions to the applications.

use std::sync::Arc;
use std::time::Instant;

use tidegate_schemas::document::DocumentError;
use tidegate_schemas::message::FromProxy;
use tidegate_schemas::{ConsultationId, RouteDocument, RouteEvent};

use crate::application::{Application, ApplicationId};
use crate::finished::{Finished, Leftover};
use crate::inbound::{Inbound, Order};
use crate::outgoing::NotQueued;
use crate::pending::{Asked, Consultation, Pending};
use crate::pool::{Choice, Pool};
use crate::registry::Registry;
use crate::stats::Stats;

/// Asks applications on behalf of one shard, and sorts what comes back. Does no I/O, reads no clock.
///
/// An application is asked at most once about one consultation on one connection: a question that
/// was written to a live connection needs no repetition, and its answer counts as long as the
/// consultation is open, even after the next application was asked.
#[derive(Debug)]
pub struct Dispatcher {
    registry: Arc<Registry>,
    pool: Pool,
    pending: Pending,
    finished: Finished,
    stats: Stats,
}

/// No application can be asked, and none that was asked may yet answer. Nothing is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no routing application can be asked")]
pub struct Unavailable;

/// What the shard has to do about something that arrived.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// A consultation has its answer.
    Answered {
        /// Which one.
        id: ConsultationId,
        /// Who answered; for [`Dispatcher::reject`].
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
            pool: Pool::new(Arc::clone(&registry)),
            registry,
            pending: Pending::default(),
            finished: Finished::default(),
            stats: Stats::default(),
        }
    }

    /// Asks an application: connected, not draining, with credit and with room in its outgoing
    /// queue, not asked about `id` before; among these the one with the fewest questions in flight,
    /// in turn between equals, and such as let a question time out of late only when no other is left.
    ///
    /// Called for a new consultation, and again when [`Verdict::AskAgain`] or
    /// [`Dispatcher::on_timeout`] names it, or after [`Dispatcher::reject`]. When no further
    /// application can be asked but one that was may yet answer, that one keeps the rest of the time
    /// and its name is returned.
    ///
    /// # Errors
    /// Nothing can answer. The consultation is forgotten.
    pub fn ask(
        &mut self,
        id: ConsultationId,
        now: Instant,
        deadline: Instant,
        event: &RouteEvent<'_>,
    ) -> Result<ApplicationId, Unavailable> {
        self.pool.refresh();
        let mut consultation = self.take_or_begin(id, deadline);
        let asked = self.ask_next(id, now, &mut consultation, event);
        let Some(application) = asked.or_else(|| wait_on(&mut consultation, now)) else {
            self.stats.unavailable += 1;
            self.end(id, &consultation, false);
            return Err(Unavailable);
        };
        self.pending.insert(id, consultation);
        Ok(application)
    }

    /// Ends a consultation whose answer is of no use any more. Applications that work on it are
    /// told, as far as their dialect can say it.
    pub fn cancel(&mut self, id: ConsultationId) {
        if let Some(consultation) = self.pending.remove(id) {
            self.stats.cancelled += 1;
            self.end(id, &consultation, true);
        }
    }

    /// Ends a consultation whose deadline passed, before [`Dispatcher::on_timeout`] notices. The
    /// applications know the deadline and are not told.
    pub fn expire(&mut self, id: ConsultationId, now: Instant) {
        if let Some(consultation) = self.pending.remove(id) {
            self.suspect(&consultation, now);
            self.time_out(id, &consultation);
        }
    }

    /// Takes what a connection delivered.
    pub fn on_inbound(&mut self, inbound: Inbound) -> Verdict {
        match inbound {
            Inbound::Answer {
                application,
                id,
                document: Ok(document),
            } => self.on_document(application, id, document),
            Inbound::Answer {
                application,
                id,
                document: Err(error),
            } => self.on_invalid(application, id, &error),
            Inbound::Failed {
                application, id, ..
            } => self.on_refused(application, id),
            Inbound::Order { application, order } => Verdict::Order { application, order },
            Inbound::Lost { application } => self.on_lost(application),
            Inbound::Up { .. } | Inbound::Draining { .. } => {
                self.pool.refresh();
                Verdict::Nothing
            }
        }
    }

    /// Tells an application that its document, delivered as [`Verdict::Answered`], can't be honoured.
    /// The next call of [`Dispatcher::ask`] for `id` leaves it out.
    pub fn reject(
        &mut self,
        id: ConsultationId,
        application: ApplicationId,
        error: &DocumentError,
    ) {
        self.stats.invalid += 1;
        self.tell(application, |a| a.complain_about_document(id, error));
    }

    /// Ends the attempts whose time ran out, and appends to `again` those consultations that the
    /// next application can be asked about. A consultation whose whole time ran out is forgotten:
    /// the engine has its own timer for that.
    pub fn on_timeout(&mut self, now: Instant, again: &mut Vec<ConsultationId>) {
        while let Some((id, consultation)) = self.pending.take_ended(now) {
            self.suspect(&consultation, now);
            if consultation.deadline <= now {
                self.time_out(id, &consultation);
                continue;
            }
            self.stats.attempt_timed_out += 1;
            let until = consultation.deadline;
            self.pending.insert(
                id,
                Consultation {
                    until,
                    ..consultation
                },
            );
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
    fn take_or_begin(&mut self, id: ConsultationId, deadline: Instant) -> Consultation {
        if let Some(consultation) = self.pending.remove(id) {
            return consultation;
        }
        let mut consultation = Consultation::new(deadline);
        let asked = self.finished.asked(id).map(|application| Asked {
            application,
            open: false,
        });
        consultation.asked.extend(asked);
        consultation
    }

    /// Asks the best application that takes the question.
    fn ask_next(
        &mut self,
        id: ConsultationId,
        now: Instant,
        consultation: &mut Consultation,
        event: &RouteEvent<'_>,
    ) -> Option<ApplicationId> {
        let remaining = consultation.deadline.saturating_duration_since(now);
        if remaining.is_zero() {
            return None;
        }
        let clock = self.registry.clock(now);
        let deadline_ms = u32::try_from(remaining.as_millis()).unwrap_or(u32::MAX);
        for _ in 0..self.pool.len() {
            let search = self.pool.choose(clock, &consultation.asked);
            self.stats.queue_full += search.full;
            let choice = search.choice?;
            if !self.transmit(&choice, id, deadline_ms, event) {
                continue;
            }
            self.note(&choice, now, consultation);
            return Some(choice.application.id);
        }
        None
    }

    fn transmit(
        &mut self,
        choice: &Choice,
        id: ConsultationId,
        deadline_ms: u32,
        event: &RouteEvent<'_>,
    ) -> bool {
        if !choice.application.reserve() {
            return false;
        }
        let queued = choice.application.question(id, deadline_ms, event);
        if queued.is_err() {
            choice.application.release();
        }
        self.stats.queue_full += u64::from(queued == Err(NotQueued::Full));
        queued.is_ok()
    }

    /// An attempt gets half of what remains when another one could follow, all of it otherwise.
    fn note(&mut self, choice: &Choice, now: Instant, consultation: &mut Consultation) {
        let application = choice.application.id;
        self.stats.asked += 1;
        self.stats.reasked += u64::from(!consultation.asked.is_empty());
        consultation.current = Some(application);
        consultation.asked.push(Asked {
            application,
            open: true,
        });
        consultation.until = consultation.deadline;
        if choice.others {
            consultation.until = now + consultation.deadline.saturating_duration_since(now) / 2;
        }
    }

    fn on_document(
        &mut self,
        application: ApplicationId,
        id: ConsultationId,
        document: Box<RouteDocument>,
    ) -> Verdict {
        let Some(its_turn) = self.close(application, id) else {
            return Verdict::Nothing;
        };
        self.stats.answered += 1;
        self.stats.late_attempt += u64::from(!its_turn);
        if let Some(consultation) = self.pending.remove(id) {
            self.end(id, &consultation, true);
        }
        let answerer = self.pool.get(application);
        let name = answerer.map_or_else(|| Arc::from(""), |a| a.name());
        Verdict::Answered {
            id,
            application,
            name,
            document,
        }
    }

    fn on_invalid(
        &mut self,
        application: ApplicationId,
        id: ConsultationId,
        error: &DocumentError,
    ) -> Verdict {
        let Some(its_turn) = self.close(application, id) else {
            return Verdict::Nothing;
        };
        self.reject(id, application, error);
        again_if(its_turn, id)
    }

    fn on_refused(&mut self, application: ApplicationId, id: ConsultationId) -> Verdict {
        let Some(its_turn) = self.close(application, id) else {
            return Verdict::Nothing;
        };
        self.stats.refused += 1;
        again_if(its_turn, id)
    }

    /// Every question that the application held goes to another one.
    fn on_lost(&mut self, application: ApplicationId) -> Verdict {
        self.pool.refresh();
        self.pool.forget(application);
        let mut again = Vec::new();
        for (id, consultation) in self.pending.iter_mut() {
            let Some(Asked { open: true, .. }) = consultation.state_of(application) else {
                continue;
            };
            self.stats.lost += 1;
            if consultation.close(application) {
                again.push(id);
            }
        }
        match again.is_empty() {
            true => Verdict::Nothing,
            false => Verdict::AskAgain(again),
        }
    }

    /// Takes something that settles an open question. Whether it was this application's turn; nothing
    /// when there is no such question, which is counted.
    fn close(&mut self, application: ApplicationId, id: ConsultationId) -> Option<bool> {
        let open = self.pending.get_mut(id).filter(|consultation| {
            let mut open = consultation.open();
            open.any(|a| a == application)
        });
        let Some(consultation) = open else {
            self.count_leftover(application, id);
            return None;
        };
        let its_turn = consultation.close(application);
        if let Some(application) = self.pool.get(application) {
            application.release();
            application.trust();
        }
        Some(its_turn)
    }

    fn count_leftover(&mut self, application: ApplicationId, id: ConsultationId) {
        if id.instance != self.registry.settings().instance {
            self.stats.wrong_instance += 1;
            self.tell(application, |a| a.complain_unknown(id));
            return;
        }
        let pending = self.pending.get_mut(id);
        let leftover = match pending.and_then(|c| c.state_of(application)) {
            Some(_) => Leftover::Duplicate,
            None => self.finished.answered(id, application),
        };
        match leftover {
            Leftover::Late => self.stats.late += 1,
            Leftover::Duplicate => self.stats.duplicate += 1,
            Leftover::Unknown => {
                self.stats.unknown += 1;
                self.tell(application, |a| a.complain_unknown(id));
            }
        }
    }

    fn time_out(&mut self, id: ConsultationId, consultation: &Consultation) {
        self.stats.timed_out += 1;
        self.end(id, consultation, false);
    }

    /// Gives back the places of those that may yet answer.
    fn end(&mut self, id: ConsultationId, consultation: &Consultation, notify: bool) {
        for application in consultation.open() {
            if let Some(application) = self.pool.get(application) {
                application.release();
            }
            if notify {
                self.tell(application, |a| a.notify(&FromProxy::Cancelled { id }));
            }
        }
        self.finished.remember(id, &consultation.asked);
    }

    fn suspect(&self, consultation: &Consultation, now: Instant) {
        let current = consultation.current.and_then(|id| self.pool.get(id));
        if let Some(application) = current {
            let span = self.registry.settings().suspect_for;
            application.suspect_for(self.registry.clock(now), span);
        }
    }

    /// Notices are not worth waiting for: one that finds no room is dropped.
    fn tell(
        &self,
        application: ApplicationId,
        say: impl FnOnce(&Application) -> Result<(), NotQueued>,
    ) {
        let told = self.pool.get(application).map(|a| say(a));
        if told == Some(Err(NotQueued::Full)) {
            self.registry.counters.notices_dropped.add();
        }
    }
}

/// Leaves the rest of the time to an application that may yet answer, if there is one.
fn wait_on(consultation: &mut Consultation, now: Instant) -> Option<ApplicationId> {
    if consultation.deadline <= now {
        return None;
    }
    let application = consultation.open().last()?;
    consultation.current = Some(application);
    consultation.until = consultation.deadline;
    Some(application)
}

fn again_if(its_turn: bool, id: ConsultationId) -> Verdict {
    match its_turn {
        true => Verdict::AskAgain(vec![id]),
        false => Verdict::Nothing,
    }
}

#[cfg(test)]
mod tests;
