//! What all channels share: the configuration that is in force, notifications and counters.

use std::future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use routing_application::{Answer, Application, Happening, Identity, NotDone};
use serde_json::{Value, json};
use tidegate_schemas::RouteEvent;
use tidegate_schemas::call::{CallEvent, CallEventKind};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use crate::chain;
use crate::counters::{Count, Counters};
use crate::setup::Setup;
use crate::store::StoreError;
use crate::watch::Current;

/// A pause where there is nothing to sweep.
const NOTHING_TO_SWEEP: Duration = Duration::from_secs(10);

/// Answers questions and takes notifications, whatever channel they came over.
#[derive(Debug)]
pub struct Service {
    identity: Identity,
    steps: Vec<String>,
    current: watch::Receiver<Current>,
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
            current,
            counters: Counters::default(),
        }))
    }

    /// Answers a question within its deadline.
    async fn answer_in_time(&self, event: &RouteEvent<'_>) -> Answer {
        self.counters.add(Count::Questions, 1);
        let deciding = timeout(
            Duration::from_millis(event.deadline_ms.into()),
            self.decide(event),
        );
        let answer = deciding.await.unwrap_or_else(|_| {
            self.counters.add(Count::TooLate, 1);
            Answer::unable("not decided before the deadline")
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
            return Answer::unable("the configuration has not the steps that are wanted any more");
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

    pub(crate) fn setup(&self) -> Arc<Setup> {
        Arc::clone(&self.current.borrow().setup)
    }

    /// Whether it can decide by what the files say.
    fn health(&self) -> Value {
        let current = self.current.borrow();
        match &current.problem {
            None => json!({"status": "ok"}),
            Some(problem) => json!({
                "status": "old data",
                "problem": problem.to_string(),
            }),
        }
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

impl Application for Service {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    async fn answer(&self, event: &RouteEvent<'_>) -> Answer {
        self.answer_in_time(event).await
    }

    fn subscribes(&self) -> Vec<CallEventKind> {
        self.setup().subscribes().to_vec()
    }

    fn resubscribes(&self) -> impl Future<Output = ()> + Send {
        let before = self.setup().subscribes();
        let mut current = self.current.clone();
        async move {
            while current.changed().await.is_ok() {
                if current.borrow_and_update().setup.subscribes() != before {
                    return;
                }
            }
            future::pending().await
        }
    }

    async fn notified(&self, event: &CallEvent<'_>) -> Result<(), NotDone> {
        let setup = self.setup();
        if let Some(prepaid) = &setup.prepaid {
            prepaid
                .notify(event)
                .await
                .map_err(|error| not_done(&error))?;
        }
        if let Some(lcr) = &setup.lcr {
            lcr.notify(event).await.map_err(|error| not_done(&error))?;
        }
        Ok(())
    }

    fn happened(&self, what: Happening) {
        self.counters.happened(what);
    }

    fn page(&self, path: &str) -> Option<Value> {
        match path {
            "/health" => Some(self.health()),
            "/data" => Some(self.setup().summary()),
            "/counters" => Some(self.counters.report()),
            _ => None,
        }
    }
}

fn not_done(error: &StoreError) -> NotDone {
    NotDone(error.to_string())
}
