//! Notifications, each after the one before it about the same call.

use std::hash::BuildHasher;
use std::sync::Arc;

use bytes::Bytes;
use foldhash::fast::FixedState;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Outcomes;
use super::exchange::{Exchange, Notification};

/// Notifications that are under way at once. All that is about one call takes the same lane.
const LANES: usize = 16;

/// Notifications that wait in one lane: as many as the notifier sends ahead.
const WAITING: usize = 256;

/// Sends notifications. One that finds no room comes again, since it is not acknowledged.
pub(crate) struct Lanes {
    exchange: Arc<Exchange>,
    outcomes: Outcomes,
    lanes: Vec<mpsc::Sender<Notification>>,
    tasks: JoinSet<()>,
}

impl Lanes {
    pub(crate) fn new(exchange: Arc<Exchange>, outcomes: Outcomes) -> Self {
        Self {
            exchange,
            outcomes,
            lanes: Vec::new(),
            tasks: JoinSet::new(),
        }
    }

    pub(crate) fn send(&mut self, body: Bytes) {
        if self.lanes.is_empty() {
            self.open();
        }
        let notification = Notification::new(body);
        let hash = FixedState::default().hash_one(&notification.call);
        let lane = usize::try_from(hash).unwrap_or_default() % LANES;
        let lane = self.lanes.get(lane);
        if lane.is_some_and(|lane| lane.try_send(notification).is_err()) {
            self.exchange.counters().notices_dropped.add();
        }
    }

    fn open(&mut self) {
        for _ in 0..LANES {
            let (lane, waiting) = mpsc::channel(WAITING);
            let exchange = Arc::clone(&self.exchange);
            let outcomes = self.outcomes.clone();
            self.tasks.spawn(run(exchange, outcomes, waiting));
            self.lanes.push(lane);
        }
    }
}

/// One that was not taken holds back the later ones, which would overtake it: it comes again, and
/// they after it.
async fn run(
    exchange: Arc<Exchange>,
    outcomes: Outcomes,
    mut waiting: mpsc::Receiver<Notification>,
) {
    let mut missed: Option<(Box<str>, Instant)> = None;
    while let Some(notification) = waiting.recv().await {
        let holds =
            |(id, until): &(Box<str>, Instant)| **id != *notification.id && Instant::now() < *until;
        if missed.as_ref().is_some_and(holds) {
            continue;
        }
        missed = match exchange.notify(&notification, &outcomes).await {
            true => None,
            false => Some((notification.id, Instant::now() + exchange.comes_again())),
        };
    }
}
