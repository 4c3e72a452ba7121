//! HTTP: a question is a request, its answer the response.
//!
//! Seen from the session, this is a channel like any other: `hello` and `ping` are requests whose
//! success stands for the `hello` and `pong` of the application, unless it has a message of its own
//! in the response.

mod exchange;
mod fresh;
mod lanes;
mod names;
mod request;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use tidegate_schemas::ConsultationId;
use tidegate_schemas::frame::Framing;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::Ended;
use super::channel::{Arrival, Channel, Receive, Transmit};
use crate::outgoing::{About, Batch};
pub(crate) use exchange::Exchange;
pub(crate) use fresh::watched;
use lanes::Lanes;
pub(crate) use request::innermost;

/// Arrivals that wait for the session.
const WAITING: usize = 1024;

/// Requests at once that are no questions.
const OTHERS: usize = 64;

/// An application that is asked by HTTP.
pub(crate) struct Http(pub(crate) Arc<Exchange>);

/// What a request came to.
pub(crate) enum Outcome {
    /// What the session gets of it.
    Arrived(Arrival),
    /// The application accepted the request: it lives.
    Alive,
    /// The application can't be used.
    Over(Ended),
}

pub(crate) type Outcomes = mpsc::Sender<Outcome>;

impl Channel for Http {
    type Receiver = Receiver;
    type Sender = Sender;
    const FRAMING: Option<Framing> = Some(Framing::Raw);
    const MARKED: bool = true;
    /// Each question may need a connection.
    const CREDIT: Option<u32> = Some(1000);

    fn open(self, _: Option<Framing>, _: usize) -> (Receiver, Sender) {
        let (outcomes, arriving) = mpsc::channel(WAITING);
        let receiver = Receiver {
            outcomes: arriving,
            arrived: VecDeque::new(),
            heard: false,
        };
        let sender = Sender {
            lanes: Lanes::new(Arc::clone(&self.0), outcomes.clone()),
            exchange: self.0,
            outcomes,
            questions: JoinSet::new(),
            asked: HashMap::new(),
            others: JoinSet::new(),
        };
        (receiver, sender)
    }
}

pub(crate) struct Receiver {
    outcomes: mpsc::Receiver<Outcome>,
    arrived: VecDeque<Arrival>,
    heard: bool,
}

impl Receiver {
    fn take(&mut self, outcome: Outcome) -> Result<(), Ended> {
        match outcome {
            Outcome::Arrived(arrival) => self.arrived.push_back(arrival),
            Outcome::Alive => self.heard = true,
            Outcome::Over(ended) => return Err(ended),
        }
        Ok(())
    }
}

impl Receive for Receiver {
    const CONNECTED: bool = false;

    async fn fill(&mut self) -> Result<(), Ended> {
        let outcome = self.outcomes.recv().await.ok_or(Ended::Closed)?;
        self.take(outcome)
    }

    fn next(&mut self) -> Result<Option<Arrival>, Ended> {
        while self.arrived.is_empty() {
            let Ok(outcome) = self.outcomes.try_recv() else {
                return Ok(None);
            };
            self.take(outcome)?;
        }
        Ok(self.arrived.pop_front())
    }

    fn heard(&mut self) -> bool {
        std::mem::take(&mut self.heard)
    }

    fn framing(&self) -> Option<Framing> {
        Some(Framing::Raw)
    }
}

/// Starts requests, and ends those whose answers are of no use any more. When it is dropped, all
/// of them end.
pub(crate) struct Sender {
    exchange: Arc<Exchange>,
    outcomes: Outcomes,
    questions: JoinSet<ConsultationId>,
    asked: HashMap<ConsultationId, AbortHandle>,
    others: JoinSet<()>,
    lanes: Lanes,
}

impl Sender {
    fn start(&mut self, about: About, body: Bytes) {
        let exchange = Arc::clone(&self.exchange);
        let outcomes = self.outcomes.clone();
        match about {
            About::Question(id, limit_ms) => {
                let work = async move { exchange.ask(id, limit_ms, body, &outcomes).await };
                let task = self.questions.spawn(async move {
                    work.await;
                    id
                });
                self.asked.insert(id, task);
            }
            About::Cancelled(id) => {
                if let Some(task) = self.asked.remove(&id) {
                    task.abort();
                }
            }
            About::Call => self.lanes.send(body),
            _ if self.others.len() >= OTHERS => exchange.counters().notices_dropped.add(),
            about => {
                self.others
                    .spawn(async move { exchange.tell(about, body, &outcomes).await });
            }
        }
    }

    /// Forgets the requests that are over.
    fn reap(&mut self) {
        while let Some(ended) = self.questions.try_join_next_with_id() {
            let Ok((task, id)) = ended else { continue };
            if self.asked.get(&id).is_some_and(|known| known.id() == task) {
                self.asked.remove(&id);
            }
        }
        while self.others.try_join_next().is_some() {}
    }
}

impl Transmit for Sender {
    async fn send(&mut self, batch: &mut Batch) -> Result<(), Ended> {
        self.reap();
        while let Some((about, message)) = batch.marked() {
            let body = Bytes::copy_from_slice(message);
            self.start(about, body);
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Ended> {
        Ok(())
    }

    /// Last words are said, answers are not waited for.
    async fn close(&mut self) {
        self.questions.abort_all();
        while self.others.join_next().await.is_some() {}
    }
}
