//! Writes queued messages, as many with one system call as there are.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::time::Duration;

use smallvec::SmallVec;
use tokio::net::tcp::WriteHalf;
use tokio::time::{Instant, timeout};

use super::connection::Activity;
use super::counters::StreamCounters;
use super::queue::{Outgoing, Receiver};
use super::recent::Recent;

/// Messages in one system call.
const BATCH: usize = 64;

/// What is on its way to the peer.
#[derive(Debug)]
pub(super) struct Writer {
    unsent: VecDeque<Outgoing>,
    /// Bytes of the first message that are written.
    written: usize,
    recent: Recent,
    patience: Duration,
}

impl Writer {
    /// A writer that waits for the peer no longer than `patience`.
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            unsent: VecDeque::new(),
            written: 0,
            recent: Recent::default(),
            patience,
        }
    }

    pub(super) fn extend(&mut self, batch: &mut Vec<Outgoing>) {
        self.unsent.extend(batch.drain(..));
    }

    /// Writes everything. `TimedOut`: the peer takes nothing.
    pub(super) async fn write(
        &mut self,
        stream: &WriteHalf<'_>,
        receiver: &Receiver,
        activity: &Activity,
        counters: &StreamCounters,
    ) -> io::Result<()> {
        while !self.unsent.is_empty() {
            let written = stream.try_write_vectored(&self.slices());
            match written {
                Ok(count) => {
                    let now = Instant::now();
                    activity.wrote(now);
                    self.advance(count, now, receiver, counters);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    timeout(self.patience, stream.writable()).await??;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What was not written whole.
    pub(super) fn take_unsent(&mut self) -> Vec<Outgoing> {
        self.unsent.drain(..).collect()
    }

    /// Requests that were written after `since` and may have died with the connection.
    pub(super) fn unanswered(&mut self, since: Option<Instant>) -> Vec<Outgoing> {
        self.recent.after(Instant::now(), since)
    }

    fn slices(&self) -> SmallVec<[IoSlice<'_>; BATCH]> {
        let mut skip = self.written;
        let rest = |message| {
            let bytes: &Outgoing = message;
            IoSlice::new(bytes.bytes.get(std::mem::take(&mut skip)..).unwrap_or(&[]))
        };
        self.unsent.iter().take(BATCH).map(rest).collect()
    }

    fn advance(
        &mut self,
        count: usize,
        now: Instant,
        receiver: &Receiver,
        counters: &StreamCounters,
    ) {
        self.written += count;
        while let Some(first) = self.unsent.front() {
            let length = first.bytes.len();
            if self.written < length {
                break;
            }
            self.written -= length;
            receiver.done(length);
            counters.sent.add(1);
            if let Some(message) = self.unsent.pop_front() {
                self.recent.wrote(now, message);
            }
        }
    }
}
