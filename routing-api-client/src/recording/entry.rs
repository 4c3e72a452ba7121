//! What one line of a recording says.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use tidegate_schemas::record::Record;

/// One consultation of a recording.
#[derive(Debug, Clone)]
pub struct Entry {
    file: Arc<str>,
    line: u64,
    text: Arc<str>,
    duration_ms: Option<u64>,
}

/// A line that is none of a recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {reason}")]
pub struct LineError {
    /// The file it stands in.
    pub file: Arc<str>,
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl LineError {
    pub(super) fn new(file: Arc<str>, line: u64, reason: String) -> Self {
        Self { file, line, reason }
    }
}

impl Entry {
    pub(super) fn new(file: Arc<str>, line: u64, text: Arc<str>, duration_ms: Option<u64>) -> Self {
        Self {
            file,
            line,
            text,
            duration_ms,
        }
    }

    /// The consultation, with the duration of its call where the recording has it.
    ///
    /// # Errors
    /// The line lacks something, or has something else in its place.
    pub fn record(&self) -> Result<Record<'_>, LineError> {
        let mut record: Record<'_> = serde_json::from_str(&self.text).map_err(|error| {
            LineError::new(Arc::clone(&self.file), self.line, error.to_string())
        })?;
        if let Some(outcome) = &mut record.outcome {
            outcome.duration_ms = outcome.duration_ms.or(self.duration_ms);
        }
        Ok(record)
    }

    /// The file it stands in.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The number of its line, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The line as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The kinds of lines that there are.
pub(super) enum Kind<'a> {
    /// A consultation about this call.
    Consultation(Cow<'a, str>),
    Ended,
}

/// Why a text is no line of a recording.
pub(super) struct NotALine {
    pub(super) reason: String,
    /// It is the beginning of something that could be one.
    pub(super) is_cut_off: bool,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    call: Cow<'a, str>,
}

impl<'a> Kind<'a> {
    /// Which kind of line this is. Reads only as much of it as tells that it is whole.
    pub(super) fn of(text: &'a str) -> Result<Self, NotALine> {
        let envelope: Envelope<'a> = serde_json::from_str(text).map_err(|error| NotALine {
            is_cut_off: error.is_eof(),
            reason: format!("no line of a recording: {error}"),
        })?;
        match &*envelope.kind {
            "consultation" => Ok(Self::Consultation(envelope.call)),
            "ended" => Ok(Self::Ended),
            other => Err(NotALine {
                is_cut_off: false,
                reason: format!(
                    "no line of a recording: its type is {other:?}, not `consultation` or `ended`"
                ),
            }),
        }
    }
}
