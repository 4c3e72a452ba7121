//! What does not concern the shards.

use std::borrow::Cow;

use tidegate_schemas::message::ErrorMessage;
use tidegate_schemas::{ConsultationId, RouteDocument};
use tokio::time::{Duration, Instant, sleep_until};

use super::Link;
use crate::inbound::{Inbound, Order};
use crate::registry::{Registry, SampleError};

/// How long nothing is read from a shadow after each message of one that babbles, so that reading it
/// costs no shard anything.
const QUIET: Duration = Duration::from_millis(10);

impl Link<'_> {
    /// What the shards have to know. The answer to a question outside of calls is handed over here;
    /// what a shadow wants about calls, and its answers to what no shard asked it, end here.
    pub(super) fn sift(&self, inbound: Inbound) -> Option<Inbound> {
        let application = &self.application;
        match inbound {
            Inbound::Answer { id, document, .. } if Registry::is_sample(id) => {
                let answer = document.map(|it| *it).map_err(SampleError::Invalid);
                self.hand_over(id, answer);
                None
            }
            Inbound::Failed { id, failure, .. } if Registry::is_sample(id) => {
                self.hand_over(id, Err(SampleError::Failed(failure)));
                None
            }
            Inbound::Answer { id, .. } | Inbound::Failed { id, .. }
                if !application.may_decide() =>
            {
                self.complain_unknown(id);
                None
            }
            Inbound::Order { order, .. } if application.is_shadow() => {
                self.refuse(&order);
                None
            }
            inbound => Some(inbound),
        }
    }

    /// A shadow that says mostly what is wrong is read no faster than this.
    pub(super) fn quiet_until(&self) -> Option<Instant> {
        let application = &self.application;
        let babbles = application.is_shadow() && application.babbles();
        babbles.then(|| Instant::now() + QUIET)
    }

    fn hand_over(&self, id: ConsultationId, answer: Result<RouteDocument, SampleError>) {
        let registry = &self.context.registry;
        let taken = registry.take_sample(self.application.id, id, answer);
        if !taken && !self.application.is_late() {
            self.complain_unknown(id);
        }
    }

    fn complain_unknown(&self, id: ConsultationId) {
        let counters = &self.context.registry.counters;
        counters.bad_message.add();
        if self.application.complain_unknown(id).is_err() {
            counters.notices_dropped.add();
        }
    }

    fn refuse(&self, order: &Order) {
        let (Order::Terminate { reference, .. } | Order::List { reference }) = order;
        let told = self.application.complain(ErrorMessage {
            id: None,
            reference: reference.as_deref().map(Cow::Borrowed),
            code: Cow::Borrowed("shadow"),
            message: Cow::Borrowed("this application only looks on and can't change calls"),
            pointer: None,
        });
        if told.is_err() {
            self.context.registry.counters.notices_dropped.add();
        }
    }
}

pub(super) async fn wait(until: Option<Instant>) {
    if let Some(until) = until {
        sleep_until(until).await;
    }
}
