//! The routing contract as its own applications speak it.

use serde::Serialize;
use tidegate_schemas::ConsultationId;
use tidegate_schemas::frame::{Framing, encode_with};
use tidegate_schemas::message::FromProxy;

use crate::question::{Question, write_head};

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
        question: &Question<'_>,
        out: &mut Vec<u8>,
    ) {
        let head = RouteHead {
            r#type: "route",
            version: VERSION,
            id,
            call: &question.event.call,
            node: &question.event.node,
            deadline_ms,
        };
        write(framing, out, |out| {
            write_head(&head, out)?;
            question.write_body(out)
        });
    }
}

/// These types render without fail: they have no maps with odd keys, and a `Vec` takes all.
fn render(framing: Framing, message: &impl Serialize, out: &mut Vec<u8>) {
    write(framing, out, |out| serde_json::to_writer(out, message));
}

fn write(
    framing: Framing,
    out: &mut Vec<u8>,
    render: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>,
) {
    encode_with(framing, out, |out| {
        let rendered = render(out);
        debug_assert!(rendered.is_ok(), "{rendered:?}");
    });
}

/// The head of [`FromProxy::Route`]: `id` and `deadline_ms` are those of this attempt.
#[derive(Serialize)]
struct RouteHead<'a> {
    r#type: &'static str,
    version: &'static str,
    id: ConsultationId,
    call: &'a str,
    node: &'a str,
    deadline_ms: u32,
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use tidegate_schemas::event::{Attempt, Cause};

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
        NativeDialect::default().question(
            Framing::Lines,
            event.id,
            700,
            &Question::new(&event),
            &mut ours,
        );

        event.deadline_ms = 700;
        let version = Cow::Borrowed(VERSION);
        let contract = serde_json::to_value(FromProxy::Route { version, event }).unwrap();
        let ours: serde_json::Value = serde_json::from_slice(&ours).unwrap();
        assert_eq!(ours, contract);
    }
}
