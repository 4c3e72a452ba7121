//! Call notifications on their way to those who subscribed, at least once and in order.
//!
//! A subscriber is an application by its name. Its queue outlives its connections: what happens
//! while it is away, it gets when it comes back, within [`Settings::notify_keep`] and the bounds of
//! the queue; beyond these the oldest is given up and counted. Everything is sent over one of its
//! connections in the order in which it happened, up to 256 ahead of the acknowledgements. When
//! that connection is lost, or an acknowledgement takes longer than [`Settings::ack_timeout`], all
//! that was not acknowledged is sent again over another one: a receiver that keeps `event_id` tells
//! repeats.
//!
//! Shards [push](Notifier::push) what happened; it is copied into the outgoing buffers at once, and
//! where one is full it waits in the queue. A subscriber that does not read holds up nobody.
//!
//! A channel has three duties, and otherwise writes what its [`Application`] is given:
//! - [`Notifier::subscribe`] when the application said in its `hello` what it wants, after it has
//!   joined the registry. `Registry::leave` undoes it;
//! - [`Notifier::ack`] when a notification was taken. Over HTTP this is any 2xx to its POST;
//! - writing what `Application::notice` was given, one JSON message of type `call`, as everything
//!   else that is written.
//!
//! [`Settings::notify_keep`]: crate::Settings::notify_keep
//! [`Settings::ack_timeout`]: crate::Settings::ack_timeout

mod queue;
mod subscriber;
mod tick;
mod wanted;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use tidegate_schemas::call::CallEventKind;

use crate::application::{Application, ApplicationId};
use crate::settings::Settings;
use subscriber::{Counted, Subscriber};

pub use tick::keep_notifying;
pub use wanted::Wanted;

/// The subscribers of one process.
#[derive(Debug)]
pub struct Notifier {
    settings: Settings,
    subscribers: Mutex<HashMap<Arc<str>, Subscriber>>,
    wanted: AtomicU8,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Counters {
    pushed: AtomicU64,
    sent: AtomicU64,
    acked: AtomicU64,
    resent: AtomicU64,
    dropped: AtomicU64,
}

/// What was counted about notifications, all subscribers together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NotifyStats {
    /// Notifications that somebody had subscribed to.
    pub pushed: u64,
    /// Written for a subscriber, repeats included.
    pub sent: u64,
    /// Acknowledged.
    pub acked: u64,
    /// To be sent again: the connection was lost, or the acknowledgement did not come.
    pub resent: u64,
    /// Given up: the subscriber was away or slow for too long.
    pub dropped: u64,
}

/// One subscriber, for people to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriberState {
    /// The application.
    pub name: Arc<str>,
    /// What it wants.
    pub wanted: Wanted,
    /// Its connections that subscribed.
    pub connections: usize,
    /// Notifications that it has not acknowledged.
    pub waiting: usize,
    /// Those among them that were sent.
    pub in_flight: usize,
    /// Those that were given up.
    pub dropped: u64,
}

impl Notifier {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            subscribers: Mutex::default(),
            wanted: AtomicU8::new(0),
            counters: Counters::default(),
        }
    }

    /// What anybody wants to be told. Costs one atomic load.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        Wanted::from_bits(self.wanted.load(Ordering::Relaxed))
    }

    /// Something of this kind happened; `payload` is the message of type `call` as JSON, `id` its
    /// `event_id`.
    pub fn push(&self, now: Instant, kind: CallEventKind, id: &str, payload: &Bytes) {
        let mut all = self.lock();
        let wanting = all.values_mut().filter(|it| it.wanted.contains(kind));
        for subscriber in wanting {
            self.counters.pushed.fetch_add(1, Ordering::Relaxed);
            self.count(subscriber.push(now, &self.settings, id, payload.clone()));
        }
    }

    /// A connection of an application wants these notifications.
    pub(crate) fn subscribe(&self, now: Instant, application: &Arc<Application>, wanted: Wanted) {
        if wanted.is_empty() {
            return;
        }
        let mut all = self.lock();
        let subscriber = all
            .entry(application.name())
            .or_insert_with(Subscriber::new);
        self.count(subscriber.join(now, &self.settings, Arc::clone(application), wanted));
        self.announce(&all);
    }

    /// That connection is gone.
    pub(crate) fn leave(&self, now: Instant, id: ApplicationId) {
        let mut all = self.lock();
        for subscriber in all.values_mut() {
            self.count(subscriber.leave(now, &self.settings, id));
        }
        self.announce(&all);
    }

    /// The application of this name has taken a notification: it is not sent again.
    pub(crate) fn ack(&self, now: Instant, name: &str, id: &str) {
        if let Some(subscriber) = self.lock().get_mut(name) {
            let (known, counted) = subscriber.ack(now, &self.settings, id);
            self.counters
                .acked
                .fetch_add(u64::from(known), Ordering::Relaxed);
            self.count(counted);
        }
    }

    /// Time passes. Subscribers that were away for too long are forgotten with what waits for them.
    pub(crate) fn tick(&self, now: Instant) {
        let mut all = self.lock();
        for subscriber in all.values_mut() {
            self.count(subscriber.tick(now, &self.settings));
        }
        let keep = self.settings.notify_keep;
        let is_over = |subscriber: &Subscriber| subscriber.is_over(now, keep);
        let lost: usize = all
            .values()
            .filter(|it| is_over(it))
            .map(Subscriber::waiting)
            .sum();
        self.counters
            .dropped
            .fetch_add(lost as u64, Ordering::Relaxed);
        all.retain(|_, subscriber| !is_over(subscriber));
        self.announce(&all);
    }

    /// What was counted.
    #[must_use]
    pub fn stats(&self) -> NotifyStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        NotifyStats {
            pushed: read(&self.counters.pushed),
            sent: read(&self.counters.sent),
            acked: read(&self.counters.acked),
            resent: read(&self.counters.resent),
            dropped: read(&self.counters.dropped),
        }
    }

    /// Who subscribed, connected or not.
    #[must_use]
    pub fn subscribers(&self) -> Vec<SubscriberState> {
        let all = self.lock();
        let state = |(name, it): (&Arc<str>, &Subscriber)| SubscriberState {
            name: Arc::clone(name),
            wanted: it.wanted,
            connections: it.connections(),
            waiting: it.waiting(),
            in_flight: it.in_flight(),
            dropped: it.dropped,
        };
        all.iter().map(state).collect()
    }

    fn count(&self, counted: Counted) {
        let add = |counter: &AtomicU64, n: u64| {
            if n > 0 {
                counter.fetch_add(n, Ordering::Relaxed);
            }
        };
        add(&self.counters.sent, counted.sent);
        add(&self.counters.resent, counted.resent);
        add(&self.counters.dropped, counted.dropped);
    }

    fn announce(&self, all: &HashMap<Arc<str>, Subscriber>) {
        let wanted = all.values().map(|it| it.wanted);
        let wanted = wanted.fold(Wanted::default(), Wanted::or);
        self.wanted.store(wanted.bits(), Ordering::Relaxed);
    }

    /// Nothing in here panics with the lock held.
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Subscriber>> {
        self.subscribers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
