//! Applications that answer HTTP requests and say nothing else.

use tidegate_schemas::ConsultationId;

use super::Link;
use crate::dialect::http::HttpDialect;
use crate::inbound::Inbound;

pub(crate) struct RequestSession<'a> {
    link: &'a Link<'a>,
    dialect: &'a dyn HttpDialect,
}

impl<'a> RequestSession<'a> {
    pub(crate) fn new(link: &'a Link<'a>, dialect: &'a dyn HttpDialect) -> Self {
        Self { link, dialect }
    }

    /// Whoever takes connections can be asked.
    pub(crate) fn begin(&self) -> Inbound {
        self.link.join(self.link.peer, None)
    }

    pub(crate) fn on_answer(&self, id: ConsultationId, body: &[u8]) -> Inbound {
        Inbound::Answer {
            application: self.link.application.id,
            id,
            document: self.dialect.answer(body).map(Box::new),
        }
    }

    /// Nothing was asked that this could be about.
    pub(crate) fn on_message(&self) {
        self.link.context.registry.counters.bad_message.add();
    }
}
