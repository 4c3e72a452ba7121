//! What is said to a question.

use std::borrow::Cow;

use serde::Serialize;
use tidegate_schemas::ConsultationId;
use tidegate_schemas::document::RouteDocument;
use tidegate_schemas::message::{ErrorMessage, FromApplication};

/// What is said to a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A decision, or that the next application in the proxy's chain is to decide.
    Document(Box<RouteDocument>),
    /// None: the proxy asks the next application, or does what its operator decided beforehand.
    Unable {
        /// A stable word for programs.
        code: Cow<'static, str>,
        /// Why, for people.
        reason: String,
    },
}

impl Answer {
    /// No decision, for this reason.
    #[must_use]
    pub fn unable(reason: impl Into<String>) -> Self {
        Self::Unable {
            code: "unable".into(),
            reason: reason.into(),
        }
    }

    /// The message for a channel: the answer to this question.
    #[must_use]
    pub fn into_json(self, id: ConsultationId) -> Vec<u8> {
        match self {
            Self::Document(mut document) => {
                document.id = Some(id);
                json(&document)
            }
            Self::Unable { code, reason } => json(&FromApplication::Error(ErrorMessage {
                id: Some(id),
                reference: None,
                code,
                message: reason.into(),
                pointer: None,
            })),
        }
    }
}

/// Nothing that is sent fails to be written as JSON: its maps have texts for keys.
pub(crate) fn json(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).unwrap_or_else(|error| {
        tracing::error!(%error, "a message can't be written as JSON");
        Vec::new()
    })
}
