//! What happened to calls, taken in order for each call and acknowledged when it is done.

use std::hash::BuildHasher;
use std::hash::RandomState;
use std::sync::Arc;

use bytes::Bytes;
use tidegate_schemas::FromProxy;
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use crate::application::Application;

/// Calls are spread over so many lanes; in one lane there is one notification at a time.
const LANES: usize = 16;
/// More than this wait in no lane. What finds no place is not acknowledged, and so is sent again.
const WAITING: usize = 1000;

/// A notification and who waits for it to be done.
struct Job {
    message: Bytes,
    done: oneshot::Sender<Outcome>,
}

/// What became of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is done.
    Done,
    /// It could not be done, and has to be sent again.
    Failed,
    /// It can't be read.
    Unreadable,
}

#[derive(Debug)]
pub(crate) struct Lanes {
    lanes: Vec<mpsc::Sender<Job>>,
    hasher: RandomState,
}

impl Lanes {
    pub(crate) fn new(application: &Arc<impl Application>) -> Self {
        let lane = |_| {
            let (sender, jobs) = mpsc::channel(WAITING);
            tokio::spawn(work(jobs, Arc::clone(application)));
            sender
        };
        Self {
            lanes: (0..LANES).map(lane).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Takes a notification about `call`; those about one call are done in the order in which they
    /// were taken.
    pub(crate) fn take(&self, call: &str, message: Bytes) -> oneshot::Receiver<Outcome> {
        let (done, outcome) = oneshot::channel();
        let lane = self.hasher.hash_one(call) % LANES as u64;
        let lane = usize::try_from(lane)
            .ok()
            .and_then(|lane| self.lanes.get(lane));
        if let Some(lane) = lane {
            // Without a place the sender is dropped, which says that it failed.
            let _ = lane.try_send(Job { message, done });
        }
        outcome
    }
}

async fn work(mut jobs: mpsc::Receiver<Job>, application: Arc<impl Application>) {
    while let Some(job) = jobs.recv().await {
        let outcome = match serde_json::from_slice(&job.message) {
            Ok(FromProxy::Call(event)) => match application.notified(&event).await {
                Ok(()) => Outcome::Done,
                Err(error) => {
                    warn!(call = %event.call, event = event.event.name(), %error,
                        "a notification is left to be sent again");
                    Outcome::Failed
                }
            },
            Ok(_) => Outcome::Unreadable,
            Err(error) => {
                warn!(%error, "a notification can't be read");
                Outcome::Unreadable
            }
        };
        let _ = job.done.send(outcome);
    }
}
