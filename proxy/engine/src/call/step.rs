//! One call in the act of handling one input.

use super::record::{Call, Stage};
use super::table::CallRef;
use crate::core::Core;
use crate::output::Output;
use crate::time::Time;
use crate::transaction::{Effects, Timer};
use crate::wheel::Entry;

/// Marks branch numbers that are about a call: one of its own requests, or its timer.
const CALL_BIT: u16 = 0x4000;
/// The call's own timer.
pub(super) const CALL: u16 = 0x7ffe;

/// Whether a branch number, of a timer or of our Via, is about a call.
pub(crate) fn is_call(branch: u16) -> bool {
    (CALL_BIT..=CALL).contains(&branch)
}

/// The branch number of our own request in this dialog, to this side.
pub(super) fn own_number(leg: usize, side: usize) -> u16 {
    u16::try_from(leg << 1 | side).map_or(CALL, |number| CALL_BIT | number)
}

/// What [`own_number`] was made of.
pub(super) fn own_place(branch: u16) -> (usize, usize) {
    let number = usize::from(branch & !CALL_BIT);
    (number >> 1, number & 1)
}

pub(crate) struct CallStep<'a, O: Output> {
    pub(super) now: Time,
    pub(super) core: &'a mut Core,
    pub(super) call: &'a mut Call,
    pub(super) out: &'a mut O,
}

impl Core {
    /// Lets a call handle one input, and forgets it once nothing can happen to it any more. `None`
    /// when there is none.
    pub(crate) fn with_call<O: Output, R>(
        &mut self,
        now: Time,
        slot: u32,
        out: &mut O,
        act: impl FnOnce(&mut CallStep<'_, O>) -> R,
    ) -> Option<R> {
        let mut call = self.calls.take(slot)?;
        let result = act(&mut CallStep {
            now,
            core: self,
            call: &mut call,
            out,
        });
        self.calls.give_back(call);
        Some(result)
    }

    /// The same for a call that may be gone.
    pub(crate) fn with_named_call<O: Output, R>(
        &mut self,
        now: Time,
        name: CallRef,
        out: &mut O,
        act: impl FnOnce(&mut CallStep<'_, O>) -> R,
    ) -> Option<R> {
        self.calls.get(name)?;
        self.with_call(now, name.slot, out, act)
    }
}

impl<O: Output> CallStep<'_, O> {
    /// Nobody has to be told any more.
    pub(super) fn drop_call(&mut self) {
        self.call.stage = Stage::Dropped;
    }

    pub(super) fn arm(&mut self, branch: u16, generation: u32, timer: Timer, ms: u32) {
        let entry = Entry {
            slot: self.call.slot,
            generation,
            branch,
            kind: timer,
        };
        self.core.wheel.insert(self.now.0, ms, entry);
    }

    pub(super) fn arm_all(&mut self, branch: u16, generation: u32, effects: &Effects) {
        for &(timer, ms) in effects.arm.iter() {
            self.arm(branch, generation, timer, ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::record::MOST_LEGS;
    use crate::core::{CANCEL_BIT, SERVER};

    #[test]
    fn numbers_of_calls_are_apart_from_those_of_branches() {
        for leg in 0..MOST_LEGS {
            for side in 0..2 {
                let number = own_number(leg, side);
                assert!(is_call(number) && number != CALL);
                assert_eq!(own_place(number), (leg, side));
            }
        }
        assert!(is_call(CALL));
        for other in [0, 255, SERVER, CANCEL_BIT, CANCEL_BIT | 255] {
            assert!(!is_call(other), "{other:#x}");
        }
    }
}
