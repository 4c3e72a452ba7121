//! How a question is written and how an answer is read.

pub(crate) mod escape;
pub(crate) mod evapi;
pub(crate) mod native;
pub(crate) mod pick;
pub(crate) mod template;
pub(crate) mod uri;
pub(crate) mod variables;

use std::sync::Arc;

use tidegate_schemas::frame::Framing;
use tidegate_schemas::{ConsultationId, RouteEvent};

use evapi::EvapiDialect;
use native::NativeDialect;

/// What is spoken on a connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Dialect {
    /// The routing contract: `hello`, events, route documents, heartbeats.
    Native(NativeDialect),
    /// What applications written for Kamailio's evapi speak.
    Evapi(Arc<EvapiDialect>),
}

impl Dialect {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Native(_) => "native",
            Self::Evapi(_) => "evapi",
        }
    }

    /// The framing, unless the application's first byte decides.
    pub(crate) fn framing(&self) -> Option<Framing> {
        match self {
            Self::Native(native) => native.framing,
            Self::Evapi(evapi) => Some(evapi.framing),
        }
    }

    /// Appends one whole question to `out`.
    pub(crate) fn question(
        &self,
        framing: Framing,
        id: ConsultationId,
        deadline_ms: u32,
        event: &RouteEvent<'_>,
        out: &mut Vec<u8>,
    ) {
        match self {
            Self::Native(native) => native.question(framing, id, deadline_ms, event, out),
            Self::Evapi(evapi) => evapi.question(framing, id, event, out),
        }
    }
}
