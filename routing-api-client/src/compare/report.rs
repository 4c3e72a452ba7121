//! Collecting differences.

use serde_json::Value;

use super::{Difference, Tolerances};

/// Differences that are reported of two documents at most.
const MOST: usize = 1000;

/// Where a thing stands in both documents.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) expected: &'a str,
    pub(super) found: &'a str,
}

/// A value and the pointer to it.
pub(super) type Found = Option<(String, Value)>;

#[derive(Debug)]
pub(super) struct Report<'t> {
    pub(super) tolerances: &'t Tolerances,
    /// `on_exhausted.` as often as one document stands in another.
    prefix: String,
    pub(super) differences: Vec<Difference>,
}

impl<'t> Report<'t> {
    pub(super) fn new(tolerances: &'t Tolerances) -> Self {
        Self {
            tolerances,
            prefix: String::new(),
            differences: Vec::new(),
        }
    }

    /// An empty one for the same place.
    pub(super) fn another(&self) -> Self {
        Self {
            prefix: self.prefix.clone(),
            ..Self::new(self.tolerances)
        }
    }

    /// One for the document that follows.
    pub(super) fn below(&self) -> Self {
        Self {
            prefix: format!("{}on_exhausted.", self.prefix),
            ..Self::new(self.tolerances)
        }
    }

    pub(super) fn take(&mut self, other: Self) {
        let room = MOST.saturating_sub(self.differences.len());
        self.differences
            .extend(other.differences.into_iter().take(room));
    }

    /// Reports a difference, unless the field does not count.
    pub(super) fn differ(&mut self, field: &str, expected: Found, found: Found) {
        self.differ_in(field, field, expected, found);
    }

    /// Likewise for a part of a field, by which it can be ignored too.
    pub(super) fn differ_in(&mut self, field: &str, part: &str, expected: Found, found: Found) {
        let field = format!("{}{field}", self.prefix);
        let part = format!("{}{part}", self.prefix);
        if self.differences.len() >= MOST || self.tolerances.ignores(&part) {
            return;
        }
        let pointer = expected.as_ref().or(found.as_ref());
        self.differences.push(Difference {
            field,
            pointer: pointer.map(|(at, _)| at.clone()).unwrap_or_default(),
            expected: expected.map(|(_, value)| value),
            found: found.map(|(_, value)| value),
        });
    }

    /// Compares what stands under `key` in both.
    pub(super) fn value<T: PartialEq + Into<Value>>(
        &mut self,
        key: &str,
        at: At<'_>,
        expected: Option<T>,
        found: Option<T>,
    ) {
        if expected != found {
            self.differ(
                key,
                expected.map(|value| (join(at.expected, key), value.into())),
                found.map(|value| (join(at.found, key), value.into())),
            );
        }
    }

    /// Compares texts by their one spelling; an empty one is absent.
    pub(super) fn text(
        &mut self,
        key: &str,
        at: At<'_>,
        (expected, found): (&Option<String>, &Option<String>),
        spelling: impl Fn(&str) -> String,
    ) {
        let (expected, found) = (given(expected), given(found));
        if expected == found || expected.map(&spelling) == found.map(&spelling) {
            return;
        }
        self.differ(
            key,
            expected.map(|value| (join(at.expected, key), value.into())),
            found.map(|value| (join(at.found, key), value.into())),
        );
    }

    /// Compares timers, which may differ a little.
    pub(super) fn timer(
        &mut self,
        key: &str,
        at: At<'_>,
        (expected, found): (Option<u32>, Option<u32>),
    ) {
        let near = |(one, two): (u32, u32)| one.abs_diff(two) <= self.tolerances.of_timer(key);
        if !expected.zip(found).is_some_and(near) {
            self.value(key, at, expected, found);
        }
    }
}

/// A pointer one step further in.
pub(super) fn join(pointer: &str, token: &str) -> String {
    let mut out = String::with_capacity(pointer.len() + token.len() + 1);
    out.push_str(pointer);
    out.push('/');
    for letter in token.chars() {
        match letter {
            '~' => out.push_str("~0"),
            '/' => out.push_str("~1"),
            _ => out.push(letter),
        }
    }
    out
}

/// An empty text is absent.
pub(super) fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}
