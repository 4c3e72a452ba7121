//! A question as JSON, in two parts: the head is written anew for everybody who is asked, the body,
//! which is nearly all of it, may be used again.

use serde::Serialize;
use tidegate_schemas::event::{AskReason, Attempt, Request, Source};
use tidegate_schemas::{ConsultationId, RouteEvent};

/// A question, and its body where that was written before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) event: &'a RouteEvent<'a>,
    /// What [`write_body`] wrote.
    pub(crate) body: Option<&'a [u8]>,
}

impl<'a> Question<'a> {
    /// One of which nothing is written yet.
    pub(crate) fn new(event: &'a RouteEvent<'a>) -> Self {
        Self { event, body: None }
    }

    /// Appends its body.
    pub(crate) fn write_body(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        match self.body {
            Some(body) => out.extend_from_slice(body),
            None => write_body(self.event, out)?,
        }
        Ok(())
    }
}

/// Appends the object `head` without its closing brace; a body has to follow.
pub(crate) fn write_head(head: &impl Serialize, out: &mut Vec<u8>) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *out, head)?;
    out.pop();
    Ok(())
}

/// Appends what is the same whoever is asked: a comma, the fields, and the brace that closes the
/// event.
pub(crate) fn write_body(event: &RouteEvent<'_>, out: &mut Vec<u8>) -> serde_json::Result<()> {
    let start = out.len();
    serde_json::to_writer(&mut *out, &Body::of(event))?;
    if let Some(brace) = out.get_mut(start) {
        *brace = b',';
    }
    Ok(())
}

/// Which question it is, and for how long.
#[derive(Serialize)]
pub(crate) struct Head<'a> {
    pub(crate) id: ConsultationId,
    pub(crate) call: &'a str,
    pub(crate) node: &'a str,
    pub(crate) deadline_ms: u32,
}

#[derive(Serialize)]
struct Body<'a> {
    attempt: u32,
    reason: AskReason,
    source: &'a Source<'a>,
    request: &'a Request<'a>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    attempts: &'a [Attempt<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<&'a serde_json::Map<String, serde_json::Value>>,
}

impl<'a> Body<'a> {
    fn of(event: &'a RouteEvent<'a>) -> Self {
        let RouteEvent {
            id: _,
            call: _,
            node: _,
            deadline_ms: _,
            attempt,
            reason,
            source,
            request,
            attempts,
            context,
            step,
            attributes,
        } = event;
        Self {
            attempt: *attempt,
            reason: *reason,
            source,
            request,
            attempts,
            context: context.as_deref(),
            step: step.as_deref(),
            attributes: attributes.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn head_and_body_are_the_event() {
        let event = RouteEvent {
            context: Some("c".into()),
            step: Some("billing".into()),
            ..samples::event()
        };
        let head = Head {
            id: event.id,
            call: &event.call,
            node: &event.node,
            deadline_ms: event.deadline_ms,
        };
        let mut written = Vec::new();
        write_head(&head, &mut written).unwrap();
        write_body(&event, &mut written).unwrap();
        assert_eq!(written, serde_json::to_vec(&event).unwrap());
    }

    #[test]
    fn a_body_that_is_at_hand_is_not_written_anew() {
        let event = samples::event();
        let question = Question {
            event: &event,
            body: Some(b",\"attempt\":7}"),
        };
        let mut written = Vec::new();
        question.write_body(&mut written).unwrap();
        assert_eq!(written, b",\"attempt\":7}");
    }
}
