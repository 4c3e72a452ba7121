//! Reads a recording beside the questions, a little ahead of them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use routing_api_client::{Entry, LineError, Recording, RecordingError};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

/// Lines that are read ahead.
const AHEAD: usize = 1024;

/// The lines of a recording.
#[derive(Debug)]
pub(crate) struct Source {
    lines: mpsc::Receiver<Result<Entry, LineError>>,
    /// The warnings, when all is read.
    reader: Option<JoinHandle<Vec<String>>>,
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

impl Source {
    /// Begins to read, on a thread of its own.
    pub(crate) fn open(files: &[PathBuf]) -> Result<Self, RecordingError> {
        let mut recording = Recording::open_all(files)?;
        let total = recording.total_bytes();
        let (sender, lines) = mpsc::channel(AHEAD);
        let read = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&read);
        let reader = spawn_blocking(move || {
            while let Some(line) = recording.next() {
                counter.store(recording.bytes_read(), Ordering::Relaxed);
                if sender.blocking_send(line).is_err() {
                    break;
                }
            }
            recording.warnings().to_vec()
        });
        Ok(Self {
            lines,
            reader: Some(reader),
            read,
            total,
        })
    }

    /// The next line; nothing at the end. May be given up and called again.
    pub(super) async fn next(&mut self) -> Option<Result<Entry, LineError>> {
        self.lines.recv().await
    }

    /// What was passed over. Reading ends with that.
    pub(super) async fn finish(&mut self) -> Vec<String> {
        self.lines.close();
        while self.lines.try_recv().is_ok() {}
        match self.reader.take() {
            Some(reader) => reader.await.unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// Bytes read, and how many there are, where that is known.
    pub(super) fn progress(&self) -> (u64, Option<u64>) {
        (self.read.load(Ordering::Relaxed), self.total)
    }
}
