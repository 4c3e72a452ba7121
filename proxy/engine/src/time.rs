//! Time as the engine sees it.

use std::ops::Add;

/// Milliseconds since the shard started. The caller's clock; the engine has none of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Time {
    /// Milliseconds from `earlier` to `self`; 0 when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> u32 {
        u32::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(u32::MAX)
    }
}

impl Add<u32> for Time {
    type Output = Self;

    fn add(self, ms: u32) -> Self {
        Self(self.0.saturating_add(u64::from(ms)))
    }
}
