//! One side of a conversation with the proxy, without its socket.

use std::borrow::Cow;
use std::collections::HashMap;
use std::future;

use bytes::Bytes;
use serde::Deserialize;
use tidegate_schemas::message::{ErrorMessage, FromApplication, Hello};
use tidegate_schemas::{ConsultationId, FromProxy};
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tracing::{debug, info, warn};

use crate::answer::json;
use crate::application::{Application, Happening};
use crate::host::Host;
use crate::notifications::Outcome;
use crate::secret;

/// As much of a message as is needed to know who takes it.
#[derive(Deserialize)]
pub(crate) struct Head<'a> {
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Cow<'a, str>,
    #[serde(default)]
    pub(crate) id: Option<ConsultationId>,
    #[serde(default, borrow)]
    pub(crate) call: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    pub(crate) event_id: Option<Cow<'a, str>>,
}

/// What became of a question or a notification.
struct Finished {
    id: Option<ConsultationId>,
    message: Option<Vec<u8>>,
}

/// The proxy has not shown the secret.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the proxy's token is wrong or missing")]
pub(crate) struct Stranger;

/// Takes the proxy's messages and gives what is to be sent.
pub(crate) struct Session<A> {
    host: Host<A>,
    trusted: bool,
    working: JoinSet<Finished>,
    questions: HashMap<ConsultationId, AbortHandle>,
}

impl<A: Application> Session<A> {
    /// A conversation that has not begun, with a proxy that may be known already.
    pub(crate) fn new(host: Host<A>, trusted: bool) -> Self {
        Self {
            trusted: trusted || host.token().is_none(),
            host,
            working: JoinSet::new(),
            questions: HashMap::new(),
        }
    }

    /// Takes one message of the proxy; gives what is to be sent at once.
    pub(crate) fn handle(&mut self, message: &Bytes) -> Result<Option<Vec<u8>>, Stranger> {
        let head = match serde_json::from_slice::<Head<'_>>(message) {
            Ok(head) => head,
            Err(error) => return Ok(Some(bad_message(self.host.application(), None, &error))),
        };
        if !self.trusted && head.kind != "hello" {
            return Err(Stranger);
        }
        match (&*head.kind, head.id) {
            ("route", Some(id)) => self.question(id, message.clone()),
            ("cancelled", Some(id)) => self.forget(id),
            ("call", _) => self.notification(&head, message.clone()),
            _ => return self.other(message),
        }
        Ok(None)
    }

    fn other(&mut self, message: &[u8]) -> Result<Option<Vec<u8>>, Stranger> {
        match serde_json::from_slice(message) {
            Ok(FromProxy::Hello(hello)) => self.greet(&hello)?,
            Ok(FromProxy::Ping) => return Ok(Some(json(&FromApplication::Pong))),
            Ok(FromProxy::Drain) => info!("the proxy is about to close this connection"),
            Ok(FromProxy::Error(refusal)) => self.log_refusal(&refusal),
            Ok(_) => {}
            Err(error) => return Ok(Some(bad_message(self.host.application(), None, &error))),
        }
        Ok(None)
    }

    fn greet(&mut self, hello: &Hello<'_>) -> Result<(), Stranger> {
        let shown = hello.token.as_deref().unwrap_or_default();
        let wanted = self.host.token().unwrap_or_default();
        if !self.trusted && !secret::same(wanted, shown) {
            return Err(Stranger);
        }
        self.trusted = true;
        info!(proxy = %hello.name, version = %hello.version, "the proxy says hello");
        Ok(())
    }

    fn question(&mut self, id: ConsultationId, message: Bytes) {
        let host = self.host.clone();
        let work = self.working.spawn(async move {
            Finished {
                id: Some(id),
                message: Some(answer(host.application(), id, &message).await),
            }
        });
        self.questions.insert(id, work);
    }

    fn notification(&mut self, head: &Head<'_>, message: Bytes) {
        let event_id = head.event_id.as_deref().unwrap_or_default().to_owned();
        let call = head.call.as_deref().unwrap_or_default();
        let outcome = self.host.take_notification(call, message);
        let host = self.host.clone();
        self.working.spawn(async move {
            let outcome = outcome.await.unwrap_or(Outcome::Failed);
            host.count_notification(outcome);
            let done = outcome == Outcome::Done;
            Finished {
                id: None,
                message: done.then(|| acknowledge(&event_id)),
            }
        });
    }

    fn forget(&mut self, id: ConsultationId) {
        if let Some(work) = self.questions.remove(&id) {
            debug!(%id, "an answer is of no use any more");
            self.host.application().happened(Happening::Cancelled);
            work.abort();
        }
    }

    fn log_refusal(&self, refusal: &ErrorMessage<'_>) {
        self.host.application().happened(Happening::Refused);
        let id = refusal.id.map(|id| id.to_string()).unwrap_or_default();
        let pointer = refusal.pointer.as_deref().unwrap_or_default();
        warn!(id, code = %refusal.code, pointer, "the proxy refused: {}", refusal.message);
    }

    /// The messages that are to be sent as soon as there are some; may be dropped at any time.
    pub(crate) async fn finished(&mut self) -> Vec<Vec<u8>> {
        if self.working.is_empty() {
            return future::pending().await;
        }
        let first = self.working.join_next().await;
        let mut messages = Vec::new();
        messages.extend(first.and_then(|first| self.take(first)));
        while let Some(next) = self.working.try_join_next() {
            messages.extend(self.take(next));
        }
        messages
    }

    fn take(&mut self, finished: Result<Finished, JoinError>) -> Option<Vec<u8>> {
        let finished = finished.ok()?;
        if let Some(id) = finished.id {
            // Without an entry the question was cancelled when its answer was there already.
            self.questions.remove(&id)?;
        }
        finished.message
    }

    /// Whether nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.working.is_empty()
    }
}

async fn answer(application: &impl Application, id: ConsultationId, message: &[u8]) -> Vec<u8> {
    match serde_json::from_slice(message) {
        Ok(FromProxy::Route { event, .. }) => application.answer(&event).await.into_json(id),
        Ok(_) => Vec::new(),
        Err(error) => bad_message(application, Some(id), &error),
    }
}

/// Says that a notification is done.
pub(crate) fn acknowledge(event_id: &str) -> Vec<u8> {
    json(&FromApplication::Ack {
        event_id: event_id.into(),
    })
}

/// Says that a message can't be read.
pub(crate) fn bad_message(
    application: &impl Application,
    id: Option<ConsultationId>,
    error: &serde_json::Error,
) -> Vec<u8> {
    warn!(%error, "the proxy sent something that can't be read");
    application.happened(Happening::BadMessage);
    json(&FromApplication::Error(ErrorMessage {
        id,
        reference: None,
        code: "bad_message".into(),
        message: error.to_string().into(),
        pointer: None,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::testing;

    const FIRST: &str = "00000001-00000002-00000003";
    const SECOND: &str = "00000001-00000002-00000004";

    fn question(id: &str) -> String {
        testing::question(id).to_string()
    }

    async fn talk(messages: &[&str]) -> Vec<Value> {
        let mut session = Session::new(testing::host(None), false);
        let mut out = Vec::new();
        for message in messages {
            let message = Bytes::copy_from_slice(message.as_bytes());
            out.extend(session.handle(&message).unwrap());
        }
        while !session.is_idle() {
            out.extend(session.finished().await);
        }
        out.iter()
            .map(|message| serde_json::from_slice(message).unwrap())
            .collect()
    }

    #[tokio::test]
    async fn a_question_that_is_cancelled_gets_no_answer() {
        let cancelled = format!(r#"{{"type":"cancelled","id":"{FIRST}"}}"#);
        let out = talk(&[&question(FIRST), &question(SECOND), &cancelled]).await;
        assert_eq!(out.len(), 1);
        assert_eq!(out[0]["id"], SECOND);
    }

    #[tokio::test]
    async fn a_ping_is_answered_and_what_needs_no_answer_gets_none() {
        assert_eq!(
            talk(&[r#"{"type":"ping"}"#]).await,
            [serde_json::json!({"type": "pong"})]
        );
        let refusal = r#"{"type":"error","code":"unknown_id","message":"late"}"#;
        let hello = r#"{"type":"hello","version":"1.0","name":"edge"}"#;
        let out = talk(&[hello, refusal, r#"{"type":"drain"}"#, r#"{"type":"pong"}"#]).await;
        assert_eq!(out, [Value::Null; 0]);
    }

    #[tokio::test]
    async fn what_can_not_be_read_is_refused() {
        let without_request = format!(r#"{{"type":"route","id":"{FIRST}"}}"#);
        for junk in [
            "{}",
            "[]",
            r#"{"type":"route"}"#,
            r#"{"type":"dance"}"#,
            &without_request,
        ] {
            let out = talk(&[junk]).await;
            assert_eq!(out[0]["code"], "bad_message", "{junk}");
        }
        assert_eq!(talk(&[&without_request]).await[0]["id"], FIRST);
    }

    #[tokio::test]
    async fn a_proxy_that_dials_has_to_show_the_secret_first() {
        let begin = |messages: &[&'static str]| {
            let mut session = Session::new(testing::host(Some("s3cret")), false);
            let handled: Result<Vec<_>, Stranger> = messages
                .iter()
                .map(|message| session.handle(&Bytes::from_static(message.as_bytes())))
                .collect();
            handled.is_ok()
        };
        let right = r#"{"type":"hello","version":"1.0","name":"e","token":"s3cret"}"#;
        let wrong = r#"{"type":"hello","version":"1.0","name":"e","token":"s3creT"}"#;
        let none = r#"{"type":"hello","version":"1.0","name":"e"}"#;
        assert!(begin(&[right, r#"{"type":"ping"}"#]));
        assert!(!begin(&[wrong]));
        assert!(!begin(&[none]));
        assert!(!begin(&[r#"{"type":"ping"}"#]));
    }
}
