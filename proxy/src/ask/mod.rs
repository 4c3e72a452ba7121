//! One question to one application, and what its answer would do.

mod draw;
mod listeners;

use routing_api_client::{Difference, SampleAnswer, SampleError, Tolerances, compare};
use serde::Serialize;
use serde_json::Value;
use tidegate_engine::plan::{Description, describe};
use tidegate_schemas::admin::Fault;
use tidegate_schemas::document::{DocumentError, RouteDocument};

pub(crate) use draw::draw;
pub(crate) use listeners::engine;

/// A question, its answer, and what that is worth.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Asked {
    /// Who was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) application: Option<String>,
    /// Its own version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) release: Option<String>,
    /// What was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<Value>,
    /// Microseconds to the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) took_us: Option<u64>,
    /// The answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) document: Option<RouteDocument>,
    /// Why it can't be used, or why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<Problem>,
    /// What it would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plan: Option<Description>,
    /// What differs from the recorded decision, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) differences: Option<Vec<Difference>>,
}

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// Where in the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pointer: Option<String>,
    /// What.
    pub(crate) message: String,
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self {
            pointer: fault.pointer,
            message: fault.message,
        }
    }
}

impl From<&DocumentError> for Problem {
    fn from(error: &DocumentError) -> Self {
        Self {
            pointer: Some(error.pointer.to_string()),
            message: error.reason.to_string(),
        }
    }
}

impl Asked {
    pub(crate) fn of(document: RouteDocument) -> Self {
        Self {
            document: Some(document),
            ..Self::default()
        }
    }

    pub(crate) fn invalid(error: &DocumentError) -> Self {
        Self {
            problem: Some(error.into()),
            ..Self::default()
        }
    }

    pub(crate) fn answered(answer: Result<SampleAnswer, SampleError>) -> Self {
        match answer {
            Ok(answer) => Self::of(answer.document),
            Err(SampleError::Invalid(error)) => Self::invalid(&error),
            Err(error) => Self {
                problem: Some(Problem {
                    pointer: None,
                    message: error.to_string(),
                }),
                ..Self::default()
            },
        }
    }

    /// Whether it can be executed, and what it would do then.
    pub(crate) fn judge(&mut self, engine: &tidegate_engine::Config, is_invite: bool) {
        let Some(document) = &self.document else {
            return;
        };
        match describe(document, engine, is_invite) {
            Ok(plan) => self.plan = Some(plan),
            Err(error) => self.problem = Some((&error).into()),
        }
    }

    /// What it does otherwise than was decided then.
    pub(crate) fn compare(&mut self, recorded: &RouteDocument) {
        if let Some(document) = &self.document {
            self.differences = Some(compare(recorded, document, &Tolerances::default()));
        }
    }

    /// Whether the answer can be used, and is the one that was expected.
    pub(crate) fn is_good(&self) -> bool {
        let differs = self.differences.as_ref().is_some_and(|it| !it.is_empty());
        self.problem.is_none() && !differs
    }
}

#[cfg(test)]
mod tests;
