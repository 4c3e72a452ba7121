//! The routing contract as its own applications speak it.

use serde::Serialize;
use tidegate_schemas::event::{AskReason, Attempt, Request, Source};
use tidegate_schemas::frame::{Framing, encode_with};
use tidegate_schemas::message::FromProxy;
use tidegate_schemas::{ConsultationId, RouteEvent};

/// Version of the contract.
pub(crate) const VERSION: &str = "1.0";

/// The native dialect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NativeDialect {
    /// How messages are told apart. Without it, an application that dials in decides by its first
    /// byte (a digit or `{`), and one that is dialled gets netstrings.
    pub framing: Option<Framing>,
}

impl NativeDialect {
    /// Appends one message to `out`.
    #[expect(clippy::unused_self, reason = "a dialect renders, whichever it is")]
    pub(crate) fn message(&self, framing: Framing, message: &FromProxy<'_>, out: &mut Vec<u8>) {
        render(framing, message, out);
    }

    #[expect(clippy::unused_self, reason = "a dialect renders, whichever it is")]
    pub(crate) fn question(
        &self,
        framing: Framing,
        id: ConsultationId,
        deadline_ms: u32,
        event: &RouteEvent<'_>,
        out: &mut Vec<u8>,
    ) {
        render(framing, &Question::new(id, deadline_ms, event), out);
    }
}

/// These types render without fail: they have no maps with odd keys, and a `Vec` takes all.
fn render(framing: Framing, message: &impl Serialize, out: &mut Vec<u8>) {
    encode_with(framing, out, |out| {
        let rendered = serde_json::to_writer(out, message);
        debug_assert!(rendered.is_ok(), "{rendered:?}");
    });
}

/// [`FromProxy::Route`], borrowed: `id` and `deadline_ms` are those of this attempt.
#[derive(Serialize)]
struct Question<'a> {
    r#type: &'static str,
    version: &'static str,
    id: ConsultationId,
    call: &'a str,
    node: &'a str,
    deadline_ms: u32,
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

impl<'a> Question<'a> {
    fn new(id: ConsultationId, deadline_ms: u32, event: &'a RouteEvent<'a>) -> Self {
        let RouteEvent {
            id: _,
            call,
            node,
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
            r#type: "route",
            version: VERSION,
            id,
            call,
            node,
            deadline_ms,
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
    use std::borrow::Cow;

    use tidegate_schemas::event::Cause;

    use super::*;
    use crate::samples;

    #[test]
    fn a_question_is_the_route_message_of_the_contract() {
        let mut event = samples::event();
        event.context = Some("c".into());
        event.attempts.push(Attempt {
            target: "sip:b@example.com".into(),
            code: 486,
            reason: "Busy".into(),
            cause: Cause::Response,
            time_ms: 3,
            branch_flags: Some(8),
            contacts: Vec::new(),
        });
        let mut ours = Vec::new();
        NativeDialect::default().question(Framing::Lines, event.id, 700, &event, &mut ours);

        event.deadline_ms = 700;
        let version = Cow::Borrowed(VERSION);
        let contract = serde_json::to_value(FromProxy::Route { version, event }).unwrap();
        let ours: serde_json::Value = serde_json::from_slice(&ours).unwrap();
        assert_eq!(ours, contract);
    }
}
