//! What all channels share: the configuration that is in force, notifications and counters.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde_json::{Value, json};
use tidegate_schemas::RouteEvent;
use tidegate_schemas::message::{FromApplication, Hello, VERSION};
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use crate::chain::{self, Answer};
use crate::counters::{Count, Counters};
use crate::notifications::{Lanes, Outcome};
use crate::setup::Setup;
use crate::watch::Current;

/// A pause where there is nothing to sweep.
const NOTHING_TO_SWEEP: Duration = Duration::from_secs(10);

/// Who this application says it is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The name under which the proxy logs it.
    pub name: String,
    /// The shared secret, where one is wanted: shown to proxies that are dialled, asked of those
    /// that dial.
    pub token: Option<String>,
    /// How many questions one connection takes at once.
    pub max_in_flight: u32,
}

/// Answers questions and takes notifications, whatever channel they came over.
#[derive(Debug)]
pub struct Service {
    identity: Identity,
    steps: Vec<String>,
    current: watch::Receiver<Current>,
    lanes: Lanes,
    pub(crate) counters: Counters,
}

/// A step that is asked for and not there.
#[derive(Debug, thiserror::Error)]
#[error("no such step among {wanted:?}; there are {there}")]
pub struct UnknownStep {
    wanted: Vec<String>,
    there: String,
}

impl Service {
    /// Decides by `current`; by these steps of it alone, where some are given.
    ///
    /// # Errors
    /// A step is not known.
    pub fn new(
        identity: Identity,
        steps: Vec<String>,
        current: watch::Receiver<Current>,
    ) -> Result<Arc<Self>, UnknownStep> {
        let there = Arc::clone(&current.borrow().setup);
        if there.steps.select(&steps).is_none() {
            return Err(UnknownStep {
                wanted: steps,
                there: there.steps.names(),
            });
        }
        Ok(Arc::new(Self {
            identity,
            steps,
            lanes: Lanes::new(&current),
            current,
            counters: Counters::default(),
        }))
    }

    /// Answers a question within its deadline.
    pub async fn answer(&self, event: &RouteEvent<'_>) -> Answer {
        self.counters.add(Count::Questions, 1);
        let deciding = timeout(
            Duration::from_millis(event.deadline_ms.into()),
            self.decide(event),
        );
        let answer = deciding.await.unwrap_or_else(|_| {
            self.counters.add(Count::TooLate, 1);
            Answer::Unable {
                id: event.id,
                reason: "not decided before the deadline".to_owned(),
            }
        });
        self.counters.answer(&answer);
        self.log(event, &answer);
        answer
    }

    async fn decide(&self, event: &RouteEvent<'_>) -> Answer {
        let setup = self.setup();
        let selection = match self.steps.as_slice() {
            [] => Some(setup.steps.for_event(event.step.as_deref())),
            steps => setup.steps.select(steps),
        };
        let Some(selection) = selection else {
            return Answer::Unable {
                id: event.id,
                reason: "the configuration has not the steps that are wanted any more".to_owned(),
            };
        };
        chain::decide(&setup, &selection, event, SystemTime::now()).await
    }

    fn log(&self, event: &RouteEvent<'_>, answer: &Answer) {
        match answer {
            Answer::Document(document) => {
                debug!(id = %event.id, call = %event.call, uri = %event.request.uri,
                    action = ?chain::kind(document), tags = ?document.tags, "decided");
            }
            Answer::Unable { reason, .. } => {
                warn!(id = %event.id, call = %event.call, reason, "not decided");
            }
        }
    }

    pub(crate) fn take_notification(
        &self,
        call: &str,
        message: Bytes,
    ) -> oneshot::Receiver<Outcome> {
        self.counters.add(Count::Notifications, 1);
        self.lanes.take(call, message)
    }

    pub(crate) fn count_notification(&self, outcome: Outcome) {
        self.counters.add(
            match outcome {
                Outcome::Done => Count::Acks,
                Outcome::Failed => Count::NotificationsFailed,
                Outcome::Unreadable => Count::BadMessages,
            },
            1,
        );
    }

    pub(crate) fn setup(&self) -> Arc<Setup> {
        Arc::clone(&self.current.borrow().setup)
    }

    pub(crate) fn changes(&self) -> watch::Receiver<Current> {
        self.current.clone()
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.identity.token.as_deref()
    }

    /// The first message; with the secret towards a proxy that was dialled.
    pub(crate) fn hello(&self, shows_token: bool) -> Vec<u8> {
        let subscribe = self.setup().subscribes().iter();
        let token = self.identity.token.as_deref().filter(|_| shows_token);
        chain::json(&FromApplication::Hello(Hello {
            version: VERSION.into(),
            name: self.identity.name.as_str().into(),
            token: token.map(Into::into),
            release: Some(env!("CARGO_PKG_VERSION").into()),
            max_in_flight: Some(self.identity.max_in_flight),
            subscribe: subscribe.map(|kind| kind.name().into()).collect(),
        }))
    }

    /// Whether it can decide by what the files say.
    #[must_use]
    pub fn health(&self) -> Value {
        let current = self.current.borrow();
        match &current.problem {
            None => json!({"status": "ok"}),
            Some(problem) => json!({
                "status": "old data",
                "problem": problem.to_string(),
            }),
        }
    }

    /// What is loaded.
    #[must_use]
    pub fn data(&self) -> Value {
        self.setup().summary()
    }

    /// What happened since the start.
    #[must_use]
    pub fn counters(&self) -> Value {
        self.counters.report()
    }

    /// Gives up reservations of calls of which nothing more is heard, for ever.
    pub async fn sweep(self: Arc<Self>) {
        loop {
            let setup = self.setup();
            let Some(prepaid) = &setup.prepaid else {
                sleep(NOTHING_TO_SWEEP).await;
                continue;
            };
            match prepaid.sweep().await {
                Ok(0) => {}
                Ok(count) => {
                    self.counters.add(Count::Swept, count);
                    info!(
                        count,
                        "reservations of calls that were not heard of are given up"
                    );
                }
                Err(error) => warn!(%error, "reservations can't be swept"),
            }
            sleep(prepaid.sweep_interval()).await;
        }
    }
}
