//! The outgoing buffer onto a channel.

use std::sync::Arc;

use tokio::time::{Duration, timeout};

use super::Ended;
use super::channel::Transmit;
use crate::application::Application;
use crate::outgoing::Batch;

/// Time for the last words on a connection that is closed.
const LAST_WORDS: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) struct Writer<S> {
    sender: S,
    application: Arc<Application>,
    batch: Batch,
    timeout: Duration,
}

impl<S: Transmit> Writer<S> {
    pub(crate) fn new(sender: S, application: Arc<Application>, timeout: Duration) -> Self {
        Self {
            sender,
            application,
            batch: Batch::default(),
            timeout,
        }
    }

    /// Writes whatever is pushed, all that waits in one go.
    pub(crate) async fn run(&mut self) -> Ended {
        loop {
            self.application.outgoing.pushed().await;
            if let Err(ended) = self.write_pending().await {
                return ended;
            }
        }
    }

    /// Writes what is left, and closes.
    pub(crate) async fn finish(&mut self) {
        let last = async {
            if self.write_batch().await.is_ok() && self.write_pending().await.is_ok() {
                self.sender.close().await;
            }
        };
        let _ = timeout(LAST_WORDS, last).await;
    }

    async fn write_pending(&mut self) -> Result<(), Ended> {
        while self.refill() {
            self.write_batch().await?;
        }
        Ok(())
    }

    fn refill(&mut self) -> bool {
        self.application.outgoing.take(&mut self.batch);
        !self.batch.is_done()
    }

    /// Can be dropped between two writes and called again.
    async fn write_batch(&mut self) -> Result<(), Ended> {
        while !self.batch.is_done() {
            in_time(self.timeout, self.sender.send(&mut self.batch)).await?;
        }
        in_time(self.timeout, self.sender.flush()).await
    }
}

async fn in_time(
    limit: Duration,
    work: impl Future<Output = Result<(), Ended>>,
) -> Result<(), Ended> {
    timeout(limit, work).await.unwrap_or(Err(Ended::Stalled))
}
