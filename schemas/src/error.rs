//! Why a document is refused, and where.

use std::borrow::Cow;
use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_path_to_error::{Path, Segment};

/// Why a document is refused: where and why. Sent back to the application in an `error` message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize, JsonSchema)]
#[error("{}: {reason}", if pointer.is_empty() { "document" } else { pointer })]
pub struct DocumentError {
    /// JSON Pointer (RFC 6901) to the offending value; empty for the whole document.
    pub pointer: Cow<'static, str>,
    /// Why it can't be honoured.
    pub reason: Cow<'static, str>,
}

impl DocumentError {
    /// Refuses the value at `pointer`.
    pub fn new(
        pointer: impl Into<Cow<'static, str>>,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            pointer: pointer.into(),
            reason: reason.into(),
        }
    }

    pub(crate) fn from_json(error: &serde_path_to_error::Error<serde_json::Error>) -> Self {
        Self::new(pointer(error.path()), reason(error.inner()))
    }
}

/// Appends one reference token (RFC 6901 section 3) to a pointer.
pub fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    for character in token.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                let _ = write!(pointer, "/{index}");
            }
            Segment::Map { key } => push_token(&mut pointer, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// The place in the text only helps where the text is not JSON.
fn reason(error: &serde_json::Error) -> String {
    let mut text = error.to_string();
    if error.is_data() {
        let place = format!(" at line {} column {}", error.line(), error.column());
        if text.ends_with(&place) {
            text.truncate(text.len() - place.len());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_escaped_as_in_rfc_6901_section_3() {
        let mut pointer = String::new();
        push_token(&mut pointer, "a/b");
        push_token(&mut pointer, "m~n");
        assert_eq!(pointer, "/a~1b/m~0n");
    }

    #[test]
    fn the_whole_document_has_a_name_in_messages() {
        let error = DocumentError::new("", "no routes");
        assert_eq!(error.to_string(), "document: no routes");
    }
}
