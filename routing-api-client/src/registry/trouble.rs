//! Why the last attempt to speak with an application came to nothing, for people who wait for one.

use std::fmt::Display;
use std::sync::{Arc, PoisonError, RwLock};

use super::Registry;

#[derive(Debug, Default)]
pub(super) struct Trouble(RwLock<Option<Arc<str>>>);

impl Registry {
    /// Keeps what was wrong at `peer`.
    pub(crate) fn trouble(&self, peer: &str, what: &dyn Display) {
        let said = Arc::from(format!("{peer}: {what}"));
        *self
            .trouble
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(said);
    }

    /// What was wrong last, and where.
    pub(crate) fn last_trouble(&self) -> Option<Arc<str>> {
        let last = self.trouble.0.read();
        last.unwrap_or_else(PoisonError::into_inner).clone()
    }
}
