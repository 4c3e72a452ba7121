//! How a question is written and how an answer is read.

pub(crate) mod cgrates;
pub(crate) mod drachtio;
pub(crate) mod escape;
pub(crate) mod evapi;
pub(crate) mod http;
pub(crate) mod native;
pub(crate) mod pick;
pub(crate) mod template;
pub(crate) mod uri;
pub(crate) mod variables;
pub(crate) mod wazo;

use std::sync::Arc;

use bytes::Bytes;
use tidegate_schemas::document::Action;
use tidegate_schemas::frame::Framing;
use tidegate_schemas::{ConsultationId, RouteDocument};

use crate::question::Question;

use cgrates::{Cgrates, CgratesDialect};
use drachtio::DrachtioDialect;
use evapi::EvapiDialect;
use http::{HttpDialect, HttpQuestion};
use native::NativeDialect;
use wazo::WazoDialect;

/// What is spoken on a connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Dialect {
    /// What the KamailioAgent of CGRateS speaks.
    Cgrates(Arc<Cgrates>),
    /// What a request handler of drachtio speaks, over HTTP.
    Drachtio(DrachtioDialect),
    /// What applications written for Kamailio's evapi speak.
    Evapi(Arc<EvapiDialect>),
    /// The routing contract: `hello`, events, route documents, heartbeats.
    Native(NativeDialect),
    /// What Wazo's router speaks, over HTTP.
    Wazo(WazoDialect),
}

impl From<CgratesDialect> for Dialect {
    fn from(dialect: CgratesDialect) -> Self {
        Self::Cgrates(Arc::new(dialect.into()))
    }
}

impl Dialect {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Cgrates(_) => "cgrates",
            Self::Drachtio(_) => "drachtio",
            Self::Evapi(_) => "evapi",
            Self::Native(_) => "native",
            Self::Wazo(_) => "wazo",
        }
    }

    /// The framing, unless the application's first byte decides.
    pub(crate) fn framing(&self) -> Option<Framing> {
        match self {
            Self::Cgrates(cgrates) => Some(cgrates.settings().framing),
            Self::Drachtio(_) | Self::Wazo(_) => Some(Framing::Raw),
            Self::Evapi(evapi) => Some(evapi.framing),
            Self::Native(native) => native.framing,
        }
    }

    /// Whether a notification is acknowledged; otherwise it is taken when it is written.
    pub(crate) fn acknowledges(&self) -> bool {
        matches!(self, Self::Native(_))
    }

    /// Whether an application begins with `hello`, and shows a secret there.
    pub(crate) fn says_hello(&self) -> bool {
        matches!(self, Self::Native(_))
    }

    /// Appends one whole question to `out`.
    pub(crate) fn question(
        &self,
        framing: Framing,
        id: ConsultationId,
        deadline_ms: u32,
        question: &Question<'_>,
        out: &mut Vec<u8>,
    ) {
        let event = question.event;
        match self {
            Self::Cgrates(cgrates) => cgrates.question(framing, id, deadline_ms, event, out),
            Self::Drachtio(drachtio) => drachtio.question(event, out),
            Self::Evapi(evapi) => evapi.question(framing, id, event, out),
            Self::Native(native) => native.question(framing, id, deadline_ms, question, out),
            Self::Wazo(wazo) => wazo.question(event, out),
        }
    }

    /// How it is spoken where applications answer requests and say nothing else.
    pub(crate) fn over_http(&self) -> Option<&dyn HttpDialect> {
        match self {
            Self::Drachtio(drachtio) => Some(drachtio),
            Self::Wazo(wazo) => Some(wazo),
            Self::Cgrates(_) | Self::Evapi(_) | Self::Native(_) => None,
        }
    }

    /// The HTTP request for a question that was rendered.
    pub(crate) fn http_question(&self, rendered: Bytes) -> HttpQuestion {
        match self.over_http() {
            Some(dialect) => dialect.request(rendered),
            None => HttpQuestion::post("application/json", rendered),
        }
    }
}

/// A `pass` that brings routes along is the decision itself where no application follows: CGRateS
/// may be the last in a chain as well as the first.
pub(crate) fn decide_in_the_last_step(document: &mut RouteDocument) {
    if document.action == Some(Action::Pass) && !document.routes.is_empty() {
        document.action = Some(Action::Route);
        document.attributes = None;
    }
}
