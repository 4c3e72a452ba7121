//! Reading documents with the habits of rtjson.

use serde_json::Value;

use crate::document::{DocumentError, RouteDocument};

/// Reads a route document as rtjson would.
///
/// # Errors
/// The first value that can't be understood even so.
pub fn document_from_json(json: &[u8]) -> Result<RouteDocument, DocumentError> {
    RouteDocument::from_json(json)
}

/// Reads a route document that stands in a larger answer.
///
/// # Errors
/// The first value that can't be understood even so.
pub fn document_from_value(value: &Value) -> Result<RouteDocument, DocumentError> {
    RouteDocument::from_json(value.to_string().as_bytes())
}
