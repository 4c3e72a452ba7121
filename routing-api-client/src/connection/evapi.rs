//! What an application in the evapi dialect says: answers, and nothing else.

use tidegate_schemas::ConsultationId;

use super::Link;
use crate::dialect::evapi::EvapiDialect;
use crate::inbound::Inbound;

pub(crate) struct EvapiSession<'a> {
    link: &'a Link<'a>,
    dialect: &'a EvapiDialect,
}

impl<'a> EvapiSession<'a> {
    pub(crate) fn new(link: &'a Link<'a>, dialect: &'a EvapiDialect) -> Self {
        Self { link, dialect }
    }

    /// Nobody says hello: whoever is connected can be asked.
    pub(crate) fn begin(&self) -> Inbound {
        self.link.join(self.link.peer, None)
    }

    /// What came back for a question: it need not name it.
    pub(crate) fn on_answer(&self, id: ConsultationId, json: &[u8]) -> Inbound {
        Inbound::Answer {
            application: self.link.application.id,
            id,
            document: self.dialect.document(json).map(Box::new),
        }
    }

    pub(crate) fn on_message(&self, json: &[u8]) -> Option<Inbound> {
        let registry = &self.link.context.registry;
        let Some(answer) = self.dialect.answer(json) else {
            registry.counters.bad_message.add();
            return None;
        };
        Some(Inbound::Answer {
            application: self.link.application.id,
            id: ConsultationId {
                instance: registry.settings().instance,
                index: answer.index,
                label: answer.label,
            },
            document: answer.document.map(Box::new),
        })
    }
}
