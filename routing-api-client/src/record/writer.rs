//! The thread between the shards' spools and the sinks.

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::file::{FileSettings, Files};
use super::mask::Masks;
use super::redis::{RedisSettings, Stream};
use super::sink::{Port, Queue, Sink, SinkState, drive};
use super::spool::{Spool, SpoolStats};

/// How often the spools are emptied. They are looked at earlier when one is half full.
const FLUSH: Duration = Duration::from_millis(200);

/// How often it is logged that lines are dropped.
const COMPLAIN: Duration = Duration::from_secs(10);

/// Where lines go, and what is taken out of them first.
#[derive(Debug, Default)]
pub struct RecorderSettings {
    /// What is not written.
    pub masks: Masks,
    /// The file, if there is one.
    pub file: Option<FileSettings>,
    /// The Redis Stream, if there is one.
    pub redis: Option<RedisSettings>,
}

/// Takes the lines of all shards to where they are kept. No shard waits for it.
#[derive(Debug)]
pub struct Recorder {
    state: Arc<State>,
    writer: Thread,
    /// Its other end is gone when all threads have ended.
    alive: Mutex<Receiver<Infallible>>,
}

/// What a recorder counted since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecorderStats {
    /// All spools together.
    pub spools: SpoolStats,
    /// Lines that could not be masked, and were not written.
    pub mask_failed: u64,
    /// The sinks.
    pub sinks: Vec<SinkState>,
}

#[derive(Debug)]
struct State {
    spools: Vec<Arc<Spool>>,
    masks: Masks,
    mask_failed: AtomicU64,
    ports: Vec<Arc<Port>>,
    end: Mutex<Option<Instant>>,
}

impl Recorder {
    /// Starts the threads. What can't be written yet is tried again until it can.
    ///
    /// # Errors
    /// The system gives no thread, or the URL of the Redis is none.
    pub fn start(settings: RecorderSettings, spools: Vec<Arc<Spool>>) -> io::Result<Self> {
        let (living, alive) = channel();
        let mut ports = Vec::new();
        if let Some(file) = settings.file {
            let queue = Queue::new(file.queue_bytes);
            ports.push(begin("file", queue, Files::new(file), living.clone())?);
        }
        if let Some(redis) = settings.redis {
            let queue = Queue::new(redis.queue_bytes);
            let stream = Stream::new(redis).map_err(io::Error::other)?;
            ports.push(begin("redis", queue, stream, living.clone())?);
        }
        let state = Arc::new(State {
            spools,
            masks: settings.masks,
            mask_failed: AtomicU64::new(0),
            ports,
            end: Mutex::new(None),
        });
        let shared = Arc::clone(&state);
        let work = move || shared.work(living);
        let writer = thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(work)?;
        let writer = writer.thread().clone();
        for spool in &state.spools {
            spool.set_writer(writer.clone());
        }
        Ok(Self {
            state,
            writer,
            alive: Mutex::new(alive),
        })
    }

    /// What was counted, and how the sinks are.
    #[must_use]
    pub fn stats(&self) -> RecorderStats {
        RecorderStats {
            spools: self.state.spools(),
            mask_failed: self.state.mask_failed.load(Ordering::Relaxed),
            sinks: self.state.ports.iter().map(|port| port.state()).collect(),
        }
    }

    /// Writes what is there, and ends. What a sink has not taken after `within` is given up.
    pub fn stop(&self, within: Duration) {
        let end = Instant::now() + within;
        *self
            .state
            .end
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(end);
        self.writer.unpark();
        let alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        // A sink notes the end of its time by itself, unless the system holds it.
        let patience = within + Duration::from_millis(200);
        if alive.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("a sink of the recording hangs, and is left behind");
        }
    }
}

impl State {
    fn work(&self, living: Sender<Infallible>) {
        let mut lines = vec![Vec::new(); self.spools.len()];
        let mut complaints = Complaints::new();
        loop {
            let end = *self.end.lock().unwrap_or_else(PoisonError::into_inner);
            for (spool, lines) in self.spools.iter().zip(&mut lines) {
                spool.drain(lines);
                self.hand_over(lines);
            }
            if let Some(end) = end {
                self.ports.iter().for_each(|port| port.queue.close(end));
                drop(living);
                return;
            }
            complaints.look(self);
            thread::park_timeout(FLUSH);
        }
    }

    fn hand_over(&self, lines: &[u8]) {
        if lines.is_empty() {
            return;
        }
        let lines = Bytes::copy_from_slice(lines);
        let mut masked = Vec::new();
        let mut failed = 0;
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &lines) {
            match self.masks.apply(&lines.slice(start..end)) {
                Some(line) => masked.push(line),
                None => failed += 1,
            }
            start = end + 1;
        }
        self.mask_failed.fetch_add(failed, Ordering::Relaxed);
        for port in &self.ports {
            port.queue.push(&masked);
        }
    }

    fn spools(&self) -> SpoolStats {
        let stats = self.spools.iter().map(|spool| spool.stats());
        stats.fold(SpoolStats::default(), |sum, one| SpoolStats {
            recorded: sum.recorded + one.recorded,
            dropped: sum.dropped + one.dropped,
            without_outcome: sum.without_outcome + one.without_outcome,
        })
    }
}

/// Says from time to time that lines are dropped.
struct Complaints {
    next: Instant,
    known: [u64; 3],
}

impl Complaints {
    fn new() -> Self {
        Self {
            next: Instant::now(),
            known: [0; 3],
        }
    }

    fn look(&mut self, state: &State) {
        if Instant::now() < self.next {
            return;
        }
        let dropped = state.ports.iter().map(|port| port.dropped());
        let found = [
            state.spools().dropped,
            state.mask_failed.load(Ordering::Relaxed),
            dropped.sum(),
        ];
        if found != self.known {
            let [spools, unmasked, sinks] = found;
            tracing::warn!(
                spools,
                unmasked,
                sinks,
                "decisions are not recorded: so many lines were dropped"
            );
            self.known = found;
            self.next = Instant::now() + COMPLAIN;
        }
    }
}

fn begin(
    name: &'static str,
    queue: Queue,
    sink: impl Sink,
    living: Sender<Infallible>,
) -> io::Result<Arc<Port>> {
    let port = Arc::new(Port::new(name, queue));
    let shared = Arc::clone(&port);
    let work = move || {
        drive(sink, &shared);
        drop(living);
    };
    thread::Builder::new()
        .name(format!("record-{name}"))
        .spawn(work)?;
    Ok(port)
}
