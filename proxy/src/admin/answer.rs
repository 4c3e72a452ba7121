//! Answers that are no success.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tidegate_schemas::admin::{Failure, Fault};

use crate::manage::ManageError;

/// Why a request is not carried out.
pub(super) struct Refusal {
    status: StatusCode,
    fault: Fault,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let fault = Fault {
            code: code.to_owned(),
            message: message.into(),
            pointer: None,
        };
        Self { status, fault }
    }

    /// What of the body is to blame.
    pub(super) fn at(mut self, pointer: String) -> Self {
        self.fault.pointer = Some(pointer);
        self
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Json(Failure { error: self.fault });
        (self.status, body).into_response()
    }
}

impl From<ManageError> for Refusal {
    fn from(error: ManageError) -> Self {
        let status = match &error {
            ManageError::UnknownApplication(_)
            | ManageError::UnknownShadow(_)
            | ManageError::UnknownCall => StatusCode::NOT_FOUND,
            ManageError::Exists(_)
            | ManageError::DialsIn(_)
            | ManageError::Conflict(_)
            | ManageError::NeedsRestart(_)
            | ManageError::NoFile => StatusCode::CONFLICT,
            ManageError::Invalid(_) | ManageError::Config(_) => StatusCode::UNPROCESSABLE_ENTITY,
            ManageError::NotAsked(..) => StatusCode::SERVICE_UNAVAILABLE,
        };
        let fault = error.fault();
        Self { status, fault }
    }
}
