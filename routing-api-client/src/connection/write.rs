//! The outgoing buffer onto a byte stream.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Duration, timeout};

use super::Ended;
use crate::application::Application;

/// A buffer that a burst made larger than this is not kept.
const KEEP: usize = 256 * 1024;
/// Time for the last words on a connection that is closed.
const LAST_WORDS: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) struct Writer<W> {
    half: W,
    application: Arc<Application>,
    chunk: Vec<u8>,
    written: usize,
    timeout: Duration,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    pub(crate) fn new(half: W, application: Arc<Application>, timeout: Duration) -> Self {
        Self {
            half,
            application,
            chunk: Vec::new(),
            written: 0,
            timeout,
        }
    }

    /// Writes whatever is pushed, all that waits with one write.
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
            if self.write_chunk().await.is_ok() && self.write_pending().await.is_ok() {
                let _ = self.half.shutdown().await;
            }
        };
        let _ = timeout(LAST_WORDS, last).await;
    }

    async fn write_pending(&mut self) -> Result<(), Ended> {
        while self.refill() {
            self.write_chunk().await?;
        }
        Ok(())
    }

    fn refill(&mut self) -> bool {
        if self.chunk.capacity() > KEEP {
            self.chunk = Vec::new();
        }
        self.chunk.clear();
        self.written = 0;
        self.application.outgoing.take(&mut self.chunk);
        !self.chunk.is_empty()
    }

    /// Can be dropped between two writes and called again.
    async fn write_chunk(&mut self) -> Result<(), Ended> {
        while let Some(rest) = self.chunk.get(self.written..).filter(|r| !r.is_empty()) {
            match timeout(self.timeout, self.half.write(rest)).await {
                Err(_) => return Err(Ended::Stalled),
                Ok(Ok(0)) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(written) => self.written += written?,
            }
        }
        Ok(())
    }
}
