//! What a faulty application does about a question.

use std::time::Duration;

use serde_json::{Value, json};

use super::Fault;

/// How long an application with [`Fault::Late`] thinks.
pub const LATE: Duration = Duration::from_millis(800);

/// `routing.max_frame` as it is without configuration.
const MAX_FRAME: usize = 1 << 20;

/// One reaction.
pub(super) enum Deed {
    /// Says this.
    Say(Vec<u8>),
    /// Says this after a while.
    SayLate(Vec<u8>),
    /// Begins to say this.
    SayHalf(Vec<u8>),
    /// Writes these bytes instead of a message.
    Write(&'static [u8]),
    /// Nothing.
    Nothing,
    /// Closes the connection.
    Close,
}

impl Fault {
    /// The reaction to `question`; what is a good document leads to `target`.
    pub(super) fn deed(self, question: &Value, target: &str) -> Deed {
        let good = |more: Value| document(question, target, more);
        match self {
            Self::Refused | Self::BlackHoled | Self::NeverAccepts | Self::Silent => Deed::Nothing,
            Self::ClockBehind | Self::SlowReader => Deed::Nothing,
            Self::Garbage => Deed::Write(b"\xff\xfe\x00\x80 whatever \xc3\x28\r\n\r\n"),
            Self::NotJson => Deed::Say(b"[{\"routes\": <b>Internal error</b>".to_vec()),
            Self::HalfFrame => Deed::SayHalf(good(json!({}))),
            Self::WrongId => Deed::Say(good(json!({"id": wrong_id(question)}))),
            Self::UnknownSocket => Deed::Say(good(json!({
                "routes": [{"uri": target, "socket": "udp:192.0.2.77:5060"}]}))),
            Self::CrlfInHeader => Deed::Say(good(json!({
                "routes": [{"uri": target, "headers": {"set": {"X-Note": "a\r\nX-Injected: b"}}}]}))),
            Self::JustSmallEnough => Deed::Say(padded(good, MAX_FRAME - 1024)),
            Self::TooLarge => Deed::Say(padded(good, MAX_FRAME + 1024)),
            Self::Closes => Deed::Close,
            Self::Late => Deed::SayLate(good(json!({}))),
            Self::ClockAhead => Deed::Say(too_late(question)),
            Self::NonsenseDeadline => Deed::Say(good(json!({"deadline_ms": -1.7e300}))),
        }
    }
}

fn document(question: &Value, target: &str, more: Value) -> Vec<u8> {
    let mut document = json!({
        "version": "1.0", "id": question["id"], "routes": [{"uri": target}]});
    if let Value::Object(more) = more {
        document.as_object_mut().unwrap().extend(more);
    }
    document.to_string().into_bytes()
}

fn padded(good: impl Fn(Value) -> Vec<u8>, length: usize) -> Vec<u8> {
    let bare = good(json!({"comment": ""})).len();
    good(json!({"comment": "x".repeat(length - bare)}))
}

/// Of the same start of the proxy, for a question that was never asked.
fn wrong_id(question: &Value) -> String {
    let id = question["id"].as_str().unwrap();
    let (instance, _) = id.split_once('-').unwrap();
    format!("{instance}-0000beef-0000beef")
}

fn too_late(question: &Value) -> Vec<u8> {
    let error = json!({
        "type": "error", "id": question["id"], "code": "too_late",
        "message": "the deadline has passed", "deadline_ms": -7_200_000});
    error.to_string().into_bytes()
}
