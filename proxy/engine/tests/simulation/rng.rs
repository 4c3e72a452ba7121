//! Choices, all from one seed.

use fastrand::Rng;

/// What the simulation asks of its source of randomness.
pub(crate) trait Choose {
    /// True in so many of a hundred cases.
    fn percent(&mut self, chance: u32) -> bool;
    /// True in so many of a thousand cases.
    fn permille(&mut self, chance: u32) -> bool;
    /// One of them.
    fn pick<T: Copy>(&mut self, of: &[T]) -> T;
    /// One of them, by weight.
    fn weighed<T: Copy>(&mut self, of: &[(u32, T)]) -> T;
}

impl Choose for Rng {
    fn percent(&mut self, chance: u32) -> bool {
        self.u32(0..100) < chance
    }

    fn permille(&mut self, chance: u32) -> bool {
        self.u32(0..1000) < chance
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.usize(0..of.len())]
    }

    fn weighed<T: Copy>(&mut self, of: &[(u32, T)]) -> T {
        let mut left = self.u32(0..of.iter().map(|(weight, _)| weight).sum());
        for (weight, choice) in of {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *choice,
            }
        }
        unreachable!("the weights were summed up")
    }
}
