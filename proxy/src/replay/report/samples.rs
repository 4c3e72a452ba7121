//! The questions that are kept to be looked at.

use routing_api_client::Difference;
use serde::Serialize;
use serde_json::Value;
use tidegate_schemas::document::RouteDocument;

use super::super::verdict::Stake;
use super::Question;
use super::collect::Asked;

/// Bytes of all of them together.
const MOST_BYTES: usize = 16 << 20;
/// Bytes of one document.
const LARGEST_DOCUMENT: usize = 64 << 10;
/// Bytes of one value.
const LARGEST_VALUE: usize = 2 << 10;
/// Characters of a name, an address, an id.
const LONGEST: usize = 500;
/// Differences of one question.
const MOST_DIFFERENCES: usize = 50;

/// Bounded in number and in bytes.
pub(super) struct Samples {
    /// For each field and each problem.
    pub(super) most: usize,
    pub(super) questions: Vec<Question>,
    left: usize,
}

impl Samples {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            questions: Vec::new(),
            left: MOST_BYTES,
        }
    }

    /// Its place; nothing where there is no room.
    pub(super) fn add(
        &mut self,
        asked: &Asked<'_>,
        found: Option<&RouteDocument>,
        differences: &[Difference],
    ) -> Option<usize> {
        let question = question(asked, found, differences);
        let size = serde_json::to_string(&question).map_or(MOST_BYTES, |text| text.len());
        self.left = self.left.checked_sub(size)?;
        self.questions.push(question);
        Some(self.questions.len() - 1)
    }
}

fn question(
    asked: &Asked<'_>,
    found: Option<&RouteDocument>,
    differences: &[Difference],
) -> Question {
    let record = asked.record;
    let request = &record.event.request;
    Question {
        call: short(&record.call),
        id: record.id.to_string(),
        file: asked.entry.file().to_owned(),
        line: asked.entry.line(),
        time_ms: record.time_ms,
        method: short(&request.method),
        uri: short(&request.uri),
        from: short(&request.from.uri),
        outcome: Stake::of(record),
        code: record.outcome.as_ref().and_then(|it| it.code),
        expected: document(asked.expected),
        found: found.map(document),
        differences: differences.iter().take(MOST_DIFFERENCES).map(cut).collect(),
    }
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// Without what never counts.
fn document(document: &RouteDocument) -> Value {
    let mut document = document.clone();
    (document.id, document.version) = (None, None);
    bounded(&document, LARGEST_DOCUMENT)
}

/// The same with short values.
pub(super) fn cut(difference: &Difference) -> Difference {
    let value = |value: &Option<Value>| value.as_ref().map(|it| bounded(it, LARGEST_VALUE));
    Difference {
        field: short(&difference.field),
        pointer: short(&difference.pointer),
        expected: value(&difference.expected),
        found: value(&difference.found),
    }
}

/// What is larger becomes the beginning of its text.
fn bounded(of: &impl Serialize, most: usize) -> Value {
    let text = serde_json::to_string(of).unwrap_or_default();
    if text.len() <= most {
        return serde_json::to_value(of).unwrap_or_default();
    }
    let beginning: String = text.chars().take(most / 4).collect();
    Value::String(format!("{beginning}… ({} bytes)", text.len()))
}

/// `/routes/3/uri` is `/routes/*/uri`.
pub(super) fn pattern(pointer: &str) -> String {
    let is_index = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    let parts = pointer.split('/');
    let parts: Vec<&str> = parts
        .map(|it| if is_index(it) { "*" } else { it })
        .collect();
    short(&parts.join("/"))
}
