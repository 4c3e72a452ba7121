//! An application as channels see it.

use std::sync::Arc;

use bytes::Bytes;
use tidegate_schemas::message::{FromApplication, Hello, VERSION};
use tokio::sync::oneshot;

use crate::answer::json;
use crate::application::{Application, Happening};
use crate::notifications::{Lanes, Outcome};

/// An application that is served over any number of channels. Copies are the same application.
#[derive(Debug)]
pub struct Host<A> {
    application: Arc<A>,
    lanes: Arc<Lanes>,
}

impl<A> Clone for Host<A> {
    fn clone(&self) -> Self {
        Self {
            application: Arc::clone(&self.application),
            lanes: Arc::clone(&self.lanes),
        }
    }
}

impl<A: Application> Host<A> {
    /// Has to be called where tokio runs.
    #[must_use]
    pub fn new(application: Arc<A>) -> Self {
        Self {
            lanes: Arc::new(Lanes::new(&application)),
            application,
        }
    }

    pub(crate) fn application(&self) -> &A {
        &self.application
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.application.identity().token.as_deref()
    }

    /// The first message; with the secret towards a proxy that was dialled.
    pub(crate) fn hello(&self, shows_token: bool) -> Vec<u8> {
        let identity = self.application.identity();
        let token = identity.token.as_deref().filter(|_| shows_token);
        let subscribe = self.application.subscribes().into_iter();
        json(&FromApplication::Hello(Hello {
            version: VERSION.into(),
            name: identity.name.as_str().into(),
            token: token.map(Into::into),
            release: identity.release.as_deref().map(Into::into),
            max_in_flight: Some(identity.max_in_flight),
            subscribe: subscribe.map(|kind| kind.name().into()).collect(),
        }))
    }

    pub(crate) fn take_notification(
        &self,
        call: &str,
        message: Bytes,
    ) -> oneshot::Receiver<Outcome> {
        self.application.happened(Happening::Notification);
        self.lanes.take(call, message)
    }

    pub(crate) fn count_notification(&self, outcome: Outcome) {
        self.application.happened(match outcome {
            Outcome::Done => Happening::Acknowledged,
            Outcome::Failed => Happening::NotAcknowledged,
            Outcome::Unreadable => Happening::BadMessage,
        });
    }
}
