//! What CGRateS says: answers, and what it wants about calls.

use std::time::Instant;

use tidegate_schemas::ConsultationId;
use tidegate_schemas::call::CallEventKind;
use tracing::debug;

use super::Link;
use crate::dialect::cgrates::{Cgrates, Message};
use crate::inbound::{Failure, Inbound, Order};

pub(crate) struct CgratesSession<'a> {
    link: &'a Link<'a>,
    dialect: &'a Cgrates,
}

impl<'a> CgratesSession<'a> {
    pub(crate) fn new(link: &'a Link<'a>, dialect: &'a Cgrates) -> Self {
        Self { link, dialect }
    }

    /// Nobody says hello: whoever is connected can be asked, and hears of the calls that it
    /// authorised.
    pub(crate) fn begin(&self) -> Inbound {
        let up = self.link.join(&self.dialect.settings().name, None);
        let wanted = [
            CallEventKind::Answered,
            CallEventKind::Failed,
            CallEventKind::Ended,
        ];
        let notifications = self.link.context.registry.notifications();
        notifications.subscribe(
            Instant::now(),
            &self.link.application,
            wanted.into_iter().collect(),
        );
        up
    }

    pub(crate) fn pings(&self) -> bool {
        self.dialect.settings().ping
    }

    pub(crate) fn on_answer(&self, id: ConsultationId, json: &[u8]) -> Inbound {
        Inbound::Answer {
            application: self.link.application.id,
            id,
            document: self.dialect.document(id, json),
        }
    }

    pub(crate) fn on_message(&self, json: &[u8]) -> Option<Inbound> {
        let registry = &self.link.context.registry;
        let application = self.link.application.id;
        let Some(message) = self.dialect.message(registry.settings().instance, json) else {
            registry.counters.bad_message.add();
            return None;
        };
        match message {
            Message::Answer { id, document } => Some(Inbound::Answer {
                application,
                id,
                document,
            }),
            Message::Failed { id, error } => {
                debug!(%id, error, "CGRateS could not answer");
                Some(Inbound::Failed {
                    application,
                    id,
                    failure: Failure::Error,
                })
            }
            Message::Disconnect { call, reason } => Some(Inbound::Order {
                application,
                order: Order::Terminate {
                    call,
                    reason,
                    reference: None,
                },
            }),
            Message::List => {
                if self.link.application.list_calls(self.dialect).is_err() {
                    registry.counters.notices_dropped.add();
                }
                None
            }
            Message::Alive => None,
        }
    }
}
