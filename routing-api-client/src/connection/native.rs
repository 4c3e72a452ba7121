//! What an application in the native dialect says.

use std::borrow::Cow;

use tidegate_schemas::document::DocumentError;
use tidegate_schemas::message::{self, ErrorMessage, FromApplication, FromProxy, Hello};
use tidegate_schemas::{ConsultationId, RouteDocument};

use super::{Ended, Link, Side};
use crate::dialect::native::VERSION;
use crate::dialect::pick::pick;
use crate::inbound::{Failure, Inbound};

/// Longest name that is kept of an application, in characters.
const NAME: usize = 128;

pub(crate) struct NativeSession<'a> {
    link: &'a Link<'a>,
    joined: bool,
}

impl<'a> NativeSession<'a> {
    pub(crate) fn new(link: &'a Link<'a>) -> Self {
        Self {
            link,
            joined: false,
        }
    }

    pub(crate) fn joined(&self) -> bool {
        self.joined
    }

    /// Who dials speaks first, and shows the secret.
    pub(crate) fn begin(&self) {
        if self.link.side == Side::Dialled {
            self.say_hello();
        }
    }

    pub(crate) fn on_message(&mut self, json: &[u8]) -> Result<Option<Inbound>, Ended> {
        match message::parse_inbound(json) {
            Ok(message::Inbound::Message(FromApplication::Hello(hello))) if !self.joined => {
                self.on_hello(&hello).map(Some)
            }
            _ if !self.joined => Err(Ended::BadHello {
                code: "hello_needed",
                message: "the first message has to be a hello",
            }),
            Ok(message::Inbound::Message(message)) => Ok(self.on_control(&message)),
            Ok(message::Inbound::Document(document)) => Ok(self.on_document(document)),
            Err(error) => Ok(self.on_invalid(json, error)),
        }
    }

    /// What came back for a question: it need not name it.
    pub(crate) fn on_answer(&self, id: ConsultationId, json: &[u8]) -> Inbound {
        let document = match message::parse_inbound(json) {
            _ if json.trim_ascii().is_empty() => Err(DocumentError::new("", "there is no answer")),
            Ok(message::Inbound::Document(document)) => match document.id {
                Some(other) if other != id => {
                    Err(DocumentError::new("/id", "this is another question's id"))
                }
                _ => Ok(document),
            },
            Ok(message::Inbound::Message(FromApplication::Error(error))) => {
                self.note_error(&error);
                return self.failed(id);
            }
            Ok(message::Inbound::Message(_)) => {
                Err(DocumentError::new("/type", "a route document is needed"))
            }
            Err(error) => Err(error),
        };
        self.answer(id, document)
    }

    /// Last words.
    pub(crate) fn explain(&self, ended: &Ended) {
        if let Some(code) = ended.code() {
            self.complain(code, ended.to_string(), None);
        }
    }

    fn on_hello(&mut self, hello: &Hello<'_>) -> Result<Inbound, Ended> {
        if !speaks_our_version(&hello.version) {
            return Err(Ended::BadHello {
                code: "unsupported_version",
                message: "version 1 of the contract is needed",
            });
        }
        if !self.authorized(hello) {
            return Err(Ended::BadHello {
                code: "unauthorized",
                message: "the token is wrong or missing",
            });
        }
        self.joined = true;
        if self.link.side == Side::Accepted {
            self.say_hello();
        }
        let name: String = match &*hello.name {
            "" => self.link.peer.to_owned(),
            name => name.chars().take(NAME).collect(),
        };
        if let Some(release) = &hello.release {
            let release: String = release.chars().take(NAME).collect();
            self.link.application.set_release(&release);
        }
        let up = self.link.join(&name, hello.max_in_flight);
        self.link.subscribe(&hello.subscribe);
        Ok(up)
    }

    /// An application that the proxy dialled is known by its address.
    fn authorized(&self, hello: &Hello<'_>) -> bool {
        let token = self.link.context.token.as_ref();
        let needed = token.filter(|_| self.link.side == Side::Accepted);
        needed.is_none_or(|token| token.matches(hello.token.as_deref().unwrap_or_default()))
    }

    fn say_hello(&self) {
        let settings = self.link.context.registry.settings();
        let dialled = self.link.side == Side::Dialled;
        let shown = self.link.context.token.as_ref().filter(|_| dialled);
        self.send(&FromProxy::Hello(Hello {
            version: Cow::Borrowed(VERSION),
            name: Cow::Borrowed(&settings.node),
            token: shown.map(|token| Cow::Borrowed(token.expose())),
            ..Hello::default()
        }));
    }

    fn on_control(&self, message: &FromApplication<'_>) -> Option<Inbound> {
        let application = self.link.application.id;
        match message {
            FromApplication::Drain => {
                self.link.application.drain();
                Some(Inbound::Draining { application })
            }
            FromApplication::Error(error) => self.on_error(error),
            FromApplication::Hello(_) => {
                self.complain("unexpected_hello", "hello was said already", None);
                None
            }
            FromApplication::Ping => {
                self.send(&FromProxy::Pong);
                None
            }
            FromApplication::Ack { event_id } => {
                self.link.acknowledge(event_id);
                None
            }
            FromApplication::Calls { reference } => {
                Some(self.link.list_calls(reference.as_deref()))
            }
            FromApplication::Terminate(wish) => self.link.terminate(wish),
            FromApplication::Pong => None,
        }
    }

    fn on_error(&self, error: &ErrorMessage<'_>) -> Option<Inbound> {
        self.note_error(error);
        error.id.map(|id| self.failed(id))
    }

    fn note_error(&self, error: &ErrorMessage<'_>) {
        let name = self.link.application.name();
        tracing::debug!(?name, id = ?error.id, code = ?error.code, message = ?error.message, "error from a routing application");
    }

    fn failed(&self, id: ConsultationId) -> Inbound {
        Inbound::Failed {
            application: self.link.application.id,
            id,
            failure: Failure::Error,
        }
    }

    fn on_document(&self, document: Box<RouteDocument>) -> Option<Inbound> {
        let Some(id) = document.id else {
            self.complain(
                "missing_id",
                "a route document needs the id of its event",
                Some("/id".into()),
            );
            return None;
        };
        Some(self.answer(id, Ok(document)))
    }

    /// What can be told which question it answers settles that question: the next application is
    /// asked without waiting for this one's time to run out.
    fn on_invalid(&self, json: &[u8], error: DocumentError) -> Option<Inbound> {
        let code = match pick(json, ["type", "id"]) {
            Err(_) => "invalid_json",
            Ok([Some(_), _]) if error.pointer == "/type" => "unknown_type",
            Ok([Some(_), _]) => "invalid_message",
            Ok([None, id]) => {
                let id = id.and_then(|id| serde_json::from_str(id.get()).ok());
                if let Some(id) = id {
                    return Some(self.answer(id, Err(error)));
                }
                "invalid_document"
            }
        };
        let DocumentError { pointer, reason } = error;
        self.complain(code, reason, Some(pointer));
        None
    }

    fn answer(
        &self,
        id: ConsultationId,
        document: Result<Box<RouteDocument>, DocumentError>,
    ) -> Inbound {
        Inbound::Answer {
            application: self.link.application.id,
            id,
            document,
        }
    }

    fn complain(
        &self,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
        pointer: Option<Cow<'static, str>>,
    ) {
        let counters = &self.link.context.registry.counters;
        counters.bad_message.add();
        let told = self.link.application.complain(ErrorMessage {
            id: None,
            reference: None,
            code: Cow::Borrowed(code),
            message: message.into(),
            pointer,
        });
        if told.is_err() {
            counters.notices_dropped.add();
        }
    }

    /// A notice that finds no room is dropped: the application does not read.
    fn send(&self, message: &FromProxy<'_>) {
        if self.link.application.notify(message).is_err() {
            self.link.context.registry.counters.notices_dropped.add();
        }
    }
}

fn speaks_our_version(version: &str) -> bool {
    version.split('.').next() == Some("1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_minor_version_of_1_will_do() {
        assert!(["1", "1.0", "1.7"].iter().all(|v| speaks_our_version(v)));
        assert!(
            !["", "2.0", "10", "0.1"]
                .iter()
                .any(|v| speaks_our_version(v))
        );
    }
}
