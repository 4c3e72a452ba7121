//! A line that is being written: first the question, then the decision, last the outcome.

use std::borrow::Cow;
use std::ops::Range;
use std::time::Instant;

use serde::Serialize;
use tidegate_schemas::document::RouteDocument;
use tidegate_schemas::message::VERSION;
use tidegate_schemas::record::{
    DecisionCause, RecordedApplication, RecordedAttempt, RecordedOutcome,
};
use tidegate_schemas::{ConsultationId, RouteEvent};

use crate::question::{Head, write_body, write_head};

/// One consultation on its way into the recording.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) id: ConsultationId,
    pub(super) begun: Instant,
    line: Vec<u8>,
    event: Range<usize>,
    /// Where the body of the event begins.
    body: usize,
    document: Option<Range<usize>>,
    pub(super) state: State,
    /// An application failed, or nothing decided.
    pub(super) failed: bool,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It is asked.
    Asked,
    /// It has its decision.
    Decided,
}

/// The beginning of a line.
#[derive(Serialize)]
struct Opening<'a> {
    r#type: &'a str,
    version: &'a str,
    time_ms: u64,
    id: ConsultationId,
    call: &'a str,
    node: &'a str,
}

/// The middle of a line.
#[derive(Serialize)]
pub(super) struct Closing<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) application: Option<RecordedApplication<'a>>,
    pub(super) tier: &'a str,
    pub(super) cause: DecisionCause,
    pub(super) latency_us: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) attempts: Vec<RecordedAttempt<'a>>,
}

#[derive(Serialize)]
struct End<'a> {
    outcome: &'a RecordedOutcome<'a>,
}

impl Draft {
    /// Writes the question.
    pub(super) fn open(
        id: ConsultationId,
        begun: Instant,
        time_ms: u64,
        event: &RouteEvent<'_>,
    ) -> serde_json::Result<Self> {
        let mut line = Vec::with_capacity(2048);
        let opening = Opening {
            r#type: "consultation",
            version: VERSION,
            time_ms,
            id,
            call: &event.call,
            node: &event.node,
        };
        serde_json::to_writer(&mut line, &opening)?;
        line.pop();
        line.extend_from_slice(b",\"event\":");
        let start = line.len();
        let head = Head {
            id: event.id,
            call: &event.call,
            node: &event.node,
            deadline_ms: event.deadline_ms,
        };
        write_head(&head, &mut line)?;
        let body = line.len();
        write_body(event, &mut line)?;
        Ok(Self {
            id,
            begun,
            event: start..line.len(),
            body,
            line,
            document: None,
            state: State::Asked,
            failed: false,
        })
    }

    /// Writes the decision.
    pub(super) fn decide(&mut self, document: Option<&RouteDocument>, closing: &Closing<'_>) {
        let length = self.line.len();
        if self.try_decide(document, closing).is_err() {
            self.line.truncate(length);
        }
        self.state = State::Decided;
    }

    fn try_decide(
        &mut self,
        document: Option<&RouteDocument>,
        closing: &Closing<'_>,
    ) -> serde_json::Result<()> {
        self.document = document
            .map(|document| add_field(&mut self.line, "document", document))
            .transpose()?;
        add_fields(&mut self.line, closing)
    }

    /// The question as JSON.
    pub(super) fn event(&self) -> &[u8] {
        self.line.get(self.event.clone()).unwrap_or_default()
    }

    /// What of the question is the same whoever is asked.
    pub(super) fn body(&self) -> &[u8] {
        self.line.get(self.body..self.event.end).unwrap_or_default()
    }

    /// Whether it is that question, and has no decision yet.
    pub(super) fn is_open(&self, id: ConsultationId) -> bool {
        self.id == id && self.state == State::Asked
    }

    /// The decision as JSON.
    pub(super) fn document(&self) -> Option<&[u8]> {
        self.line.get(self.document.clone()?)
    }

    pub(super) fn size(&self) -> usize {
        self.line.capacity()
    }

    /// Writes the outcome, and gives the whole line.
    pub(super) fn finish(&mut self, outcome: Option<&RecordedOutcome<'_>>) -> &[u8] {
        let length = self.line.len();
        if let Some(outcome) = outcome
            && add_fields(&mut self.line, &End { outcome }).is_err()
        {
            self.line.truncate(length);
        }
        self.line.push(b'}');
        &self.line
    }
}

/// Where the value stands.
fn add_field(
    line: &mut Vec<u8>,
    name: &str,
    value: &impl Serialize,
) -> serde_json::Result<Range<usize>> {
    line.extend_from_slice(b",\"");
    line.extend_from_slice(name.as_bytes());
    line.extend_from_slice(b"\":");
    let start = line.len();
    serde_json::to_writer(&mut *line, value)?;
    Ok(start..line.len())
}

/// Appends the fields of `object`.
fn add_fields(line: &mut Vec<u8>, object: &impl Serialize) -> serde_json::Result<()> {
    let start = line.len();
    serde_json::to_writer(&mut *line, object)?;
    if let Some(brace) = line.get_mut(start) {
        *brace = b',';
    }
    line.pop();
    Ok(())
}

/// What is not UTF-8 is replaced by U+FFFD, as in events.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
