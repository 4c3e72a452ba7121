//! A short memory of consultations that are over, so that what still comes can be told apart.

use smallvec::SmallVec;
use tidegate_schemas::ConsultationId;

use crate::application::ApplicationId;
use crate::pending::{Attempt, State};

/// How many consultations are remembered at most. A power of two.
const ENTRIES: usize = 8192;

/// A table of fixed size in which the new takes the place of the old.
#[derive(Debug)]
pub(crate) struct Finished {
    entries: Box<[Option<Entry>]>,
}

#[derive(Debug, Clone)]
struct Entry {
    id: ConsultationId,
    /// Who is open has not answered.
    asked: SmallVec<[Asked; 4]>,
}

/// An application that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    application: ApplicationId,
    /// Whether it may yet answer.
    open: bool,
}

/// What an answer to no open question is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leftover {
    /// The first one, after the end.
    Late,
    /// A further one.
    Duplicate,
    /// Not to anything that is remembered.
    Unknown,
}

impl Default for Finished {
    fn default() -> Self {
        Self {
            entries: vec![None; ENTRIES].into_boxed_slice(),
        }
    }
}

impl Finished {
    /// Remembers who was asked, and who has answered in some way.
    pub(crate) fn remember(&mut self, id: ConsultationId, attempts: &[Attempt]) {
        let asked = attempts.iter().map(|attempt| Asked {
            application: attempt.seat.id(),
            open: attempt.state != State::Closed,
        });
        self.put(id, asked.collect());
    }

    fn put(&mut self, id: ConsultationId, asked: SmallVec<[Asked; 4]>) {
        if let Some(place) = self.place(id) {
            *place = Some(Entry { id, asked });
        }
    }

    /// Says what an answer is, and remembers that it came.
    pub(crate) fn answered(&mut self, id: ConsultationId, by: ApplicationId) -> Leftover {
        let entry = self.place(id).and_then(Option::as_mut);
        let entry = entry.filter(|e| e.id == id);
        let mut asked = entry.into_iter().flat_map(|e| e.asked.iter_mut());
        match asked.find(|asked| asked.application == by) {
            None => Leftover::Unknown,
            Some(Asked { open: false, .. }) => Leftover::Duplicate,
            Some(asked) => {
                asked.open = false;
                Leftover::Late
            }
        }
    }

    fn place(&mut self, id: ConsultationId) -> Option<&mut Option<Entry>> {
        self.entries.get_mut(index(id))
    }
}

/// Labels are given out one after the other, so that neighbours do not meet.
fn index(id: ConsultationId) -> usize {
    id.label as usize & (ENTRIES - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::id;

    const A: ApplicationId = ApplicationId(1);
    const B: ApplicationId = ApplicationId(2);

    #[test]
    fn tells_late_double_and_unknown_answers_apart() {
        let mut finished = Finished::default();
        let asked = [
            Asked {
                application: A,
                open: true,
            },
            Asked {
                application: B,
                open: false,
            },
        ];
        finished.put(id(1), SmallVec::from_slice(&asked));
        assert_eq!(finished.answered(id(1), A), Leftover::Late);
        assert_eq!(finished.answered(id(1), A), Leftover::Duplicate);
        assert_eq!(finished.answered(id(1), B), Leftover::Duplicate);
        assert_eq!(
            finished.answered(id(1), ApplicationId(3)),
            Leftover::Unknown
        );
        assert_eq!(finished.answered(id(2), A), Leftover::Unknown);
    }

    #[test]
    fn the_new_takes_the_place_of_the_old() {
        let mut finished = Finished::default();
        let asked = [Asked {
            application: A,
            open: true,
        }];
        let newer = u32::try_from(ENTRIES).unwrap() + 1;
        finished.put(id(1), SmallVec::from_slice(&asked));
        finished.put(id(newer), SmallVec::from_slice(&asked));
        assert_eq!(finished.answered(id(1), A), Leftover::Unknown);
        assert_eq!(finished.answered(id(newer), A), Leftover::Late);
    }
}
