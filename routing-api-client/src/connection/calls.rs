//! What an application wants about calls: notifications, a list, an end.

use std::borrow::Cow;
use std::time::Instant;

use tidegate_schemas::call::CallEventKind;
use tidegate_schemas::message::{ErrorMessage, Terminate};

use super::Link;
use crate::inbound::{Inbound, Order};
use crate::notify::Wanted;

impl Link<'_> {
    /// The application has said hello and wants these notifications. Words that name none are
    /// complained of, the others count.
    pub(super) fn subscribe(&self, words: &[Cow<'_, str>]) {
        let known = words
            .iter()
            .filter_map(|word| CallEventKind::from_name(word));
        let wanted: Wanted = known.collect();
        let unknown = words
            .iter()
            .filter(|word| CallEventKind::from_name(word).is_none());
        for word in unknown {
            self.complain_about_subscription(word);
        }
        let notifications = self.context.registry.notifications();
        notifications.subscribe(Instant::now(), &self.application, wanted);
    }

    fn complain_about_subscription(&self, word: &str) {
        let word: String = word.chars().take(32).collect();
        let told = self.application.complain(ErrorMessage {
            id: None,
            reference: None,
            code: Cow::Borrowed("unknown_subscription"),
            message: Cow::Owned(format!("there are no notifications called `{word}`")),
            pointer: Some(Cow::Borrowed("/subscribe")),
        });
        let counters = &self.context.registry.counters;
        counters.bad_message.add();
        if told.is_err() {
            counters.notices_dropped.add();
        }
    }

    /// A notification was taken.
    pub(super) fn acknowledge(&self, event_id: &str) {
        let notifications = self.context.registry.notifications();
        notifications.ack(Instant::now(), &self.application.name(), event_id);
    }

    /// For all shards.
    pub(super) fn list_calls(&self, reference: Option<&str>) -> Inbound {
        self.order(Order::List {
            reference: reference.map(str::to_owned),
        })
    }

    /// For the shard that has the call, if its name can be read.
    pub(super) fn terminate(&self, wish: &Terminate<'_>) -> Option<Inbound> {
        let Ok(call) = wish.call.parse() else {
            let unknown = unknown_call(wish.reference.as_deref());
            if self.application.complain(unknown).is_err() {
                self.context.registry.counters.notices_dropped.add();
            }
            return None;
        };
        Some(self.order(Order::Terminate {
            call,
            reason: wish.reason.as_deref().map(str::to_owned),
            reference: wish.reference.as_deref().map(str::to_owned),
        }))
    }

    fn order(&self, order: Order) -> Inbound {
        Inbound::Order {
            application: self.application.id,
            order,
        }
    }
}

/// The answer to `terminate` for a call that is over or never was.
pub(crate) fn unknown_call(reference: Option<&str>) -> ErrorMessage<'_> {
    ErrorMessage {
        id: None,
        reference: reference.map(Cow::Borrowed),
        code: Cow::Borrowed("unknown_call"),
        message: Cow::Borrowed("no live call has this name"),
        pointer: None,
    }
}
