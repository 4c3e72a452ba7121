//! The trace of a call for programs.

use serde_json::{Value, json};

use super::calls::Call;
use super::outcome::Outcome;
use super::trace::{Content, Entry, Event, Fate};

pub(super) fn call(call: &Call, outcome: &Outcome) -> Value {
    let checks = outcome.checks.iter();
    json!({
        "name": call.name,
        "title": call.title,
        "ok": outcome.is_good(),
        "faults": outcome.faults,
        "checks": checks.map(|check| json!({"text": check.text, "ok": check.holds})).collect::<Vec<_>>(),
        "trace": outcome.entries.iter().map(entry).collect::<Vec<_>>(),
    })
}

fn entry(entry: &Entry) -> Value {
    let ms = entry.at.as_secs_f64() * 1000.0;
    match &entry.event {
        Event::Note { actor, text } => json!({"ms": ms, "at": actor.name(), "note": text}),
        Event::Sent {
            from,
            to,
            label,
            fate,
            content,
            ..
        } => json!({
            "ms": ms,
            "from": from.name(),
            "to": to.name(),
            "label": label,
            "fate": name(*fate),
            "message": message(content),
        }),
    }
}

const fn name(fate: Fate) -> &'static str {
    match fate {
        Fate::Expected => "expected",
        Fate::Unexpected => "unexpected",
        Fate::Repeated => "repeated",
        Fate::Lost => "lost",
    }
}

/// SIP as text, JSON as it is.
fn message(content: &Content) -> Value {
    match content {
        Content::Nothing => Value::Null,
        Content::Sip(text) => text.as_str().into(),
        Content::Question(value) | Content::Document(value) | Content::Notice(value) => {
            value.clone()
        }
    }
}
