//! What one shard waits for.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Instant;

use smallvec::SmallVec;
use tidegate_schemas::ConsultationId;

use crate::application::ApplicationId;

/// One consultation that has no answer.
#[derive(Debug)]
pub(crate) struct Consultation {
    /// The end of the whole.
    pub(crate) deadline: Instant,
    /// The end of this attempt.
    pub(crate) until: Instant,
    /// Whose turn it is.
    pub(crate) current: Option<ApplicationId>,
    pub(crate) asked: SmallVec<[Asked; 4]>,
}

/// An application that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) application: ApplicationId,
    /// Whether it may yet answer.
    pub(crate) open: bool,
}

impl Consultation {
    pub(crate) fn new(deadline: Instant) -> Self {
        Self {
            deadline,
            until: deadline,
            current: None,
            asked: SmallVec::new(),
        }
    }

    /// Those that may yet answer.
    pub(crate) fn open(&self) -> impl Iterator<Item = ApplicationId> {
        self.asked.iter().filter(|a| a.open).map(|a| a.application)
    }

    pub(crate) fn state_of(&mut self, application: ApplicationId) -> Option<&mut Asked> {
        self.asked.iter_mut().find(|a| a.application == application)
    }

    /// Notes that nothing more is to be hoped from `application`. Whether the next one has to be
    /// asked for that.
    pub(crate) fn close(&mut self, application: ApplicationId) -> bool {
        if let Some(asked) = self.state_of(application) {
            asked.open = false;
        }
        let its_turn = self.current == Some(application);
        if its_turn {
            self.current = None;
        }
        its_turn
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
            pending.insert(id(n), Consultation::new(at(n.into())));
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
