//! One connection with the application, and all that was said on it.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use routing_api_client::wire::{Closing, Received, Wire};
use serde_json::{Value, json};
use tidegate_schemas::message::{FromApplication, Hello, Inbound, parse_inbound};
use tidegate_schemas::{ConsultationId, DocumentError, RouteDocument};
use tokio::time::Instant;

use super::catalogue::{ANSWERS_ID, ANSWERS_MESSAGE, ANSWERS_ONCE, Check};
use super::events::Question;
use super::report::{Finding, Report};

/// Time for the application to take what is written to it.
const WRITE: Duration = Duration::from_secs(5);

/// What came for a question.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) what: What,
    pub(super) raw: Bytes,
    pub(super) took: Duration,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Document(Box<RouteDocument>),
    /// It has the question's id, and is no document.
    Invalid(DocumentError),
    Error(String),
}

impl Answer {
    pub(super) fn document(&self) -> Option<&RouteDocument> {
        match &self.what {
            What::Document(document) => Some(document),
            What::Invalid(_) | What::Error(_) => None,
        }
    }

    pub(super) fn is_document(&self) -> bool {
        !matches!(self.what, What::Error(_))
    }
}

/// A question that was asked.
#[derive(Debug)]
struct Asked {
    question: Question,
    sent: Instant,
    answer: Option<Answer>,
}

/// One connection.
pub(super) struct Line {
    pub(super) wire: Wire,
    asked: HashMap<ConsultationId, Asked>,
    open: usize,
    /// Ids that are no question's, and the rule that an answer to one breaks.
    no_questions: HashMap<ConsultationId, (&'static Check, Value)>,
    pub(super) pongs: usize,
    pub(super) acks: Vec<String>,
    /// Documents that answer nothing that was asked.
    pub(super) strays: usize,
    /// Messages that came.
    pub(super) heard: usize,
    pub(super) hello: Option<Value>,
    pub(super) drained: bool,
    pub(super) closing: Option<Closing>,
}

impl Line {
    pub(super) fn new(wire: Wire) -> Self {
        Self {
            wire,
            asked: HashMap::new(),
            open: 0,
            no_questions: HashMap::new(),
            pongs: 0,
            acks: Vec::new(),
            strays: 0,
            heard: 0,
            hello: None,
            drained: false,
            closing: None,
        }
    }

    /// Sends one message. A connection that takes none is over.
    pub(super) async fn send(&mut self, text: &str) {
        let sent = self.wire.send(text, WRITE).await;
        self.note(sent);
    }

    /// Sends bytes below all framing.
    pub(super) async fn send_bytes(&mut self, bytes: &[u8], piece: usize) {
        let sent = self.wire.send_bytes(bytes, piece, WRITE).await;
        self.note(sent);
    }

    fn note(&mut self, sent: io::Result<()>) {
        if let Err(error) = sent
            && self.closing.is_none()
        {
            self.closing = Some(Closing::Broken(format!("it takes nothing more: {error}")));
        }
    }

    /// Remembers that a question is asked, for the answer to be known.
    pub(super) fn expect(&mut self, question: &Question) {
        let asked = Asked {
            question: question.clone(),
            sent: Instant::now(),
            answer: None,
        };
        self.asked.insert(question.id, asked);
        self.open += 1;
    }

    /// Remembers an id that must not be answered.
    pub(super) fn forbid(&mut self, id: ConsultationId, check: &'static Check, sent: &Value) {
        self.no_questions.insert(id, (check, sent.clone()));
    }

    pub(super) async fn ask(&mut self, question: &Question) {
        self.expect(question);
        self.send(&question.text).await;
    }

    /// No answer to it is waited for any more; one that comes is no fault.
    pub(super) fn give_up(&mut self, id: ConsultationId) {
        let asked = self.asked.get(&id);
        if asked.is_some_and(|asked| asked.answer.is_none()) {
            self.open = self.open.saturating_sub(1);
        }
    }

    pub(super) fn answer(&self, id: ConsultationId) -> Option<&Answer> {
        self.asked.get(&id)?.answer.as_ref()
    }

    pub(super) fn all_answered(&self) -> bool {
        self.open == 0
    }

    /// Takes what comes until `done`, `until`, or the end of the connection. Whether it is done.
    pub(super) async fn listen(
        &mut self,
        report: &mut Report,
        until: Instant,
        done: impl Fn(&Self) -> bool,
    ) -> bool {
        while !done(self) {
            if self.closing.is_some() || Instant::now() >= until {
                return false;
            }
            match self.wire.receive(until).await {
                Received::Text(text) => self.take(&text, report).await,
                Received::Nothing => return done(self),
                Received::Closed(closing) => self.closing = Some(closing),
            }
        }
        true
    }

    async fn take(&mut self, text: &Bytes, report: &mut Report) {
        self.heard += 1;
        match parse_inbound(text) {
            Ok(Inbound::Document(document)) => self.take_document(document, text, report),
            Ok(Inbound::Message(message)) => self.take_message(&message, text, report).await,
            Err(error) => self.take_broken(error, text, report),
        }
    }

    fn take_document(&mut self, document: Box<RouteDocument>, raw: &Bytes, report: &mut Report) {
        match document.id {
            Some(id) => self.settle(id, What::Document(document), raw, report),
            None => {
                self.strays += 1;
                let finding = Finding::new("the document has no `id`").came(raw).at("");
                report.find(&ANSWERS_ID, self.with_question(finding));
            }
        }
    }

    /// Gives the answer to its question.
    fn settle(&mut self, id: ConsultationId, what: What, raw: &Bytes, report: &mut Report) {
        if let Some((check, sent)) = self.no_questions.get(&id) {
            let finding = Finding::new("it was answered, and is no question");
            return report.find(check, finding.sent(sent).came(raw));
        }
        let Some(asked) = self.asked.get_mut(&id) else {
            self.strays += 1;
            let finding = Finding::new(format!("nothing was asked with the id {id}"));
            let finding = finding.came(raw).at("/id");
            return report.find(&ANSWERS_ID, self.with_question(finding));
        };
        if asked.answer.is_some() {
            let finding = Finding::new("a second answer to the same question");
            return report.find(&ANSWERS_ONCE, finding.sent(&asked.question.event).came(raw));
        }
        asked.answer = Some(Answer {
            what,
            raw: raw.clone(),
            took: asked.sent.elapsed(),
        });
        self.open = self.open.saturating_sub(1);
    }

    /// What may have been asked, where an answer does not say so.
    fn with_question(&self, finding: Finding) -> Finding {
        let mut open = self.asked.values().filter(|asked| asked.answer.is_none());
        match open.next() {
            Some(asked) => finding.sent(&asked.question.event),
            None => finding,
        }
    }

    async fn take_message(
        &mut self,
        message: &FromApplication<'_>,
        raw: &Bytes,
        report: &mut Report,
    ) {
        match message {
            FromApplication::Pong => self.pongs += 1,
            FromApplication::Ping => self.send(r#"{"type":"pong"}"#).await,
            FromApplication::Ack { event_id } => self.acks.push(event_id.to_string()),
            FromApplication::Drain => self.drained = true,
            FromApplication::Hello(_) => self.hello = serde_json::from_slice(raw).ok(),
            FromApplication::Error(error) => {
                if let Some(id) = error.id {
                    let what = What::Error(format!("{}: {}", error.code, error.message));
                    self.settle(id, what, raw, report);
                }
            }
            FromApplication::Calls { reference } => {
                let none = json!({"type": "calls", "ref": reference, "part": 1, "parts": 1,
                    "truncated": false, "calls": []});
                self.send(&none.to_string()).await;
            }
            FromApplication::Terminate(order) => {
                let unknown = json!({"type": "error", "ref": order.reference,
                    "code": "unknown_call", "message": "there is no such call"});
                self.send(&unknown.to_string()).await;
            }
        }
    }

    /// What has the id of a question is its answer, though none that can be read.
    fn take_broken(&mut self, error: DocumentError, raw: &Bytes, report: &mut Report) {
        let value: Option<Value> = serde_json::from_slice(raw).ok();
        let id = value
            .as_ref()
            .and_then(|value| value.get("id")?.as_str()?.parse().ok());
        let has_type = value
            .as_ref()
            .is_some_and(|value| value.get("type").is_some());
        match id {
            Some(id) if !has_type => self.settle(id, What::Invalid(error), raw, report),
            _ => {
                self.strays += 1;
                let finding = Finding::new(error.reason.as_ref())
                    .came(raw)
                    .at(&error.pointer);
                report.find(&ANSWERS_MESSAGE, self.with_question(finding));
            }
        }
    }
}

/// What the kit says first.
pub(super) fn hello(node: &str, token: Option<&str>) -> String {
    let hello = Hello {
        version: "1.0".into(),
        name: node.into(),
        token: token.map(Into::into),
        ..Hello::default()
    };
    let mut value = serde_json::to_value(hello).unwrap_or_default();
    value["type"] = "hello".into();
    value.to_string()
}
