//! What a routing application is to the channels.

use std::future;

use serde_json::Value;
use tidegate_schemas::RouteEvent;
use tidegate_schemas::call::{CallEvent, CallEventKind};

use crate::answer::Answer;

/// Answers questions and takes notifications, whatever channel they came over.
pub trait Application: Send + Sync + 'static {
    /// Who this application says it is.
    fn identity(&self) -> &Identity;

    /// Answers a question. Dropped when the answer is of no use any more.
    fn answer(&self, event: &RouteEvent<'_>) -> impl Future<Output = Answer> + Send;

    /// The notifications that it wants.
    fn subscribes(&self) -> Vec<CallEventKind> {
        Vec::new()
    }

    /// Ends when it wants other notifications than it did when this was called. A channel that was
    /// dialled is then dialled anew, because only `hello` can say so.
    fn resubscribes(&self) -> impl Future<Output = ()> + Send {
        future::pending()
    }

    /// Takes what happened to a call. Those about one call come one after the other; each is
    /// acknowledged when this is done, and sent again where it failed.
    fn notified(&self, _event: &CallEvent<'_>) -> impl Future<Output = Result<(), NotDone>> + Send {
        future::ready(Ok(()))
    }

    /// Something that is worth counting.
    fn happened(&self, _what: Happening) {}

    /// What people find at this path of the HTTP server, like `/counters`.
    fn page(&self, _path: &str) -> Option<Value> {
        None
    }
}

/// Who an application says it is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The name under which the proxy logs it.
    pub name: String,
    /// Its own version, for records and reports.
    pub release: Option<String>,
    /// The shared secret, where one is wanted: shown to proxies that are dialled, asked of those
    /// that dial.
    pub token: Option<String>,
    /// How many questions one connection takes at once.
    pub max_in_flight: u32,
}

impl Identity {
    /// An application without a secret.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            release: None,
            token: None,
            max_in_flight: 1000,
        }
    }
}

/// Why a notification could not be taken: it has to be sent again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotDone(pub String);

/// What a channel has to tell beside questions and notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// A proxy is connected.
    Connected,
    /// A question was taken back.
    Cancelled,
    /// The proxy sent something that can't be read.
    BadMessage,
    /// The proxy refused an answer.
    Refused,
    /// A notification came.
    Notification,
    /// A notification is done and acknowledged.
    Acknowledged,
    /// A notification could not be done.
    NotAcknowledged,
}
