//! What differs between two route documents, by what they mean.
//!
//! Compared is what the proxy would do, not how it is written: `id` and `version` never count, nor
//! do the order of what is tried at once, the case of header names, a group of one, or a default that
//! is spelled out. Targets are paired first, so that a change inside one is reported as that change
//! alone: those that say the same, those that lead to the same place, and those between the same
//! neighbours.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_schemas::RouteDocument;

mod document;
mod headers;
mod outcomes;
mod pairing;
mod report;
mod routes;
mod tolerance;
mod tree;
mod uri;
mod value;

use report::{At, Report};

pub use tolerance::{InvalidTolerance, Tolerances};

/// One thing in which two documents differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// What differs, in a word to group by: `action`, `targets`, `order`, `uri`, `fr_timer`,
    /// `headers.set.p-asserted-identity`, …; below `on_exhausted.` for what stands there.
    pub field: String,
    /// Where: a JSON Pointer into the expected document, or into the one that was found where the
    /// expected one has nothing there.
    pub pointer: String,
    /// What was expected; absent for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// What was found; absent for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Value>,
}

/// What `found` does differently from `expected`; nothing where they mean the same.
#[must_use]
pub fn compare(
    expected: &RouteDocument,
    found: &RouteDocument,
    tolerances: &Tolerances,
) -> Vec<Difference> {
    let mut report = Report::new(tolerances);
    let root = At {
        expected: "",
        found: "",
    };
    document::compare(expected, found, root, &mut report);
    report.differences
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<Value>| {
            let value = value.as_ref().map(ToString::to_string);
            value.unwrap_or_else(|| "nothing".to_owned())
        };
        let (expected, found) = (shown(&self.expected), shown(&self.found));
        write!(f, "{}: expected {expected}, found {found}", self.field)?;
        if self.pointer.is_empty() {
            return Ok(());
        }
        write!(f, " (at {})", self.pointer)
    }
}

#[cfg(test)]
mod tests;
