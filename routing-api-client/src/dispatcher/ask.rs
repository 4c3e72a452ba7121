//! Finding somebody who decides.

use std::sync::Arc;
use std::time::{Duration, Instant};

use smallvec::SmallVec;
use tidegate_schemas::{ConsultationId, RouteDocument, RouteEvent};

use super::Dispatcher;
use super::settle::By;
use crate::application::ApplicationId;
use crate::member::{MemberState, Place, Standing};
use crate::outgoing::NotQueued;
use crate::pending::{Attempt, Consultation, Next, State, Trial};
use crate::pool::{Choice, Query, Search};
use crate::question::Question;

/// What became of a question.
pub(super) enum Outcome {
    Waiting(ApplicationId),
    Decided(Decided),
    Nothing,
}

/// A decision without an application that thinks about it.
pub(super) struct Decided {
    pub(super) tier: Arc<str>,
    pub(super) document: Arc<RouteDocument>,
    pub(super) by: By,
}

/// A question, while somebody is looked for.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) id: ConsultationId,
    pub(super) now: Instant,
    pub(super) clock: u64,
    pub(super) event: &'a RouteEvent<'a>,
}

impl Dispatcher {
    pub(super) fn pursue(
        &mut self,
        id: ConsultationId,
        now: Instant,
        c: &mut Consultation,
        event: &RouteEvent<'_>,
    ) -> Outcome {
        let asking = Asking {
            id,
            now,
            clock: self.registry.clock(now),
            event,
        };
        if c.deadline <= now {
            return Outcome::Nothing;
        }
        loop {
            let outcome = match std::mem::take(&mut c.next) {
                Next::Begin => self.begin_step(asking, c),
                Next::Pools => self.ask_pools(asking, c),
                Next::Again(member) => self.ask_once_more(asking, c, &member),
                Next::Hedge => self.hedge(asking, c),
                Next::Otherwise => self.otherwise(asking, c),
                Next::Refuse => {
                    self.stats.given_up += 1;
                    Some(Outcome::Nothing)
                }
            };
            if let Some(outcome) = outcome {
                return outcome;
            }
        }
    }

    /// Asks the best application of the first pool that has one. Without any, waits for one that was
    /// asked; nothing where that has to be decided otherwise.
    fn ask_pools(&mut self, asking: Asking<'_>, c: &mut Consultation) -> Option<Outcome> {
        if let Some(attempt) = c.turn() {
            return Some(Outcome::Waiting(attempt.seat.id()));
        }
        let found = match asking.now < c.step_end {
            true => self.ask_some_pool(asking, c, false),
            false => None,
        };
        let found = found.or_else(|| wait_on(c, asking.now).map(Outcome::Waiting));
        let found = found.or_else(|| self.ask_last_resort(asking, c));
        if found.is_none() {
            c.next = Next::Otherwise;
        }
        found
    }

    /// Those that are left out are better than nothing at all.
    fn ask_last_resort(&mut self, asking: Asking<'_>, c: &mut Consultation) -> Option<Outcome> {
        let has_otherwise = c.step().is_some_and(|step| !step.otherwise.is_empty());
        if has_otherwise || asking.now >= c.step_end {
            return None;
        }
        self.ask_some_pool(asking, c, true)
    }

    fn ask_some_pool(
        &mut self,
        asking: Asking<'_>,
        c: &mut Consultation,
        even_out: bool,
    ) -> Option<Outcome> {
        let pools = self.pools_of(c);
        for (at, &pool) in pools.iter().enumerate() {
            let behind = pools.get(at + 1..).unwrap_or_default();
            let found = self.ask_pool(asking, c, pool, behind, even_out);
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn ask_pool(
        &mut self,
        asking: Asking<'_>,
        c: &mut Consultation,
        pool: usize,
        behind: &[usize],
        even_out: bool,
    ) -> Option<Outcome> {
        for _ in 0..=self.pools.seats() {
            let search = self.search(asking, c, pool, even_out);
            let choice = search.choice?;
            let others = search.candidates > 1 || self.has_candidate(asking, c, behind);
            if let Some(endpoint) = &choice.seat.redirect {
                let endpoint = Arc::clone(endpoint);
                return Some(self.ask_redirect(asking, c, pool, &choice, &endpoint, others));
            }
            let Some(mut attempt) = self.transmit(asking, c, pool, &choice) else {
                continue;
            };
            if even_out && choice.standing != Standing::In && attempt.trial == Trial::None {
                attempt.trial = Trial::LastResort;
            }
            self.note(asking, c, pool, &choice, attempt, others);
            return Some(Outcome::Waiting(choice.seat.id()));
        }
        None
    }

    pub(super) fn search(
        &mut self,
        asking: Asking<'_>,
        c: &Consultation,
        pool: usize,
        even_out: bool,
    ) -> Search {
        let not = self.redirects.asked(asking.event);
        let query = query(asking, c, even_out, &not);
        let Some(pool) = self.pools.get_mut(pool) else {
            return Search::default();
        };
        let search = pool.search(&query);
        self.stats.ejected += search.ejected;
        if !even_out {
            self.stats.queue_full += search.full;
            self.stats.limited += search.limited;
        }
        search
    }

    pub(super) fn has_candidate(
        &self,
        asking: Asking<'_>,
        c: &Consultation,
        pools: &[usize],
    ) -> bool {
        if pools.is_empty() {
            return false;
        }
        let not = self.redirects.asked(asking.event);
        let query = query(asking, c, false, &not);
        let mut pools = pools.iter().filter_map(|pool| self.pools.get(*pool));
        pools.any(|pool| pool.has_candidate(&query))
    }

    /// Writes the question to the application; nothing when somebody else was faster and took its
    /// last place.
    pub(super) fn transmit(
        &mut self,
        asking: Asking<'_>,
        c: &Consultation,
        pool: usize,
        choice: &Choice,
    ) -> Option<Attempt> {
        let seat = &choice.seat;
        let places = self.take_places(&seat.member, pool)?;
        let trial = match choice.standing {
            Standing::Due if seat.member.health.begin_probe() => Trial::Probe,
            _ => Trial::None,
        };
        let sent = seat.application.reserve() && self.write(asking, c, choice);
        if !sent {
            if trial == Trial::Probe {
                seat.member.health.abandon_probe();
            }
            return None;
        }
        self.stats.probes += u64::from(trial == Trial::Probe);
        Some(Attempt {
            seat: Arc::clone(seat),
            at: asking.now,
            state: State::Turn,
            trial,
            hedge: false,
            repeated: false,
            places,
            result: None,
            ended: None,
            detail: None,
        })
    }

    fn write(&mut self, asking: Asking<'_>, c: &Consultation, choice: &Choice) -> bool {
        let left = c.step_end.saturating_duration_since(asking.now);
        let deadline_ms = u32::try_from(left.as_millis()).unwrap_or(u32::MAX);
        let application = &choice.seat.application;
        let body = self.notebook.body(asking.id);
        let queued = c.describe(asking.event, |event| {
            application.question(asking.id, deadline_ms, &Question { event, body })
        });
        if queued.is_err() {
            application.release();
        }
        self.stats.queue_full += u64::from(queued == Err(NotQueued::Full));
        queued.is_ok()
    }

    /// Where the policy bounds them.
    fn take_places(
        &mut self,
        member: &Arc<MemberState>,
        pool: usize,
    ) -> Option<[Option<Place>; 2]> {
        let pool = self.pools.get(pool).map(|pool| pool.limit.take());
        let taken = (member.limit.take(), pool.unwrap_or(Ok(None)));
        let (Ok(member), Ok(pool)) = taken else {
            self.stats.limited += 1;
            return None;
        };
        Some([member, pool])
    }

    /// An attempt gets its share of what remains when another one could follow, all of it otherwise.
    fn note(
        &mut self,
        asking: Asking<'_>,
        c: &mut Consultation,
        pool: usize,
        choice: &Choice,
        attempt: Attempt,
        others: bool,
    ) {
        self.count(c, pool, choice);
        c.asked.push(attempt);
        c.hedge_at = self.hedge_at(asking, pool, choice);
        let share = self.share(asking, c, pool, others);
        c.wait_until(asking.now + share);
    }

    pub(super) fn count(&mut self, c: &Consultation, pool: usize, choice: &Choice) {
        self.stats.asked += 1;
        self.stats.reasked += u64::from(!c.asked.is_empty());
        choice.seat.record.asked.add();
        if let Some(pool) = self.pools.get_mut(pool) {
            pool.took_turn(choice);
        }
    }

    pub(super) fn share(
        &self,
        asking: Asking<'_>,
        c: &Consultation,
        pool: usize,
        others: bool,
    ) -> Duration {
        let left = c.step_end.saturating_duration_since(asking.now);
        let share = self.pools.get(pool).map_or(1.0, |pool| pool.settings.share);
        match others {
            true => left.mul_f64(f64::from(share).clamp(0.01, 1.0)),
            false => left,
        }
    }

    /// The pools of the step, as they stand in the policy in force.
    pub(super) fn pools_of(&self, c: &Consultation) -> SmallVec<[usize; 4]> {
        let pools = c.step().map_or(&[][..], |step| &step.ask);
        let known = pools.iter().map(|pool| self.pools.find(&c.policy, *pool));
        known.flatten().collect()
    }
}

fn query<'a>(
    asking: Asking<'a>,
    c: &'a Consultation,
    even_out: bool,
    not: &'a [Arc<MemberState>],
) -> Query<'a> {
    Query {
        clock: asking.clock,
        asked: &c.asked,
        call: &asking.event.request.call_id,
        even_out,
        not,
    }
}

/// Leaves the rest of the time to an application that may yet answer, if there is one.
pub(super) fn wait_on(c: &mut Consultation, now: Instant) -> Option<ApplicationId> {
    if c.step_end <= now {
        return None;
    }
    let last = c.asked.iter_mut().rev().find(|attempt| attempt.open())?;
    last.state = State::Turn;
    let application = last.seat.id();
    c.hedge_at = None;
    c.wait_until(c.step_end);
    Some(application)
}
