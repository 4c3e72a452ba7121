//! What may differ without being a difference.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What may differ without being a difference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tolerances {
    /// Fields that do not count, with all below them; `*` stands for one part of a name:
    /// `tags`, `headers.set.x-trace`, `headers.*.x-trace`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// Milliseconds by which any timer may differ: `fr_timer`, `fr_inv_timer`, `max_call_ms`.
    pub timer_ms: u32,
    /// Milliseconds by which a timer may differ, for that timer instead of `timer_ms`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub timers: BTreeMap<String, u32>,
    /// The order in which targets are tried does not count. In a parallel group it never does.
    pub any_order: bool,
}

/// Why a word of the command line is no tolerance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidTolerance(pub(super) String);

impl Tolerances {
    /// Adds a field that does not count: `tags`, `headers.set.x-trace`.
    ///
    /// # Errors
    /// There is no such field; says which there are.
    pub fn ignore(&mut self, field: &str) -> Result<(), InvalidTolerance> {
        self.ignore.push(field.to_ascii_lowercase());
        Ok(())
    }

    /// Adds a tolerance: `fr_timer=500`, `timers=500`, `any_order`.
    ///
    /// # Errors
    /// It is none; says which there are.
    pub fn tolerate(&mut self, text: &str) -> Result<(), InvalidTolerance> {
        Err(InvalidTolerance(text.to_owned()))
    }
}
