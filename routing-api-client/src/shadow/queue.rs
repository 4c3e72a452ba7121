//! From the shards to the thread that asks shadows.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{Names, ShadowSettings};

/// A question for shadows, with what was decided.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) shadows: Names,
    pub(super) event: Box<[u8]>,
    pub(super) document: Box<[u8]>,
    pub(super) decided_by: Box<str>,
    pub(super) in_last_step: bool,
}

/// A bounded queue. What finds no room is dropped, so that a shard never waits.
///
/// Only the first question behind an empty queue wakes the thread, which looks again at intervals
/// while there are more: a question costs no wake-up.
#[derive(Debug)]
pub(super) struct Queue {
    jobs: Mutex<Jobs>,
    most: AtomicUsize,
    most_bytes: AtomicUsize,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Jobs {
    queue: VecDeque<Job>,
    bytes: usize,
    /// The thread looks again by itself.
    watched: bool,
}

impl Default for Queue {
    fn default() -> Self {
        let settings = ShadowSettings::default();
        Self {
            jobs: Mutex::default(),
            most: AtomicUsize::new(settings.queue),
            most_bytes: AtomicUsize::new(settings.queue_bytes),
            wake: Notify::new(),
        }
    }
}

impl Queue {
    pub(super) fn set_bounds(&self, jobs: usize, bytes: usize) {
        self.most.store(jobs, Ordering::Relaxed);
        self.most_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Puts one in that takes `size` bytes; `false` where there is no room for it.
    pub(super) fn push(&self, size: usize, make: impl FnOnce() -> Job) -> bool {
        let mut jobs = self.jobs();
        let has_room = jobs.queue.len() < self.most.load(Ordering::Relaxed)
            && jobs.bytes + size <= self.most_bytes.load(Ordering::Relaxed);
        if !has_room {
            return false;
        }
        jobs.bytes += size;
        jobs.queue.push_back(make());
        let wake = !std::mem::replace(&mut jobs.watched, true);
        drop(jobs);
        if wake {
            self.wake.notify_one();
        }
        true
    }

    /// Waits until there is something in an empty queue.
    pub(super) async fn filled(&self) {
        self.wake.notified().await;
    }

    /// Takes all. When there is nothing, the next one that comes wakes the thread.
    pub(super) fn take(&self) -> VecDeque<Job> {
        let mut jobs = self.jobs();
        jobs.bytes = 0;
        jobs.watched = !jobs.queue.is_empty();
        std::mem::take(&mut jobs.queue)
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        Job {
            shadows: Names::new(),
            event: Box::default(),
            document: Box::default(),
            decided_by: Box::default(),
            in_last_step: true,
        }
    }

    fn queue(jobs: usize, bytes: usize) -> Queue {
        let queue = Queue::default();
        queue.set_bounds(jobs, bytes);
        queue
    }

    #[test]
    fn what_finds_no_room_is_dropped() {
        let many = queue(2, 1000);
        assert_eq!([0; 3].map(|_| many.push(1, job)), [true, true, false]);
        let large = queue(10, 100);
        let taken = [60, 41, 40].map(|size| large.push(size, job));
        assert_eq!(taken, [true, false, true]);
    }

    #[test]
    fn what_was_taken_makes_room() {
        let queue = queue(1, 100);
        assert!(queue.push(100, job));
        assert_eq!(queue.take().len(), 1);
        assert!(queue.push(100, job));
    }

    #[tokio::test]
    async fn only_what_comes_into_an_unwatched_queue_wakes_the_thread() {
        let queue = queue(10, 1000);
        let woken = || {
            let waiting = tokio::time::timeout(std::time::Duration::ZERO, queue.filled());
            async { waiting.await.is_ok() }
        };
        queue.push(1, job);
        queue.push(1, job);
        assert!(woken().await);
        assert!(!woken().await);
        assert_eq!(queue.take().len(), 2);
        queue.push(1, job);
        assert!(!woken().await);
        assert_eq!(queue.take().len(), 1);
        assert!(queue.take().is_empty());
        queue.push(1, job);
        assert!(woken().await);
    }
}
