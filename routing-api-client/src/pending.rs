//! What one shard waits for.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use smallvec::SmallVec;
use tidegate_schemas::record::AttemptResult;
use tidegate_schemas::{ConsultationId, RouteDocument};

use crate::application::ApplicationId;
use crate::cache::Attributes;
use crate::member::{MemberState, Place};
use crate::policy::{Chain, Policy, Step};
use crate::pool::Seat;
use crate::shadow::Names;

/// One consultation that has no answer.
#[derive(Debug)]
pub(crate) struct Consultation {
    /// The end of the whole, by which the engine helps itself.
    pub(crate) deadline: Instant,
    /// By then one of `otherwise` has to decide; the same where there is none.
    pub(crate) decide_by: Instant,
    /// The end of the step.
    pub(crate) step_end: Instant,
    /// The end of this attempt.
    pub(crate) attempt_end: Instant,
    /// When a second application is asked.
    pub(crate) hedge_at: Option<Instant>,
    /// When something has to be done, whatever comes first of these.
    pub(crate) until: Instant,
    pub(crate) next: Next,
    pub(crate) asked: SmallVec<[Attempt; 2]>,
    /// Attempts in whose place the same connection was asked once more; for the recording.
    pub(crate) replaced: Vec<Attempt>,
    /// The policy with which it began.
    pub(crate) policy: Arc<Policy>,
    pub(crate) chain: usize,
    pub(crate) step: usize,
    /// The next tier of the step's `otherwise`.
    pub(crate) tier: usize,
    /// What earlier steps passed on.
    pub(crate) attributes: Option<Arc<Attributes>>,
    /// Those that get a copy of the step's question.
    pub(crate) shadows: Names,
    /// A document that passed, which may be used again.
    pub(crate) passed: Option<Box<Passed>>,
}

/// A document that passed, and where that was.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) step: usize,
    pub(crate) attributes: Option<Arc<Attributes>>,
    pub(crate) document: Box<RouteDocument>,
}

/// How a consultation goes on when it is asked about next.
#[derive(Debug, Clone, Default)]
pub(crate) enum Next {
    /// With a step of which nothing was done.
    Begin,
    /// With the next application of the step's pools.
    #[default]
    Pools,
    /// With the same application, once more.
    Again(Arc<MemberState>),
    /// With a second application beside the first.
    Hedge,
    /// With the next tier of `otherwise`.
    Otherwise,
    /// Nothing decides.
    Refuse,
}

/// A question to an application.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) seat: Arc<Seat>,
    pub(crate) at: Instant,
    pub(crate) state: State,
    /// It tries one that is left out.
    pub(crate) trial: Trial,
    /// It is the second one beside another.
    pub(crate) hedge: bool,
    /// The same application was asked before.
    pub(crate) repeated: bool,
    /// The policy's places, where it bounds them.
    pub(crate) places: [Option<Place>; 2],
    /// What came of it, where it failed.
    pub(crate) result: Option<AttemptResult>,
    /// When it answered or failed.
    pub(crate) ended: Option<Instant>,
    /// What is wrong with its document.
    pub(crate) detail: Option<Box<str>>,
}

/// What is to be hoped from an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It has its share of the time.
    Turn,
    /// Its time ran out, but it may yet answer.
    Overdue,
    /// Its answer is of no use, if one comes.
    Withdrawn,
    /// It answered in some way.
    Closed,
}

/// Whether a question tries an application that is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Trial {
    /// It is not left out.
    #[default]
    None,
    /// It is the one question that tries it.
    Probe,
    /// There was nobody else.
    LastResort,
}

impl Attempt {
    pub(crate) fn is_by(&self, application: ApplicationId) -> bool {
        self.seat.id() == application
    }

    /// Whether its answer counts.
    pub(crate) fn open(&self) -> bool {
        matches!(self.state, State::Turn | State::Overdue)
    }

    /// Gives back the places that it took.
    pub(crate) fn release(&mut self, state: State) {
        self.state = state;
        self.places = [None, None];
        if self.seat.redirect.is_none() {
            self.seat.application.release();
        }
    }
}

impl Consultation {
    pub(crate) fn new(policy: Arc<Policy>, chain: u16, deadline: Instant) -> Self {
        let chain = usize::from(chain);
        Self {
            deadline,
            decide_by: deadline,
            step_end: deadline,
            attempt_end: deadline,
            hedge_at: None,
            until: deadline,
            next: Next::Begin,
            asked: SmallVec::new(),
            replaced: Vec::new(),
            chain: if chain < policy.chains.len() {
                chain
            } else {
                0
            },
            policy,
            step: 0,
            tier: 0,
            attributes: None,
            shadows: Names::new(),
            passed: None,
        }
    }

    /// Puts the attempts of one connection aside, which is asked once more.
    pub(crate) fn replace(&mut self, id: ApplicationId) {
        for attempt in std::mem::take(&mut self.asked) {
            match attempt.is_by(id) {
                true => self.replaced.push(attempt),
                false => self.asked.push(attempt),
            }
        }
    }

    pub(crate) fn chain(&self) -> Option<&Chain> {
        self.policy.chains.get(self.chain)
    }

    pub(crate) fn step(&self) -> Option<&Step> {
        self.chain()?.steps.get(self.step)
    }

    pub(crate) fn is_last_step(&self) -> bool {
        let steps = self.chain().map_or(0, |chain| chain.steps.len());
        self.step + 1 >= steps
    }

    /// The question that an application may yet answer.
    pub(crate) fn open_by(&mut self, application: ApplicationId) -> Option<&mut Attempt> {
        let mut attempts = self.asked.iter_mut();
        attempts.find(|attempt| attempt.is_by(application) && attempt.open())
    }

    /// Who has its share of the time.
    pub(crate) fn turn(&self) -> Option<&Attempt> {
        self.asked.iter().find(|a| a.state == State::Turn)
    }

    pub(crate) fn waits(&self) -> bool {
        self.turn().is_some()
    }

    /// Sleeps until `until` or the time to hedge.
    pub(crate) fn wait_until(&mut self, end: Instant) {
        self.attempt_end = end;
        self.until = self.hedge_at.map_or(end, |hedge| hedge.min(end));
    }
}

/// All consultations of a shard, and when their attempts end.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    consultations: HashMap<ConsultationId, Consultation, foldhash::fast::RandomState>,
    /// May hold ends that are no longer true, but never at the top.
    ends: BinaryHeap<Reverse<(Instant, ConsultationId)>>,
}

impl Pending {
    pub(crate) fn insert(&mut self, id: ConsultationId, consultation: Consultation) {
        self.ends.push(Reverse((consultation.until, id)));
        self.consultations.insert(id, consultation);
        self.drop_untrue();
    }

    pub(crate) fn remove(&mut self, id: ConsultationId) -> Option<Consultation> {
        let removed = self.consultations.remove(&id)?;
        self.drop_untrue();
        Some(removed)
    }

    pub(crate) fn get_mut(&mut self, id: ConsultationId) -> Option<&mut Consultation> {
        self.consultations.get_mut(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.consultations.len()
    }

    /// Every consultation; their `until` may not be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (ConsultationId, &mut Consultation)> {
        self.consultations.iter_mut().map(|(id, c)| (*id, c))
    }

    pub(crate) fn next_end(&self) -> Option<Instant> {
        self.ends.peek().map(|Reverse((end, _))| *end)
    }

    /// Takes out one consultation whose attempt ended.
    pub(crate) fn take_ended(&mut self, now: Instant) -> Option<(ConsultationId, Consultation)> {
        let Reverse((end, id)) = *self.ends.peek()?;
        (end <= now).then_some(())?;
        self.remove(id).map(|consultation| (id, consultation))
    }

    fn drop_untrue(&mut self) {
        while let Some(Reverse((end, id))) = self.ends.peek() {
            if self.consultations.get(id).is_some_and(|c| c.until == *end) {
                return;
            }
            self.ends.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::samples::id;

    #[test]
    fn the_next_end_is_never_that_of_a_consultation_that_is_over() {
        let start = Instant::now();
        let at = |n: u64| start + Duration::from_millis(n);
        let mut pending = Pending::default();
        for n in [3, 1, 2] {
            let policy = Arc::new(Policy::simple());
            pending.insert(id(n), Consultation::new(policy, 0, at(n.into())));
        }
        assert_eq!(pending.next_end(), Some(at(1)));
        pending.remove(id(1));
        assert_eq!(pending.next_end(), Some(at(2)));
        pending.remove(id(3));
        assert_eq!(pending.take_ended(at(1)).map(|(id, _)| id), None);
        assert_eq!(pending.take_ended(at(2)).map(|(id, _)| id), Some(id(2)));
        assert_eq!((pending.next_end(), pending.ends.len()), (None, 0));
    }
}
