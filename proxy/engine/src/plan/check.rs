//! Judging a document before there is a request: the configuration's own.

use tidegate_schemas::{DocumentError, RouteDocument};

use super::{Scope, compile};
use crate::config::Config;

impl Config {
    /// Whether `document` could decide about an INVITE without an application.
    ///
    /// # Errors
    /// Where and why it could not.
    pub fn check_document(&self, document: &RouteDocument) -> Result<(), DocumentError> {
        let scope = Scope {
            may_ask: false,
            ..Scope::of(self, true)
        };
        compile(document, &scope).map(drop)
    }

    /// Whether `document` could decide about an INVITE as the answer of an application.
    ///
    /// # Errors
    /// Where and why it could not.
    pub fn check_answer(&self, document: &RouteDocument) -> Result<(), DocumentError> {
        self.check_answer_to(document, true)
    }

    /// The same about an INVITE, or about any other request.
    ///
    /// # Errors
    /// Where and why it could not.
    pub fn check_answer_to(
        &self,
        document: &RouteDocument,
        is_invite: bool,
    ) -> Result<(), DocumentError> {
        compile(document, &Scope::of(self, is_invite)).map(drop)
    }
}
