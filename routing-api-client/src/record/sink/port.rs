//! What is known of a sink from outside.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;

use super::Queue;

/// How often a failure that lasts is logged.
const REMIND: Duration = Duration::from_secs(60);

/// A sink's queue, counters and state.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) name: &'static str,
    pub(crate) queue: Queue,
    written: AtomicU64,
    errors: AtomicU64,
    renewed: AtomicU64,
    /// Lines that were taken and are not written, and bytes of them.
    held: [AtomicUsize; 2],
    /// Lines that were taken and could not be written before the end.
    left: AtomicU64,
    trouble: Mutex<Option<Trouble>>,
}

#[derive(Debug)]
struct Trouble {
    since: SystemTime,
    why: String,
    logged: Instant,
}

/// What became of the lines for one sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkState {
    /// `file` or `redis`.
    pub name: &'static str,
    /// Since when it fails; nothing while it works.
    pub failing_since: Option<SystemTime>,
    /// Why it fails.
    pub error: Option<String>,
    /// Lines that wait.
    pub waiting: usize,
    /// Bytes of them.
    pub waiting_bytes: usize,
    /// Lines that were written.
    pub written: u64,
    /// Lines that were given up.
    pub dropped: u64,
    /// Attempts that failed.
    pub errors: u64,
    /// Rotations of a file; connections to a Redis after the first.
    pub renewed: u64,
}

impl Port {
    pub(crate) fn new(name: &'static str, queue: Queue) -> Self {
        Self {
            name,
            queue,
            written: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            renewed: AtomicU64::new(0),
            held: Default::default(),
            left: AtomicU64::new(0),
            trouble: Mutex::new(None),
        }
    }

    pub(crate) fn state(&self) -> SinkState {
        let (queued, queued_bytes) = self.queue.size();
        let [held, held_bytes] = self.held.each_ref().map(|it| it.load(Ordering::Relaxed));
        let trouble = self.trouble();
        SinkState {
            name: self.name,
            failing_since: trouble.as_ref().map(|trouble| trouble.since),
            error: trouble.as_ref().map(|trouble| trouble.why.clone()),
            waiting: queued + held,
            waiting_bytes: queued_bytes + held_bytes,
            written: self.written.load(Ordering::Relaxed),
            dropped: self.dropped(),
            errors: self.errors.load(Ordering::Relaxed),
            renewed: self.renewed.load(Ordering::Relaxed),
        }
    }

    /// Lines that were given up.
    pub(crate) fn dropped(&self) -> u64 {
        self.queue.dropped() + self.left.load(Ordering::Relaxed)
    }

    /// Notes what the sink has taken and not written.
    pub(super) fn hold(&self, batch: &VecDeque<Bytes>) {
        let bytes = batch.iter().map(Bytes::len).sum();
        for (held, now) in self.held.iter().zip([batch.len(), bytes]) {
            held.store(now, Ordering::Relaxed);
        }
    }

    pub(crate) fn count_written(&self, lines: usize) {
        self.written.fetch_add(lines as u64, Ordering::Relaxed);
    }

    /// Counts a rotation, or a connection.
    pub(crate) fn count_renewed(&self) {
        self.renewed.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a failure that holds up nothing.
    pub(crate) fn count_error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_success(&self) {
        if self.trouble().take().is_some() {
            let dropped = self.dropped();
            tracing::info!(sink = self.name, dropped, "the recording goes on");
        }
    }

    pub(super) fn note_failure(&self, why: String) {
        self.count_error();
        let mut trouble = self.trouble();
        let due = |trouble: &Trouble| trouble.logged.elapsed() >= REMIND;
        let log = trouble.as_ref().is_none_or(due);
        let known = trouble.take();
        let now = Instant::now();
        let trouble = trouble.insert(Trouble {
            since: known.as_ref().map_or_else(SystemTime::now, |it| it.since),
            logged: known.filter(|_| !log).map_or(now, |it| it.logged),
            why,
        });
        if log {
            let (sink, dropped) = (self.name, self.dropped());
            let error = &*trouble.why;
            tracing::warn!(
                sink,
                error,
                dropped,
                "decisions can't be recorded; no call waits for it"
            );
        }
    }

    /// Counts what is left as dropped.
    pub(super) fn close(&self, batch: usize) {
        let (waiting, _) = self.queue.size();
        self.left.fetch_add(batch as u64, Ordering::Relaxed);
        self.hold(&VecDeque::new());
        self.queue.give_up();
        let lost = batch + waiting;
        if lost > 0 {
            tracing::warn!(
                sink = self.name,
                lost,
                "decisions could not be recorded before the end"
            );
        }
    }

    fn trouble(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
