//! One side of a conversation with the proxy, without its socket.

use serde::Serialize;
use tidegate_schemas::frame::{Framing, encode_with};
use tidegate_schemas::message::{ErrorMessage, FromApplication, FromProxy, Hello};
use tidegate_schemas::{ConsultationId, RouteDocument};
use tracing::{debug, error, info, warn};

use crate::decide::decide;
use crate::rules::Rules;

/// Takes the proxy's messages and gives what is to be sent.
///
/// Answers wait for [`Session::flush`], so that a question which is cancelled right behind costs
/// nothing more.
#[derive(Debug)]
pub struct Session {
    framing: Framing,
    answers: Vec<RouteDocument>,
}

impl Session {
    /// A conversation that has not begun.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        Self {
            framing,
            answers: Vec::new(),
        }
    }

    /// Says who is there. It has to be the first message.
    pub fn hello(&self, hello: &Hello<'_>, out: &mut Vec<u8>) {
        self.send(&FromApplication::Hello(hello.clone()), out);
    }

    /// Asks whether the proxy is still there.
    pub fn ping(&self, out: &mut Vec<u8>) {
        self.send(&FromApplication::Ping, out);
    }

    /// Asks for no more questions.
    pub fn drain(&self, out: &mut Vec<u8>) {
        self.send(&FromApplication::Drain, out);
    }

    /// Takes one message of the proxy.
    pub fn handle(&mut self, message: &[u8], rules: &Rules, out: &mut Vec<u8>) {
        match serde_json::from_slice(message) {
            Ok(message) => self.handle_message(message, rules, out),
            Err(error) => self.refuse(&error, out),
        }
    }

    /// Sends the answers to all questions that are still of interest.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        for document in std::mem::take(&mut self.answers) {
            self.send(&document, out);
        }
    }

    fn handle_message(&mut self, message: FromProxy<'_>, rules: &Rules, out: &mut Vec<u8>) {
        match message {
            FromProxy::Cancelled { id } => self.forget(id),
            FromProxy::Drain => info!("the proxy is about to close this connection"),
            FromProxy::Error(refusal) => log_refusal(&refusal),
            FromProxy::Hello(hello) => {
                info!(proxy = %hello.name, version = %hello.version, "the proxy says hello");
            }
            FromProxy::Ping => self.send(&FromApplication::Pong, out),
            FromProxy::Pong
            | FromProxy::Call(_)
            | FromProxy::Calls { .. }
            | FromProxy::Terminated { .. } => {}
            FromProxy::Route { event, .. } => {
                let document = decide(&event, rules);
                debug!(id = %event.id, call = %event.call, uri = %event.request.uri,
                    rule = ?document.tags, "decided");
                self.answers.push(document);
            }
        }
    }

    fn forget(&mut self, id: ConsultationId) {
        debug!(%id, "the caller hung up");
        self.answers.retain(|document| document.id != Some(id));
    }

    fn refuse(&self, error: &serde_json::Error, out: &mut Vec<u8>) {
        warn!(%error, "the proxy sent something that can't be read");
        let refusal = ErrorMessage {
            reference: None,
            id: None,
            code: "bad_message".into(),
            message: error.to_string().into(),
            pointer: None,
        };
        self.send(&FromApplication::Error(refusal), out);
    }

    fn send(&self, message: &impl Serialize, out: &mut Vec<u8>) {
        let start = out.len();
        let written = encode_with(self.framing, out, |out| serde_json::to_writer(out, message));
        if let Err(error) = written {
            out.truncate(start);
            error!(%error, "a message can't be written as JSON");
        }
    }
}

fn log_refusal(refusal: &ErrorMessage<'_>) {
    let id = refusal.id.map(|id| id.to_string()).unwrap_or_default();
    let pointer = refusal.pointer.as_deref().unwrap_or_default();
    warn!(id, code = %refusal.code, pointer, "the proxy refused an answer: {}", refusal.message);
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "00000001-00000002-00000003";
    const SECOND: &str = "00000001-00000002-00000004";

    fn question(id: &str) -> String {
        format!(
            r#"{{"type":"route","version":"1.0","id":"{id}","call":"c","node":"n","deadline_ms":1000,
            "attempt":1,"reason":"new",
            "source":{{"transport":"udp","ip":"192.0.2.1","port":5060,"listener":"udp:192.0.2.2:5060"}},
            "request":{{"method":"INVITE","uri":"sip:7@x","from":{{"uri":"sip:a"}},
            "to":{{"uri":"sip:7@x"}},"call_id":"x","cseq":1,"headers":[]}}}}"#
        )
    }

    fn talk(messages: &[&str]) -> String {
        let rules = Rules::parse("[default]\nreply = { code = 404 }").unwrap();
        let mut session = Session::new(Framing::Lines);
        let mut out = Vec::new();
        for message in messages {
            session.handle(message.as_bytes(), &rules, &mut out);
        }
        session.flush(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_question_that_is_cancelled_gets_no_answer() {
        let cancelled = format!(r#"{{"type":"cancelled","id":"{FIRST}"}}"#);
        let out = talk(&[&question(FIRST), &question(SECOND), &cancelled]);
        assert!(!out.contains(FIRST) && out.contains(SECOND), "{out}");
    }

    #[test]
    fn a_ping_is_answered() {
        assert_eq!(talk(&[r#"{"type":"ping"}"#]), "{\"type\":\"pong\"}\n");
    }

    #[test]
    fn what_needs_no_answer_gets_none() {
        let refusal = r#"{"type":"error","code":"unknown_id","message":"late"}"#;
        let hello = r#"{"type":"hello","version":"1.0","name":"edge"}"#;
        assert_eq!(
            talk(&[hello, refusal, r#"{"type":"drain"}"#, r#"{"type":"pong"}"#]),
            ""
        );
    }

    #[test]
    fn what_can_not_be_read_is_refused() {
        for junk in ["{}", "[]", r#"{"type":"route"}"#, r#"{"type":"dance"}"#] {
            assert!(talk(&[junk]).contains("bad_message"), "{junk}");
        }
    }
}
