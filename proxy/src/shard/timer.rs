//! The one timer of a shard.

use std::pin::Pin;
use std::task::Context;
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep_until};

use super::Shard;
use super::clock::Moment;

/// One tokio timer, armed for the earliest of all. It may fire early; it is never late.
#[derive(Debug)]
pub(super) struct Timer {
    sleep: Pin<Box<Sleep>>,
    armed: Instant,
}

impl Timer {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            sleep: Box::pin(sleep_until(now.into())),
            armed: now,
        }
    }

    /// Wakes the task at `next` at the latest.
    fn arm(&mut self, cx: &mut Context<'_>, next: Instant) {
        if next < self.armed {
            self.reset(next);
        }
        if self.sleep.as_mut().poll(cx).is_pending() {
            return;
        }
        self.reset(next);
        if self.sleep.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }

    fn reset(&mut self, to: Instant) {
        self.armed = to;
        self.sleep.as_mut().reset(to.into());
    }
}

impl Shard {
    /// Lets fire what is due.
    pub(super) fn fire(&mut self, now: Moment) {
        if self.next_timeout().is_none_or(|next| next > now.instant) {
            return;
        }
        self.engine.handle_timeout(now.time, &mut self.outbox);
        self.dispatcher
            .on_timeout(now.instant, &mut self.outbox.tasks.consult);
    }

    /// Waits for the next that will be due, for a millisecond at least.
    pub(super) fn arm(&mut self, cx: &mut Context<'_>, now: Moment) {
        if let Some(next) = self.next_timeout() {
            self.timer
                .arm(cx, next.max(now.instant + Duration::from_millis(1)));
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        let engine = self
            .engine
            .next_timeout()
            .map(|time| self.clock.instant(time));
        let applications = self.dispatcher.next_timeout();
        engine.into_iter().chain(applications).min()
    }
}
