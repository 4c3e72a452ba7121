//! Where lines go. Each sink has a thread and a bounded queue of its own, so that one that hangs or
//! is down delays nobody else.

mod port;
mod queue;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

pub(super) use port::Port;
pub use port::SinkState;
pub(super) use queue::Queue;

/// How long a sink without lines waits until it looks after itself.
const IDLE: Duration = Duration::from_secs(1);

/// Between two attempts of a sink that fails; doubled after each.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Takes lines to where they are kept.
pub(super) trait Sink: Send + 'static {
    /// Bytes of one batch.
    const BATCH: usize;

    /// Writes lines from the front, and takes away those that are written. Without any it looks
    /// after itself.
    ///
    /// What it leaves after a failure is tried again.
    fn write(&mut self, lines: &mut VecDeque<Bytes>, port: &Port) -> Result<(), String>;
}

/// Works until the queue is closed, and empty or out of time.
pub(super) fn drive<S: Sink>(mut sink: S, port: &Port) {
    let mut batch = VecDeque::new();
    let mut pause = PAUSES.0;
    loop {
        if batch.is_empty() {
            port.queue.take(S::BATCH, IDLE, &mut batch);
            port.hold(&batch);
        }
        let before = batch.len();
        let outcome = sink.write(&mut batch, port);
        port.hold(&batch);
        port.count_written(before - batch.len());
        match outcome {
            Ok(()) => {
                pause = PAUSES.0;
                port.note_success();
            }
            Err(why) => {
                port.note_failure(why);
                port.queue.pause(pause);
                pause = PAUSES.1.min(pause * 2);
            }
        }
        if port.queue.is_late() || (batch.is_empty() && port.queue.is_over()) {
            port.close(batch.len());
            return;
        }
    }
}

#[cfg(test)]
mod tests;
