//! What arrives at one of those who take part, and waiting for it.

use std::fmt;
use std::io;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::trace::{Actor, Trace};

/// How long something that must happen may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Messages that wait for the script.
pub(super) const ROOM: usize = 256;

/// What did not happen although it had to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing(pub(super) String);

/// A step of a call.
pub(super) type Step<T = ()> = Result<T, Missing>;

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<io::Error> for Missing {
    fn from(error: io::Error) -> Self {
        Self(format!("a socket failed: {error}"))
    }
}

/// Something that arrived, and its number in the trace.
#[derive(Debug)]
pub(super) struct Arrival<T> {
    pub(super) number: usize,
    pub(super) value: T,
}

/// Takes arrivals in the order in which the script wants them.
#[derive(Debug)]
pub(super) struct Mailbox<T> {
    owner: Actor,
    trace: Trace,
    arrivals: mpsc::Receiver<Arrival<T>>,
    waiting: Vec<Arrival<T>>,
}

impl<T> Mailbox<T> {
    pub(super) fn new(owner: Actor, trace: Trace) -> (Self, mpsc::Sender<Arrival<T>>) {
        let (sender, arrivals) = mpsc::channel(ROOM);
        let mailbox = Self {
            owner,
            trace,
            arrivals,
            waiting: Vec::new(),
        };
        (mailbox, sender)
    }

    /// The first arrival that `fits`, which `what` describes. Others are kept for later.
    pub(super) async fn expect(&mut self, what: &str, fits: impl Fn(&T) -> bool) -> Step<T> {
        if let Some(at) = self.waiting.iter().position(|kept| fits(&kept.value)) {
            let kept = self.waiting.remove(at);
            return Ok(self.claim(kept));
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            match timeout_at(deadline, self.arrivals.recv()).await {
                Ok(Some(arrival)) if fits(&arrival.value) => return Ok(self.claim(arrival)),
                Ok(Some(arrival)) => self.waiting.push(arrival),
                Ok(None) | Err(_) => return Err(self.missing(what)),
            }
        }
    }

    /// Completes when nothing can arrive any more.
    pub(super) async fn closed(&mut self) {
        let drained = async { while self.arrivals.recv().await.is_some() {} };
        let _ = timeout(PATIENCE, drained).await;
    }

    fn claim(&self, arrival: Arrival<T>) -> T {
        self.trace.claim(arrival.number);
        arrival.value
    }

    fn missing(&self, what: &str) -> Missing {
        Missing(format!("{} did not get {what}", self.owner))
    }
}
