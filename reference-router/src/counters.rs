//! What happened since the start.

use std::sync::atomic::{AtomicU64, Ordering};

use routing_application::{Answer, Happening};
use serde_json::{Map, Value};
use tidegate_schemas::document::Action;

use crate::chain::kind;

/// What is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Count {
    Questions,
    Routes,
    Replies,
    Redirects,
    Drops,
    Passes,
    Unable,
    TooLate,
    Cancelled,
    BadMessages,
    Refused,
    Notifications,
    NotificationsFailed,
    Acks,
    Swept,
    Connections,
}

const NAMES: [(Count, &str); 16] = [
    (Count::Questions, "questions"),
    (Count::Routes, "routes"),
    (Count::Replies, "replies"),
    (Count::Redirects, "redirects"),
    (Count::Drops, "drops"),
    (Count::Passes, "passes"),
    (Count::Unable, "unable"),
    (Count::TooLate, "too_late"),
    (Count::Cancelled, "cancelled"),
    (Count::BadMessages, "bad_messages"),
    (Count::Refused, "answers_refused_by_the_proxy"),
    (Count::Notifications, "notifications"),
    (Count::NotificationsFailed, "notifications_failed"),
    (Count::Acks, "acks"),
    (Count::Swept, "reservations_given_up"),
    (Count::Connections, "connections"),
];

#[derive(Debug, Default)]
pub(crate) struct Counters([AtomicU64; NAMES.len()]);

impl Counters {
    pub(crate) fn add(&self, count: Count, amount: u64) {
        if let Some(counter) = self.0.get(count as usize) {
            counter.fetch_add(amount, Ordering::Relaxed);
        }
    }

    pub(crate) fn happened(&self, what: Happening) {
        let count = match what {
            Happening::Connected => Count::Connections,
            Happening::Cancelled => Count::Cancelled,
            Happening::BadMessage => Count::BadMessages,
            Happening::Refused => Count::Refused,
            Happening::Notification => Count::Notifications,
            Happening::Acknowledged => Count::Acks,
            Happening::NotAcknowledged => Count::NotificationsFailed,
        };
        self.add(count, 1);
    }

    pub(crate) fn answer(&self, answer: &Answer) {
        let count = match answer {
            Answer::Unable { .. } => Count::Unable,
            Answer::Document(document) => match kind(document) {
                Action::Reply => Count::Replies,
                Action::Redirect => Count::Redirects,
                Action::Drop => Count::Drops,
                Action::Pass => Count::Passes,
                Action::Route | Action::Ask => Count::Routes,
            },
        };
        self.add(count, 1);
    }

    pub(crate) fn report(&self) -> Value {
        let read = |count: Count| {
            self.0
                .get(count as usize)
                .map(|n| n.load(Ordering::Relaxed))
        };
        let all = NAMES.map(|(count, name)| (name.to_owned(), Value::from(read(count))));
        Value::Object(Map::from_iter(all))
    }
}
