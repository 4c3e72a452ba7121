//! A bound on questions in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Counts questions where a bound is configured; without one it is not touched.
#[derive(Debug)]
pub(crate) struct Limiter {
    most: AtomicU32,
    taken: AtomicU32,
}

impl Default for Limiter {
    fn default() -> Self {
        Self {
            most: AtomicU32::new(u32::MAX),
            taken: AtomicU32::new(0),
        }
    }
}

/// One question's place. Given back when it is dropped, whatever bound there is by then.
#[derive(Debug)]
pub(crate) struct Place(Arc<Limiter>);

impl Limiter {
    pub(crate) fn set(&self, most: Option<u32>) {
        self.most.store(most.unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// Whether [`take`](Self::take) would find no place. A hint: another thread may be faster.
    pub(crate) fn full(&self) -> bool {
        let most = self.most.load(Ordering::Relaxed);
        most != u32::MAX && self.taken.load(Ordering::Relaxed) >= most
    }

    #[cfg(test)]
    pub(crate) fn taken(&self) -> u32 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Takes a place. Nothing is taken, and that is well, where there is no bound.
    pub(crate) fn take(self: &Arc<Self>) -> Result<Option<Place>, Full> {
        let most = self.most.load(Ordering::Relaxed);
        if most == u32::MAX {
            return Ok(None);
        }
        let one_more = |n| (n < most).then_some(n + 1);
        self.taken
            .try_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .map_err(|_| Full)?;
        Ok(Some(Place(Arc::clone(self))))
    }
}

/// There is no place left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back_whatever_the_bound_is_by_then() {
        let limiter = Arc::new(Limiter::default());
        assert!(matches!(limiter.take(), Ok(None)));
        limiter.set(Some(1));
        let place = limiter.take().unwrap();
        assert!(limiter.full() && limiter.take().is_err());
        limiter.set(None);
        drop(place);
        limiter.set(Some(1));
        assert!(!limiter.full() && limiter.take().is_ok());
    }
}
