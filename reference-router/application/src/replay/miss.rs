//! A question for which there is no record.

use std::fmt::{self, Write};

use serde_json::Value;

use super::key::{Key, Pointer};

/// So many keys are looked at to find what comes nearest.
const LOOKED_AT: usize = 10_000;
/// So many are named.
const NAMED: usize = 3;
/// Longer values are cut.
const LONGEST: usize = 120;

/// A question for which there is no record: its key, and what comes nearest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Miss(String);

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A recorded key that shares values with a question.
struct Near<'r> {
    place: &'r str,
    masked: &'r [String],
    values: Vec<Value>,
    shared: usize,
}

impl Miss {
    /// All records with this key have been served.
    pub(crate) fn exhausted(key: &Key, values: &[Value], records: usize) -> Self {
        let key = written(key.pointers().iter().zip(values));
        Self(format!(
            "all records with this key have been served, and there are only {records}: {key}"
        ))
    }

    /// No record has this key. `known` are the recorded keys, as JSON, each with where its first
    /// record stands and which of its values are masked.
    pub(crate) fn unknown<'r>(
        key: &Key,
        values: &[Value],
        known: impl Iterator<Item = (&'r str, &'r str, &'r [String])>,
    ) -> Self {
        let pairs = key.pointers().iter().zip(values);
        let mut text = format!("no record has this key: {}", written(pairs));
        let near = nearest(values, known);
        if near.is_empty() {
            text.push_str("; no record comes near it");
        }
        for near in near {
            near.tell(key, values, &mut text);
        }
        Self(text)
    }
}

impl Near<'_> {
    fn tell(&self, key: &Key, values: &[Value], text: &mut String) {
        let pairs = key.pointers().iter().zip(values).zip(&self.values);
        let different = pairs.filter(|((_, asked), recorded)| asked != recorded);
        let different = different.map(|((pointer, _), recorded)| (pointer, recorded));
        let _ = write!(text, "; {} has {}", self.place, written(different));
        if !self.masked.is_empty() {
            let masked = self.masked.join(", ");
            let _ = write!(
                text,
                " (masked in the recording, and so never matched exactly: {masked}; \
                 a key without it would find the record)"
            );
        }
    }
}

fn nearest<'r>(
    values: &[Value],
    known: impl Iterator<Item = (&'r str, &'r str, &'r [String])>,
) -> Vec<Near<'r>> {
    let near = known.take(LOOKED_AT).filter_map(|(key, place, masked)| {
        let recorded: Vec<Value> = serde_json::from_str(key).ok()?;
        let shared = values.iter().zip(&recorded);
        Some(Near {
            place,
            masked,
            shared: shared.filter(|(asked, recorded)| asked == recorded).count(),
            values: recorded,
        })
    });
    let mut near: Vec<_> = near.filter(|near| near.shared > 0).collect();
    near.sort_by(|a, b| (b.shared, a.place).cmp(&(a.shared, b.place)));
    near.truncate(NAMED);
    near
}

fn written<'v>(pairs: impl Iterator<Item = (&'v Pointer, &'v Value)>) -> String {
    let pairs = pairs.map(|(pointer, value)| {
        let mut value = value.to_string();
        if let Some((end, _)) = value.char_indices().nth(LONGEST) {
            value.truncate(end);
            value.push('…');
        }
        format!("{pointer}={value}")
    });
    pairs.collect::<Vec<_>>().join(", ")
}
