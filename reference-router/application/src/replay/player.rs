//! The application that answers as it was recorded.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tidegate_schemas::RouteEvent;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::error;

use super::recorded::{Decision, Recorded};
use super::summary::Summary;
use crate::{Answer, Application, Identity};

/// Answers questions as it was recorded. What has no record is answered with the error `no_record`,
/// logged and counted.
#[derive(Debug)]
pub struct Player {
    identity: Identity,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    recorded: Recorded,
    unmatched: Summary,
    last_question: Option<Instant>,
}

impl Player {
    /// Plays these decisions under this identity.
    #[must_use]
    pub fn new(identity: Identity, recorded: Recorded) -> Self {
        Self {
            identity,
            state: Mutex::new(State {
                recorded,
                unmatched: Summary::default(),
                last_question: None,
            }),
        }
    }

    /// What it came to so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let state = self.state();
        Summary {
            unmatched: state.unmatched.unmatched,
            failures: state.unmatched.failures.clone(),
            ..state.recorded.summary()
        }
    }

    /// Waits until no question has come for so long, after the first.
    pub async fn idle(&self, patience: Duration) {
        loop {
            let last = self.state().last_question;
            let until = last.map(|last| last + patience);
            match until {
                Some(until) if until <= Instant::now() => return,
                Some(until) => sleep_until(until).await,
                None => sleep(patience.min(Duration::from_millis(50))).await,
            }
        }
    }

    fn decide(&self, event: &RouteEvent<'_>) -> Result<Decision, String> {
        let mut state = self.state();
        state.last_question = Some(Instant::now());
        state.recorded.decide(event).map_err(|miss| {
            let message = miss.to_string();
            state.unmatched.add_failure(message.clone());
            message
        })
    }

    /// Nothing that holds the lock panics half-way.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Application for Player {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    async fn answer(&self, event: &RouteEvent<'_>) -> Answer {
        match self.decide(event) {
            Ok(Decision::Document(document)) => Answer::Document(document),
            Ok(Decision::Unavailable) => {
                Answer::unable("no application could answer when this was recorded")
            }
            Ok(Decision::Silence) => {
                sleep(Duration::from_millis(event.deadline_ms.into())).await;
                Answer::unable("there was no answer in time when this was recorded")
            }
            Err(message) => {
                error!(id = %event.id, call = %event.call, "unmatched: {message}");
                Answer::Unable {
                    code: "no_record".into(),
                    reason: message,
                }
            }
        }
    }

    fn page(&self, path: &str) -> Option<Value> {
        match path {
            "/counters" => serde_json::to_value(self.summary()).ok(),
            _ => None,
        }
    }
}
