//! Refusals, and the place that they name.

use std::borrow::Cow;

use tidegate_schemas::DocumentError;
use tidegate_schemas::error::push_token;

/// Refuses the value at hand; the callers add where it stands.
pub(super) fn refuse<T>(reason: impl Into<Cow<'static, str>>) -> Result<T, DocumentError> {
    Err(DocumentError::new("", reason))
}

/// Names the place from the inside out, so that a document without faults pays nothing for it.
pub(super) trait At: Sized {
    /// The fault is in the member `key`.
    fn at(self, key: &str) -> Self;

    /// The fault is in the element `index`.
    fn at_index(self, index: usize) -> Self;
}

impl<T> At for Result<T, DocumentError> {
    fn at(self, key: &str) -> Self {
        self.map_err(|error| {
            let mut pointer = String::with_capacity(key.len() + error.pointer.len() + 1);
            push_token(&mut pointer, key);
            pointer.push_str(&error.pointer);
            DocumentError::new(pointer, error.reason)
        })
    }

    fn at_index(self, index: usize) -> Self {
        self.map_err(|error| DocumentError::new(format!("/{index}{}", error.pointer), error.reason))
    }
}

/// A value for a message: quoted, its control characters escaped, its length bounded.
pub(super) fn show(value: &str) -> String {
    const LONGEST: usize = 64;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", value.get(..end).unwrap_or_default()),
        None => format!("{value:?}"),
    }
}

/// A value that will stand in one line of a message.
pub(super) fn one_line(value: &str) -> Result<&str, DocumentError> {
    if value.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        return refuse("CR, LF and NUL can't stand in a value");
    }
    Ok(value)
}

/// An empty string means that nothing was given, as in rtjson.
pub(super) fn given(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_put_together_from_the_inside_out() {
        let refused: Result<(), _> = refuse("no");
        let error = refused.at("a/b").at_index(3).at("routes").unwrap_err();
        assert_eq!(error.pointer, "/routes/3/a~1b");
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let shown = show(&"é".repeat(1000));
        assert!(shown.len() < 200 && shown.ends_with("\"…"), "{shown}");
        assert_eq!(show("a\r\n"), "\"a\\r\\n\"");
    }
}
